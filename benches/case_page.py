"""How soon the page of a case file is ready in Chromium, and how fluid its graph is when it is dragged and zoomed.

    python benches/case_page.py case.html --chromium /usr/bin/chromium

Prints one JSON object: seconds until the page is ready, then for each gesture the number of frames drawn and the median, the
95th of 100 and the longest time between two of them, in milliseconds. Needs playwright (python/requirements-test.txt).
"""

import argparse
import json
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WATCH = """() => {
    window.frames_ms = [];
    let last = performance.now();
    const frame = (now) => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""
READY_MS = 120_000
SETTLE_MS = 800


def drag(page: Page, x: float, y: float) -> None:
    """From beside the middle of the graph, in sixty steps."""
    page.mouse.move(x + 150, y + 150)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 150 + 2 * step, y + 150 + step)
    page.mouse.up()


def zoom(page: Page, x: float, y: float) -> None:
    """Fifteen notches of the wheel in, and out again."""
    page.mouse.move(x, y)
    for step in range(30):
        page.mouse.wheel(0, -40 if step < 15 else 40)


def frames(page: Page) -> dict[str, float]:
    """What was drawn since the list of frames was emptied."""
    times = sorted(page.evaluate("window.frames_ms"))
    at = {"median_ms": len(times) // 2, "p95_ms": len(times) * 95 // 100, "longest_ms": len(times) - 1}
    return {"frames": len(times), **{name: round(times[place], 1) for name, place in at.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        start = time.perf_counter()
        page.goto(arguments.page.resolve().as_uri())
        page.wait_for_selector("html.ready", timeout=READY_MS)
        measured: dict[str, object] = {"ready_s": round(time.perf_counter() - start, 2)}
        page.evaluate(WATCH)
        graph = page.locator("canvas").first
        graph.scroll_into_view_if_needed()
        box = graph.bounding_box()
        assert box is not None
        for gesture in (drag, zoom):
            page.evaluate("window.frames_ms.length = 0")
            gesture(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(SETTLE_MS)
            measured[gesture.__name__] = frames(page)
        browser.close()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
