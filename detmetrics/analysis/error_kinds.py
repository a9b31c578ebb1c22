"""Error types of TIDE: what is wrong with each detection, and the AP that each kind costs.

Of an image the best 100 detections, whatever their class, take in order of score the free object
of their class that they overlap most, by IoU >= 0.5. Each of the others that counts is one error,
the first that holds:

- *localisation*: the largest overlap with an object of its class is from 0.1 to 0.5;
- *classification*: that with an object of another class is 0.5 or more;
- *duplicate*: that with an object of its class, which another found, is 0.5 or more;
- *background*: it overlaps no object by more than 0.1;
- *both*: anything else (a little of an object of another class).

An object that nobody found is *missed*, unless a localisation or classification error aims at it.

What a kind costs is the AP (101 points, mean over classes with objects or detections) once it is
mended, less the AP as it stands, at least 0. A localisation or classification error becomes right,
in the class of its object, if that is not found and no better such error aims at it; otherwise it
is deleted, as are duplicate, background and both; missed objects are taken out of the count of
objects. *False positives*: all that are wrong stand below all that are right. *False negatives*:
all objects that nobody found are taken out. The costs do not add up to what is missing to 1.

Source: D. Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors (2020),
and its code, ``tidecv`` 1.0.1, which decides where the two differ: an overlap of exactly 0.5 with
a found object is a localisation error; a class without objects whose detections are all mended away
leaves the mean; among equal scores, errors stand before right detections once something is mended,
and as in COCO before. tidecv gives AP from 0 to 100.

Where we differ: what lies in crowds and ignored objects is set aside, see
:mod:`detmetrics.analysis.assignment`. tidecv counts it among the errors all the same, makes it
right where it mends, and measures all of them by the share of the detection inside. Without such
objects all numbers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.analysis.assignment import Assignment, assigned, at_one_threshold, in_order, share
from detmetrics.analysis.tide_ap import Cells, Points
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, among, by_group
from detmetrics.foundation.errors import InputError
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.overlap import candidate_pairs, largest, shared_groups

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ERROR_KINDS", "MENDED_TOGETHER", "ErrorTypes", "error_types"]

ERROR_KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED = range(6)
MENDED_TOGETHER = ("false positives", "false negatives")
ALL_MENDED = "no class is left once they are mended"
NOTHING = "no ground truth and no detections"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTypes:
    """Every error with its kind, and what each kind costs; get one from :func:`error_types`.

    Attributes:
        signature: what decides a number here, and the signature of the result.
        iou, background: the overlaps from which a detection is right, and up to which it is on
            nothing.
        ap: the AP as it stands, from 0 to 1; nan without ground truth and detections.
        empty_classes: classes without objects that count as 0 in ``ap``, as they have detections.
        dap: the AP that would be won (TIDE's dAP), of each of :data:`ERROR_KINDS` and
            :data:`MENDED_TOGETHER`; nan where undefined.
        undefined: the reason of each that is nan (``"AP"`` for AP itself).
        counts: how many errors, by the same names.
        class_names : (K,).
        class_ap : (K,) nan without ground truth.
        class_dap: (K,) of each kind, what a class of its own would win; nan without ground truth,
            and where none is left.
        class_counts: (K,) of each kind; of detections by their own class.
        true_positives, set_aside: detections that are right, and neither right nor wrong.
        left_out: detections that the rules look at, beyond the best of their image.
        kind : (E,) which of :data:`ERROR_KINDS` each error is; by image and score, the missed last.
        detection, ground_truth : (E,) rows of the tables, -1 without one. The ground truth is the
            object that a detection should have found; of a duplicate the one that another found,
            of ``both`` the one that it overlaps most.
        overlap : (E,) of the two, nan without one of them.

    >>> import detmetrics as dm
    >>> from detmetrics.analysis import error_types
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> errors = error_types(result)
    >>> errors.counts["localisation"], round(errors.dap["localisation"], 4)
    (8, 0.0618)
    """

    signature: str
    iou: float
    background: float
    ap: float
    empty_classes: int
    dap: Mapping[str, float]
    undefined: Mapping[str, str]
    counts: Mapping[str, int]
    class_names: tuple[str, ...]
    class_ap: Floats
    class_dap: Mapping[str, Floats]
    class_counts: Mapping[str, Ints]
    true_positives: int
    set_aside: int
    left_out: int
    kind: Ints
    detection: Ints
    ground_truth: Ints
    overlap: Floats
    _result: Evaluation = field(repr=False)

    def of(self, kind: str) -> tuple[Ints, Ints]:
        """The rows of detections and of ground truths of one kind of error.

        Raises:
            InputError: no such kind.
        """
        if kind not in ERROR_KINDS:
            raise InputError(f"no kind of error {kind!r}; there are {', '.join(ERROR_KINDS)}")
        own = self.kind == ERROR_KINDS.index(kind)
        return self.detection[own], self.ground_truth[own]

    def frame(self) -> pd.DataFrame:
        """A row an error: ``image``, ``error``, ``class`` of the detection and ``true_class`` of
        the object (None without one), ``score``, ``iou`` of the two, ``detection`` (row in its
        source, -1 without one), ``ground_truth`` (its id, None without one).
        """
        import pandas as pd

        ground_truth, detections = self._result.ground_truth, self._result.detections
        names = np.array(ground_truth.catalog.class_labels, object)
        with_found, with_truth = self.detection >= 0, self.ground_truth >= 0

        def column(values: Objects, rows: Ints, known: Bools, other: object) -> Objects:
            filled = np.full(len(rows), other, np.result_type(values.dtype, type(other)))
            filled[known] = values[rows[known]]
            return filled

        image = column(ground_truth.image, self.ground_truth, with_truth, -1)
        image[with_found] = detections.image[self.detection[with_found]]
        classes = names[detections.category], names[ground_truth.category]
        return pd.DataFrame(
            {
                "image": np.array(ground_truth.catalog.image_names, object)[image],
                "error": np.array(ERROR_KINDS, object)[self.kind],
                "class": column(classes[0], self.detection, with_found, None),
                "true_class": column(classes[1], self.ground_truth, with_truth, None),
                "score": column(detections.scores, self.detection, with_found, math.nan),
                "iou": self.overlap,
                "detection": column(detections.place, self.detection, with_found, -1),
                "ground_truth": column(
                    ground_truth.ids.astype(object), self.ground_truth, with_truth, None
                ),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None where undefined."""
        kinds = (*ERROR_KINDS, *MENDED_TOGETHER)
        return {
            "signature": self.signature,
            "iou": self.iou,
            "background": self.background,
            "AP": _or_none(self.ap),
            "empty_classes": self.empty_classes,
            "true_positives": self.true_positives,
            "set_aside": self.set_aside,
            "left_out": self.left_out,
            "errors": {
                kind: {"count": self.counts[kind], "dAP": _or_none(self.dap[kind])}
                for kind in kinds
            },
            "undefined": dict(self.undefined),
            "per_class": {
                name: {
                    "AP": _or_none(float(self.class_ap[row])),
                    **{
                        kind: {
                            "count": int(self.class_counts[kind][row]),
                            "dAP": _or_none(float(self.class_dap[kind][row])),
                        }
                        for kind in kinds
                    },
                }
                for row, name in enumerate(self.class_names)
            },
        }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def error_types(
    result: Evaluation, iou: float = 0.5, background: float = 0.1, image_limit: int = 100
) -> ErrorTypes:
    """The error of every detection that is wrong and of every missed object.

    The detections are those that the result's rules look at, and of them the best
    ``image_limit`` of each image over all classes; objects, and how overlap is measured, are the
    result's, too.

    Raises:
        InputError: not ``0 < background < iou <= 1``.
        RulesError: the limit is no whole number from 1.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> error_types(result, iou=0.75).counts["missed"] > error_types(result).counts["missed"]
    True
    """
    require_scores(result.detections, "the AP that errors cost")
    if share(background, "background") >= share(iou):
        raise InputError(f"expected background < iou, got {background} and {iou}")
    rules = at_one_threshold(result.rules, iou, image_limit=image_limit)
    assignment = assigned(result, rules)
    errors = _errors(result, assignment, iou, background)
    missed = assignment.missed
    missed = missed[~among(missed, errors.target[errors.aims])]
    of_found, of_truth = _classes(result)
    points = _points(result, assignment)
    before, after = points.as_it_stands(), _mended(points, errors, assignment, missed, of_truth)

    kind = np.concatenate([errors.kind, np.full(len(missed), MISSED)])
    detection = np.concatenate([errors.detection, np.full(len(missed), -1)])
    ground_truth = np.concatenate([errors.target, missed])
    category = np.concatenate([of_found[errors.detection], of_truth[missed]])
    classes = len(points.positives)
    class_counts = {
        name: np.bincount(category[kind == number], minlength=classes)
        for number, name in enumerate(ERROR_KINDS)
    }
    class_counts["false positives"] = np.bincount(of_found[errors.detection], minlength=classes)
    class_counts["false negatives"] = np.bincount(of_truth[assignment.missed], minlength=classes)
    dap = {name: _won(name, cells.mean - before.mean) for name, cells in after.items()}
    return ErrorTypes(
        signature=f"tide|iou:{iou:g}:{background:g}|image-limit:{image_limit}|{result.signature}",
        iou=iou,
        background=background,
        ap=before.mean,
        empty_classes=int((before.exists & (points.positives == 0)).sum()),
        dap=dap,
        undefined=_undefined(before.mean, dap),
        counts={name: int(column.sum()) for name, column in class_counts.items()},
        class_names=result.class_names,
        class_ap=np.where(points.positives > 0, before.ap, np.nan),
        class_dap={
            name: np.where(
                (points.positives > 0) & cells.exists, np.maximum(cells.ap - before.ap, 0), np.nan
            )
            for name, cells in after.items()
        },
        class_counts=class_counts,
        true_positives=int((assignment.partner >= 0).sum()),
        set_aside=int(assignment.set_aside.sum()),
        left_out=len(result.matching.row) - len(assignment.detection),
        kind=kind,
        detection=detection,
        ground_truth=ground_truth,
        overlap=np.concatenate([errors.overlap, np.full(len(missed), np.nan)]),
        _result=result,
    )


def _won(name: str, amount: float) -> float:
    """TIDE takes a loss for an accident of sampling, but of the two that mend everything."""
    lost = name in ERROR_KINDS and amount < 0
    return 0.0 if lost else amount


def _undefined(ap: float, dap: Mapping[str, float]) -> dict[str, str]:
    reason = NOTHING if math.isnan(ap) else ALL_MENDED
    undefined = {name: reason for name, value in dap.items() if math.isnan(value)}
    return {"AP": NOTHING, **undefined} if math.isnan(ap) else undefined


def _classes(result: Evaluation) -> tuple[Ints, Ints]:
    """The classes of all detections and of all objects, by row; 0 where classes are pooled."""
    of_found, of_truth = result.detections.category, result.ground_truth.category
    if result.rules.class_agnostic:
        return np.zeros_like(of_found), np.zeros_like(of_truth)
    return of_found, of_truth


def _points(result: Evaluation, assignment: Assignment) -> Points:
    """The detections that are not set aside."""
    of_found, of_truth = _classes(result)
    shown = ~assignment.set_aside
    rows = assignment.detection[shown]
    return Points(
        of_found[rows],
        result.detections.image[rows],
        result.detections.scores[rows],
        assignment.partner[shown] >= 0,
        np.bincount(of_truth[assignment.positives], minlength=len(result.class_names)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errors:
    """The detections that are wrong, by image and then best first.

    point : (W,) index among those that are not set aside; detection, target : (W,) rows, -1 where
    it is about no object; kind : (W,); overlap : (W,) with the target.
    """

    point: Ints
    detection: Ints
    kind: Ints
    target: Ints
    overlap: Floats

    @property
    def aims(self) -> Bools:
        """(W,) errors that would find their object, were they better."""
        return np.isin(self.kind, (CLASSIFICATION, LOCALISATION))

    def mendable(self, taken: Ints) -> Bools:
        """(W,) those that become right: the best of all that aim at an object that is free."""
        # Errors stand best first inside an image, and no object is in two: the first for each.
        free = np.flatnonzero(self.aims & ~among(self.target, taken))
        mendable = np.zeros(len(self.kind), bool)
        mendable[free[np.unique(self.target[free], return_index=True)[1]]] = True
        return mendable


def _mended(
    points: Points, errors: _Errors, assignment: Assignment, missed: Ints, of_truth: Ints
) -> dict[str, Cells]:
    """AP with each kind of error mended; of_truth : (G,) class of every object."""
    mendable = errors.mendable(assignment.partner)

    # Each kind by itself: its errors are deleted, but for the mendable ones, which become right in
    # the class of their object; everything else stays as it is.
    def without(number: int) -> Cells:
        own = errors.kind == number
        fixed = own & mendable
        classes = of_truth[errors.target[fixed]]
        return points.with_errors_mended(errors.point[own], errors.point[fixed], classes)

    def without_objects(rows: Ints) -> Cells:
        return points.with_fewer_objects(
            np.bincount(of_truth[rows], minlength=len(points.positives))
        )

    return {
        **{name: without(number) for number, name in enumerate(ERROR_KINDS) if number != MISSED},
        "missed": without_objects(missed),
        "false positives": points.with_right_ones_first(),
        "false negatives": without_objects(assignment.missed),
    }


def _errors(result: Evaluation, assignment: Assignment, iou: float, background: float) -> _Errors:
    """What each detection that is wrong is guilty of."""
    wrong = np.flatnonzero(assignment.unmatched)
    wrong = wrong[in_order(result, assignment.detection[wrong])]
    kind, target, overlap = _kinds(result, assignment, assignment.detection[wrong], iou, background)
    return _Errors(
        point=(np.cumsum(~assignment.set_aside) - 1)[wrong],
        detection=assignment.detection[wrong],
        kind=kind,
        target=target,
        overlap=overlap,
    )


def _kinds(
    result: Evaluation, assignment: Assignment, rows: Ints, iou: float, background: float
) -> tuple[Ints, Ints, Floats]:
    """Of each wrong detection its kind, the object that it is about (-1 without), the overlap."""
    ground_truth, detections = result.ground_truth, result.detections
    measure = measure_of(result.rules)
    # Pairs of an image, whatever the classes; below "background" no overlap decides anything.
    # objects of an image in the order of the file
    objects = by_group(ground_truth.image, assignment.positives)
    pairs = candidate_pairs(
        measured(detections, measure),
        rows,
        measured(ground_truth, measure).take(objects),
        np.zeros(len(objects), bool),
        shared_groups(detections.image[rows], ground_truth.image[objects]),
        background,
    )
    of_found, of_truth = _classes(result)
    same = of_found[rows[pairs.detection]] == of_truth[objects[pairs.ground_truth]]

    def best(allowed: Bools) -> tuple[Floats, Ints]:
        """(n,) the largest overlap, and with which object."""
        overlap, target = np.zeros(len(rows)), np.full(len(rows), -1)
        slots = largest(pairs, pairs.detection, allowed)
        overlap[pairs.detection[slots]] = pairs.overlap[slots]
        target[pairs.detection[slots]] = objects[pairs.ground_truth[slots]]
        return overlap, target

    of_class, class_target = best(same)
    of_other, other_target = best(~same)
    # The first that holds, in the order of the definition. An object of the class that overlaps by
    # more than iou was found by another: else this detection would have taken it.
    kind = np.select(
        [
            (background <= of_class) & (of_class <= iou),
            of_other >= iou,
            of_class >= iou,
            np.maximum(of_class, of_other) <= background,
        ],
        [LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND],
        BOTH,
    )
    by_class = np.isin(kind, (LOCALISATION, DUPLICATE))
    target = np.where(by_class, class_target, other_target)
    overlap = np.where(by_class, of_class, of_other)
    target[kind == BACKGROUND], overlap[kind == BACKGROUND] = -1, np.nan
    return kind, target, overlap
