"""Laws of probabilistic IoU, and what it can be measured of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.analysis.reconcile.workbench import Workbench
from detmetrics.overlap import KINDS, OutlineError
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.overlap.polygons.probiou import BEYOND, Gaussians, gaussians_of, smallest_rectangles
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Sheet

FIRST = np.array([0])
NO_CROWD = np.array([False])
UNSIZED = np.full((1, 2), np.nan)

sides = st.builds(
    lambda *values: np.array([values]),
    *(st.floats(-20, 20), st.floats(-20, 20), st.floats(1, 30), st.floats(1, 30)),
    st.floats(-4, 4),
)


def overlap(one: Gaussians, two: Gaussians) -> float:
    return float(one.overlaps(FIRST, two, FIRST, NO_CROWD, 0)[0])


def by_definition(one, two) -> float:
    """Bhattacharyya's distance as papers write it, with matrices."""

    def moments(x, y, w, h, angle):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return np.array([x, y]), turn @ np.diag([w**2, h**2]) @ turn.T / 12

    (mean, one), (other, two) = moments(*one), moments(*two)
    both, apart = (one + two) / 2, mean - other
    distance = apart @ np.linalg.inv(both) @ apart / 8 + 0.5 * np.log(
        np.linalg.det(both) / np.sqrt(np.linalg.det(one) * np.linalg.det(two))
    )
    return 1 - np.sqrt(1 - np.exp(-max(distance, 0)))


@given(one=sides, two=sides)
def test_it_is_what_papers_define(one, two):
    """But for the 1e-7 that keep it from dividing by zero, at the root's steep end."""
    value = overlap(Gaussians(one), Gaussians(two))
    expected = by_definition(one[0], two[0])
    assert value == pytest.approx(expected, abs=1e-5 if expected < 0.9 else 1e-3)
    assert -1e-7 <= value <= 1
    assert overlap(Gaussians(two), Gaussians(one)) == pytest.approx(value, abs=1e-12)
    assert overlap(Gaussians(one, True), Gaussians(two, True)) == pytest.approx(
        value, abs=1e-4 if value < 0.9 else 1e-3
    )


@given(one=sides, two=sides, turn=st.floats(-4, 4))
def test_turning_both_changes_nothing(one, two, turn):
    cos, sin = np.cos(turn), np.sin(turn)

    def turned(sides):
        centre = sides[:, :2] @ np.array([[cos, sin], [-sin, cos]])
        return Gaussians(np.concatenate([centre, sides[:, 2:4], sides[:, 4:] + turn], axis=1))

    value = overlap(Gaussians(one), Gaussians(two))
    assert overlap(turned(one), turned(two)) == pytest.approx(value, abs=1e-7)


@given(one=sides, two=sides, far=st.floats(1, 20), small=st.sampled_from([1, 1e-2, 1e-4, 0]))
def test_hulls_that_do_not_touch_leave_out_little(one, two, far, small):
    two = two * [[far, far, small, 1, 1]]
    for single in (False, True):
        mine, other = Gaussians(one, single), Gaussians(two, single)
        pairs = mine.near(other, FIRST, np.array([1]), NO_CROWD, 0.0)
        if not len(pairs[2]):
            assert not overlap(mine, other) >= BEYOND


@given(one=sides)
def test_the_smallest_rectangle_around_the_corners_of_one_is_itself(one):
    rectangle = Rectangles.from_cxcywhr(one)
    corners = rectangle.points.reshape(1, 4, 2)
    for points in (corners, corners[:, [2, 0, 3, 1]], np.round(corners, 9)):
        made = gaussians_of(Polygons.from_corners(points), UNSIZED)
        assert overlap(made, Gaussians(one)) == pytest.approx(overlap(made, made), abs=1e-6)
        _, _, w, h, angle = made.cxcywhr[0]
        assert sorted([w, h]) == pytest.approx(sorted(one[0, 2:4]), abs=1e-6)
        assert w >= h
        assert -np.pi / 4 <= angle < 3 * np.pi / 4


@given(points=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=4))
def test_no_rectangle_around_points_is_smaller(points):
    corners = np.array(points, float)
    x, y = corners.T[:, :, None]
    *_, w, h, _ = smallest_rectangles(x, y)[0]
    for angle in np.linspace(0, np.pi / 2, 91):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        assert w * h <= np.ptp(along) * np.ptp(across) + 1e-9


def test_what_it_is_made_of():
    one = np.array([[5.0, 6, 4, 2, 0]])
    expected = Gaussians(one)
    for outlines in (
        Rectangles.from_cxcywhr(one),
        Polygons.from_boxes(np.array([[3.0, 5, 7, 7]])),
        dm.overlap.Boxes(np.array([[3.0, 5, 7, 7]]), corners=True),
        expected,
    ):
        made = KINDS["probabilistic"].made(outlines, UNSIZED, False)
        np.testing.assert_allclose(made.cxcywhr, expected.cxcywhr, atol=1e-12)
    assert made.areas.tolist() == [8]
    five = Polygons(np.array([(0, 0), (2, 0), (3, 2), (2, 3), (0, 2.0)]), np.array([0, 5]))
    with pytest.raises(OutlineError, match="oriented box of 4 corners, got a polygon of 5"):
        gaussians_of(five, UNSIZED)


def test_shares_of_images_of_unknown_size_are_refused():
    """Turned boxes are no boxes in shares."""
    corners = Rectangles.from_cxcywhr(np.array([[0.5, 0.5, 0.2, 0.1, 1.0]]))
    truth = dm.GroundTruth.from_arrays(image_ids=[1], categories=["a"], shapes=corners)
    sheet = Sheet(
        source=truth.source,
        image=Keys(np.array([1])),
        image_key="id",
        category=Keys(np.array(["a"], object)),
        boxes=corners.hulls,
        box_format="xyxy",
        shapes=corners,
        relative=True,
        scores=np.array([0.5]),
    )
    shares = dm.GroundTruth.from_sheet(sheet, catalog=truth.catalog)
    found = dm.Detections.from_sheet(sheet, catalog=truth.catalog, relative=True)
    assert dm.evaluate(shares, found, dm.DOTA).summary["AP"] == pytest.approx(1)
    with pytest.raises(dm.RulesError, match=r"measured in pixels.*--image-sizes"):
        dm.evaluate(shares, found, dm.ULTRALYTICS_OBB)


def test_arithmetic_is_that_of_the_rules_whatever_was_measured_before():
    rng = np.random.default_rng(1)
    there = np.column_stack(
        [rng.uniform(10, 90, (20, 2)), rng.uniform(5, 30, (20, 2)), np.ones(20)]
    )
    rows = {"image_ids": [1] * 20, "categories": ["a"] * 20}
    truth = dm.GroundTruth.from_arrays(shapes=Rectangles.from_cxcywhr(there), **rows)
    found = dm.Detections.from_arrays(
        shapes=Rectangles.from_cxcywhr(there + 0.3),
        scores=rng.random(20),
        catalog=truth.catalog,
        **rows,
    )
    double = dm.ULTRALYTICS_OBB.replace(arithmetic="float64")
    bench = Workbench(truth, found)
    single = bench.summary(dm.ULTRALYTICS_OBB)
    expected = dm.evaluate(truth, found, double).matching.pairs.overlap.max()
    assert bench.evaluation(double).matching.pairs.overlap.max() == expected
    assert single == dm.evaluate(truth, found, dm.ULTRALYTICS_OBB).summary
    prepared = bench.evaluation(dm.ULTRALYTICS_OBB)
    again = dm.evaluate(prepared.ground_truth, prepared.detections, double)
    assert again.matching.pairs.overlap.max() == expected


def test_tables_without_rows():
    catalog = dm.Catalog.from_ids(images=[1], categories=["a"])
    nothing = dm.Detections.from_arrays(
        image_ids=[], categories=[], boxes=np.zeros((0, 4)), scores=[], catalog=catalog
    )
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1],
        categories=["a"],
        shapes=Polygons.from_boxes(np.array([[0.0, 0, 4, 4]])),
        catalog=catalog,
    )
    assert dm.evaluate(truth, nothing, dm.ULTRALYTICS_OBB).summary["AP"] == 0
