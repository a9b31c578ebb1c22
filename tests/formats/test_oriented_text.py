"""Oriented boxes in folders of text and in Ultralytics' JSON: read, told apart, written back."""

from __future__ import annotations

import json
import math
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import scenes
from builders import unpacked
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from real_data import real_data

import detmetrics as dm
from detmetrics.formats import formats, recognised
from detmetrics.formats.given import Given
from detmetrics.foundation.outputs import write_tree
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

HEADING = "imagesource:GoogleEarth\ngsd:0.1464\n"
LABEL = "10.0 10.0 50.0 12.0 49.0 30.0 9.0 28.0 small-vehicle 0\n"
OTHER = "60 60 90.5 60 90.5 80 60 80 ship 2\n"
FOUND = "P0001 0.9 10.0 10.0 50.0 12.0 49.0 30.0 9.0 28.0\nP0002 0.5 60 60 90 60 90 80 60 80\n"

# As ultralytics 8.4.190 wrote them: Results.save_txt(save_conf=True) of oriented boxes, of the same
# with tracks, and of masks; OBBValidator.pred_to_json.
OBB = (
    "1 0.400376 0.715749 0.408635 0.69497 0.395132 0.686583 0.386873 0.707363 0.726237\n"
    "0 0.485623 0.549246 0.52174 0.516857 0.475271 0.435894 0.439154 0.468283 0.70108\n"
)
OBB_JSON = [
    {
        "image_id": "P0001",
        "file_name": "P0001.png",
        "category_id": 2,
        "score": 0.72624,
        "rbox": [397.754, 560.933, 15.078, 18.562, 0.461],
        "poly": [400.376, 572.599, 408.635, 555.976, 395.132, 549.267, 386.873, 565.89],
    },
    {
        "image_id": "P0001",
        "file_name": "P0001.png",
        "category_id": 1,
        "score": 0.70108,
        "rbox": [480.447, 394.056, 79.716, 44.45, 0.948],
        "poly": [485.623, 439.397, 521.74, 413.485, 475.271, 348.715, 439.154, 374.627],
    },
]
MASKS = "0 0.392 0.67 0.388 0.675 0.384 0.675 0.38 0.68 0.726237\n1 0.5 0.5 0.6 0.5 0.6 0.7 0.25\n"
SIZES = {"P0001": (1000, 800)}


def lay(folder: Path, **files: str | bytes) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def known_as(path: Path, side: str) -> str | None:
    found = recognised(Given(path), side)
    return found[0].name if found else None


def truth_of(path: Path, **reading) -> dm.GroundTruth:
    return dm.read_ground_truth(path, dm.Reading(**reading))


def found_of(path: Path, truth: dm.GroundTruth, **reading) -> dm.Detections:
    return dm.read_detections(path, truth, dm.Reading(**reading))


def corners(table) -> list:
    return table.shapes.points.reshape(-1, 8).tolist()


class TestDotaLabels:
    """Lines of four corners, a class and a mark, below a heading that may be missing."""

    def test_rows(self, tmp_path):
        truth = truth_of(lay(tmp_path, P0001=HEADING + LABEL + OTHER, P0002=HEADING, P0003=""))
        assert corners(truth)[0] == [10, 10, 50, 12, 49, 30, 9, 28]
        assert truth.xyxy.tolist() == [[9, 10, 50, 30], [60, 60, 90.5, 80]]
        assert truth.difficult.tolist() == [False, True]
        assert truth.catalog.category_names == ("ship", "small-vehicle")
        assert truth.catalog.image_names == ("P0001", "P0002", "P0003")

    @pytest.mark.parametrize(
        "text",
        [
            LABEL + OTHER,
            (HEADING + LABEL + OTHER).replace("\n", "\r\n"),
            "'imagesource':GoogleEarth\n'gsd':null\n" + LABEL + OTHER,
            "acquisition dates:2011-1-1\n" + HEADING + "\n" + LABEL + "\n" + OTHER,
            b"\xef\xbb\xbf" + (HEADING + LABEL + OTHER).encode(),
            (HEADING + LABEL + OTHER).encode("utf-16"),
            LABEL.replace(" 0\n", "\n") + OTHER,
            (LABEL + OTHER).replace(" ", "\t"),
        ],
    )
    def test_written_in_many_ways(self, tmp_path, text):
        folder = lay(tmp_path, P0001=text)
        assert known_as(folder, "ground truth") == "dota"
        truth = truth_of(folder)
        assert corners(truth) == [
            [10, 10, 50, 12, 49, 30, 9, 28],
            [60, 60, 90.5, 60, 90.5, 80, 60, 80],
        ]
        assert truth.difficult.tolist() == [False, True]

    def test_no_marks_at_all(self, tmp_path):
        truth = truth_of(lay(tmp_path, P0001=HEADING + LABEL.replace(" 0\n", "\n") * 3))
        assert truth.difficult.tolist() == [False] * 3

    def test_names_of_several_words(self, tmp_path):
        text = LABEL.replace("small-vehicle", "small vehicle") + OTHER
        truth = truth_of(lay(tmp_path, P0001=text))
        assert truth.catalog.category_names == ("ship", "small vehicle")

    def test_class_names_give_the_order(self, tmp_path):
        names = ("ship", "plane", "small-vehicle")
        truth = truth_of(lay(tmp_path, P0001=LABEL + OTHER), class_names=names)
        assert truth.catalog.category_names == names
        with pytest.raises(dm.FormatError, match="class 'ship' is not among the class names given"):
            truth_of(tmp_path, class_names=names[1:])

    def test_data_set_folder(self, tmp_path):
        root = tmp_path / "set"
        (root / "images").mkdir(parents=True)
        (root / "images" / "P0001.png").write_bytes(scenes.png(200, 100))
        (root / "readme.txt").write_text("of an exporter\n")
        lay(root, labelTxt__P0001=HEADING + LABEL, labelTxt__P0002=HEADING)
        for path in (root, root / "labelTxt"):
            truth = truth_of(path)
            assert truth.catalog.image_names == ("P0001", "P0002")
            assert truth.catalog.image_sizes[0].tolist() == [200, 100]
            assert math.isnan(truth.catalog.image_sizes[1, 0])

    def test_several_data_sets(self, tmp_path):
        lay(tmp_path, train__labelTxt__a=LABEL, val__labelTxt__b=LABEL)
        with pytest.raises(dm.FormatError, match=r"give one of train/labelTxt, val/labelTxt"):
            truth_of(tmp_path)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("1 2 3 4 5 6 7 8", "got 8 numbers and no class"),
            ("1 2 3 4 5 6 7 ship 0", "expected a number, got 'ship'"),
            ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 ship 0", "expected a number, got 'ship'"),
            ("1 2 3 4 5 6 7 8 ship 0 7", "got 10 numbers and 'ship'"),
            ("nan 2 3 4 5 6 7 8 ship 0", "expected finite numbers that can be pixels, got nan"),
            ("1 2 3 4 5 1e300 7 8 ship 0", "that can be pixels, got 1e[+]300"),
            ("1 2 3 4 5 6 7 8 ship 0.93", "expected 0, 1 or 2 for difficult, got 0.93"),
            ("0 .1 .2 .3 .4 .5 .6 .7 .8", "the name of a class behind four corners, got '.8'"),
            (
                "1 2 3,4 5 6 7 8 ship 0",
                "spaces between numbers, got '3,4'",
            ),
            ("1 2 3 4 5 6 7 8 1_0 x 0 1", "got"),
        ],
    )
    def test_faults_name_file_and_line(self, tmp_path, line, said):
        folder = lay(tmp_path, P0001=HEADING + LABEL, P0002=HEADING + LABEL + line + "\n")
        with pytest.raises(dm.FormatError, match=f"P0002.txt:4: .*{said}"):
            truth_of(folder, gt_format="dota")

    def test_a_bad_line_does_not_hide_the_format(self, tmp_path):
        folder = lay(tmp_path, P0001=HEADING + LABEL * 3 + "1 2 3\n")
        with pytest.raises(dm.FormatError, match=r"P0001.txt:6: expected x1 y1 x2 y2"):
            truth_of(folder)

    def test_swapped(self, tmp_path):
        lay(tmp_path, Task1_ship=FOUND)
        with pytest.raises(dm.FormatError, match="give a file of the ground truth"):
            truth_of(tmp_path)


class TestDotaDetections:
    """A file a class, whatever else lies in the folder."""

    @pytest.fixture
    def truth(self, tmp_path):
        return truth_of(lay(tmp_path / "labelTxt", P0001=HEADING + LABEL + OTHER, P0002=HEADING))

    @pytest.mark.parametrize("name", ["Task1_small-vehicle", "run_Task1_small-vehicle"])
    def test_beside_other_files(self, tmp_path, truth, name):
        folder = lay(tmp_path / "found", **{name: FOUND}, imgnamefile="P0001\nP0002\n")
        lay(folder, README="of the kit", Task2_ship="P0001 0.5 1 2 3 4\n", Task1_ship="")
        (folder / "Task1.zip").write_bytes(b"PK\x03\x04")
        assert known_as(folder, "detections") == "dota"
        found = found_of(folder, truth)
        assert corners(found)[0] == [10, 10, 50, 12, 49, 30, 9, 28]
        assert found.scores.tolist() == [0.9, 0.5]
        assert [found.catalog.category_names[k] for k in found.category] == ["small-vehicle"] * 2
        assert any("named Task1_CLASS.txt and left out, first Task2_" in n for n in found.notes)

    def test_files_named_after_the_class_alone(self, tmp_path, truth):
        folder = lay(tmp_path / "found", **{"small-vehicle": FOUND})
        assert known_as(folder, "detections") == "dota"
        assert len(found_of(folder, truth)) == 2

    def test_upright_boxes_are_comp4(self, tmp_path, truth):
        folder = lay(tmp_path / "found", Task2_ship="P0001 0.5 60 60 90 80\n" * 3)
        assert known_as(folder, "detections") == "comp4"
        assert found_of(folder, truth).xyxy[0].tolist() == [60, 60, 90, 80]
        with pytest.raises(dm.FormatError, match=r"these are upright boxes .* --det-format comp4"):
            found_of(folder, truth, det_format="dota")

    def test_dashes_in_place_of_spaces(self, tmp_path):
        truth = truth_of(lay(tmp_path / "labels", P0001=LABEL.replace("-", " "), P0002=""))
        found = found_of(lay(tmp_path / "found", **{"Task1_small-vehicle": FOUND}), truth)
        assert any("small-vehicle is small vehicle" in note for note in found.notes)

    def test_a_class_with_two_files(self, tmp_path, truth):
        lay(tmp_path / "found", a__Task1_ship=FOUND, b__Task1_ship=FOUND)
        with pytest.raises(dm.FormatError, match=r"b/Task1_ship.txt: a class with two files"):
            found_of(tmp_path / "found", truth)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (
                "P0001 0.9 1 2 3 4 5 6 7",
                "expected an image, a score and 4 corners .* got 8 numbers",
            ),
            ("P0001 0.9 1 2 3 4 5 6 7 8 9", "got 10 numbers"),
            ("P0001 0.9 1 2 3 4 5 6 7 inf", "finite numbers that can be pixels, got inf"),
            ("P0001 0.9 1 2 3 4 ship 6 7 8", "expected a number, got 'ship'"),
        ],
    )
    def test_faults_name_file_and_line(self, tmp_path, truth, line, said):
        folder = lay(tmp_path / "found", Task1_ship=FOUND + FOUND + line)
        with pytest.raises(dm.FormatError, match=f"Task1_ship.txt:5: .*{said}"):
            found_of(folder, truth)


class TestYolo:
    """Points in shares: boxes stay the upright ones around them, outlines are kept."""

    MIXED = "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.5 0.2 0.4 0.6\n0 0.1 0.2 0.3 0.1 0.4 0.3 0.2 0.4\n"

    @pytest.mark.parametrize("sizes", [None, SIZES])
    def test_labels(self, tmp_path, sizes):
        truth = truth_of(lay(tmp_path, P0001=self.MIXED), image_sizes=sizes)
        scale = np.array([1000, 800]) if sizes else np.ones(2)
        assert truth.relative == (sizes is None)
        assert truth.shapes.count.tolist() == [4, 3, 4]
        plain = np.array([[0.375, 0.25], [0.625, 0.25], [0.625, 0.75], [0.375, 0.75]]) * scale
        assert truth.shapes.points[:4].tolist() == plain.tolist()
        assert (
            truth.shapes.points[4:7].tolist()
            == (np.array([[0.1, 0.1], [0.5, 0.2], [0.4, 0.6]]) * scale).tolist()
        )
        assert truth.shapes.hulls.tolist() == truth.xyxy.tolist()
        assert any("2 lines of 3 hold points" in note for note in truth.notes)

    def test_plain_labels_have_no_outlines(self, tmp_path):
        assert truth_of(lay(tmp_path, P0001="0 0.5 0.5 0.25 0.5\n")).shapes is None

    def test_points_in_pixels_are_refused(self, tmp_path):
        lay(tmp_path, a="0 10 20 300 100 400 300 20 400\n")
        with pytest.raises(dm.FormatError, match="boxes are not normalized"):
            truth_of(tmp_path, gt_format="yolo")

    @pytest.fixture
    def truth(self, tmp_path):
        return truth_of(
            lay(tmp_path / "labels", P0001=self.MIXED),
            image_sizes=SIZES,
            class_names=("small vehicle", "ship"),
        )

    def tracked(self, text: str) -> str:
        lines = text.splitlines()
        return "".join(f"{line} {number}\n" for number, line in enumerate(lines, 7))

    @pytest.mark.parametrize("tracked", [False, True])
    def test_oriented_predictions(self, tmp_path, truth, tracked):
        folder = lay(tmp_path / "found", P0001=self.tracked(OBB) if tracked else OBB)
        assert known_as(folder, "detections") == "yolo"
        assert known_as(folder, "ground truth") is None
        found = found_of(folder, truth)
        poly = [row["poly"] for row in OBB_JSON]
        assert np.allclose(corners(found), poly, atol=0.001)
        assert found.scores.tolist() == [0.726237, 0.70108]
        assert found.category.tolist() == [1, 0]

    def test_the_score_in_front_is_told(self, tmp_path, truth):
        lines = (line.split() for line in OBB.splitlines())
        text = "".join(" ".join((line[0], line[-1], *line[1:-1])) + "\n" for line in lines)
        found = found_of(lay(tmp_path / "found", P0001=text), truth)
        assert found.scores.tolist() == [0.726237, 0.70108]
        assert any("class score x1 y1" in note for note in found.notes)

    def test_no_rectangle_either_way_is_asked_for(self, tmp_path, truth):
        folder = lay(tmp_path / "found", P0001="0 0.1 0.1 0.5 0.1 0.9 0.9 0.1 0.2 0.5\n")
        with pytest.raises(dm.FormatError, match=r"no order of columns .* name the columns"):
            found_of(folder, truth)
        asked = "class x1 y1 x2 y2 x3 y3 x4 y4 score"
        assert found_of(folder, truth, columns=asked).scores.tolist() == [0.5]

    @pytest.mark.parametrize("tracked", [False, True])
    def test_masks_as_polygons(self, tmp_path, truth, tracked):
        folder = lay(tmp_path / "found", P0001=self.tracked(MASKS) if tracked else MASKS)
        assert known_as(folder, "detections") == "yolo"
        found = found_of(folder, truth)
        assert found.shapes.count.tolist() == [4, 3]
        assert found.scores.tolist() == [0.726237, 0.25]
        assert found.shapes.points[4:].tolist() == [[500, 400], [600, 400], [600, 560]]

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("0 0.1 0.2 0.3 0.4 0.5", "expected 3 points or more and a score, got 5 numbers"),
            ("0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8", "even count, and the last is no id of a track"),
            ("0 0.1 nan 0.3 0.4 0.5 0.6 0.7", "expected finite numbers"),
            ("0 0.1 0.2 0.3 0.4 0.5 0.6 ship", "expected a number, got 'ship'"),
            ("ship 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "expected a class number, got 'ship'"),
        ],
    )
    def test_faults_name_file_and_line(self, tmp_path, truth, line, said):
        folder = lay(tmp_path / "found", P0001=OBB + MASKS + line)
        with pytest.raises(dm.FormatError, match=f"P0001.txt:5: .*{said}"):
            found_of(folder, truth, det_format="yolo")

    def test_labels_with_a_score_are_predictions(self, tmp_path):
        with pytest.raises(dm.InputError, match="give a file of the ground truth"):
            truth_of(lay(tmp_path, P0001=OBB), gt_format="yolo")


class TestAngles:
    """Sides and an angle, in columns that are asked for."""

    COLUMNS = "class cx cy w h angle score"
    PIXELS = "0 100 80 40 20 0.5 0.9\n"
    SHARES = "0 0.1 0.1 0.04 0.025 0.5 0.9\n"

    @pytest.fixture
    def truth(self, tmp_path):
        return truth_of(lay(tmp_path / "labels", P0001=TestYolo.MIXED), image_sizes=SIZES)

    @pytest.mark.parametrize(("kind", "angle"), [("yolo", None), ("text", "radians-clockwise")])
    @pytest.mark.parametrize("text", [PIXELS, SHARES])
    def test_boxes(self, tmp_path, truth, kind, angle, text):
        folder = lay(tmp_path / "found", P0001=text)
        found = found_of(folder, truth, det_format=kind, columns=self.COLUMNS, angle=angle)
        c, s = math.cos(0.5), math.sin(0.5)
        ends = [(20, 10), (20, -10), (-20, -10), (-20, 10)]
        expected = [(100 + u * c - v * s, 80 + u * s + v * c) for u, v in ends]
        assert np.allclose(found.shapes.points, expected)
        assert found.scores.tolist() == [0.9]
        assert any("angles are in radians, clockwise" in note for note in found.notes)

    def test_shares_need_sizes(self, tmp_path):
        truth = truth_of(lay(tmp_path / "labels", P0001=TestYolo.MIXED))
        folder = lay(tmp_path / "found", P0001=self.SHARES)
        with pytest.raises(dm.FormatError, match=r"turned by an angle, .*--image-sizes FILE"):
            found_of(folder, truth, det_format="yolo", columns=self.COLUMNS)
        sized = truth_of(tmp_path / "labels", image_sizes=SIZES)
        reading = {"det_format": "yolo", "columns": self.COLUMNS, "image_sizes": SIZES}
        assert not found_of(folder, sized, **reading).relative

    def test_text_leaves_the_convention_open(self, tmp_path, truth):
        folder = lay(tmp_path / "found", P0001=self.PIXELS)
        with pytest.raises(dm.FormatError, match="say which with --gt-angle or --det-angle"):
            found_of(folder, truth, det_format="text", columns=self.COLUMNS)

    def test_ground_truth_with_a_flag(self, tmp_path):
        folder = lay(tmp_path, a="cat 100 80 40 20 90 1\ndog 50 50 10 10 0 0\n", b="")
        columns = "class cx cy w h angle difficult"
        truth = truth_of(folder, gt_format="text", columns=columns, angle="degrees-clockwise")
        assert np.allclose(truth.xyxy[0], [90, 60, 110, 100])
        assert truth.difficult.tolist() == [True, False]
        assert len(truth.catalog.image_ids) == 2

    def test_corners_in_pixels(self, tmp_path, truth):
        folder = lay(tmp_path / "found", P0001="0 0.9 10 10 50 12 49 30 9 28\n")
        columns = "class score x1 y1 x2 y2 x3 y3 x4 y4"
        found = found_of(folder, truth, det_format="text", columns=columns)
        assert corners(found) == [[10, 10, 50, 12, 49, 30, 9, 28]]

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            ("class xmin ymin xmax ymax angle score", "expected class first and then a box"),
            ("class cx cy w h h angle score", "expected class first and then a box"),
            ("class cx cy w h angle id score", "names 8 columns, the line has 7"),
        ],
    )
    def test_columns_that_do_not_fit(self, tmp_path, truth, columns, said):
        folder = lay(tmp_path / "found", P0001=self.PIXELS)
        with pytest.raises(dm.FormatError, match=said):
            found_of(folder, truth, det_format="text", columns=columns)

    def test_negative_sides(self, tmp_path, truth):
        folder = lay(tmp_path / "found", P0001=self.PIXELS + "0 9 9 -4 2 0.5 0.9\n")
        with pytest.raises(dm.FormatError, match=r"P0001.txt:2: expected sides from 0 up, got -4"):
            found_of(folder, truth, det_format="yolo", columns=self.COLUMNS)


class TestUltralyticsJson:
    """``predictions.json`` of oriented boxes and of masks."""

    @pytest.fixture
    def truth(self, tmp_path):
        return truth_of(
            lay(tmp_path / "labels", P0001=TestYolo.MIXED),
            image_sizes=SIZES,
            class_names=("small vehicle", "ship"),
        )

    def written(self, tmp_path, rows) -> Path:
        path = tmp_path / "predictions.json"
        path.write_text(json.dumps(rows))
        return path

    def test_corners_are_taken(self, tmp_path, truth):
        path = self.written(tmp_path, OBB_JSON)
        assert known_as(path, "detections") == "ultralytics"
        found = found_of(path, truth)
        assert corners(found) == [row["poly"] for row in OBB_JSON]
        assert found.category.tolist() == [1, 0]

    def test_sides_where_there_are_no_corners(self, tmp_path, truth):
        rows = [{k: v for k, v in row.items() if k != "poly"} for row in OBB_JSON]
        found = found_of(self.written(tmp_path, rows), truth)
        assert np.allclose(corners(found), [row["poly"] for row in OBB_JSON], atol=0.05)
        assert any("as Ultralytics has them" in note for note in found.notes)

    def test_masks_stay_masks(self, tmp_path, truth):
        row = {
            "image_id": "P0001",
            "file_name": "P0001.png",
            "category_id": 1,
            "bbox": [0, 0, 1, 800],
            "score": 0.5,
            "segmentation": {"size": [800, 1000], "counts": [0, 800, 799_200]},
        }
        found = found_of(self.written(tmp_path, [row]), truth)
        assert found.natural == "mask"
        assert found.xywh.tolist() == [[0, 0, 1, 800]]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"poly": [1, 2, 3]}, r"\[1\].poly: expected 8 numbers, got 3"),
            ({"poly": [], "rbox": [1, 2, 3]}, r"\[1\].rbox: expected 5 numbers"),
            ({"poly": [], "rbox": [1, 2, -3, 4, 0]}, r"\[1\].rbox: expected sides from 0 up"),
            ({"poly": [], "rbox": []}, r"\[1\].poly: missing"),
            ({"poly": ["a"] * 8}, r"\[1\].poly\[0\]: expected a number, got text"),
            ({"score": None}, r"\[1\].score: expected a number, got null"),
            ({"poly": [1e300] * 8}, r"\[1\].poly: expected four finite numbers"),
        ],
    )
    def test_faults_name_the_row(self, tmp_path, truth, change, said):
        rows = [OBB_JSON[0], {**OBB_JSON[1], **change}]
        with pytest.raises(dm.FormatError, match=said):
            found_of(self.written(tmp_path, rows), truth)


class TestRecognition:
    """Other formats are not taken for these, nor these for others."""

    @pytest.mark.parametrize("side", ["ground truth", "detections"])
    @pytest.mark.parametrize("name", sorted({*scenes.TRUTHS, *scenes.FOUNDS}))
    def test_others_stay_what_they_are(self, tmp_path, name, side):
        made = (scenes.TRUTHS if side == "ground truth" else scenes.FOUNDS).get(name)
        if made is None:
            return
        assert known_as(made(tmp_path), side) == ("csv" if name == "tsv" else name)

    def test_images_called_like_the_kit(self, tmp_path):
        lay(tmp_path, Task1_0001="0 0.5 0.5 0.2 0.2\n", Task1_0002="0 0.5 0.5 0.2 0.2\n")
        assert known_as(tmp_path, "ground truth") == "yolo"

    @pytest.mark.parametrize(
        ("text", "kind"),
        [(LABEL, "dota"), (TestYolo.MIXED, "yolo"), (MASKS, None), (OBB, None), (FOUND, None)],
    )
    def test_labels(self, tmp_path, text, kind):
        assert known_as(lay(tmp_path, a=text), "ground truth") == kind

    @pytest.mark.parametrize(
        ("text", "kind"), [(LABEL, None), (TestYolo.MIXED, None), (OBB, "yolo"), (FOUND, "dota")]
    )
    def test_detections(self, tmp_path, text, kind):
        assert known_as(lay(tmp_path, a=text), "detections") == kind

    def test_of_large_files_the_beginning_is_read(self, tmp_path, monkeypatch):
        """A file of detections may hold millions of lines."""
        from detmetrics.formats.dota import dota

        lay(tmp_path, a="P1 0.5 1 2 3 4\n" * 100_000)
        monkeypatch.setattr(Given, "contents", lambda *_: pytest.fail("read as a whole"))
        assert dota.FORMAT.recognise(Given(tmp_path), "ground truth") is None


numbers = st.floats(-2000, 9000, allow_nan=False)
eighths = st.integers(-16_000, 72_000).map(lambda number: number / 8)  # so that rows sort alike


FOUR = st.just(4)


@st.composite
def tables(draw, corners_of=FOUR, sized: bool = False):
    catalog = Catalog.from_ids(
        images=["P1", "P2.5", "P3"],
        image_sizes=[[640, 480], [333, 1001], [1920, 1080]] if sized else None,
        categories=["large-vehicle", "ship", "07"],
    )

    def columns(rows: int) -> dict:
        count = [draw(corners_of) for _ in range(rows)]
        of = eighths if sized else numbers
        points = np.array([[draw(of), draw(of)] for _ in range(sum(count))])
        first = np.append(0, np.cumsum(count)).astype(np.int64)
        return {
            "image_ids": [draw(st.sampled_from(["P1", "P2.5", "P3"])) for _ in range(rows)],
            "categories": [draw(st.sampled_from(["large-vehicle", "ship", "07"])) for _ in count],
            "shapes": Polygons(points.reshape(-1, 2), first),
            "catalog": catalog,
        }

    objects, detections = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    truth = dm.GroundTruth.from_arrays(
        **columns(objects), difficult=[draw(st.booleans()) for _ in range(objects)]
    )
    scores = [draw(st.floats(0, 1)) for _ in range(detections)]
    return truth, dm.Detections.from_arrays(**columns(detections), scores=scores)


def through(name: str, truth, found, **reading):
    """Both tables written and read again."""
    form = next(known for known in formats() if known.name == name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = [os.path.join(folder, side) for side in ("truth", "found")]
        write_tree(paths[0], form.write_ground_truth(truth).files)
        write_tree(paths[1], form.write_detections(found).files)
        again = truth_of(paths[0], gt_format=name, **reading)
        return again, found_of(paths[1], again, det_format=name, **reading)


def rows_of(table, *more: str) -> list:
    """The rows by image and class; those of both alike stay in order, which writers keep."""
    catalog, shapes = table.catalog, table.shapes
    rows = (
        (
            str(catalog.image_names[image]),
            str(catalog.category_names[category]),
            shapes.points[start:end].tolist(),
            *(getattr(table, name)[row].tolist() for name in more),
        )
        for row, (image, category, start, end) in enumerate(
            zip(table.image, table.category, shapes.first, shapes.first[1:], strict=False)
        )
    )
    return sorted(rows, key=lambda row: row[:2])


class TestWriting:
    """What is written comes back, to the last bit where the unit stays."""

    @given(scene=tables())
    def test_dota(self, scene):
        truth, found = scene
        names = truth.catalog.category_names
        again, refound = through("dota", truth, found, class_names=names)
        assert rows_of(again, "difficult") == rows_of(truth, "difficult")
        assert rows_of(refound, "scores") == rows_of(found, "scores")

    @given(scene=tables(st.integers(3, 7), sized=True))
    @examples(20)
    def test_yolo_keeps_polygons(self, scene):
        truth, found = scene
        truth = truth.keep(~truth.difficult)
        columns = "class x1 y1 x2 y2 x3 y3 x4 y4 score"
        asked = {"columns": columns} if (found.shapes.count == 4).all() else {}
        form = next(known for known in formats() if known.name == "yolo")
        with tempfile.TemporaryDirectory() as folder:
            write_tree(f"{folder}/truth", form.write_ground_truth(truth).files)
            write_tree(f"{folder}/found", form.write_detections(found).files)
            if len(truth) and self.reach(truth) < 10:
                self.same(truth, truth_of(f"{folder}/truth", gt_format="yolo"))
            names = truth.catalog.category_names
            reading = dm.Reading(det_format="yolo", class_names=names, **asked)
            again = dm.read_detections(f"{folder}/found", truth, reading)
            if not asked or not len(found) or self.reach(found) < 1.5:  # else they may be pixels
                self.same(found, again)

    @staticmethod
    def reach(table) -> float:
        return np.abs(table.xyxy / np.tile(table.sizes, 2)).max()

    def same(self, ours, again) -> None:
        # What differs in the last digits alone may have come in another order.
        mine, theirs = (
            sorted(rows_of(table), key=lambda row: (*row[:2], np.round(row[2], 6).tolist()))
            for table in (ours, again)
        )
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            assert a[:2] == b[:2]
            assert np.allclose(a[2], b[2], rtol=0, atol=1e-9)

    def test_shares_stay_what_they_are(self, tmp_path):
        truth = truth_of(lay(tmp_path / "a", P0001=TestYolo.MIXED))
        found = found_of(lay(tmp_path / "b", P0001=OBB), truth)
        again, refound = through("yolo", truth, found)
        assert rows_of(again) == rows_of(truth)
        assert rows_of(refound, "scores") == rows_of(found, "scores")

    def test_upright_boxes_are_their_corners(self, tmp_path):
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path))
        dm.convert(scenes.coco_truth(tmp_path), tmp_path / "out", to="dota")
        again = truth_of(tmp_path / "out")
        assert again.xyxy.tolist() == truth.xyxy.tolist()
        assert again.difficult.tolist() == truth.crowd.tolist()
        assert again.catalog.image_sizes.tolist() == truth.catalog.image_sizes.tolist()

    def test_what_is_lost_is_said(self, tmp_path):
        truth = truth_of(lay(tmp_path / "a", P0001=TestYolo.MIXED), image_sizes=SIZES)
        form = next(known for known in formats() if known.name == "dota")
        written = form.write_ground_truth(truth)
        assert any(text.startswith("1 polygon has not 4 corners") for text in written.lost)
        write_tree(str(tmp_path / "out"), written.files)
        again = truth_of(tmp_path / "out", gt_format="dota")
        around = again.shapes.take(np.array([1]))
        assert around.areas[0] >= truth.shapes.areas[1] * (2 - 1e-9)  # a triangle is half of it
        assert around.areas[0] <= np.prod(np.diff(truth.xyxy[1].reshape(2, 2), axis=0)) + 1e-9

    def test_spaces(self, tmp_path):
        truth = truth_of(lay(tmp_path / "a", P0001=LABEL.replace("-", " ")))
        form = next(known for known in formats() if known.name == "dota")
        written = form.write_ground_truth(truth)
        assert b"small-vehicle" in written.files["P0001.txt"]
        assert any(text.startswith("spaces in 1 name of a class") for text in written.lost)

    @pytest.mark.parametrize(
        ("images", "classes", "said"),
        [
            (["a 1"], ["ship"], "a name with spaces cannot stand in a line"),
            (["a"], ["a b", "a-b"], "two classes would be called 'a-b'"),
            (["a"], [" "], "DOTA cannot hold class ' '"),
            (["a"], ["../x"], "cannot be a file name"),
        ],
    )
    def test_names_that_do_not_fit(self, images, classes, said):
        catalog = Catalog.from_ids(images=images, categories=classes)
        found = dm.Detections.from_arrays(
            image_ids=images,
            categories=classes[:1],
            boxes=[[1, 2, 3, 4]],
            scores=[0.5],
            catalog=catalog,
        )
        form = next(known for known in formats() if known.name == "dota")
        with pytest.raises(dm.OutputError, match=said):
            form.write_detections(found)

    def test_masks_are_points_where_they_are_one_polygon(self, tmp_path):
        path = scenes.coco_truth(tmp_path)
        document = json.loads(path.read_text())
        rows = document["annotations"]
        for row in rows:
            x, y, w, h = row["bbox"]
            row["segmentation"] = [[x, y, x + w, y, x + w, y + h]]
        rows[0]["segmentation"] *= 2
        rows[0]["iscrowd"] = 0
        path.write_text(json.dumps(document))
        lost = dm.convert(path, tmp_path / "dota", to="dota").lost
        assert any(text.startswith(f"the masks of {len(rows)} rows: ") for text in lost)
        lost = dm.convert(path, tmp_path / "yolo", to="yolo").lost
        assert any(text.startswith("the masks of 1 row: their upright boxes") for text in lost)
        labels = list((tmp_path / "yolo").glob("0*.txt"))
        widths = [len(line.split()) for text in labels for line in text.read_text().splitlines()]
        assert sorted(set(widths)) == [5, 7]
        assert widths.count(5) == 1


PUBLISHED = {
    "dota": [0.6764, 0.8764, 0.4298, 0.8757],
    "dota-every": [0.6858, 0.9070, 0.4362, 0.9363],
}


class TestSample:
    """The development kit's own example, whose numbers its script gives."""

    @pytest.fixture
    def sample(self, tmp_path):
        return unpacked(real_data("dota_sample/evaluation_example.tar.gz"), tmp_path / "sample")

    def paths(self, sample: Path) -> tuple[Path, Path]:
        return sample / "row_DOTA_labels", sample / "result_classname"

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_known_numbers(self, sample, name):
        rules = {} if name == "dota" else {"rules": name}
        result = dm.evaluate(*self.paths(sample), **rules)
        assert result.class_names == ("harbor", "large-vehicle", "ship", "small-vehicle")
        assert result.per_class()["AP"].round(4).tolist() == PUBLISHED[name]

    def test_through_yolo_and_back(self, sample, tmp_path):
        truth, found = self.paths(sample)
        self.without_ties(found)
        sizes = {path.stem: (8000.0, 7000.0) for path in truth.iterdir()}
        reading = dm.Reading(image_sizes=sizes)
        dm.convert(truth, tmp_path / "t", to="yolo", reading=reading)
        dm.convert(found, tmp_path / "f", to="yolo", ground_truth=truth, reading=reading)
        names = dm.Reading(image_sizes=sizes, class_names=str(tmp_path / "t" / "classes.txt"))
        dm.convert(tmp_path / "f", tmp_path / "b", to="dota", ground_truth=truth, reading=names)
        for path in ("f", "b"):
            result = dm.evaluate(truth, tmp_path / path, reading=names)
            assert result.per_class()["AP"].round(4).tolist() == PUBLISHED["dota"]
        # Labels of YOLO have no difficult objects, so they are as if these were not there.
        dropped = dm.evaluate(truth, found, dm.DOTA.replace(difficult="drop"))
        both = dm.evaluate(tmp_path / "t", tmp_path / "f", dm.DOTA)
        assert both.summary["AP"] == pytest.approx(dropped.summary["AP"], abs=1e-9)

    def without_ties(self, found: Path) -> None:
        """Equal scores go by the order of a file, which a file an image does not have."""
        for path in found.iterdir():
            lines = [line.split() for line in path.read_text().splitlines()]
            for number, line in enumerate(lines):
                line[1] = repr(float(line[1]) - number * 1e-8)
            path.write_text("".join(" ".join(line) + "\n" for line in lines))


# --- boxes with keypoints ------------------------------------------------------------------------

POSE = "0 0.5 0.4 0.2 0.2 0.45 0.35 2 0.55 0.45 1\n0 0.3 0.6 0.1 0.2 0.3 0.6 2 0 0 0\n"
POSE_FOUND = "0 0.5 0.4 0.2 0.2 0.45 0.35 0.9 0.55 0.45 0.75 0.625\n" * 10


def pose_folder(folder, text, name="a"):
    folder.mkdir(parents=True)
    (folder / f"{name}.txt").write_text(text)
    return folder


def test_labels_with_keypoints_are_boxes(tmp_path):
    truth = dm.read_ground_truth(pose_folder(tmp_path / "labels", POSE))
    assert truth.shapes is None
    assert truth.xywh[0] == pytest.approx([0.4, 0.3, 0.2, 0.2])
    assert any("keypoints: the boxes are read" in note for note in truth.notes)


@pytest.mark.parametrize("text", ["", "0\n"])
def test_files_without_numbers_have_no_keypoints(tmp_path, text):
    folder = pose_folder(tmp_path / "labels", text)
    (folder / "data.yaml").write_text("names: [person]\nkpt_shape: [0, 3]\nval: .\n")
    with pytest.raises(dm.FormatError):
        dm.read_ground_truth(folder)
    (folder / "data.yaml").unlink()
    if text:
        with pytest.raises(dm.FormatError):
            dm.read_ground_truth(folder)
    else:
        assert not len(dm.read_ground_truth(folder))


def test_keypoints_without_visibility_are_told_by_the_data_set(tmp_path):
    labels = pose_folder(tmp_path / "labels", "0 0.5 0.4 0.2 0.2 0.45 0.35 0.55 0.45 0.5 0.4\n")
    assert dm.read_ground_truth(labels).shapes is not None
    (tmp_path / "data.yaml").write_text("names: [person]\nkpt_shape: [3, 2]\n")
    assert dm.read_ground_truth(labels).shapes is None


def test_predictions_with_keypoints_are_boxes(tmp_path):
    truth = dm.read_ground_truth(pose_folder(tmp_path / "labels", POSE))
    found = dm.read_detections(pose_folder(tmp_path / "found", POSE_FOUND), truth)
    assert found.shapes is None
    assert found.scores.tolist() == [0.625] * 10
    assert found.xywh[0] == pytest.approx([0.4, 0.3, 0.2, 0.2])


def test_a_polygon_in_a_corner_of_the_image_has_no_keypoints(tmp_path):
    text = "0 0.9 0.9 0.95 0.85 1 0.9 1 1 0.9 1\n"
    assert dm.read_ground_truth(pose_folder(tmp_path / "labels", text)).shapes is not None


# --- classes that are numbers --------------------------------------------------------------------


def test_labels_of_numbered_classes_are_known_again(tmp_path):
    line = "10 10 50 12 49 30 9 28 {name} 0\n"
    for name in ("3", "ship"):
        truth = dm.read_ground_truth(pose_folder(tmp_path / name, line.format(name=name)))
        assert truth.catalog.category_names == (name,)
        assert truth.shapes is not None


@pytest.mark.parametrize(
    "line", ["0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5 1", "0 320 240 40 20 0 0 0 0 1"]
)
def test_ten_numbers_of_other_kinds_are_no_labels(tmp_path, line):
    with pytest.raises(dm.FormatError):
        dm.read_ground_truth(pose_folder(tmp_path / "found", f"{line}\n"))


def test_labels_of_dota_say_that_they_lose_areas_and_classes(tmp_path):
    catalog = Catalog.from_ids(images=["a"], categories=["ship", "car"], image_sizes=[[99, 99]])
    truth = dm.GroundTruth.from_arrays(
        image_ids=["a"], categories=["ship"], boxes=[[1, 2, 3, 4]], areas=[5.0], catalog=catalog
    )
    (dota,) = [known for known in formats() if known.name == "dota"]
    lost = " | ".join(dota.write_ground_truth(truth).lost)
    assert "1 class without objects, of which DOTA has no list" in lost
    assert "areas of masks" in lost
