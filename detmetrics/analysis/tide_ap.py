"""AP as it would be without some errors: how TIDE tells what a kind of error costs.

AP is the mean of the envelope at 101 recall points, ``0, 0.01, ...``; the mean over classes is
taken over those with objects or detections. As it stands, detections of equal score stand by image;
once something is mended, errors stand before what is right among equal scores, each by image.
Source: ``tidecv`` 1.0.1, ``ap.py`` and ``fix_errors`` of ``quantify.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, by_group, moved, rank_in_runs
from detmetrics.matching.ranking import best_first
from detmetrics.metrics.interpolation import TruePositives, envelope

__all__ = ["Cells", "Points"]

RECALL_POINTS = np.array([place / 100 for place in range(101)])  # each the float next to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """AP of each class.

    ap : (K,) 0 without objects; exists : (K,) it has objects or detections.
    """

    ap: Floats
    exists: Bools

    @property
    def mean(self) -> float:
        """Over the classes that are there; nan where none is."""
        return float(self.ap[self.exists].mean()) if self.exists.any() else math.nan


class Points:
    """The detections that are right or wrong, and the objects that count."""

    def __init__(
        self, category: Ints, image: Ints, score: Floats, right: Bools, truths: Ints
    ) -> None:
        """category, image, score, right : (n,) of detections by row; truths : (K,) positives."""
        self.category, self.right, self.positives = category, right, truths
        self._score, self._image = score, image
        # sorted by (-score, right, image): one number for the last two
        images = int(image.max(initial=0)) + 1
        best = best_first(score, image + right * images)
        self._rank = moved(best)
        self._mended = by_group(category, best)

    def as_it_stands(self) -> Cells:
        """With nothing mended."""
        order = by_group(self.category, best_first(self._score, self._image))
        return _cells(order, self.category, self.right, self.positives)

    def with_errors_mended(self, errors: Ints, fixes: Ints, classes: Ints) -> Cells:
        """Without these errors, but for those that become right in these classes.

        errors, fixes: indices of points; classes : (len(fixes),).
        """
        keep = np.ones(len(self.right), bool)
        keep[errors] = False
        order = self._mended[np.flatnonzero(keep[self._mended])]
        if not len(fixes):
            return _cells(order, self.category, self.right, self.positives)
        right, category = self.right.copy(), self.category.copy()
        right[fixes], category[fixes] = True, classes
        # What stays is in order, so the few that move are put in: by class and rank, as one number.
        place = category * len(category) + self._rank
        fixes = fixes[np.argsort(place[fixes])]
        order = np.insert(order, np.searchsorted(place[order], place[fixes]), fixes)
        return _cells(order, category, right, self.positives)

    def with_fewer_objects(self, gone: Ints) -> Cells:
        """With so many objects fewer in each class; gone : (K,)."""
        return _cells(self._mended, self.category, self.right, self.positives - gone)

    def with_right_ones_first(self) -> Cells:
        """With all that are wrong below all that are right."""
        order = by_group(self.category, np.argsort(~self.right, kind="stable"))
        return _cells(order, self.category, self.right, self.positives)


def _cells(order: Ints, category: Ints, right: Bools, truths: Ints) -> Cells:
    """AP of points in this order, by class and best first; category, right : (n,) of each point."""
    # for each class, its points best first:
    #     counted += 1; found += right
    #     at those that are right: precision = found / counted
    # AP = the mean of the envelope at 101 points
    classes = len(truths)
    of_point = category[order]
    hit = np.flatnonzero(right[order])
    of_hit, counted = of_point[hit], rank_in_runs(of_point)[hit] + 1
    first = np.searchsorted(of_hit, np.arange(classes))
    found = np.arange(len(hit)) - first[of_hit] + 1
    count = np.bincount(of_hit, minlength=classes)
    of_class = np.bincount(of_point, minlength=classes)
    hits = TruePositives(
        detection=order[hit],
        false_positives=counted - found,
        first=first[None],
        count=count[None],
        all_false_positives=(of_class - count)[None],
    )
    ap = envelope(hits, truths, RECALL_POINTS)[0].mean(axis=1)
    ap[truths == 0] = 0.0
    return Cells(ap=ap, exists=(truths > 0) | (of_class > 0))
