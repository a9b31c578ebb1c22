"""A mistake in a file of detections, with what undoes it.

A mistake that moves boxes, classes or images can be undone, and undoing it in files that contain it
raises AP; the very same change, made to good files, gives the number of somebody who made it. A
mistake that throws detections away cannot be undone, but leaves its mark (see
:mod:`detmetrics.evaluation.misreadings.marks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, read_only
from detmetrics.overlap import KINDS
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import Rules
from detmetrics.tables import Detections

__all__ = ["Boxes", "Mistake", "boxes_changed", "boxes_placed"]

Boxes = Callable[[Floats, Floats], Floats]
"""(n, 4) boxes ``x y w h`` and the (n, 2) sizes of their images, to other boxes."""

DECIMALS = 10
"""Of changed coordinates: files hold fewer, and arithmetic is exact to more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A change to detections that makes or undoes a mistake.

    family: mistakes of one family exclude each other; name: what went wrong; cure: what to do
    about it; change: detections to detections; undoes: it can mend files, not only spoil them;
    of_boxes: outlines stay what they are, so that only what is measured by boxes changes;
    boxes: what it does to boxes, None where it does something else; classes : (K,) the place of
    each class in the catalog, -1 for none, None where it does not change classes; seems: what the
    files look like, in a sentence; undoing: what the change does, in words.
    """

    family: str
    name: str
    cure: str
    change: Callable[[Detections], Detections]
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
        return self.seems or f"the detections look like {self.name}"


def boxes_changed(family: str, name: str, cure: str, change: Boxes) -> Mistake:
    """A mistake that is one of boxes alone."""
    return Mistake(
        family=family,
        name=name,
        cure=cure,
        change=lambda detections: _with(detections, _changed(detections, change)),
        of_boxes=True,
        boxes=change,
    )


def boxes_placed(
    detections: Detections, family: str, name: str, cure: str, change: Boxes
) -> Mistake:
    """A mistake that moves and scales boxes, and polygons just so."""

    def moved(detections: Detections) -> Detections:
        changed = _with(detections, _changed(detections, change))
        if not isinstance(detections.shapes, Polygons):
            return changed
        return replace(changed, shapes=_moved(detections.shapes, change, _sizes(detections)))

    alone = not isinstance(detections.shapes, Polygons)
    return Mistake(family=family, name=name, cure=cure, change=moved, of_boxes=alone, boxes=change)


def _changed(detections: Detections, change: Boxes) -> Floats:
    # Scaling to and fro leaves errors in the last bits, which would part an IoU from a threshold
    # that it was equal to.
    return np.round(change(detections.xywh, _sizes(detections)), DECIMALS)


def _sizes(detections: Detections) -> Floats:
    sizes: Floats = detections.catalog.image_sizes[detections.image]
    return sizes


def _moved(polygons: Polygons, change: Boxes, sizes: Floats) -> Polygons:
    """Where the changes of boxes take the corners: x' = x * w of a unit box + its x."""
    unit = change(np.tile([0.0, 0.0, 1.0, 1.0], (len(polygons), 1)), sizes)
    at = np.repeat(unit, polygons.count, axis=0)
    return Polygons(polygons.points * at[:, 2:] + at[:, :2], polygons.first)


def _with(detections: Detections, boxes: Floats) -> Detections:
    """The detections with other boxes ``x y w h``."""
    return replace(detections, boxes=read_only(boxes), box_format="xywh")
