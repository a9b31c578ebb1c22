"""Intervals are those of a data set that is really drawn again and again."""

from __future__ import annotations

import dataclasses
import math
import statistics

import numpy as np
import pytest
from builders import filled

import detmetrics as dm
from detmetrics.analysis.bootstrap import confidence_intervals, interval_of
from detmetrics.analysis.resampling import half_samples, image_weights, resampled
from detmetrics.foundation.students_t import quantile
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import per_category, summarize

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


def halves(seed: int, count: int, images: int) -> list[np.ndarray]:
    """Weights of the half-samples, dealt one image after the other."""
    found = []
    for one in np.random.SeedSequence(seed).spawn(count)[::2]:
        order = np.random.default_rng(one).permutation(images)
        for dealt in (order[: images // 2], order[images // 2 : images // 2 * 2]):
            found.append(np.array([int(image in dealt) for image in range(images)]))
    return found[:count]


def interval_by_hand(
    value: float, samples: list[float], level: float, images: int, freedom: int
) -> list[float]:
    """low, high, standard error and estimate, from the definitions in the module's docstring."""
    known = [sample for sample in samples if not math.isnan(sample)]
    half = images // 2
    spread = statistics.stdev(known) * math.sqrt(half / (images - half))
    bias = (statistics.mean(known) - value) / ((images / half) ** 0.75 - 1)
    width = quantile((1 + level) / 2, freedom) * math.sqrt(spread**2 + bias**2 / 9)
    ends = value - bias - width, value - bias + width
    return [max(ends[0], 0.0), min(ends[1], 1.0), spread, min(max(value - bias, 0.0), 1.0)]


@pytest.mark.parametrize("rules", ["coco", "voc2012", "crowdhuman"])
def test_slow_loop(rules):
    result = dm.evaluate(*FIXTURES, rules)
    found = confidence_intervals(result, resamples=41, level=0.8, seed=3, per_class=True)
    rows, classes = [], []
    for weights in halves(3, 41, 24):
        curves = Curves(resampled(result, weights))
        rows.append(summarize(curves))
        classes.append(per_category(curves))
    for name, interval in found.metrics.items():
        values = [row[name] for row in rows]
        assert interval.defined == sum(not math.isnan(value) for value in values)
        assert interval.value == result.summary[name] or math.isnan(interval.value)
        if not math.isnan(interval.value):
            got = interval.low, interval.high, interval.standard_error, interval.estimate
            by_hand = interval_by_hand(interval.value, values, 0.8, 24, filled(result, name) - 1)
            assert got == pytest.approx(by_hand, rel=1e-9)
            assert interval.bias == pytest.approx(interval.value - interval.estimate)
    dog = result.class_names.index("dog")
    values = [columns["AP"][dog] for columns in classes]
    own = found.classes["dog"]["AP"]
    by_hand = interval_by_hand(own.value, values, 0.8, 24, filled(result, category=dog) - 1)
    assert own.low == pytest.approx(by_hand[0], rel=1e-9)
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
    named = "resamples" if resamples < 2 else "level"
    with pytest.raises(dm.InputError, match=f"{named}: expected .*, got"):
        confidence_intervals(dm.evaluate(*FIXTURES), resamples=resamples, level=level)


def test_undefined_has_no_interval():
    assert math.isnan(interval_of(math.nan, np.array([0.5, 0.6]), 0.9, 10).low)
    assert math.isnan(interval_of(0.5, np.array([0.5, math.nan]), 0.9, 10).high)
    assert math.isnan(interval_of(0.5, np.array([0.5, 0.6]), 0.9, images=1).estimate)


def test_an_interval_stays_in_the_range_of_the_metric():
    sure = interval_of(0.98, np.array([0.9, 0.99]), 0.95, 10)
    assert sure.high == 1.0
    poor = interval_of(0.01, np.array([0.05, 0.2]), 0.95, 10)
    assert (poor.low, poor.estimate) == (0.0, 0.0)
    apart = interval_of(-0.9, np.array([-1.0, -0.5]), 0.95, 10, difference=True)
    assert apart.low == -1.0


def test_the_halves_of_an_odd_number_of_images_are_smaller():
    """Of 3 images halves are 1: they spread by sqrt(2) more than the mean of 3 does of theirs."""
    samples = np.array([0.2, 0.4, 0.6])
    found = interval_of(0.4, samples, 0.95, images=3)
    assert found.standard_error == pytest.approx(0.2 / math.sqrt(2))


@pytest.mark.parametrize("images", [4, 5, 40, 41])
def test_both_spreads_are_that_of_a_mean(images):
    """Of halves around their mean, and between the two of a deal: s / sqrt(n)."""
    values = np.random.default_rng(images).normal(size=images)
    deals = [half_samples(images, np.random.SeedSequence(seed)) for seed in range(4_000)]
    samples = np.array([np.average(values, weights=half) for deal in deals for half in deal])
    for difference in (False, True):
        found = interval_of(values.mean(), samples, 0.95, images, difference=difference)
        assert found.standard_error == pytest.approx(
            values.std(ddof=1) / math.sqrt(images), rel=0.05
        )


def test_a_difference_with_no_whole_deal_has_no_interval():
    samples = np.array([0.1, math.nan, math.nan, 0.2])
    assert math.isnan(interval_of(0.1, samples, 0.95, images=9, difference=True).low)
    assert interval_of(0.1, samples, 0.95, images=9).low < 0.1


def spread_out(images: int, *with_objects: int) -> dm.Evaluation:
    """Images of which the first have an object of each class, half of them found.

    with_objects: how many images have one, for each class.
    """
    ids = range(len(with_objects))
    catalog = dm.Catalog.from_ids(images=list(range(images)), categories=list(ids))
    image = np.concatenate([np.arange(count) for count in with_objects])
    category = np.repeat(ids, with_objects)
    boxes = np.tile([100.0, 100.0, 40.0, 40.0], (len(image), 1))
    truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=category, boxes=boxes, catalog=catalog
    )
    found = image % 2 == 0
    detections = dm.Detections.from_arrays(
        image_ids=image[found],
        categories=category[found],
        boxes=boxes[found],
        scores=1 - image[found] / images,
        catalog=catalog,
    )
    return dm.evaluate(truth, detections)


class TestFewObjects:
    """An interval says where objects are in so few images that it is too narrow."""

    @pytest.mark.parametrize(("with_objects", "few"), [(2, True), (4, True), (5, False)])
    def test_fewer_than_five_images(self, with_objects, few):
        result = spread_out(40, with_objects)
        found = confidence_intervals(result, 40, per_class=True)
        for interval in (found.metrics["AP"], found.classes["0"]["AP"]):
            assert interval.few_objects is few
            assert interval.remark == ("few objects" if few else "")
            assert interval.to_dict()["few_objects"] is few
        assert ("in fewer than 5 images" in found.words) is few

    def test_one_image_tells_nothing_of_others(self):
        own = confidence_intervals(spread_out(40, 1), 40, per_class=True).classes["0"]["AP"]
        assert not math.isnan(own.value)
        assert math.isnan(own.low)
        assert own.few_objects

    def test_images_without_objects_make_nothing_surer(self):
        """Of two images of which one is empty there is no interval."""
        alone, two, many = (
            confidence_intervals(spread_out(count, own), 40).metrics["AP"]
            for count, own in ((2, 1), (6, 2), (6, 6))
        )
        assert math.isnan(alone.low)
        assert (two.few_objects, many.few_objects) == (True, False)
        assert two.freedom == 1

    def test_one_class_in_five(self):
        """A mean over classes rests on few objects from a fifth of the classes on."""
        for counts, few in (((8, 8, 8, 8, 8, 3), False), ((8, 8, 8, 8, 3), True)):
            found = confidence_intervals(spread_out(40, *counts), 20)
            assert found.metrics["AP"].few_objects is few

    def test_sizes_have_objects_of_their_own(self):
        found = confidence_intervals(spread_out(40, 8), 20)
        assert not found.metrics["APm"].few_objects
        assert math.isnan(found.metrics["APs"].value)
        assert not found.metrics["APs"].few_objects


@pytest.mark.heavy
def test_the_bias_of_few_images_is_corrected_where_it_can_be_known():
    """Draws of 30 images of 1,500: AP is far above that of all, the estimates are not."""
    rng = np.random.default_rng(0)
    images = 1_500
    catalog = dm.Catalog.from_ids(images=list(range(images)), categories=[1])
    boxes = np.tile([100.0, 100.0, 40.0, 40.0], (images, 1))
    image, ones = np.arange(images), np.ones(images, int)
    truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=ones, boxes=boxes, catalog=catalog
    )
    shifted = boxes + np.where(rng.random(images) < 0.5, 0.0, 60.0)[:, None] * [1, 0, 0, 0]
    found = dm.Detections.from_arrays(
        image_ids=image,
        categories=ones,
        boxes=shifted,
        scores=rng.random(images),
        catalog=catalog,
    )
    whole = dm.evaluate(truth, found, dm.COCO.replace(iou_thresholds=(0.5,)))
    errors = []
    for draw in range(40):
        drawn = np.bincount(rng.integers(0, images, 30), minlength=images)
        part = dataclasses.replace(whole, matching=resampled(whole, drawn))
        interval = confidence_intervals(part, 100, seed=draw).metrics["AP"]
        errors.append((interval.value, interval.estimate))
    printed, corrected = np.mean(errors, axis=0) - whole.summary["AP"]
    assert printed > 0.02
    assert abs(corrected) < printed / 2


def test_weights_of_no_image():
    assert image_weights(1, np.random.SeedSequence(0)).tolist() == [1]
