"""``MeanAveragePrecision`` for torchmetrics, computed by detmetrics.

A real ``torchmetrics.Metric`` with the arguments, inputs, output keys and numbers of torchmetrics'
own, so it moves, resets, syncs, is copied and logs as others do. Source: ``torchmetrics`` 1.9,
``detection/mean_ap.py``, ``detection/helpers.py``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import DetmetricsWarning, InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.rules import COCO, TORCHMETRICS, Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog
from detmetrics.training.batches.at_once import taken_at_once
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import Form
from detmetrics.training.batches.images import Taken, image_of
from detmetrics.training.batches.row_faults import ON_INVALID, OnInvalid

try:
    import torch
    from torch import distributed
    from torchmetrics import Metric

    from detmetrics.plugins._coco_files import files_of, tensors_of
    from detmetrics.plugins._map_outputs import details, numbers
    from detmetrics.plugins._map_states import (
        EXACT,
        MASK_STATES,
        STATES,
        alike,
        classes_of,
        compressed,
        joined,
        labels_in,
        masks_in,
        parts_or_zeros,
        picked,
        together,
    )
except ImportError as error:
    raise ImportError(
        "detmetrics.plugins.torchmetrics needs torchmetrics: pip install torchmetrics"
    ) from error

__all__ = ["MeanAveragePrecision"]

SHAPES = {"bbox": "box", "segm": "mask"}
GRIDS = {"float32": TORCHMETRICS, "exact": COCO.replace(zero_area="missing")}
ARGUMENTS = "preds", "target"
MANY = (
    "Encountered more than {limit} detections in a single image: of each class the {limit} with "
    "the highest scores count. Fix: a larger last number in max_detection_thresholds; "
    "warn_on_many_detections=False ends this warning"
)
DROPPED = (
    "Such rows are left out and counted, with one warning. Fix: on_invalid='error' stops at the "
    "first"
)
PADDED = (
    "images that a distributed sampler repeats to fill its last batch count twice: this metric is "
    "given no image ids. Fix: detmetrics.DetectionMetric and "
    "detmetrics.plugins.lightning.DetectionCallback count an image id once; or use a sampler that "
    "repeats no image"
)


class MeanAveragePrecision(Metric):  # type: ignore[misc, unused-ignore]
    """AP and AR of boxes, of masks or of both, with torchmetrics' names.

    iou_type: ``"bbox"``, ``"segm"`` or a tuple of both, whose results are told apart by ``bbox_``
    and ``segm_``. Masks are kept compressed. Objects whose area is not given count by that of the
    mask, under both types where there are two, as in torchmetrics.
    box_format, iou_thresholds, rec_thresholds, max_detection_thresholds, class_metrics,
    extended_summary, average: as torchmetrics has them; any number of detection thresholds will do.
    backend: taken for the sake of code that names one, and not used.
    grids: ``"float32"`` takes torchmetrics' own thresholds and recall points, so that its numbers
    come out; ``"exact"`` takes those of COCO. Theirs differ in their last bits, and the results by
    up to 0.002 in AP and 0.04 in that of a class: an IoU of exactly 0.6 misses the threshold 0.6.
    on_invalid: rows with numbers that are not finite, and targets of negative size or area, are
    left out, counted in the result and warned of once (``"drop"``), or an ``"error"``.

    ``result`` is the :class:`~detmetrics.Evaluation` of the last ``compute()``, ``results`` has one
    for each type. ``warn_on_many_detections``: as torchmetrics has it.

    Raises:
        InputError, RulesError: an argument that is none of these.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = True
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    warn_on_many_detections = True
    BOX_FORMATS: ClassVar[tuple[str, ...]] = ("xyxy", "xywh", "cxcywh")

    def __init__(
        self,
        box_format: Literal["xyxy", "xywh", "cxcywh"] = "xyxy",
        iou_type: str | tuple[str, ...] = "bbox",
        iou_thresholds: Sequence[float] | None = None,
        rec_thresholds: Sequence[float] | None = None,
        max_detection_thresholds: Sequence[int] | None = None,
        class_metrics: bool = False,
        extended_summary: bool = False,
        average: Literal["macro", "micro"] = "macro",
        backend: str | None = None,
        grids: Literal["float32", "exact"] = "float32",
        on_invalid: OnInvalid = "drop",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.iou_type = _types(iou_type)
        for name, value, choices in (
            ("box_format", box_format, self.BOX_FORMATS),
            ("average", average, ("macro", "micro")),
            ("grids", grids, tuple(GRIDS)),
            ("on_invalid", on_invalid, ON_INVALID),
            ("class_metrics", class_metrics, (True, False)),
            ("extended_summary", extended_summary, (True, False)),
        ):
            if value not in choices or type(value) is not type(choices[0]):
                expected = ", ".join(map(repr, choices))
                raise InputError(f"{name}: expected one of {expected}, got {shown(value)}")
        self.box_format, self.class_metrics, self.average = box_format, class_metrics, average
        self.extended_summary, self.on_invalid = extended_summary, on_invalid
        given = {
            "iou_thresholds": iou_thresholds,
            "recall_points": rec_thresholds,
            "max_detections": max_detection_thresholds and sorted(max_detection_thresholds),
        }
        changes = {name: tuple(value) for name, value in given.items() if value is not None}
        self.rules: Rules = GRIDS[grids].replace(**changes)
        self.results: dict[str, Evaluation] = {}
        self.result: Evaluation | None = None
        # Attributes and not properties, which torch.jit.script would compile.
        self._masked = "segm" in self.iou_type
        self._states = (*STATES, *MASK_STATES) if self._masked else STATES
        masks: Literal["needed", "left"] = "needed" if self._masked else "left"
        self._form = Form(box_format, "radians-clockwise", normalized=False, masks=masks)
        self._warned: set[str] = set()
        for name in self._states:
            self.add_state(name, default=[], dist_reduce_fx="cat")
        dropped = torch.zeros(len(ARGUMENTS), dtype=torch.int64)
        self.add_state("dropped", default=dropped, dist_reduce_fx="sum")

    def update(
        self, preds: Sequence[Mapping[str, Any]], target: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add a batch: dicts with ``boxes``, ``scores``, ``labels``; and with ``boxes``, ``labels``
        and where known ``iscrowd`` and ``area``; ``masks`` (n, height, width) for ``segm``.

        Raises:
            InputError: what :meth:`DetectionMetric.update` refuses.
        """
        for name, side in zip(ARGUMENTS, (preds, target), strict=True):
            if isinstance(side, Mapping | str) or not hasattr(side, "__len__"):
                raise InputError(f"{name}: expected a list of dicts, got {shown(side)}")
        if len(preds) != len(target):
            raise InputError(f"target: expected {len(preds)} images like preds, got {len(target)}")
        # Checked here, where the argument still has its name and its place in the batch.
        labels = labels_in((*preds, *target))
        names = {label: str(label) for label in sorted(labels)} or {0: "0"}
        classes = Classes.of(names)
        pairs = [
            (self._asked(one), self._asked(wanted))
            for one, wanted in zip(preds, target, strict=True)
        ]
        sides = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        taken = taken_at_once(*sides, [None] * len(pairs), classes, self._form) or [
            image_of(place, *pair, classes, self._form, None, self.on_invalid, ARGUMENTS)
            for place, pair in enumerate(pairs)
        ]
        self._append(pairs, taken)
        self._warn_of(taken)

    def _warn_of(self, taken: Sequence[Taken]) -> None:
        """Warn of rows that were left out, once, and of images of many detections."""
        self._warn_once([f"{one.fault}. {DROPPED}" for one in taken if one.fault][:1])
        limit = self.rules.max_limit
        if self.warn_on_many_detections and any(
            len(one.image.predictions) > limit for one in taken
        ):
            _warn(MANY.format(limit=limit))

    def _warn_once(self, texts: Sequence[str]) -> None:
        """Warn of what is of a kind that was not warned of."""
        for text in texts:
            if (kind := text.rpartition(". ")[2]) not in self._warned:
                self._warned.add(kind)
                _warn(text)

    def _asked(self, one: Any) -> Any:
        """Without the boxes or masks that no type asks for."""
        left = {
            name
            for name, kind in (("boxes", "bbox"), ("masks", "segm"))
            if kind not in self.iou_type
        }
        if not isinstance(one, Mapping):
            return one
        return {name: part for name, part in one.items() if name not in left}

    def _append(self, pairs: Sequence[tuple[Any, Any]], taken: Sequence[Taken]) -> None:
        """Add one tensor to each state; of one dtype, so that processes can exchange them."""
        images = [one.image for one in taken]
        preds = [picked(pair[0], one.kept[0]) for pair, one in zip(pairs, taken, strict=True)]
        target = [picked(pair[1], one.kept[1]) for pair, one in zip(pairs, taken, strict=True)]
        counts = [len(image.targets) for image in images]
        columns = {
            "predictions_boxes": self._boxes(preds),
            "predictions_scores": [one["scores"] for one in preds],
            "predictions_labels": [one["labels"] for one in preds],
            "predictions_counts": [[len(image.predictions) for image in images]],
            "targets_boxes": self._boxes(target),
            "targets_labels": [one["labels"] for one in target],
            "targets_crowd": parts_or_zeros(target, "iscrowd", counts),
            "targets_area": parts_or_zeros(target, "area", counts),
            "targets_counts": [counts],
        }
        exact = torch.float32 if self.device.type == "mps" else torch.float64
        for name, parts in {**columns, **compressed(images)}.items():
            if name in self._states:
                kind = exact if name.endswith(EXACT) else torch.int64
                kind = torch.uint8 if name.endswith("_masks") else kind
                self._add(name, parts, kind)
        dropped = np.array([image.dropped for image in images], np.int64).reshape(-1, 2).sum(axis=0)
        before = self.dropped  # type: ignore[has-type]  # a state
        self.dropped = before + torch.as_tensor(dropped, device=before.device)

    def _add(self, name: str, parts: Sequence[Any], kind: Any) -> None:
        flat = [torch.as_tensor(part, device=self.device).flatten() for part in parts]
        getattr(self, name).append(together(flat, kind, self.device))

    def _boxes(self, side: Sequence[Mapping[str, Any]]) -> list[Any]:
        if "bbox" not in self.iou_type:
            return []
        boxes = [torch.as_tensor(one["boxes"]).reshape(-1, 4) for one in side]
        if alike(boxes):  # rounded in the type that they are of, so one call for all gives the same
            boxes = [torch.cat(boxes)]
        return [*map(self._sides, boxes)]

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        """A process that has seen no batch takes part with states of nothing."""
        if distributed.is_initialized() and distributed.get_world_size() > 1:
            self._warn_once([PADDED] if distributed.get_rank() == 0 else [])
        if not self.predictions_counts:
            self._append([], [])
        super()._sync_dist(*args, **kwargs)

    def compute(self) -> dict[str, Any]:
        """All metrics by torchmetrics' names, -1 where undefined."""
        columns = self._columns()
        classes = classes_of(columns)
        outputs: dict[str, Any] = {}
        for kind in self.iou_type:
            of_classes = self.results[kind] = self._evaluated(columns, classes, kind)
            if self.average == "micro":  # everything is of one class; metrics of classes are not
                labels = ("predictions_labels", "targets_labels")
                pooled = columns | {name: np.zeros_like(columns[name]) for name in labels}
                self.results[kind] = self._evaluated(pooled, [0], kind)
            prefix = f"{kind}_" if len(self.iou_type) > 1 else ""
            mine = numbers(self.results[kind], of_classes if self.class_metrics else None)
            mine |= details(self.results[kind]) if self.extended_summary else {}
            outputs |= {f"{prefix}{name}": value for name, value in mine.items()}
        self.result = self.results[self.iou_type[0]]
        outputs["classes"] = torch.tensor(classes, dtype=torch.int32).squeeze()
        return outputs

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """A figure and its axes: one result, or several over steps, as torchmetrics draws them.

        val: what ``compute()`` or ``forward()`` gave, or a list of such; the result so far
        unless given.
        """
        return self._plot(val, ax)

    def tm_to_coco(self, name: str = "tm_map_input") -> None:
        """Write all that was added as ``NAME_target.json`` and ``NAME_preds.json`` of COCO.

        Images are numbered from 0 on in the order in which they came.

        Raises:
            OutputError: they cannot be written.
        """
        columns = self._columns()
        sizes = columns["sizes"].reshape(-1, 2).astype(float) if self._masked else None
        if sizes is not None:
            sizes[sizes == 0] = np.nan
        kinds = {"boxes" if kind == "bbox" else "shapes" for kind in self.iou_type}
        files_of(*self._tables(columns, classes_of(columns), kinds, sizes), name)

    @staticmethod
    def coco_to_tm(
        coco_preds: str | os.PathLike[str],
        coco_target: str | os.PathLike[str],
        iou_type: str | tuple[str, ...] = ("bbox",),
        backend: str | None = None,  # noqa: ARG004
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What ``update`` takes, a dict for each image, from two files of COCO.

        Boxes are ``x y w h``. Images without objects are among them, which torchmetrics leaves out;
        the order is that of their ids. backend: not used.

        Raises:
            FormatError, UnknownIdError: files that cannot be read. InputError: no such type.
            RulesError: masks are asked for that are not there.
        """
        return tensors_of(coco_preds, coco_target, _types(iou_type))

    def _columns(self) -> dict[str, Any]:
        """All that was added, as arrays and masks."""
        columns = {name: joined(getattr(self, name)) for name in self._states}
        if self._masked:
            columns |= {side: masks_in(columns, side) for side in ("predictions", "targets")}
            area = columns["targets_area"]
            columns["targets_area"] = np.where(area > 0, area, columns["targets"].areas)
        return columns

    def _evaluated(self, columns: dict[str, Any], classes: list[int], kind: str) -> Evaluation:
        own = {"shapes" if kind == "segm" else "boxes"}
        ground_truth, detections = self._tables(columns, classes, own)
        found, there = self.dropped.tolist()
        notes = [
            f"{counted(count, f'invalid row of {side}', f'invalid rows of {side}')} left out "
            "(on_invalid='drop')"
            for side, count in zip(ARGUMENTS, (found, there), strict=True)
            if count
        ]
        ground_truth = replace(ground_truth, dropped=there, notes=(*ground_truth.notes, *notes))
        detections = replace(detections, dropped=found)
        return evaluate(ground_truth, detections, self.rules, shape=SHAPES[kind])

    def _tables(
        self, columns: dict[str, Any], classes: list[int], own: set[str], sizes: Any = None
    ) -> tuple[GroundTruth, Detections]:
        """Both tables; own: ``"boxes"``, ``"shapes"`` or both; sizes: (N, 2) of the images."""
        images = np.arange(len(columns["targets_counts"]))
        area = columns["targets_area"]  # 0 is missing, as in torchmetrics
        catalog = Catalog.from_ids(
            images=images if len(images) else [0],
            categories=classes or [0],
            category_names=[str(label) for label in classes or [0]],
            image_sizes=sizes if len(images) else None,
        )

        def shapes(side: str) -> dict[str, Any]:
            boxes = {"boxes": columns[f"{side}_boxes"].reshape(-1, 4)} if "boxes" in own else {}
            return {**boxes, **({"shapes": columns[side]} if "shapes" in own else {})}

        ground_truth = GroundTruth.from_arrays(
            image_ids=images.repeat(columns["targets_counts"]),
            categories=columns["targets_labels"],
            areas=np.where(area > 0, area, np.nan) if (area > 0).any() else None,
            crowd=columns["targets_crowd"],
            catalog=catalog,
            **shapes("targets"),
        )
        detections = Detections.from_arrays(
            image_ids=images.repeat(columns["predictions_counts"]),
            categories=columns["predictions_labels"],
            scores=columns["predictions_scores"],
            catalog=catalog,
            **shapes("predictions"),
        )
        return ground_truth, detections

    def _sides(self, boxes: Any) -> Any:
        """``x y w h``, rounded as torchmetrics rounds them; boxes : (n, 4)."""
        if self.box_format == "xywh":
            return boxes
        if self.box_format == "cxcywh":
            half = 0.5 * boxes[:, 2:]
            boxes = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], dim=1)
        return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)


def _types(given: Any) -> tuple[str, ...]:
    """The types that are measured.

    Raises:
        InputError: they are none.
    """
    types = (given,) if isinstance(given, str) else tuple(given)
    if not types or not set(types) <= set(SHAPES):
        raise InputError(
            f"iou_type: expected 'bbox', 'segm' or a tuple of them, got {shown(given)}"
        )
    return types


def _warn(text: str) -> None:
    """Warn at the caller of the metric."""
    warnings.warn(text, DetmetricsWarning, stacklevel=5)
