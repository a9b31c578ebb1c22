"""The study of intervals: its numbers are those of the library, and its table has all of them."""

from __future__ import annotations

import dataclasses
import importlib
import re
from types import ModuleType

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.analysis.bootstrap import Samples, confidence_intervals
from detmetrics.analysis.resampling import image_weights, resampled
from detmetrics.metrics.summary import per_category, summarize

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, beside which its own modules are."""
    monkeypatch.syspath_prepend("benchmarks")
    return importlib.import_module("coverage_study")


@pytest.fixture
def population(study):
    """The example, and a model that lost every third detection."""
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    fewer = found.keep(np.arange(len(found)) % 3 != 0)
    results = dm.evaluate(truth, found), dm.evaluate(truth, fewer)
    return study.Population("example", results, "dog")


def test_many_weights_at_once_give_the_metrics_of_each(study, population):
    result = population.results[0]
    dog = result.class_names.index("dog")
    seeds = np.random.SeedSequence(1).spawn(30)
    weights = np.stack([np.ones(24, int), *(image_weights(24, seed) for seed in seeds)])
    found = study.ManyWeights(result.matching, study.NAMES, "dog").metrics(weights)
    samples = Samples(result)
    for sample, own in enumerate(weights):
        curves = samples.curves(own)
        expected = {name: summarize(curves)[name] for name in study.NAMES}
        expected["AP of class dog"] = per_category(curves)["AP"][dog]
        got = {name: values[sample] for name, values in found.items()}
        assert got == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_intervals_are_those_of_the_library(study, population):
    found = study.intervals_of(population, 20, seed=5, halves=40)
    drawn = np.bincount(np.random.default_rng((5, 20)).integers(0, 24, 20), minlength=24)
    result = population.results[0]
    part = dataclasses.replace(result, matching=resampled(result, drawn))
    once = confidence_intervals(part, 40)
    for name in study.NAMES:
        assert found[name, "a"].value == pytest.approx(once.metrics[name].value, nan_ok=True)
        assert found[name, "a"].few_objects == once.metrics[name].few_objects
    apart = found["AP", "d"]
    assert apart.value == pytest.approx(found["AP", "b"].value - found["AP", "a"].value)
    assert apart.low < apart.value == apart.estimate < apart.high


def test_the_table_has_a_row_for_each_metric(study, population):
    lines = [*study.table([population], trials=3, sizes=(12, 20), halves=10)]
    assert lines[0].endswith("| n = 12 | n = 20 |")
    names = [line.split(" | ")[1] for line in lines[2:]]
    assert names == 2 * [*study.NAMES, "AP of class dog"]
    for line in lines[2:]:
        assert re.search(r"\| (none|\d+( \(few: \d+\))?) \|$", line)
    assert lines == [*study.table([population], trials=3, sizes=(12, 20), halves=10)]


def test_intervals_of_parts_are_counted_for_every_metric(study, population, monkeypatch):
    of_parts = importlib.import_module("parts_coverage")
    monkeypatch.setattr(of_parts, "SETS", ((24, 6), (24, 12)))
    lines = [line.strip("| ").split(" | ") for line in of_parts.rows(population, trials=3)]
    assert [line[:2] for line in lines] == [
        ["example", name] for name in (*study.NAMES, "AP of class dog")
    ]
    assert all(re.fullmatch(r"0|33|67|100", cell) for line in lines for cell in line[3:])
    assert all(len(line) == 5 for line in lines)
