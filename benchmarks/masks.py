"""What it costs to measure masks: 100,000 masks on 5,000 images, against pycocotools and hotcoco.

As a child, ``masks.py TOOL MODE GROUND_TRUTH DETECTIONS``, one tool in a fresh process prints its
line of JSON as ``child.py`` does; mode ``segm`` measures masks, ``boundary`` their boundaries too.
``masks.py make FOLDER`` writes the two files. Otherwise the section of the report.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import statistics
import subprocess
import sys
import warnings
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from child import PEERS, Phases, phase, profiled
from measure import Case, Run, alternately, figure, median, paired, spread_of
from targets import Target

IMAGES, OBJECTS, DETECTIONS, CLASSES = 5_000, 36_000, 100_000, 80
WIDTH, HEIGHT, CORNERS = 640, 480, 48
FOLDER = Path(__file__).parent / "data"
HEADING = "## Masks"
PACKAGES = ("detmetrics", "numpy", "msgspec", "pycocotools", "hotcoco")
BOUNDARIES = "detmetrics, boundaries"
TOOLS = {"detmetrics": 7, "hotcoco": 7, "pycocotools": 3}
ABOUT = """\
36,000 objects as polygons (one in ten of two parts, crowds as run lengths) and 100,000 detections
as compressed run lengths without boxes, on 5,000 images of 640 x 480 with 80 classes. *evaluate*
is for detmetrics `dm.evaluate(tables).summary`, for the others `evaluate` + `accumulate` with
`iouType="segm"`; *read* is `dm.read_ground_truth` and `dm.read_detections`, for the others `COCO`
and `loadRes`. Ratios are of *evaluate*, except where *whole process* is said."""
FIGURES = {"evaluate": "evaluate", "read": "read", "whole process": "wall"}

# --- the files -----------------------------------------------------------------------------------


def make(folder: Path) -> None:
    """Write ``masks_truth.json`` and ``masks_found.json``.

    Objects of a class have a common outline that each varies, so that masks overlap about as much
    as their boxes.
    """
    import workload
    from pycocotools import mask

    rng = np.random.default_rng(1)
    work = workload.make(IMAGES, OBJECTS, CLASSES, DETECTIONS)
    outlines = rng.uniform(0.55, 1, (CLASSES, CORNERS))

    def polygons(boxes: np.ndarray, category: np.ndarray) -> np.ndarray:
        radius = outlines[category - 1] + rng.normal(0, 0.04, (len(boxes), CORNERS))
        angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
        half = boxes[:, 2:, None] / 2
        turn = np.stack([np.cos(angle), np.sin(angle)])
        points = boxes[:, :2, None] + half + half * radius[:, None] * turn
        limits = np.array([[WIDTH], [HEIGHT]])
        return np.round(np.clip(points, 0, limits), 2).transpose(0, 2, 1)

    document = workload.ground_truth_document(work)
    drawn = polygons(work.gt_boxes, work.gt_category).tolist()
    for row, (one, points) in enumerate(zip(document["annotations"], drawn, strict=True)):
        one["segmentation"] = _segmentation(points, two=row % 10 == 0, crowd=bool(one["iscrowd"]))
    (folder / "masks_truth.json").write_text(json.dumps(document))
    records = workload.detection_records(work)
    for one, points in zip(records, polygons(work.boxes, work.category).tolist(), strict=True):
        (code,) = mask.frPyObjects([_flat(points)], HEIGHT, WIDTH)
        del one["bbox"]
        one["segmentation"] = {"size": code["size"], "counts": code["counts"].decode()}
    (folder / "masks_found.json").write_text(json.dumps(records))


def _segmentation(points: list[list[float]], *, two: bool, crowd: bool) -> Any:
    half = CORNERS // 2
    parts = [points[: half + 1], points[half:]] if two else [points]
    flat = [_flat(part) for part in parts]
    return _lengths(flat) if crowd else flat


def _flat(points: list[list[float]]) -> list[float]:
    return list(chain.from_iterable(points))


def _lengths(polygons: list[list[float]]) -> dict[str, Any]:
    """Run lengths, as COCO has its crowds."""
    from pycocotools import mask

    pixels = mask.decode(mask.merge(mask.frPyObjects(polygons, HEIGHT, WIDTH))).ravel(order="F")
    ends = np.append(np.flatnonzero(np.diff(pixels, prepend=0)), len(pixels))
    return {"size": [HEIGHT, WIDTH], "counts": np.diff(ends, prepend=0).tolist()}


# --- a tool in a process of its own ---------------------------------------------------------------


def detmetrics(phases: Phases, mode: str, truth: str, found: str) -> list[float]:
    with phase(phases, "import"):
        import detmetrics as dm

        _ = dm.evaluate
    with phase(phases, "read"):
        gt = dm.read_ground_truth(truth)
        dt = dm.read_detections(found, gt)
    with phase(phases, "evaluate"):
        shape = {"segm": "mask"}.get(mode, mode)
        return list(dm.evaluate(gt, dt, shape=shape).summary.values())


def peer(tool: str, phases: Phases, mode: str, truth: str, found: str) -> list[float]:
    with phase(phases, "import"):
        module, evaluator, kind = PEERS[tool]
        index = importlib.import_module(module).COCO
        make = getattr(importlib.import_module(evaluator), kind)
    with phase(phases, "read"):
        gt = index(truth)
        dt = gt.loadRes(found)
    with phase(phases, "evaluate"):
        evaluation = make(gt, dt, mode)
        evaluation.evaluate()
        evaluation.accumulate()
    evaluation.summarize()
    return [float(value) for value in evaluation.stats[:12]]


# --- the section of the report --------------------------------------------------------------------


def section(machine: str, *, quick: bool) -> str:
    """Measure all tools and write it up."""
    paths = FOLDER / "masks_truth.json", FOLDER / "masks_found.json"
    if not all(path.exists() for path in paths):
        FOLDER.mkdir(exist_ok=True)
        subprocess.run([sys.executable, __file__, "make", str(FOLDER)], check=True)
    cases = [
        Case(tool, "segm", *map(str, paths), 1 if quick else rounds, "masks.py")
        for tool, rounds in TOOLS.items()
    ]
    cases.append(Case(BOUNDARIES, "boundary", *map(str, paths), 1 if quick else 3, "masks.py"))
    runs = {case.tool: found for case, found in alternately(cases).items()}
    rounds = ["**`--quick`: one round. For development only.**"] * quick
    texts = [HEADING, machine, *rounds, ABOUT, _table(runs), _agreement(runs)]
    return "\n\n".join([*texts, _targets(runs)]) + "\n"


def _table(runs: dict[str, list[Run]]) -> str:
    lines = [
        f"| tool | {' | '.join(FIGURES)} | ratio | paired | peak memory | runs |",
        f"|---|{'---|' * len(FIGURES)}---|---|---|---|",
    ]
    ours = runs["detmetrics"]
    for tool, found in runs.items():
        cells = [_seconds(figure(found, name)) for name in FIGURES.values()]
        ratio = median(ours, "evaluate") / median(found, "evaluate")
        spread = spread_of(paired(ours, found, "evaluate"))
        cells += [f"{ratio:.3g}", spread, f"{median(found, 'memory'):.0f} MiB", str(len(found))]
        lines.append(f"| {tool} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} s [{min(values):.3f} to {max(values):.3f}]"


def _agreement(runs: dict[str, list[Run]]) -> str:
    """Ours are pycocotools' numbers, to the last bit."""
    theirs = np.array(runs["pycocotools"][0].numbers)
    told = []
    for tool, found in runs.items():
        if tool == BOUNDARIES:
            continue
        numbers = np.array([run.numbers for run in found])
        apart = float(np.abs(numbers - theirs).max())
        told.append(f"{tool} {'equal' if apart == 0 else f'{apart:.1g}'}")
    line = f"The largest difference of the twelve numbers from pycocotools': {', '.join(told)}."
    if not told[0].endswith("equal"):
        line += f"\n\n**NUMBERS DIFFER: masks: {told[0]}**"
    return line


def _targets(runs: dict[str, list[Run]]) -> str:
    ours = runs["detmetrics"]
    lines = ["| what | wanted | measured | paired | reached |", "|---|---|---|---|---|"]
    for what, tool, name, least in (
        ("evaluate: times faster than pycocotools", "pycocotools", "evaluate", 5),
        ("the same, whole process", "pycocotools", "wall", None),
        ("evaluate: times faster than hotcoco", "hotcoco", "evaluate", 1),
        ("the same, whole process", "hotcoco", "wall", 0.83),
    ):
        value = median(runs[tool], name) / median(ours, name)
        target = Target(what, value, least=least)
        reached = {None: "", True: "yes", False: "**no**"}[target.reached]
        spread = spread_of(paired(runs[tool], ours, name))
        lines.append(f"| {what} | {target.wanted} | {value:.3g} | {spread} | {reached} |")
    return "\n".join(lines)


def main() -> None:
    """Make the files, or run one tool as a child of ``run.py``."""
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
        return
    tool, mode, truth, found = sys.argv[1:5]
    warnings.simplefilter("ignore")
    phases: Phases = {}

    def run() -> list[float]:
        if tool in ("detmetrics", BOUNDARIES):
            return detmetrics(phases, mode, truth, found)
        return peer(tool, phases, mode, truth, found)

    with contextlib.redirect_stdout(io.StringIO()):
        if sys.argv[5:] == ["--profile"]:
            told: dict[str, Any] = {"profile": profiled(run, 35)}
        else:
            told = {"numbers": run(), "phases": phases}
    print(told["profile"] if "profile" in told else json.dumps(told))


if __name__ == "__main__":
    main()
