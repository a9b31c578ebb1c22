"""Outlines: that each can be drawn, encloses something, and fits its box, its area and its image.

A row that one check names is left out of those behind it that would only say the same again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.datasets.checks.box_faults import larger_areas
from detmetrics.datasets.checks.findings import FIRST, Finding, finding, marked
from detmetrics.datasets.checks.sides import Subject
from detmetrics.datasets.shape_facts import Drawn
from detmetrics.foundation.arrays import Bools

__all__ = ["of_both", "of_ground_truth"]

OFF = 2.0
"""Pixels between a box and its outline: COCO's own encodings are 1 off, whole numbers round."""

UNLIKE = 0.25
"""Of an area: those of COCO's crowds are up to 0.12 larger than their masks."""

FILLED = 1 - 1e-6
MANY = 10
"""Fewer outlines than this may all be upright by chance."""


def of_both(subject: Subject) -> Iterator[Finding | None]:
    """What holds for objects and for detections."""
    name, place = subject.name, subject.place("shapes")
    if subject.sheet.outlined is not None:
        yield marked("D611", name, ~subject.sheet.outlined, place)
    drawn = subject.drawn
    if drawn is None:
        return
    yield _undrawn(subject, drawn)
    yield marked("D602", name, _of_other_size(subject, drawn), place)
    yield marked("D603", name, drawn.pointless & ~subject.empty, place)
    yield marked("D604", name, drawn.empty & ~drawn.pointless & ~subject.empty, place)
    yield marked("D605", name, drawn.tangled, place)
    yield marked("D606", name, drawn.crossing & ~drawn.tangled & ~drawn.empty, place)
    partly, wholly = _outside(subject, drawn)
    yield marked("D607", name, partly, place)
    yield marked("D608", name, wholly, place)
    unlike = _unlike_box(subject, drawn) & ~partly & ~wholly
    yield marked("D609", name, unlike, subject.place("boxes"))
    yield _upright(subject, drawn)
    yield marked("D613", name, _encoded_beside(subject, drawn), place)


def of_ground_truth(ground_truth: Subject) -> Iterator[Finding | None]:
    """Areas that are not those of outlines."""
    if ground_truth.drawn is not None and ground_truth.sheet.areas is not None:
        yield marked(
            "D610",
            ground_truth.name,
            _unlike_area(ground_truth, ground_truth.drawn),
            ground_truth.place("areas"),
        )


def _undrawn(subject: Subject, drawn: Drawn) -> Finding | None:
    if not drawn.faults:
        return None
    place = subject.place("shapes")
    texts = (f"{place(row)}: {text}" for row, text in drawn.faults[:FIRST])
    return finding("D601", subject.name, len(drawn.faults), texts)


def _of_other_size(subject: Subject, drawn: Drawn) -> Bools:
    """(R,) masks whose width and height are not those of their image."""
    other = np.zeros(drawn.rows, bool)
    codes = drawn.masks.sound.tolist()
    size = np.array([code["size"][::-1] for code in codes], np.float64).reshape(-1, 2)
    of_image = np.floor(subject.sizes[drawn.of_mask])
    other[drawn.of_mask] = (size != of_image).any(axis=1) & ~np.isnan(of_image).any(axis=1)
    return other


def _outside(subject: Subject, drawn: Drawn) -> tuple[Bools, Bools]:
    """(R,) polygons that reach beyond their image, and wholly; not where their boxes do."""
    partly, wholly = subject.beyond(drawn.hulls[:, :2], drawn.hulls[:, 2:])
    box_partly, box_wholly = subject.outside
    partly = partly & drawn.polygonal & ~box_partly & ~box_wholly
    return partly, wholly & drawn.polygonal & ~box_wholly


def _unlike_box(subject: Subject, drawn: Drawn) -> Bools:
    """(R,) boxes that are neither the hull of their outline nor what of it is in the image."""
    if subject.sheet.relative:  # of which formats the boxes are made from outlines
        return np.zeros(drawn.rows, bool)
    box = np.concatenate([subject.xywh[:, :2], subject.xywh[:, :2] + subject.xywh[:, 2:]], axis=1)
    end = np.where(np.isnan(subject.bounds), np.inf, subject.bounds)
    inside = np.clip(drawn.hulls, 0, np.concatenate([end, end], axis=1))
    with np.errstate(invalid="ignore"):  # of rows that are not drawn
        off = [np.abs(box - hull).max(axis=1) > OFF for hull in (drawn.hulls, inside)]
    usable = subject.finite & ~subject.negative & ~drawn.empty & ~_of_other_size(subject, drawn)
    box_partly, box_wholly = subject.outside
    unlike: Bools = off[0] & off[1] & usable & ~box_partly & ~box_wholly
    return unlike


def _upright(subject: Subject, drawn: Drawn) -> Finding | None:
    """Outlines that all fill the upright boxes around them."""
    with np.errstate(invalid="ignore"):
        filled = drawn.areas >= FILLED * drawn.box_areas
    if drawn.rows < MANY or not (filled & ~drawn.empty).all():
        return None
    return finding("D612", subject.name, drawn.rows, (subject.place("shapes")(0),))


def _encoded_beside(subject: Subject, drawn: Drawn) -> Bools:
    """(R,) masks beside polygons, of objects that are no crowds."""
    crowd = subject.sheet.crowd
    single = np.ones(drawn.rows, bool) if crowd is None else ~crowd
    encoded: Bools = drawn.encoded & single
    return encoded if (drawn.polygonal & single).any() else np.zeros(drawn.rows, bool)


def _unlike_area(ground_truth: Subject, drawn: Drawn) -> Bools:
    """(R,) areas that are neither the mask's nor what polygons enclose, each alone or together."""
    areas = ground_truth.sheet.areas
    assert areas is not None
    sides = (drawn.hulls[:, 2:] - drawn.hulls[:, :2]).sum(axis=1)
    with np.errstate(invalid="ignore"):
        # A mask ends half a pixel beside its polygon: that is half of the way around its box.
        allowed = UNLIKE * np.maximum(areas, drawn.areas) + sides
        unlike: Bools = np.abs(areas - drawn.areas) > allowed
    unlike &= ~drawn.empty & ~_of_other_size(ground_truth, drawn) & ~larger_areas(ground_truth)
    rows = np.flatnonzero(unlike)
    unlike[rows] = np.abs(areas[rows] - drawn.united(rows)) > allowed[rows]
    return unlike
