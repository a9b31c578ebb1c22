"""Error types, confusion and blind spots: one model of tables, and their views."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
from rich.text import Text

from detmetrics.analysis.confusion import ConfusionMatrix
from detmetrics.analysis.error_kinds import ERROR_KINDS, MENDED_TOGETHER, ErrorTypes
from detmetrics.analysis.hidden import BlindSpots
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.messages import counted, printable
from detmetrics.metrics.average_precision import ap_at
from detmetrics.reports.csv import as_csv
from detmetrics.reports.grids import WIDTH, grid, plain_console, trimmed
from detmetrics.reports.markdown import escaped, table_rows
from detmetrics.reports.tables import Cell, Table

__all__ = [
    "blind_spot_table",
    "class_error_table",
    "confusion_table",
    "error_table",
    "most_confused",
    "on_empty_classes",
    "pooled",
    "to_csv",
    "to_json",
    "to_markdown",
    "to_text",
]

SCHEMA = 1
KINDS = (*ERROR_KINDS, *MENDED_TOGETHER)
CORNER = "there, found as"
GAP = 3  # blanks between the columns of a terminal's table


def error_table(errors: ErrorTypes) -> Table:
    """A row a kind of error: how many, the AP that they cost, and what they are."""
    rows = tuple(
        (kind, errors.counts[kind], _cell(errors.dap[kind]), _what(kind, errors)) for kind in KINDS
    )
    return Table(("error", "count", "dAP", "what it is"), rows)


def _what(kind: str, errors: ErrorTypes) -> str:
    if kind in errors.undefined:
        return f"undefined: {errors.undefined[kind]}"
    iou, nothing = f"{errors.iou:g}", f"{errors.background:g}"
    return {
        "classification": f"IoU {iou} or more with an object of another class",
        "localisation": f"IoU {nothing} to {iou} with an object of its class",
        "both": f"IoU {nothing} to {iou} with an object of another class",
        "duplicate": "a better detection found its object",
        "background": f"IoU {nothing} or less with every object",
        "missed": "objects that nobody found or aimed at",
        "false positives": "all detections that are wrong",
        "false negatives": "all objects that nobody found",
    }[kind]


def class_error_table(errors: ErrorTypes) -> Table:
    """A row a class: AP, how many errors of each kind, and what each costs it."""
    rows = tuple(
        (
            name,
            _cell(float(errors.class_ap[row])),
            *(int(errors.class_counts[kind][row]) for kind in KINDS),
            *(_cell(float(errors.class_dap[kind][row])) for kind in KINDS),
        )
        for row, name in enumerate(errors.class_names)
    )
    return Table(("class", "AP", *KINDS, *(f"{kind} dAP" for kind in KINDS)), rows)


def confusion_table(matrix: ConfusionMatrix, width: int | None = None) -> Table:
    """The matrix, rows what is there and columns what was detected.

    width: characters that it may take; the classes most often confused with others stand in it,
    and all others in one row and column. Without a width all classes do.
    """
    shown = _fitting(matrix, width) if width else np.arange(len(matrix.class_names))
    drawn = pooled(matrix, shown)
    labels = [printable(name) for name in drawn.labels]
    rows: list[tuple[Cell, ...]] = [
        (label, *row) for label, row in zip(labels, drawn.counts.tolist(), strict=True)
    ]
    return Table((CORNER, *labels), tuple(rows))


def pooled(matrix: ConfusionMatrix, shown: Ints) -> ConfusionMatrix:
    """The matrix of some classes; all others are one, the last before the background."""
    others = np.setdiff1d(np.arange(len(matrix.class_names)), shown)
    if not len(others):
        return matrix
    group = np.full(len(matrix.labels), len(shown))
    group[shown] = np.arange(len(shown))
    group[-1] = size = len(shown) + 1
    counts = np.zeros((size + 1, size + 1), np.int64)
    np.add.at(counts, np.ix_(group, group), matrix.counts)
    return replace(
        matrix,
        class_names=(*(matrix.class_names[at] for at in shown), counted(len(others), "other")),
        counts=counts,
        row=group[matrix.row],
        column=group[matrix.column],
    )


def most_confused(matrix: ConfusionMatrix) -> Ints:
    """(K,) classes, those most often taken for others, and others for them, first."""
    between = matrix.counts[:-1, :-1].copy()
    np.fill_diagonal(between, 0)
    confused = between.sum(axis=0) + between.sum(axis=1)
    return np.lexsort((-matrix.counts[:-1].sum(axis=1), -confused))


def _fitting(matrix: ConfusionMatrix, width: int) -> Ints:
    """The classes most often confused, as many as fit, in their own order."""
    order = most_confused(matrix)
    digits = len(f"{int(matrix.counts.max(initial=0)):,}")
    names = [len(printable(name)) for name in matrix.class_names]
    own = [max(length, digits) + GAP for length in names]

    def fits(kept: list[int], others: int) -> bool:
        heads = max([len(CORNER), *(names[at] for at in kept)])
        return heads + sum(own[at] for at in kept) + others <= width

    background = len(matrix.labels[-1]) + GAP
    if fits(order.tolist(), background):
        return np.arange(len(order))
    kept: list[int] = []
    for at in order.tolist():
        if not fits([*kept, at], background + len("1,000 others") + GAP):
            break
        kept.append(at)
    return np.sort(np.array(kept, np.int64))


def blind_spot_table(spots: BlindSpots) -> Table:
    """A row for each thing that no metric of COCO shows."""
    unseen = spots.counts["classes_detected_without_ground_truth"]
    counts = spots.counts
    empty = counts["images_without_ground_truth"]
    rows: list[tuple[Cell, ...]] = [
        (
            f"detections in {counted(unseen, 'class', 'classes')} without ground truth",
            counts["detections_in_classes_without_ground_truth"],
        ),
        (
            f"detections on {counted(empty, 'image')} without ground truth",
            counts["detections_on_images_without_ground_truth"],
        ),
        ("detections that overlap a better one of their class almost fully", len(spots.repeated)),
        ("detections that repeat another exactly", counts["duplicate_detections"]),
        ("classes with ground truth and without a detection", len(spots.never_found)),
    ]
    rates = zip(spots.confidences.tolist(), spots.false_positives_an_image.tolist(), strict=True)
    rows += [
        (f"false positives an image, scores from {level:g}, IoU {spots.iou:g}", _cell(rate))
        for level, rate in rates
    ]
    return Table(("what COCO hides", "count"), tuple(rows))


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else value


def _headline(errors: ErrorTypes) -> str:
    ap = "undefined" if math.isnan(errors.ap) else f"{errors.ap:.4f}"
    right = counted(errors.true_positives, "detection")
    wrong, aside = errors.counts["false positives"], errors.set_aside
    said = f"{ap_at(errors.iou)} {ap}; {right} right, "
    said += f"{wrong:,} wrong, {aside:,} set aside"
    if errors.left_out:
        said += f", {errors.left_out:,} beyond the best of their image left out (--image-limit)"
    return "\n".join(filter(None, (said, on_empty_classes(errors))))


def on_empty_classes(errors: ErrorTypes) -> str:
    """Why TIDE's AP is not that of COCO's rules, where a class has detections alone; else empty."""
    known = errors.class_ap[~np.isnan(errors.class_ap)]
    if not errors.empty_classes or not len(known):
        return ""
    count = counted(errors.empty_classes, "class", "classes")
    verb = "counts" if errors.empty_classes == 1 else "count"
    others = f"over the others it is {known.mean():.4f}"
    return f"{count} without objects {verb} as 0 in TIDE's {ap_at(errors.iou)}: {others}"


def _about(matrix: ConfusionMatrix) -> str:
    at_least = "or more" if matrix.definition == "greedy" else "exceeded"
    return (
        f"confusion at confidence {matrix.confidence:g} and IoU {matrix.iou:g} {at_least} "
        f"({matrix.definition}), {matrix.set_aside:,} set aside"
    )


def to_text(
    errors: ErrorTypes,
    spots: BlindSpots,
    matrix: ConfusionMatrix | None = None,
    *,
    per_class: bool = False,
    width: int | None = None,
) -> str:
    """For a terminal; width: characters a line, 100 unless given."""
    console, out = plain_console(width)
    console.print(grid(error_table(errors)))
    console.print(Text(_headline(errors)), soft_wrap=True)
    console.print(Text(errors.signature), soft_wrap=True)
    console.print()
    if per_class:
        console.print(grid(class_error_table(errors).select("class", "AP", *ERROR_KINDS)))
        console.print()
    if matrix is not None:
        console.print(grid(confusion_table(matrix, width or WIDTH)))
        console.print(Text(_about(matrix)), soft_wrap=True)
        console.print()
    console.print(grid(blind_spot_table(spots)))
    return trimmed(out)


def to_markdown(
    errors: ErrorTypes,
    spots: BlindSpots,
    matrix: ConfusionMatrix | None = None,
    *,
    per_class: bool = False,
) -> str:
    """For a pull request or a job summary; the matrix twice as wide as in a terminal."""
    parts = ["\n".join(table_rows(error_table(errors))), _headline(errors)]
    if per_class:
        classes = class_error_table(errors).select("class", "AP", *ERROR_KINDS)
        parts.append("\n".join(table_rows(classes)))
    if matrix is not None:
        parts.append("\n".join(table_rows(confusion_table(matrix, 2 * WIDTH))))
        parts.append(escaped(_about(matrix)))
    parts.append("\n".join(table_rows(blind_spot_table(spots))))
    parts.append(f"`{errors.signature}`")
    return "\n\n".join(parts) + "\n"


def to_csv(errors: ErrorTypes, *, safe: bool = False) -> str:
    """All classes together in one row, then a row a class; undefined is empty.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    classes = class_error_table(errors)
    overall = (
        "",
        _cell(errors.ap),
        *(errors.counts[kind] for kind in KINDS),
        *(_cell(errors.dap[kind]) for kind in KINDS),
    )
    rows = [("all", *overall), *(("class", *row) for row in classes.rows)]
    header = ("scope", *classes.columns, "signature")
    return as_csv(header, [(*row, errors.signature) for row in rows], safe=safe)


def to_json(
    result: Evaluation,
    errors: ErrorTypes,
    spots: BlindSpots,
    matrix: ConfusionMatrix | None = None,
) -> str:
    """The document of ``docs/analyses.md``: sorted keys, full precision, undefined is null."""
    of_result = result.to_dict()
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "errors": errors.to_dict(),
        "blind_spots": spots.to_dict(),
        **{key: of_result[key] for key in ("attention", "inputs", "versions")},
    }
    if matrix is not None:
        document["confusion"] = matrix.to_dict()
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"
