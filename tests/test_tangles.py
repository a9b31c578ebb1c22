"""Polygons that cross themselves too often to be repaired: refused with their place, in time."""

from __future__ import annotations

import json

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.datasets.shape_facts import drawn
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons, polygons_of

SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100]]


def tangle(corners: int = 2_000) -> np.ndarray:
    return np.random.default_rng(0).random((corners, 2)) * 100


def column(*polygons) -> Polygons:
    first = np.append(0, np.cumsum([len(one) for one in polygons]))
    return Polygons(np.concatenate([np.asarray(one, float) for one in polygons]), first)


class TestTangled:
    def test_a_tangle_is_told_wherever_it_lies(self):
        # A far corner makes the box around it large, and changes nothing of its crossings.
        far = np.append(tangle(), [[1e6, 1e6]], axis=0)
        assert column(SQUARE, tangle(), far).tangled.tolist() == [False, True, True]

    def test_a_few_crossings_are_repaired_however_many_polygons_have_them(self):
        bow = [[0, 0], [10, 10], [10, 0], [0, 10]]
        jagged = np.stack([np.arange(60), np.arange(60) % 2 * 5.0], axis=1)
        jagged[30] = jagged[10]
        found = column(*[bow] * 500, *[jagged] * 50)
        assert found.crossing.all()
        assert not found.tangled.any()

    def test_of_some_those_with_fewest_crossings_are_left(self):
        found = column(tangle(300), tangle(250), tangle(500), tangle(350))
        assert found.tangled.tolist() == [False, False, True, False]

    def test_a_polygon_that_is_drawn_again_and_again(self):
        assert column(np.tile(SQUARE, (500, 1))).tangled.tolist() == [True]


def comb(teeth: int = 300) -> np.ndarray:
    x = np.linspace(0, 100, 2 * teeth)
    return np.array([(0, 0), *zip(x, np.arange(len(x)) % 2 * 99 + 1.0, strict=True), (100, 0)])


class TestCombs:
    """Sound outlines, of which two cross each other as often as they have corners, squared."""

    ACROSS = comb()[:, ::-1]

    def test_are_refused_where_they_are_measured(self):
        rows = {"image_ids": [1], "categories": ["a"]}
        truth = dm.GroundTruth.from_arrays(shapes=column(comb()), **rows)
        found = dm.Detections.from_arrays(
            shapes=column(self.ACROSS), scores=[1], catalog=truth.catalog, **rows
        )
        with pytest.raises(dm.TableError, match=r"50,000 times at most, .* 602 and 602 corn"):
            dm.evaluate(truth, found, shape="oriented")
        assert dm.evaluate(truth, truth_as_found(truth), shape="oriented").summary["AP"] > 0.99
        dm.evaluate(truth, found, shape="box")

    def test_checks_pass_them_over(self):
        both = [np.ravel(comb()).tolist(), np.ravel(self.ACROSS).tolist()]
        outlines = drawn(Segmentations(object_column([[both[0]], [both[1]], both, [both[0]]])))
        first, second = np.array([0, 0, 0]), np.array([1, 2, 3])
        assert outlines.overlaps(first, second).tolist() == [0, 0, 1]
        assert outlines.united(np.array([2])).tolist() == outlines.areas[[2]].tolist()


def truth_as_found(truth: dm.GroundTruth) -> dm.Detections:
    return dm.Detections.from_arrays(
        image_ids=[1], categories=["a"], shapes=truth.shapes, scores=[1], catalog=truth.catalog
    )


class TestRefused:
    def test_of_a_table_with_its_row(self):
        shapes = column(SQUARE, tangle())
        with pytest.raises(dm.TableError, match=r"shapes\[1\]: expected fewer corners .* got 2000"):
            dm.GroundTruth.from_arrays(image_ids=[1, 1], categories=["a", "a"], shapes=shapes)

    def test_of_a_segmentation_with_its_row(self):
        rows = object_column([[np.ravel(one).tolist()] for one in (SQUARE, tangle())])
        with pytest.raises(OutlineError) as caught:
            polygons_of(Segmentations(rows))
        ((row, text),) = caught.value.faults
        assert row == 1
        assert text.startswith("expected fewer corners in a polygon that crosses itself")

    def test_of_a_file_with_its_place(self, tmp_path):
        rows = [
            {"image_id": 1, "category_id": 1, "id": n, "poly": np.ravel(one).tolist()}
            for n, one in enumerate((SQUARE, tangle()), start=1)
        ]
        document = {
            "images": [{"id": 1, "width": 100, "height": 100}],
            "categories": [{"id": 1, "name": "c"}],
            "annotations": rows,
        }
        path = tmp_path / "truth.json"
        path.write_text(json.dumps(document))
        with pytest.raises(dm.FormatError, match=r"annotations\[1\]"):
            dm.read_ground_truth(path)

    def test_checks_pass_it_over_by_the_same_bound(self):
        rows = object_column([[np.ravel(one).tolist()] for one in (SQUARE, tangle(), SQUARE)])
        outlines = drawn(Segmentations(rows))
        assert outlines.overlaps(np.array([0, 0]), np.array([1, 2])).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([["1", "2", "3", "4", "9", "6"]], "expected a polygon x1 y1"),
        ([[True, 2, 3, 4, 5, 9]], "expected a polygon x1 y1"),
        ([[1, 2, 1e300, 4, 9, 6e200]], "finite numbers that can be pixels"),
        ([[1, 2, 3, 4]], "3 points or more"),
        ([[1, 2, 3, 4, 9, 6]] * 2, "expected one polygon"),
        ({"size": [1, 1]}, "expected one polygon"),
    ],
)
def test_what_is_no_polygon_of_a_segmentation(segmentation, message):
    with pytest.raises(OutlineError, match=message):
        polygons_of(Segmentations(object_column([segmentation])))
