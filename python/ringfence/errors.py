"""What can go wrong, sorted by what the caller can do about it.

Trouble with files is not here: it is the matching :class:`OSError`
(:class:`FileNotFoundError`, :class:`FileExistsError`, :class:`PermissionError`, …)
with ``errno``, ``strerror`` and ``filename``.
"""

from __future__ import annotations

from typing import Any


class RingfenceError(Exception):
    """The root: everything that Ringfence raises of its own.

    The message is a whole sentence for people; what programs need stands in attributes.
    """

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message)
        self.__dict__.update(details)

    def __str__(self) -> str:
        # KeyError would show its argument in quotes.
        return str(self.args[0]) if self.args else ""


class OptionError(RingfenceError, ValueError):
    """An option lies outside its range; nothing was computed."""

    name: str
    value: str
    allowed: str


class UnknownKeyError(RingfenceError, KeyError):
    """An account, transaction, identifier or currency that the graph does not hold."""

    place: str
    kind: str
    key: str


class InputError(RingfenceError, ValueError):
    """A file, frame, mapping or seed that cannot be used as a whole."""

    input: str


class RejectsError(InputError):
    """Too many rows were rejected; nothing was published."""

    rejected: int
    read: int
    first: str
    reject_file: str | None


class FormatError(RingfenceError):
    """Not a graph of Ringfence, or one of another format version."""

    path: str


class DamagedError(FormatError):
    """A file of the graph is not what was written: restore it, or build the graph again."""

    place: str


class LockedError(RingfenceError):
    """Another writer holds the graph; wait for it to end."""

    path: str
    holder: str


class CommitUnknownError(RingfenceError):
    """The last step of a publication failed, so that its outcome is unknown; nothing was deleted."""

    path: str
    generation: int


class LimitExceededError(RingfenceError):
    """A limit of the format or of this machine was met; the message names a remedy."""

    what: str
    found: int
    limit: int


class CancelledError(RingfenceError):
    """The call was stopped before its end; no partial result is kept."""


class UnprovedError(RingfenceError):
    """A result failed its own proof: a bug of Ringfence, and no result is given."""
