"""What was read, and what its reader should know before believing the numbers.

COCO's metrics are blind to false positives in classes without ground truth, and see those on
images without objects only through precision. Counting both costs nothing, so they are always
counted.
"""

from __future__ import annotations

import numpy as np

from detmetrics.matching import Matches
from detmetrics.messages import counted
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["count", "remarks"]


def count(truth: GroundTruth, detections: Detections, matches: Matches) -> dict[str, int]:
    """Counts by name, in whole numbers."""
    images, classes = len(truth.catalog.image_ids), len(truth.catalog.category_ids)
    objects_of_class = np.bincount(truth.category, minlength=classes)
    objects_on_image = np.bincount(truth.image, minlength=images)
    pooled = matches.rules.class_agnostic
    detected = np.bincount(detections.category, minlength=classes)
    without_class = np.zeros(classes, bool) if pooled else objects_of_class == 0
    on_empty = objects_on_image[detections.image] == 0
    in_unseen = without_class[detections.category]
    return {
        "images": images,
        "images_without_ground_truth": int((objects_on_image == 0).sum()),
        "classes": classes,
        "classes_without_ground_truth": int((objects_of_class == 0).sum()),
        "classes_without_detections": int(((objects_of_class > 0) & (detected == 0)).sum()),
        "ground_truths": len(truth),
        "crowds": int(truth.crowd.sum()),
        "detections": len(detections),
        "detections_beyond_limit": matches.detections - len(matches.row),
        "detections_in_classes_without_ground_truth": int(in_unseen.sum()),
        "classes_detected_without_ground_truth": len(np.unique(detections.category[in_unseen])),
        "detections_on_images_without_ground_truth": int(on_empty.sum()),
        "duplicate_detections": _duplicates(detections, matches),
    }


def _duplicates(detections: Detections, matches: Matches) -> int:
    """Detections within the limit that repeat another: same image, class, score and box."""
    # Matches stand by category, score and image, so repeated ones are near neighbours.
    row, score, image = matches.row, matches.score, matches.image
    near = np.zeros(len(row), bool)
    near[1:] = (score[1:] == score[:-1]) & (image[1:] == image[:-1])
    near[:-1] |= near[1:]
    row = row[near]
    keys = np.column_stack(
        [detections.image[row], detections.category[row], detections.scores[row]]
    )
    rows = np.concatenate([keys, detections.boxes[row]], axis=1)
    return len(rows) - len(np.unique(rows, axis=0))


def remarks(counts: dict[str, int], rules: Rules) -> tuple[str, ...]:
    """Sentences on what deserves attention."""
    found = []
    if unseen := counts["detections_in_classes_without_ground_truth"]:
        classes = counts["classes_detected_without_ground_truth"]
        found.append(
            f"{counted(unseen, 'detection')} in {counted(classes, 'class', 'classes')} without "
            "ground truth: no metric counts them"
        )
    missing = counts["classes_without_detections"]
    if missing and counts["detections"] and not rules.class_agnostic:
        found.append(
            f"{counted(missing, 'class', 'classes')} with ground truth but without a detection: "
            "recall and AP are 0 there"
        )
    if on_empty := counts["detections_on_images_without_ground_truth"]:
        images = counts["images_without_ground_truth"]
        found.append(
            f"{counted(on_empty, 'detection')} on the {counted(images, 'image')} without ground "
            f"truth: {on_empty / images:.3g} false positives an image"
        )
    if beyond := counts["detections_beyond_limit"]:
        found.append(
            f"{counted(beyond, 'detection')} beyond the limit of {rules.max_limit} an image and "
            "class: not counted"
        )
    if double := counts["duplicate_detections"]:
        found.append(
            f"{counted(double, 'detection')} repeat another one exactly (image, class, score and "
            "box): was an image evaluated twice?"
        )
    return tuple(found)
