"""Real data sets, divided at random, have every cell of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from parts.in_memory import counted, evaluated, joined, stacked

import detmetrics as dm
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import metrics_of

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def check(truth: dm.GroundTruth, found: dm.Detections, rules: dm.Rules) -> None:
    """In seven parts, of which one has most images."""
    rng = np.random.default_rng(0)
    owner = np.minimum(rng.integers(0, 12, len(truth.catalog.image_ids)), 6)
    whole = Curves(evaluated(stacked((truth, found), owner), rules).matching)
    parts = [evaluated((truth, found), rules, owner, part).matching for part in range(7)]
    classes = counted(parts, limits=rules.max_detections)
    for limit in rules.max_detections:
        for cells in (Curves.precision, Curves.scores):
            ours = joined(classes, cells, limit, axis=2)
            assert ours.tobytes() == np.ascontiguousarray(cells(whole, limit)).tobytes()
    metrics: tuple[Metric, ...] = metrics_of(rules)
    for metric in metrics:
        ours = joined(classes, Curves.of_each_class, metric, axis=-1)
        assert ours.tobytes() == np.ascontiguousarray(whole.of_each_class(metric)).tobytes()


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        ("bbox", "olrp"),
        pytest.param("bbox", "coco", marks=pytest.mark.heavy),
        pytest.param("segm", "coco-segm", marks=pytest.mark.heavy),
    ],
)
def test_the_sample_of_coco(shared, kind, rules):
    folder = shared / "coco_val2014_100"
    truth = dm.read_ground_truth(folder / "instances_val2014_100.json")
    found = dm.read_detections(folder / f"instances_val2014_fake{kind}100_results.json", truth)
    check(truth, found, dm.RULE_SETS[rules])


@pytest.mark.heavy
@pytest.mark.parametrize("rules", ["voc2007", "voc2012", "coco", "ultralytics"])
def test_voc2007(voc, rules):
    truth = dm.read_ground_truth(voc / "Annotations")
    check(truth, dm.read_detections(voc / "yolov2", truth), dm.RULE_SETS[rules])
