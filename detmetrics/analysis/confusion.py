"""Which classes a detector takes for which others, and for nothing, at a confidence and an IoU.

``counts[g, d]`` is how many objects of class ``g`` were found as class ``d``: rows are what is
there, columns what was detected, and the last of both is the background. So a row of a class sums
to its objects, the last column of it to those that nobody found; a column sums to the detections of
a class, the last row of it to those on nothing. The corner of the two is always 0.

**greedy**: detections with ``score >= confidence``, best first (of equal scores the first in the
file), each take the free object of their image that they overlap most, of whatever class, with
``IoU >= iou`` (of equal overlaps the first in the file). Objects are those that count under the
result's rules, detections those that its rules look at, and overlap is measured as they do.
A detection that takes nothing and lies in a crowd or an ignored object of its own class is set
aside, see :mod:`detmetrics.analysis.assignment`.

**ultralytics**: the same with ``score > confidence``, ``IoU > iou``, IoU in float32 with 1e-7 in
the denominator, and nothing set aside. Source: ``ultralytics`` 8.4.190, ``utils/metrics.py``,
``ConfusionMatrix.process_batch``, whose matrix has rows and columns exchanged. Releases before the
middle of 2026 match by IoU first, not by score.

Classes that a rule set pools stand apart here, as there would be nothing to confuse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from detmetrics.analysis.assignment import Assignment, assigned, at_one_threshold, share
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.rules import Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BACKGROUND", "ConfusionMatrix", "Definition", "confusion_matrix"]

BACKGROUND = "background"
Definition = Literal["greedy", "ultralytics"]
Over = Literal["ground_truths", "detections", "all"]
DEFAULT_IOU = {"greedy": 0.5, "ultralytics": 0.45}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMatrix:
    """Objects by their class and by the class that they were found as; from
    :func:`confusion_matrix`.

    Attributes:
        definition, confidence, iou: how it was made.
        class_names : (K,).
        counts : (K + 1, K + 1) rows are classes of objects, columns classes of detections; the
            last of both is the background.
        set_aside: detections that stand nowhere, as they lie in what does not count.
        detection, ground_truth : (C,) rows of the tables, -1 without one: what was counted, first
            detections by row, then the objects that nobody found.
        overlap : (C,) of the two, nan without one of them.
        row, column : (C,) the cell that each is counted in.

    >>> import detmetrics as dm
    >>> from detmetrics.analysis import confusion_matrix
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> matrix = confusion_matrix(result)
    >>> matrix.counts[matrix.index("bicycle")].tolist()
    [0, 15, 0, 0, 0, 6]
    """

    definition: Definition
    confidence: float
    iou: float
    class_names: tuple[str, ...]
    counts: Ints
    set_aside: int
    detection: Ints
    ground_truth: Ints
    overlap: Floats
    row: Ints
    column: Ints

    @property
    def labels(self) -> tuple[str, ...]:
        """(K + 1,) the names of rows and columns."""
        taken = BACKGROUND in self.class_names
        return (*self.class_names, f"({BACKGROUND})" if taken else BACKGROUND)

    def index(self, label: str) -> int:
        """The row and column of a class, or of the background.

        Raises:
            InputError: no such label.
        """
        if label not in self.labels:
            raise InputError(f"no class {label!r}; there are {', '.join(self.labels)}")
        return self.labels.index(label)

    def cell(self, true_class: str, predicted_class: str) -> tuple[Ints, Ints]:
        """Rows of the detections and of the ground truths behind one cell, -1 without one.

        Raises:
            InputError: no such label.
        """
        own = (self.row == self.index(true_class)) & (self.column == self.index(predicted_class))
        return self.detection[own], self.ground_truth[own]

    def normalized(self, over: Over = "ground_truths") -> Floats:
        """(K + 1, K + 1) shares: of the objects of each row (recall stands on the diagonal), of
        the detections of each column (precision), or of all that was counted.

        nan in a row or column without any, since there is nothing to take a share of.

        Raises:
            InputError: no such choice.
        """
        if over not in get_args(Over):
            raise InputError(f"over: expected one of {', '.join(get_args(Over))}, got {over!r}")
        axis = {"ground_truths": 1, "detections": 0, "all": None}[over]
        total = self.counts.sum(axis=axis, keepdims=True)
        with np.errstate(invalid="ignore"):
            shares: Floats = self.counts / total
        return shares

    def confused(self) -> list[tuple[str, str, int]]:
        """Pairs of different classes, what is there and what it was taken for, most frequent
        first; background left out.
        """
        # Stable: among equally frequent pairs, the earlier class comes first. Pairs that never
        # occur come last and are cut off.
        between = self.counts[:-1, :-1].copy()
        np.fill_diagonal(between, 0)
        order = np.argsort(-between, axis=None, kind="stable")
        order = order[: np.count_nonzero(between)]
        rows, columns = np.unravel_index(order, between.shape)
        return [
            (self.class_names[row], self.class_names[column], int(between[row, column]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]

    def frame(self) -> pd.DataFrame:
        """The counts with names."""
        import pandas as pd

        return pd.DataFrame(
            self.counts,
            index=pd.Index(self.labels, name="ground_truth"),
            columns=pd.Index(self.labels, name="detection"),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "definition": self.definition,
            "confidence": self.confidence,
            "iou": self.iou,
            "labels": list(self.labels),
            "counts": self.counts.tolist(),
            "set_aside": self.set_aside,
        }


def confusion_matrix(
    result: Evaluation,
    confidence: float = 0.25,
    iou: float | None = None,
    definition: Definition = "greedy",
) -> ConfusionMatrix:
    """Match across classes, and count who was taken for what.

    confidence: the score from which on detections are looked at. iou: from which on two can match:
    0.5 unless given, and 0.45 where Ultralytics' definition is asked for.

    Raises:
        InputError: an unknown definition, or numbers that are no overlap and no score.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> confusion_matrix(result).cell("dog", "person")[0].shape
    (1,)
    """
    if definition not in DEFAULT_IOU:
        raise InputError(f"definition: expected greedy or ultralytics, got {definition!r}")
    iou = share(DEFAULT_IOU[definition] if iou is None else iou)
    if math.isnan(confidence):
        raise InputError(f"confidence: expected a number, got {confidence}")
    require_scores(result.detections, "the confusion matrix")
    scores = result.detections.scores
    greedy = definition == "greedy"
    assignment = assigned(
        result,
        _rules(result.rules, iou, definition),
        scores >= confidence if greedy else scores > confidence,
        sets_aside=greedy,
    )
    return _counted(result, assignment, definition, float(confidence), iou)


def _rules(rules: Rules, iou: float, definition: Definition) -> Rules:
    across = at_one_threshold(rules, iou, class_agnostic=True)
    if definition == "greedy":
        return across
    # PyTorch compares float32 with the float32 next to the threshold.
    nearest = min(float(np.float32(iou)), 1.0)
    return across.replace(iou_thresholds=nearest, strict=True, pixel=0, arithmetic="float32")


def _counted(
    result: Evaluation,
    assignment: Assignment,
    definition: Definition,
    confidence: float,
    iou: float,
) -> ConfusionMatrix:
    names = result.ground_truth.catalog.class_labels
    missed = assignment.missed
    counted = np.flatnonzero(~assignment.set_aside)
    rows = assignment.detection[counted]
    detection = np.concatenate([rows, np.full(len(missed), -1)])
    ground_truth = np.concatenate([assignment.partner[counted], missed])
    background = len(names)
    # An index of -1 takes what stands last: the background.
    row = np.append(result.ground_truth.category, background)[ground_truth]
    of_missed = np.full(len(missed), background)
    column = np.concatenate([result.detections.category[rows], of_missed])
    size = len(names) + 1
    # counts[row[c], column[c]] += 1 for every c
    counts = np.bincount(row * size + column, minlength=size * size).reshape(size, size)
    return ConfusionMatrix(
        definition=definition,
        confidence=confidence,
        iou=iou,
        class_names=names,
        counts=counts,
        set_aside=int(assignment.set_aside.sum()),
        detection=detection,
        ground_truth=ground_truth,
        overlap=np.concatenate([assignment.overlap[counted], np.full(len(missed), np.nan)]),
        row=row,
        column=column,
    )
