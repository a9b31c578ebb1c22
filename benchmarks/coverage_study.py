"""How often 95% confidence intervals hold the value: ``make coverage-study TRIALS=500``.

Images are drawn from a data set with replacement, n at a time, as if it were the population; the
interval of each draw should hold the value of all images in 95 of 100 trials. Intervals are those
of the library, from fewer half-samples; the metrics of these are counted in
:mod:`many_weights`. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import workload
from many_weights import ManyWeights

import detmetrics as dm
from detmetrics.analysis.bootstrap import Interval, interval_of
from detmetrics.analysis.resampling import half_samples, resampled
from detmetrics.analysis.support import Support

VOC = Path(__file__).parent.parent.parent / "shared/data/voc2007"
NAMES = ("AP", "AP50", "APs", "APl", "AR100")
IMAGES = (100, 200, 500, 1_000)
HALVES, LEVEL = 200, 0.95
WHOSE = {"each model": ("a", "b"), "difference": ("d",)}


@dataclass(frozen=True)
class Population:
    """Two results on all images, and a class to look at."""

    name: str
    results: tuple[dm.Evaluation, dm.Evaluation]
    label: str


def made_up(classes: int, name: str) -> Population:
    """A made-up set, and two models that see other shares of the objects."""
    made = workload.make(objects=37_686, classes=classes, detections=75_000)
    catalog = dm.Catalog.from_ids(
        images=made.image_ids, categories=made.category_ids, image_sizes=None
    )
    truth = dm.GroundTruth.from_arrays(
        image_ids=made.gt_image,
        categories=made.gt_category,
        boxes=made.gt_boxes,
        areas=made.gt_area,
        crowd=made.gt_crowd,
        catalog=catalog,
    )

    def model(seed: int, share: float) -> dm.Evaluation:
        rng = np.random.default_rng(seed)
        kept = rng.random(len(made.scores)) < share
        scores = np.clip(made.scores + rng.normal(0, 0.08, len(kept)), 0.001, 0.999)
        found = dm.Detections.from_arrays(
            image_ids=made.image[kept],
            categories=made.category[kept],
            boxes=made.boxes[kept],
            scores=scores[kept],
            catalog=catalog,
        )
        return dm.evaluate(truth, found)

    results = model(0, 0.8), model(1, 0.75)
    return Population(name, results, results[0].class_names[min(7, classes // 2)])


def voc2007() -> Population:
    """PASCAL VOC2007 and two detectors, from the archives beside the repository."""
    with tempfile.TemporaryDirectory() as folder:
        for archive in ("annotations_test", "detections/yolov2", "detections/yolo2_e150"):
            place = Path(folder) / Path(archive).name
            with tarfile.open(VOC / f"{archive}.tar.gz") as packed:
                packed.extractall(place, filter="data")
        truth = dm.read_ground_truth(Path(folder) / "annotations_test" / "Annotations")
        results = [
            dm.evaluate(truth, dm.read_detections(Path(folder) / name, truth))
            for name in ("yolov2", "yolo2_e150")
        ]
    return Population("VOC2007", (results[0], results[1]), "dog")


def intervals_of(
    population: Population, images: int, seed: int, halves: int
) -> dict[tuple[str, str], Interval]:
    """The interval of every metric of both models and of their difference, of one draw."""
    rng = np.random.default_rng((seed, images))
    total = population.results[0].matching.images
    drawn = np.bincount(rng.integers(0, total, images), minlength=total)
    seeds = np.random.SeedSequence((seed, images)).spawn(halves // 2)
    weights = np.stack(
        [np.ones(images, np.int64), *(half for one in seeds for half in half_samples(images, one))]
    )
    samples = [replace(one, matching=resampled(one, drawn)) for one in population.results]
    a, b = (ManyWeights(one.matching, NAMES, population.label).metrics(weights) for one in samples)
    support = Support.in_images(samples[0])
    category = samples[0].class_names.index(population.label)
    found = {}
    for name in a:
        few = support.few(name) if name in NAMES else support.few("AP", category)
        for whose, values in (("a", a[name]), ("b", b[name]), ("d", b[name] - a[name])):
            found[name, whose] = interval_of(
                float(values[0]),
                values[1:],
                LEVEL,
                images,
                freedom=(support.filled(name) if name in NAMES else support.filled("AP", category))
                - 1,
                few_objects=few and (whose != "d" or name not in NAMES),
                difference=whose == "d",
            )
    return found


def values_of(population: Population) -> dict[tuple[str, str], float]:
    """What the intervals should hold: the values of all images."""
    once = np.ones((1, population.results[0].matching.images), np.int64)
    a, b = (
        ManyWeights(one.matching, NAMES, population.label).metrics(once)
        for one in population.results
    )
    sides = (("a", a), ("b", b), ("d", {name: b[name] - a[name] for name in a}))
    return {(name, whose): float(side[name][0]) for whose, side in sides for name in a}


def cell(held: list[bool], few: list[bool]) -> str:
    """The share that holds the value, and in how many trials it was called too narrow."""
    if not held:
        return "none"
    marked = f" (few: {100 * np.mean(few):.0f})" if np.mean(few) > 0.005 else ""
    return f"{100 * np.mean(held):.0f}{marked}"


def shares(
    population: Population,
    values: dict[tuple[str, str], float],
    trials: int,
    images: int,
    halves: int,
) -> dict[tuple[str, str], str]:
    """The cell for one number of images."""
    held: dict[tuple[str, str], list[bool]] = defaultdict(list)
    few: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in range(trials):
        found = intervals_of(population, images, trial, halves)
        for name, whose in found:
            interval = found[name, whose]
            of = next(words for words, sides in WHOSE.items() if whose in sides)
            few[name, of].append(interval.few_objects)
            if interval.low == interval.low:
                held[name, of].append(interval.low <= values[name, whose] <= interval.high)
    return {key: cell(held[key], few[key]) for key in few}


def rows(population: Population, trials: int, sizes: tuple[int, ...], halves: int) -> Iterator[str]:
    """The lines of the table of one population."""
    values = values_of(population)
    columns = [shares(population, values, trials, images, halves) for images in sizes]
    for of, sides in WHOSE.items():
        for name in dict.fromkeys(name for name, _ in values):
            true = ", ".join(f"{values[name, side]:.3f}" for side in sides)
            cells = (population.name, name, of, true, *(column[name, of] for column in columns))
            yield f"| {' | '.join(cells)} |"


def table(
    populations: list[Population],
    trials: int,
    sizes: tuple[int, ...] = IMAGES,
    halves: int = HALVES,
) -> Iterator[str]:
    """A header, then a line for each metric of each population."""
    columns = ("images", "metric", "of", "value", *(f"n = {images:,}" for images in sizes))
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for population in populations:
        yield from rows(population, trials, sizes, halves)


def main() -> None:
    """Print the table, and on standard error what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    options = parser.parse_args()
    warnings.simplefilter("ignore", dm.DetmetricsWarning)
    populations = [made_up(20, "made up, 20 classes"), made_up(80, "made up, 80 classes")]
    if VOC.exists():
        populations.insert(0, voc2007())
    else:
        print("VOC2007 is left out: the real data sets are not there", file=sys.stderr)
    start = time.perf_counter()
    for line in table(populations, options.trials):
        print(line, flush=True)
    took = time.perf_counter() - start
    print(f"{options.trials} trials in {took:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
