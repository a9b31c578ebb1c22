"""``MeanAveragePrecision`` for torchmetrics, computed by detmetrics.

A real ``torchmetrics.Metric`` with the arguments, inputs and output keys of torchmetrics' own, so
it moves, resets, syncs and logs as others do. Source: ``torchmetrics`` 1.9,
``detection/mean_ap.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from detmetrics.catalog import Catalog
from detmetrics.errors import InputError
from detmetrics.evaluation import evaluate
from detmetrics.messages import shown
from detmetrics.metric import DetectionMetric
from detmetrics.result import Evaluation
from detmetrics.rules import COCO, TORCHMETRICS, Rules
from detmetrics.tables import Detections, GroundTruth

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
    *("found_boxes", "found_scores", "found_labels", "found_counts"),
    *("there_boxes", "there_labels", "there_crowd", "there_area", "there_counts"),
)


class MeanAveragePrecision(Metric):  # type: ignore[misc, unused-ignore]
    """AP and AR of boxes, with torchmetrics' names.

    box_format, iou_thresholds, rec_thresholds, max_detection_thresholds, class_metrics, average: as
    torchmetrics has them; any number of detection thresholds will do. backend: taken for the sake
    of code that names one, and not used.
    grids: ``"float64"`` takes thresholds and recall points as COCO has them; ``"float32"`` takes
    torchmetrics' own, whose last bits differ: an IoU of exactly 0.6 misses its threshold 0.6.

    ``result`` is the :class:`~detmetrics.Evaluation` of the last ``compute()``.
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
        iou_type: str = "bbox",
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
        if iou_type not in ("bbox", ("bbox",)):
            raise InputError(f"iou_type: expected 'bbox', got {shown(iou_type)}")
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
        self.result: Evaluation | None = None
        for name in STATES:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self, preds: Sequence[Mapping[str, Any]], target: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add a batch: dicts with ``boxes``, ``scores``, ``labels``; and with ``boxes``, ``labels``
        and where known ``iscrowd`` and ``area``.

        Raises:
            InputError: what :meth:`DetectionMetric.update` refuses.
        """
        if len(preds) != len(target):
            raise InputError(f"target: expected {len(preds)} images like preds, got {len(target)}")
        # Checked here, where the argument still has its name and its place in the batch.
        labels = {label for one in (*preds, *target) for label in _labels(one)}
        names = {label: str(label) for label in sorted(labels)} or {0: "0"}
        probe = DetectionMetric(names, box_format=self.box_format)
        probe.update(list(range(len(preds))), preds, target)
        self._append(preds, target)

    def _append(
        self, preds: Sequence[Mapping[str, Any]], target: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add one tensor to each state; of one dtype, so that processes can exchange them."""
        counts = [len(one["labels"]) for one in target]
        columns = {
            "found_boxes": [self._sides(one["boxes"]) for one in preds],
            "found_scores": [one["scores"] for one in preds],
            "found_labels": [one["labels"] for one in preds],
            "found_counts": [[len(one["labels"]) for one in preds]],
            "there_boxes": [self._sides(one["boxes"]) for one in target],
            "there_labels": [one["labels"] for one in target],
            "there_crowd": [
                _given(one, "iscrowd", n) for one, n in zip(target, counts, strict=True)
            ],
            "there_area": [_given(one, "area", n) for one, n in zip(target, counts, strict=True)],
            "there_counts": [counts],
        }
        exact = torch.float32 if self.device.type == "mps" else torch.float64
        for name, parts in columns.items():
            kind = torch.int64 if name.endswith(("labels", "counts")) else exact
            flat = [torch.as_tensor(part, device=self.device).flatten().to(kind) for part in parts]
            empty = torch.zeros(0, dtype=kind, device=self.device)
            getattr(self, name).append(torch.cat([empty, *flat]))

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        """A process that has seen no batch takes part with states of nothing."""
        if not self.found_counts:
            self._append([], [])
        super()._sync_dist(*args, **kwargs)

    def compute(self) -> dict[str, Any]:
        """All metrics by torchmetrics' names, -1 where undefined."""
        columns = {name: _joined(getattr(self, name)) for name in STATES}
        classes = sorted({*columns["found_labels"].tolist(), *columns["there_labels"].tolist()})
        of_classes = self.result = self._evaluated(columns, classes)
        if self.average == "micro":  # everything is of one class; metrics of classes are not
            labels = ("found_labels", "there_labels")
            pooled = columns | {name: np.zeros_like(columns[name]) for name in labels}
            self.result = self._evaluated(pooled, [0])
        return self._outputs(self.result, of_classes, classes)

    def _evaluated(self, columns: dict[str, Any], classes: list[int]) -> Evaluation:
        images = np.arange(len(columns["there_counts"]))
        catalog = Catalog.from_ids(
            images=images if len(images) else [0],
            categories=classes or [0],
            category_names=[str(label) for label in classes or [0]],
        )
        truth = GroundTruth.from_arrays(
            image_ids=images.repeat(columns["there_counts"]),
            categories=columns["there_labels"],
            boxes=columns["there_boxes"].reshape(-1, 4),
            areas=columns["there_area"],
            crowd=columns["there_crowd"],
            catalog=catalog,
        )
        found = Detections.from_arrays(
            image_ids=images.repeat(columns["found_counts"]),
            categories=columns["found_labels"],
            boxes=columns["found_boxes"].reshape(-1, 4),
            scores=columns["found_scores"],
            catalog=catalog,
        )
        return evaluate(truth, found, self.rules)

    def _sides(self, boxes: Any) -> Any:
        """``x y w h``, rounded as torchmetrics rounds them."""
        boxes = torch.as_tensor(boxes).reshape(-1, 4)
        if self.box_format == "xywh":
            return boxes
        if self.box_format == "cxcywh":
            half = 0.5 * boxes[:, 2:]
            boxes = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], dim=1)
        return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)

    def _outputs(
        self, result: Evaluation, of_classes: Evaluation, classes: list[int]
    ) -> dict[str, Any]:
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
        tensors["classes"] = torch.tensor(classes, dtype=torch.int32).squeeze()
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


def _joined(parts: Any) -> Any:
    """One array, whether processes were gathered or not, or none has seen anything."""
    if isinstance(parts, torch.Tensor):
        return parts.cpu().numpy()
    return torch.cat([part.cpu() for part in parts]).numpy() if parts else np.zeros(0, np.int64)
