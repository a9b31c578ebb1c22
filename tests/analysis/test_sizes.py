"""A bin is an area range: its numbers are those of an evaluation with that range, bit for bit."""

from __future__ import annotations

import math

import builders
import numpy as np
import pytest
import strategies
from builders import annotation, detection, document
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis import sizes
from detmetrics.analysis.sizes import EDGES, POWERS_OF_TWO, by_bins
from detmetrics.evaluation.match_table import verdicts

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
ONE = pytest.approx(1, rel=1e-12)  # precision has spacing(1) in its denominator
REPORTED = ("ap", "ap_area", "ar", "ar_area")
SMALL = {
    "area": (0.0, 2.0, 8.0, 64.0),
    "share": (0.0, 0.01, 0.1, 1.0),
    "height": (0.0, 2.0, 5.0, 1e10),
}


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(
    scene=strategies.scenes(full=True),
    of=st.sampled_from([*EDGES]),
    rules=st.sampled_from([dm.COCO, dm.COCO.replace(ignore="honour", crowd="ignore"), dm.VOC2012]),
)
def test_a_bin_is_an_area_range(scene, of, rules):
    result = dm.evaluate(*scene, rules)
    found = by_bins(result, of, SMALL.get(of))
    ranges = [one.range for one in found.bins]
    expected = dm.evaluate(*scene, rules.replace(area_ranges=ranges, metrics=REPORTED))
    counted = [0, 0]
    for at, one in enumerate(found.bins, start=1):
        assert same(one.ap, expected.summary[f"AP_{one.range.name}"])
        assert same(one.recall, expected.summary[f"AR_{one.range.name}"])
        table = verdicts(
            expected.ground_truth, expected.detections, expected.matching, 0, at
        ).verdict.tolist()
        right, wrong = table.count("true positive"), table.count("false positive")
        assert one.detections == right + wrong
        assert one.ground_truths == right + table.count("missed")
        counted[0] += one.ground_truths
    assert same(found.everything.ap, result.summary["AP"])
    assert found.everything.ground_truths <= counted[0] or of != "x"  # every centre is somewhere


def test_cocos_bins_are_not_matched_again(monkeypatch):
    result = dm.evaluate(*FIXTURES)
    monkeypatch.setattr(sizes, "match", None)
    found = analysis.by_bins(result)
    assert [one.range.name for one in found.bins] == ["small", "medium", "large"]
    assert [one.ap for one in found.bins] == [result.summary[f"AP{a}"] for a in "sml"]
    assert [one.recall for one in found.bins] == [result.summary[f"AR{a}"] for a in "sml"]
    assert found.everything.ap_first == result.summary["AP50"]
    assert found.signature == result.signature
    person = result.class_names.index("person")
    assert found.everything.ap_of_classes[person] == result.class_columns()["AP"][person]


def test_golden(tmp_path):
    """A square found, a wide box missed, a tall one found; a wide false positive, which is surer.

    The image is 100 by 200 pixels; the square touches its left side.
    """
    truth = document()
    truth["images"][0] |= {"width": 100, "height": 200}
    truth["images"][1] |= {"width": 100, "height": 200}
    boxes = [[0, 40, 20, 20], [10, 100, 60, 10], [70, 150, 10, 40]]
    truth["annotations"] = [annotation(n, bbox=box) for n, box in enumerate(boxes, start=1)]
    found = [
        detection(score=0.8, bbox=boxes[0]),
        detection(score=0.7, bbox=boxes[2]),
        detection(score=0.9, bbox=[10, 10, 60, 10]),
    ]
    result = builders.evaluate(tmp_path, truth, found)
    tall, _, square, _, wide = by_bins(result, "aspect").bins
    assert (tall.ground_truths, tall.detections, tall.ap) == (1, 1, ONE)
    assert (square.ground_truths, square.detections, square.ap) == (1, 1, ONE)
    assert (wide.ground_truths, wide.detections, wide.ap, wide.recall) == (1, 1, 0, 0)
    left, middle, right = by_bins(result, "x").bins
    assert [one.ground_truths for one in (left, middle, right)] == [1, 1, 1]
    assert [one.ap for one in (left, middle, right)] == [ONE, 0, ONE]
    edge, near, *_ = by_bins(result, "border", [0, 0.01, 0.05, 0.5]).bins
    assert (edge.ground_truths, near.ground_truths) == (1, 1)
    small = by_bins(result, edges=POWERS_OF_TWO).bins[3]
    assert small.range == dm.AreaRange("256 to 1024", 256.0, 1024.0)
    assert small.ground_truths == 3
    empty = by_bins(result, "y", [0, 0.1, 1]).bins[0]
    assert empty.ground_truths == 0
    assert math.isnan(empty.ap)
    assert math.isnan(empty.recall)


@pytest.mark.parametrize("edges", [(), (1,), (2, 1), (0, 1, 1), (0, math.nan)])
def test_bounds_that_make_no_bins(edges):
    with pytest.raises(dm.InputError, match="bins: expected two bounds or more that rise"):
        by_bins(dm.evaluate(*FIXTURES), "area", edges)


def test_what_bins_are_of():
    with pytest.raises(dm.InputError, match="bins: expected one of area, share, height, aspect"):
        by_bins(dm.evaluate(*FIXTURES), "width")
    with pytest.raises(dm.RulesError, match="expected 0 <= low <= high"):
        by_bins(dm.evaluate(*FIXTURES), "area", [-1, 1])


def test_without_sizes_of_images(tmp_path):
    for folder, line in (("labels", "0 .5 .5 .2 .2\n"), ("found", "0 .5 .5 .2 .2 .9\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(line)
    result = dm.evaluate(tmp_path / "labels", tmp_path / "found")
    assert by_bins(result, "x").bins[1].ap == ONE  # shares are places all the same
    assert by_bins(result, "border").bins[-1].ap == ONE
    for of in ("area", "aspect", "height"):
        with pytest.raises(dm.InputError, match=f"sizes of images are unknown, so no bins of {of}"):
            by_bins(result, of)


def test_real_data(shared):
    folder = shared / "voc2007" / "coco_json"
    files = folder / "ground_truth_difficult_as_crowd.json.gz", folder / "yolov2.json.gz"
    result = dm.evaluate(*files)
    bins = by_bins(result, edges=POWERS_OF_TWO).bins
    assert sum(one.ground_truths for one in bins) >= result.curves.positives[:, 0].sum()
    ranges = [one.range for one in bins]
    rules = dm.COCO.replace(area_ranges=ranges, metrics=("ap_area",))
    expected = dm.evaluate(result.ground_truth, result.detections, rules)
    np.testing.assert_array_equal([one.ap for one in bins], [*expected.summary.values()])


@pytest.mark.parametrize(
    ("edges", "names"),
    [
        ([10_000, 10_004, 20_000], ["10000 to 10004", "10004 to 20000"]),
        ([1000.1, 1000.2, 1000.3], ["1000.1 to 1000.2", "1000.2 to 1000.3"]),
        ([0, 1 / 3, 1e10], ["0 to 0.3333", "from 0.3333"]),
    ],
)
def test_bins_are_told_apart_by_their_names(edges, names):
    result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    assert [one.range.name for one in by_bins(result, "area", edges).bins] == names
