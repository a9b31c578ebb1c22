"""The ``CocoEvaluator`` that torchvision's references, DETR and what is built on them copy.

Those match the images of every batch at once and put the records of all batches together at the
end. Here batches are kept as columns, and everything is matched once: every cell of precision,
recall and scores is the one of the published way on pycocotools, over the images that were updated.

An image that comes again, as samplers of several processes pad their last batch, counts once: the
first one does, those of processes of lower rank before others, which is what ``np.unique`` of the
published merge keeps. Where we differ: ``accumulate()`` needs no ``synchronize_between_processes``
before it, a process without images is fine, and rows that are no box or score are left out, see
``on_invalid``. Source: ``references/detection/coco_eval.py`` of torchvision,
``datasets/coco_eval.py`` of DETR.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.compat.batch_columns import Collected, ImageDetections, found_in, of_bytes, to_bytes
from detmetrics.compat.gathered import GatheredEvaluator
from detmetrics.compat.parameters import ALL_CLASSES, KEYS, classes_of
from detmetrics.compat.pycocotools import COCO, say
from detmetrics.foundation.errors import DetmetricsWarning, InputError
from detmetrics.foundation.messages import shown
from detmetrics.tables.catalog import Id
from detmetrics.training.batches.row_faults import ON_INVALID, OnInvalid, RowFaults
from detmetrics.training.distributed import gathered, several

__all__ = ["CocoEvaluator"]

DROPPED = (
    "Such rows are left out and counted (evaluator.dropped), with one warning. Fix: "
    "on_invalid='error' stops at the first"
)
HOOKS = {"bbox": "prepare_for_coco_detection", "segm": "prepare_for_coco_segmentation"}
Predictions = Mapping[Any, Mapping[str, Any]]


class CocoEvaluator:
    """Collects the detections of batches and measures them as pycocotools does.

    Attributes:
        coco_gt: an index of the ground truth; the one that was given is not written to.
        iou_types: ``"bbox"``, ``"segm"`` or both.
        coco_eval: by kind the evaluator, whose ``params`` may be set before
            :meth:`synchronize_between_processes` and :meth:`accumulate`, and whose ``stats``,
            ``eval`` and ``evalImgs`` are there after them.
        dropped: how many rows were left out since their numbers are no box or score.

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
        on_invalid: OnInvalid = "drop",
    ) -> None:
        """An evaluator without images.

        coco_gt: an index with a ``dataset``, as pycocotools has; useCats: whether boxes match only
        within their class; on_invalid: detections with non-finite numbers are left out and
        counted (``"drop"``), or are an ``"error"``.

        Raises:
            InputError: a kind that is not measured here, or no index.
        """
        self.iou_types = _kinds(iou_types)
        if on_invalid not in ON_INVALID:
            expected = " or ".join(map(repr, ON_INVALID))
            raise InputError(f"on_invalid: expected {expected}, got {shown(on_invalid)}")
        self.coco_gt = _copied(coco_gt)
        self.useCats, self.on_invalid = useCats, on_invalid
        self.cleanup()

    def cleanup(self) -> None:
        """Forget what was collected, for the next epoch; parameters are the defaults again."""
        self.dropped = 0
        self._found: dict[str, dict[Id, ImageDetections]] = {kind: {} for kind in self.iou_types}
        self._current = False
        self._classes: dict[str, list[Any]] = {}
        self.coco_eval = {kind: self._evaluator(kind) for kind in self.iou_types}
        for evaluator in self.coco_eval.values():
            evaluator.params.useCats = int(self.useCats)

    def _evaluator(self, kind: str) -> Any:
        return GatheredEvaluator(self.coco_gt, iouType=kind)

    @property
    def img_ids(self) -> list[Id]:
        """The images that were updated, each once; :meth:`cleanup` forgets them."""
        return list(next(iter(self._found.values()), {}))

    @property
    def eval_imgs(self) -> dict[str, NDArray[Any]]:
        """By kind (K, A, N) the records of each class, area range and image."""
        self._match()
        made = {}
        for kind, evaluator in self.coco_eval.items():
            params = evaluator.params
            shape = len(classes_of(params)), len(params.areaRng), len(params.imgIds)
            made[kind] = np.empty(shape, object)
            made[kind].reshape(-1)[:] = evaluator.evalImgs
        return made

    def update(self, predictions: Predictions) -> None:
        """Add the detections of images; those that are there already stay as they are.

        predictions: by image id ``boxes`` (n, 4) corners, ``scores`` and ``labels`` (n,) and, for
        masks, ``masks`` (n, 1, H, W) or (n, H, W) between 0 and 1; arrays of NumPy, torch on any
        device, JAX or TensorFlow. An empty mapping is an image without detections.

        Raises:
            InputError: an argument is missing or does not fit, or an image with detections is not
                in the ground truth. Nothing of the batch is added then.
        """
        given = {_plain(image): one for image, one in predictions.items()}
        known = next(iter(self._found.values()), {})
        fresh = {image: given[image] for image in sorted(given) if image not in known}
        read = {kind: self._read(fresh, kind) for kind in self.iou_types}
        for found, _ in read.values():
            self._refuse_strangers(found)
        for kind, (found, _) in read.items():
            self._found[kind] |= found
        self._current = False
        self._warn([fault for _, faults in read.values() for fault in faults])

    def _read(
        self, predictions: Predictions, kind: str
    ) -> tuple[dict[Id, ImageDetections], list[RowFaults]]:
        """The detections of each image, and what is wrong with some of them."""
        if self._hooked(kind):
            rows: dict[Id, list[Any]] = {image: [] for image in predictions}
            for row in self.prepare(predictions, kind):
                rows[_plain(row["image_id"])].append(row)
            return {image: ImageDetections.of_rows(one, kind) for image, one in rows.items()}, []
        made, every = {}, []
        for image, given in predictions.items():
            every.append(faults := RowFaults(self.on_invalid))
            made[image] = found_in(image, given, kind, faults)
        return made, every

    def _hooked(self, kind: str) -> bool:
        """Whether a subclass or the object prepares results in its own way."""
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(CocoEvaluator, name)
            for name in ("prepare", HOOKS[kind])
        )

    def _refuse_strangers(self, found: Mapping[Id, ImageDetections]) -> None:
        for image, one in found.items():
            if len(one) and image not in self.coco_gt.imgs:
                raise InputError(
                    f"predictions[{shown(image)}]: this image is not in the ground truth. Fix: "
                    "use the ids of coco_gt as keys"
                )

    def _warn(self, every: list[RowFaults]) -> None:
        count = sum(faults.count for faults in every)
        if count and not self.dropped:
            first = next(faults.first for faults in every if faults.first)
            warnings.warn(f"{first}. {DROPPED}", DetmetricsWarning, stacklevel=3)
        self.dropped += count

    def prepare(self, predictions: Predictions, iou_type: str) -> list[dict[str, Any]]:
        """The detections as results in COCO's format; a subclass may have its own way.

        Raises:
            InputError: another kind than ``"bbox"`` and ``"segm"``, or what :meth:`update` refuses.
        """
        (kind,) = _kinds([iou_type])
        rows: list[dict[str, Any]] = getattr(self, HOOKS[kind])(predictions)
        return rows

    def prepare_for_coco_detection(self, predictions: Predictions) -> list[dict[str, Any]]:
        """With ``bbox`` as x, y, width and height, subtracted in the type of the corners."""
        return self._rows(predictions, "bbox")

    def prepare_for_coco_segmentation(self, predictions: Predictions) -> list[dict[str, Any]]:
        """With ``segmentation`` as a compressed run-length encoding of what exceeds 0.5."""
        return self._rows(predictions, "segm")

    def _rows(self, predictions: Predictions, kind: str) -> list[dict[str, Any]]:
        return [
            row
            for image, given in predictions.items()
            for row in found_in(_plain(image), given, kind, RowFaults(self.on_invalid)).rows(
                _plain(image)
            )
        ]

    def synchronize_between_processes(self) -> None:
        """Take in what all processes of ``torch.distributed`` collected, and match it.

        Raises:
            InputError: the bytes of another process are damaged.
        """
        if several():
            merged: dict[str, dict[Id, ImageDetections]] = {kind: {} for kind in self.iou_types}
            for part in map(of_bytes, gathered(to_bytes(self._found))):
                for kind in self.iou_types:
                    merged[kind] = {**part[kind], **merged[kind]}  # what came first stays
            self._found, self._current = merged, False
        self._match()

    def _match(self) -> None:
        """Match all images, unless nothing was added since."""
        if self._current:
            return
        for kind, evaluator in self.coco_eval.items():
            evaluator.take(Collected(self._found[kind]))
            params = evaluator.params
            params.imgIds = sorted(self.img_ids)
            if list(params.catIds) == [ALL_CLASSES]:  # what accumulate makes of pooled classes
                params.catIds = list(self._classes.get(kind, params.catIds))
            self._classes[kind] = list(params.catIds)
            with contextlib.redirect_stdout(io.StringIO()):
                evaluator.evaluate()
        self._current = True

    def accumulate(self) -> None:
        """Make the curves of each kind."""
        self._match()
        for evaluator in self.coco_eval.values():
            evaluator.accumulate()

    def summarize(self) -> None:
        """Print the numbers of each kind, and set ``stats`` of its evaluator."""
        for kind, evaluator in self.coco_eval.items():
            say(f"IoU metric: {kind}")
            evaluator.summarize()


def _kinds(given: Iterable[str]) -> list[str]:
    kinds = [given] if isinstance(given, str) else list(given)
    if isinstance(given, str):
        raise InputError(f"iou_types: expected a list such as ['bbox'], got {given!r}")
    for kind in kinds:
        if kind == "keypoints":
            raise InputError(
                "CocoEvaluator: 'keypoints' is not available in detmetrics' stand-in. Fix: use "
                "COCOeval(coco_gt, coco_dt, 'keypoints') of detmetrics.compat.pycocotools"
            )
        if kind not in KEYS:
            raise InputError(f"CocoEvaluator: expected 'bbox' or 'segm', got {shown(kind)}")
    return kinds


def _plain(image: Any) -> Id:
    """An id as Python's own value."""
    plain: Id = image.item() if hasattr(image, "item") else image
    return plain


def _copied(truth: Any) -> Any:
    """An index whose annotations can be written to, as matching does."""
    document = getattr(truth, "dataset", None)
    if not isinstance(document, Mapping):
        raise InputError(
            f"coco_gt: expected an index such as COCO('annotations.json'), got {shown(truth)}"
        )
    mine = COCO()
    mine.dataset = dict(document)
    if "annotations" in mine.dataset:
        mine.dataset["annotations"] = [dict(one) for one in mine.dataset["annotations"]]
    with contextlib.redirect_stdout(io.StringIO()):
        mine.createIndex()
    return mine
