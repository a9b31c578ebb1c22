"""The one composition: read, pair, match, and hand over the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from detmetrics.arrays import Bools, Objects
from detmetrics.catalog import Id
from detmetrics.errors import InputError
from detmetrics.loading import benchmark_of_format, read_sheet
from detmetrics.matching import match
from detmetrics.messages import few, shown
from detmetrics.pairing import UnknownPolicy
from detmetrics.preparation import evaluated_classes, prepare
from detmetrics.reading.request import Reading
from detmetrics.result import Evaluation
from detmetrics.rules import Rules
from detmetrics.rules.files import rule_set
from detmetrics.shaping import settled
from detmetrics.tables import Detections, GroundTruth, restrict

__all__ = ["evaluate", "read_detections", "read_ground_truth", "refuse_unpaired"]

Path = str | os.PathLike[str]
Progress = Callable[[str, float], None]
READING = Reading()


def read_ground_truth(
    path: Path, reading: Reading = READING, *, progress: Progress | None = None
) -> GroundTruth:
    """Ground truth from a file or a folder of any known format (``-`` is standard input).

    reading: what files leave open; progress: called with a phase and the share of it that is
    done.

    Raises:
        FormatError: it cannot be read or is not ground truth; all faults are listed.

    >>> truth = read_ground_truth("fixtures/ground_truth.json")
    >>> truth.catalog.category_names
    ('person', 'bicycle', 'car', 'bus', 'dog')
    """
    sheet = read_sheet(path, "ground truth", reading, progress=progress)
    return GroundTruth.from_sheet(sheet, pixels=reading.pixels)


def read_detections(
    path: Path,
    ground_truth: GroundTruth,
    reading: Reading = READING,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Detections:
    """Detections from a file or a folder, paired with the images and classes of the ground truth.

    unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave out and count the
    detections whose image or class the ground truth lacks.

    Raises:
        FormatError: it cannot be read or holds no detections.
        UnknownIdError: ids that the ground truth lacks; the message names the likely cause.

    >>> truth = read_ground_truth("fixtures/ground_truth.json")
    >>> len(read_detections("fixtures/detections.json", truth)) > 100
    True
    """
    known = replace(reading, catalog=ground_truth.catalog)
    return Detections.from_sheet(
        read_sheet(path, "detections", known, progress=progress),
        catalog=ground_truth.catalog,
        relative=ground_truth.relative,
        pixels=reading.pixels,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
    )


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
    truth = (
        ground_truth
        if isinstance(ground_truth, GroundTruth)
        else read_ground_truth(ground_truth, reading, progress=progress)
    )
    found = (
        detections
        if isinstance(detections, Detections)
        else read_detections(
            detections,
            truth,
            reading,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            progress=progress,
        )
    )
    refuse_unpaired(truth, found)
    notes = (*truth.notes, *found.notes)
    if rules is None:
        rules = benchmark_of_format(truth.source.format)
    rules = rule_set(rules) if isinstance(rules, str) else rules
    rules, chosen = settled(truth, found, rules, shape)
    truth, found, left_out = evaluated_classes(truth, found, rules)
    if images is not None or classes is not None:
        catalog = truth.catalog
        truth, found = restrict(
            truth,
            found,
            _chosen("image", images, catalog.image_ids, catalog.image_names),
            _chosen("class", classes, catalog.category_ids, catalog.category_names),
        )
    truth, found, remarks = prepare(truth, found, rules)
    matching = match(truth, found, rules, _phase(progress, "matching"))
    return Evaluation(truth, found, rules, matching, (*notes, *chosen, *left_out, *remarks))


def refuse_unpaired(truth: GroundTruth, found: Detections) -> None:
    """Tables belong together where their images and classes are the same list.

    Raises:
        InputError: they are not.
    """
    if found.catalog is not truth.catalog:
        raise InputError(
            "the detections were paired with another catalog: "
            "read or build them with catalog=ground_truth.catalog"
        )


def _phase(progress: Progress | None, name: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(name, share)


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
