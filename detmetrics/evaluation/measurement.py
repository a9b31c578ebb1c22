"""What every result answers, whether all images were measured together or in parts."""

from __future__ import annotations

import math
import platform
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.foundation.arrays import Objects
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.messages import counted, no_such
from detmetrics.foundation.version import __version__
from detmetrics.metrics.curves import Curve
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import ClassCells, Summary, metrics_of, per_category, summarize
from detmetrics.metrics.tie_interval import NO_INTERVAL
from detmetrics.rules import Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Measurement"]

SCHEMA = 2


class Measurement(ABC):
    """Metrics, classes and curves of one measurement.

    rules: the rules that were applied.
    """

    rules: Rules

    @property
    @abstractmethod
    def measured(self) -> ClassCells:
        """The classes that means are taken over."""

    @property
    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """How many images, classes, ground truths and detections, and what no metric sees."""

    @property
    @abstractmethod
    def attention(self) -> tuple[str, ...]:
        """Sentences on what a reader of the numbers should know."""

    @property
    @abstractmethod
    def sources(self) -> tuple[str, str]:
        """What was read: the names of the ground truth and of the detections."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """(K,) names of the evaluated classes, all different; ``all`` where they are pooled."""

    @abstractmethod
    def _curve(self, category: int, threshold: int, area: int, limit: float) -> Curve:
        """The curve of a class; all are indices but the limit."""

    @abstractmethod
    def _tie_interval(self, metric: Metric, category: int | None) -> tuple[float, float]:
        """The interval of a metric of curves, of one class or over all."""

    @abstractmethod
    def _described_inputs(self) -> dict[str, Any]:
        """What was read and how, as the JSON contract has it: interpretations and inputs."""

    @cached_property
    def summary(self) -> Summary:
        """Metrics by name (``AP``, ``AP50``, ...), nan where undefined; ``.undefined`` says why."""
        return summarize(self.measured)

    @property
    def signature(self) -> str:
        """Everything that decides a number, on one line."""
        return self.rules.signature

    def __repr__(self) -> str:
        """The first metrics and what they were measured on; ``to_dict()`` holds all."""
        shown = [f"{name} {value:.4f}" for name, value in list(self.summary.items())[:3]]
        sizes = (("images", "image"), ("ground_truths", "object"), ("detections", "detection"))
        counts = [counted(self.counts[name], word) for name, word in sizes]
        return f"<{type(self).__name__} {self.rules.name}: {', '.join(shown)}; {', '.join(counts)}>"

    def scalars(self, prefix: str = "") -> dict[str, float]:
        """The summary as a flat dict of floats, as loggers take it; undefined ones are nan.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> round(result.scalars("val/")["val/AP"], 4)
        0.3635
        """
        return {f"{prefix}{name}": float(value) for name, value in self.summary.items()}

    def class_columns(self) -> dict[str, Objects]:
        """(K,) arrays: ground truths that count, detections within the limit, every metric."""
        return {
            "ground_truths": self.measured.positives[:, 0],
            "detections": self.measured.detected,
            **per_category(self.measured),
        }

    def per_class(self) -> pd.DataFrame:
        """:meth:`class_columns` as a frame with one row per class; undefined values are nan.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> result.per_class()["ground_truths"].to_dict()
        {'person': 44, 'bicycle': 21, 'car': 30, 'bus': 0, 'dog': 7}
        """
        import pandas as pd

        index = pd.Index(self.class_names, name="class")
        return pd.DataFrame(self.class_columns(), index=index)

    def curve(
        self, category: str, iou: float = 0.5, area: str = "all", limit: int | None = None
    ) -> Curve:
        """The precision-recall curve of a class.

        category: the class name; iou, area: a threshold and an area range of the rules; limit: how
        many detections per image and class count, by default the largest limit of the rules.

        Raises:
            InputError: no class has this name.
            RulesError: a threshold or range that the rules do not have.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> curve = result.curve("person", iou=0.5)
        >>> bool((curve.envelope >= curve.precision).all())
        True
        """
        return self._curve(
            self._class(category),
            self.threshold_index(iou),
            self._area(area),
            self.rules.max_limit if limit is None else limit,
        )

    def tie_interval(self, metric: str = "AP", category: str | None = None) -> tuple[float, float]:
        """The lowest and the highest value of a metric over all orders of equal scores.

        The matching is kept; among the detections of a class with one score, false positives
        come first for the lowest value, true positives for the highest. The summary's own value
        lies between: there equal scores stand by image, then by place in the file.

        category: of this class alone, by its name; over all of them unless given.

        Raises:
            InputError: the rules have no such metric, no class has this name, or the metric is one
                whose extremes are not at these two orders.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> low, high = result.tie_interval("AP50")
        >>> low <= result.summary["AP50"] <= high
        True
        """
        known = {found.name: found for found in metrics_of(self.rules)}
        if metric not in known:
            raise InputError(no_such("metric", metric, known))
        if not known[metric].kind.of_curves:
            raise InputError(
                f"no interval over equal scores for {metric}: it is known for AP and AR alone"
            )
        if why := NO_INTERVAL.get(self.rules.interpolation):
            raise InputError(
                f"no interval over the order of equal scores, {self.rules.name}: {why}"
            )
        row = None if category is None else self._class(category)
        return self._tie_interval(known[metric], row)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values: the JSON contract of ``docs/json.md``, schema 2.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> result.to_dict()["per_class"]["bus"]["AP"] is None
        True
        """
        columns = {name: column.tolist() for name, column in self.class_columns().items()}
        return {
            "schema": SCHEMA,
            "signature": self.signature,
            "shape": self.rules.shape,
            "metrics": {name: _or_none(value) for name, value in self.summary.items()},
            "undefined": dict(self.summary.undefined),
            "per_class": {
                label: {name: _or_none(column[row]) for name, column in columns.items()}
                for row, label in enumerate(self.class_names)
            },
            "counts": dict(self.counts),
            "attention": list(self.attention),
            **self._described_inputs(),
            "versions": {
                "detmetrics": __version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }

    def _class(self, name: str) -> int:
        if name not in self.class_names:
            raise InputError(f"no class {name!r}; there are {', '.join(self.class_names)}")
        return self.class_names.index(name)

    def threshold_index(self, iou: float) -> int:
        """The place of an IoU threshold among those of the rules.

        Raises:
            RulesError: the rules do not have it.
        """
        index = self.rules.threshold_index(iou)
        if index is None:
            have = ", ".join(f"{value:g}" for value in self.rules.iou_thresholds)
            raise RulesError(f"no IoU threshold {iou}; the rules have {have}")
        return index

    def _area(self, name: str) -> int:
        return self.rules.area_index(name)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
