"""How well a detector finds boxes of different sizes, shapes and places.

A bin is an area range (:class:`~detmetrics.AreaRange`), and its numbers are those of an evaluation
with that range, bit for bit. So a ground truth counts where it lies in the bin, and is ignored
elsewhere. A detection counts by the ground truth that it took; one that took none is a false
positive in the bin that it lies in itself. As ground truths that count are preferred to ignored
ones, a detection between two of different bins can take another one in each of them; of the bins,
only groups of boxes with such a detection are matched again. Bins are closed on both sides, as
COCO's are: what lies on a bound counts in both. Source: ``pycocotools/cocoeval.py``.

``area``: square pixels, the source's own of a ground truth (COCO's is that of its mask), ``w * h``
of a detection; ``share``: that of the image; ``height``: pixels; ``aspect``: width by height;
``x``, ``y``: where the centre is, as a share of the image from its left and its top; ``border``:
the distance to the nearest border as a share of that side of the image, 0 where a box touches it.
Boxes that reach outside are at the border. Of other shapes ``area`` and ``share`` are their own
where rules take areas from them; all else is that of their upright boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from detmetrics.analysis.outcomes import outcomes
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.matching.matching import match
from detmetrics.metrics.average_precision import PRECISION, RECALL
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric, MetricKind
from detmetrics.metrics.summary import cells_of, mean_of, means_of_categories
from detmetrics.rules import AreaRange, Rules
from detmetrics.rules.areas import COCO_RANGES, NO_END

__all__ = ["EDGES", "POWERS_OF_TWO", "Bin", "Bins", "by_bins"]

Of = Literal["area", "share", "height", "aspect", "x", "y", "border"]

POWERS_OF_TWO = (0.0, *(4.0**power for power in range(2, 10)), NO_END)
"""Finer bounds of areas than COCO's: of squares with sides of 4, 8, 16, ... 512 pixels."""

EDGES: dict[str, tuple[float, ...]] = {
    "area": (0.0, *(area.high for area in COCO_RANGES[1:])),
    "share": (0.0, 0.001, 0.01, 0.1, 1.0),
    "height": (0.0, 16.0, 32.0, 64.0, 128.0, 256.0, NO_END),
    "aspect": (0.0, 1 / 3, 2 / 3, 3 / 2, 3.0, NO_END),
    "x": (0.0, 1 / 3, 2 / 3, 1.0),
    "y": (0.0, 1 / 3, 2 / 3, 1.0),
    "border": (0.0, 0.01, 0.05, 0.1, 0.25, 0.5),
}
"""The bounds of bins where none are given; of areas they are COCO's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """range: what lies in it. ground_truths: that count; detections: right or wrong ones, at the
    first threshold of the rules. ap, ap_first: AP over all thresholds of the rules and at the
    first; recall: AR at the largest limit; nan where there is no ground truth. ap_of_classes :
    (K,), in the order of :attr:`Evaluation.class_names`.
    """

    range: AreaRange
    ground_truths: int
    detections: int
    ap: float
    ap_first: float
    recall: float
    ap_of_classes: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """of: what bins are of; everything: all boxes; bins: from low to high; signature: of the rules
    with these ranges.
    """

    of: str
    everything: Bin
    bins: tuple[Bin, ...]
    signature: str


def by_bins(result: Evaluation, of: Of = "area", edges: Sequence[float] | None = None) -> Bins:
    """AP and recall over bins of size, shape or place.

    edges: bounds of the bins, rising, of which each pair of neighbours makes one; those of
    :data:`EDGES` unless given. 1e10 stands for no upper end.

    Raises:
        InputError: bounds that do not rise, or what bins are of is unknown: sizes of images are.
        RulesError: there are no such bins under the rules of the result.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> small = by_bins(result).bins[0]
    >>> small.range.name, small.ground_truths, small.ap == result.summary["APs"]
    ('small', 19, True)
    """
    if of not in EDGES:
        raise InputError(f"bins: expected one of {', '.join(EDGES)}, got {of!r}")
    require_scores(result.detections, "AP by bins")
    rules = _rules(result.rules, _ranges(of, edges))
    curves = result.curves
    evaluation = result
    if rules.area_ranges != result.rules.area_ranges:
        matching = match(result.ground_truth, result.detections, rules)
        evaluation = Evaluation(result.ground_truth, result.detections, rules, matching)
        curves = evaluation.curves
    if curves.matches.unsized[1:].any():
        raise InputError(
            f"the sizes of images are unknown, so no bins of {of}: --image-dir or --image-sizes"
        )
    everything, *bins = (_bin(evaluation, curves, at) for at in range(len(rules.area_ranges)))
    return Bins(of=of, everything=everything, bins=tuple(bins), signature=rules.signature)


def _ranges(of: Of, edges: Sequence[float] | None) -> list[AreaRange]:
    given = EDGES[of] if edges is None else tuple(float(edge) for edge in edges)
    if of == "area" and given == EDGES["area"]:
        return [*COCO_RANGES[1:]]
    if len(given) < 2 or not all(low < high for low, high in pairwise(given)):
        raise InputError(f"bins: expected two bounds or more that rise, got {given}")
    names = [
        f"from {low}" if end >= NO_END else f"{low} to {high}"
        for (low, high), end in zip(pairwise(_texts(given)), given[1:], strict=True)
    ]
    bounds = zip(names, pairwise(given), strict=True)
    return [AreaRange(name, low, high, of) for name, (low, high) in bounds]


def _texts(edges: Sequence[float]) -> list[str]:
    """Bounds in as few digits, four or more, as tell them apart; whole ones in full."""
    for digits in range(4, 18):
        texts = [f"{e:.0f}" if e.is_integer() else f"{e:.{digits}g}" for e in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def _rules(rules: Rules, ranges: Sequence[AreaRange]) -> Rules:
    known = rules.area_ranges
    if known[1:] == tuple(ranges):
        return rules
    return rules.replace(area_ranges=(known[0], *ranges))


def _bin(result: Evaluation, curves: Curves, area: int) -> Bin:
    rules, last = result.rules, len(result.rules.max_detections) - 1
    name = rules.area_ranges[area].name
    found = outcomes(result, rules.iou_thresholds[0], name)

    def mean(kind: MetricKind, threshold: int | None) -> tuple[float, Floats]:
        cells = cells_of(curves, Metric(kind.name, kind, area, threshold, last))
        return mean_of(cells, curves, area), means_of_categories(cells)

    ap, of_classes = mean(PRECISION, None)
    return Bin(
        range=rules.area_ranges[area],
        ground_truths=int(found.positives.sum()),
        detections=int(found.counts.sum()),
        ap=ap,
        ap_first=mean(PRECISION, 0)[0],
        recall=mean(RECALL, None)[0],
        ap_of_classes=of_classes,
    )
