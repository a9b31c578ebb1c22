"""The usual mistakes in files of detections, looked for in all of them.

What a result is asked after every evaluation (:mod:`detmetrics.evaluation.misreadings`) is asked
here of all images and of smaller effects too; beside it, mistakes that are too small or too common
to be told after every evaluation: a shift by a pixel, repeated detections, lost digits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.evaluation.misreadings.box_changes import (
    best_boxes,
    best_objects,
    blame,
    part_changes,
    truth_changes,
)
from detmetrics.evaluation.misreadings.class_numbers import other_order, shifted
from detmetrics.evaluation.misreadings.class_numbers import shifted_from as classes_from
from detmetrics.evaluation.misreadings.confident import Confident
from detmetrics.evaluation.misreadings.forms import forms, usual_forms
from detmetrics.evaluation.misreadings.frames import frames, resized_frames
from detmetrics.evaluation.misreadings.image_order import ImageOrder, orders, shifts, voted_order
from detmetrics.evaluation.misreadings.image_order import shifted_from as images_from
from detmetrics.evaluation.misreadings.mistake import Boxes, Mistake, boxes_placed
from detmetrics.evaluation.misreadings.parts import FEW_MISSES, part_of
from detmetrics.evaluation.misreadings.scores import other_scores
from detmetrics.evaluation.misreadings.voted_frames import voted_frames, voted_offset
from detmetrics.foundation.arrays import Bools, Floats, slots_of_repeats
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["CUTS", "cuts", "mistakes", "roundings", "usual_mistakes"]

CUTS = (0.25, 0.5)
PAIRS = 200_000
MOST_MEASURED = 6
MOST_VOTING = 300
"""So many images are compared each with each other."""


def mistakes(ground_truth: GroundTruth, detections: Detections) -> Iterator[Mistake]:
    """Those that could be in these files."""
    confident = Confident.of(ground_truth, detections).fewer(PAIRS)
    if blame(confident) == "ground truth":
        yield from _of_truth(ground_truth, confident)
    else:
        yield from _boxes(detections, confident)
    yield from _parts(detections, confident)
    yield from other_scores(confident, detections)
    yield from _shifts(detections)
    yield from _classes(detections, confident)
    yield from _images(ground_truth, confident)
    yield from _repeats(detections)


def usual_mistakes(detections: Detections) -> Iterator[Mistake]:
    """What somebody may have made of these files who got another number from them.

    Made on good files they leave a number to report; those that leave hardly any are not here.
    """
    yield from usual_forms(detections.source.columns)
    yield from _shifts(detections)
    yield from _class_shifts(detections)
    yield from resized_frames(detections)
    yield from _repeats(detections)


def _boxes(detections: Detections, confident: Confident) -> Iterator[Mistake]:
    """The forms and frames that bring the surest detections closer to objects."""
    with np.errstate(all="ignore"):
        voted = [*voted_frames(confident, detections), *voted_offset(confident, detections)]
    every = (*forms(detections), *frames(detections), *voted)
    now = confident.hits().closeness
    for mistake, hits in best_boxes(confident, every, MOST_MEASURED):
        if hits.closeness > now:
            yield mistake


def _of_truth(ground_truth: GroundTruth, confident: Confident) -> Iterator[Mistake]:
    """The form or frame of the objects."""
    found = best_objects(confident, truth_changes(ground_truth))
    if found and found[1].closeness > confident.hits().closeness:
        yield found[0]


def _parts(detections: Detections, confident: Confident) -> Iterator[Mistake]:
    """A form or frame of some images or rows alone."""
    hits = confident.hits()
    missed = detections.take(confident.row[~hits.hit])
    if len(missed) > FEW_MISSES * len(confident):
        every = part_changes(confident, detections, missed)
        if (found := part_of(confident, hits, every, detections)) is not None:
            yield found[0]


def _classes(detections: Detections, confident: Confident) -> Iterator[Mistake]:
    if len(detections.catalog.category_ids) < 2:
        return
    yield from _class_shifts(detections)
    votes = confident.votes(confident.hits())
    yield from classes_from(detections, *votes)
    yield from other_order(detections, *votes)


def _class_shifts(detections: Detections) -> Iterator[Mistake]:
    for by in (-1, 1) if len(detections.catalog.category_ids) > 1 else ():
        yield shifted(detections, by)


def _images(ground_truth: GroundTruth, confident: Confident) -> Iterator[Mistake]:
    """The orders of images that bring the surest detections closer to objects."""
    catalog = ground_truth.catalog
    known: list[ImageOrder] = [*shifts(catalog), *images_from(confident, catalog), *orders(catalog)]
    images = len(catalog.image_ids)
    voted = voted_order(confident, images) if images <= MOST_VOTING else None
    now = confident.hits().closeness
    for order in (*known, *([voted] if voted else [])):
        if confident.hits(image=order.place[confident.image]).closeness > now:
            yield order.mistake


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


def _shifts(detections: Detections) -> Iterator[Mistake]:
    """Pixels counted from 1 on one side and from 0 on the other."""
    for by in (-1, 1):
        count = "1" if by < 0 else "0"
        yield boxes_placed(
            detections,
            "shift",
            f"pixels counted from {count} in the detections alone",
            f"{'subtract 1 from' if by < 0 else 'add 1 to'} x and y of the detections",
            _moved_by(by),
        )


def _moved_by(by: int) -> Boxes:
    def change(boxes: Floats, _: Floats) -> Floats:
        return np.concatenate([boxes[:, :2] + by, boxes[:, 2:]], axis=1)

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
