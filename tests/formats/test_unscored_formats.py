"""Detections without scores: every format reads them with one option, and names it without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scenes
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.formats import given, loading
from detmetrics.formats.lines import text_folder

NONE = dm.Reading(scores="none")


def coco_list(root: Path) -> Path:
    path = scenes.coco_found(root)
    return _changed(path, lambda rows: [_bare(row) for row in rows])


def coco_masks(root: Path) -> Path:
    """With polygons, which another decoder reads."""

    def drawn(row: dict) -> dict:
        x, y, w, h = row["bbox"]
        return {**_bare(row), "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]}

    return _changed(scenes.coco_found(root), lambda rows: [drawn(row) for row in rows])


def coco_document(root: Path) -> Path:
    """As an annotation tool writes it, with ids of its own."""
    truth = json.loads(scenes.coco_truth(root / "truth").read_text())

    def document(rows: list[dict]) -> dict:
        own = [{**_bare(row), "id": 7 + n} for n, row in enumerate(rows)]
        for row in own:
            row["category_id"] += 100
            row["image_id"] += 1_000
        return {
            "images": [{**one, "id": one["id"] + 1_000} for one in truth["images"]],
            "annotations": own,
            "categories": [{**one, "id": one["id"] + 100} for one in truth["categories"]],
        }

    return _changed(scenes.coco_found(root), document)


def ultralytics(root: Path) -> Path:
    return _changed(scenes.ultralytics_found(root), lambda rows: [_bare(row) for row in rows])


def _bare(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "score"}


def _changed(path: Path, change: Callable) -> Path:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    return path


def csv(root: Path) -> Path:
    path = scenes.csv_found(root)
    rows = [line.split(";") for line in path.read_text().splitlines()]
    path.write_text("\n".join(";".join([*row[:2], *row[3:]]) for row in rows) + "\n")
    return path


def csv_of_nothing(root: Path) -> Path:
    """With a column of scores that is empty."""
    path = scenes.csv_found(root)
    rows = [line.split(";") for line in path.read_text().splitlines()]
    for row in rows[1:]:
        row[2] = ""
    path.write_text("\n".join(map(";".join, rows)) + "\n")
    return path


def coco_of_nothing(root: Path) -> Path:
    """With null in place of every score."""
    return _changed(scenes.coco_found(root), lambda rows: [{**row, "score": None} for row in rows])


def parquet_of_nothing(root: Path) -> Path:
    pytest.importorskip("pyarrow")
    import pandas as pd

    path = scenes.parquet_found(root)
    pd.read_parquet(path).assign(confidence=None).to_parquet(path)
    return path


def parquet(root: Path) -> Path:
    pytest.importorskip("pyarrow")
    import pandas as pd

    path = scenes.parquet_found(root)
    pd.read_parquet(path).drop(columns="confidence").to_parquet(path)
    return path


def openimages(root: Path) -> Path:
    path = scenes.openimages_found(root)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([*row[:2], *row[3:]]) for row in rows) + "\n")
    return path


def yolo(root: Path) -> Path:
    return scenes.yolo_found(root, "class cx cy w h")


def text(root: Path) -> Path:
    return _without_word(scenes.text_found(root), 1)


def kitti(root: Path) -> Path:
    return _without_word(scenes.kitti_found(root), -1)


def comp4(root: Path) -> Path:
    return _without_word(scenes.comp4_found(root), 1)


def _without_word(folder: Path, at: int) -> Path:
    for file in folder.iterdir():
        rows = [line.split() for line in file.read_text().splitlines()]
        for row in rows:
            del row[at]
        file.write_text("".join(f"{' '.join(row)}\n" for row in rows))
    return folder


def voc(root: Path) -> Path:
    """XML of boxes, which has no place for a score."""
    folder = root / "found"
    folder.mkdir(parents=True)
    for image in scenes.IMAGES:
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
            f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for own, name, _, x1, y1, x2, y2 in scenes.FOUND
            if own == image
        )
        (folder / f"{image}.xml").write_text(
            f"<annotation><filename>{image}.png</filename>{objects}</annotation>"
        )
    return folder


UNSCORED = {
    made.__name__: made
    for made in (
        *(coco_list, coco_masks, coco_document, ultralytics, csv, parquet, openimages, yolo, text),
        *(kitti, comp4, voc, csv_of_nothing, coco_of_nothing, parquet_of_nothing),
    )
}
FORMAT = {"kitti": "kitti"}


def boxes_of(found: dm.Detections) -> list[tuple]:
    names, classes = found.catalog.image_names, found.catalog.category_names
    corners = found.xyxy.round(6).tolist()
    rows = zip(found.image.tolist(), found.category.tolist(), corners, strict=True)
    return sorted((names[i].removesuffix(".png"), classes[c], *box) for i, c, box in rows)


EXPECTED = sorted((image, name, *map(float, box)) for image, name, _, *box in scenes.FOUND)


@pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
@pytest.mark.parametrize("name", UNSCORED)
class TestEveryFormat:
    """What can be without scores is read with scores="none", and says so without."""

    def test_is_read(self, tmp_path, name):
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        path = UNSCORED[name](tmp_path / "found")
        table = dm.read_detections(path, truth, NONE)
        assert not table.scored
        assert np.isnan(table.scores).all()
        assert boxes_of(table) == EXPECTED
        assert not any("not used" in note for note in table.notes)

    def test_is_refused_with_the_option(self, tmp_path, name):
        truth = scenes.coco_truth(tmp_path / "truth")
        path = UNSCORED[name](tmp_path / "found")
        with pytest.raises(dm.FormatError, match=r"--scores none, or scores='none' of"):
            dm.evaluate(truth, path)

    def test_of_a_large_one_the_beginning_is_enough(self, tmp_path, name, monkeypatch):
        monkeypatch.setattr(given, "BEGINNING", 150)
        monkeypatch.setattr(text_folder, "BEGINNING", 150)
        self.test_is_refused_with_the_option(tmp_path, name)


@pytest.mark.parametrize("name", scenes.FOUNDS)
class TestScoresThatAreThere:
    """They are left out, and a note says how many."""

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    def test_are_not_used(self, tmp_path, name):
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        path = scenes.FOUNDS[name](tmp_path / "found")
        table = dm.read_detections(path, truth, NONE)
        assert not table.scored
        assert boxes_of(table) == EXPECTED
        count = len(scenes.FOUND)
        note = f"{count} detections have scores, which are not used, as asked (--scores none)"
        assert any(note in one for one in table.notes)


class TestFaults:
    """Only scores may be missing."""

    @pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 3, "x"], None, "x"])
    def test_another_fault_of_every_record_costs_no_second_reading(
        self, tmp_path, box, monkeypatch
    ):
        monkeypatch.setattr(loading, "choose_unscored", None)
        path = coco_list(tmp_path)
        rows = json.loads(path.read_text())
        path.write_text(json.dumps([{**row, "bbox": box, "score": 0.5} for row in rows]))
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        with pytest.raises(dm.FormatError, match=r"\[0\].bbox"):
            dm.read_detections(path, truth)

    def test_every_other_fault_is_named(self, tmp_path):
        path = coco_list(tmp_path)
        rows = json.loads(path.read_text())
        del rows[2]["bbox"]
        rows[3]["category_id"] = [1]
        path.write_text(json.dumps(rows))
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        with pytest.raises(dm.FormatError) as refused:
            dm.read_detections(path, truth, NONE)
        assert "[2]" in str(refused.value)
        assert "[3].category_id" in str(refused.value)
        assert "score" not in str(refused.value)

    @pytest.mark.parametrize("score", [None, "high", {}])
    def test_what_is_no_score_counts_as_none(self, tmp_path, score):
        path = coco_list(tmp_path)
        rows = json.loads(path.read_text())
        rows[0]["score"] = score
        path.write_text(json.dumps(rows))
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        assert boxes_of(dm.read_detections(path, truth, NONE)) == EXPECTED

    def test_a_key_that_is_there_twice(self, tmp_path):
        path = coco_list(tmp_path)
        path.write_text(path.read_text().replace('"bbox"', '"bbox": [1, 1, 2, 2], "bbox"', 1))
        truth = dm.read_ground_truth(scenes.coco_truth(tmp_path / "truth"))
        with pytest.raises(dm.FormatError, match="bbox"):
            dm.read_detections(path, truth, NONE)

    def test_ground_truth_in_the_place_of_detections_is_still_called_so(self, tmp_path):
        truth = scenes.coco_truth(tmp_path)
        with pytest.raises(dm.FormatError, match="of the ground truth: give a file of the det"):
            dm.evaluate(truth, truth)

    def test_detections_with_another_fault_name_no_option(self, tmp_path):
        path = scenes.coco_found(tmp_path)
        rows = json.loads(path.read_text())
        rows[1]["score"] = None
        path.write_text(json.dumps(rows))
        with pytest.raises(dm.FormatError) as refused:
            dm.evaluate(scenes.coco_truth(tmp_path / "truth"), path)
        assert "--scores" not in str(refused.value)


def test_a_pipe_names_the_option_too():
    """It cannot be read again to see whether all of them lack a score."""
    rows = [{"image_id": 100, "category_id": 1, "bbox": [1, 1, 5, 5]}]
    done = CliRunner().invoke(
        cli, ["evaluate", "fixtures/ground_truth.json", "-"], input=json.dumps(rows)
    )
    assert done.exit_code == 1
    assert "--scores none" in done.stderr
