"""Numbers of detmetrics in each validation of Ultralytics: under COCO's rules and under its own.

Predictions and labels are taken where Ultralytics matches them, an image at a time, after its
non-maximum suppression. ``ultralytics`` measures them in pixels of the model's input, as it does,
and equals what it prints; ``coco`` in pixels of the picture, scaled and clipped as in its
``predictions.json``. Source: ``ultralytics`` 8.4, ``engine/validator.py``,
``models/yolo/detect/val.py``.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from detmetrics.distributed import gathered
from detmetrics.errors import InputError
from detmetrics.history import EarlyStopping
from detmetrics.messages import shown
from detmetrics.metric import DetectionMetric
from detmetrics.result import Evaluation
from detmetrics.rules import COCO, ULTRALYTICS, Rules
from detmetrics.summary import metrics_of

try:
    import torch
    from ultralytics.utils import LOGGER, RANK
    from ultralytics.utils.metrics import DetMetrics, compute_ap
except ImportError as error:
    raise ImportError(
        "detmetrics.plugins.ultralytics needs ultralytics: pip install ultralytics"
    ) from error

__all__ = ["Measured", "add_callbacks", "stop_early"]

SETS = {"coco": COCO, "ultralytics": ULTRALYTICS}
COLUMNS = tuple(f"{name}/{one.name}" for name, rules in SETS.items() for one in metrics_of(rules))
LINE = "%22s" + "%11i" * 2 + "%11.3g" * 4 + "   COCO: AP %.3g, AP50 %.3g, AP75 %.3g"


def add_callbacks(model: Any, fitness: str | None = None) -> Measured:
    """Measure every validation of a model, trainer or validator of Ultralytics with detmetrics.

    The numbers join its own, as ``coco/AP``, ``ultralytics/AP50`` and so on: in its log, in
    ``results.csv`` and the loggers, in ``results_dict`` of the metrics that ``val`` returns.

    fitness: one of these, by which Ultralytics chooses ``best.pt`` and stops early; it takes its
    own mAP50-95 unless given.

    Raises:
        InputError: there is no such number.
    """
    if fitness is not None and fitness not in COLUMNS:
        raise InputError(f"fitness: expected one of {', '.join(COLUMNS)}, got {shown(fitness)}")
    measured = Measured(fitness)
    for event in ("on_pretrain_routine_end", "on_val_start", "on_val_end"):
        model.add_callback(event, getattr(measured, event))
    return measured


def stop_early(model: Any, stopping: EarlyStopping) -> None:
    """End a training when :class:`~detmetrics.EarlyStopping` says so.

    stopping: its metric is one of ``results.csv``, Ultralytics' own or one of ours.
    """
    model.add_callback("on_fit_epoch_end", partial(_stop, stopping))


def _stop(stopping: EarlyStopping, trainer: Any) -> None:
    """The first process decides, and tells the others."""
    if RANK in (-1, 0) and stopping.update(trainer.metrics, trainer.epoch):
        trainer.stop = True


class Measured:
    """What the last validation gave.

    ``results`` holds an :class:`~detmetrics.Evaluation` under ``"coco"`` and ``"ultralytics"``. It
    is empty before a validation, in processes other than the first, and where something of ours
    went wrong: training goes on then, the numbers are nan, the log warns, ``error`` says why.
    """

    def __init__(self, fitness: str | None = None) -> None:
        self.fitness = fitness
        self.results: dict[str, Evaluation] = {}
        self.error = ""
        self._metrics: dict[str, DetectionMetric] = {}
        self._said = False

    def __reduce__(self) -> tuple[type[Measured], tuple[str | None]]:
        """Without results, since Ultralytics hands its callbacks to the processes it starts."""
        return Measured, (self.fitness,)

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Give all rows of ``results.csv`` the same columns, those before a validation too."""
        if trainer.metrics is None or not self._joins(trainer.validator):
            return
        metrics = trainer.validator.metrics
        if trainer.csv.exists():  # the run is resumed, and no new heading will be written
            heading = trainer.csv.read_text(encoding="utf-8").partition("\n")[0]
            metrics.listed = set(COLUMNS) <= set(heading.replace(" ", "").split(","))
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
                LOGGER.warning(f"detmetrics: measures boxes alone (DetMetrics), and no {kind}")
            self._said = True
            return
        for name, instead in (("_process_batch", self._match), (_last(validator), self._measure)):
            setattr(validator, name, partial(instead, validator, getattr(validator, name)))

    def on_val_end(self, validator: Any) -> None:
        """Print our line below its own, in the same columns."""
        if not self.results:
            return
        coco, own = (self.results[name].summary for name in SETS)
        counts = validator.seen, validator.metrics.nt_per_class.sum()
        numbers = *(own[name] for name in ("P", "R", "AP50", "AP")), *list(coco.values())[:3]
        LOGGER.info(LINE % ("detmetrics", *counts, *numbers))

    def _joins(self, validator: Any) -> bool:
        """Whether boxes are all that is validated; the metrics then hold our numbers, still nan."""
        metrics = validator.metrics
        if type(metrics) not in (DetMetrics, Metrics):
            return False
        metrics.__class__ = Metrics
        metrics.ours, metrics.chosen = dict.fromkeys(COLUMNS, math.nan), self.fitness
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

    def _add(self, validator: Any, found: dict[str, Any], there: dict[str, Any]) -> None:
        self._metrics = self._metrics or _empty(validator)
        image = _image_id(there["im_file"], validator.data["path"])
        for name, metric in self._metrics.items():
            boxes = [side["bboxes"].float() for side in (found, there)]
            if name == "coco":
                boxes = [validator.scale_preds({"bboxes": one}, there)["bboxes"] for one in boxes]
            metric.update(
                [image],
                [{"boxes": boxes[0], "scores": found["conf"], "labels": found["cls"]}],
                [{"boxes": boxes[1], "labels": there["cls"]}],
            )

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
        metrics = self._metrics or _empty(validator)
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


class Metrics(DetMetrics):  # type: ignore[misc, unused-ignore]
    """Ultralytics' metrics, whose ``results_dict`` holds ours too."""

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
        return {**super().results_dict, **(self.ours if self.listed else {})}


def _last(validator: Any) -> str:
    """What a validator calls when all images are through: since 8.4 where processes meet; before,
    one alone validated.
    """
    return "gather_stats" if hasattr(validator, "gather_stats") else "get_stats"


def _empty(validator: Any) -> dict[str, DetectionMetric]:
    """A metric for each rule set."""
    rules = {"coco": COCO, "ultralytics": _rules(validator)}
    return {name: DetectionMetric(validator.names, one) for name, one in rules.items()}


def _rules(validator: Any) -> Rules:
    """Those of the release that is installed; what it hands over counts, whatever its limits."""
    overlap = torch.tensor([[0.9, 0.8], [0.0, 0.7]])  # of two labels with two detections
    second = validator.match_predictions(torch.zeros(2), torch.zeros(2), overlap)[1, 0]
    half, _, _ = compute_ap([0.5], [1.0])  # 0.75 where the curve goes on to recall 1
    return ULTRALYTICS.replace(
        assignment="free" if second else "nearest",
        interpolation="linear" if half < 0.6 else "slope",
        min_score=validator.args.conf,
        image_limit=validator.args.max_det,
    )


def _image_id(file: str, root: Any) -> str:
    """The path of an image in its data set."""
    path = Path(file)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
