"""Progress on the screen: a callback for every long call."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class ProgressBar:
    """A progress bar per stage of a call; made by :func:`progress_bar`."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._stage: str | None = None
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows that `done` of `total` units of `stage` are done; `total` 0 stands for unknown."""
        if stage != self._stage or done < self._bar.n:
            self.close()
            self._stage, self._bar = stage, self._make(desc=stage, total=total or None)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the last bar."""
        if self._bar is not None:
            self._bar.close()
        self._stage, self._bar = None, None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Lines:
    """What stands in for a bar of tqdm where tqdm is not installed: one line per stage on standard error."""

    def __init__(self, desc: str, total: int | None) -> None:
        self.desc, self.total, self.n = desc, total, 0

    def update(self, units: int) -> None:
        self.n += units

    def close(self) -> None:
        of = f" of {self.total}" if self.total else ""
        print(f"{self.desc}: {self.n}{of}", file=sys.stderr)


def progress_bar() -> ProgressBar:
    """A progress bar to hand to any long call: tqdm's where tqdm is installed, else a line per stage.

    Returns
    -------
    ProgressBar
        A context manager that is called as ``progress(stage, done, total)``.

    Examples
    --------
    >>> with rf.progress_bar() as progress:
    ...     components = graph.components(progress=progress)
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return ProgressBar(_Lines)
    return ProgressBar(tqdm)
