"""Class numbers that follow another order of names: boxes are right, and each class is another.

Detections and objects that lie on each other vote, whatever their classes are. Where the classes
of detections vote for other ones, each for one of its own, the names were in another order. What
cannot be told apart from a detector that confuses classes is left alone: of two classes that vote
for the same, the one with fewer votes stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detmetrics.analysis.reconcile.mistakes import Mistake
from detmetrics.foundation.arrays import Ints, read_only
from detmetrics.foundation.messages import counted
from detmetrics.matching.matching import match
from detmetrics.rules import COCO
from detmetrics.tables import Detections, GroundTruth

__all__ = ["other_order"]

MOST_ASKED = 5_000
LEAST_VOTES = 3
MOSTLY = 0.5
ANY_CLASS = COCO.replace(class_agnostic=True, iou_thresholds=(0.5,), area_ranges=())
EXAMPLES = 3


def other_order(ground_truth: GroundTruth, detections: Detections) -> Iterator[Mistake]:
    """Undoing it, where the surest detections vote for it."""
    meant = _meant(_votes(ground_truth, detections))
    moved = np.flatnonzero(meant != np.arange(len(meant)))
    # One step for all of them is another mistake, with a name of its own.
    if not len(moved) or (
        len(moved) > 1 and len(np.unique((meant - np.arange(len(meant)))[moved])) == 1
    ):
        return
    names = ground_truth.catalog.class_labels
    shown = ", ".join(f"{names[at]} is {names[meant[at]]}" for at in moved[:EXAMPLES].tolist())
    more = ", ..." if len(moved) > EXAMPLES else ""
    yield Mistake(
        family="class order",
        name=f"classes in another order, {counted(len(moved), 'class', 'classes')} of it: "
        f"{shown}{more}",
        cure="give the names in the order that the detector was trained with: --class-names FILE",
        change=lambda table: replace(table, category=read_only(meant[table.category])),
    )


def _votes(ground_truth: GroundTruth, detections: Detections) -> Ints:
    """(K, K) matches of detections of one class with objects of another, of the surest ones."""
    classes = len(ground_truth.catalog.category_ids)
    votes = np.zeros((classes, classes), np.int64)
    if len(detections) > MOST_ASKED:
        surest = np.argpartition(detections.scores, -MOST_ASKED)[-MOST_ASKED:]
        detections = detections.take(np.sort(surest))
    matches = match(ground_truth, detections, ANY_CLASS)
    pair, right = matches.matched[0].at(0)
    detection = matches.row[matches.pairs.detection[pair[right]]]
    objects = matches.truth_row[matches.pairs.ground_truth[pair[right]]]
    np.add.at(votes, (detections.category[detection], ground_truth.category[objects]), 1)
    return votes


def _meant(votes: Ints) -> Ints:
    """(K,) the class that each class is, which is itself where nothing else is clear."""
    classes = len(votes)
    # for each class, most votes first: it is the class that it votes for most, if that is clear and
    # no class before it has become that one
    best, most = votes.argmax(axis=1), votes.max(axis=1)
    clear = (most >= LEAST_VOTES) & (most > MOSTLY * votes.sum(axis=1))
    meant = np.arange(classes)
    for at in np.argsort(-most, kind="stable"):
        if clear[at] and best[at] not in meant[clear & (meant != np.arange(classes))]:
            meant[at] = best[at]
    # Nobody else may be what one that stays itself is, if it is clear that it is itself.
    itself = clear & (best == np.arange(classes))
    taken = itself[meant] & ~itself
    meant[taken] = np.flatnonzero(taken)
    return meant
