"""The train loss and the validation loss of an epoch, made comparable.

Logs hold a loss for each task: boxes, classes, distributions. The loss of an epoch is the one that
is a total already (``loss``, ``total_loss``), where train and validation both have it; else the sum
of those that both have, by name. A loss that is nan in every row is left out of both sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from detmetrics.history.names import tail

__all__ = ["Pairing", "paired"]

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
