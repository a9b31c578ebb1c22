"""A mistake in a file of detections, with what undoes it.

A mistake that moves boxes, classes or images can be undone, and undoing it in files that contain it
raises AP; the very same change, made to good files, gives the number of somebody who made it. A
mistake that throws detections away cannot be undone, but leaves its mark (see
:mod:`detmetrics.evaluation.misreadings.marks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, read_only
from detmetrics.overlap import KINDS
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.rows import Rows

__all__ = [
    "Boxes",
    "Mistake",
    "boxes_changed",
    "boxes_placed",
    "changed_boxes",
    "with_boxes",
]

Table = TypeVar("Table", bound=Rows)

Boxes = Callable[[Floats, Floats], Floats]
"""(n, 4) boxes ``x y w h`` and the (n, 2) sizes of their images, to other boxes."""

DECIMALS = 10
"""Of changed coordinates: files hold fewer, and arithmetic is exact to more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A change to detections that makes or undoes a mistake.

    family: mistakes of one family exclude each other; name: what went wrong; cure: what to do
    about it; change: detections to detections; side: whose mistake it is; undoes: it can mend
    files, not only spoil them;
    of_boxes: outlines stay what they are, so that only what is measured by boxes changes;
    boxes: what it does to boxes, None where it does something else; classes : (K,) the place of
    each class in the catalog, -1 for none, None where it does not change classes; seems: what the
    files look like, in a sentence; undoing: what the change does, in words.
    """

    family: str
    name: str
    cure: str
    change: Callable[[Detections], Detections]
    side: str = "detections"
    undoes: bool = True
    of_boxes: bool = False
    boxes: Boxes | None = None
    classes: Ints | None = None
    seems: str = ""
    undoing: str = "undoing this"

    def changes(self, rules: Rules, changed: Detections) -> bool:
        """Whether rules see the change."""
        if rules.shape == "box":
            return True
        return not self.of_boxes and changed.can_be(KINDS[rules.shape])

    @property
    def looks(self) -> str:
        """What the files look like, in a sentence."""
        verb = "look" if self.side == "detections" else "looks"
        return self.seems or f"the {self.side} {verb} like {self.name}"

    @property
    def said(self) -> str:
        """Its name, and whose it is where that is not plain."""
        return self.name if self.side == "detections" else f"{self.side}: {self.name}"

    def of_ground_truth(self) -> Mistake:
        """The same, made in the ground truth."""
        return replace(self, side="ground truth")

    def undone(
        self, ground_truth: GroundTruth, detections: Detections
    ) -> tuple[GroundTruth, Detections]:
        """Both tables without it."""
        if self.side == "detections" or self.boxes is None:
            return ground_truth, self.change(detections)
        return with_boxes(ground_truth, changed_boxes(ground_truth, self.boxes)), detections


def boxes_changed(family: str, name: str, cure: str, change: Boxes) -> Mistake:
    """A mistake that is one of boxes alone."""
    return Mistake(
        family=family,
        name=name,
        cure=cure,
        change=lambda detections: with_boxes(detections, changed_boxes(detections, change)),
        of_boxes=True,
        boxes=change,
    )


def boxes_placed(table: Rows, family: str, name: str, cure: str, change: Boxes) -> Mistake:
    """A mistake that moves and scales boxes, and polygons just so."""

    def moved(detections: Detections) -> Detections:
        changed = with_boxes(detections, changed_boxes(detections, change))
        if not isinstance(detections.shapes, Polygons):
            return changed
        sizes = detections.catalog.image_sizes[detections.image]
        return replace(changed, shapes=_moved(detections.shapes, change, sizes))

    alone = not isinstance(table.shapes, Polygons)
    return Mistake(family=family, name=name, cure=cure, change=moved, of_boxes=alone, boxes=change)


def _moved(polygons: Polygons, change: Boxes, sizes: Floats) -> Polygons:
    """Where the changes of boxes take the corners: x' = x * w of a unit box + its x."""
    unit = change(np.tile([0.0, 0.0, 1.0, 1.0], (len(polygons), 1)), sizes)
    at = np.repeat(unit, polygons.count, axis=0)
    return Polygons(polygons.points * at[:, 2:] + at[:, :2], polygons.first)


def with_boxes(table: Table, boxes: Floats) -> Table:
    """A table with other boxes ``x y w h``."""
    return replace(table, boxes=read_only(boxes), box_format="xywh")


def changed_boxes(table: Rows, change: Boxes) -> Floats:
    """(R, 4) ``x y w h`` of a table once they are changed."""
    # Scaling to and fro leaves errors in the last bits, which would part an IoU from a threshold
    # that it was equal to.
    return np.round(change(table.xywh, table.catalog.image_sizes[table.image]), DECIMALS)
