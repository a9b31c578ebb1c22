"""Resampled matches are those of a data set whose images were really repeated."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.analysis.resampling import Resampler, half_samples, image_weights, resampled
from detmetrics.metrics.average_precision import RECALL
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import metrics_of, per_category, summarize

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
AP_AND_AR = [dm.COCO, dm.VOC2007, dm.VOC2012, dm.COCO.replace(max_detections=(1, 2, 3))]
OTHERS = [
    dm.CROWDHUMAN.replace(clip=False),
    dm.OLRP,
    dm.ULTRALYTICS,
    dm.TORCHMETRICS,
    dm.OPEN_IMAGES,
]


def repeated(truth: dm.GroundTruth, found: dm.Detections, weights: np.ndarray) -> tuple:
    """The tables of a data set in which image i stands weights[i] times, copies side by side."""
    copies = [(image, copy) for image, times in enumerate(weights) for copy in range(times)]
    catalog = dm.Catalog.from_ids(
        images=list(range(len(copies))),
        categories=truth.catalog.category_ids.tolist(),
        image_sizes=truth.catalog.image_sizes[np.array([image for image, _ in copies], int)],
    )

    def rows(table) -> tuple[np.ndarray, np.ndarray]:
        own = [np.flatnonzero(table.image == image) for image, _ in copies]
        number = [np.full(len(part), n) for n, part in enumerate(own)]
        return np.concatenate([*own, []]).astype(int), np.concatenate([*number, []]).astype(int)

    there, there_image = rows(truth)
    d, d_image = rows(found)
    ids = truth.catalog.category_ids
    return (
        dm.GroundTruth.from_arrays(
            image_ids=there_image,
            categories=ids[truth.category[there]],
            boxes=truth.xywh[there],
            areas=truth.area[there],
            crowd=truth.crowd[there],
            ignore=truth.ignore[there],
            difficult=truth.difficult[there],
            catalog=catalog,
        ),
        dm.Detections.from_arrays(
            image_ids=d_image,
            categories=ids[found.category[d]],
            boxes=found.xywh[d],
            scores=found.scores[d],
            catalog=catalog,
        ),
    )


@given(
    scene=strategies.scenes(),
    weights=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    rules=st.sampled_from([*AP_AND_AR, *OTHERS]),
)
def test_copies_are_those_of_repeated_images(scene, weights, rules):
    """Where no two scores of an image and class are equal, to the last bit."""
    truth, found = scene
    scores = np.random.default_rng(0).permutation(len(found)) / 64  # none equal
    found = dm.Detections.from_arrays(
        image_ids=truth.catalog.image_ids[found.image],
        categories=truth.catalog.category_ids[found.category],
        boxes=found.xywh,
        scores=scores,
        catalog=truth.catalog,
    )
    weights = np.array(weights[: len(truth.catalog.image_ids)])
    result = dm.evaluate(truth, found, rules)
    expected = dm.evaluate(*repeated(truth, found, weights), rules)
    got = resampled(result, weights)
    np.testing.assert_array_equal(got.score, expected.matching.score)
    np.testing.assert_array_equal(got.image, expected.matching.image)
    assert got.images == expected.matching.images
    ours = summarize(Curves(got))
    np.testing.assert_array_equal([*ours.values()], [*expected.summary.values()])


@given(
    scene=strategies.scenes(),
    weights=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    rules=st.sampled_from(AP_AND_AR),
)
def test_counting_is_copying(scene, weights, rules):
    result = dm.evaluate(*scene, rules)
    weights = np.array(weights[: len(result.ground_truth.catalog.image_ids)])
    assert Resampler.follows(result)
    counted, copied = Resampler(result).curves(weights), Curves(resampled(result, weights))
    np.testing.assert_allclose(
        [*summarize(counted).values()], [*summarize(copied).values()], rtol=1e-12, atol=1e-15
    )
    ours, theirs = per_category(counted), per_category(copied)
    for name, column in theirs.items():
        np.testing.assert_allclose(ours[name], column, rtol=1e-12, atol=1e-15, err_msg=name)


def counted_slowly(result: dm.Evaluation, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, R, K, A) precision and (T, K, A, M) recall, detection by detection and point by point."""
    matches, rules = result.matching, result.rules
    classes, areas = matches.categories, len(rules.area_ranges)
    precision = np.full((len(rules.iou_thresholds), len(rules.recall_points), classes, areas), -1.0)
    recall = np.full((len(rules.iou_thresholds), classes, areas, len(rules.max_detections)), -1.0)
    for t, _, k, a in np.ndindex(precision[:, :1].shape):
        one = matches.outcomes(a, t)
        own = (matches.truth_category == k) & ~matches.ignored[a]
        objects = int(weights[matches.truth_image[own]].sum())
        found, counted, points = 0, 0, []
        within = np.zeros(len(rules.max_detections), int)
        for d in np.flatnonzero(matches.category == k):
            times = int(weights[matches.image[d]])
            counted += times * bool(one.true_positive[d] or one.false_positive[d])
            if one.true_positive[d] and times:
                found += times
                points.append((found, found / (counted + np.spacing(1))))
                within += times * (matches.rank[d] < np.array(rules.max_detections))
        for r, least in enumerate(rules.recall_points):
            best = [p for f, p in points if objects and f / objects >= least]
            precision[t, r, k, a] = max(best, default=0.0) if objects else np.nan
        recall[t, k, a] = within / objects if objects else np.nan
    return precision, recall


@given(
    scene=strategies.scenes(),
    weights=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    rules=st.sampled_from([dm.COCO, dm.VOC2007, dm.COCO.replace(max_detections=(1, 2, 3))]),
)
def test_counting_is_the_slow_loop(scene, weights, rules):
    """Every cell that a metric asks for, to the last bit."""
    result = dm.evaluate(*scene, rules.replace(iou_thresholds=rules.iou_thresholds[:2]))
    weights = np.array(weights[: len(result.ground_truth.catalog.image_ids)])
    precision, recall = counted_slowly(result, weights)
    found = Resampler(result).curves(weights)
    for metric in metrics_of(result.rules):
        a, m = metric.area, metric.limit
        if metric.kind is RECALL:
            np.testing.assert_array_equal(found.recall[:, :, a, m], recall[:, :, a, m])
        else:
            np.testing.assert_array_equal(found.headline_precision[..., a], precision[..., a])


@pytest.mark.parametrize("images", [1, 2, 7, 24])
def test_halves_share_no_image(images):
    one, other = half_samples(images, np.random.SeedSequence(3))
    assert one.sum() == other.sum() == images // 2
    assert (one + other).max() == min(images // 2, 1)


def test_weights_too_heavy_for_32_bits_are_summed_in_64():
    """Where every image stands a hundred million times."""
    result = dm.evaluate(*FIXTURES)
    weights = np.full(24, 10**8)
    found = summarize(Resampler(result).curves(weights))
    assert found["AR100"] == pytest.approx(result.summary["AR100"], rel=1e-12)
    copies = summarize(Resampler(result).curves(np.full(24, 1_000)))
    assert found["AP"] == pytest.approx(copies["AP"], abs=1e-3)


@pytest.mark.parametrize("rules", [*AP_AND_AR, *OTHERS])
def test_every_image_once_is_the_result_itself(rules):
    result = dm.evaluate(*FIXTURES, rules)
    once = np.ones(24, int)
    same = summarize(Curves(resampled(result, once)))
    np.testing.assert_array_equal([*same.values()], [*result.summary.values()])
    if Resampler.follows(result):
        same = summarize(Resampler(result).curves(once))
        np.testing.assert_array_equal([*same.values()], [*result.summary.values()])
    else:
        assert rules in OTHERS


def test_weights_are_draws_with_replacement():
    seeds = np.random.SeedSequence(5).spawn(400)
    weights = np.array([image_weights(30, seed) for seed in seeds])
    assert (weights.sum(axis=1) == 30).all()
    assert abs(weights.mean(axis=0) - 1).max() < 0.2
    assert (
        weights == np.array([image_weights(30, s) for s in np.random.SeedSequence(5).spawn(400)])
    ).all()
