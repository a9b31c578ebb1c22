"""What was read, and what its reader should know before believing the numbers.

COCO's metrics are blind to false positives in classes without ground truth, and see those on
images without objects only through precision. Counting both costs nothing, so they are always
counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import first_equal, slots_of_repeats, used
from detmetrics.foundation.messages import counted, few, printable
from detmetrics.matching.candidates import NEARLY_ONE, measure_of, measured
from detmetrics.matching.matches import Matches
from detmetrics.matching.selection import limits, looked_for
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import metrics_of
from detmetrics.metrics.tie_interval import NO_INTERVAL, sharing_scores, tie_interval
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.coverage import Coverage

__all__ = ["Remark", "count", "equal_scores", "never_detected", "partial", "remarks"]

PART = (
    "If the detections are of a part of the data set: --only-detected-images, --images FILE or "
    "--split NAME evaluates that part"
)
PART_OF_TABLES = (
    "If the detections are of a part of the data set: only_detected_images=True or images=[...] "
    "evaluates that part"
)


MANY_AGAIN = 0.01
"""Real sets have a few objects twice; from this share on a file was written twice."""


TIE_WIDTH = 0.001
"""By less than this AP may depend on the order of equal scores without a word."""


class Remark(NamedTuple):
    """A sentence for the reader of the numbers; warning: they are probably not what was meant."""

    text: str
    warning: bool = False


def count(
    ground_truth: GroundTruth, detections: Detections, matches: Matches, coverage: Coverage
) -> dict[str, int]:
    """Counts by name, in whole numbers."""
    images, classes = len(ground_truth.catalog.image_ids), len(ground_truth.catalog.category_ids)
    objects_of_class = np.bincount(ground_truth.category, minlength=classes)
    objects_on_image = np.bincount(ground_truth.image, minlength=images)
    pooled = matches.rules.class_agnostic
    counting = matches.truth_category[~matches.ignored[0]]
    # A class of crowds alone has no recall that could be 0.
    measured = objects_of_class if pooled else np.bincount(counting, minlength=classes)
    detected = np.bincount(detections.category, minlength=classes)
    without_class = np.zeros(classes, bool) if pooled else objects_of_class == 0
    on_empty = objects_on_image[detections.image] == 0
    in_unseen = without_class[detections.category]
    left_out = matches.detections - len(matches.row)
    low = _below_score(detections, matches.rules)
    unsought = _unsought(ground_truth, detections, matches.rules)
    return {
        "images": images,
        "images_without_ground_truth": int((objects_on_image == 0).sum()),
        "images_without_detections": len(coverage.undetected),
        "classes": classes,
        "classes_without_ground_truth": int((objects_of_class == 0).sum()),
        "classes_without_detections": int(((measured > 0) & (detected == 0)).sum()),
        "ground_truths": len(ground_truth),
        "crowds": int(ground_truth.crowd.sum()),
        "detections": len(detections),
        **({} if low is None else {"detections_below_score": low}),
        **({} if unsought is None else {"detections_of_classes_not_looked_for": unsought}),
        "detections_beyond_limit": left_out - (low or 0) - (unsought or 0),
        "detections_in_classes_without_ground_truth": int(in_unseen.sum()),
        "classes_detected_without_ground_truth": len(used(detections.category[in_unseen])),
        "detections_on_images_without_ground_truth": int(on_empty.sum()),
        "duplicate_detections": _duplicates(detections, matches),
        "duplicate_ground_truths": _equal_objects(ground_truth),
        **_dropped(ground_truth, detections),
    }


def _dropped(ground_truth: GroundTruth, detections: Detections) -> dict[str, int]:
    """Invalid rows that were left out, where there were any."""
    counts = {
        "invalid_ground_truths_dropped": ground_truth.dropped,
        "invalid_detections_dropped": detections.dropped,
    }
    return {name: number for name, number in counts.items() if number}


def _below_score(detections: Detections, rules: Rules) -> int | None:
    """Detections whose score is too low to count; None where the rules do not ask for one."""
    if rules.min_score is None:
        return None
    return int((detections.scores <= rules.min_score).sum())


def _unsought(ground_truth: GroundTruth, detections: Detections, rules: Rules) -> int | None:
    """Detections that would count but for their class; None where the rules do not ask for it."""
    if not rules.federated:
        return None
    unsought = ~looked_for(ground_truth, detections)
    if rules.min_score is not None:
        unsought &= detections.scores > rules.min_score
    return int(unsought.sum())


def _equal_objects(ground_truth: GroundTruth) -> int:
    """Objects that repeat another: same image, class and box; crowds and ignored ones aside."""
    rows = np.flatnonzero(~(ground_truth.crowd | ground_truth.ignore | ground_truth.difficult))
    if ground_truth.shapes is not None:  # of which boxes say too little
        return 0
    # Only boxes that begin at the same x can be equal: look at these alone.
    rows = rows[np.argsort(ground_truth.boxes[rows, 0], kind="stable")]
    near = rows[slots_of_repeats(ground_truth.boxes[rows, 0])]
    keys = np.column_stack(
        [ground_truth.image[near], ground_truth.category[near], ground_truth.boxes[near]]
    )
    return int(np.count_nonzero(first_equal(keys) != np.arange(len(keys))))


def _duplicates(detections: Detections, matches: Matches) -> int:
    """Detections within the limit that repeat another: same image, class, score and shape."""
    # Matches stand by category, score and image, so repeated ones are near neighbours.
    row, score, image = matches.row, matches.score, matches.image
    near = np.zeros(len(row), bool)
    same = (score[1:] == score[:-1]) | np.isnan(score[1:])
    near[1:] = same & (image[1:] == image[:-1])
    near[:-1] |= near[1:]
    row = row[near]
    keys = np.column_stack(
        [detections.image[row], detections.category[row], np.nan_to_num(detections.scores[row])]
    )
    shapes = measured(detections, measure_of(matches.rules)).take(row)
    rows = np.column_stack([keys, detections.boxes[row], shapes.areas])
    partner = first_equal(rows)
    again = np.flatnonzero(partner != np.arange(len(rows)))
    if matches.rules.shape == "box":
        return len(again)
    # Boxes that are turned the other way have the same hull and area.
    nothing = np.zeros(len(again), bool)
    overlap = shapes.overlaps(again, shapes, partner[again], nothing, 0.0)
    return int(np.count_nonzero(~(overlap < NEARLY_ONE)))  # those without an area have none


def never_detected(
    ground_truth: GroundTruth, detections: Detections, matches: Matches
) -> tuple[str, ...]:
    """The classes with objects that count and without a detection, by name."""
    labels = ground_truth.catalog.class_labels
    if matches.rules.class_agnostic:
        return ()
    measured = np.bincount(matches.truth_category[~matches.ignored[0]], minlength=len(labels))
    detected = np.bincount(detections.category, minlength=len(labels))
    return tuple(labels[row] for row in np.flatnonzero((measured > 0) & (detected == 0)))


def partial(coverage: Coverage) -> Iterator[Remark]:
    """Whether the detections are of a part of the images: what to know before anything else."""
    if coverage.partial:
        run = f"the {coverage.run} " if coverage.run else ""
        cause = coverage.part or (PART if coverage.of_files else PART_OF_TABLES)
        yield Remark(
            f"{_uncovered(coverage, run)}: their objects count as missed. {cause}", warning=True
        )


def _uncovered(coverage: Coverage, run: str = "") -> str:
    missing, objects = len(coverage.undetected), counted(coverage.objects, "object")
    names = ", ".join(map(printable, coverage.names)) + (", ..." if missing > 3 else "")
    return (
        f"no detection on {run}{missing:,} of {counted(coverage.images, 'image')} with ground "
        f"truth ({names}; {objects})"
    )


def equal_scores(curves: Curves) -> Iterator[Remark]:
    """How far the first AP depends on the order of detections with equal scores."""
    matches = curves.listed
    metric = next((one for one in metrics_of(matches.rules) if one.kind.of_curves), None)
    if metric is None or matches.rules.interpolation in NO_INTERVAL:
        return
    low, high = tie_interval(curves, metric)
    if high - low > TIE_WIDTH:
        all_of_them = counted(len(matches.row), "detection")
        yield Remark(
            f"{metric.name} is {low:.4f} to {high:.4f}, depending on the order of equal scores, "
            f"which the detections leave open: {sharing_scores(matches):,} of {all_of_them} "
            "have the score of another of their class"
        )


def _nothing(counts: dict[str, int]) -> Iterator[Remark]:
    if counts["ground_truths"] and not counts["detections"]:
        objects = counted(counts["ground_truths"], "object")
        yield Remark(f"there are no detections, and {objects} to find", warning=True)


def remarks(
    counts: dict[str, int], rules: Rules, coverage: Coverage, never: Sequence[str]
) -> Iterator[Remark]:
    """Sentences on what deserves attention; never: classes that are never detected."""
    yield from _nothing(counts)
    if len(coverage.undetected) and coverage.detections and not coverage.partial:
        yield Remark(_uncovered(coverage))
    if unseen := counts["detections_in_classes_without_ground_truth"]:
        classes = counts["classes_detected_without_ground_truth"]
        yield Remark(
            f"{counted(unseen, 'detection')} in {counted(classes, 'class', 'classes')} without "
            "ground truth: no metric counts them"
        )
    missing = counts["classes_without_detections"]
    if missing and counts["detections"] and not rules.class_agnostic:
        yield Remark(
            f"{counted(missing, 'class', 'classes')} with ground truth but without a detection "
            f"({few(never)}): "
            + (
                "they are left out of means"
                if rules.classes == "detected"
                else "recall and AP are 0 there"
            )
        )
    if rules.classes == "all" and (empty := counts["classes_without_ground_truth"]):
        yield Remark(
            f"{counted(empty, 'class', 'classes')} without ground truth: 0 in every mean, "
            f"as {rules.name} has it"
        )
    if on_empty := counts["detections_on_images_without_ground_truth"]:
        images = counts["images_without_ground_truth"]
        yield Remark(
            f"{counted(on_empty, 'detection')} on the {counted(images, 'image')} without ground "
            f"truth: {on_empty / images:.3g} false positives an image"
        )
    if again := counts["duplicate_ground_truths"]:
        yield Remark(
            f"{counted(again, 'object')} of the ground truth repeat another one exactly (image, "
            "class and box): a detector finds one of them, and the others count as missed "
            "(detmetrics check)",
            warning=again >= MANY_AGAIN * counts["ground_truths"],
        )
    yield from map(Remark, _uncounted(counts, rules))
    if double := counts["duplicate_detections"]:
        yield Remark(
            f"{counted(double, 'detection')} repeat another one exactly (image, class, score and "
            "box): was an image evaluated twice?",
            warning=True,
        )


def _uncounted(counts: dict[str, int], rules: Rules) -> Iterator[str]:
    """Which detections the rules leave out, each by the first cause that holds."""
    if low := counts.get("detections_below_score", 0):
        yield (
            f"{counted(low, 'detection')} with a score not above {rules.min_score:g}: not counted"
        )
    if unsought := counts.get("detections_of_classes_not_looked_for", 0):
        yield (
            f"{counted(unsought, 'detection')} of classes that nobody looked for in the image: "
            "not counted"
        )
    if beyond := counts["detections_beyond_limit"]:
        several = " or ".join(f"{limit:,} {of}" for limit, of in limits(rules))
        yield (f"{counted(beyond, 'detection')} beyond the limit of {several}: not counted")
