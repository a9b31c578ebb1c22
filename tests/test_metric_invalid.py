"""Rows of a batch that are no boxes, scores or labels: errors, or left out and counted."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np
import pytest

import detmetrics as dm

BOX = [[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 40.0, 40.0]]
FLAWS = {
    "box": ("predictions", "boxes", [BOX[0], [math.nan, 0, 1, 1]]),
    "far box": ("predictions", "boxes", [BOX[0], [0, 0, math.inf, 1]]),
    "huge box": ("predictions", "boxes", [BOX[0], [0, 0, 1e20, 1]]),
    "score": ("predictions", "scores", [0.5, math.nan]),
    "label": ("predictions", "labels", [0.0, math.nan]),
    "true box": ("targets", "boxes", [BOX[0], [math.nan, 0, 1, 1]]),
    "negative": ("targets", "boxes", [BOX[0], [9, 9, 1, 1]]),
    "true label": ("targets", "labels", [0.0, math.inf]),
    "area": ("targets", "area", [5.0, -1.0]),
    "undefined area": ("targets", "area", [5.0, math.nan]),
    "infinite area": ("targets", "area", [5.0, math.inf]),
}


def batch(flaw: str | None = None) -> tuple[list, list, list]:
    there = {"boxes": BOX, "labels": [0, 1]}
    sides = {"predictions": {**there, "scores": [0.5, 0.6]}, "targets": there}
    if flaw is not None:
        side, part, values = FLAWS[flaw]
        sides[side] = {**sides[side], part: values}
    return ["b.jpg"], [sides["predictions"]], [sides["targets"]]


def quiet(metric: dm.DetectionMetric, *given: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dm.DetmetricsWarning)
        metric.update(*given)


@pytest.mark.parametrize("flaw", FLAWS)
class TestEachKind:
    """One row is left out, and what is left is measured; nothing is, unless asked."""

    def test_is_an_error_that_names_side_place_and_image(self, flaw):
        side, part, _ = FLAWS[flaw]
        metric = dm.DetectionMetric(["a", "b"])
        expected = rf"^{side}\[0\]\['{part}'\]\[1\]: expected .* \(image 'b.jpg'\)$"
        with pytest.raises(dm.InputError, match=expected):
            metric.update(*batch(flaw))
        assert len(metric) == 0

    def test_is_left_out_counted_and_warned_of_once(self, flaw):
        side, _, _ = FLAWS[flaw]
        metric = dm.DetectionMetric(["a", "b"], on_invalid="drop")
        with pytest.warns(dm.DetmetricsWarning, match=r"\(image 'b.jpg'\)\. Such rows are left"):
            metric.update(*batch(flaw))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metric.update(["c.jpg"], *batch(flaw)[1:])
        result = metric.compute()
        of_found = side == "predictions"
        assert metric.dropped == ((2, 0) if of_found else (0, 2))
        name = "invalid_detections_dropped" if of_found else "invalid_ground_truths_dropped"
        assert result.counts[name] == result.to_dict()["counts"][name] == 2
        assert (result.counts["detections"], result.counts["ground_truths"]) == (
            (2, 4) if of_found else (4, 2)
        )
        note = f"2 invalid rows of {side} left out (on_invalid='drop'), first in image 'b.jpg'"
        assert note in result.attention

    def test_equals_the_batch_without_that_row(self, flaw):
        side = FLAWS[flaw][0]
        metric = dm.DetectionMetric(["a", "b"], on_invalid="drop")
        quiet(metric, *batch(flaw))
        _, predictions, targets = batch()
        cut = predictions if side == "predictions" else targets
        cut[0] = {name: part[:1] for name, part in cut[0].items()}
        other = dm.DetectionMetric(["a", "b"])
        other.update(["b.jpg"], predictions, targets)
        ours, expected = (one.compute().to_dict()["metrics"] for one in (metric, other))
        if not flaw.endswith("area"):
            assert ours == expected


def test_counts_go_with_their_images():
    metric = dm.DetectionMetric(["a", "b"], on_invalid="drop")
    quiet(metric, *batch("score"))
    other = dm.DetectionMetric.from_bytes(metric.to_bytes())
    assert (other.dropped, other.on_invalid) == ((1, 0), "drop")
    quiet(other, *batch("score"))  # the later one of the same image counts
    assert other.dropped == (1, 0)
    quiet(other, ["c.jpg"], *batch("true box")[1:])
    assert metric.merge(other).dropped == (1, 1)
    assert copy.deepcopy(metric).dropped == (1, 1)
    metric.update(*batch())
    assert metric.dropped == (0, 1)
    metric.reset()
    assert metric.dropped == (0, 0)


def test_results_without_such_rows_say_nothing():
    metric = dm.DetectionMetric(["a", "b"], on_invalid="drop")
    metric.update(*batch())
    assert not [name for name in metric.compute().counts if "invalid" in name]


def test_masks_go_with_their_rows():
    planes = np.zeros((2, 50, 50), bool)
    planes[0, :10, :10] = planes[1, 20:40, 20:40] = True
    ids, (found,), (there,) = batch("box")
    metric = dm.DetectionMetric(["a", "b"], on_invalid="drop")
    quiet(metric, ids, [{**found, "masks": planes}], [{**there, "masks": planes}])
    result = metric.compute()
    assert result.rules.shape == "mask"
    assert len(result.detections) == 1
    assert result.summary["AP50"] == pytest.approx(0.5)


def test_oriented_boxes():
    rows = [[5, 5, 4, 2, 0.5], [math.nan, 5, 4, 2, 0.5], [5, 5, -4, 2, 0.5], [5, 5, 4, 2, 1.0]]
    there = {"boxes": rows, "labels": [0] * 4}
    metric = dm.DetectionMetric(["a"], box_format="cxcywhr", on_invalid="drop")
    quiet(metric, [1], [{**there, "scores": [0.5] * 4}], [there])
    assert metric.dropped == (2, 2)
    assert len(metric.compute().detections) == 2


def test_a_setting_that_does_not_fit_stays_an_error():
    metric = dm.DetectionMetric(["a"], on_invalid="drop")
    ids, found, there = batch()
    with pytest.raises(dm.InputError, match=r"predictions\[0\]\['labels'\]\[1\]: expected a class"):
        metric.update(ids, found, there)
    with pytest.raises(dm.InputError, match="on_invalid: expected one of 'error', 'drop'"):
        dm.DetectionMetric(["a"], on_invalid="clip")
    turned = dm.DetectionMetric(["a"], box_format="cxcywhr", on_invalid="drop")
    degrees = {"boxes": [[5, 5, 4, 2, 90.0]], "labels": [0]}
    with pytest.raises(dm.InputError, match="takes degrees"):
        turned.update([1], [{**degrees, "scores": [1.0]}], [degrees])


@pytest.mark.parametrize("shape", [(0,), (0, 4), (1, 0), (0, 1)])
@pytest.mark.parametrize("kind", [float, int, bool, object, str])
@pytest.mark.parametrize("side", [0, 1])
def test_nothing_of_any_kind_is_nothing(shape, kind, side):
    nothing = np.empty(shape, kind)
    ids, *sides = batch()
    sides[side] = [dict.fromkeys(("boxes", "scores", "labels", "iscrowd", "area"), nothing)]
    metric = dm.DetectionMetric(["a", "b"])
    metric.update(ids, *sides)
    assert metric.compute().counts[("detections", "ground_truths")[side]] == 0


@pytest.mark.parametrize(
    "nothing", [[], np.zeros(0), np.zeros((0, 9, 9)), np.zeros((0, 9, 9), int), np.zeros((1, 0))]
)
@pytest.mark.parametrize("shape", ["auto", "mask"])
def test_no_masks_are_of_no_kind(nothing, shape):
    plane = np.ones((1, 9, 9), bool)
    there = {"masks": plane, "labels": [0]}
    none = {"masks": nothing, "labels": np.zeros(0), "scores": np.zeros(0, int)}
    metric = dm.DetectionMetric(["a"], shape=shape)
    metric.update([1, 2], [{**there, "scores": [0.5]}, none], [there, there])
    result = metric.compute()
    assert result.rules.shape == "mask"
    assert result.summary["AP"] == pytest.approx(51 / 101)


def test_files_count_what_is_dropped_too(tmp_path):
    truth = tmp_path / "gt.csv"
    truth.write_text("image,class,xmin,ymin,xmax,ymax\na,x,0,0,9,9\na,x,9,9,1,1\n")
    read = dm.read_ground_truth(truth, dm.Reading(invalid_boxes="drop"))
    assert (len(read), read.dropped) == (1, 1)
