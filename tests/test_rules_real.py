"""VOC's rules on three real detectors: the known AP of every class."""

from __future__ import annotations

import json

import pytest

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


@pytest.mark.parametrize(
    "detector",
    [
        "yolov2",
        pytest.param("yolo2_e150", marks=pytest.mark.heavy),
        pytest.param("yolov1_18_classes", marks=pytest.mark.heavy),
    ],
)
def test_every_class_of_voc2007(voc, detector):
    """Equal to 1e-9, or where equal scores leave the order open inside the interval over orders."""
    known = json.loads((voc / "reference.json").read_text())[detector]
    truth = dm.read_ground_truth(voc / "Annotations")
    found = dm.read_detections(voc / detector, truth)
    for rules, table in ((dm.VOC2007, "voc11"), (dm.VOC2012, "vocarea")):
        result = dm.evaluate(truth, found, rules)
        columns = dict(zip(result.class_names, result.class_columns()["AP"], strict=True))
        for name, value in known[table].items():
            if columns[name] == pytest.approx(value, abs=1e-9):
                continue
            low, high = result.tie_interval("AP", name)
            assert low - 1e-12 <= value <= high + 1e-12
            assert high > low
