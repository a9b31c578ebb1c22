"""What is said of a caller's arrays names the side, the place and the image."""

from __future__ import annotations

import numpy as np
import pytest

import detmetrics as dm

NAN = float("nan")
CATALOG = dm.Catalog.from_ids(images=["a.jpg", "b.jpg"], categories=[1, 2])
SIDES = {"ground-truth": dm.GroundTruth, "detection": dm.Detections}
BOXES = [[0, 0, 9, 9], [1, 1, 9, 9]]


def made(side: str, **change: object) -> dm.GroundTruth | dm.Detections:
    columns = {"image_ids": ["a.jpg", "b.jpg"], "categories": [1, 2], "boxes": BOXES}
    scores = {"scores": [0.5, 0.6]} if side == "detection" else {}
    return SIDES[side].from_arrays(**{**columns, **scores, "catalog": CATALOG, **change})


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": [BOXES[0], [1, NAN, 9, 9]]}, r"boxes\[1\]: expected .* \(image 'b.jpg'\)$"),
        ({"shapes": dm.Rectangles.from_cxcywhr([[1, 1, 2, 2, 0], [1, 1, -2, 2, 0]])},
         r"shapes\[1\]: expected .* \(image 'b.jpg'\)$"),
        ({"shapes": dm.Polygons.from_corners(np.array([[[0, 0], [1, 0], [1, 1], [0, 1]],
                                                       [[0, 0], [NAN, 0], [1, 1], [0, 1]]]))},
         r"shapes\[1\]: expected .* \(image 'b.jpg'\)$"),
        ({"categories": [1, 7]}, r"categories\[1\]: 7 \(image 'b.jpg'\)"),
        ({"image_ids": ["a.jpg", "c.jpg"]}, r"image_ids\[1\]: 'c.jpg'"),
        ({"boxes": [[1, 2, 3]]}, r"boxes: expected shape \(2, 4\), got \(1, 3\)"),
        ({"categories": [1]}, r"categories: expected shape \(2,\)"),
        ({"image_ids": [None, 1]}, "image_ids: expected whole numbers"),
        ({"shapes": "none"}, "shapes: expected Rectangles, Polygons or Masks, got 'none'"),
    ],
)  # fmt: skip
def test_errors_of_both_sides(side, change, message):
    with pytest.raises(dm.InputError, match=rf"(?s)^{side} arrays: .*{message}"):
        made(side, **change)


@pytest.mark.parametrize(
    ("side", "change", "message"),
    [
        ("detection", {"scores": [0.5, NAN]},
         r"scores\[1\]: expected a finite number, got nan \(image 'b.jpg'\)$"),
        ("detection", {"scores": [0.5]}, r"scores: expected shape \(2,\)"),
        ("detection", {"boxes": [BOXES[0], [5, 5, -1, 1]], "invalid_boxes": "error"},
         r"boxes\[1\]: expected w and h from 0 up, .* \(image 'b.jpg'\)$"),
        ("ground-truth", {"boxes": [BOXES[0], [5, 5, -1, 1]]},
         r"boxes\[1\]: expected w and h from 0 up, .* \(image 'b.jpg'\)$"),
        ("ground-truth", {"areas": [1, -1]}, r"areas\[1\]: expected .* \(image 'b.jpg'\)$"),
        ("ground-truth", {"crowd": [1]}, r"crowd: expected shape \(2,\)"),
    ],
)  # fmt: skip
def test_errors_of_one_side(side, change, message):
    with pytest.raises(dm.InputError, match=f"^{side} arrays: {message}"):
        made(side, **change)


def test_every_fault_names_its_image():
    with pytest.raises(dm.TableError) as caught:
        made("detection", boxes=np.full((2, 4), NAN), scores=[NAN, 1.0])
    first, *faults = str(caught.value).splitlines()
    assert first == "detection arrays: 3 faults"
    assert [line.rpartition(" (")[2] for line in faults] == [
        "image 'a.jpg')",
        "image 'a.jpg')",
        "image 'b.jpg')",
    ]


def test_warnings_too():
    with pytest.warns(
        dm.DetmetricsWarning, match=r"^ground-truth arrays: .*\[1\] of image 'b.jpg'"
    ):
        made("ground-truth", boxes=[BOXES[0], [1, 1, 0, 9]])
    with pytest.warns(dm.DetmetricsWarning, match=r"^detection arrays: .*\[0\] of image 'a.jpg'"):
        made("detection", scores=[1.5, 0.5])


def test_rows_that_were_dropped_do_not_move_the_image():
    boxes = [[1, 1, -1, 1], [1, 1, 2, 2]]
    with pytest.raises(dm.TableError, match=r"\(image 'b.jpg'\)$"):
        made("detection", boxes=boxes, scores=[0.5, NAN], invalid_boxes="drop")


def test_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"image_id": ["a.jpg", "b.jpg"], "category_id": [1, 2], "bbox": BOXES})
    with pytest.raises(dm.TableError, match=r"^detection frame: expected a column score"):
        dm.Detections.from_frame(frame, catalog=CATALOG)
    wrong = frame.assign(score=[0.5, NAN])
    with pytest.raises(dm.TableError, match=r"^detection frame: scores?\[1\].*\(image 'b.jpg'\)$"):
        dm.Detections.from_frame(wrong, catalog=CATALOG)


def test_two_sides_of_arrays_are_told_apart():
    truth = made("ground-truth")
    square = np.array([[[0, 0], [9, 0], [9, 9], [0, 9]]] * 2)
    found = made("detection", boxes=None, shapes=dm.Polygons.from_corners(square))
    notes = dm.evaluate(truth, found).notes
    assert any(
        "detection arrays have" in note and "ground-truth arrays have" in note for note in notes
    )


@pytest.mark.parametrize("shape", [(0,), (0, 4), (1, 0)])
@pytest.mark.parametrize("kind", [float, int, bool, object, str])
@pytest.mark.parametrize("side", SIDES)
def test_nothing_of_any_kind_is_nothing(shape, kind, side):
    nothing = np.empty(shape, kind)
    names = ("image_ids", "categories", "boxes")
    more = ("scores",) if side == "detection" else ("areas", "crowd", "ignore", "ids")
    table = made(side, **dict.fromkeys((*names, *more), nothing))
    assert len(table) == 0
    assert table.boxes.shape == (0, 4)
    assert len(made(side, **dict.fromkeys((*names, *more), nothing), shapes=[])) == 0
    lists = {name: [] for name in (*names, *more)}
    assert len(made(side, **{**lists, "boxes": None}, shapes=nothing)) == 0
    other = next(other for other in SIDES if other != side)
    sides = {side: table, other: made(other)}
    with np.errstate(all="raise"):
        result = dm.evaluate(sides["ground-truth"], sides["detection"])
    assert result.counts[("detections", "ground_truths")[side == "ground-truth"]] == 0
