"""What reconciling gives: plain records, and the JSON document made from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.analysis.reconcile.reported import Candidate, Reported
from detmetrics.analysis.reconcile.shape_effect import ByShape
from detmetrics.analysis.reconcile.waterfall import Waterfall
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.result import Evaluation
from detmetrics.rules import COCO, Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Reconciliation", "Standing", "Suspicion"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One rule set, and what these files get under it.

    result: None where the rules do not apply; reason: why they do not.
    """

    rules: Rules
    result: Evaluation | None
    reason: str = ""

    @property
    def map50(self) -> float:
        """AP at IoU 0.5, nan where these rules have none."""
        return self._ap("AP50", (0.5,))

    @property
    def map50_95(self) -> float:
        """The mean of AP at IoU 0.5 to 0.95, nan where these rules have none."""
        return self._ap("", COCO.iou_thresholds)

    def _ap(self, name: str, thresholds: tuple[float, ...]) -> float:
        if self.result is None:
            return math.nan
        summary, own = self.result.summary, self.rules.iou_thresholds
        if name in summary:
            return summary[name]
        alike = len(own) == len(thresholds) and np.allclose(own, thresholds, rtol=0, atol=1e-6)
        return summary["AP"] if alike and "AP" in summary else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A mistake that the detections may contain.

    name: what it is; cure: what to do; value: AP without it, nan where it cannot be undone;
    raises: by how much undoing it raises AP, nan likewise; mistake: what undoes it, if anything.
    """

    name: str
    cure: str
    value: float
    raises: float
    mistake: Mistake | None = None


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """What :func:`reconcile` found.

    Attributes:
        ground_truth, detections: the tables.
        standings: every rule set, with its result or the reason why it does not apply.
        waterfall: the difference between two of them, split into causes.
        shapes: the metrics of the first of the two by each shape that the files have, its own
            first; empty where they have upright boxes alone.
        suspicions: mistakes that the files may contain, the clearest first.
        reported: the number that was asked for, None where none was.
        candidates: what gives that number, the likeliest first, then what comes near it.
        tried: how many ways were tried.
        notes: what the reader should know about the input.

    >>> import detmetrics as dm
    >>> found = dm.reconcile("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> [round(found.standings[0].map50, 4), round(found.standings[0].map50_95, 4)]
    [0.5708, 0.3635]
    """

    ground_truth: GroundTruth
    detections: Detections
    standings: tuple[Standing, ...]
    waterfall: Waterfall
    shapes: tuple[ByShape, ...]
    suspicions: tuple[Suspicion, ...]
    reported: Reported | None
    candidates: tuple[Candidate, ...]
    tried: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None where undefined; see ``docs/json.md``."""
        return {
            "schema": SCHEMA,
            "rules": {standing.rules.name: _standing(standing) for standing in self.standings},
            "waterfall": {
                "ours": self.waterfall.ours,
                "theirs": self.waterfall.theirs,
                "start": _or_none(self.waterfall.start),
                "end": _or_none(self.waterfall.end),
                "steps": [
                    {
                        "cause": step.cause,
                        "changes": step.changes,
                        "before": _or_none(step.before),
                        "after": _or_none(step.after),
                        "amount": _or_none(step.amount),
                        "alone": _or_none(step.alone),
                        "shared": step.shared,
                        "excluded": step.excluded or None,
                    }
                    for step in self.waterfall.steps
                ],
            },
            "shapes": [
                {
                    "shape": one.rules.shape,
                    "detection_area": one.rules.detection_area,
                    "metrics": {name: _or_none(value) for name, value in one.summary.items()},
                }
                for one in self.shapes
            ],
            "suspicions": [
                {
                    "name": suspicion.name,
                    "cure": suspicion.cure,
                    "value": _or_none(suspicion.value),
                    "raises": _or_none(suspicion.raises),
                }
                for suspicion in self.suspicions
            ],
            "reported": None if self.reported is None else _reported(self),
            "notes": list(self.notes),
        }


def _standing(standing: Standing) -> dict[str, Any]:
    if standing.result is None:
        return {"applies": False, "reason": standing.reason}
    names = standing.result.class_names
    columns = standing.result.class_columns()
    metrics = standing.result.summary
    return {
        "applies": True,
        "signature": standing.result.signature,
        "shape": standing.rules.shape,
        "metrics": {name: _or_none(value) for name, value in metrics.items()},
        "mAP50": _or_none(standing.map50),
        "mAP50-95": _or_none(standing.map50_95),
        "per_class": {
            label: {name: _or_none(columns[name][row]) for name in metrics if name in columns}
            for row, label in enumerate(names)
        },
        "notes": list(standing.result.notes),
    }


def _reported(reconciliation: Reconciliation) -> dict[str, Any]:
    assert reconciliation.reported is not None
    return {
        "given": reconciliation.reported.text,
        "value": reconciliation.reported.value,
        "tried": reconciliation.tried,
        "candidates": [
            {
                "rules": way.rules,
                "metric": way.metric,
                "class": way.category,
                "how": way.how,
                "value": way.value,
                "low": way.low,
                "high": way.high,
                "gives": way.gives,
            }
            for way in reconciliation.candidates
        ],
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
