"""What looking for misread files costs after an evaluation, in CPU seconds of one process.

A process reads both files of the 500,000 detections to the twelve numbers, then asks for what it
says of misreadings, of these files and of the same ones with a mistake made; and likewise from the
arrays of 50,000. CPU is of all threads.
"""

from __future__ import annotations

import contextlib
import io
import json
import statistics
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import workload
from child import Phases
from measure import Case, Run, alternately, figure
from targets import Target

HEADING = "## Misread files"
PACKAGES = ("numpy",)
DATA = Path(__file__).parent / "data"
SMALL = (500, 3_769, 50_000)
SHARE, SECONDS = 0.1, 0.020
ABOUT = """\
CPU seconds of what is looked for after an evaluation (classes, images and boxes that were misread,
scores), of good detections and of the same with a mistake made, beside the CPU seconds from two
files to the twelve numbers, in the same process. *50k* is of 50,000 detections on 500 images."""


def spoiled(found: Any) -> Iterator[tuple[str, Any]]:
    """The detections as they are, and with mistakes made."""
    count, images = len(found.catalog.category_ids), len(found.catalog.image_ids)
    yield "good", found
    yield "classes off by one", replace(found, category=(found.category + 1) % count)
    yield "next image", replace(found, image=(found.image + 1) % images)
    order = np.random.default_rng(0).permutation(images)
    yield "any order of images", replace(found, image=order[found.image])
    yield "y before x", replace(found, boxes=found.xywh[:, [1, 0, 3, 2]], box_format="xywh")
    frame = found.xywh * np.tile([640 / workload.WIDTH, 640 / workload.HEIGHT], 2)
    yield "stretched frame", replace(found, boxes=frame, box_format="xywh")
    part = (found.image % 4 == 0)[:, None]
    swapped = np.where(part, found.xywh[:, [1, 0, 3, 2]], found.xywh)
    yield "y before x in a part", replace(found, boxes=swapped, box_format="xywh")
    both = replace(found, category=(found.category + 1) % count)
    yield "both", replace(both, boxes=found.xywh[:, [1, 0, 3, 2]], box_format="xywh")


def run(phases: Phases) -> list[float]:
    """All phases; the first numbers are the AP of the good files."""
    import detmetrics as dm

    _ = dm.evaluate
    start = time.process_time()
    gt = dm.read_ground_truth(str(DATA / "500k" / "ground_truth.json"))
    dt = dm.read_detections(str(DATA / "500k" / "detections.json"), gt)
    numbers = list(dm.evaluate(gt, dt).summary.values())
    phases["files to numbers"] = time.process_time() - start
    looked(phases, "500k", gt, dt)
    looked(phases, "50k", *small())
    return numbers


def looked(phases: Phases, size: str, gt: Any, dt: Any) -> None:
    """The seconds after the numbers, for each mistake."""
    import detmetrics as dm

    for name, found in spoiled(dt):
        result = dm.evaluate(gt, found)
        _ = result.summary, result.counts
        start = time.process_time()
        _ = result._misreadings
        phases[f"{size}: {name}"] = time.process_time() - start


def small() -> tuple[Any, Any]:
    """Tables of 50,000 detections."""
    import detmetrics as dm

    work = workload.make(*SMALL[:2], 80, SMALL[2])
    catalog = dm.Catalog.from_ids(
        images=work.image_ids,
        categories=work.category_ids,
        image_sizes=np.tile([workload.WIDTH, workload.HEIGHT], (SMALL[0], 1)),
    )
    gt = dm.GroundTruth.from_arrays(
        image_ids=work.gt_image,
        categories=work.gt_category,
        boxes=work.gt_boxes,
        areas=work.gt_area,
        crowd=work.gt_crowd,
        catalog=catalog,
    )
    dt = dm.Detections.from_arrays(
        image_ids=work.image,
        categories=work.category,
        boxes=work.boxes,
        scores=work.scores,
        catalog=catalog,
    )
    return gt, dt


def section(machine: str, *, quick: bool) -> str:
    """Measure and write it up."""
    case = Case("detmetrics", "misreadings", rounds=2 if quick else 7, child="misreadings.py")
    (runs,) = alternately([case], warm=not quick).values()
    said = ["**`--quick`: two rounds. For development only.**"] * quick
    return "\n\n".join([HEADING, machine, *said, ABOUT, _table(runs)]) + "\n"


def _table(runs: list[Run]) -> str:
    lines = ["| what | CPU | wanted | measured | reached |", "|---|---|---|---|---|"]
    whole = figure(runs, "files to numbers")
    lines.append(f"| files to numbers, 500k | {_spread(whole)} |  |  |  |")
    for name in runs[0].phases:
        size, _, which = name.partition(": ")
        if not which:
            continue
        seconds = figure(runs, name)
        shares = [mine / all_of_it for mine, all_of_it in zip(seconds, whole, strict=True)]
        value, most = (
            (statistics.median(shares), SHARE)
            if size == "500k"
            else (statistics.median(seconds), SECONDS)
        )
        target = Target(name, value, most=most)
        unit = " of files to numbers" if size == "500k" else " s"
        reached = "yes" if target.reached else "**no**"
        cells = [name, _spread(seconds), f"{target.wanted}{unit}", f"{value:.3g}", reached]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.4f} s [{min(values):.4f} to {max(values):.4f}]"


def main() -> None:
    """One process, as a child of ``run.py``."""
    warnings.simplefilter("ignore")
    phases: Phases = {}
    with contextlib.redirect_stdout(io.StringIO()):
        numbers = run(phases)
    print(json.dumps({"numbers": numbers, "phases": phases}))


if __name__ == "__main__":
    main()
