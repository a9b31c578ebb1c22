"""The figures as Markdown: a table a mode, agreement, and the targets with what was reached."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from measure import Case, Run, figure, median

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
CLOSE = 1e-9


def write(results: dict[str, Results], sizes: dict[str, int]) -> str:
    """The whole page."""
    parts = [
        "# Results",
        INTRODUCTION,
        _machine(),
        "## Arrays to all twelve numbers",
        ABOUT_ARRAYS,
        _table(results["arrays"], {"evaluate": "evaluate", "building": "build+tables"}),
        _agreement(results["arrays"]),
        "## Files to all twelve numbers",
        ABOUT_FILES,
        _table(results["files"], FILE_FIGURES),
        _agreement(results["files"]),
        "## Growth",
        "detmetrics from arrays at constant density; microseconds a detection.",
        _growth(results["growth"], sizes),
        "## Import",
        _table(results["import"], {"inside": "import", "whole process": "wall"}, base="numpy"),
        "## VOC2007 test with YOLOv2",
    ]
    if "voc" in results:
        parts += [
            "4,952 images, 14,976 objects, 111,247 detections as COCO JSON, the whole process.",
            _table(results["voc"], FILE_FIGURES),
            _agreement(results["voc"]),
        ]
    else:
        parts.append("Skipped: needs the real data, which are not part of the project.")
    parts += ["## Targets", _targets(results, sizes)]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
Made by `make bench`: every figure is the median of fresh processes that took turns, with the
smallest and the largest in brackets; a ratio is that of detmetrics to the tool, of medians (below
1: detmetrics takes less)."""
ABOUT_ARRAYS = """\
500,000 detections on 5,000 images with 37,686 objects of 80 classes, in memory. *evaluate* is for
detmetrics `dm.evaluate(tables).summary`, for the others `evaluate` + `accumulate`. *building* is
for detmetrics its tables from arrays, for the others their objects from the same arrays (for
pycocotools that is mostly Python dictionaries)."""
ABOUT_FILES = """\
The same as COCO JSON (49 MB of detections, 5 MB of ground truth), the whole process. `detmetrics
evaluate` is the command with its report."""
FILE_FIGURES = {"whole process": "wall", "import": "import", "read": "read", "evaluate": "evaluate"}


def _machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.date.today()} · {names[0] if names else platform.machine()}, "
        f"{os.cpu_count()} processors, {memory:.0f} GiB · {platform.system()} · Python "
        f"{platform.python_version()} · {tools}"
    )


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} s [{min(values):.3f} to {max(values):.3f}]"


def _table(results: Results, figures: dict[str, str], base: str = "detmetrics") -> str:
    """Rows of tools; the first figure is the one that ratios are taken of."""
    first = next(iter(figures.values()))
    ours = next(median(runs, first) for case, runs in results.items() if case.tool == base)
    lines = [
        f"| tool | {' | '.join(figures)} | ratio | peak memory | runs |",
        f"|---|{'---|' * len(figures)}---|---|---|",
    ]
    for case, runs in results.items():
        cells = [
            _seconds(values) if any(values := figure(runs, name)) else ""
            for name in figures.values()
        ]
        other = median(runs, first)
        ratio = other / ours if base != "detmetrics" else ours / other
        memory = f"{median(runs, 'memory'):.0f} MiB"
        lines.append(
            f"| {case.tool} | {' | '.join(cells)} | {ratio:.3g} | {memory} | {len(runs)} |"
        )
    return "\n".join(lines)


def _agreement(results: Results) -> str:
    numbers = {case.tool: runs[0].numbers for case, runs in results.items() if runs[0].numbers}
    reference = numbers.get("pycocotools", numbers["detmetrics"])
    words = []
    for tool, values in numbers.items():
        apart = max(abs(a - b) for a, b in zip(values, reference, strict=True))
        if values == reference:
            words.append(f"{tool} equal")
        elif apart <= CLOSE:
            words.append(f"{tool} within {CLOSE:g}")
        else:
            words.append(f"**{tool} DIFFERS by up to {apart:.3g}**")
    named = "pycocotools" if "pycocotools" in numbers else "detmetrics"
    return f"The twelve numbers beside those of {named}: {', '.join(words)}."


def _growth(results: Results, sizes: dict[str, int]) -> str:
    lines = [
        "| detections | tables | evaluate | alone, a detection | both, a detection | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    for case, runs in results.items():
        count = sizes[Path(case.truth).stem]
        alone, both = (1e6 * median(runs, name) / count for name in ("evaluate", "tables+evaluate"))
        lines.append(
            f"| {count:,} | {_seconds(figure(runs, 'tables'))} | "
            f"{_seconds(figure(runs, 'evaluate'))} | {alone:.3f} µs | {both:.3f} µs | "
            f"{median(runs, 'memory'):.0f} MiB |"
        )
    return "\n".join(lines)


def _targets(results: dict[str, Results], sizes: dict[str, int]) -> str:
    def of(mode: str, tool: str, name: str) -> float:
        runs = [runs for case, runs in results[mode].items() if case.tool == tool]
        return median(runs[0], name) if runs else float("nan")

    def each(size: str) -> float:
        for case, runs in results["growth"].items():
            if Path(case.truth).stem == size:
                return median(runs, "evaluate") / sizes[size]
        return float("nan")

    ours, whole = of("arrays", "detmetrics", "evaluate"), of("files", "detmetrics", "wall")
    with_tables = of("arrays", "detmetrics", "tables+evaluate")
    rows = [
        (
            "arrays to numbers against pycocotools, times faster",
            "at least 100",
            of("arrays", "pycocotools", "evaluate") / with_tables,
            100,
            "least",
        ),
        (
            "arrays to numbers against hotcoco, ratio of evaluation",
            "at most 1",
            ours / of("arrays", "hotcoco", "evaluate"),
            1,
            "most",
        ),
        (
            "the same with detmetrics' tables and hotcoco's objects built",
            "at most 1",
            with_tables / of("arrays", "hotcoco", "build+evaluate"),
            1,
            "most",
        ),
        (
            "files to numbers against pycocotools, times faster",
            "at least 40",
            of("files", "pycocotools", "wall") / whole,
            40,
            "least",
        ),
        (
            "files to numbers against hotcoco, ratio",
            "at most 1.5",
            whole / of("files", "hotcoco", "wall"),
            1.5,
            "most",
        ),
        (
            "the command `detmetrics evaluate` against hotcoco's library, ratio",
            "at most 1.5",
            of("files", "detmetrics evaluate", "wall") / of("files", "hotcoco", "wall"),
            1.5,
            "most",
        ),
        (
            "peak memory of the command, MiB",
            "under 350",
            of("files", "detmetrics evaluate", "memory"),
            350,
            "most",
        ),
        (
            "time a detection at 5,000,000 to that at 50,000",
            "at most 1.5",
            each("5M") / each("50k"),
            1.5,
            "most",
        ),
        (
            "`import detmetrics` to `import numpy`",
            "at most 1.5",
            of("import", "detmetrics", "import") / of("import", "numpy", "import"),
            1.5,
            "most",
        ),
    ]
    lines = ["| what | wanted | measured | reached |", "|---|---|---|---|"]
    for what, wanted, value, bound, side in rows:
        good = value >= bound if side == "least" else value <= bound
        lines.append(f"| {what} | {wanted} | {value:.3g} | {'yes' if good else '**no**'} |")
    return "\n".join(lines)
