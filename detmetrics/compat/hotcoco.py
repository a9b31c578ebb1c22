"""``hotcoco`` as its clients use it, matched by detmetrics.

``COCO`` and ``COCOeval`` with both spellings of names, ``run()``, ``results()`` and
``get_results()``. AP is at the last limit of detections, as there. Source:
``hotcoco/__init__.pyi``, 1.3.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detmetrics.compat import install_as_pycocotools, pycocotools
from detmetrics.compat.extended import (
    ExtendedEvaluator,
    ExtendedIndex,
    detection_numbers,
    keypoint_numbers,
    refuse,
)
from detmetrics.compat.names import mask_module, register

__all__ = ["HotEvaluator", "HotIndex", "HotParams", "install"]

SETTINGS = {
    "lvis_style": (False, "use detmetrics.evaluate(..., rules='lvis')"),
    "oid_style": (False, "use detmetrics.evaluate(..., rules='openimages')"),
    "hierarchy": (None, "use detmetrics.evaluate(..., rules='openimages')"),
}
LVIS = "use detmetrics.evaluate(..., rules='lvis')"
ABSENT = {
    **dict.fromkeys(("LVIS", "LVISEval", "LVISResults", "LVISeval", "init_as_lvis"), LVIS),
    "Hierarchy": "use detmetrics.evaluate(..., rules='openimages')",
    "StreamingEval": "use detmetrics.DetectionMetric",
    # Theirs measures all images of the ground truth, and repeated ones twice.
    "CocoEvaluator": "use detmetrics.compat.coco_evaluator.CocoEvaluator, which measures the "
    "images that were updated",
    "CocoDetection": "use torchvision.datasets.CocoDetection",
    "compare": "use detmetrics.analysis.compare",
}
KEYS = {
    "AP_all": "AP",
    "AP_50": "AP50",
    "AP_75": "AP75",
    "AP_small": "APs",
    "AP_medium": "APm",
    "AP_large": "APl",
    "AR_all": "AR",
    "AR_50": "AR50",
    "AR_75": "AR75",
    "AR_small": "ARs",
    "AR_medium": "ARm",
    "AR_large": "ARl",
}
"""Our names of a number, and theirs."""
PARAMETERS = {
    "iou_type": "iouType",
    "img_ids": "imgIds",
    "cat_ids": "catIds",
    "iou_thrs": "iouThrs",
    "rec_thrs": "recThrs",
    "max_dets": "maxDets",
    "area_rng": "areaRng",
    "area_rng_lbl": "areaRngLbl",
    "use_cats": "useCats",
}


class HotParams(pycocotools.Params):  # type: ignore[misc]
    """The parameters, by both spellings of their names."""

    def __init__(self, iou_type: str = "bbox") -> None:
        super().__init__(iou_type)

    def __getattr__(self, name: str) -> Any:
        if name in PARAMETERS:
            return getattr(self, PARAMETERS[name])
        raise AttributeError(f"Params has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(PARAMETERS.get(name, name), value)


class HotIndex(ExtendedIndex):
    """An index of annotations: of a path, or of a mapping."""

    def __init__(self, annotation_file: Any = None, *, image_dir: str | None = None) -> None:
        self.print_function = _silent
        self.image_dir = image_dir
        super().__init__(annotation_file)


class HotEvaluator(ExtendedEvaluator):
    """The evaluator, its arguments by both spellings of their names.

    Raises:
        NotImplementedError: an argument that is not available here, with the way round it.
    """

    def __init__(
        self,
        coco_gt: Any = None,
        coco_dt: Any = None,
        iou_type: str | None = None,
        lvis_style: bool = False,
        oid_style: bool = False,
        hierarchy: Any = None,
        *,
        cocoGt: Any = None,  # noqa: N803
        cocoDt: Any = None,  # noqa: N803
        iouType: str | None = None,  # noqa: N803
    ) -> None:
        given = {"lvis_style": lvis_style, "oid_style": oid_style, "hierarchy": hierarchy}
        refuse("hotcoco", given, SETTINGS)
        kind = iou_type or iouType
        if kind is None:
            raise TypeError("COCOeval() requires iou_type (or pycocotools' iouType)")
        truth = cocoGt if coco_gt is None else coco_gt
        super().__init__(truth, cocoDt if coco_dt is None else coco_dt, kind)
        images, classes = self.params.imgIds, self.params.catIds
        self.params: Any = HotParams(kind)
        self.params.imgIds, self.params.catIds = images, classes

    def evaluate(self) -> None:
        """Match the detections; nothing is printed, as there."""
        self.print_function, function = _silent, self.print_function
        try:
            super().evaluate()
        finally:
            self.print_function = function

    def accumulate(self, p: Any = None) -> None:
        """Precision, recall and scores; nothing is printed, as there."""
        self.print_function, function = _silent, self.print_function
        try:
            super().accumulate(p)
        finally:
            self.print_function = function

    def summarize(self) -> None:
        """Set ``stats``, and print them."""
        if not self.eval:
            raise RuntimeError("Please run accumulate() first")
        keypoints = self.params.iouType == "keypoints"
        asked = (keypoint_numbers if keypoints else detection_numbers)(self.params)
        numbers = {
            KEYS.get(name, name.replace("AR_", "AR")): self._summarize(**how)
            for name, how in asked.items()
        }
        self.stats = np.array(list(numbers.values()))
        self._named = numbers

    def get_results(self, prefix: str | None = None, per_class: bool = False) -> dict[str, float]:
        """The numbers by name, with ``prefix/`` before each; per_class: AP of each class too.

        Raises:
            RuntimeError: before ``summarize()``.
        """
        if "_named" not in self.__dict__:
            raise RuntimeError("Please run summarize() first")
        numbers = dict(self._named)
        if per_class:
            numbers |= self._of_classes()
        return {f"{prefix}/{name}" if prefix else name: value for name, value in numbers.items()}

    def results(self, per_class: bool = False) -> dict[str, Any]:
        """The numbers by name, as ``metrics``, and AP of each class, as ``per_class``."""
        told: dict[str, Any] = {"metrics": self.get_results()}
        if per_class:
            told["per_class"] = self._of_classes()
        return told

    def _of_classes(self) -> dict[str, float]:
        """AP at the last limit of each class, by ``AP/name``, -1 without ground truth."""
        names = {one["id"]: one.get("name", one["id"]) for one in self.cocoGt.cats.values()}
        cells = self.eval["precision"][:, :, :, 0, -1]
        known = [cells[:, :, k][cells[:, :, k] > -1] for k in range(cells.shape[2])]
        return {
            f"AP/{names[category]}": float(found.mean()) if len(found) else -1.0
            for category, found in zip(self.params.catIds, known, strict=True)
        }

    @property
    def coco_gt(self) -> Any:
        """The index of the ground truth."""
        return self.cocoGt

    @property
    def coco_dt(self) -> Any:
        """The index of the results."""
        return self.cocoDt

    @property
    def eval_imgs(self) -> Any:
        """The records of every class, range and image."""
        return self.evalImgs


def _silent(_: str) -> None:
    """Print nothing."""


def install() -> None:
    """Register the modules, see :func:`detmetrics.compat.install_as_hotcoco`."""
    names = {"COCO": HotIndex, "COCOeval": HotEvaluator, "Params": HotParams}
    register(
        {
            "hotcoco": {**names, "init_as_pycocotools": install_as_pycocotools},
            "hotcoco.mask": mask_module(),
        },
        ABSENT,
    )
