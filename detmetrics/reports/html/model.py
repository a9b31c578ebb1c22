"""Everything that a report says, asked once: plain values that all of its views show."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from detmetrics.analysis.attributes import Attribute
from detmetrics.analysis.bootstrap import Intervals, confidence_intervals
from detmetrics.analysis.comparison import Comparison, compare
from detmetrics.analysis.confusion import ConfusionMatrix, confusion_matrix
from detmetrics.analysis.error_kinds import ErrorTypes, error_types
from detmetrics.analysis.hidden import BlindSpots, blind_spots
from detmetrics.analysis.reliability import Calibration, Reliability, calibration
from detmetrics.analysis.sizes import Bins, by_bins
from detmetrics.analysis.slicing import Slices, slices
from detmetrics.analysis.thresholds import OperatingPoints, operating_points
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.progress import Progress, Share, in_phase
from detmetrics.metrics.summary import metrics_of
from detmetrics.reports.html.gallery import Gallery
from detmetrics.reports.html.pictures import Pictures, pictures
from detmetrics.reports.html.problems import problems
from detmetrics.reports.html.traces import traces

__all__ = ["Report", "report_of", "to_json"]

SCHEMA = 1
RESAMPLES = 200
MEGABYTES = 6.0
CONFIDENCE = 0.25
PAIRS = 20
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was asked of a result; get one from :func:`report_of`.

    Attributes:
        result: what all of it is about.
        iou, confidence: at which detections are looked at where one of each is needed.
        errors, matrix, spots, operating, bins, reliability, intervals, slices, comparison: answers
            of :mod:`detmetrics.analysis`; None where there is none.
        document: all numbers as plain values, of which undefined ones are None.
        unavailable: why there is no answer, by the key that the document would have it under.
        pictures: data URIs of pictures, by their place in ``document["gallery"]["pictures"]``.
    """

    result: Evaluation
    iou: float
    confidence: float
    errors: ErrorTypes | None
    matrix: ConfusionMatrix | None
    spots: BlindSpots | None
    operating: OperatingPoints | None
    bins: Bins | None
    reliability: Calibration | None
    intervals: Intervals | None
    slices: Slices | None
    comparison: Comparison | None
    document: Mapping[str, Any]
    unavailable: Mapping[str, str]
    pictures: Mapping[int, str]


def report_of(
    result: Evaluation,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    other: Evaluation | None = None,
    attribute: Attribute | None = None,
    image_dir: str | None = None,
    megabytes: float = MEGABYTES,
    progress: Progress | None = None,
) -> Report:
    """Ask a result everything that a report shows.

    resamples, seed: of the intervals; 0 takes none. other: a result to compare with, under the
    same rules on the same ground truth. attribute: of images, to slice by. image_dir: a folder of
    pictures, of which so many are taken as fit into so many megabytes. progress: called with a
    phase and the share that is done.

    Raises:
        InputError: results that do not compare, or a folder that is none.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> report = report_of(result, resamples=0)
    >>> report.document["problems"][0]["kind"], report.confidence
    ('classes', 0.282)
    """
    asking = _Asking(progress)
    iou = _iou(result)
    operating = asking("operating", lambda: operating_points(result, "f1", iou))
    confidence = _confidence(operating)
    errors = asking("errors", lambda: error_types(result, _share(iou)))
    matrix = asking("confusion", lambda: confusion_matrix(result, confidence, _share(iou)))
    spots = asking("blind_spots", lambda: blind_spots(result, iou=iou))
    bins = asking("sizes", lambda: by_bins(result))
    reliability = asking("calibration", lambda: calibration(result, iou=iou))
    curves = asking("curves", lambda: traces(result, confidence))
    best = asking("thresholds", lambda: operating_points(result, "f1", iou, per_class=True))
    intervals = None
    if resamples:
        told = asking.telling("resampling")
        intervals = asking(
            "intervals",
            lambda: confidence_intervals(
                result, resamples, seed=seed, per_class=True, progress=told
            ),
        )
    comparison = None
    if other is not None:
        told = asking.telling("comparing")
        comparison = compare(
            result, other, resamples or RESAMPLES, seed=seed, per_class=True, iou=iou, progress=told
        )
    cut = None
    if attribute is not None:
        cut = slices(
            result,
            attribute.values,
            metrics_of(result.rules)[0].name,
            by=attribute.name,
            resamples=resamples,
            seed=seed,
            progress=progress,
        )
    gallery: dict[str, Any] | None = None
    taken: dict[int, str] = {}
    if errors is not None:
        gallery, taken = _gallery(result, errors, confidence, image_dir, megabytes, asking)

    document = {
        "schema": SCHEMA,
        **{key: value for key, value in result.to_dict().items() if key != "schema"},
        "classes": [*result.class_names],
        "at": {
            "iou": iou,
            "confidence": confidence,
            "best_f1": operating is not None and operating.overall.threshold is not None,
        },
        "problems": [] if errors is None else problems(result, errors, matrix, confidence),
        "intervals": intervals and intervals.to_dict(),
        "operating": operating and operating.overall.to_dict(),
        "thresholds": best and {name: one.to_dict() for name, one in best.classes.items()},
        "curves": curves,
        "errors": errors and errors.to_dict(),
        "confusion": matrix and _sparse(matrix),
        "blind_spots": spots and spots.to_dict(),
        "sizes": bins and _of_bins(bins),
        "calibration": reliability and _of_calibration(reliability),
        "slices": cut and cut.to_dict(),
        "comparison": comparison and comparison.to_dict(),
        "gallery": gallery,
        "unavailable": asking.refused,
    }
    return Report(
        result=result,
        iou=iou,
        confidence=confidence,
        errors=errors,
        matrix=matrix,
        spots=spots,
        operating=best,
        bins=bins,
        reliability=reliability,
        intervals=intervals,
        slices=cut,
        comparison=comparison,
        document=plain(document),
        unavailable=asking.refused,
        pictures=taken,
    )


class _Asking:
    """Asks one question after the other, and notes what rules or data do not let be asked."""

    def __init__(self, progress: Progress | None) -> None:
        self.refused: dict[str, str] = {}
        self._progress = progress

    def __call__(self, name: str, question: Callable[[], Answer]) -> Answer | None:
        if self._progress is not None:
            self._progress(name.replace("_", " "), None)
        try:
            return question()
        except (InputError, RulesError) as error:
            self.refused[name] = str(error)
            return None

    def telling(self, phase: str) -> Share | None:
        """What a long answer calls with the share that is done."""
        return in_phase(self._progress, phase)


def _iou(result: Evaluation) -> float:
    """0.5 where the rules have it, else their first threshold."""
    known = result.rules.threshold_index(0.5)
    return float(result.rules.iou_thresholds[known or 0])


def _share(iou: float) -> float:
    """Error types take overlaps above their background of 0.1."""
    return iou if iou > 0.1 else 0.5


def _confidence(operating: OperatingPoints | None) -> float:
    threshold = None if operating is None else operating.overall.threshold
    return CONFIDENCE if threshold is None else threshold


def _gallery(
    result: Evaluation,
    errors: ErrorTypes,
    confidence: float,
    image_dir: str | None,
    megabytes: float,
    asking: _Asking,
) -> tuple[dict[str, Any], dict[int, str]]:
    of = Gallery(result, errors, confidence)
    chosen = of.chosen()
    wanted = [*dict.fromkeys(image for group in chosen for image in group.images.tolist())]
    files = Pictures()
    if image_dir is not None:
        names = {image: result.ground_truth.catalog.image_names[image] for image in wanted}
        files = pictures(wanted, names, image_dir, megabytes, asking.telling("pictures"))
    # Pictures stand in the order in which groups name them first.
    taken = {at: files.uris[image] for at, image in enumerate(wanted) if image in files.uris}
    return of.to_dict(chosen, files), taken


def _sparse(matrix: ConfusionMatrix) -> dict[str, Any]:
    """The matrix by its cells that are not 0: row, column, count."""
    rows, columns = np.nonzero(matrix.counts)
    cells = np.column_stack([rows, columns, matrix.counts[rows, columns]])
    return {
        "definition": matrix.definition,
        "confidence": matrix.confidence,
        "iou": matrix.iou,
        "labels": matrix.labels,
        "cells": cells.tolist(),
        "set_aside": matrix.set_aside,
        "pairs": [
            {
                "ground_truth": there,
                "detection": taken,
                "count": count,
                "share": count / int(matrix.counts[matrix.index(there)].sum()),
            }
            for there, taken, count in matrix.confused()[:PAIRS]
        ],
    }


def _of_bins(bins: Bins) -> dict[str, Any]:
    def one(found: Any) -> dict[str, Any]:
        return {
            "name": found.range.name,
            "low": found.range.low,
            "high": found.range.high,
            "ground_truths": found.ground_truths,
            "detections": found.detections,
            "AP": found.ap,
            "AP_first": found.ap_first,
            "AR": found.recall,
        }

    return {"of": bins.of, "bins": [one(bin_) for bin_ in (bins.everything, *bins.bins)]}


def _of_calibration(calibration: Calibration) -> dict[str, Any]:
    def table(one: Reliability) -> list[dict[str, Any]]:
        names = ("low", "high", "count", "score", "precision", "iou")
        columns = [getattr(one, name).tolist() for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    return {
        "iou": calibration.iou,
        "bins": table(calibration.pooled),
        **{name: getattr(calibration.pooled, name) for name in ("ece", "mce")},
        **{name: getattr(calibration, name) for name in ("d_ece", "laece", "laace")},
        "per_class": {
            name: {"detections": one.count.sum(), "ece": one.ece, "bins": table(one)}
            for name, one in calibration.classes.items()
        },
    }


def plain(value: Any) -> Any:
    """Values as JSON has them; nan and infinity are None."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(report: Report) -> str:
    """The document of ``docs/json.md``: sorted keys, full precision, undefined is null."""
    return json.dumps(report.document, indent=1, sort_keys=True, allow_nan=False) + "\n"
