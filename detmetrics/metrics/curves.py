"""Precision-recall curves, from true positives only.

Precision falls at every detection but a true positive, and recall changes at true positives
alone: the envelope of a curve is therefore a running maximum over its true positives, and its
value at a recall ``r`` stands at the first true positive whose recall reaches ``r``. So only
matched detections are touched (tens of thousands), never the cells of all detections.

Precision is ``tp / (fp + tp + spacing(1))`` as pycocotools takes it. Of the detections up to
some place, ``fp + tp`` are those that are not ignored: all whose area is in range, corrected at
matched detections, which count by their ground truth and not by their own area. Source:
``pycocotools/cocoeval.py``, ``accumulate``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.parallel import each
from detmetrics.matching.match_counts import MatchCounts, OutcomesByClass
from detmetrics.matching.matches import Matches
from detmetrics.metrics.interpolation import (
    TINY,
    TruePositives,
    area_under_envelope,
    area_under_lines,
    area_under_trapezoids,
    envelope,
    scores_reached,
)
from detmetrics.metrics.kitti_precision import CUTS, precision_at_cuts
from detmetrics.metrics.true_positives import found_within, true_positives
from detmetrics.rules import Rules

if TYPE_CHECKING:
    from detmetrics.metrics.definitions import Metric

__all__ = ["Curve", "Curves"]

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One precision-recall curve: a point at every detection that counts, best score first.

    Attributes:
        recall, precision : (n,) of all detections down to this one; recall is nan where there
            is no ground truth.
        envelope : (n,) the highest precision at this recall or beyond: what AP averages.
        scores : (n,) of the detections.
        positives: how many ground truths count.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> curve = result.curve("dog")
    >>> curve.positives, curve.scores[:2].tolist(), curve.recall[-1].round(3).item()
    (7, [0.874, 0.795], 0.286)
    """

    recall: Floats
    precision: Floats
    envelope: Floats
    scores: Floats
    positives: int


class Curves:
    """The curves of all categories, thresholds and area ranges of one set of matches.

    Whether the matches list all detections or count most of them makes no difference.
    """

    def __init__(self, matches: MatchCounts) -> None:
        self.matches = matches
        self._hits: dict[tuple[int, float], TruePositives] = {}
        self._last: tuple[tuple[int, int], OutcomesByClass] | None = None
        self._shared: dict[Any, Any] = {}

    @cached_property
    def positives(self) -> Ints:
        """(K, A) ground truths that count: the denominators of recall."""
        return self.matches.positives

    @property
    def rules(self) -> Rules:
        """Those that were applied."""
        return self.matches.rules

    @property
    def unsized(self) -> Bools:
        """(A,) area ranges that are undefined because image sizes are unknown."""
        return self.matches.unsized

    def of_each_class(self, metric: Metric) -> Floats:
        """(..., K) what each class alone gives to a metric."""
        return metric.kind.cells(self, metric)

    @cached_property
    def detected(self) -> Ints:
        """(K,) how many detections of each category there are."""
        return self.matches.detected

    @property
    def listed(self) -> Matches:
        """The matches, for a metric that needs every detection as a row."""
        assert isinstance(self.matches, Matches)
        return self.matches

    @cached_property
    def headline_precision(self) -> Floats:
        """(T, R, K, A) :meth:`precision` at the largest limit."""
        return self.precision(self.matches.rules.max_limit)

    def precision(self, limit: float) -> Floats:
        """(T, R, K, A) the envelope at each recall point; nan without ground truth in range.

        limit: how many detections of an image and category count.
        """

        def of(area: int) -> Floats:
            hits = self.true_positives(area, limit)
            return envelope(hits, self.positives[:, area], self._points).swapaxes(1, 2)

        return self._defined(self._each_area(of))

    def scores(self, limit: float) -> Floats:
        """(T, R, K, A) the score that reaches each recall point, 0 where none does.

        At recall 0 it is the best score of the category, as in pycocotools.
        """
        best = self.matches.best_scores
        cells = [
            scores_reached(
                self.true_positives(area, limit),
                self.positives[:, area],
                self._points,
                self.matches.score,
                best,
            )
            for area in self._areas
        ]
        return self._defined([part.swapaxes(1, 2) for part in cells])

    @cached_property
    def headline_area(self) -> Floats:
        """(T, K, A) AP at the largest limit, where the rules take all of a curve."""
        limit = self.matches.rules.max_limit

        def of(area: int) -> Floats:
            if self.matches.rules.interpolation == "cuts":
                return self._over_cuts(area)
            return self.cells(area, self.true_positives(area, limit))

        return self._defined(self._each_area(of))

    def _over_cuts(self, area: int) -> Floats:
        """(T, K) the mean of precision at the cuts that stand for the recall points."""
        places = np.round(self._points * (CUTS - 1)).astype(int)
        thresholds = range(len(self.matches.rules.iou_thresholds))
        curves = [precision_at_cuts(self.listed, area, t)[:, places] for t in thresholds]
        return np.stack([curve.mean(axis=1) for curve in curves])

    def cells(self, area: int, hits: TruePositives) -> Floats:
        """What AP is the mean of, for these true positives: (T, R, K) precision at the recall
        points, or (T, K) the area under each curve.
        """
        truths = self.positives[:, area]
        match self.matches.rules.interpolation:
            case "points":
                return envelope(hits, truths, self._points).swapaxes(1, 2)
            case "every":
                return area_under_envelope(hits, truths)
            case "trapezoid":
                return area_under_trapezoids(hits, truths)
            case "linear" | "slope" as way:
                return area_under_lines(hits, truths, self._points, slope=way == "slope")
            case "cuts":
                raise InputError("precision at cuts does not follow from true positives alone")

    @cached_property
    def recall(self) -> Floats:
        """(T, K, A, M) the highest recall at each limit; nan without ground truth in range."""
        matches, rules = self.matches, self.matches.rules

        def of(area: int) -> list[Floats]:
            # A limit M keeps the detections of rank < M, and matches of better detections do not
            # depend on worse ones where detections choose: recall at M is the share of true
            # positives of rank < M.
            hits = self.true_positives(area, rules.max_limit)
            with np.errstate(invalid="ignore"):
                return [
                    found_within(hits, matches.within(limit, hits.detection))
                    / self.positives[:, area]
                    for limit in rules.max_detections
                ]

        areas = [np.stack(cells, axis=-1) for cells in self._each_area(of)]
        return np.stack(areas, axis=2)

    def curve(self, category: int, threshold: int, area: int, limit: float) -> Curve:
        """The curve of one category, threshold and area range; all are indices but ``limit``."""
        one = self.outcomes(area, threshold).of_class(category, limit)
        found = np.cumsum(one.true_positive)
        precision = found / (np.arange(1, len(found) + 1) + TINY)
        return Curve(
            recall=found / one.positives if one.positives else np.full(len(found), np.nan),
            precision=precision,
            envelope=np.maximum.accumulate(precision[::-1])[::-1],
            scores=one.score,
            positives=one.positives,
        )

    def outcomes(self, area: int, threshold: int) -> OutcomesByClass:
        """As of the matches; the last ones asked for are kept, as classes ask in turn."""
        if self._last is None or self._last[0] != (area, threshold):
            self._last = (area, threshold), self.matches.outcomes(area, threshold)
        return self._last[1]

    def once(self, of: Callable[[Curves], Answer]) -> Answer:
        """What several metrics share, computed by the first that asks."""
        if of not in self._shared:
            self._shared[of] = of(self)
        answer: Answer = self._shared[of]
        return answer

    @property
    def _points(self) -> Floats:
        return np.array(self.matches.rules.recall_points)

    @property
    def _areas(self) -> range:
        return range(len(self.matches.rules.area_ranges))

    def _each_area(self, of: Callable[[int], Answer]) -> list[Answer]:
        return each(of, self._areas, rows=len(self.matches.score))

    def true_positives(self, area: int, limit: float) -> TruePositives:
        """The true positives of an area range (an index) and a detection limit."""
        if (area, limit) not in self._hits:
            self._hits[area, limit] = true_positives(self.matches, area, limit)
        return self._hits[area, limit]

    def _defined(self, cells: list[Floats]) -> Floats:
        """From (..., K) for each area range to (..., K, A), undefined cells nan."""
        stacked = np.stack(cells, axis=-1)
        stacked[..., self.positives == 0] = np.nan
        return stacked
