"""An evaluator whose detections are columns, matched at once; annotations are made where asked for.

A mixin for the stand-ins of pycocotools' and other packages' evaluators.
"""

from __future__ import annotations

from typing import Any

from detmetrics.compat.annotations import Side, loaded, masks_as_there, one_size_per_image, tables
from detmetrics.compat.batch_columns import Collected
from detmetrics.compat.measured import Findings, flag
from detmetrics.compat.parameters import rules_of
from detmetrics.compat.pycocotools import COCOeval
from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation

__all__ = ["FromColumns", "GatheredEvaluator"]

NAME = "coco_gt"
"""What evaluators of batches call the ground truth, and messages too."""


class FromColumns:
    """Adds :meth:`take` to an evaluator; ``cocoDt`` is the index of what was taken."""

    cocoGt: Any  # noqa: N815 - the names are pycocotools'
    _index: Any = None
    _collected: Collected | None = None

    @property
    def cocoDt(self) -> Any:  # noqa: N802
        """The index of the detections."""
        return self._index if self._collected is None else self._collected.index(self.cocoGt)

    @cocoDt.setter
    def cocoDt(self, index: Any) -> None:  # noqa: N802
        self._index, self._collected = index, None

    def take(self, collected: Collected) -> None:
        """Let these be the detections of the next ``evaluate()``."""
        self._index, self._collected = None, collected

    def _findings(self, params: Any) -> Any:
        if self._collected is None:
            return Findings(self.cocoGt, self.cocoDt, params)
        return GatheredFindings(self.cocoGt, self._collected, params)


class GatheredEvaluator(FromColumns, COCOeval):
    """pycocotools' evaluator, of columns."""


class GatheredFindings:
    """As :class:`~detmetrics.compat.measured.Findings`, of detections in columns.

    Attributes:
        params: the parameters, copied.
    """

    def __init__(self, truth: Any, collected: Collected, params: Any) -> None:
        """Match them.

        Raises:
            InputError: what cannot be evaluated, such as segmentations that are no masks.
        """
        self.params = params
        self._truth, self._collected = truth, collected
        self._by_annotations: Findings | None = None
        self._result = self._measure()
        if self._result is None:
            self._annotated()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_result": None}

    @property
    def result(self) -> Evaluation | None:
        """The evaluation; None where detmetrics has no rules for the parameters."""
        if self._result is None:
            self._result = self._measure()
        return self._result or self._annotated().result

    def make(self, name: str) -> Any:
        """What pycocotools keeps as ``_gts``, ``_dts``, ``ious`` or ``evalImgs``."""
        return self._annotated().make(name)

    def _annotated(self) -> Findings:
        if self._by_annotations is None:
            index = self._collected.index(self._truth)
            self._by_annotations = Findings(self._truth, index, self.params)
        return self._by_annotations

    def _measure(self) -> Evaluation | None:
        """By columns, where they can follow; pooled classes are left to annotations."""
        params = self.params
        rules = rules_of(params)
        if rules is None or not params.useCats:
            return None
        annotations = loaded(self._truth, params)
        flag(annotations)
        drawn = params.iouType == "segm"
        masks = masks_as_there(annotations, self._truth, NAME) if drawn else None
        truth = Side.of(annotations, masks, NAME)
        found = self._collected.side(params.catIds)
        if not one_size_per_image(truth, found):
            return None
        sides = tables(truth, found, params.imgIds, params.catIds)
        return evaluate(*sides, rules.replace(detection_area="shape"))
