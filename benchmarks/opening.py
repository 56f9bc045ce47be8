"""How long a report takes to open in Chromium, with many scored sentences behind it.

    python -m benchmarks.opening [RUN] [--sentences 20000] [--repeats 5]

RUN is a run folder or a ``results.json``; without one, the sample in ``reports/sample/``. The
typical sentence pairs of its comparisons are repeated until there are that many. Prints the size of
the page and, for a desktop and for a telephone, the median time to its first words and until it is
whole, in milliseconds since the browser was told to go there. Exits with 1 if a page takes a second
or more. Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from bias_audit.reports import render
from bias_audit.results import Results, load_results

SAMPLE = Path(__file__).parents[1] / "reports" / "sample"
LIMIT = 1000.0
"""Milliseconds until the page is whole."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOWS = {"desktop": (1280, 900), "telephone": (360, 740)}
TIMES = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint.startTime, performance.getEntriesByType("navigation")[0].loadEventEnd];
}"""


def many(results: Results, sentences: int) -> Results:
    """The audit with that many sentence pairs, dealt evenly among the results that have any."""
    names = [result.id for result in results.results if result.sentences]
    if not names:
        raise SystemExit("expected a run with sentences: this one has none")
    share = -(-sentences // len(names))
    more = tuple(
        result.model_copy(update={"sentences": tuple(islice(cycle(result.sentences), share))})
        if result.sentences
        else result
        for result in results.results
    )
    return results.model_copy(update={"results": more})


def measure(page: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds to the first words and to the whole page, by kind of window."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise SystemExit(f"expected one of these on the path: {', '.join(BROWSERS)}")
    times = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (wide, tall) in WINDOWS.items():
            taken = []
            for _ in range(repeats):
                tab = browser.new_page(viewport={"width": wide, "height": tall})
                tab.goto(page.as_uri(), wait_until="load")
                tab.wait_for_function("performance.getEntriesByType('paint').length > 0")
                taken.append(tab.evaluate(TIMES))
                tab.close()
            times[name] = (
                statistics.median(first for first, _ in taken),
                statistics.median(whole for _, whole in taken),
            )
        browser.close()
    return times


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long a report takes to open.")
    parser.add_argument("run", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    html = render(many(load_results(options.run), options.sentences), "html")
    print(f"{len(html.encode()):,} bytes, {options.sentences:,} sentence pairs behind them")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(html, encoding="utf-8")
        times = measure(page, options.repeats)
    for name, (first, whole) in times.items():
        print(f"{name}: first words after {first:.0f} ms, whole after {whole:.0f} ms")
    return int(any(whole >= LIMIT for _, whole in times.values()))


if __name__ == "__main__":
    sys.exit(main())
