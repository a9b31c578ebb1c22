"""What a report page costs: its size, making it, and opening it from disk in Chromium.

``python benchmarks/report_page.py``: 5,000 images, 80 classes, 35,000 objects and 500,000
detections, with 200 samples of the intervals. Opening counts from the call to the second frame
after the last figure is drawn, five times in fresh pages of one browser; the median is told, with
the smallest and the largest.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROUNDS = 5
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def made(path: Path) -> None:
    """Write the page, and say how long it took and how large it is."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from report_pages import scene

    from detmetrics.reports import html

    warnings.simplefilter("ignore")
    result = scene(5_000, [f"class {number}" for number in range(80)], 7, 93)
    start = time.perf_counter()
    path.write_text(html.to_html(html.report_of(result)))
    took = time.perf_counter() - start
    size = path.stat().st_size / 1e6
    print(f"{len(result.detections):,} detections: {size:.1f} MB, made in {took:.1f} s")


def opened(path: Path) -> list[float]:
    """Seconds that each opening takes."""
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as play:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for _ in range(ROUNDS):
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(path.as_uri())
            page.wait_for_selector("#plot-confusion svg")
            page.evaluate(DRAWN)
            seconds.append(time.perf_counter() - start)
            page.close()
    return seconds


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        made(path)
        seconds = opened(path)
    middle = statistics.median(seconds)
    print(f"opened in {middle:.2f} s [{min(seconds):.2f} to {max(seconds):.2f}]")


if __name__ == "__main__":
    main()
