"""``COCO``, ``COCOeval`` and ``Params`` as pycocotools has them, matched by detmetrics.

The index of a file, the parameters and the printed summary are pycocotools' own; matching and
accumulating boxes and masks are ours. Everything that pycocotools' objects hold and answer is held
and answered here too, in every state: what an evaluation by columns does not need is made when it
is asked for. ``evalImgs`` that somebody has looked at or put together, as evaluators of batches
do, are accumulated as they are. Left to pycocotools: keypoints; classes and objects that override a
hook; and records that it does not make. Where pycocotools is broken the numbers are right instead,
see ``docs/architecture.md``. Source: ``pycocotools/coco.py``, ``pycocotools/cocoeval.py``.
"""

from __future__ import annotations

import copy
import datetime
import json
import time
from typing import Any

import numpy as np

from detmetrics.compat.accumulated import accumulated
from detmetrics.compat.cells import Cell, best_first
from detmetrics.compat.measured import Findings
from detmetrics.compat.parameters import KEYS, alike, settle
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.originals import original, original_class

__all__ = ["COCO", "COCOeval", "Params"]

HERE = "detmetrics.compat.pycocotools"
OriginalIndex: Any = original_class("COCO", HERE)
Original: Any = original_class("COCOeval", HERE)
Params: Any = original("cocoeval").Params

MADE = "evalImgs", "ious", "_gts", "_dts"
"""Attributes that are made when they are asked for."""
HOOKS = "_prepare", "computeIoU", "computeOks", "evaluateImg"
"""Methods that pycocotools' ``evaluate`` calls, and that say who overlaps and matches whom."""
THEIRS = {name: vars(Original).get(name) for name in HOOKS}
ACCUMULATE = vars(Original).get("accumulate")


class COCO(OriginalIndex):  # type: ignore[misc]
    """pycocotools' index of a file of annotations; ``loadRes([])`` are results without detections,
    where pycocotools stops with an IndexError.
    """

    def loadRes(self, resFile: Any) -> Any:  # noqa: N802, N803 - the names are pycocotools'
        """The index of results: the path of a file, a list of mappings, or an array (D, 7)."""
        try:
            results = OriginalIndex.loadRes(self, resFile)
        except IndexError:
            if not _is_empty(resFile):
                raise
            results = _nothing_found(self)
        # pycocotools makes its own; who asks isinstance(results, COCO) means this class.
        results.__class__ = COCO
        return results


class COCOeval(Original):  # type: ignore[misc]
    """pycocotools' evaluation: ``evaluate()``, ``accumulate()``, ``summarize()``, ``stats``."""

    _measured: Findings | None = None

    def __init__(
        self,
        cocoGt: Any = None,  # noqa: N803 - the names are pycocotools'
        cocoDt: Any = None,  # noqa: N803
        iouType: str = "segm",  # noqa: N803
    ) -> None:
        super().__init__(cocoGt, cocoDt, iouType)

    @property
    def result(self) -> Evaluation | None:
        """The :class:`Evaluation` of the last ``evaluate()``, with everything that pycocotools does
        not say; None where pycocotools evaluated, or detmetrics has no rules for the parameters.
        """
        return None if self._measured is None else self._measured.result

    def evaluate(self) -> None:
        """Match the detections of ``params.imgIds`` and ``params.catIds``.

        Raises:
            InputError: tables that cannot be evaluated, such as segmentations that are no masks.
        """
        params = self.params
        if params.iouType not in KEYS or params.useSegm is not None or overridden(self):
            super().evaluate()
            self._measured = None
            return
        start = time.time()
        say("Running per image evaluation...")
        say(f"Evaluate annotation type *{params.iouType}*")
        settle(params)
        measured = self._findings(copy.deepcopy(params))
        for name in MADE:
            self.__dict__.pop(name, None)
        self._measured, self._paramsEval = measured, measured.params
        self.eval: dict[str, Any] = {}
        say(f"DONE (t={time.time() - start:0.2f}s).")

    def evaluateImg(  # noqa: N802
        self,
        imgId: Any,  # noqa: N803
        catId: Any,  # noqa: N803
        aRng: Any,  # noqa: N803
        maxDet: int,  # noqa: N803
    ) -> dict[str, Any] | None:
        """The record of one image and class in an area range; None where they have nothing."""
        if not is_own("evaluateImg"):
            return super().evaluateImg(imgId, catId, aRng, maxDet)  # type: ignore[no-any-return]
        if self.params.useCats:
            truths, found = self._gts[imgId, catId], self._dts[imgId, catId]
        else:
            truths, found = self._pooled(self._gts, imgId), self._pooled(self._dts, imgId)
        if not truths and not found:
            return None
        found = best_first(found, maxDet)
        overlap = self.ious[imgId, catId]
        if len(overlap) and (not isinstance(overlap, np.ndarray) or len(overlap) < len(found)):
            # Overlaps that a hook has made.
            return super().evaluateImg(imgId, catId, aRng, maxDet)  # type: ignore[no-any-return]
        compared = KEYS.get(self.params.iouType, "area")
        cell = Cell.of(truths, found, overlap[: len(found)], self.params.iouThrs, compared)
        names = {"image_id": imgId, "category_id": catId, "aRng": aRng, "maxDet": maxDet}
        return {**names, **cell.record(aRng)}

    def accumulate(self, p: Any = None) -> None:
        """Precision, recall and scores at every threshold, recall, class, range and limit."""
        result = self.result if p is None and self._untouched() else None
        start = time.time()
        arrays = self._of_records() if result is None and p is None else None
        if result is None and arrays is None:
            super().accumulate(p)
            return
        say("Accumulating evaluation results...")
        params = self.params
        params.catIds = params.catIds if params.useCats == 1 else [-1]
        arrays = arrays or self._of_result()
        self.eval = {
            "params": params,
            "counts": list(arrays["precision"].shape),
            "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            **arrays,
        }
        say(f"DONE (t={time.time() - start:0.2f}s).")

    def _of_records(self) -> dict[str, Any] | None:
        """The arrays of ``evalImgs``; None where pycocotools has to make them."""
        if vars(Original).get("accumulate") is not ACCUMULATE or not self.evalImgs:
            return None
        return accumulated(self.evalImgs, self.params, self._paramsEval)

    def _of_result(self) -> dict[str, Any]:
        """The arrays of the evaluation by columns."""
        result, params = self.result, self.params
        assert result is not None
        labels = [area.name for area in result.rules.area_ranges]
        areas = [labels.index(label) for label in params.areaRngLbl]
        return {
            name: np.where(np.isnan(cells), -1.0, cells)[..., areas, :]
            for name, cells in result.arrays().items()
        }

    def _findings(self, params: Any) -> Any:
        """What becomes of the annotations under these parameters."""
        return Findings(self.cocoGt, self.cocoDt, params)

    def _untouched(self) -> bool:
        """Whether nobody has looked at ``evalImgs``, who might have changed them, and the
        parameters are those of ``evaluate()``.
        """
        return (
            self._measured is not None
            and "evalImgs" not in vars(self)
            and self._paramsEval is self._measured.params
            and alike(self.params, self._paramsEval)
        )

    def _pooled(self, side: Any, image: Any) -> list[dict[str, Any]]:
        return [one for each in self.params.catIds for one in side[image, each]]

    def __getattr__(self, name: str) -> Any:
        # Only where the object has no such attribute: after evaluate(), until it is asked for.
        if name in MADE and self._measured is not None:
            made = self._measured.make(name)
            setattr(self, name, made)
            return made
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def overridden(evaluator: COCOeval) -> bool:
    """Whether a subclass or the object has a hook of its own, or a class was patched with one.

    Hooks decide who matches whom, and only pycocotools' own ``evaluate`` calls each where it
    belongs, so that one runs then. ``accumulate`` and ``summarize`` need no such care: the user
    calls them, and they find what they find in pycocotools.
    """
    return any(
        name in vars(evaluator) or getattr(type(evaluator), name) is not method or not is_own(name)
        for name, method in OURS.items()
    )


def is_own(name: str) -> bool:
    """Whether pycocotools' class has a hook of its own, and no patch, now or from the beginning."""
    method = vars(Original).get(name)
    return method is THEIRS[name] and method.__module__ == Original.__module__


OURS = {name: getattr(COCOeval, name) for name in HOOKS}


def say(text: str) -> None:
    """Print a line of progress, as pycocotools does."""
    print(text)  # noqa: T201


def _is_empty(results: Any) -> bool:
    if isinstance(results, str):
        with open(results) as file:
            results = json.load(file)
    return len(results) == 0


def _nothing_found(truth: Any) -> Any:
    """The index that ``loadRes`` would make of no results."""
    results = OriginalIndex()
    results.dataset = {
        "info": copy.deepcopy(truth.dataset.get("info", {})),
        "images": list(truth.dataset["images"]),
        "categories": copy.deepcopy(truth.dataset["categories"]),
        "annotations": [],
    }
    say("DONE (t=0.00s)")
    results.createIndex()
    return results
