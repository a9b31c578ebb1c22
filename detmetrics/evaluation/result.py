"""One result: tables, rules, matches, and everything that follows from them.

Whatever asks about an evaluation asks this object; nothing matches again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.evaluation import views
from detmetrics.evaluation.attention import (
    Remark,
    count,
    equal_scores,
    never_detected,
    partial,
    remarks,
)
from detmetrics.evaluation.match_table import verdicts
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.views import Plots
from detmetrics.foundation.arrays import Floats, Objects
from detmetrics.foundation.inputs import Input
from detmetrics.matching.matches import Matches
from detmetrics.metrics.curves import Curve, Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.tie_interval import tie_interval
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.coverage import Coverage
from detmetrics.tables.interpretation import Interpretation

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["Evaluation"]


@dataclass(frozen=True, repr=False)
class Evaluation(Measurement):
    """The result of one evaluation; everything else reads it.

    Get one from :func:`evaluate`.

    Attributes:
        ground_truth, detections: the tables.
        rules: the rules that were applied.
        matching: who was matched and who was ignored.
        notes: what the reader should know about the input.
        coverage: which images have detections, before classes were chosen; None: of the tables.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> round(result.summary["AP"], 4), result.counts["detections"]
    (0.3635, 136)
    """

    ground_truth: GroundTruth
    detections: Detections
    rules: Rules
    matching: Matches
    notes: tuple[str, ...] = ()
    coverage: Coverage | None = None

    @cached_property
    def curves(self) -> Curves:
        """The precision-recall curves of all categories."""
        return Curves(self.matching)

    @property
    def measured(self) -> Curves:
        """The classes that means are taken over: those of the curves."""
        return self.curves

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many images, classes, ground truths and detections, and what no metric sees."""
        return count(self.ground_truth, self.detections, self.matching, self.covered)

    @cached_property
    def covered(self) -> Coverage:
        """Which images with ground truth have detections."""
        return self.coverage or Coverage.of(self.ground_truth, self.detections)

    @property
    def interpretations(self) -> tuple[Interpretation, ...]:
        """What the sources left open, and how it was read: of the ground truth, then of the
        detections.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> [(one.side, one.of, one.taken) for one in result.interpretations][-1]
        ('detections', 'classes', 'by id')
        """
        return (*self.ground_truth.interpretations, *self.detections.interpretations)

    @property
    def attention(self) -> tuple[str, ...]:
        """Sentences on what a reader of the numbers should know."""
        first, rest = ([one.text for one in found] for found in (self._first, self._remarks))
        return (*first, *self.notes, *rest)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those sentences of :attr:`attention` which say that numbers may not be what was meant."""
        found = (*self._first, *self._remarks)
        return tuple(remark.text for remark in found if remark.warning)

    @property
    def _first(self) -> tuple[Remark, ...]:
        return tuple(partial(self.covered))

    @property
    def _remarks(self) -> tuple[Remark, ...]:
        never = never_detected(self.ground_truth, self.detections, self.matching)
        found = remarks(self.counts, self.rules, self.covered, never)
        return (*found, *self._ties, *(Remark(text, warning=True) for text in self._misreadings))

    @cached_property
    def _ties(self) -> tuple[Remark, ...]:
        """What equal scores leave open; looked at when it is asked for."""
        return tuple(equal_scores(self.curves))

    @cached_property
    def _misreadings(self) -> tuple[str, ...]:
        """What the files may have been misread as; looked at when it is asked for."""
        from detmetrics.evaluation.misreadings.sentences import misreadings

        return misreadings(self.ground_truth, self.detections, self.matching, self.summary)

    @property
    def sources(self) -> tuple[str, str]:
        """What was read: the names of the ground truth and of the detections."""
        return self.ground_truth.source.name, self.detections.source.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The files that were read: path, size and SHA-256."""
        sources = (self.ground_truth.source, self.detections.source)
        return tuple(source.input for source in sources if source.input)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """(K,) names of the evaluated classes, all different; ``all`` where they are pooled."""
        return ("all",) if self.rules.class_agnostic else self.ground_truth.catalog.class_labels

    def matches(self, iou: float = 0.5, area: str = "all") -> pd.DataFrame:
        """What became of every detection and every missed ground truth, a row each.

        iou: one of the thresholds of the rules; area: the name of one of their ranges.

        Columns: ``image_id``, ``image``, ``category_id``, ``category``, ``verdict`` (true
        positive, false positive, ignored, missed), ``score``, ``iou`` with the partner,
        ``reason``, ``detection`` (row in its source, -1 for a missed ground truth),
        ``ground_truth`` (id of the partner, None without one), and the box ``x y w h`` of the
        detection or the missed ground truth, in pixels; of another shape that of its source, or the
        upright one around it.

        Raises:
            RulesError: a threshold or range that the rules do not have.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> missed = result.matches(iou=0.5).query("verdict == 'missed'")
        >>> len(missed), missed["reason"].iloc[0]
        (29, 'best overlap 0.363 is below 0.5')
        """
        import pandas as pd

        ground_truth, detections = self.ground_truth, self.detections
        table = verdicts(
            ground_truth, detections, self.matching, self.threshold_index(iou), self._area(area)
        )
        missed = table.detection < 0
        row = np.where(missed, table.ground_truth, table.detection)

        def of(detected: Objects, missing: Objects) -> Objects:
            column = np.empty((len(row), *detected.shape[1:]), detected.dtype)
            column[~missed] = detected[row[~missed]]
            column[missed] = missing[row[missed]]
            return column

        image, category = (
            of(detections.image, ground_truth.image),
            of(detections.category, ground_truth.category),
        )
        box = of(detections.xywh, ground_truth.xywh)
        partner = np.full(len(row), None, object)
        partnered = table.ground_truth >= 0
        partner[partnered] = ground_truth.ids[table.ground_truth[partnered]]
        catalog = ground_truth.catalog
        return pd.DataFrame(
            {
                "image_id": catalog.image_ids[image],
                "image": np.array(catalog.image_names, object)[image],
                "category_id": catalog.category_ids[category],
                "category": np.array(catalog.class_labels, object)[category],
                "verdict": table.verdict,
                "score": of(detections.scores, np.full(len(ground_truth), np.nan)),
                "iou": table.overlap,
                "reason": table.reason,
                "detection": of(detections.place, np.full(len(ground_truth), -1)),
                "ground_truth": partner,
                **{name: box[:, axis] for axis, name in enumerate("xywh")},
            }
        )

    def _curve(self, category: int, threshold: int, area: int, limit: float) -> Curve:
        require_scores(self.detections, "a precision-recall curve")
        return self.curves.curve(category, threshold, area, limit)

    def _tie_interval(self, metric: Metric, category: int | None) -> tuple[float, float]:
        return tie_interval(self.curves, metric, category)

    def arrays(self) -> dict[str, Floats]:
        """The arrays of pycocotools: ``precision`` and ``scores`` (T, R, K, A, M), ``recall``
        (T, K, A, M); nan where undefined.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> result.arrays()["precision"].shape
        (10, 101, 5, 4, 3)
        """
        require_scores(self.detections, "precision at recall points")
        limits = self.rules.max_detections
        return {
            "precision": np.stack([self.curves.precision(limit) for limit in limits], axis=-1),
            "recall": self.curves.recall.copy(),
            "scores": np.stack([self.curves.scores(limit) for limit in limits], axis=-1),
        }

    @property
    def plot(self) -> Plots:
        """Figures: ``pr``, ``confidence``, ``confusion``, ``errors``, ``classes``, ``sizes`` and
        ``reliability``, each of which returns a figure of matplotlib (``docs/figures.md``).

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> result.plot.classes().axes[0].get_title(loc="left").partition(" by")[0]
        'AP'
        """
        return views.bound().plots(self)

    def _described_inputs(self) -> dict[str, Any]:
        sources = (self.ground_truth.source, self.detections.source)
        return {
            "interpretations": [one.to_dict() for one in self.interpretations],
            "inputs": [
                {
                    "path": source.input.path,
                    "format": source.format,
                    "size": source.input.size,
                    "sha256": source.input.sha256,
                }
                for source in sources
                if source.input
            ],
        }

    def _repr_html_(self) -> str:
        """As notebooks show it."""
        return views.bound().notebook_html(self)
