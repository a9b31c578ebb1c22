"""Boxes in the pixels of another frame than the image: resized, normalized, or of swapped sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from detmetrics.evaluation.misreadings.forms import (
    AS_THEY_ARE,
    CORNERS,
    SIDES,
    Y_FIRST,
    Order,
    in_order,
    x_first,
)
from detmetrics.evaluation.misreadings.mistake import Boxes, Mistake, boxes_placed
from detmetrics.evaluation.misreadings.turned import turned
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.hints import hint
from detmetrics.tables import Detections
from detmetrics.tables.rows import Rows

__all__ = [
    "NORMALIZED",
    "frames",
    "letterboxes",
    "normalized",
    "resized_frames",
    "scaled_images",
    "stretched_frame",
]

OfSizes = Callable[[Floats], Floats]
"""(n, 2) sizes of images to a number for each side."""

COMMON_SIDES: tuple[int, ...] = (
    *(300, 320, 384, 416, 448, 480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800),
    *(832, 896, 960, 1000, 1024, 1152, 1216, 1280, 1536, 1920, 2048),
)
LETTERBOXES = (320, 416, 512, 640, 800, 1024, 1280)
PER_MILLE = 1000
"""Language models write boxes in thousandths of the image, often y before x."""
NEARLY_ALL, ALL_BUT_FEW = 0.98, 0.999
FRAME_SLACK = 0.03
"""Boxes may reach so far beyond the frame that they were drawn in, as a share of its side."""
REACH = 0.75
"""Few boxes need not reach the far side of their frame, but come near it."""
SHORT_AND_LONG = ((800, 1333), (600, 1000))
FACTORS = {
    0.25: "a quarter of the size",
    0.5: "half the size",
    2.0: "twice the size",
    4.0: "four times the size",
}
NORMALIZED = 2.0
"""Boxes of which hardly one reaches beyond this are no pixels."""
SCALED = "multiply x and w by the width of the image, y and h by its height"


def frames(table: Rows) -> Iterator[Mistake]:
    """Those of a table that the reach of its boxes allows; none where image sizes are unknown."""
    catalog = table.catalog
    if table.relative or not catalog.sized or not len(table):
        return
    farthest = _farthest(table.xywh)
    if _largest(table.xywh.max(axis=1), NEARLY_ALL) <= NORMALIZED:
        yield from normalized(table)
        return
    yield from turned()
    yield from _swapped(table)
    yield from _resized(table, farthest, REACH)
    yield from _per_mille(table)
    yield from _scaled(table)
    longest = float(catalog.image_sizes.max())
    for sides in SHORT_AND_LONG:
        yield _of_short_side(table, *sides)
    if farthest > NORMALIZED * longest:
        yield _of_pixels(table)


def resized_frames(table: Rows) -> Iterator[Mistake]:
    """The frames of networks alone, and only those that boxes reach to the far side of."""
    catalog = table.catalog
    if table.relative or not catalog.sized or not len(table):
        return
    farthest = _farthest(table.xywh, ALL_BUT_FEW)
    yield from _resized(table, farthest, 1 - 3 * FRAME_SLACK)
    if farthest > float(catalog.image_sizes.max()) * (1 + FRAME_SLACK):
        yield _of_short_side(table, *SHORT_AND_LONG[0])


def _readings(table: Rows) -> Iterator[tuple[Order, Order]]:
    """What numbers may have been read as and what they are, the form of the table first."""
    own, other = (CORNERS, SIDES) if table.box_format == "xyxy" else (SIDES, CORNERS)
    for read in (own, other):
        for order in (*AS_THEY_ARE, *Y_FIRST):
            # Of one form both ways they are the same boxes, whatever that form is.
            if read == own or order.form != read.form:
                yield read, order


def _farthest(boxes: Floats, share: float = NEARLY_ALL) -> float:
    """How far boxes ``x y w h`` reach to the right or down, but for a few."""
    reach = np.maximum(boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3])
    return _largest(reach, share)


def _largest(values: Floats, share: float) -> float:
    """:func:`numpy.quantile` of the values, which would import masked arrays."""
    ranked, place = np.sort(values), share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return float(ranked[below] + (ranked[above] - ranked[below]) * (place - below))


def _fix_of_unit(table: Rows) -> str:
    """The option of readers; arrays have none."""
    if table.source.input is None:
        return SCALED
    return hint("normalized", side="det" if isinstance(table, Detections) else "gt")


def normalized(table: Rows) -> Iterator[Mistake]:
    """Parts of the width and height, in whatever form they were read."""
    for read, order in _readings(table):
        same = order == read
        yield boxes_placed(
            table,
            "frame",
            "normalized coordinates read as pixels"
            if same
            else f"normalized {order.names} read as pixels {read.names}",
            _fix_of_unit(table) if same else f"{SCALED}, of numbers that are {order.columns}",
            _of_sides(order, read, lambda sizes: sizes),
        )


def _swapped(table: Rows) -> Iterator[Mistake]:
    """Width and height of the image taken for each other when boxes were scaled to pixels."""
    yield boxes_placed(
        table,
        "frame",
        "boxes scaled with width and height of the image swapped",
        "scale x by the width and y by the height of the image (target sizes in the order that "
        "the detector asks for), and check the width and height of the images",
        lambda boxes, sizes: boxes * np.tile(sizes / sizes[:, ::-1], 2),
    )
    yield boxes_placed(
        table,
        "frame",
        "y before x in normalized boxes, scaled to pixels as x before y",
        x_first(table),
        lambda boxes, sizes: (
            in_order(boxes / np.tile(sizes, 2), Y_FIRST[0], SIDES) * np.tile(sizes, 2)
        ),
    )


def _resized(table: Rows, farthest: float, reach: float) -> Iterator[Mistake]:
    """The image as the network saw it: stretched, letterboxed, padded."""
    for side in COMMON_SIDES:
        if side * reach <= farthest <= side * (1 + FRAME_SLACK):
            yield from _of_side(table, side)


def stretched_frame(table: Rows, width: int, height: int) -> Mistake:
    """Every image stretched to the same frame."""
    frame = np.array([width, height], float)
    name = f"the stretched frame of {width} x {height}"
    return _framed(table, name, _unscaled(lambda sizes: frame / sizes))


def scaled_images(table: Rows, factor: float) -> Mistake:
    """Every image larger or smaller by the same factor."""
    words = FACTORS.get(factor, f"{factor:.3g} times the size")
    return _framed(table, f"images of {words}", _unscaled(_constant(factor)))


def _scaled(table: Rows) -> Iterator[Mistake]:
    """Every image larger or smaller by the same factor."""
    for factor in FACTORS:
        yield scaled_images(table, factor)


def letterboxes(table: Rows) -> Iterator[Mistake]:
    """The usual ones, of whatever reach."""
    for side in LETTERBOXES:
        yield _letterboxed(table, side)


def _letterboxed(table: Rows, side: int) -> Mistake:
    def fitted(sizes: Floats) -> Floats:
        return _both(side / sizes.max(axis=1))

    def gap(sizes: Floats) -> Floats:
        return (side - sizes * fitted(sizes)) / 2

    return _framed(table, f"the letterboxed frame of {side} x {side}", _unscaled(fitted, gap))


def _of_side(table: Rows, side: int) -> Iterator[Mistake]:
    def fitted(sizes: Floats) -> Floats:
        return _both(side / sizes.max(axis=1))

    yield stretched_frame(table, side, side)
    yield _letterboxed(table, side)
    padded = _unscaled(fitted)
    yield _framed(table, f"the frame of {side} with padding at right and bottom", padded)


def _of_short_side(table: Rows, short: int, long: int) -> Mistake:
    """Images made larger or smaller to a short side, but for a long side that is too long then."""

    def shortest(sizes: Floats) -> Floats:
        return _both(np.minimum(short / sizes.min(axis=1), long / sizes.max(axis=1)))

    return _framed(table, f"the frame with a short side of {short}", _unscaled(shortest))


def _of_pixels(table: Rows) -> Mistake:
    return boxes_placed(
        table,
        "frame",
        "pixels read as normalized coordinates",
        "use --det-coordinates pixels, or write normalized coordinates",
        lambda boxes, sizes: boxes / np.tile(sizes, 2),
    )


def _per_mille(table: Rows) -> Iterator[Mistake]:
    """Thousandths of the image, in another order or form than they were read in."""
    for read, order in _readings(table):
        farthest = _farthest(in_order(table.xywh, order, read))
        if order != read and PER_MILLE * REACH <= farthest <= PER_MILLE * (1 + FRAME_SLACK):
            yield boxes_placed(
                table,
                "frame",
                f"boxes in thousandths of the image, {order.names} read as pixels {read.names}",
                f"divide by {PER_MILLE} and {SCALED}, of numbers that are {order.columns}",
                _of_sides(order, read, lambda sizes: sizes / PER_MILLE),
            )


def _framed(table: Rows, name: str, change: Boxes) -> Mistake:
    cure = f"scale the boxes back from {name} to each image"
    return boxes_placed(table, "frame", f"boxes in {name}", cure, change)


def _of_sides(order: Order, read: Order, unit: OfSizes) -> Boxes:
    """Numbers put in order, then times a unit of each side."""

    def change(boxes: Floats, sizes: Floats) -> Floats:
        scaled: Floats = in_order(boxes, order, read) * np.tile(unit(sizes), 2)
        return scaled

    return change


def _both(scale: Floats) -> Floats:
    """(n, 2) the same for both sides."""
    return np.column_stack([scale, scale])


def _constant(factor: float) -> OfSizes:
    return lambda sizes: np.full(sizes.shape, factor)


def _unscaled(scale: OfSizes, gap: OfSizes | None = None) -> Boxes:
    """Take off the gap and the scale of each box, both (n, 2) from the sizes of images."""

    def change(boxes: Floats, sizes: Floats) -> Floats:
        by, off = scale(sizes), gap(sizes) if gap else 0.0
        return np.concatenate([(boxes[:, :2] - off) / by, boxes[:, 2:] / by], axis=1)

    return change
