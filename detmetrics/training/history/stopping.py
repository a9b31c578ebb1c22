"""Early stopping, without a framework: after how long without improvement to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.training.history.choosing import choosing_rows, found_column, values_of
from detmetrics.training.history.epoch_rows import Epoch, epoch_of
from detmetrics.training.history.metric_names import lower_is_better, resolved
from detmetrics.training.history.record import History
from detmetrics.training.history.runs import descent

__all__ = ["EarlyStopping"]

STATE = ("best", "best_epoch", "waited", "undefined", "updates", "rows_seen", "stopped_epoch")


class EarlyStopping:
    """Says when to stop: after ``patience`` updates in a row that did not improve the metric.

    An update improves where it is better than the best so far by more than ``min_delta``. One that
    is nan or infinite does not improve, counts towards the patience, and is counted in
    ``undefined``. Once stopped it stays so, and looks at nothing more of that training. A history
    in which a training begins again, or goes on from an earlier epoch, is looked at anew: only
    epochs from which the last one descends count.

    improves: decides in place of ``min_delta`` whether the result of an epoch improves on the best
    one so far; it is called with both results and the name of the metric. With
    ``detmetrics.analysis.paired_gain()``, an epoch improves where the interval of the paired
    difference excludes zero. ``update`` then takes results. They are no part of ``state_dict``:
    after ``load_state_dict`` updates are compared by value alone until one is better.

    metric: what is looked for in a mapping or a history; lower_is_better: as the name of the
    metric tells, unless given.

    Raises:
        InputError: a patience below 1, a negative ``min_delta``, or a metric of which it is not
            known whether less is better.

    Attributes:
        best, best_epoch: of the last improvement; nan and None before the first.
        waited: updates since then. undefined: updates so far that were nan or infinite.
        stopped_epoch: of the update that stopped; None before.

    >>> stopping = EarlyStopping(patience=2, metric="AP")
    >>> [stopping.update(value) for value in (0.30, 0.35, 0.34, 0.35)]
    [False, False, False, True]
    >>> stopping.best, stopping.best_epoch, stopping.stopped_epoch
    (0.35, 1, 3)
    >>> stopping.reason
    'AP has not risen above 0.35 (epoch 1) in 2 updates'
    """

    def __init__(
        self,
        patience: int = 10,
        min_delta: float = 0.0,
        metric: str = "AP",
        *,
        lower_is_better: bool | None = None,
        improves: Callable[[Any, Any, str], bool] | None = None,
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise InputError(f"patience: expected a whole number from 1, got {shown(patience)}")
        if not 0 <= min_delta < math.inf:
            raise InputError(f"min_delta: expected a number from 0, got {shown(min_delta)}")
        if improves is not None and min_delta:
            raise InputError("min_delta: improves takes its place, give one of them")
        self.patience = patience
        self.improves = improves
        self.min_delta = float(min_delta)
        self.metric = metric
        self.lower_is_better = _direction(metric, lower_is_better)
        self.rows_seen = 0
        self._begin()

    def _begin(self) -> None:
        self._best_result: Any = None
        self.best = math.nan
        self.best_epoch: Epoch | None = None
        self.waited = 0
        self.undefined = 0
        self.updates = 0
        self.stopped_epoch: Epoch | None = None

    def update(self, given: Any, epoch: Epoch | None = None) -> bool:
        """Look at one more value, and say whether to stop.

        given: the value itself; a mapping of metrics such as ``result.scalars()``; or a
        :class:`History`, of which all rows are looked at that were added since the last update.
        epoch: of a value; updates are counted from 0 where it is not given.

        Raises:
            InputError: no number, a mapping without the metric, or a history of test data.
        """
        if self.improves is not None:
            self._look(given, self.updates if epoch is None else epoch_of(epoch))
        elif isinstance(given, History):
            self._follow(given)
        else:
            value = given
            if hasattr(given, "scalars"):
                raise InputError("expected a number, metrics or a history: give its scalars()")
            if isinstance(given, Mapping):
                value = given[resolved(self.metric, [*given])]
            self._take(_number(value), self.updates if epoch is None else epoch_of(epoch))
        return self.stopped

    @property
    def stopped(self) -> bool:
        """Whether the patience is at its end."""
        return self.stopped_epoch is not None

    @property
    def reason(self) -> str:
        """Why it stopped, or how long it has waited."""
        over = counted(self.waited, "update")
        lost = f"; {self.undefined:,} of all updates nan or infinite" if self.undefined else ""
        if self.best_epoch is None:
            return f"{self.metric} has had no finite value in {over}{lost}"
        moved = "fallen below" if self.lower_is_better else "risen above"
        delta = f" by more than {self.min_delta:g}" if self.min_delta else ""
        delta = " by more than chance explains" if self.improves is not None else delta
        best = f"{self.best:.4g} (epoch {self.best_epoch:,})"
        return f"{self.metric} has not {moved} {best}{delta} in {over}{lost}"

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, as plain values; nan is None, so that JSON can hold it."""
        state = {name: getattr(self, name) for name in STATE}
        return state | {"best": None if math.isnan(self.best) else self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another one stood.

        Raises:
            InputError: something is missing.
        """
        missing = [name for name in STATE if name not in state]
        if missing:
            raise InputError(f"state: expected {', '.join(STATE)}; {', '.join(missing)} missing")
        for name in STATE:
            setattr(self, name, state[name])
        self.best = math.nan if state["best"] is None else float(state["best"])
        self._best_result = None

    def _follow(self, history: History) -> None:
        rows, run = history.rows, history.current_run
        own = [row for row in rows if row.run == run]
        if any(row.role == "test" for row in own):
            choosing_rows(own, history.source)  # refuses those without validation data
        seen = rows[: self.rows_seen]
        before = descent(seen, seen[-1].run) if seen else []
        now = descent(rows, run)
        if self.rows_seen > len(rows) or now[: len(before)] != before:
            self._begin()
            before = []
        if fresh := now[len(before) :]:
            column = found_column(own, self.metric, history.source)
            values = dict(zip(map(id, own), values_of(own, column), strict=True))
            for at in fresh:
                self._take(values[id(rows[at])], rows[at].epoch)
        self.rows_seen = len(rows)

    def _look(self, result: Any, epoch: Epoch) -> None:
        """Take the result of an epoch, which ``improves`` compares with the best one."""
        if not hasattr(result, "summary"):
            raise InputError(
                f"improves compares results: expected the result of an epoch, got {shown(result)}"
            )
        name = resolved(self.metric, [*result.summary])
        value, before = _number(result.summary[name]), self._best_result
        improved = None
        if before is not None and math.isfinite(value) and not self.stopped:
            assert self.improves is not None
            improved = self.improves(before, result, name)
        if self._take(value, epoch, improved):
            self._best_result = result

    def _take(self, value: float, epoch: Epoch, improved: bool | None = None) -> bool:
        """Whether a value is the best so far; improved: what was decided elsewhere."""
        if self.stopped:
            return False
        self.updates += 1
        self.undefined += not math.isfinite(value)
        if improved is None:
            improved = math.isfinite(value) and self._improves(value)
        if improved:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            return True
        self.waited += 1
        if self.waited >= self.patience:
            self.stopped_epoch = epoch
        return False

    def _improves(self, value: float) -> bool:
        if self.best_epoch is None:
            return True
        if self.lower_is_better:
            return value < self.best - self.min_delta
        return value > self.best + self.min_delta


def _direction(metric: str, given: bool | None) -> bool:
    found = lower_is_better(metric) if given is None else given
    if found is None:
        raise InputError(f"{metric} is neither better when higher nor when lower: say which")
    return found


def _number(value: Any) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise InputError(f"expected a number, metrics or a history, got {shown(value)}") from None
