"""Ultralytics' own confusion matrix of the same boxes, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.analysis import confusion_matrix

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("ultralytics", reason="needs ultralytics: make test-peers")

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def theirs(result: dm.Evaluation, confidence: float, iou: float) -> np.ndarray:
    """Rows are what was detected, columns what is there."""
    from ultralytics.utils.metrics import ConfusionMatrix

    truth, found = result.ground_truth, result.detections
    matrix = ConfusionMatrix(dict(enumerate(truth.catalog.class_labels)))
    considered = np.zeros(len(found), bool)
    considered[result.matching.row] = True
    for image in range(len(truth.catalog.image_ids)):
        d, g = np.flatnonzero((found.image == image) & considered), truth.image == image
        matrix.process_batch(
            {
                "bboxes": torch.tensor(found.xyxy[d]),
                "conf": torch.tensor(found.scores[d]),
                "cls": torch.tensor(found.category[d]),
            },
            {"bboxes": torch.tensor(truth.xyxy[g]), "cls": torch.tensor(truth.category[g])},
            conf=confidence,
            iou_thres=iou,
        )
    return matrix.matrix


def compare(truth: dm.GroundTruth, found: dm.Detections, confidence: float, iou: float) -> None:
    result = dm.evaluate(truth, found, dm.ULTRALYTICS)
    ours = confusion_matrix(result, confidence, iou, "ultralytics")
    np.testing.assert_array_equal(ours.counts.T, theirs(result, confidence, iou))
    assert ours.set_aside == 0


@given(
    scene=strategies.scenes() | strategies.scenes().map(strategies.on_one_image),
    confidence=st.sampled_from([0.0, 0.25, 0.3]),
    iou=st.sampled_from([0.45, 0.5, 1 / 3, 0.6, 0.25]),
)
def test_made_up_scenes(scene, confidence, iou):
    compare(*scene, confidence, iou)


def test_real_detector(voc):
    truth = dm.read_ground_truth(voc / "Annotations")
    found = dm.read_detections(voc / "yolov2", truth)
    compare(truth, found, 0.25, 0.45)
    compare(truth, found, 0.01, 0.6)
