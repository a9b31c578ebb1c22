"""A callback for PyTorch Lightning that measures every validation and test.

``validation_step`` and ``test_step`` return what :meth:`detmetrics.DetectionMetric.update` takes,
by name; the callback logs the metrics of all batches of all processes, so that ``ModelCheckpoint``,
``EarlyStopping`` and every logger see ``val/AP`` as if the model had logged it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.metrics.summary import metrics_of
from detmetrics.rules import COCO, Rules
from detmetrics.rules.toml import rule_set
from detmetrics.rules.unscored import without_scores
from detmetrics.training.batches.row_faults import OnInvalid
from detmetrics.training.history import EarlyStopping
from detmetrics.training.metric import DetectionMetric, OnRepeat

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    try:  # the same under the name that it had before
        from pytorch_lightning import Callback, LightningModule, Trainer  # type: ignore[no-redef, unused-ignore]
    except ImportError as error:
        raise ImportError(
            "detmetrics.plugins.lightning needs PyTorch Lightning: pip install lightning"
        ) from error

__all__ = ["DetectionCallback", "StopEarly"]

KEYS = ("image_ids", "predictions", "targets")
STAGES = {"validate": "val/", "test": "test/"}


class DetectionCallback(Callback):  # type: ignore[misc, unused-ignore]
    """Logs AP and the other metrics of each validation and test.

    classes, rules, box_format, on_repeat, normalized, angle, shape: as
    :class:`~detmetrics.DetectionMetric` has them; an image that a distributed sampler gives twice
    counts once.
    metrics: the names that are logged, all of the rules unless given.
    on_invalid: rows with numbers that are not finite, and targets of negative size, are left out,
    counted in the result and warned of once (``"drop"``), or an ``"error"``, which ends the
    training. scores: ``"none"`` where predictions have none.

    A step returns a dict with ``image_ids``, ``predictions``, ``targets``, and ``image_sizes``
    where boxes are normalized; other keys are its own. Names are those of the rules behind
    ``val/`` or ``test/``; with several loaders ``/dataloader_idx_1`` follows, as Lightning has it.

    Raises:
        InputError, RulesError: one of them does not fit; or later, a step returns something else.

    Attributes:
        results: the :class:`~detmetrics.Evaluation` of the last validation or test, one a loader.
    """

    def __init__(
        self,
        classes: Sequence[str] | Mapping[int, str],
        rules: Rules | str = COCO,
        box_format: Any = "xyxy",
        on_repeat: OnRepeat = "replace",
        *,
        normalized: bool = False,
        angle: str = "radians-clockwise",
        shape: str = "auto",
        metrics: Sequence[str] | None = None,
        on_invalid: OnInvalid = "drop",
        scores: Literal["given", "none"] = "given",
    ) -> None:
        self._empty = DetectionMetric(
            classes,
            rules,
            box_format,
            on_repeat,
            normalized=normalized,
            angle=angle,
            shape=shape,
            on_invalid=on_invalid,
            scores=scores,
        ).to_bytes()
        followed = rule_set(rules) if isinstance(rules, str) else rules
        followed = without_scores(followed) if scores == "none" else followed
        known = [metric.name for metric in metrics_of(followed)]
        if wrong := [name for name in metrics or () if name not in known]:
            raise InputError(f"metrics: no {', '.join(wrong)}; there are {', '.join(known)}")
        self._metrics = metrics
        self._warned_of_invalid = False
        self._loaders: dict[int, DetectionMetric] = {}
        self.results: tuple[Evaluation, ...] = ()

    def _start(self, trainer: Trainer, module: LightningModule) -> None:
        """Forget what a validation that was cut off has left."""
        self._loaders.clear()

    def _add(
        self,
        trainer: Trainer,
        module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Feed the metric of this loader."""
        if trainer.sanity_checking:
            return
        if not isinstance(outputs, Mapping) or not set(KEYS) <= set(outputs):
            got = few([*map(str, outputs)]) if isinstance(outputs, Mapping) else shown(outputs)
            raise InputError(
                f"DetectionCallback: expected that the step returns a dict with "
                f"{', '.join(KEYS)}, got {got}"
            )
        given: dict[str, Any] = {name: outputs.get(name) for name in (*KEYS, "image_sizes")}
        metric = self._metric(dataloader_idx)
        metric.warned_of_invalid = self._warned_of_invalid
        metric.update(**given)
        self._warned_of_invalid = metric.warned_of_invalid

    def _log(self, trainer: Trainer, module: LightningModule) -> None:
        """Measure the images of all processes and log, the same in each of them."""
        if trainer.sanity_checking:
            return
        prefix = STAGES["test" if trainer.testing else "validate"]
        loaders = trainer.num_test_batches if trainer.testing else trainer.num_val_batches
        results = []
        for loader in range(len(loaders)):
            # A process without a batch takes part all the same: the others wait for it.
            result = self._metric(loader).sync().compute()
            names = self._metrics or list(result.summary)
            after = f"/dataloader_idx_{loader}" if len(loaders) > 1 else ""
            scalars = result.scalars()
            values = {f"{prefix}{name}{after}": scalars[name] for name in names}
            module.log_dict(values, sync_dist=True, add_dataloader_idx=False)
            results.append(result)
        self.results = tuple(results)

    def _metric(self, loader: int) -> DetectionMetric:
        if loader not in self._loaders:
            self._loaders[loader] = DetectionMetric.from_bytes(self._empty)
        return self._loaders[loader]

    on_validation_epoch_start = on_test_epoch_start = _start
    on_validation_batch_end = on_test_batch_end = _add
    on_validation_epoch_end = on_test_epoch_end = _log


class StopEarly(Callback):  # type: ignore[misc, unused-ignore]
    """Ends the training when :class:`~detmetrics.EarlyStopping` says so.

    stopping: its metric is looked for behind ``prefix`` among what was logged.
    """

    def __init__(self, stopping: EarlyStopping, prefix: str = STAGES["validate"]) -> None:
        self.stopping, self._name = stopping, f"{prefix}{stopping.metric}"

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Look at the value of this epoch, the same in every process.

        Raises:
            InputError: nothing was logged under the name of the metric.
        """
        if trainer.sanity_checking:
            return
        logged = trainer.callback_metrics
        if self._name not in logged:
            raise InputError(f"StopEarly: expected {self._name}, logged are {few([*logged])}")
        if self.stopping.update(float(logged[self._name]), trainer.current_epoch):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Goes into checkpoints."""
        return self.stopping.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            InputError: it holds no such state.
        """
        self.stopping.load_state_dict(state_dict)
