"""Four numbers that were taken for something else: another form of boxes, or another order.

What was read is one of three forms; what the numbers are is one of these in one of the orders that
tools write. Undoing it writes the numbers as they were read, and reads them as what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.evaluation.misreadings.mistake import Boxes, Mistake, boxes_changed
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.hints import hint
from detmetrics.tables.box_columns import BOX_NAMES, BoxColumns
from detmetrics.tables.columns import BoxFormat, as_xywh
from detmetrics.tables.rows import Rows

__all__ = [
    "AS_THEY_ARE",
    "CORNERS",
    "SIDES",
    "Y_FIRST",
    "Order",
    "forms",
    "in_order",
    "usual_forms",
    "x_first",
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
    ("xyxy", "xywh"): "write w = x2 - x1 and h = y2 - y1",
    ("xywh", "xyxy"): "write x2 = x + w and y2 = y + h",
    ("cxcywh", "xywh"): "write x = cx - w / 2 and y = cy - h / 2",
    ("xywh", "cxcywh"): "write x y w h as they are",
}
"""By the form that numbers have, and the form that they were read as."""


def forms(table: Rows) -> Iterator[Mistake]:
    """Every order read as every form."""
    columns = table.source.columns
    yield from usual_forms(columns)
    yield _misread(CENTRES, CORNERS, columns)
    yield _misread(CORNERS, CENTRES, columns)
    for read in AS_THEY_ARE:
        for order in Y_FIRST:
            if order.form != read.form:
                yield _misread(order, read, columns)
        for order in MIXED:
            if order.form == read.form:
                yield _misread(order, read, columns)
    # x and y swapped are the same boxes, whatever form they were read as.
    read = CORNERS if table.box_format == "xyxy" else SIDES
    order = next(order for order in Y_FIRST if order.form == read.form)
    yield _misread(order, read, columns)
    yield _misread(MIXED[4], SIDES, columns)


def usual_forms(columns: BoxColumns | None = None) -> Iterator[Mistake]:
    """Width and height, corners and centres taken for each other: what most people have done.

    columns: of the file that was read, which the cure names.
    """
    for order, read in ((CORNERS, SIDES), (SIDES, CORNERS), (CENTRES, SIDES), (SIDES, CENTRES)):
        yield _misread(order, read, columns)


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


def _misread(order: Order, read: Order, columns: BoxColumns | None) -> Mistake:
    name = f"{order.names} read as {read.names}"
    if order in Y_FIRST:
        name = f"y before x ({name})"
    elif order in MIXED[:4]:
        name = f"{'width and height' if order.places[0] == 0 else 'x and y'} swapped ({name})"
    return boxes_changed("form", name, _cure(order, read, columns), _change(order, read))


def _cure(order: Order, read: Order, columns: BoxColumns | None) -> str:
    """What to write in the file, and the option that names its columns, where it has one."""
    known = USUAL_CURES.get((order.form, read.form)) if order in AS_THEY_ARE else None
    parts = None if columns is None else _parts(order, read, columns.form)
    swapped = order in Y_FIRST and order.form == read.form
    wanted = BOX_NAMES[columns.form] if columns is not None and swapped else read.columns.split()
    cures = [known or f"write the numbers in the order {' '.join(wanted)}"]
    if columns is not None and parts and (asked := columns.order(parts)):
        cures.append(hint("columns", order=asked))
    return ", or ".join(cures)


def x_first(table: Rows) -> str:
    """What to do about normalized boxes with y before x, which are in pixels by now."""
    columns = table.source.columns
    if columns is not None and columns.relative:
        return _cure(Y_FIRST[0], SIDES, columns)
    return "write x before y, then scale x by the width and y by the height of the image"


def _parts(order: Order, read: Order, form: BoxFormat) -> Sequence[str] | None:
    """What the four columns of a file are that was read as a form; None if none says it."""
    # x and y swapped are the same boxes in every form, so also in that of the file.
    if order in Y_FIRST and order.form == read.form:
        return [BOX_NAMES[form][place] for place in SWAPPED]
    return _names(order) if read.form == form else None


def _names(order: Order) -> list[str]:
    """What each number is, in order, by the names of all forms."""
    names = [""] * 4
    for part, place in enumerate(order.places):
        names[place] = BOX_NAMES[order.form][part]
    return names


def _change(order: Order, read: Order) -> Boxes:
    return lambda boxes, _sizes: in_order(boxes, order, read)
