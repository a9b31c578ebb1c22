"""One image and class at a time, as pycocotools' ``evaluateImg`` does: the way of few annotations.

A batch of a training loop has a few boxes, and columns cost more than they save there. The rule
and its order are pycocotools' own, walked along the pairs that can match alone. Source:
``pycocotools/cocoeval.py``, ``computeIoU``, ``evaluateImg``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.originals import original

__all__ = ["ID_ZERO", "Annotation", "Cell", "best_first", "overlaps"]

NEARLY_ONE = 1 - 1e-10
ID_ZERO = float(np.finfo(np.float64).tiny)
"""A partner of id 0 in ``dtMatches`` and ``gtMatches``, where 0 is nobody: true, as whoever counts
matches asks, and its whole part is the id. So every ``accumulate``, pycocotools' too, counts it.
"""
Annotation = dict[str, Any]
Pair = tuple[int, int, float]
Match = tuple[Bools | slice | int, int, int]
"""The thresholds, the detection, the ground truth."""


def best_first(found: list[Annotation], limit: int) -> list[Annotation]:
    """At most so many detections, best first, equal scores as the file has them."""
    if len(found) < 2:
        return found[:limit]
    order = np.argsort([-one["score"] for one in found], kind="mergesort")
    return [found[row] for row in order[:limit].tolist()]


def overlaps(truths: list[Annotation], found: list[Annotation], key: str) -> Any:
    """(D, G) the overlaps of the detections of a cell, best first; ``[]`` where a side is empty.

    key: of what is compared, ``"bbox"`` or ``"segmentation"``.
    """
    crowd = crowds(truths)
    if not truths or not found:
        return []
    sides: list[Any] = [[one[key] for one in side] for side in (found, truths)]
    if key == "bbox":  # arrays cost a third of lists there, and are the same numbers
        sides = [np.array(side, np.float64) for side in sides]
    return original("mask").iou(*sides, crowd)


def crowds(truths: list[Annotation]) -> list[int]:
    """Their ``iscrowd``; 0 where that is missing or null."""
    return [int(one.get("iscrowd") or 0) for one in truths]


def areas_of(side: list[Annotation], key: str) -> list[float]:
    """Their ``area``; where that is missing or null, the area of what is compared."""
    areas = [one.get("area") for one in side]
    if None in areas:
        pairs = zip(side, areas, strict=True)
        areas = [_measured(one, key) if area is None else area for one, area in pairs]
    return areas  # type: ignore[return-value]


def _measured(one: Annotation, key: str) -> float:
    shape = one[key] if key in one else one["area"]
    if isinstance(shape, dict):
        return float(original("mask").area(shape))
    return shape[2] * shape[3]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """The annotations of one image and class, and who of them may match whom.

    truths, found: the annotations, ground truths as the file has them, detections best first;
    crowd, truth_areas : (G,); areas, ids, scores : (D,) of the detections; reach : (T,) the overlap
    that a match needs at each threshold; near: the pairs (detection, ground truth, overlap) that
    reach the lowest, by detection, then ground truth; apart: the matches in every area range, where
    everybody near somebody is near nobody else.
    """

    truths: list[Annotation]
    found: list[Annotation]
    crowd: list[int]
    truth_areas: list[float]
    areas: list[float]
    ids: list[Any]
    scores: list[float]
    reach: Floats
    near: list[Pair]
    apart: list[Match] | None

    @classmethod
    def of(
        cls,
        truths: list[Annotation],
        found: list[Annotation],
        overlap: Any,
        thresholds: Any,
        key: str,
    ) -> Cell:
        """The cell with these overlaps (D, G), ``[]`` for none; key: of what is compared."""
        # iou = min([t, 1 - 1e-10])
        reach = np.minimum(thresholds, NEARLY_ONE)
        near: list[Pair] = []
        if len(overlap) and len(reach):
            # if ious[dind, gind] < iou: continue
            d, g = np.nonzero(~(overlap < reach.min()))
            near = list(zip(d.tolist(), g.tolist(), overlap[d, g].tolist(), strict=True))
        apart: list[Match] | None = None
        if len(near) == len({d for d, _, _ in near}) == len({g for _, g, _ in near}):
            # Nobody has a choice, so the threshold alone decides.
            apart = [(_reached(reach, iou), d, g) for d, g, iou in near]
        ids, scores = [one["id"] for one in found], [one["score"] for one in found]
        areas = areas_of(truths, key), areas_of(found, key)
        return cls(truths, found, crowds(truths), *areas, ids, scores, reach, near, apart)

    def record(self, bounds: Sequence[float]) -> dict[str, Any]:
        """What ``evalImgs`` holds of the cell in an area range, but for the names of the cell.

        ``_ignore`` of the ground truths is written, as there.
        """
        low, high = bounds
        late = []
        for one, area in zip(self.truths, self.truth_areas, strict=True):
            out = one["ignore"] or area < low or area > high
            one["_ignore"] = 1 if out else 0
            late.append(one["_ignore"])
        # gtind = np.argsort([g["_ignore"] for g in gt], kind="mergesort")
        order: Sequence[int] = range(len(late))
        if 0 in late and 1 in late:
            order = sorted(order, key=late.__getitem__)
        # (T, D) the id of the ground truth, (T, G) that of the detection, in this order.
        of_found = np.zeros((len(self.reach), len(self.found)))
        of_truth = np.zeros((len(self.reach), len(self.truths)))
        set_aside = np.zeros(of_found.shape, bool)
        if self.near:
            place = {g: at for at, g in enumerate(order)}
            for at, d, g in self._matches(late, place):
                of_found[at, d] = self.truths[g]["id"] or ID_ZERO
                of_truth[at, place[g]] = self.found[d]["id"] or ID_ZERO
                set_aside[at, d] = late[g]
        outside = [area < low or area > high for area in self.areas]
        if True in outside:
            set_aside |= (of_found == 0) & np.array(outside) if self.near else np.array(outside)
        return {
            "dtIds": [*self.ids],
            "gtIds": [self.truths[g]["id"] for g in order],
            "dtMatches": of_found,
            "gtMatches": of_truth,
            "dtScores": [*self.scores],
            "gtIgnore": np.array([late[g] for g in order]),
            "dtIgnore": set_aside,
        }

    def _matches(self, late: list[int], place: dict[int, int]) -> list[Match]:
        """The matches, detections best first.

        late: which ground truths are ignored; place: of each among them all, these last.
        """
        if self.apart is not None:
            return self.apart
        pairs = sorted(self.near, key=lambda pair: (pair[0], place[pair[1]]))
        return [
            (at, d, g)
            for at, least in enumerate(self.reach.tolist())
            for d, g in self._greedy(pairs, late, least)
        ]

    def _greedy(self, pairs: list[Pair], late: list[int], least: float) -> list[tuple[int, int]]:
        """Each detection takes the best ground truth that is free, those that count first."""
        taken: set[int] = set()
        matches = []
        for d, choices in groupby(pairs, key=itemgetter(0)):
            best, chosen = least, -1
            for _, g, overlap in choices:
                if g in taken and not self.crowd[g]:
                    continue
                if chosen > -1 and not late[chosen] and late[g]:
                    break
                if overlap < best:
                    continue
                best, chosen = overlap, g
            if chosen > -1:
                matches.append((d, chosen))
                taken.add(chosen)
        return matches


def _reached(reach: Floats, overlap: float) -> Bools | slice:
    """The thresholds that an overlap reaches; a slice, where it can be one, is written quicker."""
    reached: Bools = ~(overlap < reach)
    count = int(np.count_nonzero(reached))
    return slice(count) if reached[:count].all() else reached
