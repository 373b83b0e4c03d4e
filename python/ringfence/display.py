"""Case files in notebooks and as pictures: nothing is fetched, and no text of the data becomes markup."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Shown(Protocol):
    """What is asked of a case file."""

    def svg(self, picture: str) -> str: ...

    def html(self) -> str: ...

    def json(self) -> str: ...


#: Characters that act, or show nothing, instead of showing themselves.
_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_WORDS = {
    "en": {
        "columns": ["Currency", "Received from outside", "Paid to outside", "Kept", "Moved inside", "Traced"],
        "picture": "Picture of the accounts and transfers",
    },
    "zh": {
        "columns": ["币种", "从外部收到", "付给外部", "留存", "内部流转", "已追踪"],
        "picture": "账户与转账图",
    },
}


class Picture:
    """A picture of a case file: an SVG document that notebooks show, and that is saved as SVG or PNG.

    Examples
    --------
    >>> picture = rf.Picture('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "ring")
    >>> picture.save("ring.svg").name
    'ring.svg'
    """

    def __init__(self, svg: str, name: str = "picture") -> None:
        self._svg = svg
        self._name = name

    @property
    def svg(self) -> str:
        """The SVG document."""
        return self._svg

    @property
    def name(self) -> str:
        """What it shows: ``ring``, ``sankey`` or ``timeline``."""
        return self._name

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as a PNG image, `scale` pixels for every unit. Needs resvg-py.

        Texts are set in the fonts of this machine, so that the bytes, unlike those of the SVG, may differ from
        another machine's.
        """
        if not 0.1 <= scale <= 10:
            raise OptionError(
                f"scale is {scale}; it has to be between 0.1 and 10.",
                name="scale",
                value=str(scale),
                allowed="0.1 to 10",
            )
        try:
            import resvg_py
        except ImportError as error:
            message = "a PNG image needs resvg-py: pip install 'ringfence[png]'; SVG is saved without it"
            raise ImportError(message, name="resvg_py") from error
        return bytes(resvg_py.svg_to_bytes(svg_string=self._svg, zoom=scale))

    def save(self, path: str | os.PathLike[str], scale: float = 2.0) -> Path:
        """Saves the picture as ``.svg`` or ``.png``, by the ending of `path`; the file is there whole or not at all.

        Parameters
        ----------
        path : str or os.PathLike
            A file that is there already is replaced.
        scale : float
            Pixels of a PNG image for every unit of the picture.

        Returns
        -------
        pathlib.Path
            `path`.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending == ".svg":
            content = self._svg.encode()
        elif ending == ".png":
            content = self.png(scale)
        else:
            raise OptionError(
                f"path is {str(path)!r}; a picture is saved as .svg or .png.",
                name="path",
                value=str(path),
                allowed=".svg or .png",
            )
        _write(path, content)
        return path

    def __repr__(self) -> str:
        return f"Picture of the {self._name}, {len(self._svg.encode()) / 1000:.0f} kB of SVG"

    def _repr_svg_(self) -> str:
        return self._svg

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        return _chosen({"image/svg+xml": lambda: self._svg, "text/plain": lambda: repr(self)}, include, exclude)


class Page:
    """The interactive page of a case file, in a frame of a notebook; made by :func:`show`."""

    def __init__(self, page: str | None, picture: Picture, title: str, note: str, height: int) -> None:
        self._page = page
        self._picture = picture
        self._title = title
        self._note = note
        self._height = height

    def __repr__(self) -> str:
        return f"Case file: {self._title}{self._note and ' (' + self._note + ')'}"

    def _html(self) -> str:
        if self._page is None:
            return f"<p>{_text(self._note)}</p>{_image(self._picture, self._title)}"
        # The frame has an origin of its own: its scripts reach neither the notebook nor its cookies.
        return (
            f'<iframe srcdoc="{html.escape(self._page, quote=True)}" title="{_text(self._title)}" '
            f'sandbox="allow-scripts allow-downloads" referrerpolicy="no-referrer" '
            f'width="100%" height="{self._height}" frameborder="0"></iframe>'
        )

    def _repr_html_(self) -> str:
        return self._html()

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        forms = {
            "text/html": self._html,
            "image/svg+xml": lambda: self._picture.svg,
            "text/plain": lambda: repr(self),
        }
        return _chosen(forms, include, exclude)


def show(case_file: Shown, height: int = 720, bytes_max: int = 4_000_000) -> Page:
    """The interactive page of `case_file` in a frame, for the last line of a cell; it works without a network.

    The page runs in a sandbox of its own. Where no HTML is shown (a printed notebook, a terminal), the picture of
    the ring stands for it, and where the page is larger than `bytes_max`, too: it would swell the notebook.

    Parameters
    ----------
    case_file : CaseFile
        What to show.
    height : int
        Height of the frame, in pixels.
    bytes_max : int
        Largest page that is put into the notebook.
    """
    if not 100 <= height <= 10_000:
        raise OptionError(
            f"height is {height}; it has to be between 100 and 10000.",
            name="height",
            value=str(height),
            allowed="100 to 10000",
        )
    page = case_file.html()
    title = _visible(json.loads(case_file.json())["subject"]["title"])
    size = len(page.encode())
    if size <= bytes_max:
        return Page(page, picture(case_file, "ring"), title, "", height)
    note = (
        f"The interactive page has {size / 1e6:.1f} MB, more than bytes_max ({bytes_max / 1e6:.1f} MB): "
        "write case_file.html() to a file and open that, or raise bytes_max."
    )
    return Page(None, picture(case_file, "ring"), title, note, height)


def picture(case_file: Shown, name: str) -> Picture:
    """The picture ``ring``, ``sankey`` or ``timeline`` of `case_file`."""
    return Picture(case_file.svg(name), name)


def summary_html(case_file: Shown) -> str:
    """A summary of `case_file` as HTML without styles and scripts: title, sentences, picture, and money."""
    case = json.loads(case_file.json())
    words = _WORDS.get(case["language"], _WORDS["en"])
    out = [f"<h3>{_text(case['subject']['title'])}</h3>"]
    if case["summary"]:
        out += ["<p>", "<br>".join(_text(point["text"]) for point in case["summary"]), "</p>"]
    out.append(_image(picture(case_file, "ring"), str(words["picture"])))
    if case["money"]:
        head = "".join(f"<th>{column}</th>" for column in words["columns"])
        out += ["<table><thead><tr>", head, "</tr></thead><tbody>"]
        for line in case["money"]:
            sums = [line[name] for name in ("received", "paid", "kept", "inside", "traced")]
            cells = [line["currency"], *("–" if amount is None else amount["amount"] for amount in sums)]
            align = ["", *[' align="right"'] * 5]
            cells = [f"<td{where}>{_text(cell)}</td>" for where, cell in zip(align, cells, strict=True)]
            out += ["<tr>", *cells, "</tr>"]
        out.append("</tbody></table>")
    return "".join(out)


def image(svg: str, name: str) -> str:
    """The picture `name` as an image in HTML that holds its own bytes."""
    return _image(Picture(svg, name), f"Picture of the {name}", 1200 if name == "sankey" else 720)


def _image(picture: Picture, alt: str, width_max: int = 960) -> str:
    """`picture` as an image that holds its own bytes; an image runs nothing."""
    data = base64.b64encode(picture.svg.encode()).decode()
    width = re.search(r'<svg [^>]*?width="([0-9]+)', picture.svg)
    pixels = min(int(width[1]), width_max) if width else 640
    return f'<img width="{pixels}" alt="{_text(alt)}" src="data:image/svg+xml;base64,{data}">'


def _visible(text: str) -> str:
    """`text` with characters that act written as ``\\u{202e}``."""
    return _ACTING.sub(lambda found: _SHORT.get(found[0], f"\\u{{{ord(found[0]):x}}}"), text)


def _text(text: str) -> str:
    """`text` for HTML, in content and in quotes."""
    return html.escape(_visible(str(text)), quote=True)


def _chosen(
    forms: dict[str, Callable[[], str]], include: Iterable[str] | None, exclude: Iterable[str] | None
) -> dict[str, str]:
    """The forms that a frontend asks for."""
    wanted = set(forms if include is None else include) - set(exclude or ())
    return {form: make() for form, make in forms.items() if form in wanted}


def _write(path: Path, content: bytes) -> None:
    """Writes beside `path` and renames, so that nobody sees half a file."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        part.write_bytes(content)
        os.replace(part, path)
