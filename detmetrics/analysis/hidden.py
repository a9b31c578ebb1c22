"""What COCO's metrics hide: detections that they cannot see, and those that they hardly feel.

- **Detections in classes without ground truth**: such a class has no AP, so nothing counts them.
- **Detections on images without objects**: each is a false positive, and precision feels it only
  where its score lies above those of true positives.
- **False positives an image** at a confidence: the detections with a score of it or more that are
  wrong at one IoU threshold of the rules, over all images and classes, those without objects too.
- **Repeated detections**: those that a better one of their image and class overlaps by 0.95 or
  more (of equal scores the first in the file is the better), which suppression of overlaps would
  have removed. ``counts["duplicate_detections"]`` are those that repeat another exactly.
- **Classes that nobody found**: with ground truth, and without a detection.

Numbers that :mod:`detmetrics.evaluation.attention` has stand in ``counts`` as it counts them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from detmetrics.analysis.assignment import share
from detmetrics.analysis.outcomes import outcomes
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints, by_group
from detmetrics.foundation.errors import InputError
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.overlap import candidate_pairs, largest, shared_groups

__all__ = ["BlindSpots", "blind_spots"]

CONFIDENCES = (0.05, 0.25, 0.5, 0.75)
NEARLY_THE_SAME = 0.95
COUNTS = (
    "images",
    "images_without_ground_truth",
    "classes_detected_without_ground_truth",
    "classes_without_detections",
    "detections_in_classes_without_ground_truth",
    "detections_on_images_without_ground_truth",
    "duplicate_detections",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpots:
    """What no metric of COCO tells; get one from :func:`blind_spots`.

    Attributes:
        counts: whole numbers by name, those of ``Evaluation.counts``.
        class_names : (K,).
        in_unseen_classes : (K,) detections in classes without ground truth.
        on_empty_images : (K,) detections of each class on images without ground truth.
        empty_images, on_each : (E,) those of them with detections, as rows of the catalog, most
            detections first; and how many.
        iou: at which detections are wrong.
        confidences, false_positives : (C,) how many are wrong with a score of this or more.
        false_positives_an_image : (C,) the same over all images; nan without images.
        repeated, repeats : (X,) rows of the table: a detection, and the better one that it
            overlaps most; of the same image and class.
        repeat_overlap : (X,) of the two.
        never_found: the names of classes with ground truth and without detections.

    >>> import detmetrics as dm
    >>> from detmetrics.analysis import blind_spots
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> spots = blind_spots(result)
    >>> dict(zip(spots.class_names, spots.in_unseen_classes.tolist()))["bus"]
    11
    """

    counts: dict[str, int]
    class_names: tuple[str, ...]
    in_unseen_classes: Ints
    on_empty_images: Ints
    empty_images: Ints
    on_each: Ints
    iou: float
    confidences: Floats
    false_positives: Ints
    false_positives_an_image: Floats
    repeated: Ints
    repeats: Ints
    repeat_overlap: Floats
    never_found: tuple[str, ...]
    _result: Evaluation = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None where undefined."""
        images = self._result.ground_truth.catalog.image_names

        def of_classes(column: Ints) -> dict[str, int]:
            named = zip(self.class_names, column.tolist(), strict=True)
            return {name: count for name, count in named if count}

        return {
            "counts": dict(self.counts),
            "in_unseen_classes": of_classes(self.in_unseen_classes),
            "on_empty_images": of_classes(self.on_empty_images),
            "empty_images": [
                {"image": images[row], "detections": count}
                for row, count in zip(
                    self.empty_images.tolist(), self.on_each.tolist(), strict=True
                )
            ],
            "iou": self.iou,
            "false_positives": [
                {
                    "confidence": confidence,
                    "count": count,
                    "an_image": None if math.isnan(rate) else rate,
                }
                for confidence, count, rate in zip(
                    self.confidences.tolist(),
                    self.false_positives.tolist(),
                    self.false_positives_an_image.tolist(),
                    strict=True,
                )
            ],
            "repeated_detections": len(self.repeated),
            "never_found": list(self.never_found),
        }


def blind_spots(
    result: Evaluation,
    confidences: Sequence[float] = CONFIDENCES,
    iou: float | None = None,
    repeat_iou: float = NEARLY_THE_SAME,
) -> BlindSpots:
    """Count what the metrics do not show.

    iou: one of the thresholds of the rules, the first unless given; repeat_iou: the overlap from
    which a detection repeats another.

    Raises:
        InputError: a confidence or an overlap that is none.
        RulesError: a threshold that the rules do not have.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> blind_spots(result, confidences=[0.5]).false_positives.tolist()
    [13]
    """
    require_scores(result.detections, "a count of false positives by confidence")
    levels = np.array(confidences, np.float64).reshape(-1)
    if np.isnan(levels).any():
        raise InputError(f"confidences: expected numbers, got {list(confidences)}")
    first = result.rules.iou_thresholds[0]
    everything = result.rules.area_ranges[0].name
    wrong = outcomes(result, first if iou is None else iou, everything).false_positive
    ground_truth, detections = result.ground_truth, result.detections
    names, images = ground_truth.catalog.class_labels, len(ground_truth.catalog.image_ids)
    objects = np.bincount(ground_truth.category, minlength=len(names))
    found = np.bincount(detections.category, minlength=len(names))
    pooled = result.rules.class_agnostic
    empty = np.bincount(ground_truth.image, minlength=images) == 0
    on_empty = empty[detections.image]
    of_image = np.bincount(detections.image[on_empty], minlength=images)
    seen = np.argsort(-of_image, kind="stable")[: np.count_nonzero(of_image)]
    scores = np.sort(result.matching.score[wrong])  # those from each level on are what is not below
    false_positives = len(scores) - np.searchsorted(scores, levels)
    repeated, repeats, overlap = _repeated(result, share(repeat_iou, "repeat_iou"))
    return BlindSpots(
        counts={name: result.counts[name] for name in COUNTS},
        class_names=names,
        in_unseen_classes=np.where((objects == 0) & (not pooled), found, 0),
        on_empty_images=np.bincount(detections.category[on_empty], minlength=len(names)),
        empty_images=seen,
        on_each=of_image[seen],
        iou=first if iou is None else float(iou),
        confidences=levels,
        false_positives=false_positives,
        false_positives_an_image=false_positives / images if images else levels * np.nan,
        repeated=repeated,
        repeats=repeats,
        repeat_overlap=overlap,
        never_found=tuple(
            name
            for name, there, some in zip(names, objects, found, strict=True)
            if there and not some
        ),
        _result=result,
    )


def _repeated(result: Evaluation, least: float) -> tuple[Ints, Ints, Floats]:
    """Detections that a better one of their image and class overlaps enough, and which."""
    matches, detections = result.matching, result.detections
    measure = measure_of(result.rules)
    group = matches.category * matches.images + matches.image
    order = by_group(group, np.arange(len(group)))  # of a group best first
    rows, group = matches.row[order], group[order]
    shapes = measured(detections, measure)
    # The detections of a group against those of it that stand before, which are the better ones.
    near = shared_groups(group, group)
    before = np.arange(len(group))[near.detection] - near.first  # better ones of its group
    some = before > 0
    near = replace(near, detection=near.detection[some], first=near.first[some], count=before[some])
    none = np.zeros(len(rows), bool)
    pairs = candidate_pairs(shapes, rows, shapes.take(rows), none, near, least)
    best = largest(pairs, pairs.detection, np.ones(len(pairs.detection), bool))
    repeated = rows[pairs.detection[best]]
    by_row = np.argsort(repeated)
    return (
        repeated[by_row],
        rows[pairs.ground_truth[best]][by_row],
        pairs.overlap[best][by_row],
    )
