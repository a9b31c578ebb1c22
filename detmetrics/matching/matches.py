"""The record of an evaluation: who was matched, and who was set aside.

Curves, verdicts and analyses read it and nothing else; tables of disjoint images merge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import (
    Bools,
    Counts,
    Floats,
    Ints,
    by_group,
    moved,
    narrow,
    run_starts,
    running,
)
from detmetrics.matching.candidates import Regions
from detmetrics.matching.match_counts import (
    ClassOutcomes,
    RankedRows,
    ScoreRuns,
    SettledRows,
    Unmatched,
)
from detmetrics.overlap import Pairs
from detmetrics.rules import Rules
from detmetrics.tables.catalog import Catalog

__all__ = ["ClassOutcomes", "Matched", "Matches", "Outcomes", "in_order_of_detections"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The matched pairs of one area range: by threshold, then in order of detection.

    pair : (Q,) index into the pairs of :class:`Matches`; true_positive : (Q,) the detection is one,
    otherwise it is ignored; count : (T,) how many at each threshold.
    """

    pair: Counts
    true_positive: Bools
    count: Ints

    def __post_init__(self) -> None:
        # No column of a result is longer, so it has no more bits than it needs.
        object.__setattr__(self, "pair", narrow(self.pair, int(self.pair.max(initial=0))))

    @property
    def threshold(self) -> Ints:
        """(Q,) the index of the threshold of each."""
        return np.repeat(np.arange(len(self.count)), self.count)

    def at(self, threshold: int) -> tuple[Counts, Bools]:
        """The matched pairs of one threshold, and which of them are true positives."""
        end = int(self.count[: threshold + 1].sum())
        slots = slice(end - int(self.count[threshold]), end)
        return self.pair[slots], self.true_positive[slots]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Outcomes:
    """What became of each detection at one threshold and in one area range.

    true_positive, false_positive : (D,) in the order of :class:`Matches`; a detection that is
    neither is ignored. overlap : (D,) with the ground truth that a true positive took, 0 for all
    others. positives : (K,) ground truths that count, the denominators of recall.
    """

    true_positive: Bools
    false_positive: Bools
    overlap: Floats
    positives: Ints
    matches: RankedRows
    threshold: int

    @property
    def counts(self) -> Bools:
        """(D,) true or false positives: the detections that are not ignored."""
        return self.true_positive | self.false_positive

    def of_class(self, category: int, limit: float | None = None) -> ClassOutcomes:
        """The detections of one class (an index) that count.

        limit: how many detections of an image and class count, the largest of the rules unless
        given.
        """
        matches = self.matches
        rows = slice(*matches.first[category : category + 2])
        counts = self.counts[rows]
        if limit is not None and limit < matches.rules.max_limit:
            counts = counts & matches.within(limit, rows)
        return ClassOutcomes(
            true_positive=self.true_positive[rows][counts],
            overlap=self.overlap[rows][counts],
            score=matches.score[rows][counts],
            image=matches.image[rows][counts],
            positives=int(self.positives[category]),
            images=matches.images,
            threshold=matches.rules.iou_thresholds[self.threshold],
            rules=matches.rules,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Matches:
    """Everything that curves and analyses need to know; boxes are no longer needed.

    Detections that the rules leave out (beyond a limit, below a score) are gone. The others
    stand by category, best first.

    Attributes:
        rules: the rules that were applied.
        catalog: the images and classes that indices count.
        categories: K, 1 where categories are pooled.
        detections: how many stand in the table, those left out included.
        row : (D,) row of each detection in its table.
        category, image : (D,) indices.
        score : (D,) of each detection.
        rank : (D,) place inside its image and category, from 0: it counts for a limit M where
            ``rank < M``.
        in_range : (A, D) its size lies in the range.
        fp_if_unmatched : (A, D) where it matches nothing it is a false positive; it is set aside
            otherwise, as its size is out of range or its class not marked in full.
        images: how many images there are, those without detections included.
        truth_row, truth_category, truth_image : (G,) of each ground truth; they are ordered by
            category, then by image.
        ignored : (A, G) ground truths that count neither for nor against.
        least : (T, K) the overlap that a match in each class must reach.
        regions: where objects and regions stand, where a metric asks for it.
        unsized : (A,) area ranges that are undefined because image sizes are unknown.
        frequency : (K,) how frequent each class is, as LVIS has it; empty where unknown.
        pairs: the candidates in order of detection, with indices into these detections and ground
            truths; of each detection those of one range behind the other where ranges differ in
            whom it may match.
        strays: pairs of detections out of a range with ground truths of other classes, where
            ground truths choose them by score; none of them is matched.
        matched: (A,) which of the pairs are matched, a record an area range.
    """

    rules: Rules
    catalog: Catalog
    categories: int
    detections: int
    row: Ints
    category: Ints
    image: Ints
    score: Floats
    rank: Ints
    in_range: Bools
    fp_if_unmatched: Bools
    images: int
    truth_row: Ints
    truth_category: Ints
    truth_image: Ints
    ignored: Bools
    least: Floats
    regions: Regions | None
    unsized: Bools
    frequency: tuple[str, ...]
    pairs: Pairs
    strays: Pairs | None
    matched: tuple[Matched, ...]

    @property
    def first(self) -> Ints:
        """(K + 1,) where the detections of each category begin, and where all end."""
        return np.searchsorted(self.category, np.arange(self.categories + 1))

    @property
    def positives(self) -> Ints:
        """(K, A) the ground truths that count: the denominators of recall."""
        counts = [
            np.bincount(self.truth_category[~ignored], minlength=self.categories)
            for ignored in self.ignored
        ]
        return np.stack(counts, axis=1)

    @property
    def detected(self) -> Ints:
        """(K,) how many detections of each category there are."""
        return np.bincount(self.category, minlength=self.categories)

    @property
    def best_scores(self) -> Floats:
        """(K,) the best score of each category, 0 without detections."""
        # Detections are by category and falling score: the first of a category is its best.
        first = self.first
        some = first[:-1] < first[1:]
        best = np.zeros(self.categories)
        best[some] = self.score[first[:-1][some]]
        return best

    def within(self, limit: float, rows: Ints | slice) -> Bools:
        """Which of these rows a limit of detections per image and category keeps."""
        kept: Bools = self.rank[rows] < limit
        return kept

    def settled(self, area: int) -> SettledRows:
        """The matched detections of an area range."""
        matched = self.matched[area]
        return SettledRows(
            matched.threshold, self.pairs.detection[matched.pair], matched.true_positive
        )

    def settled_at(self, area: int, threshold: int) -> tuple[Ints, Bools]:
        """Those of one threshold: rows, and which of them are true positives."""
        pair, right = self.matched[area].at(threshold)
        return self.pairs.detection[pair], right

    def unmatched(self, area: int, limit: float) -> Unmatched:
        """What would be false positives if nothing were matched, within a limit."""
        counts = self.fp_if_unmatched[area]
        if limit < self.rules.max_limit:
            counts = counts & (self.rank < limit)
        sums = running(counts)  # one prefix sum for all thresholds, over all D
        return Unmatched(counts, sums[1:], sums[self.first])

    def score_runs(self, area: int) -> ScoreRuns:
        """The runs of equal score, and what counts unmatched around them."""
        first = self.equal_scores
        end = np.append(first[1:], len(self.row))
        run = np.repeat(np.arange(len(first)), end - first)
        sums = running(self.fp_if_unmatched[area])
        return ScoreRuns(run, first, end, end - first > 1, sums[first], sums[end])

    @property
    def equal_scores(self) -> Ints:
        """(U,) where each run of equal category and score begins."""
        begins = np.zeros(len(self.row), bool)
        begins[run_starts(self.category)] = True
        begins[run_starts(self.score)] = True
        return np.flatnonzero(begins)

    def outcomes(self, area: int = 0, threshold: int = 0) -> Outcomes:
        """Who is right and who counts, said once: what metrics and analyses read.

        area, threshold: indices into the rules.
        """
        pair, is_right = self.matched[area].at(threshold)
        detection = self.pairs.detection[pair]
        true_positive, overlap = np.zeros(len(self.row), bool), np.zeros(len(self.row))
        true_positive[detection[is_right]] = True
        overlap[detection[is_right]] = self.pairs.overlap[pair[is_right]]
        # matched: a true positive, or ignored as its ground truth is;
        # not matched: a false positive, or ignored for its own sake (``fp_if_unmatched``)
        false_positive = self.fp_if_unmatched[area].copy()
        false_positive[detection] = False
        return Outcomes(
            true_positive=true_positive,
            false_positive=false_positive,
            overlap=overlap,
            positives=self.positives[:, area],
            matches=self,
            threshold=threshold,
        )

    def to_bytes(self) -> bytes:
        """Everything that the matches hold, without pickle; :meth:`from_bytes` reads it back."""
        from detmetrics.matching.stored import stored

        return stored(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Matches:
        """The matches that :meth:`to_bytes` wrote, equal in every bit.

        Raises:
            InputError: the data is something else, is damaged, or another release wrote it in a
                way that this one cannot read.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> matches = dm.Matches.from_bytes(result.matching.to_bytes())
        >>> dm.summarize_matches(matches) == result.summary
        True
        """
        from detmetrics.matching.stored import restored

        return restored(data)


def in_order_of_detections(pairs: Pairs) -> tuple[Pairs, Ints]:
    """The pairs in order of detection, those of each in their order, and where each of them went.

    The second is (P,), by the place that a pair had before.
    """
    order = by_group(pairs.detection, np.arange(len(pairs.detection)))
    ordered = Pairs(
        detection=pairs.detection[order],
        ground_truth=pairs.ground_truth[order],
        overlap=pairs.overlap[order],
    )
    return ordered, moved(order)
