"""``make bench``: compare with the peers and write RESULTS.md.

``--quick`` runs one round without the slow tools and prints instead. ``--only formats`` measures
the reading of formats alone, ``--only yolo`` one part of that, ``--only training`` the metric of
training loops, ``--only oriented`` oriented boxes, ``--only masks`` masks, ``--only analyses``
check, errors, confusion, calibration and resamples, ``--only misreadings`` what looking for
misread files costs, ``--only batches`` loops that evaluate batch by batch, ``--only parts``
evaluation in parts, and keeps the rest of RESULTS.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import analyses
import batches
import formats
import masks
import misreadings
import oriented
import parts as in_parts
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


def everything(quick: bool) -> str:
    """The page with what is measured of every tool; sections follow."""
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
    return report.write(results, {name: size[2] for name, size in SIZES.items()}, quick=quick)


def with_formats(page: str, names: Iterable[str], *, quick: bool) -> str:
    """The page with the parts of these names on formats measured anew."""
    for name in names:
        text = formats.section(name, report.machine(formats.PACKAGES), quick=quick)
        page = formats.put(page, name, text)
    return page


def of_analyses(machine: str, *, quick: bool) -> str:
    """What the analyses cost."""
    prepare(quick, ("500k",))
    sources = {"500,000 detections": json_of("500k")}
    if VOC.is_dir():
        sources["VOC2007"] = real_data()
    return analyses.section(machine, sources, quick=quick)


def of_misreadings(machine: str, *, quick: bool) -> str:
    """What looking for misread files costs."""
    prepare(quick, ("500k",))
    return misreadings.section(machine, quick=quick)


SECTIONS = {
    "training": (training, training.section),
    "oriented": (oriented, oriented.section),
    "masks": (masks, masks.section),
    "analyses": (analyses, of_analyses),
    "misreadings": (misreadings, of_misreadings),
    "batches": (batches, batches.section),
    "parts": (in_parts, in_parts.section),
}


def main() -> None:
    """Measure everything, or what is named, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["formats", *formats.PARTS, *SECTIONS])
    asked = parser.parse_args()
    quick, only = asked.quick, asked.only
    # What is measured alone goes into the page as it is; --quick prints it and nothing else.
    page = (HERE / "RESULTS.md").read_text() if only and not quick else ""
    if not only:
        page = everything(quick)
    parts = [name for name in formats.PARTS if only in (None, "formats", name)]
    page = with_formats(page, parts, quick=quick)
    for name, (module, section) in SECTIONS.items():
        if only in (None, name):
            text = section(report.machine(module.PACKAGES), quick=quick)
            page = report.put(page, module.HEADING, text)
    if quick:
        sys.stdout.write(page)
    else:
        (HERE / "RESULTS.md").write_text(page)
    if differing := re.findall(r"\*\*((?:NUMBERS )?DIFFER: .*?)\*\*", page):
        sys.exit("; ".join(differing))


if __name__ == "__main__":
    main()
