"""tidecv on the same boxes: every count and every cost, of all errors and of each detection."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given

import detmetrics as dm
from detmetrics.analysis import error_types
from detmetrics.analysis.error_kinds import ERROR_KINDS, MENDED_TOGETHER

tidecv = pytest.importorskip("tidecv", reason="needs tidecv: make test-peers")

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

NAMES = dict(
    zip(
        (*ERROR_KINDS, *MENDED_TOGETHER),
        ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FalsePos", "FalseNeg"),
        strict=True,
    )
)


def plain(truth: dm.GroundTruth, found: dm.Detections) -> dm.Evaluation:
    """Without crowds, difficult and ignored objects, which tidecv counts in its own way."""
    kept = ~(truth.crowd | truth.difficult | truth.ignore)
    return dm.evaluate(truth.keep(kept), found, dm.COCO)


def theirs(result: dm.Evaluation, iou: float = 0.5, background: float = 0.1, limit: int = 100):
    truth, found = result.ground_truth, result.detections
    data = tidecv.Data("truth", max_dets=limit), tidecv.Data("found", max_dets=limit)
    for image in range(len(truth.catalog.image_ids)):  # an image that it is not told is not there
        data[0].add_image(image, str(image))
    boxes = truth.xywh.tolist(), found.xywh.tolist()
    for row in range(len(truth)):
        data[0].add_ground_truth(int(truth.image[row]), int(truth.category[row]), boxes[0][row])
    for row in range(len(found)):
        data[1].add_detection(
            int(found.image[row]), int(found.category[row]), float(found.scores[row]), boxes[1][row]
        )
    return tidecv.TIDE(iou, background).evaluate(*data, mode=tidecv.TIDE.BOX)


def compare(result: dm.Evaluation, *settings: float) -> None:
    try:
        run = theirs(result, *settings)
    except ZeroDivisionError:  # it takes the mean of no class
        ours = error_types(result, *settings)
        assert np.isnan(ours.ap)
        return
    ours = error_types(result, *settings)
    assert ours.ap * 100 == pytest.approx(run.ap, rel=0, abs=1e-9)
    counts = {kind.short_name: count for kind, count in run.count_errors().items()}
    assert {NAMES[kind]: ours.counts[kind] for kind in ERROR_KINDS} == counts
    rows = sorted(
        (error.short_name, getattr(error, "pred", {"_id": -1})["_id"], of_object(error))
        for error in run.errors
    )
    about = [
        row if ERROR_KINDS[kind] in ("classification", "localisation", "missed") else -1
        for kind, row in zip(ours.kind, ours.ground_truth, strict=True)
    ]
    kinds = [NAMES[ERROR_KINDS[kind]] for kind in ours.kind]
    assert sorted(zip(kinds, ours.detection.tolist(), about, strict=True)) == rows
    costs(run, ours)


def of_object(error) -> int:
    return error.gt["_id"] if hasattr(error, "gt") else -1


def costs(run, ours) -> None:
    """Where mending leaves no class at all, it divides by their number."""
    for kind in run.error_dict:
        name = next(own for own, short in NAMES.items() if short == kind.short_name)
        try:
            (cost,) = run.fix_main_errors(error_types=[kind]).values()
        except ZeroDivisionError:
            assert np.isnan(ours.dap[name])
            continue
        assert ours.dap[name] * 100 == pytest.approx(cost, rel=0, abs=1e-9), name
    try:
        special = run.fix_special_errors()
    except ZeroDivisionError:
        assert np.isnan(ours.dap["false negatives"])
        return
    for kind, cost in special.items():
        name = next(own for own, short in NAMES.items() if short == kind.short_name)
        assert ours.dap[name] * 100 == pytest.approx(cost, rel=0, abs=1e-9), name


@given(scene=strategies.scenes() | strategies.scenes().map(strategies.on_one_image))
def test_made_up_scenes(scene):
    compare(plain(*scene))


@given(scene=strategies.scenes(max_objects=8, max_detections=20))
def test_other_thresholds_and_limits(scene):
    compare(plain(*scene), 0.75, 0.25, 3)


def test_real_detector(voc):
    truth = dm.read_ground_truth(voc / "Annotations")
    compare(plain(truth, dm.read_detections(voc / "yolov2", truth)))
