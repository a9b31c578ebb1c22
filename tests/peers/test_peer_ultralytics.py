"""Ultralytics' own functions on the same boxes: every AP of every class and threshold, P, R, F1."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given

import detmetrics as dm

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("ultralytics", reason="needs ultralytics: make test-peers")

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def matcher():
    """Its ``match_predictions``, which needs of the validator nothing but the thresholds."""
    from ultralytics.engine.validator import BaseValidator

    class Bare:
        iouv = torch.linspace(0.5, 0.95, 10)

    return lambda *args: BaseValidator.match_predictions(Bare(), *args)


def theirs(truth: dm.GroundTruth, found: dm.Detections):
    """``ap_per_class`` over all images; detections as its non-maximum suppression leaves them."""
    from ultralytics.utils.metrics import ap_per_class, box_iou

    match = matcher()
    kept = ~(truth.crowd | truth.difficult)
    correct, conf, classes = [], [], []
    for image in range(len(truth.catalog.image_ids)):
        here = np.flatnonzero((found.image == image) & (found.scores > 0.001))
        here = here[np.argsort(-found.scores[here], kind="stable")][:300]
        labels = np.flatnonzero((truth.image == image) & kept)
        tp = np.zeros((len(here), 10), bool)
        if len(here) and len(labels):
            iou = box_iou(torch.tensor(truth.xyxy[labels]), torch.tensor(found.xyxy[here]))
            of = torch.tensor(found.category[here]), torch.tensor(truth.category[labels])
            tp = match(*of, iou).numpy()
        correct.append(tp)
        conf.append(found.scores[here])
        classes.append(found.category[here])
    tp, conf, classes = (np.concatenate(column) for column in (correct, conf, classes))
    order = np.argsort(-conf, kind="stable")  # its own sort leaves equal scores in any order
    return ap_per_class(tp[order], conf[order], classes[order], truth.category[kept])


def compare(truth: dm.GroundTruth, found: dm.Detections) -> None:
    result = dm.evaluate(truth, found, dm.ULTRALYTICS)
    _, _, p, r, f1, ap, classes, *_ = theirs(truth, found)
    if len(classes) == 0:
        assert np.isnan(result.summary["AP"])
        return
    ours = result.curves.headline_area[:, classes, 0].T
    np.testing.assert_allclose(ours, ap, rtol=0, atol=1e-9)
    columns = result.class_columns()
    for name, values in (("P", p), ("R", r), ("F1", f1)):
        np.testing.assert_allclose(columns[name][classes], values, rtol=0, atol=1e-9)
        assert result.summary[name] == pytest.approx(values.mean(), abs=1e-9)
    assert result.summary["AP"] == pytest.approx(ap.mean(), abs=1e-9)
    assert result.summary["AP50"] == pytest.approx(ap[:, 0].mean(), abs=1e-9)


def without_ties(found: dm.Detections) -> dm.Detections:
    """Its sort is not stable: scores that differ, in the order that they have, leave no doubt."""
    order = np.lexsort((found.image, -found.scores))
    rank = np.empty(len(found))
    rank[order] = np.arange(len(found))
    return dm.Detections.from_arrays(
        image_ids=found.catalog.image_ids[found.image],
        categories=found.catalog.category_ids[found.category],
        boxes=found.boxes,
        scores=found.scores - rank * 1e-7,
        box_format=found.box_format,
        catalog=found.catalog,
    )


@given(scene=strategies.scenes())
def test_made_up_scenes(scene):
    truth, found = scene
    compare(truth, without_ties(found))


def test_thresholds_are_those_of_torch():
    assert list(dm.ULTRALYTICS.iou_thresholds) == torch.linspace(0.5, 0.95, 10).tolist()
    assert list(dm.TORCHMETRICS.recall_points) == torch.linspace(0.0, 1.0, 101).tolist()


@pytest.mark.parametrize("detector", ["yolov2", "yolo2_e150", "yolov1_18_classes"])
def test_real_detectors(voc, detector):
    truth = dm.read_ground_truth(voc / "Annotations")
    compare(truth, without_ties(dm.read_detections(voc / detector, truth)))


@given(scene=strategies.scenes())
def test_older_releases(scene):
    """Its rules of 2025, as loops: the best label of each detection, taken or not; of the
    detections of a label the most confident; a curve that falls to recall 1."""
    truth, found = scene
    found = without_ties(found)
    rules = dm.ULTRALYTICS_2025
    result = dm.evaluate(truth, found, rules)
    for index, threshold in enumerate(rules.iou_thresholds):
        pair, right = result.matching.matched[0].at(index)
        assert right.all()
        matched = {int(result.matching.row[d]) for d in result.matching.pairs.detection[pair]}
        correct = older(truth, found, threshold)
        assert matched == correct
        for category in range(result.matching.categories):
            ap = result.curves.headline_area[index, category, 0]
            assert ap == pytest.approx(
                older_ap(truth, found, category, correct), abs=1e-9, nan_ok=True
            )


def older(truth: dm.GroundTruth, found: dm.Detections, threshold: float) -> set[int]:
    claimed, right = set(), set()
    labels = [g for g in range(len(truth)) if not (truth.crowd[g] or truth.difficult[g])]
    for d in np.argsort(-found.scores, kind="stable"):
        best, chosen = 0.0, None
        for g in labels:
            if truth.image[g] == found.image[d] and truth.category[g] == found.category[d]:
                iou = single_iou(truth.xyxy[g], found.xyxy[d])
                if iou >= threshold and iou > best:
                    best, chosen = iou, g
        if chosen is not None and chosen not in claimed:
            claimed.add(chosen)
            right.add(int(d))
    return right


def older_ap(truth: dm.GroundTruth, found: dm.Detections, category: int, correct: set) -> float:
    """Of the best 300 detections of each image, as its ``compute_ap`` was in 8.3."""
    labels = (truth.category == category) & ~(truth.crowd | truth.difficult)
    ranked, of_image = [], {}
    for d in np.argsort(-found.scores, kind="stable"):
        image = int(found.image[d])
        of_image[image] = of_image.get(image, 0) + 1
        if found.scores[d] > 0.001 and of_image[image] <= 300 and found.category[d] == category:
            ranked.append(int(d) in correct)
    if not labels.any():
        return np.nan
    if not ranked:
        return 0.0
    tp = np.cumsum(ranked)
    recall = np.concatenate([[0.0], tp / labels.sum(), [1.0]])
    precision = np.concatenate([[1.0], tp / np.arange(1, len(tp) + 1), [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    x = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(x, recall, envelope), x))


def single_iou(a, b) -> float:
    a, b = np.float32(a), np.float32(b)
    w = max(min(a[2], b[2]) - max(a[0], b[0]), np.float32(0))
    h = max(min(a[3], b[3]) - max(a[1], b[1]), np.float32(0))
    areas = (b[2] - b[0]) * (b[3] - b[1]) + (a[2] - a[0]) * (a[3] - a[1])
    return float(w * h / (areas - w * h + np.float32(1e-7)))
