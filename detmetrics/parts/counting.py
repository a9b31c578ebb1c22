"""One class of all parts: the anchors in one order, all other detections counted between them.

The anchors of all parts are needed first; then the detections of one part after the other are
counted, and the counts of parts may be made anywhere and added. Detections of equal score stand by
place: by image, or by part where its number is given. The scalar rule, for each detection that is
no anchor::

    slot = anchors of a better score
         + anchors of its score at an earlier place
         + anchors of its score and place that the part has before it
    between[slot] += 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, read_only, run_starts
from detmetrics.matching.counted import CountedMatches, ListedClass, OutcomeBits, TieCounts
from detmetrics.parts.condensing import Marks, Records
from detmetrics.rules import Rules

__all__ = [
    "ClassAnchors",
    "ClassCounts",
    "ClassFacts",
    "ClassOfPart",
    "count_part",
    "counted_class",
    "matches_of",
    "no_class",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOfPart:
    """One class in one part.

    anchors, ranked: read its tables; images : (n,) from images of the part to those of the data
    set; number: what orders equal scores is the number of their part; None: it is their image.
    """

    anchors: Callable[[], Records]
    ranked: Callable[[], Records]
    images: Callable[[], Ints]
    number: int | None

    def places(self, image: Ints) -> Ints:
        """(n,) what orders equal scores; image : (n,) of the part."""
        if self.number is not None:
            return np.full(len(image), self.number)
        return self.images()[image]


class ClassFacts(NamedTuple):
    """What is known of a class beside its detections; see :class:`CountedMatches`.

    positives : (A,); frequency: of the class, or nothing; places: places are below.
    """

    rules: Rules
    images: int
    unsized: Bools
    frequency: tuple[str, ...]
    positives: Ints
    places: int


def counted_class(
    parts: Sequence[ClassOfPart],
    one: ClassFacts,
    *,
    limits: Sequence[float] | None = None,
    ties: bool = False,
) -> CountedMatches:
    """The matches of one class, counted; parts in their order.

    limits, ties: as of :meth:`ClassCounts.none`.
    """
    anchors = ClassAnchors(parts, one)
    counts = ClassCounts.none(anchors, limits, ties=ties)
    for part in parts:
        count_part(counts, part, anchors)
    return matches_of(anchors, counts, lambda: _listed(parts, one))


def no_class(rules: Rules, images: int, unsized: Bools) -> CountedMatches:
    """The matches of a data set that has no class: the shapes of its cells follow from it."""
    marks = Marks(rules)
    nothing = np.zeros(0, marks.anchors(images))
    rows = _ListedRows(
        rules=rules,
        images=images,
        first=np.zeros(1, np.int64),
        score=np.zeros(0),
        image=np.zeros(0, np.int64),
        inside=np.zeros((len(rules.max_detections), 0), bool),
    )
    liable = _by_area(marks, nothing)
    return CountedMatches(
        rules=rules,
        images=images,
        unsized=unsized,
        frequency=(),
        positives=np.zeros((0, marks.areas), np.int64),
        detected=np.zeros(0, np.int64),
        best_scores=np.zeros(0),
        first=rows.first,
        score=rows.score,
        inside=rows.inside,
        fp_if_unmatched=liable,
        matched=OutcomeBits(nothing["matched"]),
        true_positive=OutcomeBits(nothing["true_positive"]),
        overlap=nothing["overlap"],
        between=dict.fromkeys(rules.max_detections, np.zeros((marks.areas, 0), np.int64)),
        ties=TieCounts(
            tied=np.zeros((marks.areas, 0), np.int64), apart=np.zeros((marks.areas, 0), np.int64)
        ),
        listing=lambda: ListedClass(rows=rows, settled=rows.image, fp_if_unmatched=liable),
    )


class ClassAnchors:
    """The anchors of one class of all parts, in one order.

    Attributes:
        one: what is known of the class.
        marks: which bits of the records say what.
        records : (n,) best first.
        slots: what other detections are placed among.
    """

    def __init__(self, parts: Sequence[ClassOfPart], one: ClassFacts) -> None:
        """Parts: all of them, in their order; only their anchors are read."""
        self.one, self.marks = one, Marks(one.rules)
        self.records, places = _in_order(parts)
        self.slots = _Slots(_falling(self.records), places, one.places)


def _in_order(parts: Sequence[ClassOfPart]) -> tuple[Records, Ints]:
    """The anchors of all parts, best first, and the place of each."""
    tables = [part.anchors() for part in parts]
    anchors = np.concatenate(tables)
    places = np.concatenate(
        [part.places(table["image"]) for part, table in zip(parts, tables, strict=True)]
    )
    # A stable sort: those of one score and place are of one part, in its order.
    order = np.lexsort((places, _falling(anchors)))
    return anchors[order], places[order]


def _falling(records: Records) -> Floats:
    """(n,) scores that rise where the given ones fall; one zero in place of two."""
    falling: Floats = -(records["score"].astype(np.float64) + 0.0)
    return falling


def _by_area(marks: Marks, records: Records) -> Bools:
    """(A, n) which are false positives in each range where they match nothing."""
    return np.stack([marks.fp_if_unmatched(records, area) for area in range(marks.areas)])


# --- counting between anchors --------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class ClassCounts:
    """What is counted of a class, of as many parts as were added.

    limits: of the rules, those that curves are asked at; between : (limits, A, n + 1), see
    :class:`CountedMatches`; ties: the same by score, where these are asked for; detected: all
    detections; best: the best score of all, 0 without any.
    """

    limits: Sequence[float]
    between: Ints
    ties: TieCounts | None = None
    detected: int = 0
    best: float = 0.0

    @classmethod
    def none(
        cls, anchors: ClassAnchors, limits: Sequence[float] | None = None, *, ties: bool = False
    ) -> ClassCounts:
        """Those of no part.

        limits: the largest of the rules unless given; ties: count by equal scores too.
        """
        limits = [anchors.one.rules.max_limit] if limits is None else limits
        shape = (anchors.marks.areas, len(anchors.records) + 1)
        by_score = TieCounts(tied=np.zeros(shape, np.int64), apart=np.zeros(shape, np.int64))
        return cls(
            limits=limits,
            between=np.zeros((len(limits), *shape), np.int64),
            ties=by_score if ties else None,
        )


def count_part(counts: ClassCounts, part: ClassOfPart, anchors: ClassAnchors) -> None:
    """Add the detections of one part; the anchors are those of all parts."""
    ranked, marks = part.ranked(), anchors.marks
    if not len(ranked):
        return
    placed = anchors.slots.of(
        _falling(ranked),
        lambda rows: part.places(ranked["image"][rows]),
        _sooner(ranked, marks, by_image=part.number is None),
    )
    _add(counts, placed, ranked, marks)
    best = float(ranked["score"][0])
    counts.best = best if counts.detected == 0 else max(counts.best, best)
    counts.detected += len(ranked)


def matches_of(
    anchors: ClassAnchors, counts: ClassCounts, listing: Callable[[], ListedClass]
) -> CountedMatches:
    """The matches of a class, once all parts are counted; listing: every detection after all."""
    one, marks, records = anchors.one, anchors.marks, anchors.records
    return CountedMatches(
        rules=one.rules,
        images=one.images,
        unsized=one.unsized,
        frequency=one.frequency,
        positives=one.positives[None],
        detected=np.array([counts.detected]),
        best_scores=np.array([counts.best]),
        first=np.array([0, len(records)]),
        score=read_only(np.ascontiguousarray(records["score"])),
        inside=np.stack([marks.within(records, limit) for limit in one.rules.max_detections]),
        fp_if_unmatched=_by_area(marks, records),
        matched=OutcomeBits(np.ascontiguousarray(records["matched"])),
        true_positive=OutcomeBits(np.ascontiguousarray(records["true_positive"])),
        overlap=np.ascontiguousarray(records["overlap"]),
        between=dict(zip(counts.limits, counts.between, strict=True)),
        ties=counts.ties,
        listing=listing,
    )


class _Slots:
    """The anchors of a class as what other detections are placed among."""

    def __init__(self, falling: Floats, places: Ints, below: int) -> None:
        """Falling, places : (n,) of the anchors in order; below: more than any place."""
        self.falling, self._below = falling, below
        self._and_end = np.append(falling, np.nan)  # which equals no score
        starts = run_starts(falling)
        run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(falling)))
        self._run = run
        self._key = run * below + places  # rises: runs of equal score, and places inside each

    def of(self, falling: Floats, places: Callable[[Ints], Ints], sooner: Ints) -> _Placed:
        """Where detections stand; places: of some of them; sooner : (n,) anchors of its score and
        place before each.
        """
        first = np.searchsorted(self.falling, falling, "left")
        tied = np.flatnonzero(self._and_end[first] == falling)
        slot = first
        if len(tied):
            slot = first.copy()
            key = self._run[first[tied]] * self._below + places(tied)
            slot[tied] = np.searchsorted(self._key, key, "left") + sooner[tied]
        return _Placed(slot, first, tied)


class _Placed(NamedTuple):
    """slot : (n,) anchors before each; first : (n,) those of better scores; tied: rows that share
    the score of an anchor.
    """

    slot: Ints
    first: Ints
    tied: Ints


def _sooner(ranked: Records, marks: Marks, *, by_image: bool) -> Ints:
    """(n,) how many anchors of the same score and place stand before each in its part."""
    anchor = marks.anchor(ranked)
    before: Ints = np.cumsum(anchor) - anchor
    begins = np.ones(len(ranked), bool)
    begins[1:] = ranked["score"][1:] != ranked["score"][:-1]
    if by_image:
        begins[1:] |= ranked["image"][1:] != ranked["image"][:-1]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(ranked)), 0))
    sooner: Ints = before - before[first]
    return sooner


def _add(counts: ClassCounts, placed: _Placed, ranked: Records, marks: Marks) -> None:
    within = [marks.within(ranked, limit) for limit in counts.limits]
    has_score = np.zeros(len(ranked), bool)
    has_score[placed.tied] = True
    for area in range(marks.areas):
        liable = marks.fp_if_unmatched(ranked, area)
        for between, inside in zip(counts.between, within, strict=True):
            _count(between[area], placed.slot[liable & inside])
        if counts.ties is not None:
            sums = (counts.ties.tied, has_score), (counts.ties.apart, ~has_score)
            for by_score, chosen in sums:
                _count(by_score[area], placed.first[liable & chosen])


def _count(sums: Ints, slot: Ints) -> None:
    """Count detections by slot. A part is in the order of the anchors, so that its slots are runs;
    to go through all slots for each part would take parts times anchors.
    """
    starts = run_starts(slot)
    np.add.at(sums, slot[starts], np.diff(starts, append=len(slot)))


# --- every detection after all -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _ListedRows:
    """All detections of the class, best first."""

    rules: Rules
    images: int
    first: Ints
    score: Floats
    image: Ints
    inside: Bools

    def within(self, limit: float, rows: Ints | slice) -> Bools:
        """Which of these rows a limit of the rules keeps."""
        kept: Bools = self.inside[self.rules.max_detections.index(limit)][rows]
        return kept


def _streamed(parts: Sequence[ClassOfPart]) -> Iterator[tuple[ClassOfPart, Records]]:
    """The detections of one part after the other; those of none are left out."""
    for part in parts:
        ranked = part.ranked()
        if len(ranked):
            yield part, ranked


def _listed(parts: Sequence[ClassOfPart], one: ClassFacts) -> ListedClass:
    """All detections of a class, which take some 40 bytes each."""
    rules, marks = one.rules, Marks(one.rules)
    given = [*_streamed(parts)]
    ranked = np.concatenate([table for _, table in given] or [parts[0].ranked()])
    no_image = np.zeros(0, np.int64)
    places = [part.places(table["image"]) for part, table in given]
    image = [part.images()[table["image"]] for part, table in given]
    order = np.lexsort((np.concatenate([no_image, *places]), _falling(ranked)))
    ranked = ranked[order]
    rows = _ListedRows(
        rules=rules,
        images=one.images,
        first=np.array([0, len(ranked)]),
        score=ranked["score"].astype(np.float64),
        image=np.concatenate([no_image, *image])[order],
        inside=np.stack([marks.within(ranked, limit) for limit in rules.max_detections]),
    )
    settled = np.flatnonzero(marks.anchor(ranked))
    return ListedClass(rows=rows, settled=settled, fp_if_unmatched=_by_area(marks, ranked))
