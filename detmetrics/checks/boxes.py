"""Boxes: finite, the right way round, inside their image, and what their format says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.arrays import Bools, Ints
from detmetrics.checks.report import Finding, finding, marked
from detmetrics.checks.sides import Subject
from detmetrics.columns import negative_sizes
from detmetrics.overlap import Boxes, candidate_pairs, shared_groups
from detmetrics.ranking import by_group
from detmetrics.suspicion import seems_corners, seems_shares

__all__ = ["of_both", "of_ground_truth"]

SAME = 0.95
PIXEL = 1.0
"""Labels are rounded: a box may reach this many pixels beyond its image unremarked."""

SHARE = 0.005


def of_both(subject: Subject) -> Iterator[Finding | None]:
    """What holds for objects and for detections."""
    sheet, place = subject.sheet, subject.place("boxes")
    negative = negative_sizes(sheet.boxes, sheet.box_format) & subject.finite
    empty = (subject.xywh[:, 2:] == 0).any(axis=1) & subject.finite & ~negative
    yield marked("D201", subject.name, ~subject.finite, place)
    detected = sheet.scores is not None
    yield marked("D307" if detected else "D202", subject.name, negative, place)
    yield marked("D203", subject.name, empty, place)
    partly, wholly = _outside(subject)
    yield marked("D204", subject.name, partly & ~negative, place)
    yield marked("D205", subject.name, wholly & ~negative, place)
    boxes = sheet.boxes[subject.finite]
    if seems_corners(boxes, sheet.box_format):
        yield finding("D206", subject.name, len(boxes), (place(0),))
    if not sheet.relative and seems_shares(boxes):
        yield finding("D207", subject.name, len(boxes), (place(0),))


def of_ground_truth(truth: Subject) -> Iterator[Finding | None]:
    """Objects that were labelled twice, and areas that their boxes cannot have."""
    exact, near = _doubles(truth)
    yield marked("D208", truth.name, near, truth.place("boxes"))
    yield marked("D209", truth.name, exact, truth.place("boxes"))
    areas = truth.sheet.areas
    if areas is not None:
        sides = truth.xywh
        with np.errstate(invalid="ignore"):
            larger = areas > sides[:, 2] * sides[:, 3] * 1.01 + PIXEL
        yield marked("D210", truth.name, larger & truth.finite, truth.place("areas"))


def _outside(subject: Subject) -> tuple[Bools, Bools]:
    """(R,) whether a box reaches beyond its image, and whether nothing of it lies inside."""
    start, end = subject.xywh[:, :2], subject.xywh[:, :2] + subject.xywh[:, 2:]
    slack = SHARE if subject.sheet.relative else PIXEL
    with np.errstate(invalid="ignore"):
        beyond = ((start < -slack) | (end > subject.bounds + slack)).any(axis=1)
        nowhere = ((end <= 0) | (start >= subject.bounds)).any(axis=1)
    sized = ~np.isnan(subject.bounds).any(axis=1) & subject.finite
    wholly = beyond & nowhere & sized
    return beyond & sized & ~wholly, wholly


def _doubles(truth: Subject) -> tuple[Ints, Ints]:
    """Rows that repeat an earlier one of their image and class: exactly, and nearly."""
    crowd = np.zeros(len(truth.sheet), bool) if truth.sheet.crowd is None else truth.sheet.crowd
    usable = truth.finite & (truth.image >= 0) & (truth.category >= 0) & ~crowd
    rows = np.flatnonzero(usable)
    images = len(truth.listing.image_ids)
    rows = by_group(truth.category * images + truth.image, rows)
    group = (truth.category * images + truth.image)[rows]
    boxes = truth.xywh
    near, nowhere = shared_groups(group, group), np.zeros(len(rows), bool)
    shapes = Boxes(boxes)
    pairs = candidate_pairs(shapes, rows, shapes.take(rows), nowhere, near, SAME)
    earlier = pairs.ground_truth < pairs.detection
    later, first = rows[pairs.detection[earlier]], rows[pairs.ground_truth[earlier]]
    same = (boxes[later] == boxes[first]).all(axis=1)
    exact = np.unique(later[same])
    return exact, np.setdiff1d(later[~same], exact)
