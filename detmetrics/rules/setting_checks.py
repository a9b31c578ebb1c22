"""What the values of settings may be: checked once, when rules are made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np

from detmetrics.foundation import late_binding
from detmetrics.foundation.arrays import float_of
from detmetrics.foundation.errors import RulesError
from detmetrics.rules.signature import UNLIMITED

__all__ = [
    "check_name",
    "choice",
    "limits",
    "metric_groups",
    "number",
    "numbers",
    "slack",
    "whole_or_none",
]


def _listed(values: Any) -> list[Any]:
    """One value or several, as a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values]
    return list(values)


def check_name(name: Any) -> None:
    """The name is the first part of the signature, and stands there unquoted."""
    if not isinstance(name, str) or not name.isprintable() or not name or set(name) & set(" |"):
        raise RulesError(f"name: expected text without blanks and '|', got {name!r}")


def number(field: str, value: Any) -> float:
    """One number."""
    if isinstance(value, Iterable):
        raise RulesError(f"{field}: expected one number, got {value!r}")
    return numbers(field, value)[0]


def slack(value: Any) -> float | None:
    """A factor from 1, or None."""
    if value is None:
        return None
    if (slack := number("range_slack", value)) < 1:
        raise RulesError(f"range_slack: expected a number from 1, got {slack:g}")
    return slack


def numbers(field: str, values: Any) -> tuple[float, ...]:
    """Finite numbers, ascending; one may stand alone."""
    given = _listed(values)
    if not all(isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in given):
        raise RulesError(f"{field}: expected numbers, got {values!r}")
    numbers = tuple(map(float_of, given))
    if not numbers or not all(map(math.isfinite, numbers)):
        raise RulesError(
            f"{field}: expected at least one finite number, got {_told(values, given)}"
        )
    if any(b <= a for a, b in pairwise(numbers)):
        raise RulesError(f"{field}: expected ascending numbers, got {numbers}")
    return numbers


def _told(values: Any, given: list[Any]) -> str:
    """The values as they were given; those that no float holds are not written out."""
    too_large = any(isinstance(one, Integral) and math.isinf(float_of(one)) for one in given)
    return repr([float_of(one) for one in given] if too_large else values)


def limits(values: Any) -> tuple[float, ...]:
    """Limits of detections, ascending; ``inf`` for none."""
    given = _listed(values)
    if not given or not all(value == UNLIMITED or _is_limit(value) for value in given):
        raise RulesError(f"max_detections: expected whole numbers from 1, or inf, got {values!r}")
    limits = tuple(sorted(value if value == UNLIMITED else int(value) for value in given))
    if len(set(limits)) < len(limits):
        raise RulesError(f"max_detections: {tuple(given)} names a limit twice")
    return limits


def _is_limit(value: Any) -> bool:
    return _is_whole(value) and 1 <= int(value) < 2**63


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def choice(setting: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """One of the choices; False is not 0, and 1 is not True."""
    if isinstance(value, np.bool_ | np.integer):
        value = value.item()
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    expected = (
        " or ".join(map(repr, choices))
        if len(choices) < 3
        else (f"one of {', '.join(map(repr, choices))}")
    )
    raise RulesError(f"{setting}: expected {expected}, got {value!r}")


def whole_or_none(setting: str, value: Any, least: int) -> int | None:
    """A whole number from the least on, or None."""
    if value is None:
        return None
    if not _is_whole(value) or not least <= int(value) < 2**63:
        raise RulesError(f"{setting}: expected a whole number from {least}, got {value!r}")
    return int(value)


def metric_groups(values: Any) -> tuple[str, ...]:
    """Groups of metrics, in the order in which they are reported.

    The table of them is in :mod:`detmetrics.metrics`, which needs rules: it is bound at the top.
    """
    given = tuple(_listed(values))
    known: tuple[str, ...] | None = late_binding.bound("metric groups")
    if known is None:
        return given
    if not given or (unknown := [value for value in given if value not in known]):
        what = repr(unknown[0]) if given else "none"
        raise RulesError(f"metrics: expected some of {', '.join(known)}, got {what}")
    return tuple(group for group in known if group in given)
