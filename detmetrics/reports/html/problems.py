"""Which three things to fix first, each with the numbers that say so.

Candidates are weighed by what mending them would win: a kind of error by its dAP, the weakest
classes (three at most) by the mean AP that would be won were they as good as the mean of all,
detections that no metric sees by their share of the detections kept at the confidence of the
report. All but the last are AP at the IoU of the error types.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from detmetrics.analysis.confusion import ConfusionMatrix
from detmetrics.analysis.error_kinds import ERROR_KINDS, ErrorTypes
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.messages import counted
from detmetrics.metrics.average_precision import ap_at
from detmetrics.reports.outlines import title_of

__all__ = ["problems"]

MOST = 3
LONGEST = 40
LEAST = 0.0005  # what rounds to nothing is no problem

TITLES = {
    "classification": "Objects taken for another class",
    "localisation": "{Shapes} that do not fit their object",
    "both": "{Shapes} that are off, and of another class",
    "duplicate": "Several {shapes} on one object",
    "background": "Detections where no object is",
    "missed": "Objects that nothing finds",
    "classes": "Weak classes",
    "hidden": "False alarms that no metric counts",
}
NEXT = {
    "classification": "Look at the confusion matrix: are labels of these classes consistent?",
    "localisation": (
        "Look at the gallery: loose labels, truncated objects, or the regression of {shapes}?"
    ),
    "both": "Look at the gallery: often parts of objects, or crowded scenes.",
    "duplicate": "Suppress overlapping {shapes} more strongly, or check for doubled images.",
    "background": "Look at the gallery: unlabelled objects, or raise the confidence.",
    "missed": "Look at sizes and at the gallery: too small, hidden, or rare in training?",
    "classes": "Look at their curves and errors: too few examples, or hard to tell apart?",
    "hidden": "Look at what COCO hides: is ground truth missing, or add such images to training?",
}


def problems(
    result: Evaluation,
    errors: ErrorTypes,
    matrix: ConfusionMatrix | None,
    confidence: float,
) -> list[dict[str, Any]]:
    """The three heaviest, as plain values: kind, title, sentence, next, weight."""
    found = [
        *_kinds(result, errors, matrix, confidence),
        *_classes(errors),
        *_hidden(result, confidence),
    ]
    found = [one for one in found if one["weight"] >= LEAST]
    found.sort(key=lambda one: -one["weight"])
    shapes = title_of(result.rules)
    return [_worded(one, shapes) for one in found[:MOST]]


def _worded(problem: dict[str, Any], shapes: str) -> dict[str, Any]:
    """With the title and the next step, which name what is measured."""
    kind = problem["kind"]
    words = {"shapes": shapes, "Shapes": shapes[0].upper() + shapes[1:]}
    title, following = (said[kind].format(**words) for said in (TITLES, NEXT))
    return {**problem, "title": title, "next": following}


def _problem(kind: str, weight: float, sentence: str) -> dict[str, Any]:
    return {"kind": kind, "sentence": sentence, "weight": weight}


def _kinds(
    result: Evaluation, errors: ErrorTypes, matrix: ConfusionMatrix | None, confidence: float
) -> Iterator[dict[str, Any]]:
    for kind in ERROR_KINDS:
        weight = errors.dap[kind]
        if math.isnan(weight) or not errors.counts[kind]:
            continue
        rows, _ = errors.of(kind)
        what = {
            "classification": "lie on an object of another class",
            "localisation": (
                f"overlap an object of their class by only {errors.background:g} to {errors.iou:g}"
            ),
            "both": "overlap an object of another class a little",
            "duplicate": "repeat an object that a better one found",
            "background": "overlap no object",
            "missed": f"are found by no detection, nor nearly{_among(errors)}",
        }[kind]
        sentence = f"{_number(result, errors, kind, rows, confidence)} {what}. "
        sentence += f"Mending them wins {weight:.4f} {ap_at(errors.iou)}"
        sentence += _worst_class(errors, kind) + "."
        if kind == "classification" and matrix is not None and matrix.confused():
            there, taken, count = matrix.confused()[0]
            sentence += f" Most often {_short(there)} is taken for {_short(taken)} ({count:,})."
        yield _problem(kind, weight, sentence)


def _among(errors: ErrorTypes) -> str:
    """That not all detections were looked at, where that is so."""
    if not errors.left_out:
        return ""
    return f", among the best of their image ({errors.left_out:,} others were not looked at)"


def _short(name: str) -> str:
    """A class name that leaves room for the sentence around it."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _number(result: Evaluation, errors: ErrorTypes, kind: str, rows: Any, confidence: float) -> str:
    if kind == "missed":
        objects = int(result.curves.positives[:, 0].sum())
        return f"{errors.counts[kind]:,} of {counted(objects, 'object')}"
    kept = int((result.detections.scores[rows] >= confidence).sum())
    return f"{counted(errors.counts[kind], 'detection')} ({kept:,} from {confidence:.4g} on)"


def _worst_class(errors: ErrorTypes, kind: str) -> str:
    won = errors.class_dap[kind]
    if len(won) < 2 or np.isnan(won).all() or not np.nanmax(won) > 0:
        return ""
    worst = int(np.nanargmax(won))
    return f", most in {_short(errors.class_names[worst])} ({won[worst]:.4f})"


def _classes(errors: ErrorTypes) -> Iterator[dict[str, Any]]:
    known = np.flatnonzero(~np.isnan(errors.class_ap))
    if len(known) < 2:
        return
    mean = float(errors.class_ap[known].mean())
    short = mean - errors.class_ap[known]
    order = np.argsort(-short, kind="stable")[: min(MOST, len(known) // 2)]
    worst = [at for at in order.tolist() if short[at] > 0]
    if not worst:
        return
    weight = float(short[worst].sum() / len(known))
    names = ", ".join(
        f"{_short(errors.class_names[known[at]])} ({errors.class_ap[known[at]]:.4f})"
        for at in worst
    )
    are = "lies" if len(worst) == 1 else "lie"
    yield _problem(
        "classes",
        weight,
        f"{names} {are} below the mean {ap_at(errors.iou)} of {mean:.4f}. Raised to it, they "
        f"would add {weight:.4f} to the mean.",
    )


def _hidden(result: Evaluation, confidence: float) -> Iterator[dict[str, Any]]:
    ground_truth, detections = result.ground_truth, result.detections
    rows = result.matching.row
    rows = rows[detections.scores[rows] >= confidence]
    if not len(rows) or result.rules.class_agnostic:
        return
    unseen = (
        np.bincount(ground_truth.category, minlength=len(ground_truth.catalog.category_ids)) == 0
    )
    empty = np.bincount(ground_truth.image, minlength=len(ground_truth.catalog.image_ids)) == 0
    in_unseen, on_empty = unseen[detections.category[rows]], empty[detections.image[rows]]
    hidden = int((in_unseen | on_empty).sum())
    if hidden:
        yield _problem(
            "hidden",
            hidden / len(rows),
            f"{hidden:,} of {counted(len(rows), 'detection')} from {confidence:.4g} on: "
            f"{int(in_unseen.sum()):,} in classes without ground truth, {int(on_empty.sum()):,} "
            "on images without objects.",
        )
