"""Pictures worth a look: the images with most errors, and the worst examples of every error type.

Verdicts are those of the error types (:mod:`detmetrics.analysis.error_types`). On an image the
detections from the confidence of the report on are drawn, and all objects; an object is *missed*
where none of those detections found it. The images with most errors have most wrong detections and
missed objects together (of equal ones those with the higher scores of wrong detections). Of a kind
of error the detections with the highest scores are shown, as they cost most, and the largest missed
objects, each on an image of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detmetrics.analysis.assignment import Assignment, assigned, at_one_threshold
from detmetrics.analysis.error_kinds import ERROR_KINDS, ErrorTypes
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.overlap import Shapes
from detmetrics.reports.html.pictures import Pictures
from detmetrics.reports.outlines import Ring, outlines

__all__ = ["Chosen", "Gallery"]

WORST = 12
EXAMPLES = 6
MOST_BOXES = 60
UNSIZED = 1_000.0
"""Sides of the frame of an image of unknown size whose boxes are shares of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A group of examples: images (rows of the catalog), and the detection or the object that
    each stands for, -1 where it is the whole image.
    """

    kind: str
    images: Ints
    detection: Ints
    ground_truth: Ints


class Gallery:
    """What a result gets wrong, image by image."""

    def __init__(
        self, result: Evaluation, errors: ErrorTypes, confidence: float, image_limit: int = 100
    ) -> None:
        self._result, self._errors, self._confidence = result, errors, confidence
        rules = at_one_threshold(result.rules, errors.iou, image_limit=image_limit)
        self._found = assigned(result, rules)

    @cached_property
    def _kind(self) -> Ints:
        """(D,) of all detections: -2 not looked at, -1 right, else the kind of error, 6 aside."""
        assignment: Assignment = self._found
        kind = np.full(len(self._result.detections), -2)
        kind[assignment.detection] = np.where(assignment.partner >= 0, -1, len(ERROR_KINDS))
        wrong = self._errors.detection >= 0
        kind[self._errors.detection[wrong]] = self._errors.kind[wrong]
        return kind

    @cached_property
    def _kept(self) -> Bools:
        """(D,) detections from the confidence on that are looked at."""
        return (self._kind > -2) & (self._result.detections.scores >= self._confidence)

    @cached_property
    def _finder(self) -> Ints:
        """(G,) the detection that found each object, -1 without one; -2 for what is no object."""
        finder = np.full(len(self._result.ground_truth), -2)
        finder[self._found.positives] = -1
        right = self._found.partner >= 0
        finder[self._found.partner[right]] = self._found.detection[right]
        return finder

    @cached_property
    def _missed(self) -> Bools:
        """(G,) objects that no detection from the confidence on found."""
        by = self._finder
        missed: Bools = by == -1
        found = by >= 0
        missed[found] = self._result.detections.scores[by[found]] < self._confidence
        return missed

    @cached_property
    def _wrong(self) -> Bools:
        return self._kept & (self._kind >= 0) & (self._kind < len(ERROR_KINDS))

    @cached_property
    def _shapes(self) -> tuple[Shapes, Shapes]:
        """What was measured, of the objects and of the detections."""
        measure = measure_of(self._result.rules)
        ground_truth, detections = self._result.ground_truth, self._result.detections
        return measured(ground_truth, measure), measured(detections, measure)

    def chosen(self) -> list[Chosen]:
        """The groups: images with most errors, then each kind of error that there is."""
        return [self._worst(), *(self._of(kind) for kind in ERROR_KINDS)]

    def _worst(self) -> Chosen:
        ground_truth, detections = self._result.ground_truth, self._result.detections
        images = len(ground_truth.catalog.image_ids)
        wrong = np.bincount(detections.image[self._wrong], minlength=images)
        missed = np.bincount(ground_truth.image[self._missed], minlength=images)
        weight = np.bincount(detections.image[self._wrong], detections.scores[self._wrong], images)
        total = wrong + missed
        order = np.lexsort((-weight, -total))
        order = order[total[order] > 0][:WORST]
        nothing = np.full(len(order), -1)
        return Chosen(kind="worst", images=order, detection=nothing, ground_truth=nothing)

    def _of(self, kind: str) -> Chosen:
        ground_truth, detections = self._result.ground_truth, self._result.detections
        detection, target = self._errors.of(kind)
        if kind == "missed":
            image, weight = ground_truth.image[target], ground_truth.area[target]
        else:
            image, weight = detections.image[detection], detections.scores[detection]
        # The best example of each image, images by their best one.
        order = np.argsort(-weight, kind="stable")
        first = np.sort(np.unique(image[order], return_index=True)[1])[:EXAMPLES]
        order = order[first]
        return Chosen(
            kind=kind,
            images=image[order],
            detection=detection[order],
            ground_truth=target[order],
        )

    def to_dict(self, chosen: list[Chosen], files: Pictures) -> dict[str, Any]:
        """Groups and pictures as plain values; boxes ``x y w h`` in the frame of the picture, and
        outlines as :mod:`detmetrics.reports.outlines` has them, none where boxes were measured.
        """
        examples = _examples(chosen)
        place = {image: at for at, image in enumerate(examples)}
        detections, ground_truth = self._result.detections, self._result.ground_truth
        return {
            "confidence": self._confidence,
            "iou": self._errors.iou,
            "notes": files.notes,
            "groups": [
                {
                    "kind": group.kind,
                    "pictures": [
                        {
                            "picture": place[image],
                            "detection": int(detections.place[row]) if row >= 0 else None,
                            "object": _plain(ground_truth.ids[target]) if target >= 0 else None,
                        }
                        for image, row, target in zip(
                            group.images.tolist(),
                            group.detection.tolist(),
                            group.ground_truth.tolist(),
                            strict=True,
                        )
                    ],
                }
                for group in chosen
            ],
            "pictures": [
                self._picture(image, *rows, files.sizes) for image, rows in examples.items()
            ],
        }

    def _picture(
        self,
        image: int,
        named: Ints,
        targets: Ints,
        sizes: Mapping[int, tuple[int, int]],
    ) -> dict[str, Any]:
        """An image; named, targets: rows that groups name, and that must be drawn."""
        ground_truth, detections = self._result.ground_truth, self._result.detections
        kept = np.flatnonzero((detections.image == image) & self._kept)
        rows = np.union1d(kept, named)
        shown = _first(rows[np.argsort(-detections.scores[rows], kind="stable")], named)
        objects = np.flatnonzero(ground_truth.image == image)
        drawn = _first(objects, targets)
        known = ground_truth.catalog.image_sizes[image]
        frame, scale, sized = self._frame(known, sizes.get(image), objects, shown)

        def outlined(side: int, of: Ints) -> list[list[Ring]]:
            count = len(drawn) + len(shown)
            return outlines(self._shapes[side], of, scale[:2], max(frame), count)

        return {
            "image_id": _plain(ground_truth.catalog.image_ids[image]),
            "image": ground_truth.catalog.image_names[image],
            "width": frame[0],
            "height": frame[1],
            "size_known": sized,
            "wrong": int(self._wrong[kept].sum()),
            "missed": int(self._missed[objects].sum()),
            "objects": [
                {**self._object(row, scale), "outline": rings}
                for row, rings in zip(drawn.tolist(), outlined(0, drawn), strict=True)
            ],
            "objects_not_drawn": len(objects) - len(drawn),
            "detections": [
                {**self._detection(row, scale), "outline": rings}
                for row, rings in zip(shown.tolist(), outlined(1, shown), strict=True)
            ],
            "detections_not_drawn": len(rows) - len(shown),
        }

    def _frame(
        self, known: Floats, of_file: tuple[int, int] | None, objects: Ints, shown: Ints
    ) -> tuple[tuple[float, float], Floats, bool]:
        """Width and height, the factors of the boxes, and whether this is the image's size."""
        size = known.tolist()
        sized = not math.isnan(size[0] + size[1])
        if not sized and of_file is not None:
            size, sized = [float(side) for side in of_file], True
        if self._result.ground_truth.relative:
            sides = np.array(size if sized else [UNSIZED, UNSIZED])
            return (float(sides[0]), float(sides[1])), np.tile(sides, 2), sized
        if not sized:
            corners = np.concatenate(
                [
                    np.ones((1, 2)),
                    self._result.ground_truth.xyxy[objects, 2:],
                    self._result.detections.xyxy[shown, 2:],
                    *(
                        of.hulls[at, 2:]
                        for of, at in zip(self._shapes, (objects, shown), strict=True)
                    ),
                ]
            )
            size = corners.max(axis=0).tolist()
        return (size[0], size[1]), np.ones(4), sized

    def _object(self, row: int, scale: Floats) -> dict[str, Any]:
        ground_truth = self._result.ground_truth
        state = "does not count"
        if self._finder[row] > -2:
            state = "missed" if self._missed[row] else "found"
        return {
            "id": _plain(ground_truth.ids[row]),
            "class": ground_truth.catalog.class_labels[ground_truth.category[row]],
            "verdict": state,
            "box": (ground_truth.xywh[row] * scale).tolist(),
        }

    def _detection(self, row: int, scale: Floats) -> dict[str, Any]:
        detections = self._result.detections
        kind = int(self._kind[row])
        verdict = "right" if kind == -1 else (*ERROR_KINDS, "set aside")[kind]
        overlap = self._overlaps.get(row)
        return {
            "detection": int(detections.place[row]),
            "class": detections.catalog.class_labels[detections.category[row]],
            "score": float(detections.scores[row]),
            "verdict": verdict,
            "iou": overlap,
            "box": (detections.xywh[row] * scale).tolist(),
        }

    @cached_property
    def _overlaps(self) -> dict[int, float]:
        """IoU of each detection with the object that it is about, where there is one."""
        rows = np.concatenate([self._found.detection, self._errors.detection])
        values = np.concatenate([self._found.overlap, self._errors.overlap])
        known = (rows >= 0) & ~np.isnan(values)
        return dict(zip(rows[known].tolist(), values[known].tolist(), strict=True))


def _examples(chosen: list[Chosen]) -> dict[int, tuple[Ints, Ints]]:
    """The detections and the objects that groups name on each image, in order of the images."""
    named: dict[int, tuple[set[int], set[int]]] = {}
    for group in chosen:
        columns = (group.images, group.detection, group.ground_truth)
        for image, *rows in zip(*(column.tolist() for column in columns), strict=True):
            for of, row in zip(named.setdefault(image, (set(), set())), rows, strict=True):
                of.add(row)
    return {
        image: (_rows(detections), _rows(targets)) for image, (detections, targets) in named.items()
    }


def _rows(found: set[int]) -> Ints:
    return np.array(sorted(found - {-1}), np.int64)


def _first(rows: Ints, wanted: Ints) -> Ints:
    """As many rows as are drawn, in their order: those that are wanted, and the first others."""
    others = np.flatnonzero(~np.isin(rows, wanted))[: max(MOST_BOXES - len(wanted), 0)]
    kept = np.isin(rows, wanted)
    kept[others] = True
    return rows[kept]


def _plain(value: Any) -> Any:
    """An id as Python has it."""
    return value.item() if hasattr(value, "item") else value
