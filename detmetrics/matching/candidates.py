"""Detections in their order, and the ground truths that each could match.

What stands here depends on a few settings only, so rule sets that agree on them can share it:
see :class:`Memory`. Source of the order in which ground truths of equal overlap are chosen:
``pycocotools/cocoeval.py``, ``evaluateImg``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import (
    Bools,
    Floats,
    Ints,
    by_group,
    slots_of_repeats,
)
from detmetrics.foundation.progress import Share
from detmetrics.matching import roles
from detmetrics.matching.ranking import Ranking, best_first, rank_in_groups
from detmetrics.matching.selection import selected
from detmetrics.overlap import KINDS, Boxes, Pairs, Shapes, candidate_pairs, shared_groups
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = [
    "NEARLY_ONE",
    "Candidates",
    "Measure",
    "Memory",
    "Regions",
    "candidates",
    "first_choices_first",
    "least_overlaps",
    "measure_of",
    "measured",
    "regions_of",
]

Value = TypeVar("Value", bound=np.generic)

NEARLY_ONE = 1 - 1e-10
"""What a threshold of 1 is lowered to, as in ``cocoeval.py``, ``evaluateImg``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How overlap is measured: the kind of shape; pixel, single: as :mod:`overlap.boxes` has it."""

    shape: str = "box"
    pixel: int = 0
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Who could match whom.

    Attributes:
        ranking: the detections that count; D and indices of detections are in its order.
        truth_row : (G,) row of each ground truth in its table; by group, in order of choice.
        truth_group : (G,) its image and category, as one number.
        region : (G,) it is measured by the share of a detection that lies inside.
        pairs: candidates, of each detection by falling overlap; equal ones in order of choice.
        least: (T,) the overlap to reach at each threshold, (G,) by ground truth where classes
            differ in it.
    """

    ranking: Ranking
    truth_row: Ints
    truth_group: Ints
    region: Bools
    pairs: Pairs
    least: tuple[float | Floats, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """Ground truths and the regions that they may lie in.

    image : (G,) of each; region : (G,) it is a region; covered : (G,) it lies in one by more than
    the first threshold.
    """

    image: Ints
    region: Bools
    covered: Bools


@dataclass(slots=True)
class Memory:
    """Orders and pairs of one pair of tables, kept from one rule set for the next.

    It is for these tables alone: rules that change boxes, scores or rows give other tables
    (:data:`~detmetrics.matching.preparation.TABLE_SETTINGS`), which need a memory of their own.

    Attributes:
        lowest: the lowest overlap that any of the rule sets asks for.
        ranked: all detections in their order, by what that depends on.
        pairs: the pairs of all detections, those that some rules leave out included, by what
            pairs depend on: the order of both sides, how overlap is measured, what is a region,
            and the lowest overlap that was looked for.
    """

    # A rule set gets from it what it would compute alone, to the last bit:
    #
    #     pairs(kept detections, lowest) = [p for p in pairs(all detections, floor)
    #                                       if p is of a kept detection and overlap >= lowest]
    #
    # since the overlap of a pair depends on nothing but the two, and since a part of a sorted list
    # is sorted in the same way: sorting by overlap is stable, and equal ones keep their order.
    lowest: float
    ranked: dict[tuple[object, ...], Ranking] = field(default_factory=dict)
    pairs: dict[tuple[object, ...], Pairs] = field(default_factory=dict)
    _columns: WeakValueDictionary[tuple[object, ...], NDArray[Any]] = field(
        default_factory=WeakValueDictionary
    )

    def kept(self, order: tuple[object, ...], kept: Bools) -> Ranking:
        """Those detections of an order that are kept; kept : (D,) in it."""
        ranked = self.ranked[order]
        if kept.all():
            return ranked
        chosen = np.packbits(kept).tobytes()
        return ranked.each(
            lambda name, column: self._shared((*order, chosen, name), lambda: column[kept])
        )

    def taken(self, column: NDArray[Value], row: Ints) -> NDArray[Value]:
        """Rows of a column of the table."""
        # Whoever has it has the row, and the table is there, so that no other array has their ids.
        return self._shared((id(column), id(row)), lambda: column[row])

    def _shared(
        self, key: tuple[object, ...], make: Callable[[], NDArray[Value]]
    ) -> NDArray[Value]:
        """What all results that are still there share."""
        known = self._columns.get(key)
        if known is None:
            known = self._columns[key] = make()
        return known

    def for_other_boxes(self) -> Memory:
        """What holds for the same detections with other boxes too: their order."""
        return Memory(lowest=self.lowest, ranked=self.ranked, _columns=self._columns)


def candidates(
    ground_truth: GroundTruth,
    detections: Detections,
    rules: Rules,
    progress: Share | None = None,
    memory: Memory | None = None,
    regions: Bools | None = None,
) -> Candidates:
    """Rank the detections, leave out those that the rules do, and pair the others.

    regions : (G,) what is measured by the share inside; those of the rules unless given.
    """
    images = len(ground_truth.catalog.image_ids)
    pooled = rules.class_agnostic
    category = np.zeros_like(detections.category) if pooled else detections.category
    truth_category = np.zeros_like(ground_truth.category) if pooled else ground_truth.category
    order = (pooled, rules.ties)
    if memory is None or order not in memory.ranked:
        ranked = _ranked(detections, category, rules)
        if memory is not None:
            memory.ranked[order] = ranked
    else:
        ranked = memory.ranked[order]
    kept = selected(ground_truth, detections, category, ranked, rules)

    truth_row, truth_group = _in_order_of_choice(
        ground_truth, truth_category * images + ground_truth.image, rules
    )
    region = (roles.regions(ground_truth, rules) if regions is None else regions)[truth_row]
    least: tuple[float | Floats, ...] = rules.iou_thresholds
    of_class = least_overlaps(rules, ground_truth.catalog.class_labels)
    if rules.class_rules:
        least = tuple(of_class[:, ground_truth.category[truth_row]])
    # Thresholds rise, so whoever reaches any of them reaches the first.
    # Of all classes, not of those with ground truth here: a part has the pairs of the whole.
    lowest = min(float(np.min(of_class[0], initial=1.0)), NEARLY_ONE)

    def paired(ranked: Ranking, lowest: float) -> Pairs:
        near = shared_groups(ranked.group(images), truth_group)
        measure = measure_of(rules)
        pairs = candidate_pairs(
            measured(detections, measure),
            ranked.row,
            measured(ground_truth, measure).take(truth_row),
            region,
            near,
            lowest,
            progress,
        )
        return first_choices_first(pairs)

    if memory is None:
        ranked = ranked if kept.all() else ranked.each(lambda _, column: column[kept])
        pairs = paired(ranked, lowest)
    else:
        # All detections are paired, so that rules with other limits find them too.
        floor = min(memory.lowest, lowest)
        key = (*order, rules.equal_overlaps, measure_of(rules), region.tobytes(), floor)
        if key not in memory.pairs:
            memory.pairs[key] = paired(ranked, floor)
        pairs = _narrowed(memory.pairs[key], kept, lowest)
        ranked = memory.kept(order, kept)
    return Candidates(
        ranking=ranked,
        truth_row=truth_row,
        truth_group=truth_group,
        region=region,
        pairs=pairs,
        least=least,
    )


def least_overlaps(rules: Rules, class_names: Sequence[str]) -> Floats:
    """(T, K) the overlap that a match in each class must reach."""
    thresholds = np.array(rules.iou_thresholds)
    if rules.class_agnostic:
        return thresholds[:, None]
    least = np.tile(thresholds[:, None], len(class_names))
    # A class with a rule asks for the IoU of its rule, whatever the threshold.
    own = {rule.name.casefold(): rule.iou for rule in rules.class_rules}
    for index, name in enumerate(class_names):
        least[:, index] = own.get(name.casefold(), least[:, index])
    return least


def regions_of(ground_truth: GroundTruth, truth_row: Ints, rules: Rules) -> Regions:
    """Which ground truths lie in regions; truth_row : (G,) rows by group."""
    images = len(ground_truth.catalog.image_ids)
    category = (
        np.zeros_like(ground_truth.category) if rules.class_agnostic else ground_truth.category
    )
    group = (category * images + ground_truth.image)[truth_row]
    region = roles.regions(ground_truth, rules)[truth_row]
    measure, threshold = measure_of(rules), rules.iou_thresholds[0]
    shapes = measured(ground_truth, measure)
    # Ground truths stand where detections do elsewhere, and regions are crowds to them, so the
    # overlap is the share of the ground truth that lies inside. A region covers itself.
    pairs = candidate_pairs(
        shapes,
        truth_row,
        shapes.take(truth_row[region]),
        np.ones(int(region.sum()), bool),
        shared_groups(group, group[region]),
        threshold,
    )
    covered = np.zeros(len(truth_row), bool)
    covered[pairs.detection[pairs.overlap > threshold]] = True
    return Regions(image=ground_truth.image[truth_row], region=region, covered=covered)


def measure_of(rules: Rules) -> Measure:
    """How these rules measure overlap."""
    return Measure(shape=rules.shape, pixel=rules.pixel, single=rules.arithmetic == "float32")


def measured(table: GroundTruth | Detections, measure: Measure) -> Shapes:
    """The shapes of a table, as a measure wants them."""
    if measure.shape == "box":
        corners = bool(measure.pixel) or measure.single
        boxes = table.xyxy if corners else table.xywh
        return Boxes(boxes, corners, measure.pixel, measure.single)
    return table.shapes_as(KINDS[measure.shape], measure.single)


def _ranked(detections: Detections, category: Ints, rules: Rules) -> Ranking:
    """All detections in their order; category : (D,) by row of the table."""
    if rules.ties == "file":
        places = np.zeros_like(detections.image)
    elif rules.class_agnostic:  # pycocotools lists the detections of an image class by class
        places = detections.image * len(detections.catalog.category_ids) + detections.category
    else:
        places = detections.image
    row = best_first(detections.scores, places, category)
    detected = np.bincount(category)
    own = np.repeat(np.arange(len(detected)), detected)  # category[row], which rises
    image = detections.image.take(row)
    rank = rank_in_groups(own * len(detections.catalog.image_ids) + image)
    return Ranking(row=row, category=own, image=image, rank=rank)


def _in_order_of_choice(ground_truth: GroundTruth, group: Ints, rules: Rules) -> tuple[Ints, Ints]:
    """Ground truths by group; inside, which of them is chosen first on equal overlap.

    That is the first in the file, or under COCO's rules the last in pycocotools' order
    (category, then file).
    """
    listed = by_group(ground_truth.category, np.arange(len(ground_truth)))
    # evaluateImg walks forward and takes a later one of equal overlap too: the last one stands
    # first here, and whoever stands first is chosen.
    if rules.equal_overlaps == "last":
        listed = listed[::-1]
    rows = by_group(group, listed)
    return rows, group[rows]


def first_choices_first(pairs: Pairs) -> Pairs:
    """Sort the pairs of each detection by falling overlap; equal overlaps keep their order."""
    detection = pairs.detection
    slots = slots_of_repeats(detection)
    if len(slots) == 0:
        return pairs
    # sorted(pairs, key=lambda pair: (detection, -overlap)), stable. Pairs stand by detection
    # already, so a detection with a single pair is where it belongs, and most have one.
    order = np.arange(len(detection))
    order[slots] = slots[np.lexsort((-pairs.overlap[slots], detection[slots]))]
    return Pairs(
        detection=detection,
        ground_truth=pairs.ground_truth[order],
        overlap=pairs.overlap[order],
    )


def _narrowed(pairs: Pairs, kept: Bools, lowest: float) -> Pairs:
    """The pairs of the detections that are kept, counted among these alone."""
    within = np.flatnonzero(kept[pairs.detection] & (pairs.overlap >= lowest))
    place = np.cumsum(kept) - 1  # (D,) the new index of each that is kept
    return Pairs(
        detection=place[pairs.detection[within]],
        ground_truth=pairs.ground_truth[within],
        overlap=pairs.overlap[within],
    )
