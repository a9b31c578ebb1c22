"""``faster_coco_eval`` as its clients use it, matched by detmetrics.

``COCO``, ``COCOeval_faster`` and the functions of masks, with their arguments, ``stats``,
``all_stats`` and ``stats_as_dict``. AP is at the last limit of detections, as there. Source:
``faster_coco_eval/core/faster_eval_api.py``, 1.8.0.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from detmetrics.compat import install_as_pycocotools
from detmetrics.compat.coco_evaluator import CocoEvaluator
from detmetrics.compat.extended import (
    ExtendedEvaluator,
    ExtendedIndex,
    detection_numbers,
    keypoint_numbers,
    refuse,
)
from detmetrics.compat.gathered import FromColumns
from detmetrics.compat.names import mask_module, register
from detmetrics.compat.pycocotools import Params
from detmetrics.foundation.originals import original

__all__ = [
    "COCOeval_faster",
    "FasterCocoEvaluator",
    "FasterEvaluator",
    "FasterIndex",
    "encode",
    "install",
]

PACKAGE = "faster_coco_eval"
logger = logging.getLogger(__name__)
LVIS = "detmetrics.evaluate(..., rules='lvis')"
SETTINGS = {
    "lvis_style": (False, f"use {LVIS}"),
    "extra_calc": (False, "use evaluator.result.matches()"),
    "use_area": (True, "give each object an area"),
}
FIGURES = "use the report (detmetrics report), or evaluator.result.plot"
ABSENT = {
    "FasterCocoDetection": "use torchvision.datasets.CocoDetection",
    "ExtraEval": "use evaluator.result.matches()",
    "Curves": FIGURES,
    "PreviewResults": FIGURES,
}


class FasterIndex(ExtendedIndex):
    """An index of annotations: of a path, or of a mapping."""

    def __init__(
        self,
        annotation_file: Any = None,
        use_deepcopy: bool = False,
        print_function: Callable[[str], Any] = logger.debug,
    ) -> None:
        self.print_function = print_function
        self.use_deepcopy = use_deepcopy
        self.annotation_file = annotation_file
        super().__init__(copy.deepcopy(annotation_file) if use_deepcopy else annotation_file)

    @staticmethod
    def load_json(json_file: Any, use_deepcopy: bool = False) -> Any:
        """What a path holds, or a copy of what is given."""
        if isinstance(json_file, str | os.PathLike):
            with open(json_file) as file:
                return json.load(file)
        return copy.deepcopy(json_file) if use_deepcopy else copy.copy(json_file)

    def loadRes(self, resFile: Any, min_score: float = 0.0) -> Any:  # noqa: N802, N803
        """The index of results of at least this score."""
        if not isinstance(resFile, np.ndarray):
            rows = FasterIndex.load_json(resFile, getattr(self, "use_deepcopy", False))
            resFile = [row for row in rows if row.get("score", 1) >= min_score or not min_score]  # noqa: N806
        results = ExtendedIndex.loadRes(self, resFile)
        results.__class__ = FasterIndex
        return results


class COCOeval_faster(ExtendedEvaluator):  # noqa: N801 - the name is theirs
    """The evaluator; what detmetrics has no way for is refused.

    Attributes:
        stats: the twelve numbers of pycocotools, AP at the last limit of detections.
        all_stats: these, and AR at 0.5 and 0.75.

    Raises:
        NotImplementedError: an argument that is not available here, with the way round it.
    """

    def __init__(
        self,
        cocoGt: Any = None,  # noqa: N803
        cocoDt: Any = None,  # noqa: N803
        iouType: str = "segm",  # noqa: N803
        ranges: Mapping[str, Any] | None = None,
        print_function: Callable[[str], Any] = logger.info,
        extra_calc: bool = False,
        kpt_oks_sigmas: Any = None,
        use_area: bool | None = True,
        lvis_style: bool = False,
        separate_eval: bool = False,
        boundary_dilation_ratio: float = 0.02,  # noqa: ARG002 - of boundaries, which are refused
        boundary_cpu_count: int = 1,  # noqa: ARG002
        rle_iou_max_workers: int = 8,  # noqa: ARG002 - two threads work here, whatever is given
    ) -> None:
        given = {"lvis_style": lvis_style, "extra_calc": extra_calc, "use_area": use_area}
        refuse(PACKAGE, given, SETTINGS)
        if iouType in ("boundary", "keypoints_crowd"):
            raise NotImplementedError(
                f"{PACKAGE}: iouType={iouType!r} is not available in detmetrics' stand-in. "
                "Fix: use 'bbox', 'segm' or 'keypoints'"
            )
        super().__init__(cocoGt, cocoDt, iouType)
        self.print_function = print_function
        self.separate_eval = separate_eval
        self.lvis_style = self.extra_calc = self.matched = False
        if ranges is not None and iouType != "keypoints":
            self.params.areaRng = [[0**2, 1e5**2], *ranges.values()]
            self.params.areaRngLbl = ["all", *ranges]
        if kpt_oks_sigmas is not None:
            self.params.kpt_oks_sigmas = np.array(kpt_oks_sigmas)

    @property
    def _evalImgs_cpp(self) -> Any:  # noqa: N802
        """The records of every class, range and image, which evaluators of batches gather."""
        return self.evalImgs

    @_evalImgs_cpp.setter
    def _evalImgs_cpp(self, records: Any) -> None:  # noqa: N802
        self.evalImgs = list(records)

    def summarize(self) -> None:
        """Set ``stats``, ``all_stats`` and ``stats_as_dict``, and print them."""
        if not self.eval:
            raise RuntimeError("Please run accumulate() first")
        params = self.params
        if params.iouType == "keypoints":
            asked = keypoint_numbers(params)
            window = len(asked)
        else:
            last = params.maxDets[-1]
            asked = detection_numbers(params)
            window = len(asked)
            asked["AR_50"] = {"ap": 0, "iouThr": 0.5, "maxDets": last}
            asked["AR_75"] = {"ap": 0, "iouThr": 0.75, "maxDets": last}
        numbers = {name: self._summarize(**how) for name, how in asked.items()}
        self.all_stats = np.array(list(numbers.values()))
        self.stats = self.all_stats[:window]
        usual = params.maxDets == [1, 10, 100] and params.iouType != "keypoints"
        limits = {"AR_1": "AR_all", "AR_10": "AR_second", "AR_100": "AR_third"} if usual else {}
        self._named = {limits.get(name, name): value for name, value in numbers.items()}

    @property
    def stats_as_dict(self) -> dict[str, float]:
        """The numbers by name, of the last ``summarize()``."""
        return dict(self._named)


class FasterEvaluator(COCOeval_faster):
    """The evaluator, by the name that pycocotools has for it."""


class GatheredFaster(FromColumns, COCOeval_faster):
    """The evaluator, of detections in columns."""


class FasterCocoEvaluator(CocoEvaluator):
    """The evaluator of batches, which matches once, with the numbers by name.

    Attributes:
        stats_as_dict: by kind the numbers by name, of the last ``summarize()``.
    """

    def __init__(
        self,
        coco_gt: Any,
        iou_types: Iterable[str],
        lvis_style: bool = False,
        ranges: Mapping[str, Any] | None = None,
    ) -> None:
        self.lvis_style, self.ranges = lvis_style, ranges
        super().__init__(coco_gt, iou_types)
        self.stats_as_dict: dict[str, Any] = {kind: [] for kind in self.iou_types}

    def _evaluator(self, kind: str) -> Any:
        return GatheredFaster(
            self.coco_gt,
            iouType=kind,
            ranges=self.ranges,
            lvis_style=self.lvis_style,
            print_function=print,
            separate_eval=True,
        )

    def summarize(self) -> None:
        """Print the numbers of each kind, and keep them by name."""
        super().summarize()
        for kind, evaluator in self.coco_eval.items():
            self.stats_as_dict[kind] = evaluator.stats_as_dict


def encode(bimask: Any) -> Any:
    """A mask, or masks (H, W, N), as run lengths; bool is taken too."""
    return original("mask").encode(np.asfortranarray(bimask, np.uint8))


def install() -> None:
    """Register the modules, see :func:`detmetrics.compat.install_as_faster_coco_eval`."""
    both = {"COCO": FasterIndex, "COCOeval_faster": COCOeval_faster}
    evaluators = {"COCOeval_faster": COCOeval_faster, "COCOeval": FasterEvaluator}
    register(
        {
            PACKAGE: {**both, "init_as_pycocotools": install_as_pycocotools},
            f"{PACKAGE}.core": both,
            f"{PACKAGE}.core.coco": {"COCO": FasterIndex},
            f"{PACKAGE}.core.cocoeval": {**evaluators, "Params": Params},
            f"{PACKAGE}.core.faster_eval_api": evaluators,
            f"{PACKAGE}.core.mask": mask_module(encode),
            f"{PACKAGE}.utils": {},
            f"{PACKAGE}.utils.pytorch": {"FasterCocoEvaluator": FasterCocoEvaluator},
            f"{PACKAGE}.utils.pytorch.coco_eval": {"FasterCocoEvaluator": FasterCocoEvaluator},
            f"{PACKAGE}.extra": {},
        },
        ABSENT,
        short={"coco": "core.coco", "mask": "core.mask", "cocoeval": "core.faster_eval_api"},
    )
