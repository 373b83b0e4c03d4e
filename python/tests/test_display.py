"""Case files and results in notebooks: pictures, the page in its frame, the summary; and that no name becomes markup."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

import ringfence as rf
from ringfence.display import Page, Picture, picture, show, summary_html
from ringfence.errors import InputError, OptionError, UnknownKeyError

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


#: Names that would become markup, act, or break a text out of its quotes.
HOSTILE = ["<script>alert(1)</script>", "a\"' onload='x", "]]>\u202e&amp;", "</title></svg><img src=x>"]


@pytest.fixture(scope="module")
def results(graph, bank):
    """A result of each kind that shows a picture of itself."""
    found = graph.rings()
    members = found.members.to_dicts()
    account = members[0]["account"]
    trace = graph.trace(bank / "seeds.csv")
    holding = trace.holdings.to_dicts(1)[0]
    target = {"name": "t", "account": holding["account"], "currency": holding["currency"], "time": graph.info()["last"]}
    return {
        "rings": found,
        "identity rings": graph.identity_rings(),
        "patterns": graph.patterns(),
        "matches": graph.match("pattern p\nwithin 1d\na: account\nb: account\npay: a -> b, amount at least 100.00 USD"),
        "trace": trace,
        "paths": trace.paths(),
        "origins": graph.origins([target]),
        "contacts": graph.trace(bank / "seeds.csv", policy="poison"),
        "subgraph": graph.subgraph([account], hops=2),
        "communities": graph.project().communities(),
    }


def shown(html: str) -> str:
    """The one picture in a display."""
    images = [found["src"] for tag, found in Tags(html).tags if tag == "img"]
    assert len(images) == 1
    kind, data = images[0].split(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(data).decode()


def keys(graph) -> list[str]:
    return graph.components().table().to_arrow().column("account").to_pylist()


def test_results_show_a_small_picture_of_themselves(results, graph):
    known = keys(graph)
    for name, result in results.items():
        started = time.monotonic()
        html = result._repr_html_()
        assert time.monotonic() - started < 2, name
        svg = shown(html)
        assert len(svg.encode()) < 64_000, name
        assert not [key for key in known if key in svg], f"{name} shows names unasked"
        assert "A1" in svg or "A2" in svg, name
        # The same picture as one that is asked for: the defaults are those of the library.
        which = "sankey" if name in ("trace", "paths", "origins") else "ring"
        assert result.picture().name == which
        assert result.picture(which).svg == svg, name
        assert result.picture("timeline").svg.startswith("<svg "), name


def test_pictures_call_accounts_as_they_are_told_to(results, graph, tmp_path):
    rf.backup_key(tmp_path / "names.key")
    known = keys(graph)
    for name, result in results.items():
        revealed = result.picture("ring", reveal=True).svg
        assert [key for key in known if key in revealed], name
        keyed = result.picture("ring", key_file=tmp_path / "names.key").svg
        assert "acct-" in keyed and not [key for key in known if key in keyed], name
        assert keyed == result.picture("ring", key_file=tmp_path / "names.key", case="default").svg
        assert keyed != result.picture("ring", key_file=tmp_path / "names.key", case="other").svg
        with pytest.raises(InputError, match="not both"):
            result.picture("ring", key_file=tmp_path / "names.key", reveal=True)
    # The pseudonyms are those of the case file.
    case = results["rings"].case_file(1, key_file=tmp_path / "names.key", counterfactual=False).content
    drawn = results["rings"].picture(key_file=tmp_path / "names.key", accounts_max=2_000, flows_max=2_000).svg
    assert case["subject"]["title"] in drawn
    assert all(account["id"] in drawn for account in case["accounts"] if account["member"])


def test_pictures_are_bounded_and_say_so(results):
    subgraph = results["subgraph"]
    assert subgraph.num_accounts > 60
    svg = subgraph.picture("ring").svg
    assert re.search(rf"60 of {subgraph.num_accounts} accounts and [0-9]+ of {subgraph.num_transactions} transfers", svg)
    few = subgraph.picture("ring", accounts_max=5, language="zh").svg
    assert f"共 {subgraph.num_accounts} 个账户" in few
    assert few.count("<circle") <= 5 + 2
    for options in ({"accounts_max": 1}, {"flows_max": 0}, {"language": "fr"}):
        with pytest.raises(OptionError):
            subgraph.picture(**options)
    with pytest.raises(OptionError, match="ring, sankey or timeline"):
        subgraph.picture("pie")


def test_one_of_many_is_drawn_by_name_or_number(results):
    rings, patterns = results["rings"], results["patterns"]
    second = rings.rings.to_dicts()[1]["ring"]
    assert rings.picture(ring=second).svg == rings.picture(ring=2).svg != rings.picture().svg
    rows = patterns.instances.to_dicts()
    best = max(rows, key=lambda row: row["score_millibits"])
    assert patterns.picture(instance=best["instance"]).svg == patterns.picture().svg
    assert patterns.picture(instance=rows.index(best) + 1).svg == patterns.picture().svg
    communities = results["communities"]
    assert communities.picture(community=0).svg == communities.picture().svg != communities.picture(community=1).svg
    for ask in (
        lambda: rings.picture(ring="none"),
        lambda: rings.picture(ring=0),
        lambda: patterns.picture(instance=len(rows) + 1),
        lambda: communities.picture(community=10_000),
        lambda: results["identity rings"].picture(ring=10_000),
    ):
        with pytest.raises(UnknownKeyError):
            ask()


def test_pictures_are_the_same_for_any_number_of_threads(graph, bank):
    def drawn(threads: int) -> list[str]:
        results = [
            graph.rings(threads=threads),
            graph.patterns("fan-in", "cycle", threads=threads),
            graph.trace(bank / "seeds.csv", policy="haircut", threads=threads),
            graph.project(threads=threads).communities(threads=threads),
        ]
        return [result.picture(which).svg for result in results for which in ("ring", "sankey", "timeline")]

    assert drawn(1) == drawn(2)


def test_hostile_names_are_texts_in_pictures_of_results(tmp_path):
    names = [*HOSTILE, HOSTILE[0]]
    rows = [(f"t{nth}", names[nth], names[nth + 1], "5.00", "EUR", f"2024-01-0{nth + 1}") for nth in range(4)]
    path = tmp_path / "rows.csv"
    quoted = lambda text: '"' + text.replace('"', '""') + '"'  # noqa: E731
    path.write_text(
        "id,from,to,amount,currency,time\n"
        + "".join(",".join(quoted(text) for text in row) + "\n" for row in rows),
        encoding="utf-8",
    )
    mapping = {
        "transactions": {
            "transaction": "id",
            "source": "from",
            "destination": "to",
            "amount": "amount",
            "currency": "currency",
            "time": "time",
            "time_format": "date",
        }
    }
    graph = rf.ingest(tmp_path / "hostile.graph", path, mapping=mapping)
    for result in (graph.subgraph([HOSTILE[0]], hops=4), graph.cycles(), graph.project().communities()):
        read = Tags(result._repr_html_())
        allowed = {"p", "br", "img", "table", "thead", "tbody", "tr", "th", "td"}
        assert {tag for tag, _ in read.tags} <= allowed
        for which in ("ring", "sankey", "timeline"):
            svg = result.picture(which, reveal=True).svg
            known = {"svg", "title", "desc", "rect", "text", "g", "path", "circle"}
            assert {tag for tag, _ in Tags(svg).tags} <= known
            assert "<script>alert(1)</script>" in Tags(svg).text
            assert "\u202e" not in svg


def test_empty_results_show_their_lines_alone(graph):
    never = {"start": "1999-01-01", "end": "1999-01-02"}
    for result in (graph.rings(by=["typologies"], **never), graph.patterns("fan-in", **never), graph.project(**never).communities()):
        html = result._repr_html_()
        assert "<img" not in html and "no picture" not in html
    with pytest.raises(UnknownKeyError):
        graph.patterns("fan-in", **never).picture()
