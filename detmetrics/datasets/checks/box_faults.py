"""Boxes: finite, the right way round, inside their image, and what their format says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detmetrics.datasets.checks.findings import Finding, finding, marked
from detmetrics.datasets.checks.sides import PIXEL, Subject
from detmetrics.datasets.shape_facts import Drawn
from detmetrics.foundation.arrays import Bools, Ints, by_group
from detmetrics.overlap import Boxes, candidate_pairs, shared_groups
from detmetrics.tables.plausibility import seems_corners, seems_shares
from detmetrics.tables.validation import no_area_at_all, seem_swapped

__all__ = ["larger_areas", "of_both", "of_ground_truth"]

SAME = 0.95
SIMILAR = 0.9
"""Upright boxes around outlines that are nearly the same are at least so alike."""


def of_both(subject: Subject, *, detected: bool) -> Iterator[Finding | None]:
    """What holds for objects and for detections; detected: it is of these."""
    sheet, place = subject.sheet, subject.place("boxes")
    negative = subject.negative
    yield marked("D201", subject.name, ~subject.finite, place)
    yield marked("D307" if detected else "D202", subject.name, negative, place)
    yield marked("D203", subject.name, subject.empty, place)
    partly, wholly = subject.outside
    yield marked("D204", subject.name, partly & ~negative, place)
    yield marked("D205", subject.name, wholly & ~negative, place)
    yield _swapped_sizes(subject)
    boxes = sheet.boxes[subject.finite]
    if seems_corners(boxes, sheet.box_format):
        yield finding("D206", subject.name, len(boxes), (place(0),))
    if not sheet.relative and seems_shares(boxes):
        yield finding("D207", subject.name, len(boxes), (place(0),))


def of_ground_truth(ground_truth: Subject) -> Iterator[Finding | None]:
    """Objects that were labelled twice, and areas that their boxes cannot have."""
    exact, near = _doubles(ground_truth)
    yield marked("D208", ground_truth.name, near, ground_truth.place("boxes"))
    yield marked("D209", ground_truth.name, exact, ground_truth.place("boxes"))
    yield _areas_of_nothing(ground_truth)
    yield marked("D210", ground_truth.name, larger_areas(ground_truth), ground_truth.place("areas"))


def _areas_of_nothing(ground_truth: Subject) -> Finding | None:
    """That all areas are 0."""
    areas = ground_truth.sheet.areas
    if areas is None or not no_area_at_all(areas, ground_truth.xywh):
        return None
    return marked("D211", ground_truth.name, areas == 0, ground_truth.place("areas"))


def _swapped_sizes(subject: Subject) -> Finding | None:
    """That hardly a box would reach outside if images were as wide as they are high."""
    outside = np.logical_or(*subject.outside)
    if not seem_swapped(len(outside), int(outside.sum()), 0):
        return None
    turned = np.logical_or(*replace(subject, listing=subject.listing.turned()).outside)
    if not seem_swapped(len(outside), int(outside.sum()), int(turned.sum())):
        return None
    return marked("D212", subject.name, outside, subject.place("boxes"))


def larger_areas(ground_truth: Subject) -> Bools:
    """(R,) areas that are larger than their box."""
    areas, sides = ground_truth.sheet.areas, ground_truth.xywh
    if areas is None:
        return np.zeros(len(ground_truth.sheet), bool)
    with np.errstate(invalid="ignore"):
        larger = areas > sides[:, 2] * sides[:, 3] * 1.01 + PIXEL
    return larger & ground_truth.finite


def _doubles(ground_truth: Subject) -> tuple[Ints, Ints]:
    """Rows that repeat an earlier one of their image and class: exactly, and nearly."""
    crowd = (
        np.zeros(len(ground_truth.sheet), bool)
        if ground_truth.sheet.crowd is None
        else ground_truth.sheet.crowd
    )
    usable = ground_truth.finite & (ground_truth.image >= 0) & (ground_truth.category >= 0) & ~crowd
    rows = np.flatnonzero(usable)
    images = len(ground_truth.listing.image_ids)
    rows = by_group(ground_truth.category * images + ground_truth.image, rows)
    group = (ground_truth.category * images + ground_truth.image)[rows]
    boxes = ground_truth.xywh
    near, nowhere = shared_groups(group, group), np.zeros(len(rows), bool)
    shapes = Boxes(boxes)
    least = SAME if ground_truth.drawn is None else SIMILAR
    # The table against itself: each pair comes twice, and each row with itself. A repetition is
    # the later one of a pair.
    pairs = candidate_pairs(shapes, rows, shapes.take(rows), nowhere, near, least)
    earlier = pairs.ground_truth < pairs.detection
    later, first = rows[pairs.detection[earlier]], rows[pairs.ground_truth[earlier]]
    same = (boxes[later] == boxes[first]).all(axis=1)
    if ground_truth.drawn is not None:  # other outlines may share an upright box
        same &= _as_drawn(ground_truth.drawn, later, first)
        alike = same.copy()
        alike[~same] = ground_truth.drawn.overlaps(later[~same], first[~same]) >= SAME
        later, same = later[alike], same[alike]
    exact = np.unique(later[same])
    return exact, np.setdiff1d(later[~same], exact)


def _as_drawn(drawn: Drawn, later: Ints, first: Ints) -> Bools:
    """(P,) whether pairs of rows are drawn the same."""
    rows, at = np.unique(np.concatenate([later, first]), return_inverse=True)
    a, b = np.split(drawn.contents(rows)[at], 2)
    same: Bools = a == b
    return same
