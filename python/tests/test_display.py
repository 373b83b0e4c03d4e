"""Case files in notebooks: pictures, the page in its frame, the summary; and that no name becomes markup."""

from __future__ import annotations

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ringfence.display import Page, Picture, picture, show, summary_html
from ringfence.errors import OptionError

FILES = Path(__file__).resolve().parents[2] / "tests" / "case_files"
SAMPLES = ["ring", "trace_zh", "hostile", "empty"]
PAGE = "<!doctype html><title>page</title><p id='a'>\"quoted\" & <b>bold</b></p><script>if (1 < 2) { run(); }</script>"


class Sample:
    """A case file as it was made, read from its files."""

    def __init__(self, name: str, page: str = PAGE) -> None:
        self.name = name
        self.page = page

    def svg(self, picture: str) -> str:
        return (FILES / f"{self.name}.{picture}.svg").read_text(encoding="utf-8")

    def html(self) -> str:
        return self.page

    def json(self) -> str:
        return (FILES / f"{self.name}.json").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Tags with their attributes, and texts, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_a_picture_shows_itself():
    ring = picture(Sample("ring"), "ring")
    assert ring.name == "ring"
    assert ring._repr_svg_() == ring.svg
    assert ring._repr_mimebundle_() == {"image/svg+xml": ring.svg, "text/plain": repr(ring)}
    assert ring._repr_mimebundle_(exclude=["image/svg+xml"]) == {"text/plain": repr(ring)}
    assert ring._repr_mimebundle_(include=["image/svg+xml", "text/html"]) == {"image/svg+xml": ring.svg}
    assert repr(ring).startswith("Picture of the ring, ")


def test_a_picture_is_saved_whole(tmp_path):
    ring = picture(Sample("ring"), "ring")
    path = tmp_path / "ring.svg"
    path.write_text("older and longer" * 10_000)
    assert ring.save(path) == path
    assert path.read_bytes() == ring.svg.encode()
    assert ring.save(str(tmp_path / "again.SVG")).read_bytes() == ring.svg.encode()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.SVG", "ring.svg"]


def test_a_picture_that_cannot_be_saved_leaves_nothing(tmp_path):
    ring = picture(Sample("ring"), "ring")
    with pytest.raises(OptionError, match=r"saved as \.svg or \.png") as error:
        ring.save(tmp_path / "ring.pdf")
    assert (error.value.name, error.value.allowed) == ("path", ".svg or .png")
    with pytest.raises(OptionError, match="between 0.1 and 10"):
        ring.save(tmp_path / "ring.png", scale=1e9)
    with pytest.raises(FileNotFoundError):
        ring.save(tmp_path / "none" / "ring.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError):
        ring.save(tmp_path / "folder.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.svg"]


def test_a_png_image_needs_a_package_that_the_error_names(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'ringfence[png]'")) as error:
        picture(Sample("ring"), "ring").save(tmp_path / "ring.png")
    assert error.value.name == "resvg_py"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("which", ["ring", "sankey", "timeline"])
def test_a_png_image_has_the_size_of_the_picture(name, which, tmp_path):
    pytest.importorskip("resvg_py")
    drawn = picture(Sample(name), which)
    content = drawn.save(tmp_path / "picture.png", scale=1.5).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    size = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
    wanted = [float(re.search(rf'<svg [^>]*?{side}="([0-9.]+)"', drawn.svg)[1]) * 1.5 for side in ("width", "height")]
    assert all(abs(have - want) <= 1.5 for have, want in zip(size, wanted, strict=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_comes_in_a_sandbox(name):
    page = show(Sample(name))
    read = Tags(page._repr_html_())
    assert [tag for tag, _ in read.tags] == ["iframe"]
    frame = read.tags[0][1]
    assert frame["srcdoc"] == PAGE
    assert set(frame["sandbox"].split()) == {"allow-scripts", "allow-downloads"}
    assert "src" not in frame
    assert read.text == ""


def test_where_no_html_is_shown_the_picture_stands_for_the_page():
    page = show(Sample("ring"), height=400)
    bundle = page._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"] == Sample("ring").svg("ring")
    assert bundle["text/plain"] == "Case file: Ring 7: seven accounts behind one collector"
    assert 'height="400"' in bundle["text/html"]


def test_a_page_that_is_too_large_is_not_put_into_the_notebook():
    sample = Sample("ring", PAGE + "x" * 50_000)
    assert "srcdoc" in show(sample, bytes_max=60_000)._repr_html_()
    page = show(sample, bytes_max=50_000)
    assert isinstance(page, Page)
    read = Tags(page._repr_html_())
    assert [tag for tag, _ in read.tags] == ["p", "img"]
    assert "more than bytes_max (0.1 MB)" in read.text
    assert "bytes_max" in repr(page)
    with pytest.raises(OptionError, match="between 100 and 10000"):
        show(sample, height=5)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_summary_holds_texts_and_one_image(name):
    sample = Sample(name)
    case = json.loads(sample.json())
    text = summary_html(sample)
    read = Tags(text)
    allowed = {"h3", "p", "br", "img", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in read.tags} <= allowed
    attributes = {(tag, name) for tag, found in read.tags for name in found}
    assert attributes <= {("img", "src"), ("img", "alt"), ("img", "width"), ("td", "align")}
    images = [found["src"] for tag, found in read.tags if tag == "img"]
    assert len(images) == 1
    kind, data = images[0].split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == sample.svg("ring")
    assert not re.search("[\x00-\x1f\u200b\u202a-\u202e\ufffe]", text)
    for line in case["money"]:
        for sums in ("received", "paid", "kept", "inside"):
            assert line[sums]["amount"] in read.text
    if name == "hostile":
        assert "</title><script>alert(1)</script>" in read.text
        assert "a\\u{202e}gnp.exe" in read.text
        assert "line1\\nline2\\r\\n# heading" in read.text
    else:
        assert all(point["text"] in read.text for point in case["summary"])


def test_a_notebook_shows_them_all(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import socket\n"
        "def refuse(*_): raise OSError('the network is blocked')\n"
        "from test_display import Sample\n"
        "from ringfence.display import picture, show, summary_html\n"
        "socket.create_connection = refuse\n"
        "class Summary:\n"
        "    def _repr_html_(self): return summary_html(Sample('hostile'))",
        "picture(Sample('ring'), 'timeline')",
        "show(Sample('hostile'))",
        "Summary()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    timeline, page, summary = [cell.outputs[0].data for cell in notebook.cells[1:]]
    assert timeline["image/svg+xml"] == Sample("ring").svg("timeline")
    assert set(page) == {"text/html", "image/svg+xml", "text/plain"}
    assert Tags(page["text/html"]).tags[0][1]["srcdoc"] == PAGE
    assert summary["text/html"] == summary_html(Sample("hostile"))


def test_a_picture_of_any_svg_is_named():
    assert repr(Picture("<svg/>")) == "Picture of the picture, 0 kB of SVG"
