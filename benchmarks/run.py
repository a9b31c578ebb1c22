"""``make bench``: compare with the peers and write RESULTS.md.

``--quick`` runs one round without the slow tools and prints instead. ``--only formats`` measures
the reading of formats alone, ``--only yolo`` one part of that, ``--only training`` the metric of
training loops, ``--only oriented`` oriented boxes, ``--only masks`` masks, ``--only analyses``
check, errors, confusion, calibration and resamples, ``--only misreadings`` what looking for
misread files costs, ``--only batches`` loops that evaluate batch by batch, and keeps the rest of
RESULTS.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import agreement
import analyses
import batches
import formats
import masks
import misreadings
import oriented
import report
import training
import workload
from measure import Case, Run, alternately, command_numbers

HERE = Path(__file__).parent
DATA = HERE / "data"
VOC = HERE.parent.parent / "shared/data/voc2007/coco_json"
SLOW = {"pycocotools": 3, "faster-coco-eval": 3}
TOOLS = ("detmetrics", "hotcoco", "ultrafast-pycocotools", "faster-coco-eval", "pycocotools")
# Images, objects and detections of the growth series: the density stays that of COCO.
SIZES = {
    "50k": (500, 3_769, 50_000),
    "150k": (1_500, 11_306, 150_000),
    "500k": (5_000, 37_686, 500_000),
    "5M": (50_000, 376_860, 5_000_000),
}
GROWTH = ("50k", "500k", "5M")

FIXTURES = HERE.parent / "fixtures"

Results = dict[Case, list[Run]]


def prepare(quick: bool, names: Iterable[str] = SIZES) -> None:
    """Make the workloads of these names that are not there yet.

    In processes of their own: a child's peak memory is never less than that of its parent.
    """
    DATA.mkdir(exist_ok=True)
    for name in names:
        size = SIZES[name]
        made = DATA / f"{name}.npz"
        if name in workload.AS_JSON:
            made = DATA / name / "detections.json"
        if made.exists() or (quick and name == "5M"):
            continue
        command = [sys.executable, str(HERE / "workload.py"), str(DATA), name, *map(str, size)]
        subprocess.run(command, check=True)
    if VOC.is_dir():
        unpack(VOC / "ground_truth_difficult_as_crowd.json.gz", DATA / "voc_truth.json")
        unpack(VOC / "yolov2.json.gz", DATA / "voc_detections.json")


def unpack(source: Path, target: Path) -> None:
    """Unzip, so that tools that do not read gzip can take part."""
    if not target.exists():
        with gzip.open(source) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain)


def compared(mode: str, truth: Path, found: Path, quick: bool) -> Results:
    """All tools on the same input."""
    tools = [tool for tool in TOOLS if not (quick and tool in SLOW)]
    cases = [
        Case(tool, mode, str(truth), str(found), 1 if quick else SLOW.get(tool, 7))
        for tool in tools
    ]
    if mode == "files":
        cases.insert(
            1, Case("detmetrics evaluate", "command", str(truth), str(found), 1 if quick else 7)
        )
    results = alternately(cases)
    for case in cases:
        if case.mode == "command":
            numbers = command_numbers(case)
            results[case] = [dataclasses.replace(run, numbers=numbers) for run in results[case]]
    return results


def growth(quick: bool) -> Results:
    """The growth of detmetrics from arrays: 50,000 to 5,000,000 detections."""
    rounds = 1 if quick else 5
    names = [name for name in GROWTH if not (quick and name == "5M")]
    paths = [str(DATA / f"{name}.npz") for name in names]
    return alternately([Case("detmetrics", "arrays", path, path, rounds) for path in paths])


def start(quick: bool) -> Results:
    """What evaluating the fixtures costs beside ``import numpy``: nearly all of it is start-up."""
    rounds = 3 if quick else 15
    files = str(FIXTURES / "ground_truth.json"), str(FIXTURES / "detections.json")
    return alternately(
        [
            Case("numpy", "import", rounds=rounds),
            Case("import detmetrics", "import", rounds=rounds),
            Case("detmetrics", "files", *files, rounds),
            Case("detmetrics evaluate", "command", *files, rounds),
            Case("ultrafast-pycocotools", "files", *files, rounds),
            Case("hotcoco", "files", *files, rounds),
        ]
    )


def json_of(name: str) -> tuple[Path, Path]:
    """The two files of a workload."""
    return DATA / name / "ground_truth.json", DATA / name / "detections.json"


def real_data() -> tuple[Path, Path]:
    """VOC2007 with YOLOv2."""
    return DATA / "voc_truth.json", DATA / "voc_detections.json"


def everything(quick: bool) -> tuple[str, list[str]]:
    """The page without formats, and what differs in it."""
    prepare(quick)
    arrays = DATA / "500k.npz"
    results = {
        "start": start(quick),
        "arrays": compared("arrays", arrays, arrays, quick),
        "files": compared("files", *json_of("500k"), quick),
        "fewer": compared("files", *json_of("150k"), quick),
        "growth": growth(quick),
    }
    if VOC.is_dir():
        results["voc"] = compared("files", *real_data(), quick)
    text = report.write(results, {name: size[2] for name, size in SIZES.items()}, quick=quick)
    return text, agreement.differences(results)


def only_formats(parts: list[str], page: str, quick: bool) -> tuple[str, list[str]]:
    """The page with these parts measured anew, and what differs in them."""
    differing = []
    for part in parts:
        text = formats.section(part, report.machine(formats.PACKAGES), quick=quick)
        differing += formats.faults(text)
        page = formats.put(page, part, text)
    return page, differing


def with_analyses(page: str, *, quick: bool) -> str:
    """With what the analyses cost."""
    prepare(quick, ("500k",))
    sources = {"500,000 detections": json_of("500k")}
    if VOC.is_dir():
        sources["VOC2007"] = real_data()
    text = analyses.section(report.machine(analyses.PACKAGES), sources, quick=quick)
    return report.put(page, analyses.HEADING, text)


def small_parts(only: str | None, page: str, *, quick: bool) -> str:
    """With what looking for misread files costs, and with loops over batches."""
    if only in (None, "misreadings"):
        prepare(quick, ("500k",))
        text = misreadings.section(report.machine(misreadings.PACKAGES), quick=quick)
        page = report.put(page, misreadings.HEADING, text)
    if only in (None, "batches"):
        text = batches.section(report.machine(batches.PACKAGES), quick=quick)
        page = report.put(page, batches.HEADING, text)
    return page


def main() -> None:
    """Measure everything, or what is named, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    own = ["formats", *formats.PARTS, "training", "oriented", "masks", "analyses"]
    own += ["misreadings", "batches"]
    parser.add_argument("--only", choices=own)
    asked = parser.parse_args()
    parts = [part for part in formats.PARTS if asked.only in (None, "formats", part)]
    # What is measured alone goes into the page as it is; --quick prints it and nothing else.
    page = (HERE / "RESULTS.md").read_text() if asked.only and not asked.quick else ""
    differing = []
    if not asked.only:
        page, differing = everything(asked.quick)
    page, differing_formats = only_formats(parts, page, asked.quick)
    if asked.only in (None, "training"):
        machine = report.machine(training.PACKAGES)
        page = report.put(page, training.HEADING, training.section(machine, quick=asked.quick))
    if asked.only in (None, "oriented"):
        text, apart = oriented.section(report.machine(oriented.PACKAGES), quick=asked.quick)
        page = report.put(page, oriented.HEADING, text)
        differing += apart
    if asked.only in (None, "masks"):
        text = masks.section(report.machine(masks.PACKAGES), quick=asked.quick)
        page, differing = report.put(page, masks.HEADING, text), [*differing, *masks.faults(text)]
    if asked.only in (None, "analyses"):
        page = with_analyses(page, quick=asked.quick)
    page = small_parts(asked.only, page, quick=asked.quick)
    if asked.quick:
        sys.stdout.write(page)
    else:
        (HERE / "RESULTS.md").write_text(page)
    if differing := [*differing, *differing_formats]:
        sys.exit("NUMBERS DIFFER: " + "; ".join(differing))


if __name__ == "__main__":
    main()
