"""What it costs to measure oriented boxes: 500,000 on 5,000 images, against hotcoco and a loop.

As a child, ``oriented.py TOOL MODE - -``, one tool in a fresh process prints its line of JSON as
``child.py`` does. Otherwise the section of the report that is made of these runs.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import workload
from child import Phases, phase, profiled
from measure import Case, Run, alternately, figure, median, paired, profile, spread_of
from targets import Target

IMAGES, OBJECTS, DETECTIONS, CLASSES = 5_000, 50_000, 500_000, 80
SAMPLE = 50
CLOSE = 1e-6
HEADING = "## Oriented boxes"
PACKAGES = ("detmetrics", "numpy", "hotcoco", "shapely")
LOOP = "a loop with shapely"
TOOLS = {"detmetrics": 7, "hotcoco": 7, LOOP: 5}
ABOUT = f"""\
500,000 oriented boxes (centre, sides, angle) on 5,000 images with 50,000 objects of 80 classes, in
memory; half of them are jittered objects, half background, and the boxes of an image lie in about
one direction, as vehicles and ships do. *evaluate* is for detmetrics `dm.evaluate(tables).summary`
with COCO's rules for oriented boxes, all twelve numbers; for hotcoco `evaluate` + `accumulate` +
`summarize` with `"obb"`. *building* is what a tool makes of the numbers first: for detmetrics
corners, catalog and tables; for hotcoco `COCO` and `load_res` of dictionaries that are there
already. The loop does nothing but `Polygon(a).intersection(Polygon(b)).area` for every pair of a
detection and an object of its image and class whose upright hulls touch: on {SAMPLE} images, its
time multiplied by {IMAGES // SAMPLE}."""
FIGURES = {"building and evaluate": "build+evaluate", "building": "build", "evaluate": "evaluate"}


def made() -> tuple[Any, np.ndarray, np.ndarray]:
    """The columns, and the oriented boxes of ground truth and detections: (G, 5), (D, 5)."""
    work = workload.make(IMAGES, OBJECTS, CLASSES, DETECTIONS)
    rng = np.random.default_rng(1)
    direction = rng.uniform(0, np.pi, IMAGES + 1)

    def oriented(boxes: np.ndarray, image: np.ndarray) -> np.ndarray:
        angle = direction[image] + rng.normal(0, 0.1, len(image))
        return np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:], angle])

    return work, oriented(work.gt_boxes, work.gt_image), oriented(work.boxes, work.image)


def tables(work: Any, truth: np.ndarray, found: np.ndarray) -> tuple[Any, Any]:
    """The tables of detmetrics."""
    import detmetrics as dm
    from detmetrics.overlap.polygons.polygons import Rectangles

    catalog = dm.Catalog.from_ids(images=work.image_ids, categories=work.category_ids)
    gt = dm.GroundTruth.from_arrays(
        image_ids=work.gt_image,
        categories=work.gt_category,
        shapes=Rectangles.from_cxcywhr(truth),
        catalog=catalog,
    )
    dt = dm.Detections.from_arrays(
        image_ids=work.image,
        categories=work.category,
        shapes=Rectangles.from_cxcywhr(found),
        scores=work.scores,
        catalog=catalog,
    )
    return gt, dt


def detmetrics(phases: Phases) -> list[float]:
    """From the numbers of boxes to the summary."""
    given = made()
    with phase(phases, "import"):
        import detmetrics as dm

        _ = dm.evaluate
    rules = dm.COCO.replace(name="coco-oriented", shape="oriented")
    with phase(phases, "build"):
        gt, dt = tables(*given)
    with phase(phases, "evaluate"):
        return list(dm.evaluate(gt, dt, rules).summary.values())


def hotcoco(phases: Phases) -> list[float]:
    """Its mode ``obb``, whose boxes have the angle of their width in radians too."""
    from hotcoco import COCO, COCOeval

    work, truth, found = made()
    images, categories = workload.images_and_categories(work)
    columns = zip(work.gt_image.tolist(), work.gt_category.tolist(), truth.tolist(), strict=True)
    annotations = [
        {"id": n, "image_id": i, "category_id": k, "iscrowd": 0, "area": s[2] * s[3], "obb": s}
        for n, (i, k, s) in enumerate(columns, start=1)
    ]
    columns = zip(work.image.tolist(), work.category.tolist(), found.tolist(), strict=True)
    results = [
        {"image_id": i, "category_id": k, "score": score, "area": s[2] * s[3], "obb": s}
        for (i, k, s), score in zip(columns, work.scores.tolist(), strict=True)
    ]
    document = {"images": images, "annotations": annotations, "categories": categories}
    with phase(phases, "build"):
        gt = COCO(document)
        dt = gt.load_res(results)
    with phase(phases, "evaluate"):
        evaluation = COCOeval(gt, dt, "obb")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats[:12]]


def loop(phases: Phases) -> list[float]:
    """The shared areas of the pairs of some images, one by one; how far ours are from them."""
    from shapely.geometry import Polygon

    from detmetrics.overlap import ANY_OVERLAP, Boxes, candidate_pairs, shared_groups

    gt, dt = tables(*made())
    here = dt.image < SAMPLE
    groups = gt.category * IMAGES + gt.image
    order = np.argsort(groups, kind="stable")
    rows = np.flatnonzero(here)
    near = shared_groups((dt.category * IMAGES + dt.image)[rows], groups[order])
    mine, other = dt.shapes, gt.shapes.take(order)
    crowd = np.zeros(len(order), bool)
    hulls = (Boxes(column.hulls, corners=True) for column in (mine, other))
    touching = candidate_pairs(next(hulls), rows, next(hulls), crowd, near, ANY_OVERLAP)
    d, g = rows[touching.detection], touching.ground_truth
    outlines = (
        column.points.reshape(-1, 4, 2)[at].tolist() for column, at in ((mine, d), (other, g))
    )
    pairs = list(zip(*outlines, strict=True))
    start = time.perf_counter()
    shared = [Polygon(a).intersection(Polygon(b)).area for a, b in pairs]
    phases["build"] = 0.0
    phases["evaluate"] = (time.perf_counter() - start) * IMAGES / SAMPLE
    area = mine.areas[d] + other.areas[g] - shared
    ours = mine.overlaps(d, other, g, crowd[g], 0.0)
    return [float(np.abs(ours - shared / area).max()), float(len(pairs))]


def section(machine: str, *, quick: bool) -> str:
    """Measure all tools and write it up."""
    cases = [
        Case(tool, "arrays", rounds=1 if quick else rounds, child="oriented.py")
        for tool, rounds in TOOLS.items()
    ]
    runs = {case.tool: found for case, found in alternately(cases, warm=not quick).items()}
    said = ["**`--quick`: one round. For development only.**"] * quick
    texts = [HEADING, machine, *said, ABOUT, _table(runs), _agreement(runs), _targets(runs)]
    if any(target.reached is False for target, _ in _rows(runs)):
        texts += ["### Profile: oriented", f"```\n{profile(cases[0])}\n```"]
    return "\n\n".join(texts) + "\n"


def _table(runs: dict[str, list[Run]]) -> str:
    lines = [
        f"| tool | {' | '.join(FIGURES)} | ratio | paired | peak memory | runs |",
        f"|---|{'---|' * len(FIGURES)}---|---|---|---|",
    ]
    first = next(iter(FIGURES.values()))
    for tool, found in runs.items():
        cells = [spread_of(figure(found, name), " s") for name in FIGURES.values()]
        ratio = median(runs["detmetrics"], first) / median(found, first)
        cells += [f"{ratio:.3g}", spread_of(paired(runs["detmetrics"], found, first))]
        memory = f"{median(found, 'memory'):.0f} MiB"
        lines.append(f"| {tool} | {' | '.join(cells)} | {memory} | {len(found)} |")
    return "\n".join(lines)


def _apart(runs: dict[str, list[Run]]) -> tuple[float, float]:
    """The largest difference of the twelve numbers, and of the IoU of a pair."""
    ours, theirs = (np.array(runs[tool][0].numbers) for tool in ("detmetrics", "hotcoco"))
    return float(np.abs(ours - theirs).max()), runs[LOOP][0].numbers[0]


def _agreement(runs: dict[str, list[Run]]) -> str:
    numbers, iou = _apart(runs)
    return (
        f"The largest difference of the twelve numbers from hotcoco's: {numbers:.1g}; of the IoU "
        f"of one of the loop's {runs[LOOP][0].numbers[1]:,.0f} pairs: {iou:.1g}."
        + f"\n\n**NUMBERS DIFFER: oriented boxes: by {max(numbers, iou):.2g}**"
        * (max(numbers, iou) > CLOSE)
    )


def _rows(runs: dict[str, list[Run]]) -> list[tuple[Target, list[float]]]:
    both, alone = "build+evaluate", "evaluate"
    ours, peer, slow = runs["detmetrics"], runs["hotcoco"], runs[LOOP]

    def ratio(one: list[Run], two: list[Run], names: tuple[str, str]) -> float:
        return median(one, names[0]) / median(two, names[1])

    return [
        (
            Target("tables to summary: ratio to hotcoco", ratio(ours, peer, (both, both)), most=3),
            paired(ours, peer, both),
        ),
        (
            Target("the same without building", ratio(ours, peer, (alone, alone)), most=3),
            paired(ours, peer, alone),
        ),
        (
            Target("times faster than the loop alone", ratio(slow, ours, (alone, both)), least=20),
            paired(slow, ours, both),
        ),
    ]


def _targets(runs: dict[str, list[Run]]) -> str:
    lines = ["| what | wanted | measured | paired | reached |", "|---|---|---|---|---|"]
    for target, pairs in _rows(runs):
        reached = {None: "", True: "yes", False: "**no**"}[target.reached]
        measured = f"{target.value:.3g} | {spread_of(pairs)}"
        lines.append(f"| {target.what} | {target.wanted} | {measured} | {reached} |")
    return "\n".join(lines)


def main() -> None:
    """One tool, as a child of ``run.py``."""
    tool = sys.argv[1]
    warnings.simplefilter("ignore")
    run = {"detmetrics": detmetrics, "hotcoco": hotcoco, LOOP: loop}[tool]
    phases: Phases = {}
    with contextlib.redirect_stdout(io.StringIO()):
        if sys.argv[5:] == ["--profile"]:
            told = {"profile": profiled(lambda: run(phases))}
        else:
            told = {"numbers": run(phases), "phases": phases}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
