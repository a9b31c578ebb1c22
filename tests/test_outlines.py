"""Outlines: masks traced along their edges, corners that can be seen, and what a kind draws."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask

from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import Boxes
from detmetrics.overlap.masks.contours import grid_of
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.masks.rle import lengths_of
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.reports.outlines import outlines, simplified

SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PIXELS = SIDES.flatmap(lambda sides: arrays(bool, sides))
ONE = np.ones(2)


def masks(*pixels) -> Masks:
    codes = [mask.encode(np.asfortranarray(one.astype(np.uint8))) for one in pixels]
    return Masks(object_column(codes))


def signed_area(ring) -> float:
    """Positive where the inside is on the right, y downwards: the sum of x dy over the ring."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def windings(rings, height, width):
    """How often rings go around the centre of each pixel, by the upright edges right of it."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    found = np.zeros((height, width), int)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if x1 == x2:
                between = (y > min(y1, y2)) & (y < max(y1, y2))
                found += np.sign(y2 - y1).astype(int) * np.outer(between, x < x1)
    return found


class TestTracing:
    """Rings around the pixels of a mask enclose these and no others, with their parts and holes."""

    @given(pixels=PIXELS)
    def test_a_pixel_is_inside_where_it_is_set(self, pixels):
        rings = masks(pixels).outline(0, 0)
        assert np.array_equal(windings(rings, *pixels.shape), pixels)

    @given(pixels=PIXELS)
    def test_areas_of_rings_are_those_of_the_mask(self, pixels):
        column = masks(pixels)
        assert sum(map(signed_area, column.outline(0, 0))) == column.areas[0] == pixels.sum()

    @given(pixels=PIXELS)
    def test_rings_turn_at_every_corner(self, pixels):
        for ring in masks(pixels).outline(0, 0):
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps == 0).sum(axis=1) == 1).all()
            assert (steps * np.roll(steps, -1, axis=0) == 0).all()

    def test_a_ring_with_a_hole_and_a_part(self):
        pixels = np.zeros((5, 9), bool)
        pixels[0:5, 0:5] = True
        pixels[1:4, 1:4] = False
        pixels[2, 7] = True
        areas = sorted(map(signed_area, masks(pixels).outline(0, 0)))
        assert areas == [-9, 1, 25]

    def test_nothing_set(self):
        assert masks(np.zeros((3, 4), bool)).outline(0, 0) == ()

    @given(pixels=PIXELS)
    def test_runs_are_those_of_the_pixels(self, pixels):
        code = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
        flat = pixels.ravel(order="F")
        ends = np.flatnonzero(np.diff(flat, prepend=False, append=not flat[-1]))
        expected = np.diff(ends, prepend=0)
        assert lengths_of([code["counts"]]).length.tolist() == expected.tolist()

    @given(pixels=PIXELS, side=st.integers(1, 4))
    def test_a_cell_is_set_where_half_of_it_is(self, pixels, side):
        code = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
        grid = grid_of(lengths_of([code["counts"]]).length, len(pixels), side)
        shares = np.array(
            [
                [pixels[a:b, c:d].mean() for c, d in zip(grid.x[:-1], grid.x[1:], strict=True)]
                for a, b in zip(grid.y[:-1], grid.y[1:], strict=True)
            ]
        ).reshape(grid.cells.shape)
        expected = shares >= 0.5 if (shares >= 0.5).any() else shares > 0
        assert np.array_equal(grid.cells, expected)

    def test_a_mask_of_a_huge_image_is_never_unpacked(self):
        side = 1 << 14
        counts = [10 * side, 1000 * side, (side - 1010) * side]
        runs = {"size": [side, side], "counts": counts}
        (ring,) = Masks(object_column([mask.frPyObjects(runs, side, side)])).outline(0, 0)
        assert {*map(tuple, ring)} == {(10, 0), (1010, 0), (1010, side), (10, side)}

    def test_nor_one_of_a_row_of_a_quarter_of_a_billion_columns(self):
        wide = Masks.from_codes([{"size": [1, 1 << 28], "counts": [5, (1 << 28) - 5]}])
        tracemalloc.start()
        (ring,) = wide.outline(0, 0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 1e6
        assert ring.tolist() == [[5, 0], [1 << 28, 0], [1 << 28, 1], [5, 1]]


class TestSimplified:
    """Corners are left out where a line between two others passes by within reach."""

    @given(
        ring=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=40),
        tolerance=st.sampled_from([0.0, 0.5, 2.0, 10.0]),
    )
    def test_what_is_left_out_lies_near_a_line(self, ring, tolerance):
        ring = np.array(ring, float)
        kept = simplified(ring, tolerance)
        assert {*map(tuple, kept)} <= {*map(tuple, ring)}
        ends = np.roll(kept, -1, axis=0)
        for point in ring:
            along = ends - kept
            length = np.maximum((along**2).sum(axis=1), 1e-12)
            share = np.clip(((point - kept) * along).sum(axis=1) / length, 0, 1)
            nearest = kept + along * share[:, None]
            assert np.hypot(*(point - nearest).T).min() <= tolerance + 1e-9

    def test_stairs_are_a_line(self):
        steps = np.repeat(np.arange(50), 2)
        stairs = np.stack([steps[1:], steps[:-1]], axis=1).astype(float)
        ring = np.concatenate([stairs, [[0.0, 49.0]]])
        assert len(simplified(ring, 0.9)) <= 5


class TestDrawn:
    """What each kind draws, in the unit of the drawing, as fine as can be seen."""

    def test_corners_of_polygons(self):
        corners = np.array([[[1, 2], [9, 3.26], [4, 8.0]]])
        column = Polygons.from_corners(corners)
        assert outlines(column, np.array([0]), ONE, 720, 1) == [[[1, 2, 9, 3.3, 4, 8]]]
        assert outlines(column, np.array([0]), 2 * ONE, 7200, 1) == [[[2, 4, 18, 7, 8, 16]]]

    def test_oriented_boxes(self):
        column = Rectangles.from_cxcywhr(np.array([[50.0, 50, 20, 10, np.pi / 2]]))
        (((*numbers,),),) = outlines(column, np.array([0]), ONE, 720, 1)
        assert {*zip(numbers[::2], numbers[1::2], strict=True)} == {
            (45, 40), (55, 40), (55, 60), (45, 60)
        }  # fmt: skip

    def test_boxes_have_no_outline_beside_themselves(self):
        column = Boxes(np.array([[1.0, 2, 3, 4]]))
        assert outlines(column, np.array([0]), ONE, 720, 1) == [[]]

    def test_specks_give_way_to_what_can_be_seen(self):
        pixels = np.zeros((40, 40), bool)
        pixels[5:30, 5:30] = pixels[35, 35] = True
        column = masks(pixels)
        assert len(outlines(column, np.array([0]), ONE, 40, 1)[0]) == 2
        assert len(outlines(column, np.array([0]), ONE, 2000, 1)[0]) == 1

    def test_a_shape_too_small_to_be_seen_is_drawn(self):
        pixels = np.zeros((40, 40), bool)
        pixels[7, 8] = True
        assert outlines(masks(pixels), np.array([0]), ONE, 4000, 1) == [[[8, 7, 9, 7, 9, 8, 8, 8]]]

    @pytest.mark.parametrize("count", [1, 120])
    def test_a_shape_of_too_many_corners_is_coarser(self, count):
        rng = np.random.default_rng(0)
        noise = masks(rng.random((500, 500)) < 0.5)
        angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
        far = rng.uniform(10, 300, len(angles))
        star = Polygons.from_corners((far * [np.cos(angles), np.sin(angles)]).T[None] + 300)
        for column in (noise, star):
            (rings,) = outlines(column, np.array([0]), ONE, 720, count)
            assert 0 < sum(map(len, rings)) / 2 <= max(12_000 / count, 64)


def test_masks_of_which_none_touch_share_nothing():
    one, other = np.zeros((2, 4, 4), bool)
    one[0, 0] = other[3, 3] = True
    found = masks(one).near(masks(other), np.array([0]), np.array([1]), np.array([False]), 0.1)
    assert [len(column) for column in found] == [0, 0, 0]
