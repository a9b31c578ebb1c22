"""The usual mistakes in files of detections, each with what undoes it.

A mistake that moves boxes or classes can be undone, and undoing it in files that contain it
raises AP; the very same change, made to good files, gives the number of somebody who made it. A
mistake that throws detections away cannot be undone, but leaves its mark (see
:mod:`detmetrics.analysis.reconcile.marks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, read_only, slots_of_repeats
from detmetrics.foundation.messages import counted
from detmetrics.overlap import KINDS
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["CUTS", "Mistake", "cuts", "mistakes", "roundings"]

Boxes = Callable[[Floats], Floats]

COMMON_SIDES: tuple[int, ...] = (
    *(300, 320, 384, 416, 448, 480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800),
    *(832, 896, 960, 1024, 1152, 1216, 1280, 1536, 1920, 2048),
)
FRAME_SLACK = 0.03
"""Boxes may reach so far beyond the frame that they were drawn in, as a share of its side."""
SHORT_SIDE, LONG_SIDE = 800, 1333
CUTS = (0.25, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A change to detections that makes or undoes a mistake.

    family: mistakes of one family exclude each other; name: what went wrong; cure: what to do
    about it; change: detections to detections; undoes: it can mend files, not only spoil them;
    of_boxes: outlines stay what they are, so that only what is measured by boxes changes.
    """

    family: str
    name: str
    cure: str
    change: Callable[[Detections], Detections]
    undoes: bool = True
    of_boxes: bool = False

    def changes(self, rules: Rules, changed: Detections) -> bool:
        """Whether rules see the change."""
        if rules.shape == "box":
            return True
        return not self.of_boxes and changed.can_be(KINDS[rules.shape])


def mistakes(ground_truth: GroundTruth, detections: Detections) -> Iterator[Mistake]:
    """Those that could be in these files."""
    yield from _forms()
    yield from _shifts(detections)
    yield from _classes(ground_truth)
    yield from _frames(ground_truth, detections)
    yield from _repeats(detections)


ROUNDINGS = (
    *(("scores", "score_decimals", decimals) for decimals in (2, 3)),
    *(("coordinates", "box_decimals", decimals) for decimals in (0, 1)),
)


def roundings(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """The rules of somebody whose file holds fewer digits."""
    for what, setting, decimals in ROUNDINGS:
        held = counted(decimals, "decimal") if decimals else "whole numbers"
        of_boxes = setting == "box_decimals" and rules.shape != "box"
        if getattr(rules, setting) is None and not of_boxes:
            yield f"{what} rounded to {held}", rules.replace(**{setting: decimals})


def cuts(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """The rules of somebody who threw detections away: by confidence, or beyond ten an image."""
    for least in CUTS:
        if rules.min_score is None or rules.min_score < least:
            yield f"a confidence cut at {least:g}", rules.replace(min_score=least)
    if rules.max_limit > 10:
        limits = tuple(limit for limit in rules.max_detections if limit < 10)
        yield (
            "at most 10 detections an image and class",
            rules.replace(max_detections=(*limits, 10)),
        )
    if rules.image_limit is None or rules.image_limit > 10:
        yield "at most 10 detections an image", rules.replace(image_limit=10)


def _forms() -> Iterator[Mistake]:
    """Four numbers that were taken for something else."""

    def corners(box: Floats) -> Floats:
        return np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], axis=1)

    def sides(box: Floats) -> Floats:
        return np.concatenate([box[:, :2], box[:, 2:] + box[:, :2]], axis=1)

    def centres(box: Floats) -> Floats:
        return np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, 2:]], axis=1)

    def from_centres(box: Floats) -> Floats:
        return np.concatenate([box[:, :2] + box[:, 2:] / 2, box[:, 2:]], axis=1)

    yield _boxes(
        "form",
        "corners x1 y1 x2 y2 read as x y w h",
        "write w = x2 - x1 and h = y2 - y1, or name the columns as corners",
        corners,
    )
    yield _boxes(
        "form",
        "x y w h read as corners x1 y1 x2 y2",
        "write x2 = x + w and y2 = y + h, or name the columns as x y w h",
        sides,
    )
    yield _boxes(
        "form",
        "centres cx cy w h read as x y w h",
        "write x = cx - w / 2 and y = cy - h / 2",
        centres,
    )
    yield _boxes(
        "form", "x y w h read as centres cx cy w h", "write x y w h as they are", from_centres
    )


def _shifts(detections: Detections) -> Iterator[Mistake]:
    """Pixels counted from 1 on one side and from 0 on the other."""
    for by in (-1, 1):
        count = "1" if by < 0 else "0"
        yield _placed(
            detections,
            "shift",
            f"pixels counted from {count} in the detections alone",
            f"{'subtract 1 from' if by < 0 else 'add 1 to'} x and y of the detections",
            lambda box, by=by: np.concatenate([box[:, :2] + by, box[:, 2:]], axis=1),  # type: ignore[misc]
        )


def _boxes(family: str, name: str, cure: str, change: Boxes) -> Mistake:
    """A mistake that is one of boxes alone."""
    return Mistake(
        family=family,
        name=name,
        cure=cure,
        change=lambda detections: _with_boxes(detections, change(detections.xywh)),
        of_boxes=True,
    )


def _placed(detections: Detections, family: str, name: str, cure: str, change: Boxes) -> Mistake:
    """A mistake that moves and scales boxes, and polygons just so."""

    def moved(detections: Detections) -> Detections:
        changed = _with_boxes(detections, change(detections.xywh))
        if not isinstance(detections.shapes, Polygons):
            return changed
        return replace(changed, shapes=_moved(detections.shapes, change))

    alone = not isinstance(detections.shapes, Polygons)
    return Mistake(family=family, name=name, cure=cure, change=moved, of_boxes=alone)


def _moved(polygons: Polygons, change: Boxes) -> Polygons:
    """Where the changes of boxes take the corners: x' = x * w of a unit box + its x."""
    unit = change(np.tile([0.0, 0.0, 1.0, 1.0], (len(polygons), 1)))
    at = np.repeat(unit, polygons.count, axis=0)
    return Polygons(polygons.points * at[:, 2:] + at[:, :2], polygons.first)


def _with_boxes(detections: Detections, boxes: Floats) -> Detections:
    """The detections with other boxes ``x y w h``."""
    return replace(detections, boxes=read_only(boxes), box_format="xywh")


def _classes(ground_truth: GroundTruth) -> Iterator[Mistake]:
    """Class numbers off by one, in the order of classes."""
    count = len(ground_truth.catalog.category_ids)
    for by in (-1, 1) if count > 1 else ():

        def change(detections: Detections, by: int = by) -> Detections:
            moved = detections.category + by
            known = (moved >= 0) & (moved < count)
            return replace(detections, category=read_only(np.clip(moved, 0, count - 1))).keep(known)

        yield Mistake(
            family="classes",
            name=f"class numbers off by one ({by:+d})",
            cure=f"{'subtract 1 from' if by < 0 else 'add 1 to'} the class numbers of the "
            "detections, or, if they are indices, say what they count from: --class-numbers",
            change=change,
        )


def _frames(ground_truth: GroundTruth, detections: Detections) -> Iterator[Mistake]:
    """Boxes in pixels of the image as the network saw it, resized, instead of the image."""
    catalog = ground_truth.catalog
    if ground_truth.relative or not catalog.sized or not len(detections):
        return
    sizes = catalog.image_sizes[detections.image]
    reach = np.maximum(detections.xyxy[:, 2], detections.xyxy[:, 3])
    farthest = float(np.quantile(reach, 0.999))

    def cure(name: str) -> str:
        return f"scale the boxes back from {name} to each image"

    for side in COMMON_SIDES:
        if not side * (1 - 3 * FRAME_SLACK) <= farthest <= side * (1 + FRAME_SLACK):
            continue
        scale = (side / sizes.max(axis=1))[:, None]
        gap = (side - sizes * scale) / 2
        for name, change in (
            (f"the stretched frame of {side} x {side}", _unscaled(side / sizes)),
            (f"the letterboxed frame of {side} x {side}", _unscaled(scale, gap)),
            (f"the frame of {side} with padding at right and bottom", _unscaled(scale)),
        ):
            yield _placed(detections, "frame", f"boxes in {name}", cure(name), change)
    scale = np.minimum(SHORT_SIDE / sizes.min(axis=1), LONG_SIDE / sizes.max(axis=1))[:, None]
    name = f"the frame with a short side of {SHORT_SIDE}"
    if farthest > sizes.max() * (1 + FRAME_SLACK):
        yield _placed(detections, "frame", f"boxes in {name}", cure(name), _unscaled(scale))


def _unscaled(scale: Floats, gap: Floats | float = 0.0) -> Boxes:
    """Take off the gap and the scale of each box; scale, gap : (D, 1) or (D, 2)."""

    def change(box: Floats) -> Floats:
        return np.concatenate([(box[:, :2] - gap) / scale, box[:, 2:] / scale], axis=1)

    return change


def _repeats(detections: Detections) -> Iterator[Mistake]:
    """Every detection twice: an image evaluated twice, a file appended to itself."""
    first = _first_of_equals(detections)
    repeated = len(detections) - int(first.sum())
    if repeated:
        yield Mistake(
            family="repeats",
            name=f"{repeated:,} detections that repeat another one exactly",
            cure="write each detection once: was an image evaluated twice, or a file appended to?",
            change=lambda detections: detections.keep(_first_of_equals(detections)),
        )
    yield Mistake(
        family="repeats",
        name="every detection twice",
        cure="write each detection once",
        change=_twice,
        undoes=False,
    )


def _twice(detections: Detections) -> Detections:
    return detections.take(np.repeat(np.arange(len(detections)), 2))


def _first_of_equals(detections: Detections) -> Bools:
    """(D,) not the same in image, class, score, box and first corner as an earlier one."""
    # Only equal scores can be equal rows: look at these alone.
    order = np.argsort(detections.scores, kind="stable")
    near = order[slots_of_repeats(detections.scores[order])]
    first = np.ones(len(detections), bool)
    corner = np.zeros((len(near), 0))
    if isinstance(detections.shapes, Polygons):  # other boxes may have the same hull
        corner = detections.shapes.points[detections.shapes.first[near]]
    keys = np.column_stack(
        [
            detections.scores[near],
            detections.image[near],
            detections.category[near],
            detections.boxes[near],
            corner,
        ]
    )
    by_key = np.lexsort(keys.T[::-1])
    keys = keys[by_key]
    first[near[by_key[1:]]] = (keys[1:] != keys[:-1]).any(axis=1)
    return first
