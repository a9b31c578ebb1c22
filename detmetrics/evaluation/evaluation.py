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
    read_detections,
    read_ground_truth,
)
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.arrays import Bools, Objects
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.matching.matching import match
from detmetrics.matching.preparation import evaluated_classes, prepare
from detmetrics.matching.shape_choice import settled
from detmetrics.rules import Rules
from detmetrics.rules.toml import rule_set
from detmetrics.tables import Detections, GroundTruth, restrict
from detmetrics.tables.catalog import Id
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.rows import Rows

__all__ = ["evaluate", "refuse_unpaired"]


def evaluate(
    ground_truth: Path | GroundTruth,
    detections: Path | Detections,
    rules: Rules | str | None = None,
    *,
    shape: str = "auto",
    images: Iterable[Id] | None = None,
    classes: Iterable[Id] | None = None,
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
    reading: formats, columns, class names, image sizes: what files leave open.
    images, classes: only these, by id or by name. unknown_images, unknown_categories: as in
    :func:`read_detections`. progress: called with a phase and the share of it that is done.

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
    rules, chosen = settled(ground_truth, detections, rules, shape)
    ground_truth, detections, left_out = evaluated_classes(ground_truth, detections, rules)
    if images is not None or classes is not None:
        catalog = ground_truth.catalog
        ground_truth, detections = restrict(
            ground_truth,
            detections,
            _chosen("image", images, catalog.image_ids, catalog.image_names),
            _chosen("class", classes, catalog.category_ids, catalog.category_names),
        )
    ground_truth, detections, remarks = prepare(ground_truth, detections, rules)
    matching = match(ground_truth, detections, rules, in_phase(progress, "matching"))
    return Evaluation(
        ground_truth, detections, rules, matching, (*notes, *chosen, *left_out, *remarks)
    )


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


def _chosen(what: str, wanted: Iterable[Id] | None, ids: Objects, names: tuple[str, ...]) -> Bools:
    """Mark what is wanted: by id, else by id as text, else by name."""
    marked = np.full(len(ids), wanted is None)
    if wanted is None:
        return marked
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        plural = {"image": "images", "class": "classes"}[what]
        raise InputError(f"{plural}: expected a list of ids or names, got {wanted!r}")
    known = ids.tolist()
    ways = [_rows_of(keys) for keys in (known, [str(value) for value in known], names)]
    for key in wanted:
        rows = next((way[key] for way in ways if key in way), None)
        if rows is None:
            raise InputError(f"no {what} {shown(key)} in the ground truth; it has {few(names)}")
        marked[rows] = True
    return marked


def _rows_of(keys: Iterable[Id]) -> dict[Id, list[int]]:
    rows: dict[Id, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows
