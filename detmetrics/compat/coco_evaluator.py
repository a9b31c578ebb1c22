"""The ``CocoEvaluator`` that torchvision's references, DETR and what is built on them copy.

Those match the images of every batch at once and put the records of all batches together at the
end. Here a batch is only kept, and everything is matched when ``accumulate()`` asks for it: the
numbers are those of pycocotools over all images that were updated, to the last bit. Source:
``references/detection/coco_eval.py`` of torchvision, ``datasets/coco_eval.py`` of DETR.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.compat.pycocotools import COCO, COCOeval, say
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.originals import original
from detmetrics.training.distributed import gathered

__all__ = ["CocoEvaluator"]

KINDS = "bbox", "segm"
POOLED = [-1]
DRAWN = 0.5
"""From this value on a pixel of a predicted mask belongs to it."""


class CocoEvaluator:
    """Collects the detections of batches and measures them as pycocotools does.

    Attributes:
        coco_gt: the index of the ground truth; iou_types: ``"bbox"``, ``"segm"`` or both.
        coco_eval: by kind the evaluation, whose ``stats``, ``eval`` and ``evalImgs`` are there once
            :meth:`accumulate` was called.
        img_ids: the images that were updated, in this order; one that samplers of several processes
            pad with, so that it comes again, counts once, and what came first counts.

    ::

        evaluator = CocoEvaluator(coco_gt, ["bbox"])
        for images, targets in loader:
            outputs = model(images)
            evaluator.update({t["image_id"]: o for t, o in zip(targets, outputs)})
        evaluator.synchronize_between_processes()
        evaluator.accumulate()
        evaluator.summarize()
    """

    def __init__(
        self,
        coco_gt: Any,
        iou_types: Iterable[str],
        *,
        useCats: bool = True,  # noqa: N803 - as some copies have it
    ) -> None:
        """Raises:
        InputError: a kind that is not measured here.
        """
        self.coco_gt = coco_gt
        self.iou_types = list(iou_types)
        self.useCats = useCats
        if unknown := [kind for kind in self.iou_types if kind not in KINDS]:
            raise InputError(
                f"CocoEvaluator: expected iou_types of bbox and segm, got {unknown[0]!r}: the "
                "evaluator of torchvision's references measures keypoints with pycocotools"
            )
        self.cleanup()

    def cleanup(self) -> None:
        """Forget what was collected, for the next epoch."""
        self.img_ids: list[Any] = []
        self._found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in self.iou_types}
        self._classes: dict[str, list[Any]] = {}
        self.coco_eval = {kind: self._fresh(kind) for kind in self.iou_types}

    def _fresh(self, kind: str) -> COCOeval:
        made = COCOeval(self.coco_gt, iouType=kind)
        made.params.useCats = int(self.useCats)
        return made

    @property
    def eval_imgs(self) -> dict[str, NDArray[Any]]:
        """By kind (K, A, N) the records of each class, area range and image."""
        made = {}
        for kind, evaluation in self.coco_eval.items():
            params = evaluation.params
            records = np.empty(len(evaluation.evalImgs), object)
            records[:] = evaluation.evalImgs
            made[kind] = records.reshape(-1, len(params.areaRng), len(params.imgIds))
        return made

    def update(self, predictions: Mapping[Any, Mapping[str, Any]]) -> None:
        """Add the detections of images.

        predictions: by image id ``boxes`` (D, 4) corners, ``scores`` (D,), ``labels`` (D,) and, for
        masks, ``masks`` (D, 1, H, W) or (D, H, W) between 0 and 1; tensors or arrays.
        """
        known = set(self.img_ids)
        fresh = {image: given for image, given in predictions.items() if image not in known}
        self.img_ids.extend(np.unique([*fresh]).tolist())
        for kind in self.iou_types:
            self._found[kind].extend(self.prepare(fresh, kind))

    def prepare(
        self, predictions: Mapping[Any, Mapping[str, Any]], iou_type: str
    ) -> list[dict[str, Any]]:
        """The detections as results in COCO's format."""
        if iou_type == "bbox":
            return self.prepare_for_coco_detection(predictions)
        return self.prepare_for_coco_segmentation(predictions)

    def prepare_for_coco_detection(
        self, predictions: Mapping[Any, Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """With ``bbox`` as x, y, width and height, of corners and in their arithmetic."""
        return [
            {"image_id": image, "category_id": label, "bbox": box, "score": score}
            for image, given in predictions.items()
            if len(given)
            for box, (label, score) in zip(_sides(given["boxes"]), _ranked(given), strict=True)
        ]

    def prepare_for_coco_segmentation(
        self, predictions: Mapping[Any, Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """With ``segmentation`` as a compressed run-length encoding."""
        return [
            {"image_id": image, "category_id": label, "segmentation": code, "score": score}
            for image, given in predictions.items()
            if len(given) and len(given["scores"])
            for code, (label, score) in zip(_codes(given["masks"]), _ranked(given), strict=True)
        ]

    def synchronize_between_processes(self) -> None:
        """Take in what the other processes of ``torch.distributed`` collected, if there are any."""
        if not _distributed():
            return
        mine = {"images": self.img_ids, "found": self._found}
        self.img_ids, self._found = [], {kind: [] for kind in self.iou_types}
        for part in gathered(json.dumps(mine, default=_as_json).encode()):
            theirs = json.loads(part)
            known = set(self.img_ids)
            fresh = [image for image in theirs["images"] if image not in known]
            self.img_ids.extend(fresh)
            taken = set(fresh)
            for kind in self.iou_types:
                self._found[kind].extend(
                    one for one in theirs["found"][kind] if one["image_id"] in taken
                )

    def accumulate(self) -> None:
        """Match everything that was collected, and make the curves of each kind."""
        for kind in self.iou_types:
            # The object and the parameters that a program may have looked at or changed.
            evaluation = self.coco_eval[kind]
            classes = self._classes.setdefault(kind, list(evaluation.params.catIds))
            if list(evaluation.params.catIds) == POOLED:  # what accumulate() makes of pooled ones
                evaluation.params.catIds = list(classes)
            evaluation.cocoDt = _results(self.coco_gt, self._found[kind])
            evaluation.params.imgIds = sorted(self.img_ids)
            evaluation.evaluate()
            evaluation.accumulate()

    def summarize(self) -> None:
        """Print the twelve numbers of each kind."""
        for kind, evaluation in self.coco_eval.items():
            say(f"IoU metric: {kind}")
            evaluation.summarize()


def _results(truth: Any, found: Sequence[dict[str, Any]]) -> Any:
    """The index of results, whatever class that of the ground truth is."""
    # pycocotools' own writes areas and ids into what it is given.
    return COCO.loadRes(truth, [dict(one) for one in found])


def _raw(given: Any) -> NDArray[Any]:
    """In the type of numbers that it has."""
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        if str(given.dtype).endswith("bfloat16"):
            given = given.float()  # NumPy has none
        given = given.numpy()
    return np.asarray(given)


def _plain(given: Any) -> list[Any]:
    values: list[Any] = _raw(given).reshape(-1).tolist()
    return values


def _ranked(given: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The label and the score of each detection."""
    return zip(_plain(given["labels"]), _plain(given["scores"]), strict=True)


def _sides(boxes: Any) -> Iterator[list[float]]:
    corners = _raw(boxes).reshape(-1, 4)
    yield from np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]).tolist()


def _codes(masks: Any) -> Iterator[dict[str, Any]]:
    """The compressed run-length encoding of each bitmap."""
    encode = original("mask").encode
    planes = _raw(masks) > DRAWN
    for plane in planes.reshape(-1, *planes.shape[-2:]):
        code = encode(np.asfortranarray(plane, np.uint8))
        yield {"size": code["size"], "counts": code["counts"].decode()}


def _distributed() -> bool:
    try:
        import torch.distributed as dist
    except ImportError:
        return False
    return bool(dist.is_available() and dist.is_initialized())


def _as_json(value: Any) -> Any:
    """Numbers of NumPy, such as ids, as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise InputError(f"CocoEvaluator: expected image ids of numbers or text, got {value!r}")
