"""Shapes in COCO JSON, VOC XML and tables: each layout, what is wrong with others, round trips."""

from __future__ import annotations

import gzip
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.formats import formats
from detmetrics.formats.writing.written_shapes import turned
from detmetrics.foundation.outputs import write_tree
from detmetrics.overlap import KINDS
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.masks.rle import joined, lengths_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.tables.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CATALOG = Catalog.from_ids(
    images=[1], image_names=["a.jpg"], image_sizes=[[100, 80]], categories=[1], category_names=["b"]
)
SIDES = [[50, 40, 30, 10, 30.0], [60, 60, 20, 8, -75.0]]
SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]
TILTED = [50, 40, 70, 50, 65, 60, 45, 50]


def document(*annotations: dict, **more) -> dict:
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "ship"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, **own}
            for number, own in enumerate(annotations, start=1)
        ],
        **more,
    }


def results(*rows: dict) -> list[dict]:
    return [{"image_id": 1, "category_id": 1, "score": 0.9, **row} for row in rows]


def saved(folder, content, name: str = "a.json") -> str:
    path = Path(folder, name)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def truth_of(folder, *annotations: dict, **reading) -> dm.GroundTruth:
    return dm.read_ground_truth(saved(folder, document(*annotations)), dm.Reading(**reading))


def corners_of(table) -> np.ndarray:
    """(R, 4, 2) corners, in an order that does not depend on the first."""
    points = table.shapes.points.reshape(-1, 4, 2)
    return np.array([sorted(map(tuple, own.round(6))) for own in points])


def drawn(sides) -> np.ndarray:
    """The corners of rectangles of radians, clockwise, from the definition."""
    found = []
    for cx, cy, w, h, angle in sides:
        c, s = math.cos(angle), math.sin(angle)
        ends = [(a * w / 2, b * h / 2) for a in (-1, 1) for b in (-1, 1)]
        own = [(round(cx + x * c - y * s, 6), round(cy + x * s + y * c, 6)) for x, y in ends]
        found.append(sorted(own))
    return np.array(found)


def refused(read, *arguments) -> str:
    with pytest.raises(dm.FormatError) as caught:
        read(*arguments)
    return str(caught.value)


def turned_by(sides, sign: float, unit: float = math.pi / 180) -> list:
    return [(*row[:4], sign * row[4] * unit) for row in sides]


class TestCocoAngles:
    """``bbox`` of five numbers is Detectron2's: degrees, counter-clockwise as the image is seen."""

    def test_degrees_counterclockwise(self, tmp_path):
        truth = truth_of(tmp_path, *({"bbox": row} for row in SIDES))
        assert np.array_equal(corners_of(truth), drawn(turned_by(SIDES, -1)))
        assert isinstance(truth.shapes, Rectangles)
        assert any("degrees, counterclockwise" in note for note in truth.notes)
        around = truth.shapes.hulls
        assert np.allclose(truth.xyxy, around)

    def test_results(self, tmp_path):
        truth = truth_of(tmp_path, *({"bbox": row} for row in SIDES))
        rows = results(*({"bbox": row} for row in SIDES))
        found = dm.read_detections(saved(tmp_path, rows, "d.json"), truth)
        assert np.array_equal(corners_of(found), corners_of(truth))
        assert dm.evaluate(truth, found).summary["AP"] == 1

    def test_small_angles_ask(self, tmp_path):
        path = saved(tmp_path, document({"bbox": [50, 40, 30, 10, 1.5]}))
        text = refused(dm.read_ground_truth, path)
        assert text.startswith(f"{path}: angles (between 1.5 and 1.5) do not tell degrees or")
        assert "--det-angle radians-clockwise|" in text
        asked = truth_of(tmp_path, {"bbox": [50, 40, 30, 10, 1.5]}, angle="radians-clockwise")
        assert np.array_equal(corners_of(asked), drawn([[50, 40, 30, 10, 1.5]]))

    def test_small_angles_where_detectron2_says_so(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [50, 40, 30, 10, 1.5], "bbox_mode": 4})
        assert np.array_equal(corners_of(truth), drawn(turned_by([[50, 40, 30, 10, 1.5]], -1)))

    def test_zeros_need_no_convention(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [50, 40, 30, 10, 0]})
        assert truth.xyxy.tolist() == [[35, 35, 65, 45]]
        assert any("all angles are 0" in note for note in truth.notes)

    def test_four_numbers_among_them_are_upright(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": SIDES[0]}, {"bbox": [1, 2, 30, 40]})
        assert truth.shapes.cxcywhr[1].tolist() == [16, 22, 30, 40, 0]
        assert truth.xywh[1].tolist() == [1, 2, 30, 40]
        assert any("1 box of four numbers is x y w h, upright" in note for note in truth.notes)

    @pytest.mark.parametrize(
        ("box", "says"),
        [
            ([1, 2, 3], "annotations[1].bbox: expected 4 numbers, x y w h, or 5, cx cy"),
            ([1, 2, 3, 4, 5, 6], "annotations[1].bbox: expected 4 numbers"),
            ([1, 2, -3, 4, 50], "annotations[1].bbox: expected finite numbers cx cy w h angle"),
            ([1, 2, 3, 4, 1e300], "annotations[1].bbox: expected finite numbers"),
            (None, "annotations[1].bbox: missing, though other boxes have five"),
            ([1, 2, 3, 4, "5"], "annotations[1].bbox[4]: expected a number, got text"),
        ],
    )
    def test_refused(self, tmp_path, box, says):
        path = saved(tmp_path, document({"bbox": SIDES[0]}, {"bbox": box}))
        assert f"{path}: {says}" in refused(dm.read_ground_truth, path)
        truth = truth_of(tmp_path, {"bbox": SIDES[0]})
        path = saved(tmp_path, results({"bbox": SIDES[0]}, {"bbox": box}), "d.json")
        assert says.removeprefix("annotations") in refused(dm.read_detections, path, truth)

    def test_radians_cannot_be_beyond_a_turn(self, tmp_path):
        path = saved(tmp_path, document({"bbox": SIDES[0]}))
        reading = dm.Reading(angle="radians-clockwise")
        assert "30 is more than a whole turn" in refused(dm.read_ground_truth, path, reading)


class TestCocoCorners:
    """``obb`` is hotcoco's, in radians and clockwise; ``poly`` are corners."""

    def test_obb(self, tmp_path):
        sides = [[50, 40, 40, 10, 0.4]]
        truth = truth_of(tmp_path, {"bbox": [30, 20, 40, 40], "obb": sides[0]})
        assert np.array_equal(corners_of(truth), drawn(sides))
        assert truth.xywh.tolist() == [[30, 20, 40, 40]]

    def test_obb_as_hotcoco_draws_it(self, tmp_path):
        hotcoco = pytest.importorskip("hotcoco", reason="needs hotcoco: make bench installs it")
        content = document({"bbox": [30, 20, 40, 40], "area": 400, "obb": [50, 40, 40, 10, 0.4]})
        hotcoco.COCO(saved(tmp_path, content)).to_dota(str(tmp_path / "out"))
        line = (tmp_path / "out" / "a.txt").read_text().split()[:8]
        theirs = np.array(sorted(np.array(line, float).reshape(-1, 2).tolist()))
        ours = corners_of(truth_of(tmp_path, *content["annotations"]))[0]
        assert np.allclose(theirs, ours, atol=0.06)  # they round to a decimal

    @pytest.mark.parametrize("poly", [TILTED, [TILTED], np.reshape(TILTED, (4, 2)).tolist()])
    def test_poly(self, tmp_path, poly):
        truth = truth_of(tmp_path, {"bbox": [0, 0, 1, 1], "poly": poly})
        assert truth.shapes.points.ravel().tolist() == TILTED
        found = saved(tmp_path, results({"poly": poly}), "d.json")  # as Ultralytics, without bbox
        assert dm.read_detections(found, truth).xyxy.tolist() == [[45, 40, 70, 60]]

    @pytest.mark.parametrize("own", [{}, {"poly": None}, {"poly": []}])
    def test_some_without(self, tmp_path, own):
        box = {"bbox": [0, 0, 9, 9]}
        truth = truth_of(tmp_path, box | {"poly": TILTED}, box | own)
        assert truth.shapes is None
        assert any("1 row has no poly, of 2: it is passed over" in note for note in truth.notes)

    @pytest.mark.parametrize(
        ("own", "says"),
        [
            ({"obb": [1, 2, 3]}, "annotations[0].obb: expected 5 numbers, cx cy w h angle, got [1"),
            ({"obb": [1, 2, 3, 4, True]}, "annotations[0].obb: expected 5 numbers"),
            ({"obb": [1, 2, 3, 4, 45]}, "radians, as hotcoco has them in obb, and 45 is more"),
            ({"poly": [1, 2, 3, 4]}, "annotations[0].poly: expected x1 y1 x2 y2 ... of 3 points"),
            ({"poly": [1, 2, 3, 4, 5, 6, 7]}, "annotations[0].poly: expected x1 y1 x2 y2"),
            ({"poly": [[1, 2, 3], [4]]}, "annotations[0].poly: expected x1 y1 x2 y2"),
        ],
    )
    def test_refused(self, tmp_path, own, says):
        path = saved(tmp_path, document({"bbox": [0, 0, 9, 9], **own}))
        assert says in refused(dm.read_ground_truth, path)


class TestCocoSegmentations:
    """Segmentations are read when they are measured; boxes alone never need them."""

    def test_four_corners_are_oriented_boxes(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20], "segmentation": [TILTED]})
        assert truth.natural == "oriented"
        assert any("one polygon of four corners" in note for note in truth.notes)
        masks = truth.shapes_as(KINDS["mask"])
        other = Segmentations(np.array([[TILTED], None], object)[:1])
        assert masks.codes[0] == KINDS["mask"].made(other, truth.sizes, False).codes[0]

    @pytest.mark.parametrize("other", [[[*TILTED, 50, 45]], [SQUARE, TILTED]])
    def test_others_are_masks(self, tmp_path, other):
        box = {"bbox": [45, 40, 25, 20]}
        truth = truth_of(tmp_path, box | {"segmentation": [TILTED]}, box | {"segmentation": other})
        assert truth.natural == "mask"

    @pytest.mark.parametrize("nothing", [None, [], [[]], {}, "missing"])
    def test_row_without(self, tmp_path, nothing):
        box = {"bbox": [45, 40, 25, 20]}
        own = box if nothing == "missing" else box | {"segmentation": nothing}
        truth = truth_of(tmp_path, box | {"segmentation": [TILTED]}, own)
        assert truth.shapes is None
        assert any("1 row has no segmentation, of 2" in note for note in truth.notes)

    @pytest.mark.parametrize(
        ("segmentation", "says"),
        [
            ([[1, 2, 3, 4]], "expected a polygon of 3 points or more, got [1, 2, 3, 4]"),
            ([[1, 2, 3, 4, 5, 6, 7]], "expected a polygon of 3 points or more"),
            ([[1, 2, 3, 4, 5, "x"]], "expected a polygon x1 y1 x2 y2"),
            ("text", "expected polygons or a run-length encoding, got 'text'"),
            (7, "expected polygons or a run-length encoding, got 7"),
            ({"size": [80, 100], "counts": "\x01~"}, "counts are no run-length encoding"),
            ({"size": [80, 100], "counts": "\u20ac"}, "counts are no run-length encoding"),
            ({"size": [80, 100], "counts": [1, 2]}, "expected counts of 8,000 pixels"),
            ({"size": "80", "counts": "1"}, "expected size [height, width] of at most"),
        ],
    )
    def test_wrong_ones_hurt_only_where_they_are_measured(self, tmp_path, segmentation, says):
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20], "segmentation": segmentation})
        found = dm.read_detections(saved(tmp_path, results({"bbox": [45, 40, 25, 20]}), "d"), truth)
        assert dm.evaluate(truth, found, shape="box").summary["AP"] == pytest.approx(1)
        with pytest.raises(dm.FormatError) as caught:
            truth.shapes_as(KINDS["mask"])
        assert f"annotations[0].segmentation: {says}" in str(caught.value)

    def test_results_without_boxes(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20], "segmentation": [TILTED]})
        rows = results({"segmentation": [TILTED]}, {"bbox": [1, 2, 3, 4], "segmentation": [SQUARE]})
        found = dm.read_detections(saved(tmp_path, rows, "d.json"), truth)
        assert found.xywh.tolist() == [[45, 40, 25, 20], [1, 2, 3, 4]]

    def test_neither_box_nor_segmentation(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20]})
        rows = results({"segmentation": [TILTED]}, {})
        says = "[1].bbox: missing, and there is no segmentation in its place"
        assert says in refused(dm.read_detections, saved(tmp_path, rows, "d.json"), truth)

    def test_boxes_here_and_masks_there(self, tmp_path):
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20], "segmentation": [[*TILTED, 50, 45]]})
        rows = results({"bbox": [1, 2, 3, 4]}, {"segmentation": [SQUARE]})
        found = dm.read_detections(saved(tmp_path, rows, "d.json"), truth)
        x, y = SQUARE[::2], SQUARE[1::2]
        around = [min(x), min(y), max(x) - min(x), max(y) - min(y)]
        assert found.xywh.tolist() == [[1, 2, 3, 4], around]
        with pytest.raises(dm.FormatError) as caught:
            dm.read_detections(saved(tmp_path, [*rows, *results({})], "d.json"), truth)
        assert "[2].bbox: missing" in str(caught.value)
        assert "[0]" not in str(caught.value)

    def test_sizes_of_images_that_the_file_lacks(self, tmp_path):
        shape = {"bbox": [45, 40, 25, 20], "segmentation": [[*TILTED, 50, 45]]}
        content = document(shape)
        content["images"] = [{"id": 1, "file_name": "a.jpg"}]
        path, found = saved(tmp_path, content), saved(tmp_path, results(shape), "d.json")
        result = dm.evaluate(path, found)
        assert result.rules.shape == "box"
        assert any("need the size of the image" in note for note in result.notes)
        sizes = saved(tmp_path, "image,width,height\na.jpg,100,80\n", "sizes.csv")
        result = dm.evaluate(path, found, reading=dm.Reading(image_sizes=sizes))
        assert (result.rules.shape, result.summary["AP"]) == ("mask", pytest.approx(1))

    def test_masks_that_do_not_touch(self, tmp_path):
        shape = {"bbox": [0, 0, 9, 9], "segmentation": [[0, 0, 9, 0, 9, 9, 4, 8, 0, 9]]}
        other = {"bbox": [50, 50, 9, 9], "segmentation": [[50, 50, 59, 50, 59, 59, 54, 58, 50, 59]]}
        truth = truth_of(tmp_path, shape)
        found = dm.read_detections(saved(tmp_path, results(other), "d.json"), truth)
        assert dm.evaluate(truth, found).summary["AP"] == 0

    def test_document_with_scores(self, tmp_path):
        box = {"bbox": [45, 40, 25, 20], "segmentation": [TILTED]}
        truth = truth_of(tmp_path, box)
        found = dm.read_detections(saved(tmp_path, document(box | {"score": 0.5}), "d"), truth)
        assert found.shapes.points.ravel().tolist() == TILTED
        found = dm.read_detections(
            saved(tmp_path, document({"bbox": SIDES[0], "score": 0.5}), "d"), truth
        )
        assert isinstance(found.shapes, Rectangles)

    def test_real_masks_through_coco_and_back(self, shared, tmp_path):
        folder = shared / "coco_val2014_100"
        truth, found = (
            str(folder / f"instances_val2014_{name}.json")
            for name in ("100", "fakesegm100_results")
        )
        known = (
            *(0.3195, 0.5623, 0.2989, 0.3874, 0.3102, 0.3269),
            *(0.2682, 0.4154, 0.4168, 0.4694, 0.3768, 0.3815),
        )
        first = dm.evaluate(truth, found)
        assert tuple(round(value, 4) for value in first.summary.values()) == known
        again = tmp_path / "g.json", tmp_path / "d.json"
        dm.convert(truth, again[0], to="coco")
        dm.convert(found, again[1], to="coco", ground_truth=truth)
        assert dm.evaluate(*map(str, again)).summary == first.summary


# --- VOC -----------------------------------------------------------------------------------------


def annotation(*objects: str) -> str:
    inner = "".join(f"<object><name>ship</name>{own}</object>" for own in objects)
    size = "<size><width>100</width><height>80</height></size>"
    return f"<annotation><filename>a.jpg</filename>{size}{inner}</annotation>"


def element(name: str, **values) -> str:
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    return f"<{name}>{inner}</{name}>"


def robndbox(cx, cy, w, h, angle) -> str:
    return element("robndbox", cx=cx, cy=cy, w=w, h=h, angle=angle)


BOX = element("bndbox", xmin=10, ymin=20, xmax=30, ymax=40)


def voc(folder, *objects: str, **reading) -> dm.GroundTruth:
    return dm.read_ground_truth(saved(folder, annotation(*objects), "a.xml"), dm.Reading(**reading))


class TestVoc:
    def test_radians_clockwise_as_rolabelimg(self, tmp_path):
        truth = voc(tmp_path, robndbox(50, 40, 30, 10, 0.7), robndbox(50, 40, 30, 10, 3.0))
        sides = [[50, 40, 30, 10, 0.7], [50, 40, 30, 10, 3.0]]
        assert np.array_equal(corners_of(truth), drawn(sides))
        assert any("radians, clockwise as the image is seen, as roLabel" in n for n in truth.notes)

    def test_a_last_pixel_is_of_boxes_alone_and_that_is_said(self, tmp_path):
        corners = element("polygon", x1=10, y1=20, x2=30, y2=20, x3=30, y3=40)
        truth = voc(tmp_path, BOX + corners, BOX, pixels="inclusive")
        assert truth.boxes.tolist() == [[10, 20, 31, 41]] * 2
        assert truth.shapes.hulls.tolist() == [[10, 20, 30, 40]] * 2
        assert any(note.endswith("+ 1; shapes are taken as they stand") for note in truth.notes)

    def test_among_upright_ones(self, tmp_path):
        truth = voc(tmp_path, robndbox(50, 40, 30, 10, 0.7), BOX)
        assert truth.shapes.cxcywhr[1].tolist() == [20, 30, 20, 20, 0]
        assert truth.boxes[1].tolist() == [10, 20, 30, 40]
        assert any("1 object has a bndbox alone, of 2: upright" in note for note in truth.notes)

    def test_corners_as_dior(self, tmp_path):
        names = ("left_top", "right_top", "right_bottom", "left_bottom")
        values = {
            f"{axis}_{name}": value
            for name, point in zip(names, np.reshape(TILTED, (4, 2)).tolist(), strict=True)
            for axis, value in zip("xy", point, strict=True)
        }
        truth = voc(tmp_path, element("robndbox", **values))
        assert truth.shapes.points.ravel().tolist() == TILTED

    @pytest.mark.parametrize("tool", ["Roboflow", "LabelMe"])
    def test_polygon(self, tmp_path, tool):
        pairs = np.reshape([*TILTED, 40, 45], (5, 2)).tolist()
        flat = {f"{axis}{n}": p["xy".index(axis)] for n, p in enumerate(pairs, 1) for axis in "xy"}
        points = "".join(element("pt", x=x, y=y) for x, y in pairs)
        own = element("polygon", **flat) if tool == "Roboflow" else f"<polygon>{points}</polygon>"
        truth = voc(tmp_path, BOX + own, BOX, robndbox(50, 40, 30, 10, 0.7))
        assert truth.shapes.count.tolist() == [5, 4, 4]
        assert truth.shapes.points[:5].tolist() == pairs
        assert truth.boxes[0].tolist() == [10, 20, 30, 40]

    def test_pixels_count_where_all_have_bndbox(self, tmp_path):
        assert voc(tmp_path, BOX, pixels="inclusive").xywh[0].tolist() == [10, 20, 21, 21]

    @pytest.mark.parametrize(
        ("own", "says"),
        [
            (robndbox(1, 2, 3, 4, "x"), "a.xml: object 1: angle: expected a number, got 'x'"),
            (robndbox(1, 2, 3, 4, ""), "a.xml: object 1: angle: expected a number, got nothing"),
            (robndbox(1, 2, -3, 4, 1), "object 1: robndbox: expected w and h from 0 up, got [-3"),
            (robndbox(1, "inf", 3, 4, 1), "object 1: robndbox: expected finite numbers"),
            (robndbox(1, 2, 3, 4, 45), "as roLabelImg and labelImg2 have them in robndbox, and 45"),
            (element("polygon", x1=1, y1=2), "object 1: polygon: expected x1 y1 x2 y2 ... of 3"),
            (element("polygon", x1=1, y1=2, x2=3, y2=4, x3=5), "object 1: polygon: expected x1"),
        ],
    )
    def test_refused(self, tmp_path, own, says):
        path = saved(tmp_path, annotation(own), "a.xml")
        assert says in refused(dm.read_ground_truth, path)

    def test_written_as_what_it_is(self, tmp_path):
        truth = truth_of(
            tmp_path,
            {"bbox": [10, 10, 20, 20], "segmentation": [SQUARE]},
            {"bbox": [45, 40, 25, 20], "segmentation": [TILTED]},
            {"bbox": [40, 30, 20, 25], "segmentation": [[50, 30, 60, 40, 50, 55, 40, 40]]},
        )
        (form,) = (known for known in formats() if known.name == "voc")
        text = form.write_ground_truth(truth).files["a.xml"].decode()
        assert text.count("<polygon>") == 1
        assert text.count("<robndbox>") == 1
        assert text.count("<bndbox>") == 2

    def test_masks_are_lost_and_said(self, tmp_path):
        own = {"segmentation": {"size": [80, 100], "counts": [4000, 10, 3990]}}
        truth = truth_of(tmp_path, {"bbox": [45, 40, 25, 20], **own})
        (form,) = (known for known in formats() if known.name == "voc")
        lost = form.write_ground_truth(truth).lost
        assert "the shapes of 1 object: the target has their upright boxes alone" in lost


# --- tables --------------------------------------------------------------------------------------


def table(folder, text: str, **reading) -> dm.GroundTruth:
    return dm.read_ground_truth(saved(folder, text, "a.csv"), dm.Reading(**reading))


class TestAnglesOfOneSide:
    """What is right for one file may be wrong for the other."""

    def test_are_asked_for_apart(self, tmp_path):
        turned = [[50, 40, 40, 10, 30], [50, 20, 40, 10, -60]]
        truth = saved(tmp_path, document(*({"bbox": box} for box in turned)), "a.json")
        rows = [f"a.jpg,ship,0.9,{x},{y},{w},{h},{-np.deg2rad(a)}" for x, y, w, h, a in turned]
        found = saved(tmp_path, "\n".join(["image,class,score,cx,cy,w,h,angle", *rows]), "a.csv")
        own = dm.Reading(det_angle="radians-clockwise")
        assert dm.evaluate(truth, found, reading=own).summary["AP"] == pytest.approx(1)
        both = dm.Reading(angle="radians-clockwise")
        with pytest.raises(dm.FormatError, match="more than a whole turn"):
            dm.evaluate(truth, found, reading=both)


class TestTables:
    @pytest.mark.parametrize(
        "names",
        ["x1,y1,x2,y2,x3,y3,x4,y4", "x0,y0,x1,y1,x2,y2,x3,y3", "X_1,Y_1,X_2,Y_2,X_3,Y_3,X_4,Y_4"],
    )
    def test_corners(self, tmp_path, names):
        truth = table(tmp_path, f"image,class,{names}\na,ship,{','.join(map(str, TILTED))}\n")
        assert truth.shapes.points.ravel().tolist() == TILTED
        assert truth.xyxy.tolist() == [[45, 40, 70, 60]]

    def test_corners_beside_a_box(self, tmp_path):
        names = "image,class,xmin,ymin,xmax,ymax,x1,y1,x2,y2,x3,y3,x4,y4"
        truth = table(tmp_path, f"{names}\na,ship,1,2,3,4,{','.join(map(str, TILTED))}\n")
        assert truth.xyxy.tolist() == [[1, 2, 3, 4]]
        assert truth.shapes.points.ravel().tolist() == TILTED

    @pytest.mark.parametrize("name", ["angle", "theta", "rotation"])
    def test_angles_are_asked_for(self, tmp_path, name):
        text = f"image,class,cx,cy,w,h,{name}\na,ship,50,40,30,10,0.5\n"
        path = saved(tmp_path, text, "a.csv")
        assert "--det-angle radians-clockwise|" in refused(dm.read_ground_truth, path)
        truth = table(tmp_path, text, angle="radians-counterclockwise")
        assert np.array_equal(corners_of(truth), drawn([[50, 40, 30, 10, -0.5]]))

    def test_upright_angles_are_not(self, tmp_path):
        truth = table(tmp_path, "image,class,cx,cy,w,h,angle\na,ship,50,40,30,10,0\n")
        assert truth.xyxy.tolist() == [[35, 35, 65, 45]]

    def test_x_and_y_beside_an_angle_are_asked_for(self, tmp_path):
        text = "image,class,x,y,w,h,angle\na,ship,50,40,30,10,0.5\n"
        said = refused(dm.read_ground_truth, saved(tmp_path, text, "a.csv"))
        assert "--columns cx=x,cy=y for oriented boxes" in said
        turned_ones = table(tmp_path, text, columns="cx=x,cy=y", angle="radians-clockwise")
        assert np.array_equal(corners_of(turned_ones), drawn([[50, 40, 30, 10, 0.5]]))
        upright = table(tmp_path, text, columns="x=x,y=y,w=w,h=h")
        assert (upright.shapes, upright.xywh.tolist()) == (None, [[50, 40, 30, 10]])

    @pytest.mark.parametrize(
        "text", ["1 2 30 4 5 60", "1;2;30;4;5;60", "[1, 2, 30, 4, 5, 60]", "[[1,2],[30,4],[5,60]]"]
    )
    def test_polygons_as_text(self, tmp_path, text):
        truth = table(tmp_path, f'image,class,polygon\na,ship,"{text}"\n')
        assert truth.shapes.points.tolist() == [[1, 2], [30, 4], [5, 60]]
        assert truth.xyxy.tolist() == [[1, 2, 30, 60]]
        assert truth.natural == "oriented"

    def test_segmentations_as_text(self, tmp_path):
        code = json.dumps({"size": [80, 100], "counts": [4000, 10, 3990]}).replace('"', '""')
        head = "image,class,xmin,ymin,xmax,ymax,segmentation"
        truth = table(tmp_path, f'{head}\na,ship,1,2,3,4,"{code}"\n')
        assert truth.natural == "mask"
        assert truth.shapes_as(KINDS["mask"]).areas.tolist() == [10]

    def test_rows_without_a_polygon(self, tmp_path):
        head = "image,class,xmin,ymin,xmax,ymax,polygon"
        truth = table(tmp_path, f"{head}\na,ship,1,2,3,4,1 2 30 4 5 60\na,ship,1,2,3,4,\n")
        assert truth.shapes is None
        assert any("1 row has no polygon, of 2" in note for note in truth.notes)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("image,class,polygon\na,b,1 2 3 4\n", "line 2: polygon: expected x1 y1 x2 y2 ... of"),
            ("image,class,polygon\na,b,1 2 3 4 5 x\n", "line 2: polygon: expected x1 y1"),
            ("image,class,polygon\na,b,nan 2 3 4 5 6\n", "line 2: polygon: expected x1 y1"),
            ("image,class,segmentation\na,b,word\n", "line 2: segmentation: expected polygons or"),
            ("image,class,cx,cy,w,h,angle\na,b,1,2,3,-4,5\n", "line 2: expected finite cx cy w h"),
            ("image,class,cx,cy,w,h,angle\na,b,1,2,3,4,x\n", "line 2: angle: expected a number"),
            (
                "image,class,x1,y1,x2,y2,x3,y3,x4,y4\na,b,1,2,3,4,5,6,inf,8\n",
                "line 2: expected four corners of finite numbers",
            ),
        ],
    )
    def test_refused(self, tmp_path, text, says):
        assert says in refused(dm.read_ground_truth, saved(tmp_path, text, "a.csv"))

    def test_empty_image(self, tmp_path):
        text = (
            f"image,class,x1,y1,x2,y2,x3,y3,x4,y4\na,b,{','.join(map(str, TILTED))}\nc,,,,,,,,,\n"
        )
        truth = table(tmp_path, text)
        assert (len(truth), len(truth.catalog.image_ids)) == (1, 2)

    def test_lists_in_parquet(self, tmp_path):
        pandas = pytest.importorskip("pandas", reason="needs pandas")
        pytest.importorskip("pyarrow", reason="needs pyarrow")
        frame = pandas.DataFrame(
            {"image": ["a"], "class": ["b"], "polygon": [[1, 2, 30, 4, 5, 60]]}
        )
        frame.to_parquet(tmp_path / "a.parquet")
        truth = dm.read_ground_truth(tmp_path / "a.parquet")
        assert truth.shapes.points.tolist() == [[1, 2], [30, 4], [5, 60]]


class TestFrames:
    """Data frames that callers have: corners are shapes, and angles are asked for."""

    def frame(self, **columns):
        pandas = pytest.importorskip("pandas", reason="needs pandas")
        return pandas.DataFrame({"image": [1], "class": ["b"], "score": [0.5], **columns})

    def test_corners(self):
        names = [f"{axis}{number}" for number in "1234" for axis in "xy"]
        columns = {name: [value] for name, value in zip(names, TILTED, strict=True)}
        found = dm.Detections.from_frame(self.frame(**columns), catalog=CATALOG)
        assert found.shapes.points.ravel().tolist() == TILTED
        assert found.xyxy.tolist() == [[45, 40, 70, 60]]
        with pytest.raises(dm.TableError, match="row 0: expected four corners of finite numbers"):
            dm.Detections.from_frame(self.frame(**columns | {"x3": [math.inf]}), catalog=CATALOG)

    @pytest.mark.parametrize("name", ["angle", "theta", "rotation"])
    def test_angles(self, name):
        frame = self.frame(x=[1], y=[2], w=[3], h=[4], **{name: [0.1]})
        with pytest.raises(dm.TableError, match=f"column {name}: a frame does not tell unit"):
            dm.Detections.from_frame(frame, catalog=CATALOG)


# --- round trips ---------------------------------------------------------------------------------

places = st.floats(20, 60, allow_nan=False)
rectangles = st.lists(
    st.tuples(places, places, st.floats(1, 40), st.floats(1, 40), st.floats(-3.1, 3.1)),
    min_size=1,
    max_size=4,
)
quads = st.lists(st.lists(places, min_size=8, max_size=8), min_size=1, max_size=4)
stars = st.lists(
    st.integers(3, 9).flatmap(lambda n: st.lists(places, min_size=2 * n, max_size=2 * n)),
    min_size=1,
    max_size=4,
)


def polygons(rows) -> Polygons:
    first = np.append(0, np.cumsum([len(row) // 2 for row in rows]))
    return Polygons(np.concatenate([np.reshape(row, (-1, 2)) for row in rows]), first)


def tables_of(shapes):
    count = len(shapes)
    common = {"image_ids": [1] * count, "categories": [1] * count, "shapes": shapes}
    scores = np.linspace(0.1, 0.9, count)
    return (
        dm.GroundTruth.from_arrays(catalog=CATALOG, **common),
        dm.Detections.from_arrays(catalog=CATALOG, scores=scores, **common),
    )


def there_and_back(truth, found, to: str):
    (form,) = (known for known in formats() if known.name == to)
    with tempfile.TemporaryDirectory() as folder:
        paths = f"{folder}/g", f"{folder}/d"
        write_tree(paths[0], form.write_ground_truth(truth).files)
        again = dm.read_ground_truth(paths[0], dm.Reading(gt_format=to))
        if form.read_detections is None:
            return again, None
        write_tree(paths[1], form.write_detections(found).files)
        return again, dm.read_detections(paths[1], again, dm.Reading(det_format=to))


class TestRoundTrips:
    """What is written is read as the same shapes."""

    @given(rows=st.one_of(quads, stars), to=st.sampled_from(["coco", "csv", "parquet"]))
    def test_polygons_to_the_last_bit(self, rows, to):
        truth, found = tables_of(polygons(rows))
        for before, after in zip((truth, found), there_and_back(truth, found, to), strict=True):
            flat = np.concatenate([np.ravel(row) for row in rows])
            shapes = after.shapes
            if isinstance(shapes, Segmentations):
                assert shapes.plain() == [[row] for row in rows]
            else:
                assert np.array_equal(shapes.points.ravel(), flat)
            assert np.allclose(after.xyxy, before.xyxy, rtol=1e-12)

    @given(sides=rectangles, to=st.sampled_from(["coco", "csv", "voc"]))
    def test_rectangles(self, sides, to):
        shapes = Rectangles.from_cxcywhr(np.array(sides))
        truth, found = tables_of(shapes)
        for after in there_and_back(truth, found, to):
            if after is None or after.shapes is None:  # VOC writes upright ones as such
                continue
            if to == "coco":
                assert np.array_equal(after.shapes.cxcywhr, shapes.cxcywhr)
            order = np.argsort(after.ids) if to == "voc" else np.arange(len(sides))
            again = after.shapes.take(order)
            both = KINDS["oriented"].made(again, np.zeros((0, 2)), False)
            row = np.arange(len(sides))
            overlap = both.overlaps(row, Polygons(shapes.points, shapes.first), row, row < 0, 0.0)
            assert np.allclose(overlap, 1, atol=1e-6)

    @given(rows=stars)
    def test_polygons_through_voc(self, rows):
        shapes = polygons(rows)
        again, _ = there_and_back(*tables_of(shapes), "voc")
        if again.shapes is None:
            assert all(turned(shapes).exact)
        else:
            assert np.allclose(again.shapes.hulls, shapes.hulls)
            assert np.allclose(again.shapes.areas, shapes.areas, atol=1e-6)

    @given(
        runs=st.lists(st.integers(0, 400), min_size=1, max_size=9),
        to=st.sampled_from(["coco", "csv", "parquet"]),
    )
    def test_masks(self, runs, to):
        from pycocotools import mask

        counts = [*runs, 8000 - sum(runs)]
        code = mask.frPyObjects({"size": [80, 100], "counts": counts}, 80, 100)
        truth, found = tables_of(Masks(np.array([code, None], object)[:1]))
        for after in there_and_back(truth, found, to):
            again = after.shapes_as(KINDS["mask"]).sound[0]
            lengths, kept = (lengths_of([one["counts"]]).length for one in (code, again))
            assert joined(kept).tolist() == joined(lengths).tolist()  # without runs of no pixel

    def test_areas_of_shapes_where_the_source_has_none(self, tmp_path):
        boxes = {"bbox": [45, 40, 25, 20], "segmentation": [TILTED]}
        path = saved(tmp_path, document(boxes, boxes | {"area": 7}))
        dm.convert(path, tmp_path / "out.json", to="coco")
        areas = [
            row["area"] for row in json.loads((tmp_path / "out.json").read_text())["annotations"]
        ]
        assert areas == [
            pytest.approx(Polygons.from_corners(np.reshape(TILTED, (1, 4, 2))).areas[0]),
            7,
        ]

    def test_masks_on_images_of_unknown_size(self, tmp_path):
        content = document({"bbox": [45, 40, 25, 20], "segmentation": [[*TILTED, 50, 45]]})
        content["images"] = [{"id": 1, "file_name": "a.jpg"}]
        done = dm.convert(saved(tmp_path, content), tmp_path / "out.json", to="coco")
        assert any("w * h, as the size of an image is unknown" in lost for lost in done.lost)

    def test_gzipped(self, tmp_path):
        path = tmp_path / "a.json.gz"
        path.write_bytes(gzip.compress(json.dumps(document({"bbox": SIDES[0]})).encode()))
        assert isinstance(dm.read_ground_truth(path).shapes, Rectangles)


# --- what a review found --------------------------------------------------------------------------

TURNED_SHARES = "image,class,cx,cy,w,h,angle{more}\na.jpg,ship,0.5,0.5,0.4,0.1,90{own}\n"


def test_sides_in_shares_are_turned_in_pixels(tmp_path):
    text = TURNED_SHARES.format(more=",image_width,image_height", own=",1000,100")
    path = saved(tmp_path, text, "a.csv")
    truth = dm.read_ground_truth(path, dm.Reading(angle="degrees-clockwise"))
    assert not truth.relative
    assert truth.shapes.cxcywhr[0, 2:4].tolist() == [400, 10]
    assert truth.xyxy[0] == pytest.approx([495, -150, 505, 250])
    assert any("then turned" in note for note in truth.notes)


def test_sides_in_shares_of_detections_take_the_sizes_of_ground_truth(tmp_path):
    text = TURNED_SHARES.replace("angle", "angle,score").replace("90", "90,0.5")
    path = saved(tmp_path, text.format(more="", own=""), "found.csv")
    truth = truth_of(tmp_path, {"bbox": [50, 40, 30, 10, 30.0]})
    found = dm.read_detections(path, truth, dm.Reading(angle="degrees-clockwise"))
    assert found.shapes.cxcywhr[0, 2:4].tolist() == [40, 8]


def test_sides_in_shares_need_sizes(tmp_path):
    path = saved(tmp_path, TURNED_SHARES.format(more="", own=""), "a.csv")
    with pytest.raises(dm.FormatError, match=r"holds in pixels alone.*1 row is unknown"):
        dm.read_ground_truth(path, dm.Reading(angle="degrees-clockwise"))


@pytest.mark.parametrize(
    ("column", "value"),
    [("segmentation", "seg_1.png"), ("polygon", "POLYGON ((0 0  1 1  2 0))"), ("poly", "no")],
)
def test_columns_that_mean_something_else_do_not_disturb_boxes(tmp_path, column, value):
    text = f"image,class,xmin,ymin,xmax,ymax,{column}\na.jpg,ship,1,2,3,4,{value}\n"
    truth = dm.read_ground_truth(saved(tmp_path, text, "a.csv"))
    assert truth.shapes is None
    assert any(f"{column} holds no shapes, line 2 has" in note for note in truth.notes)
    mixed = text + 'b.jpg,ship,1,2,3,4,"[1,2,3,4,5,9]"\n'
    with pytest.raises(dm.FormatError, match="line 2"):
        dm.read_ground_truth(saved(tmp_path, mixed, "b.csv"))


@pytest.mark.parametrize(("field", "value"), [("obb", {"x": 1}), ("poly", "a")])
def test_fields_that_mean_something_else_do_not_disturb_boxes(tmp_path, field, value):
    row = {"bbox": [1, 2, 3, 4], field: value}
    truth = truth_of(tmp_path, row, row)
    assert truth.shapes is None
    assert any(f"annotations[0].{field} is" in note for note in truth.notes)
    with pytest.raises(dm.FormatError, match=rf"annotations\[0\]\.{field}"):
        truth_of(tmp_path, row, {"bbox": [1, 2, 3, 4], "obb": [9, 9, 5, 2, 0.1], "poly": TILTED})


def test_an_angle_that_was_asked_for_says_what_it_takes_the_place_of(tmp_path):
    sides = [50, 40, 30, 10, 0.5]
    truth = truth_of(tmp_path, {"obb": sides}, angle="degrees-clockwise")
    assert any("in place of radians, clockwise, as hotcoco" in note for note in truth.notes)
    same = truth_of(tmp_path, {"obb": sides}, angle="radians-clockwise")
    assert not any("in place of" in note for note in same.notes)
    five = truth_of(tmp_path, {"bbox": sides}, angle="radians-counterclockwise")
    assert not any("in place of" in note for note in five.notes)
    other = truth_of(tmp_path, {"bbox": sides}, angle="radians-clockwise")
    assert any("in place of counterclockwise, as Detectron2" in note for note in other.notes)


def test_an_angle_beside_corners_is_passed_over_with_a_note(tmp_path):
    text = "image,class,xmin,ymin,xmax,ymax,angle\na.jpg,ship,1,2,3,4,30\n"
    truth = dm.read_ground_truth(saved(tmp_path, text, "a.csv"))
    assert truth.shapes is None
    assert any("the column 'angle' stands beside corners" in note for note in truth.notes)


@pytest.mark.parametrize("order", [1, -1])
def test_boxes_and_masks_that_were_joined_are_told_in_either_order(tmp_path, order):
    plain = {"bbox": [1, 2, 3, 4]}
    rows = results(*[plain] * 2_000, {**plain, "segmentation": [TILTED]})[::order]
    truth = truth_of(tmp_path, plain)
    found = dm.read_detections(saved(tmp_path, rows, "found.json"), truth)
    assert any("2,000 rows have no segmentation" in note for note in found.notes)


@pytest.mark.parametrize("polygon", ["<polygon/>", "<polygon><point><x>1</x></point></polygon>"])
def test_a_polygon_of_another_kind_does_not_disturb_the_box(tmp_path, polygon):
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    text = "<annotation><object><name>ship</name>{}</object></annotation>"
    truth = dm.read_ground_truth(saved(tmp_path, text.format(polygon + box), "a.xml"))
    assert truth.shapes is None
    assert any("1 polygon has neither" in note for note in truth.notes)
    with pytest.raises(dm.FormatError, match="object 1: polygon: expected x1"):
        dm.read_ground_truth(saved(tmp_path, text.format(polygon), "b.xml"))


def test_parquet_with_a_shape_that_is_no_text_is_damaged(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    from pyarrow import parquet

    text = "[[1, 2, 30, 4, 5, 60]]"
    table = arrow.table({"image": ["a"], "class": ["ship"], "segmentation": [text]})
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"[[1, 2, 30", b"[[1, 2, \xab0"))
    with pytest.raises(dm.FormatError, match="damaged Parquet"):
        dm.read_ground_truth(path)


IN_SHARES = "[[0.1,0.1,0.5,0.1,0.5,0.5,0.3,0.2,0.1,0.5]]"


@pytest.mark.parametrize("boxes", [".1,.1,.5,.5,", "10,8,50,40,", ""])
def test_segmentations_in_shares_are_refused(tmp_path, boxes):
    names = "xmin,ymin,xmax,ymax," if boxes else ""
    text = (
        f"image,class,{names}segmentation,image_width,image_height\n"
        f'a.jpg,ship,{boxes}"{IN_SHARES}",100,80\n'
    )
    path = saved(tmp_path, text, "a.csv")
    with pytest.raises(dm.FormatError, match="say --columns polygon=segmentation"):
        dm.read_ground_truth(path)
    if boxes[:1] == "1":
        with pytest.raises(dm.FormatError, match=r"boxes \(xmin, ...\) are in pixels"):
            dm.read_ground_truth(path, dm.Reading(columns="polygon=segmentation"))
    else:
        truth = dm.read_ground_truth(path, dm.Reading(columns="polygon=segmentation"))
        assert truth.shapes.hulls.tolist() == [[10, 8, 50, 40]]
