"""Boxes that are none: refused, dropped or clipped as asked, with a count, on both sides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from real_data import real_data

import detmetrics as dm
from detmetrics.cli import cli

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

GOOD, NEGATIVE, BEYOND = [10, 10, 20, 20], [50, 40, -2, 10], [90, -5, 20, 15]
CATALOG = dm.Catalog.from_ids(
    images=[1], image_names=["a.jpg"], image_sizes=[[100, 80]], categories=[1], category_names=["c"]
)


def document(boxes: list) -> dict:
    row = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "c"}],
        "annotations": [{**row, "id": at + 1, "bbox": box} for at, box in enumerate(boxes)],
    }


def files(folder: Path, truths: list, found: list) -> tuple[Path, Path]:
    paths = folder / "truth.json", folder / "found.json"
    paths[0].write_text(json.dumps(document(truths)))
    row = {"image_id": 1, "category_id": 1, "score": 0.9}
    paths[1].write_text(json.dumps([{**row, "bbox": box} for box in found]))
    return paths


def read(folder: Path, truths: list, found: list, wish: str | None = None):
    truth, detections = files(folder, truths, found)
    reading = dm.Reading(invalid_boxes=wish)
    table = dm.read_ground_truth(truth, reading)
    return table, dm.read_detections(detections, table, reading)


def said(table) -> str:
    return "\n".join(table.notes)


class TestFiles:
    """Of ground truth and of detections."""

    def test_as_before_without_a_wish(self, tmp_path):
        _, found = read(tmp_path, [GOOD], [GOOD, NEGATIVE])
        assert len(found) == 2
        assert "1 box of negative width or height" in said(found)
        with pytest.raises(dm.FormatError, match=r"annotations\[1\]\.bbox: expected w and h"):
            read(tmp_path, [GOOD, NEGATIVE], [GOOD])

    def test_error(self, tmp_path):
        with pytest.raises(dm.FormatError, match=r"found\.json: \[1\]\.bbox: expected w and h"):
            read(tmp_path, [GOOD], [GOOD, NEGATIVE], "error")
        with pytest.raises(dm.FormatError, match="annotations"):
            read(tmp_path, [NEGATIVE], [GOOD], "error")

    def test_drop(self, tmp_path):
        rows = [NEGATIVE, GOOD, [1, 2, float("nan"), 4], [1, float("inf"), 2, 3], BEYOND]
        for table in read(tmp_path, rows, rows, "drop"):
            assert table.xywh.tolist() == [GOOD, BEYOND]
            assert table.place.tolist() == [1, 4]
            assert "3 invalid boxes (negative size" in said(table)
            assert "bbox" in said(table)

    def test_dropped_rows_keep_the_places_of_others(self, tmp_path):
        truth, detections = files(tmp_path, [NEGATIVE, GOOD], [NEGATIVE, GOOD])
        rows = json.loads(detections.read_text())
        rows[1]["score"] = float("nan")
        detections.write_text(json.dumps(rows))
        reading = dm.Reading(invalid_boxes="drop")
        table = dm.read_ground_truth(truth, reading)
        with pytest.raises(dm.FormatError, match=r"\[1\]\.score: expected a finite number"):
            dm.read_detections(detections, table, reading)

    def test_an_image_of_dropped_rows_alone_stays(self, tmp_path):
        truth, _ = read(tmp_path, [NEGATIVE], [GOOD], "drop")
        assert truth.catalog.image_names == ("a.jpg",)

    def test_clip(self, tmp_path):
        rows = [GOOD, NEGATIVE, BEYOND, [120, 90, 5, 5]]
        for table in read(tmp_path, rows, rows, "clip"):
            expected = [GOOD, [50, 40, 0, 10], [90, 0, 10, 10], [100, 80, 0, 0]]
            assert table.xywh.tolist() == expected
            assert "1 box of negative width or height set to size 0" in said(table)
            assert "2 boxes cut to the image, as asked" in said(table)

    def test_clip_makes_no_number_of_nan(self, tmp_path):
        with pytest.raises(dm.FormatError, match="four finite numbers"):
            read(tmp_path, [[1, 2, float("nan"), 4]], [GOOD], "clip")

    @pytest.mark.parametrize("wish", ["drop", "clip"])
    def test_what_is_valid_stays_bit_for_bit(self, tmp_path, wish):
        box = [10.1, 10.7, 20.3, 20.9]
        for table, plain in zip(
            read(tmp_path, [box], [box], wish), read(tmp_path, [box], [box]), strict=True
        ):
            assert np.array_equal(table.boxes, plain.boxes)
            assert table.notes == plain.notes


class TestArrays:
    """The same for arrays and frames."""

    def ground_truth(self, boxes, **options):
        ids = [1] * len(boxes)
        return dm.GroundTruth.from_arrays(
            image_ids=ids, categories=ids, boxes=boxes, catalog=CATALOG, **options
        )

    @pytest.mark.parametrize("box_format", ["xywh", "xyxy", "cxcywh"])
    def test_drop(self, box_format):
        negative = [50, 40, 30, 60] if box_format == "xyxy" else NEGATIVE
        table = self.ground_truth(
            [[1, 1, 9, 9], negative], box_format=box_format, invalid_boxes="drop"
        )
        assert len(table) == 1
        assert "arrays: 1 invalid box" in said(table)

    def test_clip_of_corners(self):
        boxes = [[50, 40, 30, 60], [-5, 10, 120, 90]]
        table = self.ground_truth(boxes, box_format="xyxy", invalid_boxes="clip")
        assert table.boxes.tolist() == [[50, 40, 50, 60], [0, 10, 100, 80]]
        assert table.area.tolist() == [0, 7000]

    def test_frame(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(
            {"image": [1, 1], "class": ["c", "c"], "score": [0.5, 0.6], "bbox": [GOOD, NEGATIVE]}
        )
        table = dm.Detections.from_frame(frame, catalog=CATALOG, invalid_boxes="drop")
        assert table.scores.tolist() == [0.5]

    def test_unknown_wish(self):
        with pytest.raises(
            dm.InputError, match=r"invalid_boxes: expected error, drop(,| or) clip, got"
        ):
            self.ground_truth([GOOD], invalid_boxes="fix")
        with pytest.raises(
            dm.InputError, match=r"invalid_boxes: expected error, drop(,| or) clip, got"
        ):
            dm.Reading(invalid_boxes="fix")


def test_command(tmp_path):
    truth, found = files(tmp_path, [GOOD, NEGATIVE], [GOOD])
    command = ["evaluate", str(truth), str(found), "--json", "-"]
    assert CliRunner().invoke(cli, command).exit_code == 1
    done = CliRunner().invoke(cli, [*command, "--invalid-boxes", "drop"])
    assert done.exit_code == 0
    assert "1 invalid box (negative size, or a number that is not finite) dropped" in done.output


POLYGON = [[10, 10, 30, 10, 30, 30, 10, 30]]


class TestEmptyBoxes:
    """A row without a box beside a shape has the box around the shape, however that is written."""

    @pytest.mark.parametrize("box", [[], None, ...])
    def test_coco(self, tmp_path, box):
        content = document([GOOD, GOOD])
        content["annotations"][1] |= {"segmentation": POLYGON, "bbox": box}
        if box is ...:
            del content["annotations"][1]["bbox"]
        (tmp_path / "truth.json").write_text(json.dumps(content))
        assert dm.read_ground_truth(tmp_path / "truth.json").xywh.tolist() == [GOOD, GOOD]

    @pytest.mark.parametrize("box", [[], None])
    def test_detections(self, tmp_path, box):
        truth, found = files(tmp_path, [GOOD], [box])
        rows = json.loads(found.read_text())
        rows[0]["segmentation"] = POLYGON
        found.write_text(json.dumps(rows))
        table = dm.read_detections(found, dm.read_ground_truth(truth))
        assert table.xywh.tolist() == [GOOD]

    @pytest.mark.parametrize("box", [[], None])
    def test_without_a_shape(self, tmp_path, box):
        with pytest.raises(dm.FormatError, match=r"annotations\[1\]\.bbox: "):
            read(tmp_path, [GOOD, box], [GOOD])

    @pytest.mark.parametrize("column", ["polygon", "segmentation"])
    def test_table(self, tmp_path, column):
        shape = "10 10 30 10 30 30" if column == "polygon" else '"[[10,10,30,10,30,30]]"'
        lines = [
            f"image,class,x,y,w,h,{column}",
            f"a.jpg,c,1,2,30,40,{shape}",
            f"a.jpg,c,,,,,{shape}",
        ]
        (tmp_path / "truth.csv").write_text("\n".join(lines))
        table = dm.read_ground_truth(tmp_path / "truth.csv")
        assert table.xywh.tolist() == [[1, 2, 30, 40], GOOD]

    def test_part_of_a_box_in_a_table(self, tmp_path):
        text = 'image,class,x,y,w,h,polygon\na.jpg,c,1,,3,4,"10 10 30 10 30 30"\n'
        (tmp_path / "truth.csv").write_text(text)
        with pytest.raises(dm.FormatError, match="line 2: expected four numbers of a box"):
            dm.read_ground_truth(tmp_path / "truth.csv")

    def test_the_example(self):
        folder = real_data("puzzles/11-json-oddities")
        result = dm.evaluate(folder / "ze_bbox_null_seg.json", folder / "dt.json", shape="box")
        assert result.scalars()["AP"] == pytest.approx(0.3773, abs=5e-5)
