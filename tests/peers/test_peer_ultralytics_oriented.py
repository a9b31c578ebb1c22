"""Ultralytics' own functions on the same oriented boxes: probabilistic IoU, rectangles, AP."""

from __future__ import annotations

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.overlap.polygons.probiou import Gaussians, gaussians_of

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("ultralytics", reason="needs ultralytics: make test-peers")

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def random_sides(rng, count, extent=60.0) -> np.ndarray:
    size = np.exp(rng.normal(2.5, 1.0, (count, 2)))
    return np.column_stack(
        [rng.uniform(0, extent, (count, 2)), size, rng.uniform(-np.pi, np.pi, count)]
    )


def ours(detected, labels, single):
    found, truth = Gaussians(detected, single), Gaussians(labels, single)
    d, g = (index.ravel() for index in np.indices((len(found), len(truth))))
    table = found.overlaps(d, truth, g, np.zeros(len(d), bool), 0)
    return table.reshape(len(found), len(truth)).T


def theirs(detected, labels, dtype):
    from ultralytics.utils.metrics import batch_probiou

    return batch_probiou(torch.tensor(labels, dtype=dtype), torch.tensor(detected, dtype=dtype))


@pytest.mark.parametrize(("single", "digits"), [(False, 1e-11), (True, 1e-6)])
def test_probabilistic_iou(single, digits):
    """Boxes that hardly differ, thin ones and such of no size among them.

    The root magnifies what exp and log round where boxes hardly differ, hence what stands below it
    is compared too; of thin boxes float32 keeps fewer digits.
    """
    rng = np.random.default_rng(0)
    detected = np.concatenate([random_sides(rng, 200), np.zeros((1, 5)), np.ones((1, 5))])
    labels = np.concatenate([random_sides(rng, 100), detected[:5], detected[:20] + 0.01])
    labels = np.concatenate([labels, np.zeros((1, 5)), [[5, 5, 300, 0.5, 1]]])
    dtype = torch.float32 if single else torch.float64
    got, expected = ours(detected, labels, single), theirs(detected, labels, dtype).numpy()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose((1 - got) ** 2, (1 - expected) ** 2, rtol=0, atol=3 * digits)
    thin = [(s[:, 2:4].max(axis=1) > 10 * s[:, 2:4].min(axis=1)) for s in (labels, detected)]
    usual = ~(thin[0][:, None] | thin[1]) & (expected < 0.9)
    np.testing.assert_allclose(got[usual], expected[usual], rtol=0, atol=digits)


def test_hulls_leave_out_little():
    from detmetrics.overlap.polygons.probiou import BEYOND

    rng = np.random.default_rng(1)
    sides = random_sides(rng, 300, 400.0)
    sides[:150, 3] = rng.uniform(1e-3, 1, 150)
    column = Gaussians(sides, single=True)
    low, high = column.hulls[:, None, :2], column.hulls[:, None, 2:]
    touch = (np.minimum(high, high[:, 0]) > np.maximum(low, low[:, 0])).all(axis=2)
    assert 0.2 < (~touch).mean() < 0.9
    beyond = theirs(sides, sides, torch.float32).numpy()[~touch]
    assert 0 < beyond.max() < BEYOND


def test_smallest_rectangles_are_those_of_opencv():
    """Of rectangles, rounded ones, and any four points."""
    from ultralytics.utils.ops import xyxyxyxy2xywhr

    rng = np.random.default_rng(2)
    corners = Rectangles.from_cxcywhr(random_sides(rng, 200)).points.reshape(-1, 4, 2)
    quads = np.concatenate([corners, np.round(corners), rng.uniform(0, 90, (200, 4, 2))])
    mine = gaussians_of(Polygons.from_corners(quads), np.full((len(quads), 2), np.nan)).cxcywhr
    other = xyxyxyxy2xywhr(quads)
    np.testing.assert_allclose(mine[:, 2] * mine[:, 3], other[:, 2] * other[:, 3], rtol=1e-4)
    # Others may have two that are as small, of which rounding chooses one.
    rows = np.arange(len(corners))
    overlap = Gaussians(mine).overlaps(rows, Gaussians(other), rows, np.zeros(len(rows), bool), 0)
    assert (overlap > 0.99).all()


def scene(rng, *, polygons: bool):
    """Jittered ground truth and background on 30 images."""
    images, each, classes = 30, 6, 3
    gt_image, gt_class = np.repeat(np.arange(images), each), rng.integers(0, classes, images * each)
    gt = random_sides(rng, images * each, 200.0)
    source = np.tile(np.arange(len(gt)), 3)
    blur = rng.exponential(0.1, (len(source), 1))
    jitter = rng.normal(0, 1, (len(source), 5)) * blur
    found = gt[source] + jitter * np.column_stack([gt[source][:, 2:4], np.ones((len(source), 3))])
    found[:, 2:4] = gt[source][:, 2:4] * np.exp(jitter[:, 2:4])
    found = np.concatenate([found, random_sides(rng, 200, 200.0)])
    image = np.concatenate([gt_image[source], rng.integers(0, images, 200)])
    category = np.concatenate([gt_class[source], rng.integers(0, classes, 200)])
    scores = rng.permutation(len(found)) / len(found) * 0.99
    catalog = dm.Catalog.from_ids(images=range(images), categories=range(classes))
    labels: Polygons = Rectangles.from_cxcywhr(gt)
    if polygons:
        labels = Polygons(np.round(labels.points, 1), labels.first)
    truth = dm.GroundTruth.from_arrays(
        image_ids=gt_image, categories=gt_class, shapes=labels, catalog=catalog
    )
    detections = dm.Detections.from_arrays(
        image_ids=image,
        categories=category,
        shapes=Rectangles.from_cxcywhr(found),
        scores=scores,
        catalog=catalog,
    )
    return truth, detections


@pytest.mark.parametrize("polygons", [False, True])
def test_ap(polygons):
    result = compare(*scene(np.random.default_rng(3), polygons=polygons), polygons=polygons)
    assert 0.2 < result.summary["AP"] < 0.9


def compare(truth, found, *, polygons: bool) -> dm.Evaluation:
    """Its matching and its metrics, image by image, on labels as its data loader makes them."""
    from ultralytics.engine.validator import BaseValidator
    from ultralytics.utils.metrics import OBBMetrics
    from ultralytics.utils.ops import xyxyxyxy2xywhr

    class Bare:
        iouv = torch.linspace(0.5, 0.95, 10)

    labels = truth.shapes.cxcywhr if not polygons else None
    if polygons:
        labels = xyxyxyxy2xywhr(truth.shapes.points.reshape(-1, 4, 2))
    metrics = OBBMetrics(names={0: "a", 1: "b", 2: "c"})
    for image in range(len(truth.catalog.image_ids)):
        here = np.flatnonzero((found.image == image) & (found.scores > 0.01))
        here = here[np.argsort(-found.scores[here], kind="stable")][:300]
        there = np.flatnonzero(truth.image == image)
        iou = theirs(found.shapes.cxcywhr[here], labels[there], torch.float32)
        classes = torch.tensor(found.category[here]), torch.tensor(truth.category[there])
        metrics.update_stats(
            {
                "tp": BaseValidator.match_predictions(Bare(), *classes, iou).numpy(),
                "conf": found.scores[here],
                "pred_cls": found.category[here],
                "target_cls": truth.category[there],
                "target_img": np.unique(truth.category[there]),
                "im_name": str(image),
            }
        )
    metrics.process()
    result = dm.evaluate(truth, found, dm.ULTRALYTICS_OBB)
    ours = result.curves.headline_area[:, metrics.ap_class_index, 0].T
    np.testing.assert_allclose(ours, metrics.box.all_ap, rtol=0, atol=1e-9)
    for name, value in (("AP", metrics.box.map), ("AP50", metrics.box.map50)):
        assert result.summary[name] == pytest.approx(value, abs=1e-9)
    for name, value in (("P", metrics.box.mp), ("R", metrics.box.mr)):
        assert result.summary[name] == pytest.approx(value, abs=1e-9)
    return result


def test_least_confidence_is_its_own():
    from ultralytics.cfg import get_cfg
    from ultralytics.engine.validator import BaseValidator

    validator = BaseValidator(args=get_cfg(overrides={"task": "obb", "mode": "val"}))
    assert validator.args.conf == dm.ULTRALYTICS_OBB.min_score
    assert validator.args.max_det == dm.ULTRALYTICS_OBB.image_limit
