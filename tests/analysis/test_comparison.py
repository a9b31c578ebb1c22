"""Two models on the same images: differences, who is better, and what only one of them finds."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import filled

import detmetrics as dm
from detmetrics.analysis.comparison import compare
from detmetrics.analysis.resampling import resampled
from detmetrics.foundation.students_t import quantile
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import summarize
from detmetrics.overlap.polygons.polygons import Polygons

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


@pytest.fixture
def pair() -> tuple[dm.Evaluation, dm.Evaluation]:
    """The example, and what is left of it where every third detection is lost."""
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    fewer = found.keep(np.arange(len(found)) % 3 != 0)
    return dm.evaluate(truth, found), dm.evaluate(truth, fewer)


def test_slow_loop(pair):
    a, b = pair
    found = compare(a, b, resamples=30, level=0.8, seed=7, per_class=True)
    apart = []
    seeds = np.random.SeedSequence(7).spawn(30)
    for sample in range(30):
        order = np.random.default_rng(seeds[sample // 2 * 2]).permutation(24)
        dealt = order[:12] if sample % 2 == 0 else order[12:]
        weights = np.array([int(image in dealt) for image in range(24)])
        values = [summarize(Curves(resampled(one, weights))) for one in pair]
        apart.append({name: values[1][name] - values[0][name] for name in values[0]})
    for name, difference in found.metrics.items():
        known = [row[name] for row in apart if not math.isnan(row[name])]
        assert (difference.a, difference.b) == (a.summary[name], b.summary[name])
        assert difference.interval.value == pytest.approx(difference.b - difference.a)
        deals = [(apart[at][name] - apart[at + 1][name]) / 2 for at in range(0, 30, 2)]
        error = math.sqrt(np.mean([deal**2 for deal in deals if not math.isnan(deal)]))
        width = quantile(0.9, filled(a, name) - 1) * error
        low = max(difference.interval.value - width, -1.0)
        assert difference.interval.low == pytest.approx(low, abs=1e-12)
        assert difference.interval.estimate == difference.interval.value
        assert difference.better == pytest.approx(
            np.mean([1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in known])
        )
    assert found.metrics["AP"].better < 0.05
    assert set(found.classes) == set(a.class_names)
    assert math.isnan(found.classes["bus"]["AP"].better)


def test_the_other_way_round(pair):
    one = compare(*pair, resamples=40).metrics
    other = compare(*pair[::-1], resamples=40).metrics
    for name, difference in one.items():
        assert difference.better == pytest.approx(1 - other[name].better)
        assert difference.interval.low == pytest.approx(-other[name].interval.high)


def test_objects_that_only_one_finds(pair):
    a, _ = pair
    objects = compare(*pair, resamples=2).objects
    found = []
    for result in pair:
        table = result.matches(iou=0.5)
        found.append({*table.loc[table["verdict"] == "true positive", "ground_truth"]})
    counts = objects.counts
    assert counts["both"] == len(found[0] & found[1])
    assert counts["only_a"] == len(found[0] - found[1]) > 0
    assert counts["only_b"] == len(found[1] - found[0])
    assert sum(counts.values()) == int(a.curves.positives[:, 0].sum())
    only_a, _ = objects.by_image(24)
    assert only_a.sum() == counts["only_a"]


def test_objects_from_a_confidence_on(pair):
    objects = compare(*pair, resamples=2, confidence=0.6).objects
    table = pair[0].matches(iou=0.5)
    sure = table[(table["verdict"] == "true positive") & (table["score"] >= 0.6)]
    assert objects.a.sum() == len(sure)


def test_a_lower_miss_rate_is_better():
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    fewer = found.keep(np.arange(len(found)) % 2 != 0)
    a, b = (dm.evaluate(truth, one, "crowdhuman") for one in (fewer, found))
    metrics = compare(a, b, resamples=30).metrics
    assert metrics["MR"].b < metrics["MR"].a
    assert metrics["MR"].better > 0.9


def test_what_does_not_compare_is_refused(pair):
    a, b = pair
    voc = dm.evaluate(a.ground_truth, a.detections, "voc2007")
    with pytest.raises(dm.InputError, match="two results under one rule set"):
        compare(a, voc)
    other = dm.GroundTruth.from_arrays(image_ids=[1], categories=["cat"], boxes=[[0, 0, 9, 9]])
    none = dm.Detections.from_arrays(
        image_ids=[], categories=[], boxes=np.zeros((0, 4)), scores=[], catalog=other.catalog
    )
    with pytest.raises(dm.InputError, match="two results on the same ground truth"):
        compare(a, dm.evaluate(other, none))
    for name, message in (
        ("crowd", "crowds, ignored objects"),
        ("boxes", "boxes"),
        ("area", "area"),
    ):
        column = getattr(a.ground_truth, name).copy()
        column[:9] = ~column[:9] if name == "crowd" else column[:9] + 1
        truth = dataclasses.replace(a.ground_truth, **{name: column})
        with pytest.raises(dm.InputError, match=f"differ in .*{message}"):
            compare(a, dm.evaluate(truth, a.detections))
    with pytest.raises(dm.RulesError, match="no IoU threshold"):
        compare(a, b, iou=0.51)
    with pytest.raises(dm.InputError, match="resamples: expected 2 or more"):
        compare(a, b, resamples=1)


def test_ground_truths_of_other_shapes_in_equal_boxes_are_told_apart():
    def of(corners) -> dm.Evaluation:
        catalog = dm.Catalog.from_ids(images=[1], categories=["cat"])
        columns = {"image_ids": [1], "categories": ["cat"], "catalog": catalog}
        truth = dm.GroundTruth.from_arrays(
            boxes=[[0, 0, 9, 9]], areas=[9], shapes=Polygons.from_corners(corners), **columns
        )
        shapes = Polygons.from_corners(square)
        return dm.evaluate(truth, dm.Detections.from_arrays(scores=[0.5], shapes=shapes, **columns))

    square = np.array([[[0, 0], [9, 0], [9, 9], [0, 9.0]]])
    with pytest.raises(dm.InputError, match="which differ in shapes"):
        compare(of(square), of(square[:, :3]))


def test_what_is_concluded(pair):
    a, b = pair
    assert compare(a, b, resamples=60).conclusion.startswith("B is worse: its AP is -0.")
    assert compare(b, a, resamples=60).conclusion.startswith("B is better: its AP is +0.")
    same = compare(a, a, resamples=60)
    assert same.conclusion.startswith("undecided: AP of B is +0.0000 [+0.0000, +0.0000]")
    assert repr(same) == f"<Comparison: {same.conclusion}>"


def test_who_says_nothing_of_many_images(pair):
    a, _ = pair
    few = dm.evaluate(a.ground_truth, a.detections.keep(a.detections.image < 9))
    told = compare(a, few, resamples=2).attention
    assert any(text.startswith("B: no detection on the last 1") for text in told)
    assert not any(text.startswith("A: no detection on the last") for text in told)
    assert any(text.startswith("A: 11 detections in 1 class without") for text in told)
