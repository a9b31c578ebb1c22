"""Numbers of detmetrics in each validation of Ultralytics: under COCO's rules and under its own.

Predictions and labels are taken where Ultralytics matches them, an image at a time, after its
non-maximum suppression. ``ultralytics`` measures them in pixels of the model's input, as it does,
and equals what it prints; ``coco`` in pixels of the picture, scaled and clipped as in its
``predictions.json``. Oriented boxes are measured by probabilistic IoU under ``ultralytics`` and by
polygons under ``coco``. Masks are ``ultralytics-mask``, at the size at which it compares them.
Source: ``ultralytics`` 8.4, ``engine/validator.py``, ``models/yolo/detect/val.py``,
``models/yolo/obb/val.py``, ``models/yolo/segment/val.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.metrics.summary import metrics_of
from detmetrics.rules import COCO, ULTRALYTICS, ULTRALYTICS_OBB, Rules
from detmetrics.training.batches.row_faults import ON_INVALID, OnInvalid
from detmetrics.training.distributed import gathered
from detmetrics.training.history import EarlyStopping
from detmetrics.training.metric import DetectionMetric

try:
    import torch
    from ultralytics.models.yolo.detect import DetectionValidator
    from ultralytics.utils import LOGGER, RANK
    from ultralytics.utils.metrics import DetMetrics, OBBMetrics, SegmentMetrics, compute_ap
except ImportError as error:
    raise ImportError(
        "detmetrics.plugins.ultralytics needs ultralytics: pip install ultralytics"
    ) from error

__all__ = ["Measured", "add_callbacks", "stop_early"]

OWN_MASKS = "ultralytics-mask"
BOXES = {"coco": COCO, "ultralytics": ULTRALYTICS}
ORIENTED = {"coco": COCO.replace(shape="oriented"), "ultralytics": ULTRALYTICS_OBB}
MASKS = {**BOXES, OWN_MASKS: ULTRALYTICS.replace(shape="mask", arithmetic="float64")}
LINE = "%22s" + "%11i" * 2
COLUMN = "%11.3g"
COCO_LINE = "   COCO: AP %.3g, AP50 %.3g, AP75 %.3g"


def columns_of(sets: Mapping[str, Rules]) -> tuple[str, ...]:
    """The names of our numbers."""
    return tuple(f"{name}/{one.name}" for name, rules in sets.items() for one in metrics_of(rules))


COLUMNS = columns_of(BOXES)


def add_callbacks(
    model: Any, fitness: str | None = None, *, on_invalid: OnInvalid = "drop"
) -> Measured:
    """Measure every validation of a model, trainer or validator of Ultralytics with detmetrics.

    The numbers join its own, as ``coco/AP``, ``ultralytics/AP50`` and so on: in its log, in
    ``results.csv`` and the loggers, in ``results_dict`` of the metrics that ``val`` returns.

    fitness: one of these, by which Ultralytics chooses ``best.pt`` and stops early; it takes its
    own mAP50-95 unless given. on_invalid: predictions and labels with numbers that are not finite,
    and labels of negative size, are left out, counted in the result and warned of once
    (``"drop"``), or an ``"error"``, after which this validation has no numbers of ours.

    Raises:
        InputError: there is no such number.
    """
    if fitness is not None and fitness not in (known := columns_of(MASKS)):
        raise InputError(f"fitness: expected one of {', '.join(known)}, got {shown(fitness)}")
    if on_invalid not in ON_INVALID:
        raise InputError(f"on_invalid: expected 'error' or 'drop', got {shown(on_invalid)}")
    measured = Measured(fitness, on_invalid)
    for event in ("on_pretrain_routine_end", "on_val_start", "on_val_end"):
        model.add_callback(event, getattr(measured, event))
    return measured


def stop_early(model: Any, stopping: EarlyStopping) -> None:
    """End a training when :class:`~detmetrics.EarlyStopping` says so.

    stopping: its metric is one of ``results.csv``, Ultralytics' own or one of ours. Where there is
    none of that name, training ends with an :class:`~detmetrics.InputError` after its first epoch.
    """
    model.add_callback("on_fit_epoch_end", partial(_stop, stopping))


def _stop(stopping: EarlyStopping, trainer: Any) -> None:
    """The first process decides, and tells the others."""
    if RANK in (-1, 0) and stopping.update(trainer.metrics, trainer.epoch):
        trainer.stop = True


class Measured:
    """What the last validation gave.

    ``results`` holds an :class:`~detmetrics.Evaluation` under ``"coco"`` and ``"ultralytics"``, and
    for models of segments under ``"ultralytics-mask"``. It is empty before a validation, in
    processes other than the first, and where something of ours went wrong: training goes on then,
    the numbers are nan, the log warns, ``error`` says why.
    """

    def __init__(self, fitness: str | None = None, on_invalid: OnInvalid = "drop") -> None:
        self.fitness, self.on_invalid = fitness, on_invalid
        self.results: dict[str, Evaluation] = {}
        self.error = ""
        self._metrics: dict[str, DetectionMetric] = {}
        self._said = self._warned_of_invalid = False

    def __reduce__(self) -> tuple[type[Measured], tuple[str | None, OnInvalid]]:
        """Without results, since Ultralytics hands its callbacks to the processes it starts."""
        return Measured, (self.fitness, self.on_invalid)

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Give all rows of ``results.csv`` the same columns, those before a validation too."""
        if trainer.metrics is None or not self._joins(trainer.validator):
            return
        metrics = trainer.validator.metrics
        if trainer.csv.exists():  # the run is resumed, and no new heading will be written
            heading = trainer.csv.read_text(encoding="utf-8").partition("\n")[0]
            metrics.listed = set(metrics.ours) <= set(heading.replace(" ", "").split(","))
            if not metrics.listed:
                LOGGER.warning(f"detmetrics: {trainer.csv} has no columns for it and gets none")
                return
        trainer.metrics = {**dict.fromkeys(metrics.keys, 0), **metrics.ours, **trainer.metrics}

    def on_val_start(self, validator: Any) -> None:
        """Watch where an image is matched, and where the processes come together."""
        self.results, self.error, self._metrics = {}, "", {}
        if not self._joins(validator):
            if not self._said:
                kind = type(validator.metrics).__name__
                LOGGER.warning(f"detmetrics: measures boxes and masks of segments, and no {kind}")
            self._said = True
            return
        for name, instead in (("_process_batch", self._match), (_last(validator), self._measure)):
            setattr(validator, name, partial(instead, validator, getattr(validator, name)))

    def on_val_end(self, validator: Any) -> None:
        """Print our line below its own, in the same columns."""
        if not self.results:
            return
        counts = validator.seen, validator.metrics.nt_per_class.sum()
        own = [result.summary for name, result in self.results.items() if name != "coco"]
        numbers = [one[name] for one in own for name in ("P", "R", "AP50", "AP")]
        coco = list(self.results["coco"].summary.values())[:3]
        line = LINE + COLUMN * len(numbers) + COCO_LINE
        LOGGER.info(line % ("detmetrics", *counts, *numbers, *coco))

    def _joins(self, validator: Any) -> bool:
        """Whether boxes or masks are validated; the metrics then hold our numbers, still nan."""
        metrics = validator.metrics
        joined: Any = JOINED.get(type(metrics), type(metrics))
        if not issubclass(joined, Metrics):
            return False
        metrics.__class__ = joined
        metrics.ours, metrics.chosen = (
            dict.fromkeys(columns_of(joined.sets), math.nan),
            self.fitness,
        )
        if self.fitness is not None and self.fitness not in metrics.ours:
            raise InputError(f"fitness: no {self.fitness} of a model of this task")
        return True

    def _match(self, validator: Any, process_batch: Any, *sides: Any) -> Any:
        """Match an image as ever, and keep what was matched."""
        matched = process_batch(*sides)
        if not self.error:
            try:
                self._add(validator, *sides)
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
        return matched

    def _add(self, validator: Any, prediction: dict[str, Any], target: dict[str, Any]) -> None:
        self._metrics = self._metrics or _empty(validator, self.on_invalid)
        image = _image_id(target["im_file"], validator.data["path"])
        for name, metric in self._metrics.items():
            shapes = [_shapes(validator, name, side, target) for side in (prediction, target)]
            metric.warned_of_invalid = self._warned_of_invalid
            metric.update(
                [image],
                [{**shapes[0], "scores": prediction["conf"], "labels": prediction["cls"]}],
                [{**shapes[1], "labels": target["cls"]}],
            )
            self._warned_of_invalid = metric.warned_of_invalid

    def _measure(self, validator: Any, last: Any) -> Any:
        """Measure the images of all processes, then go on as ever."""
        for name in ("_process_batch", _last(validator)):
            vars(validator).pop(name, None)
        try:
            results = self._computed(validator)
            for name, result in results.items():
                validator.metrics.ours |= result.scalars(f"{name}/")
            self.results = results
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        self._metrics = {}
        if self.error and RANK in (-1, 0):
            LOGGER.warning(f"detmetrics: no numbers of this validation, {self.error}")
        return last()

    def _computed(self, validator: Any) -> dict[str, Evaluation]:
        metrics = self._metrics or _empty(validator, self.on_invalid)
        # Each process saw its part; all must know of a fault before they wait for one another.
        spread = RANK != -1 and _last(validator) == "gather_stats"
        if spread:
            faults = [fault.decode() for fault in gathered(self.error.encode()) if fault]
            self.error = next(iter(faults), "")
        if self.error:
            return {}
        if spread:
            metrics = {name: metric.sync() for name, metric in metrics.items()}
        first = RANK in (-1, 0)
        return {name: metric.compute() for name, metric in metrics.items()} if first else {}


Beside: Any = object


class Metrics(Beside):  # type: ignore[misc, unused-ignore]
    """Beside Ultralytics' metrics: its ``results_dict`` holds ours too."""

    sets: Mapping[str, Rules]
    ours: dict[str, float]
    chosen: str | None
    listed = True

    @property
    def fitness(self) -> float:
        """Its own, or the number that was asked for; 0 where undefined, as its own is."""
        if self.chosen is None:
            return float(super().fitness)
        value = self.ours[self.chosen]
        return 0.0 if math.isnan(value) else value

    @property
    def results_dict(self) -> dict[str, float]:
        """Its own numbers, then ours."""
        own: dict[str, float] = super().results_dict
        return {**own, **(self.ours if self.listed else {})}


class BoxMetrics(Metrics, DetMetrics):  # type: ignore[misc, unused-ignore]
    """Of upright boxes."""

    sets = BOXES


class OrientedMetrics(Metrics, OBBMetrics):  # type: ignore[misc, unused-ignore]
    """Of oriented boxes."""

    sets = ORIENTED


class MaskMetrics(Metrics, SegmentMetrics):  # type: ignore[misc, unused-ignore]
    """Of boxes and masks."""

    sets = MASKS


JOINED: dict[Any, Any] = {
    DetMetrics: BoxMetrics,
    OBBMetrics: OrientedMetrics,
    SegmentMetrics: MaskMetrics,
}


def _last(validator: Any) -> str:
    """What a validator calls when all images are through: since 8.4 where processes meet; before,
    one alone validated.
    """
    return "gather_stats" if hasattr(validator, "gather_stats") else "get_stats"


def _empty(validator: Any, on_invalid: OnInvalid) -> dict[str, DetectionMetric]:
    """A metric for each rule set."""
    form: Any = "cxcywhr" if type(validator.metrics) is OrientedMetrics else "xyxy"
    return {
        name: DetectionMetric(
            validator.names,
            one if name == "coco" else _rules(validator, one),
            form,
            on_invalid=on_invalid,
        )
        for name, one in validator.metrics.sets.items()
    }


def _rules(validator: Any, base: Rules) -> Rules:
    """Those of the release that is installed; what it hands over counts, whatever its limits."""
    overlap = torch.tensor([[0.9, 0.8], [0.0, 0.7]])  # of two labels with two detections
    second = validator.match_predictions(torch.zeros(2), torch.zeros(2), overlap)[1, 0]
    half, _, _ = compute_ap([0.5], [1.0])  # 0.75 where the curve goes on to recall 1
    rules = base.replace(
        assignment="free" if second else "nearest",
        interpolation="linear" if half < 0.6 else "slope",
        min_score=validator.args.conf,
        image_limit=validator.args.max_det,
    )
    return rules.replace(iou_thresholds=_halfway(rules)) if rules.shape == "mask" else rules


def _halfway(rules: Rules) -> tuple[float, ...]:
    """From where on a share of pixels, rounded to float32 as there, reaches its threshold.

    That is halfway to the number of float32 below; no share of less than 2 ** 24 pixels lies there.
    """
    grid = np.array(rules.iou_thresholds, np.float32)
    return tuple(((grid.astype(float) + np.nextafter(grid, np.float32(0))) / 2).tolist())


def _shapes(
    validator: Any, name: str, side: Mapping[str, Any], target: Mapping[str, Any]
) -> dict[str, Any]:
    """The boxes or masks of a side as a metric takes them."""
    if name == OWN_MASKS:
        return {"masks": side["masks"].bool()}
    boxes = side["bboxes"].float()
    if name == "coco":
        # Of masks, which it would scale too, it asks more than boxes.
        of_boxes = type(validator.metrics) is MaskMetrics
        scale = partial(DetectionValidator.scale_preds, validator) if of_boxes else None
        boxes = (scale or validator.scale_preds)({"bboxes": boxes}, target)["bboxes"]
    if boxes.shape[1] == 5:  # some heads leave the number of turns open
        whole = 2 * math.pi
        angle = boxes[:, 4]
        turns = torch.where(angle.abs() > whole, torch.remainder(angle, whole), angle)
        boxes = torch.cat([boxes[:, :4], turns[:, None]], dim=1)
    return {"boxes": boxes}


def _image_id(file: str, root: Any) -> str:
    """The path of an image in its data set."""
    path = Path(file)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
