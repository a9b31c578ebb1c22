"""``stats`` of outlines: which there are, how large they are, and which way they lie."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import scenes
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.reports.overview import to_text


def truth_of(shapes, **columns) -> dm.GroundTruth:
    count = len(shapes)
    image = {"image_ids": [1] * count, "categories": ["ship"] * count}
    return dm.GroundTruth.from_arrays(**image, shapes=shapes, **columns)


def oriented(*degrees: float, width: float = 40, height: float = 10) -> Rectangles:
    rows = [[100, 100, width, height, math.radians(angle)] for angle in degrees]
    return Rectangles.from_cxcywhr(np.array(rows, float))


def segmented(folder: Path) -> Path:
    """Two triangles, a polygon that cannot be drawn, and a crowd."""
    content = json.loads(scenes.coco_truth(folder).read_text())
    for row in content["annotations"]:
        x, y, w, h = row["bbox"]
        row["segmentation"] = [[x, y, x + w, y, x + w / 2, y + h]]
        row["area"] = w * h / 2
    content["annotations"][1]["segmentation"] = [[1, 2, 3, 4]]
    wide, high = scenes.IMAGES["000002"]
    code = {"size": [high, wide], "counts": [high, high * (wide - 1)]}
    content["annotations"][3] |= {"segmentation": code, "iscrowd": 1}
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return path


class TestDirections:
    """The long side of an oriented box, whichever of its sides is called its width."""

    @pytest.mark.parametrize(
        ("degrees", "sector"),
        [(0, 0), (14, 0), (-14, 0), (166, 0), (180, 0), (30, 1), (90, 3), (-60, 4), (150, 5)],
    )
    def test_sector(self, degrees, sector):
        counted = dm.stats(truth_of(oriented(degrees)))
        assert list(counted.directions.values()) == [int(at == sector) for at in range(6)]
        swapped = dm.stats(truth_of(oriented(degrees + 90, width=10, height=40)))
        assert swapped.directions == counted.directions

    def test_every_box_lies_somewhere(self):
        counted = dm.stats(truth_of(oriented(*np.linspace(-360, 360, 77))))
        assert sum(counted.directions.values()) == 77
        assert list(counted.directions)[::5] == ["-15 to 15", "135 to 165"]

    def test_polygons_have_none(self):
        hexagon = np.array([[0, 0], [2, 0], [3, 1], [2, 2], [0, 2], [-1, 1]], float)
        counted = dm.stats(truth_of(Polygons.from_corners(10 * hexagon[None])))
        assert counted.directions == {}
        assert counted.outlines["polygons"] == 1
        assert counted.quantiles["corners"].tolist() == [6] * 7
        assert counted.quantiles["share_of_box"] == pytest.approx([0.75] * 7)


class TestAreas:
    """Of outlines where the source has none, as when they are measured."""

    def test_of_oriented_boxes(self):
        counted = dm.stats(truth_of(oriented(0, 45)))
        assert counted.quantiles["area"] == pytest.approx([400] * 7)
        assert counted.quantiles["width"].max() < 40.1
        share = 400 / (50 / math.sqrt(2)) ** 2
        assert counted.quantiles["share_of_box"][[0, -1]] == pytest.approx([share, 1])

    def test_the_source_knows_better(self):
        counted = dm.stats(truth_of(oriented(45), areas=[333]))
        assert counted.quantiles["area"].tolist() == [333] * 7


class TestViews:
    """Text and JSON hold the same; of boxes alone nothing is said."""

    def test_segmentations(self, tmp_path):
        counted = dm.stats(segmented(tmp_path))
        assert counted.outlines == {
            "oriented_boxes": 0,
            "polygons": 2,
            "masks": 0,
            "masks_of_crowds": 1,
            "unreadable": 1,
        }
        text = to_text(counted)
        lines = [line.rsplit(maxsplit=1) for line in text.splitlines() if line.strip()]
        assert ["polygons", "2"] in lines
        assert ["cannot be drawn (detmetrics check)", "1"] in lines
        assert "share of box" in text
        assert "masks" not in [line[0] for line in lines]
        assert "long side" not in text

    def test_command(self, tmp_path):
        folder = tmp_path / "labelTxt"
        folder.mkdir()
        (folder / "P1.txt").write_text("10 10 40 12 39 18 9 16 ship 0\n" * 3)
        ran = CliRunner().invoke(cli, ["stats", str(folder), "-q"])
        assert "oriented boxes         3\n" in ran.stdout
        assert "-15 to 15                                          3\n" in ran.stdout
        ran = CliRunner().invoke(cli, ["stats", str(folder), "--json", "-", "-q"])
        content = json.loads(ran.stdout)
        assert content["outlines"]["oriented_boxes"] == 3
        assert content["directions"]["-15 to 15"] == 3
        assert content["quantiles"]["share_of_box"]["0.5"] < 1

    def test_boxes_alone(self):
        counted = dm.stats("fixtures/ground_truth.json")
        assert (counted.outlines, counted.directions) == ({}, {})
        assert not {"outlines", "directions"} & counted.to_dict().keys()
        assert not {"corners", "share_of_box"} & counted.quantiles.keys()
        assert "outlines" not in to_text(counted)
