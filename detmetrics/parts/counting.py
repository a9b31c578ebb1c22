"""One class of all parts: the anchors in one order, all other detections counted between them.

Detections of equal score stand by place: by image, or under rules with ``ties="file"`` by part. The
scalar rule, for each detection that is no anchor::

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

__all__ = ["ClassFacts", "ClassOfPart", "counted_class"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOfPart:
    """One class in one part.

    anchors, ranked: read its tables; images : (n,) from images of the part to those of the data
    set; number: of the part.
    """

    anchors: Callable[[], Records]
    ranked: Callable[[], Records]
    images: Callable[[], Ints]
    number: int

    def places(self, image: Ints, rules: Rules) -> Ints:
        """(n,) what orders equal scores; image : (n,) of the part."""
        if rules.ties == "file":
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

    limits: of the rules, those that curves are asked at; the largest unless given. ties: count by
    equal scores too.
    """
    rules, marks = one.rules, Marks(one.rules)
    limits = [rules.max_limit] if limits is None else limits
    anchors, places = _in_order(parts, rules)
    slots = _Slots(_falling(anchors), places, one.places)
    counts = _counts(parts, slots, marks, limits, ties=ties)
    return CountedMatches(
        rules=rules,
        images=one.images,
        unsized=one.unsized,
        frequency=one.frequency,
        positives=one.positives[None],
        detected=np.array([counts.detected]),
        best_scores=np.array([counts.best]),
        score=read_only(np.ascontiguousarray(anchors["score"])),
        inside=np.stack([marks.within(anchors, limit) for limit in rules.max_detections]),
        fp_if_unmatched=_by_area(marks, anchors),
        matched=OutcomeBits(np.ascontiguousarray(anchors["matched"])),
        true_positive=OutcomeBits(np.ascontiguousarray(anchors["true_positive"])),
        overlap=np.ascontiguousarray(anchors["overlap"]),
        between=dict(zip(limits, counts.between, strict=True)),
        ties=TieCounts(tied=counts.tied, apart=counts.apart) if ties else None,
        listing=lambda: _listed(parts, one),
    )


def _in_order(parts: Sequence[ClassOfPart], rules: Rules) -> tuple[Records, Ints]:
    """The anchors of all parts, best first, and the place of each."""
    tables = [part.anchors() for part in parts]
    anchors = np.concatenate(tables)
    places = np.concatenate(
        [part.places(table["image"], rules) for part, table in zip(parts, tables, strict=True)]
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


@dataclass(slots=True)
class _Counts:
    """What is counted of a class: between, by limit, and tied and apart : (A, n + 1)."""

    between: Ints
    tied: Ints
    apart: Ints
    detected: int = 0
    best: float = 0.0


def _counts(
    parts: Sequence[ClassOfPart],
    slots: _Slots,
    marks: Marks,
    limits: Sequence[float],
    *,
    ties: bool,
) -> _Counts:
    size = len(slots.falling) + 1
    tied, apart = np.zeros((2, marks.areas, size if ties else 0), np.int64)
    found = _Counts(np.zeros((len(limits), marks.areas, size), np.int64), tied, apart)
    for part, ranked in _streamed(parts):
        falling = _falling(ranked)
        placed = slots.of(falling, _places_in(part, ranked, marks), _sooner(ranked, marks))
        _add(found, placed, ranked, marks, limits, ties=ties)
        best = float(ranked["score"][0])
        found.best = best if found.detected == 0 else max(found.best, best)
        found.detected += len(ranked)
    return found


def _streamed(parts: Sequence[ClassOfPart]) -> Iterator[tuple[ClassOfPart, Records]]:
    """The detections of one part after the other; those of none are left out."""
    for part in parts:
        ranked = part.ranked()
        if len(ranked):
            yield part, ranked


def _places_in(part: ClassOfPart, ranked: Records, marks: Marks) -> Callable[[Ints], Ints]:
    return lambda rows: part.places(ranked["image"][rows], marks.rules)


def _sooner(ranked: Records, marks: Marks) -> Ints:
    """(n,) how many anchors of the same score and place stand before each in its part."""
    anchor = marks.anchor(ranked)
    before: Ints = np.cumsum(anchor) - anchor
    begins = np.ones(len(ranked), bool)
    begins[1:] = ranked["score"][1:] != ranked["score"][:-1]
    if marks.rules.ties == "image":
        begins[1:] |= ranked["image"][1:] != ranked["image"][:-1]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(ranked)), 0))
    sooner: Ints = before - before[first]
    return sooner


def _add(
    found: _Counts,
    placed: _Placed,
    ranked: Records,
    marks: Marks,
    limits: Sequence[float],
    *,
    ties: bool,
) -> None:
    within = [marks.within(ranked, limit) for limit in limits]
    has_score = np.zeros(len(ranked), bool)
    has_score[placed.tied] = True
    for area in range(marks.areas):
        counts = marks.fp_if_unmatched(ranked, area)
        for index, inside in enumerate(within):
            at = placed.slot[counts & inside]
            _count(found.between[index, area], at)
        if ties:
            for sums, chosen in ((found.tied, has_score), (found.apart, ~has_score)):
                _count(sums[area], placed.first[counts & chosen])


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


def _listed(parts: Sequence[ClassOfPart], one: ClassFacts) -> ListedClass:
    """All detections of a class, which take some 40 bytes each."""
    rules, marks = one.rules, Marks(one.rules)
    given = [*_streamed(parts)]
    ranked = np.concatenate([table for _, table in given] or [parts[0].ranked()])
    no_image = np.zeros(0, np.int64)
    places = [part.places(table["image"], rules) for part, table in given]
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
