"""Boxes that look like another form or unit than they are read as: on each limit and beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.tables import plausibility

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CORNERS, SHARES = "boxes look like xmin ymin xmax ymax", "boxes look like shares of the image"

SQUARE = [5, 5, 5, 5]  # as wide as it is far from the left, as high as it is far from the top
NARROW = [5, 5, 4, 9]
FLAT = [5, 5, 9, 4]
TINY = [0.5, 0.5, 0.5, 0.5]
AT_THE_LEFT = [0, 5, 9, 9]
AT_THE_TOP = [5, 0, 9, 9]


def seems(what: str, boxes: list[list[float]], tmp_path) -> bool:
    """Whether it is said of a COCO file with these boxes."""
    path = tmp_path / "truth.json"
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": box, "area": 1, "iscrowd": 0}
            for n, box in enumerate(boxes, start=1)
        ],
    }
    path.write_text(json.dumps(document))
    return any(what in note for note in dm.read_ground_truth(path).notes)


class TestCorners:
    """Of 20 boxes or more off both axes, 99.5 % are at least as wide and high as they are far."""

    @pytest.mark.parametrize(
        ("boxes", "expected"),
        [
            ([SQUARE] * 20, True),
            ([SQUARE] * 19, False),
            ([SQUARE] * 19 + [TINY], True),
            ([SQUARE] * 20 + [AT_THE_LEFT] * 20, True),
            ([SQUARE] * 19 + [AT_THE_LEFT], False),
            ([SQUARE] * 19 + [AT_THE_TOP], False),
            ([SQUARE] * 199 + [NARROW], True),
            ([SQUARE] * 199 + [FLAT], True),
            ([SQUARE] * 198 + [NARROW], False),  # 198 of 199
            ([SQUARE] * 198 + [FLAT], False),
            ([SQUARE] * 198 + [NARROW, FLAT], False),
            # What begins at an axis is asked for nothing.
            ([SQUARE] * 199 + [NARROW] + [[0, 5, 4, 4], [5, 0, 4, 4]] * 9, True),
        ],
    )
    def test_on_the_limits(self, tmp_path, boxes, expected):
        assert seems(CORNERS, boxes, tmp_path) is expected

    @pytest.mark.parametrize("box_format", ["xyxy", "cxcywh"])
    def test_are_not_looked_for_in_other_forms(self, box_format):
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1] * 20, categories=[1] * 20, boxes=[SQUARE] * 20, box_format=box_format
        )
        assert not any(CORNERS in note for note in truth.notes)

    def test_are_said_of_arrays_too(self):
        columns = {"image_ids": [1] * 20, "categories": [1] * 20, "boxes": [SQUARE] * 20}
        with pytest.warns(dm.DetmetricsWarning, match=CORNERS):
            truth = dm.GroundTruth.from_arrays(**columns)
        with pytest.warns(dm.DetmetricsWarning, match=CORNERS):
            dm.Detections.from_arrays(**columns, scores=[0.5] * 20, catalog=truth.catalog)


ONE = [0.5, 0.5, 1, 1]  # nothing exceeds 1
BEYOND = [0.5, 0.5, 1, 1.001]
TWO = [0.5, 0.5, 1, 2]
TOO_FAR = [0.5, 0.5, 1, 2.001]


class TestShares:
    """Of all boxes 95 % have no number beyond 1, none has one beyond 2, and some are fractions."""

    @pytest.mark.parametrize(
        ("boxes", "expected"),
        [
            ([ONE], True),
            ([BEYOND], False),
            ([ONE] * 19 + [BEYOND], True),
            ([ONE] * 18 + [BEYOND] * 2, False),
            ([ONE] * 19 + [TWO], True),
            ([ONE] * 19 + [TOO_FAR], False),
            ([[0, 0, 1, 1]] * 20, False),
            ([[0, 0, 1, 1]] * 19 + [[0, 0, 1, 0.5]], True),
            ([], False),
        ],
    )
    def test_on_the_limits(self, tmp_path, boxes, expected):
        assert seems(SHARES, boxes, tmp_path) is expected

    def test_are_not_said_of_arrays_which_may_mean_them(self):
        truth = dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[ONE])
        assert truth.notes == ()


@pytest.mark.parametrize("first", [1, 7, 10_000])
@pytest.mark.parametrize("bad", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("front", [True, False])
def test_the_first_boxes_never_decide_otherwise_than_all(monkeypatch, first, bad, front):
    """Corners where 99.5% of the boxes look so, wherever the others are."""
    monkeypatch.setattr(plausibility, "FIRST", first)
    boxes = np.tile([10.0, 10, 50, 60], (400, 1))
    boxes[slice(0, bad) if front else slice(400 - bad, 400)] = [30, 30, 5, 5]
    assert plausibility.seems_corners(boxes, "xywh") == (bad <= 2)
    shares = boxes / [100, 100, 100, 100]
    shares[slice(0, bad) if front else slice(400 - bad, 400)] = 1.5
    assert plausibility.seems_shares(shares) == (bad <= 20)
    shares[-1] = 2.5
    assert not plausibility.seems_shares(shares)
