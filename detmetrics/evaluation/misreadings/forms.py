"""Four numbers that were taken for something else: another form of boxes, or another order.

What was read is one of three forms; what the numbers are is one of these in one of the orders that
tools write. Undoing it writes the numbers as they were read, and reads them as what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detmetrics.evaluation.misreadings.mistake import Boxes, Mistake, boxes_changed
from detmetrics.foundation.arrays import Floats
from detmetrics.tables.columns import BoxFormat, as_xywh

__all__ = [
    "AS_THEY_ARE",
    "CORNERS",
    "SIDES",
    "Y_FIRST",
    "Order",
    "forms",
    "in_order",
    "usual_forms",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers of a box in an order: their names, the form that they make, and where each stands.

    form: what they are once in order; places: of the numbers of that form.
    """

    names: str
    form: BoxFormat
    places: tuple[int, int, int, int] = (0, 1, 2, 3)

    @property
    def columns(self) -> str:
        """As ``--columns`` takes them."""
        return self.names.removeprefix("corners ").removeprefix("centres ")


SIDES = Order(names="x y w h", form="xywh")
CORNERS = Order(names="corners x1 y1 x2 y2", form="xyxy")
CENTRES = Order(names="centres cx cy w h", form="cxcywh")
AS_THEY_ARE = (SIDES, CORNERS, CENTRES)
SWAPPED = (1, 0, 3, 2)
Y_FIRST = (
    Order(names="y x h w", form="xywh", places=SWAPPED),
    Order(names="ymin xmin ymax xmax", form="xyxy", places=SWAPPED),
    Order(names="cy cx h w", form="cxcywh", places=SWAPPED),
)
MIXED = (
    Order(names="x y h w", form="xywh", places=(0, 1, 3, 2)),
    Order(names="y x w h", form="xywh", places=(1, 0, 2, 3)),
    Order(names="cx cy h w", form="cxcywh", places=(0, 1, 3, 2)),
    Order(names="cy cx w h", form="cxcywh", places=(1, 0, 2, 3)),
    Order(names="xmin xmax ymin ymax", form="xyxy", places=(0, 2, 1, 3)),
    Order(names="ymin ymax xmin xmax", form="xyxy", places=(2, 0, 3, 1)),
)
USUAL_CURES = {
    ("xyxy", "xywh"): "write w = x2 - x1 and h = y2 - y1, or name the columns as corners",
    ("xywh", "xyxy"): "write x2 = x + w and y2 = y + h, or name the columns as x y w h",
    ("cxcywh", "xywh"): "write x = cx - w / 2 and y = cy - h / 2",
    ("xywh", "cxcywh"): "write x y w h as they are",
}
"""By the form that numbers have, and the form that they were read as."""


def forms(corners: bool) -> Iterator[Mistake]:
    """Every order read as every form; corners: the table holds corners."""
    yield from usual_forms()
    yield _misread(CENTRES, CORNERS)
    yield _misread(CORNERS, CENTRES)
    for read in AS_THEY_ARE:
        for order in Y_FIRST:
            if order.form != read.form:
                yield _misread(order, read)
        for order in MIXED:
            if order.form == read.form:
                yield _misread(order, read)
    # x and y swapped are the same boxes, whatever form they were read as.
    read = CORNERS if corners else SIDES
    yield _misread(next(order for order in Y_FIRST if order.form == read.form), read)
    yield _misread(MIXED[4], SIDES)


def usual_forms() -> Iterator[Mistake]:
    """Width and height, corners and centres taken for each other: what most people have done."""
    for order, read in ((CORNERS, SIDES), (SIDES, CORNERS), (CENTRES, SIDES), (SIDES, CENTRES)):
        yield _misread(order, read)


def in_order(boxes: Floats, order: Order, read: Order) -> Floats:
    """(n, 4) ``x y w h`` of boxes whose numbers were read as one form and stand in this order."""
    return as_xywh(_numbers(boxes, read.form)[:, order.places], order.form)


def _numbers(boxes: Floats, form: BoxFormat) -> Floats:
    """The four numbers of ``x y w h`` in a form."""
    if form == "xywh":
        return boxes
    shift = boxes[:, 2:] / 2 if form == "cxcywh" else boxes[:, 2:]
    first = boxes[:, :2] + shift if form == "cxcywh" else boxes[:, :2]
    last = boxes[:, 2:] if form == "cxcywh" else boxes[:, :2] + shift
    return np.concatenate([first, last], axis=1)


def _misread(order: Order, read: Order) -> Mistake:
    name = f"{order.names} read as {read.names}"
    if order in Y_FIRST:
        name = f"y before x ({name})"
    elif order in MIXED[:4]:
        name = f"{'width and height' if order.places[0] == 0 else 'x and y'} swapped ({name})"
    return boxes_changed("form", name, _cure(order, read), _change(order, read))


def _cure(order: Order, read: Order) -> str:
    known = USUAL_CURES.get((order.form, read.form)) if order in AS_THEY_ARE else None
    return known or (
        f"write the numbers in the order {read.columns}, or name the columns of text files as "
        f"they are: --columns 'class score {order.columns}'"
    )


def _change(order: Order, read: Order) -> Boxes:
    return lambda boxes, _sizes: in_order(boxes, order, read)
