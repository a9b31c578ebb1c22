"""A further kind of shape is one file: the one in CONTRIBUTING.md, through everything."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import shapely

import detmetrics as dm
from detmetrics import analysis
from detmetrics.overlap import KINDS, TITLES, kinds
from detmetrics.reports.json import to_json
from detmetrics.reports.text import to_text
from detmetrics.rules import setting_table

ROOT = Path(__file__).parent.parent


@pytest.fixture
def discs(monkeypatch):
    """The module in CONTRIBUTING.md, listed as ``overlap/kinds.py`` would list it."""
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
    )
    (source,) = [block for block in blocks if "class Discs" in block]
    module = types.ModuleType("detmetrics.overlap.discs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setitem(kinds.MODULES, "disc", "discs")
    monkeypatch.setitem(setting_table.CHOICES, "shape", (*setting_table.CHOICES["shape"], "disc"))
    return module


@pytest.fixture
def scene(discs):
    random = np.random.default_rng(7)
    there = np.column_stack([random.uniform(0, 400, (60, 2)), random.uniform(5, 40, 60)])
    found = np.concatenate([there, there[:30], random.uniform(5, 400, (20, 3)) / [1, 1, 10]])
    found[:90] += random.normal(0, 2, (90, 3))
    found[:, 2] = np.abs(found[:, 2])
    image = np.arange(60) % 5
    truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=np.zeros(60, int), shapes=discs.Discs(there)
    )
    detections = dm.Detections.from_arrays(
        image_ids=np.concatenate([image, image[:30], np.arange(20) % 5]),
        categories=np.zeros(110, int),
        shapes=discs.Discs(found),
        scores=random.uniform(size=110).round(2),
        catalog=truth.catalog,
    )
    return truth, detections


def test_overlap_is_that_of_two_circles(discs, scene):
    truth, detections = scene
    mine, theirs = (np.ravel(a) for a in np.indices((len(detections), len(truth))))
    given = detections.shapes.overlaps(mine, truth.shapes, theirs, np.zeros(len(mine), bool), 0)
    mine_drawn, there_drawn = (
        shapely.buffer(
            shapely.points(table.shapes.circles[:, :2]), table.shapes.circles[:, 2], quad_segs=64
        )
        for table in scene[::-1]
    )
    shared = shapely.area(shapely.intersection(mine_drawn[mine], there_drawn[theirs]))
    union = shapely.area(shapely.union(mine_drawn[mine], there_drawn[theirs]))
    np.testing.assert_allclose(given, shared / union, atol=2e-3)
    same = np.arange(len(truth))
    own = truth.shapes.overlaps(same, truth.shapes, same, np.zeros(len(same), bool), 0)
    np.testing.assert_allclose(own, 1)


def test_everything_behind_the_pairs_works(scene):
    result = dm.evaluate(*scene)
    assert "shape:disc" in result.signature
    assert 0 < result.summary["AP"] < result.summary["AP50"] < 1
    boxes = dm.evaluate(*scene, shape="box")
    assert boxes.summary["AP"] != result.summary["AP"]
    assert "shape:disc" in to_text(result, per_class=True)
    assert "shape:disc" in to_json(result)
    assert set(result.matches(iou=0.5)["verdict"]) >= {"true positive", "false positive"}
    assert analysis.error_types(result).ap == pytest.approx(result.summary["AP50"], abs=0.02)
    assert analysis.confusion_matrix(result).counts.sum() > 0
    low, high = result.tie_interval("AP")
    assert low <= result.summary["AP"] <= high


def test_areas_are_those_of_the_shape(scene):
    truth, detections = scene
    result = dm.evaluate(truth, detections)
    np.testing.assert_array_equal(result.ground_truth.area, truth.shapes.areas)
    np.testing.assert_array_equal(result.detections.area, detections.shapes.areas)


def test_kinds_are_called_what_the_table_says():
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert {name: kind.title for name, kind in KINDS.items()} == {k: TITLES[k] for k in KINDS}
