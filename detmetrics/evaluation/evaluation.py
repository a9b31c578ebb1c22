"""The one composition: read, pair, match, and hand over the result."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.formats.loading import (
    Path,
    benchmark_of_format,
    other_split,
    read_detections,
    read_ground_truth,
)
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.arrays import Bools, used
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.matching.matching import match
from detmetrics.matching.preparation import evaluated_classes, prepare
from detmetrics.matching.shape_choice import settled
from detmetrics.rules import Rules
from detmetrics.rules.toml import rule_set
from detmetrics.rules.unscored import without_scores
from detmetrics.tables import Detections, GroundTruth, restrict
from detmetrics.tables.catalog import Id
from detmetrics.tables.choice import classes_chosen, images_chosen
from detmetrics.tables.coverage import Coverage
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.rows import Rows

__all__ = ["evaluate", "explained", "refuse_unpaired", "with_part"]

UNSCORED = (
    "{name}: measured without scores: all detections count, pairs of the largest overlap match "
    "first, and AP_min and AP_max are AP over all orders of them"
)


def evaluate(
    ground_truth: Path | GroundTruth,
    detections: Path | Detections,
    rules: Rules | str | None = None,
    *,
    shape: str = "auto",
    images: Iterable[Id] | None = None,
    classes: Iterable[Id] | None = None,
    only_detected_images: bool = False,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    reading: Reading = READING,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure detections against ground truth.

    ground_truth, detections: paths of files or folders in any known format, or tables; a table
    of detections must have been paired with this ground truth.
    rules: a rule set, its name, or the path of a TOML file; unless given, that of the benchmark
    which the format of the ground truth belongs to (DOTA), and COCO's for all others.
    shape: what overlap is measured of: ``"auto"`` takes, where the rules are of upright boxes, the
    shapes that both sides have, and says so; else one that rules know, see :attr:`Rules.shape`.
    reading: formats, columns, class names, image sizes: what files leave open. Detections without
    scores (``dm.Reading(scores="none")``, ``scores=None`` of arrays) are measured as
    :func:`~detmetrics.rules.unscored.without_scores` says.
    images: only these, by id, file name, stem, or the end of a path that fits one image; classes:
    only these, by id or name. only_detected_images: only images with at least one detection, for
    detections of a part of the data set; a note counts what was left out. unknown_images,
    unknown_categories: as in :func:`read_detections`. progress: called with a phase and the share
    of it that is done.

    Raises:
        FormatError, UnknownIdError, InputError: see the readers. RulesError: no such rule set, or
            the tables lack what it needs.

    >>> result = evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> round(result.summary["AP50"], 4) > round(result.summary["AP"], 4)
    True
    """
    both = [None if isinstance(one, Rows) else os.fspath(one) for one in (ground_truth, detections)]
    if not isinstance(ground_truth, GroundTruth):
        beside = replace(reading, beside=both[1])
        ground_truth = read_ground_truth(ground_truth, beside, progress=progress)
    if not isinstance(detections, Detections):
        reading = replace(reading, beside=both[0])
        detections = read_detections(
            detections,
            ground_truth,
            reading,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            progress=progress,
        )
    refuse_unpaired(ground_truth, detections)
    notes = (*ground_truth.notes, *detections.notes)
    if rules is None:
        rules = benchmark_of_format(ground_truth.source.format)
    rules = rule_set(rules) if isinstance(rules, str) else rules
    if not detections.scored:
        rules = without_scores(rules)
        notes = (*notes, UNSCORED.format(name=detections.source.name))
    rules, chosen = settled(ground_truth, detections, rules, shape)
    chosen_images, undetected = _chosen(ground_truth, detections, images, only_detected_images)
    coverage = explained(ground_truth, detections, chosen_images)
    ground_truth, detections, left_out = evaluated_classes(ground_truth, detections, rules)
    if classes is not None or not chosen_images.all():
        chosen_classes = classes_chosen(classes, ground_truth.catalog)
        ground_truth, detections = restrict(ground_truth, detections, chosen_images, chosen_classes)
        coverage = coverage.renumbered(chosen_images)
    ground_truth, detections, remarks = prepare(ground_truth, detections, rules)
    matching = match(ground_truth, detections, rules, in_phase(progress, "matching"))
    notes = (*undetected, *notes, *chosen, *left_out, *remarks)
    return Evaluation(ground_truth, detections, rules, matching, notes, coverage)


def with_part(
    ground_truth: GroundTruth,
    detections: Detections,
    images: Iterable[Id] | None,
    only_detected_images: bool,
    classes: Iterable[Id] | None = None,
) -> tuple[GroundTruth, Detections, tuple[str, ...]]:
    """Both tables with the images and classes that were chosen, and what was left out.

    Raises:
        InputError: an image or a class is not known, or no image has a detection.
    """
    chosen, notes = _chosen(ground_truth, detections, images, only_detected_images)
    of_classes = classes_chosen(classes, ground_truth.catalog)
    if not (chosen.all() and of_classes.all()):
        ground_truth, detections = restrict(ground_truth, detections, chosen, of_classes)
    return ground_truth, detections, notes


def _chosen(
    ground_truth: GroundTruth,
    detections: Detections,
    images: Iterable[Id] | None,
    only_detected_images: bool,
) -> tuple[Bools, tuple[str, ...]]:
    """Mark the images that are evaluated, and say how much is left out with the others.

    Raises:
        InputError: an image is not known, or none has a detection.
    """
    chosen = images_chosen(images, ground_truth.catalog)
    notes = () if chosen.all() else (_left_out(ground_truth, detections, ~chosen),)
    if not only_detected_images:
        return chosen, notes
    detected = np.bincount(detections.image, minlength=len(chosen)) > 0
    if not (detected & chosen).any():
        raise InputError(f"{detections.source.name}: no image has a detection: none is evaluated")
    left = chosen & ~detected
    objects = counted(int(left[ground_truth.image].sum()), "object")
    without = counted(int(left.sum()), "image")
    note = f"{without} without detections and the {objects} on them: left out, as asked"
    return chosen & detected, (*notes, note)


def _left_out(ground_truth: GroundTruth, detections: Detections, images: Bools) -> str:
    """A sentence on images that were not asked for; images : (N,) those."""
    objects = counted(int(images[ground_truth.image].sum()), "object")
    found = counted(int(images[detections.image].sum()), "detection")
    which = f"{int((~images).sum()):,} of {counted(len(images), 'image')}"
    return f"{which} evaluated, as asked: {objects} and {found} on the others are left out"


def explained(
    ground_truth: GroundTruth, detections: Detections, images: Bools | None = None
) -> Coverage:
    """Which images have detections; where some lack them, whether those are of another split.

    images : (N,) only these.
    """
    chosen = np.ones(len(ground_truth.catalog.image_ids), bool) if images is None else images
    coverage = Coverage.of(ground_truth, detections, chosen)
    if not coverage.unlikely or not len(coverage.detected):
        return coverage
    names = ground_truth.catalog.image_names
    found = used(detections.image)
    with_detections = [names[row] for row in found[chosen[found]].tolist()]
    without = [names[row] for row in coverage.undetected.tolist()]
    why = other_split(ground_truth, with_detections, without)
    return coverage if why is None else coverage.explained(f"{why[0].upper()}{why[1:]}")


def refuse_unpaired(ground_truth: GroundTruth, detections: Detections) -> None:
    """Tables belong together where their images and classes are the same list.

    Raises:
        InputError: they are not.
    """
    if detections.catalog is not ground_truth.catalog:
        raise InputError(
            "the detections were paired with another catalog: "
            "read or build them with catalog=ground_truth.catalog"
        )
