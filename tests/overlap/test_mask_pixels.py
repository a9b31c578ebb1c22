"""Masks drawn and compared by our own code: to the last pixel what pycocotools does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools import mask

from detmetrics.overlap.masks import columns, drawing
from detmetrics.overlap.masks.columns import ComparedMasks, compared, shared_pixels
from detmetrics.overlap.masks.drawing import drawn
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.masks.rle import Ones, Runs, decoded, texts_of
from detmetrics.overlap.polygons.polygon_faults import steps_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # of decode


@st.composite
def blob(draw: st.DrawFn, high: int, wide: int) -> np.ndarray:
    """Pixels of a kind: speckles, stripes, an ellipse, a half of the image, one full column."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    y, x = np.mgrid[:high, :wide]
    kind = draw(st.sampled_from(["speckles", "stripes", "ellipse", "half", "column"]))
    if kind == "speckles":
        return rng.random((high, wide)) < draw(st.sampled_from([0, 0.01, 0.5, 0.99, 1]))
    if kind == "column":
        return x == draw(st.integers(0, wide - 1))
    if kind == "half":
        return x >= draw(st.integers(0, wide))
    radius = max(high, wide) * rng.random()
    ellipse = (y - high * rng.random()) ** 2 + 2 * (x - wide * rng.random()) ** 2 < radius**2
    return ellipse & (y // 2 % 2 == 0) if kind == "stripes" else ellipse


@st.composite
def images_of_masks(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Encodings of two sides, of one image."""
    high, wide = draw(st.integers(1, 70)), draw(st.integers(1, 40))
    sides = [draw(st.lists(blob(high, wide), min_size=1, max_size=6)) for _ in range(2)]
    return tuple([mask.encode(np.asfortranarray(one.astype(np.uint8))) for one in s] for s in sides)


def known(codes: list[dict]) -> Runs:
    return decoded([code["counts"] for code in codes], np.array([code["size"] for code in codes]))


def all_of(codes: list[dict]) -> ComparedMasks:
    runs = known(codes)
    return compared(runs.ones, runs.mask, runs.size[:, 0])


@examples(60)
@given(
    masks=images_of_masks(), few=st.integers(1, 4), pieces=st.integers(1, 99), runs=st.booleans()
)
def test_shared_pixels(masks, few, pieces, runs):
    mine, theirs = masks
    a, b = np.divmod(np.arange(len(mine) * len(theirs)), len(theirs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "FEW", few)
        patch.setattr(columns, "PIECES", pieces)
        patch.setattr(columns, "WIDE", -(10**9) if runs else 10**9)
        shared = shared_pixels(all_of(mine), a, all_of(theirs), b)
    pixels = [[mask.decode(one).astype(bool) for one in side] for side in masks]
    assert shared.tolist() == [(p & q).sum() for p in pixels[0] for q in pixels[1]]
    union = mask.area(mine)[a] + mask.area(theirs)[b] - shared
    iou = np.where(shared > 0, shared / np.maximum(union, 1), 0)
    assert (iou == mask.iou(mine, theirs, [0] * len(theirs)).ravel()).all()


@given(images_of_masks())
def test_texts_are_those_of_pycocotools(masks):
    for side in masks:
        runs = known(side)
        assert texts_of(runs) == [code["counts"] for code in side]
        turned = np.arange(len(side))[::-1]
        assert texts_of(runs.take(turned)) == [code["counts"] for code in side[::-1]]


CORNERS = {
    "inside": st.floats(0, 1, width=32).map(lambda share: (0, share)),
    "beyond": st.floats(-2, 3, width=32).map(lambda share: (0, share)),
    "far": st.sampled_from([-1000, -300, 300, 1000]).map(lambda pixels: (pixels, 0.5)),
}
STEPS_OF = {"pixels": 1, "halves": 2, "fifths": 5, "tenths": 10, "any": None}


@st.composite
def polygon(draw: st.DrawFn, wide: int, high: int) -> np.ndarray:
    """(V, 2) corners: on a grid, anywhere, beyond the image, repeated, crossing themselves."""
    grid = STEPS_OF[draw(st.sampled_from([*STEPS_OF]))]
    one = CORNERS[draw(st.sampled_from(["inside", "inside", "beyond", "far"]))]
    corners = draw(st.lists(st.tuples(one, one), min_size=3, max_size=9))
    points = np.array(
        [[x + share * wide, y + part * high] for (x, share), (y, part) in corners], np.float64
    )
    return points if grid is None else np.round(points * grid) / grid


@st.composite
def drawings(draw: st.DrawFn) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    """Sizes of images, and the polygons of each."""
    sizes = draw(st.lists(st.tuples(*[st.integers(1, 50)] * 2), min_size=1, max_size=4))
    parts = [draw(st.lists(polygon(*size), min_size=1, max_size=3)) for size in sizes]
    return np.array(sizes), parts


@examples(120)
@given(of=drawings(), steps=st.sampled_from([1, 100, 1 << 20]))
def test_polygons_are_drawn_to_the_last_pixel(of, steps):
    images, parts = of
    every = [one for row in parts for one in row]
    first = np.append(0, np.cumsum([len(one) for one in every]))
    points = np.concatenate(every)
    row = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "STEPS", steps)
        ones = drawn(points, first, steps_of(points, first), row, images).ones
    assert pixels_of(ones, images) == [
        mask.decode(mask.merge(mask.frPyObjects([p.ravel().tolist() for p in row], int(h), int(w))))
        .ravel(order="F")
        .tolist()
        for row, (w, h) in zip(parts, images.tolist(), strict=True)
    ]


def pixels_of(ones: Ones, images: np.ndarray) -> list[list[int]]:
    found = []
    for number, (wide, high) in enumerate(images.tolist()):
        pixels = [0] * (wide * high)
        for run in range(ones.first[number], ones.first[number + 1]):
            begin, stop = int(ones.begin[run]), int(ones.stop[run])
            assert begin < stop
            assert sum(pixels[begin - 1 if begin else 0 : stop]) == 0  # apart from the one before
            pixels[begin:stop] = [1] * (stop - begin)
        found.append(pixels)
    return found


@examples(40)
@given(images_of_masks(), st.booleans())
def test_overlaps_of_masks_of_any_kind(masks, crowd):
    """Those of many pieces a column are compared in another way than the others."""
    mine, theirs = (Masks.from_codes(side) for side in masks)
    a, b = np.divmod(np.arange(len(mine) * len(theirs)), len(theirs))
    found = mine.overlaps(a, theirs, b, np.full(len(a), crowd), 0.0)
    wanted = mask.iou(*masks, [crowd] * len(theirs))
    assert found.tolist() == wanted.ravel().tolist()
