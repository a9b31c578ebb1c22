"""One row of a history: an epoch, and what was measured in it.

``train`` holds losses on the data that train the model; ``val`` and ``metrics`` hold losses and
metrics on the data that ``role`` names. A name that is absent was not measured; nan was measured
and came out undefined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from detmetrics.foundation.arrays import float_of
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown

__all__ = [
    "PARTS",
    "ROLES",
    "Epoch",
    "Role",
    "Row",
    "epoch_of",
    "named_role",
    "named_run",
    "row_of",
]

Role = Literal["train", "val", "test"]
Epoch = int | float
ROLES: tuple[Role, ...] = get_args(Role)
PARTS = ("train", "val", "metrics")
FARTHEST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one epoch measured; step: of the optimiser, where it is known; run: the name of the
    training, empty where it has none.
    """

    epoch: Epoch
    role: Role = "val"
    step: int | None = None
    train: Mapping[str, float] = field(default_factory=dict)
    val: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    run: str = ""

    @property
    def at(self) -> tuple[Epoch, int]:
        """Epoch and step: what grows as long as a training goes on."""
        return self.epoch, self.step or 0


def row_of(
    epoch: Any,
    train: Mapping[str, Any] | None = None,
    val: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    *,
    role: str = "val",
    step: Any = None,
    run: Any = None,
) -> Row:
    """A row from what a training loop holds: numbers of Python, of NumPy, tensors of one value.

    Raises:
        InputError: something is no number, or no name, or the role is unknown.
    """
    return Row(
        epoch=epoch_of(epoch),
        role=named_role(role),
        step=None if step is None else _step_of(step),
        train=_numbers("train", train),
        val=_numbers("val", val),
        metrics=_numbers("metrics", metrics),
        run="" if run is None else named_run(run),
    )


def named_run(name: Any) -> str:
    """The name of a run itself, where it is one.

    Raises:
        InputError: it is no text, or empty.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"run: expected the name of a training, got {shown(name)}")
    return name


def named_role(role: str) -> Role:
    """The role itself, where it is one.

    Raises:
        InputError: it is none.
    """
    for known in ROLES:
        if role == known:
            return known
    raise InputError(f"role: expected train, val or test, got {shown(role)}")


def epoch_of(value: Any) -> Epoch:
    """A number of epochs, as an int where it is whole.

    Raises:
        InputError: it is no finite number.
    """
    number = _number("epoch", value)
    if not abs(number) < FARTHEST:
        raise InputError(f"epoch: expected a number below {FARTHEST:g}, got {shown(value)}")
    return int(number) if number == math.floor(number) else number


def _step_of(value: Any) -> int:
    number = _number("step", value)
    if not abs(number) < FARTHEST or number != math.floor(number):
        raise InputError(f"step: expected a whole number, got {shown(value)}")
    return int(number)


def _numbers(part: str, given: Mapping[str, Any] | None) -> dict[str, float]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        hint = ": give its scalars()" if hasattr(given, "scalars") else ""
        raise InputError(f"{part}: expected names and numbers, got {shown(given)}{hint}")
    for name in given:
        if not isinstance(name, str) or not name:
            raise InputError(f"{part}: expected names that are texts, got {shown(name)}")
    return {name: _number(f"{part}[{name!r}]", value) for name, value in given.items()}


def _number(place: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float_of(value)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{place}: expected a number, got {shown(value)}") from None
