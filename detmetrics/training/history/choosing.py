"""Which epoch is best, and how sure that is.

The validation set does not train the model, it chooses it; the test set does neither, and is
looked at once. So only rows of role ``val`` choose.

The best epoch is the first of those with the best value; those with an equal value are listed. Of
two columns beside it, ``NAME_low`` and ``NAME_high``, the bounds of a 95 % confidence interval,
comes a standard error: their distance divided by 3.92, the width of a normal distribution's. An
epoch within one standard error of the best is as good as the best, as far as anyone can tell.
Without these columns, or where they are undefined at the best epoch, nothing is guessed. Source: L.
Breiman et al., Classification and Regression Trees (1984), for the rule of one standard error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few
from detmetrics.training.history.epoch_rows import Epoch, Row
from detmetrics.training.history.losses import VALIDATION_LOSS, losses_of
from detmetrics.training.history.metric_names import (
    interval_of,
    is_bound,
    lower_is_better,
    resolved,
)

__all__ = ["Best", "best_of", "choosing_rows", "found_column", "usual_metric", "values_of"]

WIDTH_IN_ERRORS = 3.92  # 2 * 1.96, the 97.5 % quantile of the normal distribution
USUAL = ("AP", "AP50", "oLRP", "MR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best epoch by one metric.

    metric: as it was asked for; column: as the log names it; value, epoch, row (from 1): of the
    first best; last: the value of the last row that has one; tied: all epochs with the best value;
    of: how many rows have a value; standard_error: nan where unknown; within: epochs within it,
    None where unknown; reason: why something is unknown.
    """

    metric: str
    column: str
    lower_is_better: bool
    value: float
    epoch: Epoch | None
    row: int | None
    last: float
    of: int
    tied: tuple[Epoch, ...] = ()
    standard_error: float = math.nan
    within: tuple[Epoch, ...] | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.epoch is None:
            return f"{self.column} has no best epoch: {self.reason}"
        return ", ".join(
            [f"best {self.column} {self.value:.4f} at epoch {self.epoch:,}", *self.remarks]
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Ties, and how many epochs are as good."""
        if self.epoch is None:
            return (self.reason,)
        said = []
        if len(self.tied) > 1:
            others = few([f"{epoch:,}" for epoch in self.tied[1:]])
            said.append(f"the same at epoch {others}")
        if self.within is None:
            said.append(self.reason)
        else:
            count = counted(len(self.within), "epoch is", "epochs are")
            first = f", the first of them {self.within[0]:,}" if len(self.within) > 1 else ""
            error = f"one standard error ({self.standard_error:.4f})"
            said.append(f"{count} within {error} of the best{first}")
        return tuple(said)


def choosing_rows(rows: Sequence[Row], source: str) -> list[tuple[int, Row]]:
    """The rows of role ``val`` with their numbers.

    Raises:
        InputError: there are only rows of role ``test``, or none that measure anything.
    """
    found = [(at, row) for at, row in enumerate(rows, start=1) if row.role == "val"]
    if found:
        return found
    tests = sum(row.role == "test" for row in rows)
    if not tests:
        raise InputError(f"{source}: no row of role val: nothing but validation data may choose")
    raise InputError(
        f"{source}: {counted(tests, 'row')} of role test, none of role val: the test set neither "
        f"trains nor chooses a model, and is looked at once. Where the log calls its validation "
        f"data test, say so: History.read({source!r}, role='val'), or --role val"
    )


def choices(rows: Sequence[tuple[int, Row]]) -> list[str]:
    """The metrics and validation losses that some rows have, bounds of intervals apart."""
    metrics = dict.fromkeys(name for _, row in rows for name in row.metrics)
    losses = dict.fromkeys(name for _, row in rows for name in row.val)
    return [name for name in (metrics | losses) if not is_bound(name, metrics)]


def found_column(rows: Sequence[Row], metric: str, source: str) -> str:
    """The column that a metric is asked for by.

    Raises:
        InputError: no rows may choose, or none of them has it.
    """
    names = choices(choosing_rows(rows, source))
    if metric == VALIDATION_LOSS and any("loss" in name.lower() for name in names):
        return metric
    try:
        return resolved(metric, names)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def usual_metric(rows: Sequence[Row], source: str) -> str | None:
    """The metric to choose by where nobody says: AP, AP50, oLRP, MR, the first that is there, or
    the validation loss; None where nothing was measured.

    Raises:
        InputError: no rows may choose.
    """
    chosen = choosing_rows(rows, source)
    names = [name for name in choices(chosen) if any(name in row.metrics for _, row in chosen)]
    for usual in USUAL:
        if any(_is(name, usual) for name in names):
            return usual
    known = (name for name in names if lower_is_better(name) is not None)
    return next(known, VALIDATION_LOSS if any(row.val for _, row in chosen) else None)


def _is(name: str, metric: str) -> bool:
    try:
        return resolved(metric, [name]) == name
    except InputError:
        return False


def best_of(rows: Sequence[Row], metric: str, source: str, *, lower: bool | None = None) -> Best:
    """The best epoch of all rows that may choose; lower: whether less is better, if not known.

    Raises:
        InputError: no rows may choose, none has the metric, or its direction is not known.
    """
    column = found_column(rows, metric, source)
    less = lower_is_better(column) if lower is None else lower
    if less is None:
        what = "is neither better when higher nor when lower: say lower_is_better"
        raise InputError(f"{source}: {column} {what}")
    values = values_of(rows, column)
    chosen = [(at, row, values[at - 1]) for at, row in choosing_rows(rows, source)]
    finite = [entry for entry in chosen if math.isfinite(entry[2])]
    if not finite:
        reason = f"{column} is undefined in every row that has it"
        nan = math.nan
        return Best(
            metric=metric, column=column, lower_is_better=less, value=nan, epoch=None, row=None,
            last=nan, of=0, reason=reason,
        )  # fmt: skip
    # min and max take the first of equal ones.
    at, first, value = (min if less else max)(finite, key=lambda entry: entry[2])
    error, reason = _standard_error(first, column)
    within = None
    if not math.isnan(error):
        within = tuple(row.epoch for _, row, other in finite if abs(other - value) <= error)
    return Best(
        metric=metric,
        column=column,
        lower_is_better=less,
        value=value,
        epoch=first.epoch,
        row=at,
        last=finite[-1][2],
        of=len(finite),
        tied=tuple(row.epoch for _, row, other in finite if other == value),
        standard_error=error,
        within=within,
        reason=reason,
    )


def values_of(rows: Sequence[Row], column: str) -> list[float]:
    """What each row has of a column, nan where nothing; the validation loss is a sum."""
    if column != VALIDATION_LOSS:
        return [row.metrics.get(column, row.val.get(column, math.nan)) for row in rows]
    losses, _ = losses_of([row.train for row in rows], [row.val for row in rows])
    if not losses.val:
        return [math.nan] * len(rows)
    return [sum(row.val.get(name, math.nan) for name in losses.val) for row in rows]


def _standard_error(row: Row, column: str) -> tuple[float, str]:
    low, high = (row.metrics.get(name, math.nan) for name in interval_of(column))
    if math.isfinite(high - low) and high >= low:
        return (high - low) / WIDTH_IN_ERRORS, ""
    return math.nan, (
        "no confidence interval beside it (a column each ending in _low and _high), so how many "
        "epochs are as good is not known"
    )
