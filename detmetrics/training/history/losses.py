"""The train loss and the validation loss of an epoch, made comparable.

Logs hold a loss for each task: boxes, classes, distributions. The loss of an epoch is the one that
is a total already (``loss``, ``total_loss``), where train and validation both have it; else the sum
of those that both have, by name. A loss that is nan in every row is left out of both sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from detmetrics.training.history.metric_names import tail

__all__ = ["VALIDATION_LOSS", "Pairing", "losses_of", "paired"]

VALIDATION_LOSS = "validation loss"
"""What the sum is called, for those who choose by it."""

TOTALS = ("loss", "total_loss")


class Pairing(NamedTuple):
    """train, val: names whose sum is the loss; matched: whether they are counterparts."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    matched: bool


def paired(train: Sequence[str], val: Sequence[str]) -> Pairing:
    """Which losses to add up on either side.

    >>> paired(["train/box_loss", "train/cls_loss"], ["val/box_loss", "val/cls_loss"]).val
    ('val/box_loss', 'val/cls_loss')
    >>> paired(["loss", "loss_cls"], ["eval_loss"])
    Pairing(train=('loss',), val=('eval_loss',), matched=True)
    """
    ours, theirs = _by_tail(train), _by_tail(val)
    common = [name for name in ours if name in theirs]
    total = next((name for name in TOTALS if name in common), None)
    if total is not None:
        common = [total]
    if common:
        return Pairing(
            tuple(ours[name] for name in common), tuple(theirs[name] for name in common), True
        )
    return Pairing(_alone(ours), _alone(theirs), False)


def losses_of(
    train: Sequence[Mapping[str, float]], val: Sequence[Mapping[str, float]]
) -> tuple[Pairing, list[str]]:
    """Which losses of many epochs to add up, and the validation losses that are nan throughout."""
    theirs = _names(val)
    lost = [name for name in theirs if not _ever_finite(val, name)]
    return paired(_names(train), [name for name in theirs if name not in lost]), lost


def _names(parts: Iterable[Mapping[str, float]]) -> list[str]:
    return [*dict.fromkeys(name for part in parts for name in part if "loss" in name.lower())]


def _ever_finite(parts: Iterable[Mapping[str, float]], name: str) -> bool:
    return any(math.isfinite(part.get(name, math.nan)) for part in parts)


def _by_tail(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(tail(name), name)
    return found


def _alone(names: dict[str, str]) -> tuple[str, ...]:
    for total in TOTALS:
        if total in names:
            return (names[total],)
    return tuple(names.values())
