"""How often 95% intervals from halves of the parts hold the value: the table of docs/parts.md.

``python benchmarks/parts_coverage.py --trials 300``. Images are drawn from a data set with
replacement, as if it were the population, and divided into parts of equal size. The parts are dealt
into two halves again and again, as :func:`detmetrics.analysis.part_intervals` does with a result in
parts; the interval should hold the value of all images in 95 of 100 trials. Halves are counted by
:mod:`many_weights`. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import coverage_study as study
import numpy as np
from many_weights import ManyWeights

import detmetrics as dm
from detmetrics.analysis.bootstrap import interval_of
from detmetrics.analysis.resampling import half_samples, resampled

HALVES, LEVEL = 40, 0.95
SETS = ((1_000, 20), (1_000, 50), (5_000, 20), (5_000, 50))  # images, and parts of them


def holds(
    population: study.Population, images: int, parts: int, seed: int
) -> dict[str, tuple[float, float]]:
    """The ends of the interval of every metric of the first model, of one draw."""
    rng = np.random.default_rng((seed, images, parts))
    result = population.results[0]
    total = result.matching.images
    drawn = np.bincount(rng.integers(0, total, images), minlength=total)
    sample = replace(result, matching=resampled(result, drawn))
    part = rng.permutation(np.arange(images) % parts)
    seeds = np.random.SeedSequence((seed, images, parts)).spawn(HALVES // 2)
    halves = [half[part] for one in seeds for half in half_samples(parts, one)]
    weights = np.stack([np.ones(images, np.int64), *halves])
    found = ManyWeights(sample.matching, study.NAMES, population.label).metrics(weights)
    intervals = {
        name: interval_of(
            float(values[0]), values[1:], LEVEL, images, freedom=min(parts, HALVES // 2) - 1
        )
        for name, values in found.items()
    }
    return {name: (one.low, one.high) for name, one in intervals.items()}


def rows(population: study.Population, trials: int) -> Iterator[str]:
    """The lines of the table of one population."""
    values = study.values_of(population)
    held: dict[tuple[str, tuple[int, int]], list[bool]] = defaultdict(list)
    for images, parts in SETS:
        for trial in range(trials):
            for name, (low, high) in holds(population, images, parts, trial).items():
                held[name, (images, parts)].append(low <= values[name, "a"] <= high)
    for name in dict.fromkeys(name for name, _ in held):
        told = f"{values[name, 'a']:.3f}"
        cells = [f"{100 * np.mean(held[name, one]):.0f}" for one in SETS]
        yield f"| {' | '.join((population.name, name, told, *cells))} |"


def main() -> None:
    """Print the table, and on standard error what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    options = parser.parse_args()
    warnings.simplefilter("ignore", dm.DetmetricsWarning)
    populations = [study.made_up(count, f"made up, {count} classes") for count in (20, 80)]
    if study.VOC.exists():
        populations.insert(0, study.voc2007())
    else:
        print("VOC2007 is left out: the real data sets are not there", file=sys.stderr)
    start = time.perf_counter()
    columns = ("images", "metric", "value", *(f"{n:,} in {p} parts" for n, p in SETS))
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for population in populations:
        for line in rows(population, options.trials):
            print(line, flush=True)
    print(f"{options.trials} trials in {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
