"""Intervals are those of a data set that is really drawn again and again."""

from __future__ import annotations

import math

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.analysis.bootstrap import confidence_intervals, interval_of
from detmetrics.analysis.resampling import image_weights, resampled
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import per_category, summarize

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


@pytest.mark.parametrize("rules", ["coco", "voc2012", "crowdhuman"])
def test_slow_loop(rules):
    result = dm.evaluate(*FIXTURES, rules)
    found = confidence_intervals(result, resamples=40, level=0.8, seed=3, per_class=True)
    rows, classes = [], []
    for seed in np.random.SeedSequence(3).spawn(40):
        drawn = np.random.default_rng(seed).integers(0, 24, 24)
        curves = Curves(
            resampled(result, np.array([(drawn == image).sum() for image in range(24)]))
        )
        rows.append(summarize(curves))
        classes.append(per_category(curves))
    for name, interval in found.metrics.items():
        values = sorted(row[name] for row in rows if not math.isnan(row[name]))
        assert interval.defined == len(values)
        if values and not math.isnan(interval.value):
            assert interval.low == pytest.approx(np.quantile(values, 0.1), rel=1e-12)
            assert interval.high == pytest.approx(np.quantile(values, 0.9), rel=1e-12)
            assert interval.standard_error == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    dog = result.class_names.index("dog")
    values = [columns["AP"][dog] for columns in classes if not math.isnan(columns["AP"][dog])]
    assert found.classes["dog"]["AP"].low == pytest.approx(np.quantile(values, 0.1), rel=1e-12)
    assert math.isnan(found.classes["bus"]["AP"].low)


def test_a_seed_gives_the_same_and_another_does_not():
    result = dm.evaluate(*FIXTURES)
    one, again, other = (
        confidence_intervals(result, resamples=30, seed=seed).metrics["AP"] for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_more_images_make_a_narrower_interval():
    result = dm.evaluate(*FIXTURES)
    width = {}
    for times in (1, 4):
        rng = np.random.default_rng(0)
        values = []
        for _ in range(150):
            weights = np.bincount(rng.integers(0, 24, 24 * times), minlength=24)
            values.append(summarize(Curves(resampled(result, weights)))["AP"])
        width[times] = np.std(values)
    assert width[4] < 0.7 * width[1]


def test_progress_reaches_the_end():
    told = []
    confidence_intervals(dm.evaluate(*FIXTURES), resamples=10, progress=told.append)
    assert max(told) == 1
    assert len(told) == 10


@pytest.mark.parametrize(("resamples", "level"), [(1, 0.95), (100, 0), (100, 1), (100, math.nan)])
def test_what_makes_no_sense_is_refused(resamples, level):
    with pytest.raises(dm.InputError, match="expected 2 resamples or more, 0 < level < 1"):
        confidence_intervals(dm.evaluate(*FIXTURES), resamples=resamples, level=level)


def test_undefined_has_no_interval():
    assert math.isnan(interval_of(math.nan, np.array([0.5, 0.6]), 0.9).low)
    assert math.isnan(interval_of(0.5, np.array([0.5, math.nan]), 0.9).high)


def test_weights_of_no_image():
    assert image_weights(1, np.random.SeedSequence(0)).tolist() == [1]
