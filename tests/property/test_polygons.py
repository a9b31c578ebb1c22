"""Polygons: their areas and IoU in exact fractions, and laws that hold for every shape."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import rational
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.overlap import ANY_OVERLAP, Boxes, candidate_pairs, shared_groups
from detmetrics.overlap import pairs as pairs_module
from detmetrics.overlap.polygons import convex as convex_module
from detmetrics.overlap.polygons import polygons as polygons_module
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles

FIRST = np.array([0])
NO_CROWD = np.array([False])


def column(*outlines) -> Polygons:
    first = np.cumsum([0, *map(len, outlines)])
    return Polygons(np.concatenate([np.array(one, float) for one in outlines]), first)


def iou(one: Polygons, two: Polygons) -> float:
    return float(one.overlaps(FIRST, two, FIRST, NO_CROWD, 0)[0])


def hull(points) -> list[tuple[int, int]]:
    """The corners of the convex hull, those on an edge left out."""
    points = sorted(set(points))

    def half(points):
        kept = []
        for x, y in points:
            while len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (y - kept[-2][1]) <= (
                kept[-1][1] - kept[-2][1]
            ) * (x - kept[-2][0]):
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return half(points) + half(points[::-1])


points = st.tuples(st.integers(0, 6), st.integers(0, 6))
any_polygons = st.lists(points, min_size=3, max_size=9)
convex = st.lists(points, min_size=3, max_size=12).map(hull).filter(lambda one: len(one) > 2)
quads = convex.filter(lambda one: len(one) == 4)
sides = st.builds(
    lambda *values: np.array([values]),
    *(st.floats(-20, 20), st.floats(-20, 20), st.floats(1, 30), st.floats(1, 30)),
    st.floats(-4, 4),
)
rectangles = sides.map(Rectangles.from_cxcywhr)


# --- what is right ---


@given(one=convex, two=convex)
def test_convex_polygons_are_measured_exactly(one, two):
    assert column(one)._convex.all() or len(one) > polygons_module.MOST_CORNERS
    assert iou(column(one), column(two)) == pytest.approx(float(rational.iou(one, two)), abs=1e-12)


@given(one=quads, two=any_polygons)
def test_polygons_of_all_kinds_are_measured_exactly(one, two):
    """Hollow ones and some that cross or touch themselves, run back or enclose nothing: what is
    enclosed counts, once."""
    mine, other = column(one), column(two)
    assert other.areas[0] == pytest.approx(float(rational.area(two)), abs=1e-12)
    assert iou(mine, other) == pytest.approx(float(rational.iou(one, two)), abs=1e-12)


@given(one=any_polygons, two=any_polygons)
def test_two_of_any_kind(one, two):
    expected = rational.iou(one, two)
    got = iou(column(one), column(two))
    assert math.isnan(got) if expected is None else got == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("corners", "area"),
    [
        pytest.param([(0, 0), (4, 4), (4, 0), (0, 4)], 8, id="bow tie: both halves"),
        pytest.param([(0, 6), (4, -6), (-6, 2), (6, 2), (-4, -6)], None, id="pentagram: all of it"),
        pytest.param([(0, 0), (2, 2), (4, 0), (4, 4), (2, 2), (0, 4)], 8, id="touches in a point"),
        pytest.param([(0, 0), (4, 0), (4, 4), (0, 4)] * 2, 16, id="round twice"),
        pytest.param([(0, 0), (4, 0), (0, 4)] * 2, 8, id="a triangle round twice"),
        pytest.param([(0, 0), (4, 0), (9, 0), (4, 0), (4, 4), (0, 4)], 16, id="with a spike"),
        pytest.param([(0, 0), (4, 0), (4, 4), (4, 4), (0, 4)], 16, id="a corner twice"),
        pytest.param([(0, 0), (2, 0), (4, 0), (4, 4), (0, 4)], 16, id="a corner on an edge"),
        pytest.param([(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)], 16, id="closed"),
        pytest.param([(0, 0), (0, 4), (4, 4), (4, 0)], 16, id="clockwise"),
        pytest.param([(0, 0), (4, 4), (0, 0), (4, 4)], 0, id="a line"),
        pytest.param([(3, 3), (3, 3), (3, 3)], 0, id="a point"),
        pytest.param([(0, 0), (4, 4), (0, 0)], 0, id="a line that is closed"),
    ],
)
def test_areas(corners, area):
    expected = float(rational.area(corners))
    assert area is None or expected == area
    mine = column(corners)
    assert mine.areas[0] == pytest.approx(expected, abs=1e-12)
    around = column([(-9, -9), (9, -9), (9, 9), (-9, 9)])
    notched = column([(-9, -9), (9, -9), (0, -8), (9, 9), (-9, 9)])
    assert iou(mine, around) == pytest.approx(expected / 18**2, abs=1e-12)
    assert iou(mine, notched) == pytest.approx(
        float(rational.iou(corners, [(-9, -9), (9, -9), (0, -8), (9, 9), (-9, 9)])), abs=1e-12
    )


@pytest.mark.parametrize(
    ("two", "shared"),
    [
        pytest.param([(4, 0), (8, 0), (8, 4), (4, 4)], 0, id="an edge in common"),
        pytest.param([(4, 4), (8, 4), (8, 8), (4, 8)], 0, id="a corner in common"),
        pytest.param([(1, 1), (3, 1), (3, 3), (1, 3)], 4, id="inside"),
        pytest.param([(0, 0), (4, 0), (4, 2), (0, 2)], 8, id="inside, three edges in common"),
        pytest.param([(2, 0), (4, 2), (2, 4), (0, 2)], 8, id="corners on edges"),
        pytest.param([(2, -2), (6, 2), (2, 6), (-2, 2)], 16, id="edges through corners"),
    ],
)
def test_places(two, shared):
    one, two = column([(0, 0), (4, 0), (4, 4), (0, 4)]), column(two)
    union = one.areas[0] + two.areas[0] - shared
    assert iou(one, two) == pytest.approx(shared / union, abs=1e-15)


def test_random_convex_polygons_as_shapely_has_them():
    import shapely

    rng = np.random.default_rng(0)
    count, corners = 400, np.arange(8)
    angle = np.sort(rng.uniform(0, 2 * np.pi, (2 * count, 8)), axis=1)
    one = np.stack([np.cos(angle), 0.3 * np.sin(angle)], axis=2)  # on an ellipse: convex
    turn = rng.uniform(0, 2 * np.pi, 2 * count)
    rotation = np.stack([np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)], axis=1)
    size = rng.uniform(0.5, 200, (2 * count, 1, 1))
    outlines = one @ rotation.reshape(-1, 2, 2) * size + rng.uniform(0, 60, (2 * count, 1, 2))
    for kept in (corners, corners[:4], corners[:3]):
        ours = Polygons.from_corners(outlines[:, kept])
        assert ours._convex.all()
        theirs = shapely.polygons(outlines[:, kept])
        first, second = np.arange(count), np.arange(count) + count
        union = shapely.area(shapely.union(theirs[:count], theirs[count:]))
        expected = shapely.area(shapely.intersection(theirs[:count], theirs[count:])) / union
        got = ours.overlaps(first, ours, second, np.zeros(count, bool), 0)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


# --- laws ---


@given(one=rectangles, two=rectangles)
def test_between_0_and_1_and_the_same_from_both_sides(one, two):
    value = iou(one, two)
    assert 0 <= value <= 1
    assert iou(two, one) == pytest.approx(value, abs=1e-12)


@given(one=any_polygons, start=st.integers(0, 8), back=st.booleans())
def test_equal_shapes_have_1_wherever_their_corners_begin(one, start, back):
    """Also backwards."""
    start %= len(one)
    again = (one[start:] + one[:start])[:: -1 if back else 1]
    if rational.area(one):
        assert iou(column(one), column(again)) == pytest.approx(1, abs=1e-12)


@given(one=rectangles)
def test_a_rectangle_has_1_with_itself(one):
    assert iou(one, one) == pytest.approx(1, abs=1e-12)
    assert iou(one, Polygons.from_corners(one.points.reshape(1, 4, 2)[:, ::-1])) == pytest.approx(
        1, abs=1e-12
    )


@given(
    one=sides,
    two=sides,
    turn=st.floats(-4, 4),
    by=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    scale=st.floats(1e-3, 1e3),
)
def test_turning_moving_and_scaling_both_changes_nothing(one, two, turn, by, scale):
    value = iou(Rectangles.from_cxcywhr(one), Rectangles.from_cxcywhr(two))
    cos, sin = np.cos(turn), np.sin(turn)

    def turned(sides):
        centre = sides[:, :2] @ np.array([[cos, sin], [-sin, cos]])
        return np.concatenate([centre, sides[:, 2:4], sides[:, 4:] + turn], axis=1)

    moved = np.array([[*by, 0, 0, 0]])
    scaled = np.array([[scale] * 4 + [1]])
    for change in (turned, lambda sides: sides + moved, lambda sides: sides * scaled):
        changed = iou(Rectangles.from_cxcywhr(change(one)), Rectangles.from_cxcywhr(change(two)))
        assert changed == pytest.approx(value, abs=1e-9)


@given(one=any_polygons, two=any_polygons, by=st.integers(-(10**6), 10**6))
def test_large_coordinates_cost_no_digits(one, two, by):
    def moved(corners):
        return [(x + by, y - by) for x, y in corners]

    expected = rational.iou(one, two)
    if expected is not None:
        got = iou(column(moved(one)), column(moved(two)))
        assert got == pytest.approx(float(expected), abs=1e-9)


def boxes(*rows) -> Boxes:
    return Boxes(np.array(rows, float), corners=True)


@given(one=sides, two=sides, quarter=st.integers(0, 3))
def test_upright_rectangles_are_boxes(one, two, quarter):
    def hull(sides):
        x, y, w, h, _ = sides[0]
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]

    def upright(sides):
        angle = quarter * np.pi / 2
        size = sides[:, [3, 2]] if quarter % 2 else sides[:, 2:4]
        return Rectangles.from_cxcywhr(np.concatenate([sides[:, :2], size, [[angle]]], axis=1))

    expected = boxes(hull(one)).overlaps(FIRST, boxes(hull(two)), FIRST, NO_CROWD, 0)[0]
    assert iou(upright(one), upright(two)) == pytest.approx(expected, abs=1e-12)
    of_boxes = Polygons.from_boxes(np.array([hull(one)]))
    assert iou(of_boxes, upright(two)) == pytest.approx(expected, abs=1e-12)


@given(one=sides, share=st.floats(0.05, 1), smaller=st.floats(0.1, 1))
def test_of_nested_rectangles_it_is_the_ratio_of_areas(one, share, smaller):
    def shrunk(by):
        return Rectangles.from_cxcywhr(one * [[1, 1, by, by, 1]])

    inside, least = shrunk(share), shrunk(share * smaller)
    assert iou(Rectangles.from_cxcywhr(one), inside) == pytest.approx(share**2, abs=1e-12)
    assert (
        iou(Rectangles.from_cxcywhr(one), least)
        <= iou(Rectangles.from_cxcywhr(one), inside) + 1e-12
    )


@given(one=sides, two=any_polygons)
def test_rectangles_are_the_polygons_of_their_corners(one, two):
    rectangle, other = Rectangles.from_cxcywhr(one), column(two)
    polygon = Polygons.from_corners(rectangle.points.reshape(1, 4, 2))
    assert rectangle.areas[0] == pytest.approx(polygon.areas[0], rel=1e-12)
    if rational.area(two):
        assert iou(rectangle, other) == pytest.approx(iou(polygon, other), abs=1e-12)
    assert np.allclose(rectangle.scaled(np.array([[2.0, 3.0]])).points, rectangle.points * [2, 3])


@given(one=any_polygons, two=any_polygons)
def test_of_a_crowd_it_is_the_share_of_the_detection_inside(one, two):
    if rational.area(one):
        share = column(one).overlaps(FIRST, column(two), FIRST, ~NO_CROWD, 0)[0]
        expected = rational.shared_area(one, two) / rational.area(one)
        assert share == pytest.approx(float(expected), abs=1e-12)


# --- columns of all kinds ---


@given(
    outlines=st.lists(any_polygons | convex, min_size=1, max_size=5),
    lowest=st.sampled_from([ANY_OVERLAP, 0.1, 0.5]),
    data=st.data(),
)
def test_pairs_of_a_column_are_those_of_its_rows(outlines, lowest, data):
    """Whatever stands beside a row, whatever has been asked before, and in whatever order."""
    mine, other = column(*outlines), column(*outlines[::-1])
    if data.draw(st.booleans()):
        mine.hulls, mine.areas, mine._convex  # noqa: B018
    rows = np.array(data.draw(st.permutations(range(len(outlines)))))
    groups = np.zeros(len(outlines), int)
    near = shared_groups(groups, groups)
    with pytest.MonkeyPatch.context() as patch:
        if data.draw(st.booleans()):
            patch.setattr(pairs_module, "BLOCK_PAIRS", 4)
            patch.setattr(polygons_module, "BLOCK_ROWS", 2)
            patch.setattr(convex_module, "BLOCK", 2)
        pairs = candidate_pairs(mine, rows, other, groups > 0, near, lowest)
    found = {(rows[d], g): v for d, g, v in zip(*pairs_of(pairs), strict=True)}
    for d, one in enumerate(outlines):
        for g, two in enumerate(outlines[::-1]):
            value = iou(column(one), column(two))
            if value >= lowest + 1e-12:
                assert found[d, g] == pytest.approx(value, abs=1e-12)
            elif value < lowest - 1e-12 or value == 0:
                assert (d, g) not in found


def pairs_of(pairs):
    return pairs.detection.tolist(), pairs.ground_truth.tolist(), pairs.overlap.tolist()


def test_a_column_without_rows():
    for nothing in (
        Rectangles.from_cxcywhr(np.zeros((0, 5))),
        Polygons.from_boxes(np.zeros((0, 4))),
    ):
        assert len(nothing) == len(nothing.areas) == len(nothing.hulls) == 0
        assert len(nothing.crossing) == len(nothing.take(np.zeros(0, int))) == 0
        assert len(nothing.scaled(np.zeros((0, 2)))) == 0


def test_whole_numbers_are_no_less_exact():
    corners = np.array([[0, 0], [3, 0], [0, 3]])
    whole = Polygons(corners, np.array([0, 3], np.int32))
    assert whole.areas.tolist() == [4.5]
    assert iou(whole, column(corners)) == 1
    assert Polygons.from_boxes(np.array([[0, 0, 3, 5]])).areas.tolist() == [15]


def test_geometries_are_made_of_rows_that_are_asked_for(monkeypatch):
    arrow = [(0, 0), (4, 4), (0, 8), (1, 4)]
    square = [(0, 0), (4, 0), (4, 4), (0, 4)]
    drawn = []
    draw = Polygons._drawn
    monkeypatch.setattr(
        Polygons, "_drawn", lambda self, rows: drawn.extend(rows.tolist()) or draw(self, rows)
    )
    mine = column(square, arrow, square, square, arrow)
    mine.overlaps(np.array([0, 4]), mine, np.array([1, 4]), np.zeros(2, bool), 0)
    mine.overlaps(np.array([0]), mine, np.array([4]), np.zeros(1, bool), 0)
    assert sorted(drawn) == [0, 1, 4]


# --- at the door ---


def truth(shapes, **columns):
    rows = len(shapes)
    return dm.GroundTruth.from_arrays(
        image_ids=[1] * rows, categories=["a"] * rows, shapes=shapes, **columns
    )


def detections(shapes, **columns):
    rows = len(shapes)
    return dm.Detections.from_arrays(
        image_ids=[1] * rows,
        categories=["a"] * rows,
        scores=[0.5] * rows,
        shapes=shapes,
        catalog=dm.Catalog.from_ids(images=[1], categories=["a"]),
        **columns,
    )


SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]


def test_polygons_that_cross_themselves_are_said():
    shapes = column(SQUARE, [(0, 0), (4, 4), (4, 0), (0, 4)], [(0, 0), (4, 4), (8, 8)])
    expected = r"1 polygon that crosses or touches itself.*first at shapes\[1\]"
    empty = r"1 polygon without an area, first at shapes\[2\]"
    said = dm.DetmetricsWarning
    with pytest.warns(said, match=expected), pytest.warns(said, match=empty):
        tables = [truth(shapes), detections(shapes)]
    for table in tables:
        assert any(re.search(expected, note) for note in table.notes)
        assert any(re.search(empty, note) for note in table.notes)


def test_usual_polygons_are_not_remarked_on():
    assert truth(column(SQUARE, [(0, 0), (4, 4), (0, 8), (1, 4)])).notes == ()


@pytest.mark.parametrize(
    ("shapes", "error"),
    [
        (column(SQUARE, [(0, 0), (1, 1)]), r"shapes\[1\]: expected 3 corners or more, got 2"),
        (Polygons(np.zeros((4, 2)), np.array([0, 3])), r"expected points \(V, 2\) and first"),
        (Polygons(np.zeros(6), np.array([0, 3])), r"expected points \(V, 2\) and first"),
        (column([(0, 0), (1, math.nan), (1, 1)]), r"finite numbers"),
    ],
)
def test_what_can_be_no_polygon_is_refused(shapes, error):
    for boxes in (None, np.ones((len(shapes), 4))):
        with pytest.raises(dm.TableError, match=error):
            truth(shapes, boxes=boxes)
        with pytest.raises(dm.TableError, match=error):
            detections(shapes, boxes=boxes)


@pytest.mark.parametrize(
    ("shapes", "error"),
    [
        ([[0, 0, 4, 0, 4, 4]], r"shapes: expected Rectangles, Polygons or Masks, got \[\[0, 0"),
        (np.zeros((1, 4, 2)), "shapes: expected Rectangles, Polygons or Masks"),
        (Polygons(np.zeros((0, 2)), np.array([])), r"shapes: expected first \(R \+ 1,\) from 0 on"),
    ],
)
def test_what_is_no_column_of_shapes_is_refused(shapes, error):
    rows = {"image_ids": [1], "categories": ["a"], "shapes": shapes}
    with pytest.raises(dm.TableError, match=error):
        dm.GroundTruth.from_arrays(**rows)
    catalog = dm.Catalog.from_ids(images=[1], categories=["a"])
    with pytest.raises(dm.TableError, match=error):
        dm.Detections.from_arrays(scores=[1], catalog=catalog, **rows)
