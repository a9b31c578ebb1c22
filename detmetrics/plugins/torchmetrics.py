"""``MeanAveragePrecision`` for torchmetrics, computed by detmetrics.

A real ``torchmetrics.Metric`` with the arguments, inputs and output keys of torchmetrics' own, so
it moves, resets, syncs and logs as others do. Source: ``torchmetrics`` 1.9,
``detection/mean_ap.py``, ``detection/helpers.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.overlap.masks.masks import Masks
from detmetrics.rules import COCO, TORCHMETRICS, Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog
from detmetrics.training.batches.bitmaps import masks_of_codes
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import Form
from detmetrics.training.batches.image_columns import ImageBoxes
from detmetrics.training.batches.images import image_of

try:
    import torch
    from torchmetrics import Metric
except ImportError as error:
    raise ImportError(
        "detmetrics.plugins.torchmetrics needs torchmetrics: pip install torchmetrics"
    ) from error

__all__ = ["MeanAveragePrecision"]

AREAS = {"s": "small", "m": "medium", "l": "large"}
STATES = (
    *("predictions_boxes", "predictions_scores", "predictions_labels", "predictions_counts"),
    *("targets_boxes", "targets_labels", "targets_crowd", "targets_area", "targets_counts"),
)
MASK_STATES = (
    *("predictions_masks", "predictions_lengths", "targets_masks", "targets_lengths", "sizes"),
)
EXACT = ("boxes", "scores", "crowd", "area")
SHAPES = {"bbox": "box", "segm": "mask"}


class MeanAveragePrecision(Metric):  # type: ignore[misc, unused-ignore]
    """AP and AR of boxes, of masks or of both, with torchmetrics' names.

    iou_type: ``"bbox"``, ``"segm"`` or a tuple of both, whose results are told apart by ``bbox_``
    and ``segm_``. Masks are kept compressed. Objects whose area is not given count by that of the
    mask, under both types where there are two, as in torchmetrics.
    box_format, iou_thresholds, rec_thresholds, max_detection_thresholds, class_metrics, average: as
    torchmetrics has them; any number of detection thresholds will do. backend: taken for the sake
    of code that names one, and not used.
    grids: ``"float64"`` takes thresholds and recall points as COCO has them; ``"float32"`` takes
    torchmetrics' own, whose last bits differ: an IoU of exactly 0.6 misses its threshold 0.6.

    ``result`` is the :class:`~detmetrics.Evaluation` of the last ``compute()``, ``results`` has one
    for each type.

    Raises:
        InputError, RulesError: an argument that is none of these, or ``extended_summary``.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = True
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
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
        grids: Literal["float64", "float32"] = "float64",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if extended_summary:
            raise InputError("extended_summary: not here; compute(), then result.arrays() has it")
        self.iou_type = (iou_type,) if isinstance(iou_type, str) else tuple(iou_type)
        if not self.iou_type or not set(self.iou_type) <= set(SHAPES):
            raise InputError(
                f"iou_type: expected 'bbox', 'segm' or a tuple of them, got {shown(iou_type)}"
            )
        for name, value, choices in (
            ("box_format", box_format, self.BOX_FORMATS),
            ("average", average, ("macro", "micro")),
            ("grids", grids, ("float64", "float32")),
        ):
            if value not in choices:
                expected = ", ".join(map(repr, choices))
                raise InputError(f"{name}: expected one of {expected}, got {shown(value)}")
        self.box_format, self.class_metrics, self.average = box_format, class_metrics, average
        base = TORCHMETRICS if grids == "float32" else COCO.replace(zero_area="missing")
        given = {
            "iou_thresholds": iou_thresholds,
            "recall_points": rec_thresholds,
            "max_detections": max_detection_thresholds,
        }
        changes = {name: tuple(value) for name, value in given.items() if value is not None}
        self.rules: Rules = base.replace(**changes)
        self.results: dict[str, Evaluation] = {}
        self.result: Evaluation | None = None
        masks: Literal["needed", "left"] = "needed" if self._masked else "left"
        self._form = Form(box_format, "radians-clockwise", normalized=False, masks=masks)
        for name in self._states:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    @property
    def _masked(self) -> bool:
        return "segm" in self.iou_type

    @property
    def _states(self) -> tuple[str, ...]:
        return (*STATES, *MASK_STATES) if self._masked else STATES

    def update(
        self, preds: Sequence[Mapping[str, Any]], target: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add a batch: dicts with ``boxes``, ``scores``, ``labels``; and with ``boxes``, ``labels``
        and where known ``iscrowd`` and ``area``; ``masks`` (n, height, width) for ``segm``.

        Raises:
            InputError: what :meth:`DetectionMetric.update` refuses.
        """
        if len(preds) != len(target):
            raise InputError(f"target: expected {len(preds)} images like preds, got {len(target)}")
        # Checked here, where the argument still has its name and its place in the batch.
        labels = {label for one in (*preds, *target) for label in _labels(one)}
        names = {label: str(label) for label in sorted(labels)} or {0: "0"}
        classes = Classes.of(names)
        images = [
            image_of(place, self._asked(prediction), self._asked(wanted), classes, self._form, None)
            for place, (prediction, wanted) in enumerate(zip(preds, target, strict=True))
        ]
        self._append(preds, target, images)

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

    def _append(
        self,
        preds: Sequence[Mapping[str, Any]],
        target: Sequence[Mapping[str, Any]],
        images: Sequence[ImageBoxes],
    ) -> None:
        """Add one tensor to each state; of one dtype, so that processes can exchange them."""
        counts = [len(one["labels"]) for one in target]
        columns = {
            "predictions_boxes": self._boxes(preds),
            "predictions_scores": [one["scores"] for one in preds],
            "predictions_labels": [one["labels"] for one in preds],
            "predictions_counts": [[len(one["labels"]) for one in preds]],
            "targets_boxes": self._boxes(target),
            "targets_labels": [one["labels"] for one in target],
            "targets_crowd": [
                _given(one, "iscrowd", n) for one, n in zip(target, counts, strict=True)
            ],
            "targets_area": [_given(one, "area", n) for one, n in zip(target, counts, strict=True)],
            "targets_counts": [counts],
        }
        exact = torch.float32 if self.device.type == "mps" else torch.float64
        for name, parts in {**columns, **_compressed(images)}.items():
            if name in self._states:
                kind = exact if name.endswith(EXACT) else torch.int64
                kind = torch.uint8 if name.endswith("_masks") else kind
                self._add(name, parts, kind)

    def _add(self, name: str, parts: Sequence[Any], kind: Any) -> None:
        flat = [torch.as_tensor(part, device=self.device).flatten().to(kind) for part in parts]
        empty = torch.zeros(0, dtype=kind, device=self.device)
        getattr(self, name).append(torch.cat([empty, *flat]))

    def _boxes(self, side: Sequence[Mapping[str, Any]]) -> list[Any]:
        return [self._sides(one["boxes"]) for one in side] if "bbox" in self.iou_type else []

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        """A process that has seen no batch takes part with states of nothing."""
        if not self.predictions_counts:
            self._append([], [], [])
        super()._sync_dist(*args, **kwargs)

    def compute(self) -> dict[str, Any]:
        """All metrics by torchmetrics' names, -1 where undefined."""
        columns = {name: _joined(getattr(self, name)) for name in self._states}
        classes = sorted(
            {*columns["predictions_labels"].tolist(), *columns["targets_labels"].tolist()}
        )
        if self._masked:
            columns |= {side: _masks(columns, side) for side in ("predictions", "targets")}
            area = columns["targets_area"]
            columns["targets_area"] = np.where(area > 0, area, columns["targets"].areas)
        outputs: dict[str, Any] = {}
        for kind in self.iou_type:
            of_classes = self.results[kind] = self._evaluated(columns, classes, kind)
            if self.average == "micro":  # everything is of one class; metrics of classes are not
                labels = ("predictions_labels", "targets_labels")
                pooled = columns | {name: np.zeros_like(columns[name]) for name in labels}
                self.results[kind] = self._evaluated(pooled, [0], kind)
            prefix = f"{kind}_" if len(self.iou_type) > 1 else ""
            mine = self._outputs(self.results[kind], of_classes)
            outputs |= {f"{prefix}{name}": value for name, value in mine.items()}
        self.result = self.results[self.iou_type[0]]
        outputs["classes"] = torch.tensor(classes, dtype=torch.int32).squeeze()
        return outputs

    def _evaluated(self, columns: dict[str, Any], classes: list[int], kind: str) -> Evaluation:
        images = np.arange(len(columns["targets_counts"]))
        catalog = Catalog.from_ids(
            images=images if len(images) else [0],
            categories=classes or [0],
            category_names=[str(label) for label in classes or [0]],
        )

        def shapes(side: str) -> dict[str, Any]:
            if kind == "segm":
                return {"shapes": columns[side]}
            return {"boxes": columns[f"{side}_boxes"].reshape(-1, 4)}

        ground_truth = GroundTruth.from_arrays(
            image_ids=images.repeat(columns["targets_counts"]),
            categories=columns["targets_labels"],
            areas=columns["targets_area"],
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
        return evaluate(ground_truth, detections, self.rules, shape=SHAPES[kind])

    def _sides(self, boxes: Any) -> Any:
        """``x y w h``, rounded as torchmetrics rounds them."""
        boxes = torch.as_tensor(boxes).reshape(-1, 4)
        if self.box_format == "xywh":
            return boxes
        if self.box_format == "cxcywh":
            half = 0.5 * boxes[:, 2:]
            boxes = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], dim=1)
        return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)

    def _outputs(self, result: Evaluation, of_classes: Evaluation) -> dict[str, Any]:
        outputs = {"map": result.summary["AP"]}
        outputs |= {f"map_{iou}": result.summary.get(f"AP{iou}", -1.0) for iou in (50, 75)}
        outputs |= {f"map_{words}": result.summary[f"AP{short}"] for short, words in AREAS.items()}
        limits = self.rules.max_detections
        outputs |= {f"mar_{limit}": result.summary[f"AR{limit}"] for limit in limits}
        outputs |= {f"mar_{words}": result.summary[f"AR{short}"] for short, words in AREAS.items()}
        tensors = {name: self._tensor(value) for name, value in outputs.items()}
        columns = of_classes.class_columns()
        by_class = {"map_per_class": "AP", f"mar_{limits[-1]}_per_class": f"AR{limits[-1]}"}
        for name, column in by_class.items():
            tensors[name] = self._tensor(columns[column] if self.class_metrics else -1.0)
        return tensors

    def _tensor(self, value: Any) -> Any:
        return torch.nan_to_num(torch.as_tensor(value, dtype=torch.float32), nan=-1.0)


def _labels(one: Any) -> list[int]:
    """The labels of a dict; whatever else is there is for the check to refuse."""
    given = one.get("labels", []) if isinstance(one, Mapping) else []
    return [int(label) for label in torch.as_tensor(given).flatten().tolist()]


def _given(one: Mapping[str, Any], name: str, count: int) -> Any:
    """A part that may be missing; 0 is what torchmetrics makes of it."""
    return torch.zeros(count) if one.get(name) is None else one[name]


def _compressed(images: Sequence[ImageBoxes]) -> dict[str, list[Any]]:
    """Masks as states hold them: text, the length of each mask, width and height of images."""
    columns: dict[str, list[Any]] = {
        "sizes": [np.nan_to_num(np.array([image.size for image in images])).astype(np.int64)]
    }
    for side in ("predictions", "targets"):
        codes = [code for one in images if one.masks for code in getattr(one.masks, side)]
        columns[f"{side}_masks"] = [np.frombuffer(b"".join(codes), np.uint8).copy()]
        columns[f"{side}_lengths"] = [np.array([len(code) for code in codes], np.int64)]
    return columns


def _masks(columns: Mapping[str, Any], side: str) -> Masks:
    text = columns[f"{side}_masks"].astype(np.uint8).tobytes()
    ends = np.cumsum(columns[f"{side}_lengths"]).tolist()
    codes = [text[start:end] for start, end in pairwise([0, *ends])]
    images = np.append(0, np.cumsum(columns[f"{side}_counts"])).tolist()
    sizes = columns["sizes"].reshape(-1, 2).tolist()
    return masks_of_codes([tuple(codes[start:end]) for start, end in pairwise(images)], sizes)


def _joined(parts: Any) -> Any:
    """One array, whether processes were gathered or not, or none has seen anything."""
    if isinstance(parts, torch.Tensor):
        return parts.cpu().numpy()
    return torch.cat([part.cpu() for part in parts]).numpy() if parts else np.zeros(0, np.int64)
