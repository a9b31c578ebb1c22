"""Matches whose detections are counted, but for those that a pair settled: of one class, or joined.

A detection that matches nothing moves a curve only by how many such stand before a settled one. So
the settled detections are rows, and of the others the number between each two rows is known, in
each range of sizes and within each limit: one count per row, and one per class behind its last row.
See :mod:`detmetrics.matching.match_counts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts, running
from detmetrics.matching.match_counts import RankedRows, ScoreRuns, SettledRows, Unmatched
from detmetrics.matching.matches import Outcomes
from detmetrics.rules import Rules

__all__ = ["CountedMatches", "ListedClass", "OutcomeBits", "TieCounts", "joined_classes"]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeBits:
    """What is true of each row in each range and at each threshold, in an eighth of the memory.

    bits : (n, A, bytes) of each row and range a bit a threshold, from the lowest of the first byte.
    """

    bits: NDArray[np.uint8]

    def at(self, area: int, threshold: int) -> Bools:
        """(n,) of one range and threshold."""
        found: Bools = (self.bits[:, area, threshold >> 3] >> (threshold & 7) & 1).astype(bool)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TieCounts:
    """What would be false positives unmatched, by whether a row has their score.

    tied : (A, n + K) those with the score of a row, at the first row of that score;
    apart : (A, n + K) the others, at the row before which they stand.
    """

    tied: Ints
    apart: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedClass:
    """Every detection of the class after all, for what needs each of them.

    rows: the detections; settled : (n,) which of them are the rows of the counted matches;
    fp_if_unmatched : (A, D) as of :class:`~detmetrics.matching.matches.Matches`.
    """

    rows: RankedRows
    settled: Ints
    fp_if_unmatched: Bools


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CountedMatches:
    """What curves of K classes read; n settled detections are rows, by class and best first.

    Attributes:
        rules: the rules that were applied.
        images: of the data set, those without detections included.
        unsized : (A,) area ranges that are undefined because image sizes are unknown.
        frequency : (K,) how frequent each class is, as LVIS has it; empty where unknown.
        positives : (K, A) ground truths that count.
        detected : (K,) how many detections there are.
        best_scores : (K,) the best score, 0 without detections.
        first : (K + 1,) the first row of each class, and the number of rows.
        score : (n,) of each row.
        inside : (M, n) whether each row is within each limit of the rules.
        fp_if_unmatched : (A, n) where it matches nothing it is a false positive.
        matched, true_positive: by range and threshold whether the row is matched, and whether it
            is right; no row that is neither right nor a false positive if unmatched is marked as
            matched.
        overlap : (n,) with the ground truth that it took at the first threshold over all sizes, 0
            where it took none.
        between: by limit (A, n + K) what would be false positives unmatched: of the others those
            behind the row before, and the row itself; at the end of a class those behind its last.
        ties: the same by score, where ties are asked for.
        listing: every detection after all, read when it is asked for.
    """

    rules: Rules
    images: int
    unsized: Bools
    frequency: tuple[str, ...]
    positives: Ints
    detected: Ints
    best_scores: Floats
    first: Ints
    score: Floats
    inside: Bools
    fp_if_unmatched: Bools
    matched: OutcomeBits
    true_positive: OutcomeBits
    overlap: Floats
    between: Mapping[float, Ints]
    ties: TieCounts | None
    listing: Callable[[], ListedClass]

    @property
    def categories(self) -> int:
        """K, how many classes there are."""
        return len(self.first) - 1

    @property
    def category(self) -> Ints:
        """(n,) of each row."""
        return np.repeat(np.arange(self.categories), np.diff(self.first))

    def within(self, limit: float, rows: Ints | slice) -> Bools:
        """Which of these rows a limit of the rules keeps."""
        kept: Bools = self.inside[self.rules.max_detections.index(limit)][rows]
        return kept

    def settled(self, area: int) -> SettledRows:
        """The matched detections of an area range."""
        each = [self.settled_at(area, at) for at in range(len(self.rules.iou_thresholds))]
        rows = [row for row, _ in each]
        threshold = np.repeat(np.arange(len(each)), [*map(len, rows)])
        return SettledRows(threshold, np.concatenate(rows), np.concatenate([t for _, t in each]))

    def settled_at(self, area: int, threshold: int) -> tuple[Ints, Bools]:
        """Those of one threshold: rows, and which of them are true positives."""
        row = np.flatnonzero(self.matched.at(area, threshold))
        return row, self.true_positive.at(area, threshold)[row]

    def unmatched(self, area: int, limit: float) -> Unmatched:
        """What would be false positives if nothing were matched, within a limit of the rules."""
        counts = self.fp_if_unmatched[area]
        if limit < self.rules.max_limit:
            counts = counts & self.within(limit, slice(None))
        down_to = np.cumsum(self.between[limit][area])
        ends = self.first[1:] + np.arange(self.categories)
        return Unmatched(counts, down_to[self._slots], np.append(0, down_to[ends]))

    @property
    def _slots(self) -> Ints:
        """(n,) where the counts of each row are: those behind the last row of a class have a place
        too.
        """
        return np.arange(len(self.score)) + self.category

    def score_runs(self, area: int) -> ScoreRuns:
        """The runs of equal score, and what counts unmatched around them."""
        assert self.ties is not None
        slots, category = self._slots, self.category
        first = np.union1d(run_starts(self.score), run_starts(category))
        end = np.append(first[1:], len(self.score))
        run = np.repeat(np.arange(len(first)), end - first)
        # Before a run: all of other scores down to its first row, and of tied ones those of
        # earlier runs, which are at their own first rows.
        tied, at = self.ties.tied[area], slots[first]
        before = np.cumsum(self.ties.apart[area])[at] + running(tied)[at]
        shared = np.ones(len(first), bool)
        return ScoreRuns(run, first, end, shared, before, before + tied[at])

    def outcomes(self, area: int = 0, threshold: int = 0) -> Outcomes:
        """Who is right and who counts, detection by detection: all of the class are read.

        The overlap of true positives is known at the first threshold over all sizes, where metrics
        ask for it, and nan elsewhere.
        """
        listing = self.listing()
        size = listing.fp_if_unmatched.shape[1]
        true_positive, overlap = np.zeros(size, bool), np.zeros(size)
        right = self.true_positive.at(area, threshold)
        true_positive[listing.settled[right]] = True
        known = area == threshold == 0
        overlap[listing.settled[right]] = self.overlap[right] if known else np.nan
        false_positive = listing.fp_if_unmatched[area].copy()
        false_positive[listing.settled[self.matched.at(area, threshold)]] = False
        return Outcomes(
            true_positive=true_positive,
            false_positive=false_positive,
            overlap=overlap,
            positives=self.positives[:, area],
            matches=listing.rows,
            threshold=threshold,
        )


def joined_classes(
    classes: Sequence[CountedMatches], listing: Callable[[], ListedClass]
) -> CountedMatches:
    """Several classes in one, all counted alike; listing: every detection of all of them."""
    one = classes[0]

    def of(read: Callable[[CountedMatches], Any], axis: int = 0) -> Any:
        return np.concatenate([read(each) for each in classes], axis=axis)

    def ties_of(each: CountedMatches) -> TieCounts:
        assert each.ties is not None
        return each.ties

    ties = None
    if one.ties is not None:
        ties = TieCounts(
            tied=of(lambda each: ties_of(each).tied, 1),
            apart=of(lambda each: ties_of(each).apart, 1),
        )
    return CountedMatches(
        rules=one.rules,
        images=one.images,
        unsized=one.unsized,
        frequency=tuple(name for each in classes for name in each.frequency),
        positives=of(lambda each: each.positives),
        detected=of(lambda each: each.detected),
        best_scores=of(lambda each: each.best_scores),
        first=running(np.array([len(each.score) for each in classes], np.int64)),
        score=of(lambda each: each.score),
        inside=of(lambda each: each.inside, 1),
        fp_if_unmatched=of(lambda each: each.fp_if_unmatched, 1),
        matched=OutcomeBits(of(lambda each: each.matched.bits)),
        true_positive=OutcomeBits(of(lambda each: each.true_positive.bits)),
        overlap=of(lambda each: each.overlap),
        between={
            limit: of(lambda each, limit=limit: each.between[limit], 1)  # type: ignore[misc]
            for limit in one.between
        },
        ties=ties,
        listing=listing,
    )
