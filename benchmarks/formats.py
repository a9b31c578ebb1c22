"""What it costs to read boxes from files of each format: cases, tables and targets.

A part is a set of files, made in a folder of its own that is gone afterwards. Rows of a part are
processes that took turns; a row of detmetrics is two kinds of process, with and without imports.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from format_data import voc_is_real
from measure import Case, Run, alternately, figure, median, paired
from targets import Target

HERE = Path(__file__).parent
CHILD = "format_child.py"
CLOSE = 1e-9
BEFORE = "## Targets\n"
HEADING = "## Formats"
PACKAGES = ("detmetrics", "numpy", "pandas", "pyarrow", "msgspec", "globox")

INTRODUCTION = """\
Made by `make bench`, or alone by `python benchmarks/run.py --only formats`. All files are in the
page cache. *in process* is timed inside a process that has read a few files of the kind before,
so that no import counts: for detmetrics the steps of `dm.evaluate(truth, found).summary`, for
globox reading both sides, which gives no numbers yet. *ground truth* and *detections* are reading
alone, *evaluate* is the rest. *whole process* is a process of its own that calls `dm.evaluate` of
two paths (or reads with globox), from start to exit, imports counted; *import* is its first step,
without what is imported later. Every figure is the median of fresh processes that took turns, with
the smallest and the largest in brackets; *paired* is the median of the ratios within each
round."""

FIGURES = {
    "in process": "call",
    "ground truth": "truth",
    "detections": "found",
    "evaluate": "match",
    "import": "import",
}


@dataclass(frozen=True)
class Row:
    """A row of a table: modes of ``format_child.py`` on two paths in the folder of the part."""

    label: str
    truth: str
    found: str
    mode: str = "evaluate"
    whole: str = "process"

    def cases(self, folder: Path, quick: bool) -> list[Case]:
        """The process that is timed inside and, if it is another, the one timed from outside."""
        rounds = 1 if quick else 3 if self.mode.startswith("globox") else 5
        modes = dict.fromkeys((self.mode, self.whole))
        paths = str(folder / self.truth), str(folder / self.found)
        return [Case(self.label, mode, *paths, rounds, CHILD) for mode in modes]


def other(label: str, truth: str, found: str, mode: str) -> Row:
    """A row that is not detmetrics; its process is timed inside and outside at once."""
    return Row(label, truth, found, mode, mode)


@dataclass(frozen=True)
class Bound:
    """A target: the ratio of a figure of one row to that of another."""

    what: str
    above: str
    below: str
    figure: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Part:
    """Files of some kind, and what is run and wanted on them; rows of ``same`` agree."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
    bounds: tuple[Bound, ...]
    same: tuple[str, ...] = ()


def _voc_bounds(count: str) -> tuple[Bound, ...]:
    """What is wanted of text detections, and what the kit's own files take beside that."""
    text, comp4, theirs = (
        f"{tool}, {count}" for tool in ("detmetrics, text", "detmetrics, comp4", "globox, text")
    )
    return (
        Bound(
            f"{count} lines of text detections to tables: times faster than globox",
            theirs,
            text,
            "found",
            least=10,
        ),
        Bound(f"{count} lines as comp4: times faster than globox on text", theirs, comp4, "found"),
        Bound(
            f"{count} lines as comp4, whole process with numbers: times faster than globox, which "
            "reads XML and text",
            theirs,
            comp4,
            "wall",
        ),
        Bound(f"4,952 XML files, in the runs of {count}: times faster", theirs, comp4, "truth"),
    )


LABELS = ("labels", "predictions")
VOC = Part(
    name="voc",
    title="VOC2007: 4,952 XML files, text detections",
    about="""\
Detections of YOLOv2 (111,247 lines) and of YOLOv1 (631,583), as the kit has them (*comp4*, a file
a class), which globox does not read, and as *text* with a file an image, `class score xmin ymin
xmax ymax`. In those, scores above 1 and corners in the wrong order (2,158 lines), at which globox
gives up, are put right for both.""",
    rows=(
        Row("detmetrics, comp4, 111,247", "Annotations", "comp4_small"),
        Row("detmetrics, text, 111,247", "Annotations", "text_small"),
        other("globox, text, 111,247", "Annotations", "text_small", "globox voc"),
        Row("detmetrics, comp4, 631,583", "Annotations", "comp4_large"),
        Row("detmetrics, text, 631,583", "Annotations", "text_large"),
        other("globox, text, 631,583", "Annotations", "text_large", "globox voc"),
    ),
    bounds=(*_voc_bounds("111,247"), *_voc_bounds("631,583")),
)
YOLO = Part(
    name="yolo",
    title="YOLO: 5,000 label files of 7 lines, 5,000 prediction files of 100",
    about="""\
`class cx cy w h` and `class cx cy w h score` with six decimals. *plain reading* is `open(path,
"rb").read()` and `open(path).read()` of the same 10,000 files, listed before. globox
(`from_yolo_v5`, `from_txt` with shares) needs an image for each label file and opens it for its
size; detmetrics does without, or opens it too where it is told of them (*sizes of images*).""",
    rows=(
        Row("detmetrics", *LABELS),
        Row("detmetrics, sizes of images", *LABELS, "evaluate images", "process images"),
        other("plain reading, bytes", *LABELS, "plain bytes"),
        other("plain reading, text", *LABELS, "plain text"),
        other("globox", *LABELS, "globox yolo"),
    ),
    bounds=(
        Bound(
            "500,000 predictions to tables: times faster than globox",
            "globox",
            "detmetrics",
            "found",
            least=10,
        ),
        Bound(
            "the same where detmetrics has the sizes of images too",
            "globox",
            "detmetrics, sizes of images",
            "found",
        ),
        Bound(
            "`dm.evaluate` to plain reading of bytes, in process",
            "detmetrics",
            "plain reading, bytes",
            "call",
            most=3,
        ),
        Bound(
            "the same to plain reading of text",
            "detmetrics",
            "plain reading, text",
            "call",
            most=3,
        ),
        Bound(
            "whole process, imports counted, to a process that reads bytes",
            "detmetrics",
            "plain reading, bytes",
            "wall",
        ),
    ),
)
TABLES = Part(
    name="tables",
    title="Tables: 500,000 detections on 5,000 images, 80 classes",
    about="""\
The same boxes as COCO JSON, CSV and Parquet (in pixels, with image and class as text). globox
reads no table but Open Images CSV (in shares; without the detections on images that have no
object, since the format cannot say that there is such an image), for which it wants the images.""",
    rows=(
        Row("detmetrics, JSON", "truth.json", "found.json"),
        Row("detmetrics, CSV", "truth.csv", "found.csv"),
        Row("detmetrics, Parquet", "truth.parquet", "found.parquet"),
        Row("detmetrics, Open Images CSV", "truth_openimages.csv", "found_openimages.csv"),
        other(
            "globox, Open Images CSV",
            "truth_openimages.csv",
            "found_openimages.csv",
            "globox openimages",
        ),
        other("globox, JSON", "truth.json", "found.json", "globox coco"),
    ),
    bounds=(
        Bound(
            "Parquet to numbers, in process: ratio to JSON",
            "detmetrics, Parquet",
            "detmetrics, JSON",
            "call",
            most=1,
        ),
        Bound(
            "the same, whole process, imports counted",
            "detmetrics, Parquet",
            "detmetrics, JSON",
            "wall",
        ),
        Bound(
            "CSV to numbers, in process: ratio to JSON",
            "detmetrics, CSV",
            "detmetrics, JSON",
            "call",
        ),
        Bound(
            "Open Images CSV, both sides: times faster than globox",
            "globox, Open Images CSV",
            "detmetrics, Open Images CSV",
            "truth+found",
        ),
        Bound(
            "JSON, both sides: times faster than globox",
            "globox, JSON",
            "detmetrics, JSON",
            "truth+found",
        ),
    ),
    same=("detmetrics, JSON", "detmetrics, CSV", "detmetrics, Parquet"),
)
RECONCILE = Part(
    name="reconcile",
    title="Reconcile: VOC2007, 111,247 detections, every rule set",
    about="""\
`dm.reconcile` beside `dm.evaluate` of the same XML and comp4 files: all rule sets that apply, the
difference of two of them split into causes, and the usual mistakes undone, each an evaluation.""",
    rows=(
        Row("evaluate", "Annotations", "comp4_small"),
        Row("reconcile", "Annotations", "comp4_small", "reconcile", "process reconcile"),
    ),
    bounds=(
        Bound(
            "the whole `reconcile` to one COCO evaluation, whole process",
            "reconcile",
            "evaluate",
            "wall",
            most=6,
        ),
        Bound("the same, in process, files to result", "reconcile", "evaluate", "call", most=6),
        Bound("the same, tables to result, without reading", "reconcile", "evaluate", "match"),
    ),
)
INTERVALS = Part(
    name="intervals",
    title="Intervals: VOC2007, 111,247 detections, 1,000 samples of the images",
    about="""\
`dm.evaluate` of the same XML and comp4 files, then `confidence_intervals` of its twelve metrics: a
thousand bootstrap samples of the 4,952 images. *evaluate* holds both.""",
    rows=(
        Row("evaluate", "Annotations", "comp4_small"),
        Row("intervals", "Annotations", "comp4_small", "intervals", "process intervals"),
    ),
    bounds=(
        Bound(
            "a thousand samples to one evaluation, without reading",
            "intervals",
            "evaluate",
            "match",
        ),
        Bound("the same, whole process", "intervals", "evaluate", "wall"),
    ),
)
PARTS = {part.name: part for part in (VOC, YOLO, TABLES, RECONCILE, INTERVALS)}


@dataclass(frozen=True)
class Measured:
    """A row with its processes: timed inside, and as a whole; one and the same for others."""

    row: Row
    inside: list[Run]
    whole: list[Run]

    def runs(self, name: str) -> list[Run]:
        """The processes that a figure is taken of."""
        return self.whole if name in ("wall", "memory") else self.inside


Rows = dict[str, Measured]


def section(name: str, machine: str, *, quick: bool) -> str:
    """Measure a part and write it up."""
    part = PARTS[name]
    with tempfile.TemporaryDirectory(prefix="detmetrics-bench-") as folder:
        # In a process of its own: a child's peak memory is never less than that of its parent.
        script = str(HERE / "format_data.py")
        subprocess.run([sys.executable, script, name, folder], check=True)
        cases = [row.cases(Path(folder), quick) for row in part.rows]
        runs = alternately([case for group in cases for case in group])
        rows = {
            row.label: Measured(row, runs[group[0]], runs[group[-1]])
            for row, group in zip(part.rows, cases, strict=True)
        }
    about = part.about
    if part is VOC and not voc_is_real():
        about += " **The boxes are made up: the real set is not beside this repository.**"
    rounds = ["**`--quick`: one round. For development only.**"] * quick
    texts = [f"### {part.title}", machine, *rounds, about, _table(rows), _agreement(part, rows)]
    return "\n\n".join([*texts, _targets(part, rows)]) + "\n"


def put(page: str, name: str, text: str) -> str:
    """The page with the section of a part replaced, or added; the sections stand before Targets."""
    block = re.search(rf"^{HEADING}\n.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    if block is None:
        first, found, rest = page.partition(BEFORE)
        old = ""
    else:
        first, found, rest = page[: block.start()], "", page[block.end() :]
        old = block[0]
    texts = dict.fromkeys(PARTS, "")
    for known in PARTS:
        title = re.escape(PARTS[known].title)
        if section_found := re.search(rf"^### {title}\n.*?(?=^### |\Z)", old, re.M | re.S):
            texts[known] = section_found[0].strip()
    texts[name] = text.strip()
    sections = [HEADING, INTRODUCTION, *filter(None, texts.values())]
    parts = [first.strip(), "\n\n".join(sections), (found + rest).strip()]
    return "\n\n".join(filter(None, parts)) + "\n"


def _seconds(values: list[float]) -> str:
    if not any(values):
        return ""
    return f"{statistics.median(values):.3f} s [{min(values):.3f} to {max(values):.3f}]"


def _table(rows: Rows) -> str:
    lines = [
        f"| tool | {' | '.join(FIGURES)} | whole process | peak memory | runs |",
        f"|---|{'---|' * len(FIGURES)}---|---|---|",
    ]
    for label, row in rows.items():
        cells = [_seconds(figure(row.inside, name)) for name in FIGURES.values()]
        # What the process that reads a few files first imports is not what a user's does.
        cells[-1] = _seconds(figure(row.whole, "import"))
        cells.append(_seconds(figure(row.whole, "wall")))
        memory = f"{median(row.whole, 'memory'):.0f} MiB"
        lines.append(f"| {label} | {' | '.join(cells)} | {memory} | {len(row.inside)} |")
    return "\n".join(lines)


def _targets(part: Part, rows: Rows) -> str:
    lines = ["| what | wanted | measured | paired | reached |", "|---|---|---|---|---|"]
    for bound in part.bounds:
        above = rows[bound.above].runs(bound.figure)
        below = rows[bound.below].runs(bound.figure)
        value = median(above, bound.figure) / median(below, bound.figure)
        target = Target(bound.what, value, most=bound.most, least=bound.least)
        reached = {None: "", True: "yes", False: "**no**"}[target.reached]
        ratios = paired(above, below, bound.figure)
        spread = f"{statistics.median(ratios):.3g} [{min(ratios):.3g} to {max(ratios):.3g}]"
        lines.append(f"| {bound.what} | {target.wanted} | {value:.3g} | {spread} | {reached} |")
    return "\n".join(lines)


def _agreement(part: Part, rows: Rows) -> str:
    """Whether every run on the same files saw as many boxes, and rows of ``same`` agree."""
    wrong = [*_counts(rows), *_numbers(part, rows)]
    if wrong:
        return f"**DIFFER: {'; '.join(wrong)}**"
    said = "Every run on the same files read as many boxes as every other."
    if part.same:
        said += f" The twelve numbers of {', '.join(part.same)} are within {CLOSE:g}."
    return said


def _counts(rows: Rows) -> Iterator[str]:
    seen: dict[tuple[str, str], list[float]] = {}
    for label, row in rows.items():
        for run in (*row.inside, *row.whole):
            if run.numbers:
                first = seen.setdefault((row.row.truth, row.row.found), run.numbers[-2:])
                if first != run.numbers[-2:]:
                    yield f"{label} read {run.numbers[-2:]} boxes, another {first}"
                    break


def _numbers(part: Part, rows: Rows) -> Iterator[str]:
    told = [(label, run.numbers[:12]) for label in part.same for run in rows[label].inside]
    for label, values in told[1:]:
        apart = max(abs(a - b) for a, b in zip(values, told[0][1], strict=True))
        if not apart <= CLOSE:
            yield f"{label} by {apart:.3g} from {told[0][0]}"
