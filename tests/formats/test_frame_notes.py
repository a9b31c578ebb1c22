"""The same notes on boxes, areas and sizes of images, whoever read the file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from builders import unpacked
from real_data import real_data

import detmetrics as dm
from detmetrics.datasets.conversion import written
from detmetrics.foundation.outputs import write_tree

W, H = 200, 100
INSIDE = [[10, 10, 30, 30], [150, 20, 49, 79], [0, 0, 200, 100], [5, 60, 20, 20]]
PARTLY, WHOLLY = [190, 50, 40, 20], [210, 50, 40, 20]
KINDS = ["coco", "csv", "voc", "yolo", "arrays"]


def catalog(sizes=((W, H),)) -> dm.Catalog:
    return dm.Catalog.from_ids(
        images=[1], image_names=["a.jpg"], image_sizes=sizes, categories=[1], category_names=["c"]
    )


def ground_truth(boxes, **options) -> dm.GroundTruth:
    ids = [1] * len(boxes)
    options = {"catalog": catalog(), **options}
    return dm.GroundTruth.from_arrays(image_ids=ids, categories=ids, boxes=boxes, **options)


def detections(boxes, known: dm.Catalog | None = None) -> dm.Detections:
    ids = [1] * len(boxes)
    scores = np.linspace(0.3, 0.9, len(boxes))
    known = known or catalog()
    return dm.Detections.from_arrays(
        image_ids=ids, categories=ids, boxes=boxes, scores=scores, catalog=known
    )


def read(folder: Path, kind: str, boxes, found=None):
    """Notes of ground truth, or where there are detections, of these."""
    truth, rows = ground_truth(boxes), found and detections(found)
    if kind == "arrays":
        return (rows or truth).notes
    write_tree(str(folder / "truth"), written(truth, kind).files)
    table = dm.read_ground_truth(folder / "truth")
    if rows is None:
        return table.notes
    write_tree(str(folder / "found"), written(rows, kind).files)
    return dm.read_detections(folder / "found", table).notes


def outside(notes) -> list[str]:
    return [note for note in notes if "outside" in note]


@pytest.mark.parametrize("kind", KINDS)
class TestOutside:
    """Boxes that reach beyond their image."""

    def test_of_ground_truth(self, tmp_path, kind):
        (note,) = outside(read(tmp_path, kind, [*INSIDE, PARTLY, WHOLLY]))
        assert "2 boxes reach outside their images, first at" in note
        assert "1 wholly (detmetrics check)" in note

    def test_none(self, tmp_path, kind):
        assert not outside(read(tmp_path, kind, INSIDE))

    def test_detectors_need_not_clip(self, tmp_path, kind):
        assert not outside(read(tmp_path, kind, INSIDE, [*INSIDE, PARTLY]))

    def test_detections_of_another_image(self, tmp_path, kind):
        (note,) = outside(read(tmp_path, kind, INSIDE, [*INSIDE, WHOLLY]))
        assert "1 box reaches outside its image" in note


def test_shares_of_images_of_unknown_size(tmp_path):
    (tmp_path / "a.txt").write_text("0 .5 .5 .2 .2\n0 1.5 .5 .2 .2\n")
    (note,) = outside(dm.read_ground_truth(tmp_path).notes)
    assert "1 box reaches outside its image, first at a.txt:2: box, 1 wholly" in note


class TestSwappedSizes:
    """Width and height of images exchanged."""

    def test_said(self):
        with pytest.warns(dm.DetmetricsWarning, match="width and height of the images look"):
            table = ground_truth(INSIDE * 2, catalog=catalog([(H, W)]))
        assert any("4 boxes reach outside, and 0 with the two exchanged" in n for n in table.notes)

    def test_following_the_advice(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not ground_truth(INSIDE * 2).notes

    def test_boxes_that_fit_neither(self):
        far = [[300, 300, 10, 10]] * 8
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(outside(ground_truth(far).notes)) == 1

    def test_code(self, tmp_path):
        files = written(ground_truth(INSIDE * 2), "coco").files
        content = json.loads(files[""])
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert "D212" not in codes(tmp_path / "a.json")
        content["images"][0] |= {"width": H, "height": W}
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert "D212" in codes(tmp_path / "a.json")


def codes(path: Path) -> set[str]:
    return {found.code.code for found in dm.check(path).findings}


class TestAreas:
    """Areas of 0 everywhere make every object small."""

    def test_said(self):
        with pytest.warns(dm.DetmetricsWarning, match=r"arrays: every area is 0, so all objects"):
            ground_truth(INSIDE, areas=[0] * 4)

    @pytest.mark.parametrize("areas", [[0, 0, 0, 4], [np.nan] * 4])
    def test_some(self, areas):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ground_truth(INSIDE, areas=areas)

    @pytest.mark.parametrize("kind", ["coco", "csv"])
    def test_files(self, tmp_path, kind):
        with pytest.warns(dm.DetmetricsWarning):
            files = written(ground_truth(INSIDE, areas=[0] * 4), kind).files
        write_tree(str(tmp_path / "truth"), files)
        with pytest.warns(dm.DetmetricsWarning, match="every area is 0"):
            dm.read_ground_truth(tmp_path / "truth")
        assert "D211" in codes(tmp_path / "truth")

    def test_the_example(self):
        folder = real_data("puzzles/11-json-oddities")
        with pytest.warns(dm.DetmetricsWarning, match=r"g_area0\.json: every area is 0"):
            dm.evaluate(folder / "g_area0.json", folder / "dt.json")
        assert "D211" in codes(folder / "g_area0.json")


WORDS = ("outside", "swapped", "every area is 0")


class TestRealData:
    """No word on data that is as it should be, though detectors do not clip their boxes."""

    def silent(self, table) -> bool:
        return not [note for note in table.notes if any(word in note for word in WORDS)]

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    @pytest.mark.heavy
    def test_voc(self, tmp_path):
        root = real_data("voc2007")
        truth = dm.read_ground_truth(unpacked(root / "annotations_test.tar.gz", tmp_path))
        assert self.silent(truth)
        for name in ("yolo2_e150", "yolov2"):
            archive = root / "detections" / f"{name}.tar.gz"
            found = dm.read_detections(unpacked(archive, tmp_path / name), truth)
            assert self.silent(found)

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    @pytest.mark.parametrize(
        "name",
        [
            "coco_val2014_100/instances_val2014_100.json",
            "large/coco_val2017_intboxes_gt.json.gz",
            "voc2007/coco_json/ground_truth_difficult_as_crowd.json.gz",
        ],
    )
    def test_coco(self, name):
        assert self.silent(dm.read_ground_truth(real_data(name)))
