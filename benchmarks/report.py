"""The figures as Markdown: the machine, a table a mode, agreement, and the targets."""

from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import agreement
import targets
from measure import Case, Run, figure, median, paired, spread_of

Results = dict[Case, list[Run]]

PACKAGES = (
    "detmetrics",
    "numpy",
    "msgspec",
    "pycocotools",
    "faster-coco-eval",
    "hotcoco",
    "ultrafast-pycocotools",
)

INTRODUCTION = """\
Made by `make bench`: every figure is the median of fresh processes that took turns, with the
smallest and the largest in brackets. A ratio is that of detmetrics to the tool (below 1:
detmetrics takes less): of medians, and, *paired*, the median of the ratios within each round with
the smallest and the largest. Ratios are of the first column of figures. Peak memory is that of
the whole process."""
ABOUT_ARRAYS = """\
500,000 detections on 5,000 images with 37,686 objects of 80 classes, in memory. *evaluate* is for
detmetrics `dm.evaluate(tables).summary`, for the others `evaluate` + `accumulate` (*summarize*
apart). *building* is what a tool makes of the same arrays first: for detmetrics its catalog and
tables; for hotcoco `COCO.from_arrays` and `loadRes` of an array; for the others a document of
Python dictionaries and `loadRes` of an array."""
ABOUT_FILES = """\
The same as COCO JSON, the whole process from start to exit. `detmetrics evaluate` is the command
with its report (`--quiet`)."""
ABOUT_START = """\
Whole processes that evaluate the fixtures (102 objects, 136 detections), so that nearly all of it
is start-up, and two that import and no more. Ratios are to `numpy`, which imports NumPy."""
ABOUT_FEWER = "150,000 detections on 1,500 images as COCO JSON, the whole process."
ABOUT_GROWTH = """\
detmetrics from arrays at constant density: 100 detections and 7.5 objects an image."""
ABOUT_VOC = "VOC2007 test with YOLOv2 as COCO JSON, unzipped for all, the whole process."
NO_VOC = "Skipped: `shared/data/voc2007/coco_json` is not beside this repository."
FILE_FIGURES = {"whole process": "wall", "import": "import", "read": "read", "evaluate": "evaluate"}
ARRAY_FIGURES = {"evaluate": "evaluate", "building": "build", "summarize": "summarize"}
START_FIGURES = {"CPU": "cpu", "whole process": "wall"}


def write(results: dict[str, Results], sizes: dict[str, int], *, quick: bool = False) -> str:
    """The whole page."""
    differing = agreement.differences(results)
    parts = [
        "# Results",
        *(["**`--quick`: one round, without the slow tools. For development only.**"] * quick),
        *[f"**NUMBERS DIFFER: {line}**" for line in differing],
        INTRODUCTION,
        machine(),
        *_section("Arrays to all twelve numbers", ABOUT_ARRAYS, results["arrays"], ARRAY_FIGURES),
        *_section("Files to all twelve numbers", ABOUT_FILES, results["files"], FILE_FIGURES),
        "## Growth",
        ABOUT_GROWTH,
        _growth(results["growth"], sizes),
        "## Start-up",
        ABOUT_START,
        _table(results["start"], START_FIGURES, base="numpy"),
        *_section("Fewer detections", ABOUT_FEWER, results["fewer"], FILE_FIGURES),
    ]
    if "voc" in results:
        parts += _section("Real data", ABOUT_VOC, results["voc"], FILE_FIGURES)
    else:
        parts += ["## Real data", NO_VOC]
    parts += ["## Targets", targets.write(results, sizes)]
    return "\n\n".join(parts) + "\n"


def _section(title: str, about: str, results: Results, figures: dict[str, str]) -> list[str]:
    return [f"## {title}", about, _table(results, figures), agreement.sentence(results)]


def machine(packages: Iterable[str] = PACKAGES) -> str:
    """The day, the machine and the versions of everything that was measured."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{datetime.date.today()} · {names[0] if names else platform.machine()}, "
        f"{os.cpu_count()} processors, {memory:.0f} GiB · {platform.system()} · Python "
        f"{platform.python_version()} · {tools}"
    )


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} s [{min(values):.3f} to {max(values):.3f}]"


def _table(results: Results, figures: dict[str, str], base: str = "detmetrics") -> str:
    """Rows of tools; the first figure is the one that ratios are taken of."""
    lines = [
        f"| tool | {' | '.join(figures)} | ratio | paired | peak memory | runs |",
        f"|---|{'---|' * len(figures)}---|---|---|---|",
    ]
    first = next(iter(figures.values()))
    reference = next(runs for case, runs in results.items() if case.tool == base)
    for case, runs in results.items():
        cells = [
            _seconds(values) if any(values := figure(runs, name)) else ""
            for name in figures.values()
        ]
        # detmetrics stands above the line beside its peers, below it beside NumPy.
        above, below = (runs, reference) if base == "numpy" else (reference, runs)
        ratio = median(above, first) / median(below, first)
        cells += [f"{ratio:.3g}", spread_of(paired(above, below, first))]
        memory = f"{median(runs, 'memory'):.0f} MiB"
        lines.append(f"| {case.tool} | {' | '.join(cells)} | {memory} | {len(runs)} |")
    return "\n".join(lines)


def _growth(results: Results, sizes: dict[str, int]) -> str:
    lines = [
        "| detections | building | evaluate | evaluate, each | both, each | peak memory | runs |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, runs in results.items():
        count = sizes[Path(case.truth).stem]
        alone, both = (1e6 * median(runs, name) / count for name in ("evaluate", "build+evaluate"))
        lines.append(
            f"| {count:,} | {_seconds(figure(runs, 'build'))} | "
            f"{_seconds(figure(runs, 'evaluate'))} | {alone:.3f} µs | {both:.3f} µs | "
            f"{median(runs, 'memory'):.0f} MiB | {len(runs)} |"
        )
    return "\n".join(lines)


def put(page: str, heading: str, text: str) -> str:
    """The page with the section under a heading replaced, or added before the targets."""
    block = re.compile(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if block.search(page):
        return block.sub(lambda _: text + "\n", page)
    first, found, rest = page.partition("## Targets\n")
    return first + text + "\n" * bool(found) + found + rest
