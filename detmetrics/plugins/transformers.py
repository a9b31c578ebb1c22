"""``compute_metrics`` for the Hugging Face Trainer and DETR-like models.

Predictions go through the post-processing of the model's own image processor; boxes of both
sides are measured in pixels of the original image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.rules import COCO, Rules
from detmetrics.training.batches.row_faults import OnInvalid
from detmetrics.training.batches.tensors import array_of
from detmetrics.training.history import EarlyStopping
from detmetrics.training.metric import DetectionMetric

try:
    import torch
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError(
        "detmetrics.plugins.transformers needs transformers and torch: "
        "pip install transformers torch"
    ) from error

__all__ = ["DetectionMetrics", "StopEarly"]

KEYS = ("class_labels", "boxes", "size", "orig_size")


class MetricOfLabels(DetectionMetric):
    """Whose targets the Trainer calls labels."""

    _arguments = "predictions", "labels"


class DetectionMetrics:
    """What ``Trainer(compute_metrics=...)`` calls: AP and the other metrics as ``eval_AP``, ...

    processor: the image processor of the model, for its ``post_process_object_detection``.
    id2label: ``model.config.id2label``. rules: a rule set or its name.
    threshold: scores that the post-processing keeps are above it. on_invalid: predictions and
    labels with numbers that are not finite, and labels of negative size, are left out, counted in
    the result and warned of once (``"drop"``), or an ``"error"``, which ends the training.

    The Trainer has to leave batches as they are: ``eval_do_concat_batches=False`` among its
    arguments, or ``batch_eval_metrics=True``, which holds no predictions. An image that was
    resized into a frame and padded to it is measured in its own pixels; one padded to the other
    images of its batch is taken as if it filled that frame, which concerns ranges of area alone.

    Raises:
        InputError, RulesError: names or rules that are none.

    Attributes:
        result: the :class:`~detmetrics.Evaluation` of the last evaluation.
    """

    def __init__(
        self,
        processor: Any,
        id2label: Mapping[int, str] | Sequence[str],
        rules: Rules | str = COCO,
        *,
        threshold: float = 0.0,
        on_invalid: OnInvalid = "drop",
    ) -> None:
        self._processor, self._threshold = processor, threshold
        classes = _different(id2label)
        self._metric = MetricOfLabels(classes, rules, box_format="xyxy", on_invalid=on_invalid)
        self._seen = 0
        self.result: Evaluation | None = None

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Add one batch, or all of them; the metrics where ``compute_result`` asks for them.

        Raises:
            InputError: the batches were put together, or hold something else than DETR's outputs.
        """
        for outputs, labels in _batches(prediction):
            self._add(outputs, labels)
        if not compute_result:
            return {}
        self.result = self._metric.compute()
        self._metric.reset()
        self._seen = 0
        return self.result.scalars()

    def _add(self, outputs: Any, labels: Sequence[Mapping[str, Any]]) -> None:
        logits, boxes = _logits_and_boxes(outputs)
        if len(labels) != len(logits):
            raise InputError(
                f"expected {len(logits)} labels like images, got {len(labels)}: set "
                f"TrainingArguments(eval_do_concat_batches=False)"
            )
        frames = np.array([self._frame(*one) for one in enumerate(labels)]).reshape(-1, 2)
        found = self._processor.post_process_object_detection(
            SimpleNamespace(logits=torch.as_tensor(logits), pred_boxes=torch.as_tensor(boxes)),
            threshold=self._threshold,
            target_sizes=torch.as_tensor(frames),
        )
        found = [*map(self._with_undefined, found, torch.as_tensor(logits))]
        ids = [self._id(label) for label in labels]
        targets = [
            _target(place, *one) for place, one in enumerate(zip(labels, frames, strict=True))
        ]
        self._metric.update(ids, found, targets)

    def _with_undefined(self, found: Mapping[str, Any], logits: Any) -> dict[str, Any]:
        """What was found in an image, and a row for each query whose scores are no numbers.

        No score of theirs is above a threshold, so the post-processing takes them away unsaid.
        """
        lost = int((~torch.isfinite(logits).all(dim=-1)).sum())
        there = int((~torch.isfinite(found["scores"])).sum())
        more = {
            "boxes": torch.zeros(4),
            "scores": torch.tensor(torch.nan),
            "labels": torch.tensor(self._metric.classes.known[0]),
        }
        return {
            name: torch.cat(
                [found[name], row.expand(max(lost - there, 0), *row.shape).to(found[name])]
            )
            for name, row in more.items()
        }

    def _id(self, label: Mapping[str, Any]) -> int:
        """Its own, or the number of the image where labels have none."""
        self._seen += 1
        given = label.get("image_id")
        return (
            self._seen if given is None else int(array_of("image_id", given, None).reshape(-1)[0])
        )

    def _frame(self, place: int, label: Mapping[str, Any]) -> Floats:
        """(2,) height and width, in pixels of the original image, that boxes are shares of."""
        if missing := [key for key in KEYS if key not in label]:
            raise InputError(f"labels[{place}]: expected {', '.join(KEYS)}, got no {few(missing)}")
        size = array_of(f"labels[{place}]['size']", label["size"], (2,))
        original = array_of(f"labels[{place}]['orig_size']", label["orig_size"], (2,))
        scale = (size / original).min()
        padded = np.abs(original * scale - size).max() > 1
        return size / scale if padded and getattr(self._processor, "do_pad", False) else original


class StopEarly(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Ends the training when :class:`~detmetrics.EarlyStopping` says so.

    stopping: its metric is looked for behind ``prefix`` among the metrics of an evaluation.
    """

    def __init__(self, stopping: EarlyStopping, prefix: str = "eval_") -> None:
        self.stopping, self._name = stopping, f"{prefix}{stopping.metric}"

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **kwargs: Any
    ) -> None:
        """Look at the value of this evaluation.

        Raises:
            InputError: it has no such metric.
        """
        if self._name not in metrics:
            raise InputError(f"StopEarly: expected {self._name}, got {few([*metrics])}")
        if self.stopping.update(metrics[self._name], state.epoch):
            control.should_training_stop = True


def _target(place: int, label: Mapping[str, Any], frame: Floats) -> dict[str, Any]:
    """As :meth:`DetectionMetric.update` wants it, in pixels of the original image."""
    height, width = frame
    size = array_of(f"labels[{place}]['size']", label["size"], (2,))
    boxes = array_of(f"labels[{place}]['boxes']", label["boxes"], None).reshape(-1, 4)
    half = boxes[:, 2:] / 2
    corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    target = {
        "boxes": corners * [width, height, width, height],
        "labels": label["class_labels"],
        "iscrowd": label.get("iscrowd"),
    }
    if label.get("area") is not None:
        area = array_of(f"labels[{place}]['area']", label["area"], None).reshape(-1)
        target["area"] = area * (frame / size).prod()
    return target


def _batches(prediction: Any) -> Iterator[tuple[Any, Any]]:
    """The outputs and labels of each batch; one alone where the Trainer gives one at a time."""
    outputs, labels = prediction.predictions, prediction.label_ids
    if isinstance(outputs, list):
        yield from zip(outputs, labels, strict=True)
    else:
        yield outputs, labels


def _logits_and_boxes(outputs: Any) -> tuple[Any, Any]:
    """(B, Q, classes) and (B, Q, 4): the first two of three axes, as every DETR has them."""
    parts = outputs if isinstance(outputs, tuple | list) else (outputs,)
    three = [part for part in parts if getattr(part, "ndim", 0) == 3]
    if len(three) < 2 or three[1].shape != (*three[0].shape[:2], 4):
        raise InputError(
            f"predictions: expected logits (B, Q, classes) and boxes (B, Q, 4) of a DETR-like "
            f"model, got {shown([getattr(part, 'shape', type(part).__name__) for part in parts])}"
        )
    return three[0], three[1]


def _different(id2label: Mapping[int, str] | Sequence[str]) -> dict[int, str]:
    """Names of which none is there twice, as ``N/A`` is in models trained on COCO."""
    if not isinstance(id2label, Mapping):
        id2label = dict(enumerate(id2label))
    names = [str(name) for name in id2label.values()]
    return {
        int(key): name if names.count(name) == 1 else f"{name} ({key})"
        for key, name in zip(id2label, names, strict=True)
    }
