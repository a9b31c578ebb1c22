"""The images of all processes, joined: the anchors of all are here, and the counts of all between.

Under rules with ``ties="file"`` equal scores stand by image too, as the tables of a metric are in
order of images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.foundation.arrays import Counts, Floats, Ints, counting, running
from detmetrics.foundation.errors import InputError
from detmetrics.matching.counted import CountedMatches, ListedClass, joined_classes
from detmetrics.parts.counting import (
    ClassAnchors,
    ClassCounts,
    ClassOfPart,
    count_part,
    matches_of,
)
from detmetrics.parts.index import Index, joined
from detmetrics.training.ranks.rank_parts import RankPart

__all__ = ["RankIndex", "index_of", "own_counts"]

ELSEWHERE = (
    "every detection is in its own process alone, and the others are only counted, at the largest "
    "limit. Fix: metric.sync().compute() has all of them in each process"
)


@dataclass(frozen=True, kw_only=True)
class RankIndex(Index):
    """The images of all processes, joined.

    between : (A times all slots,) the counts of all processes, class by class; None where every
    detection is here. best : (K,) the best score of each class, 0 without detections.
    """

    between: Counts | None
    best: Floats

    def class_of_parts(self, category: int, *, listed: bool = False) -> list[ClassOfPart]:
        """One class in every part; equal scores stand by image."""
        of_parts = super().class_of_parts(category, listed=listed)
        return [replace(part, number=None) for part in of_parts]

    def class_anchors(self, category: int) -> ClassAnchors:
        """The anchors of one class of all processes."""
        return ClassAnchors(self.class_of_parts(category), self.class_facts(category))

    def counted(
        self,
        category: int,
        *,
        limits: Sequence[float] | None = None,
        ties: bool = False,
        listed: bool = False,
    ) -> CountedMatches:
        """The matches of one class.

        Raises:
            InputError: they need detections of other processes.
        """
        if self.between is None:
            return super().counted(category, limits=limits, ties=ties, listed=listed)
        if ties or (limits is not None and {*limits} != {self.rules.max_limit}):
            raise InputError(ELSEWHERE)
        anchors = self.class_anchors(category)
        counts = ClassCounts.none(anchors)
        counts.between[0] = self.between[self._slots(category)].reshape(counts.between[0].shape)
        counts.detected, counts.best = int(self.detections[category]), float(self.best[category])
        return matches_of(anchors, counts, _refuse_listing)

    def all_classes(self) -> CountedMatches:
        """The matches of all classes."""
        classes = [self.counted(category) for category in range(self.categories)]
        return joined_classes(classes, _refuse_listing) if classes else self.no_class()

    def _slots(self, category: int) -> slice:
        """Where the counts of a class are."""
        anchors: Ints = np.sum([part.head.anchors for part in self.parts], axis=0)
        first = running((anchors + 1) * len(self.rules.area_ranges))
        return slice(*first[category : category + 2])


def _refuse_listing() -> ListedClass:
    raise InputError(ELSEWHERE)


def index_of(parts: Sequence[RankPart]) -> RankIndex:
    """The parts of all processes that have images, in order of rank.

    Raises:
        InputError: image sizes are known in some alone, and a range of sizes needs all of them.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.head.unsized != first.head.unsized:
            raise InputError(
                f"{first.head.part} and {part.head.part}: the sizes of all images are known in one "
                "alone, and a range of the rules needs them. Fix: give image_sizes with every "
                "update, or metric.sync().compute()"
            )
    index = joined(parts, first.rules, 0)
    found = np.stack([part.head.detections > 0 for part in parts])
    best = np.where(found, np.stack([part.best for part in parts]), -np.inf).max(axis=0)
    return RankIndex(
        rules=index.rules,
        parts=index.parts,
        images=index.images,
        order=index.order,
        between=None,
        best=np.where(found.any(axis=0), best, 0.0),
    )


def own_counts(index: RankIndex, own: int | None) -> Counts:
    """What one process adds to the counts of all: 4 bytes per range and slot.

    own: the place of its part in the index, which has every detection of it; None: it has no image.
    """
    counts = []
    for category in range(index.categories):
        anchors = index.class_anchors(category)
        of_class = ClassCounts.none(anchors)
        if own is not None:
            count_part(of_class, index.class_of_parts(category)[own], anchors)
        counts.append(of_class.between.ravel())
    return np.concatenate(counts).astype(counting(int(index.detections.sum())))
