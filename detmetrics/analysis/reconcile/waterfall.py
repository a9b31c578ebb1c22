"""From one rule set to another, a cause at a time.

Every setting of a rule set belongs to one cause. Causes are taken over in a fixed order, so the
values in between are values of rule sets too, and the amounts add up to the whole difference by
construction. Settings may exclude each other, as oriented boxes and a pixel more do: a cause waits
until those that it cannot stand with are taken over. What a cause does depends on those before it:
it is also measured alone where it can be, and where both differ, the difference is shared with
others.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.analysis.reconcile.workbench import Workbench, lean
from detmetrics.foundation.errors import InputError
from detmetrics.rules import Rules
from detmetrics.rules.combinations import CombinationError
from detmetrics.rules.setting import CAUSES, FLOAT32
from detmetrics.rules.setting_table import SETTINGS
from detmetrics.rules.shown_settings import shown_setting

__all__ = ["Step", "Waterfall", "settings_of_cause", "waterfall"]

GRIDS = ("iou_thresholds", "recall_points")
SAME_GRID = 1e-6
SHARED = 5e-5
"""What a cause does alone and in its turn may differ by so much before it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cause: what AP was before and is after it; nan where undefined.

    changes: what it changes, in words; alone: by how much AP changes where nothing else does, nan
    where it cannot be alone; excluded: why it cannot, empty where it can.
    """

    cause: str
    changes: str
    before: float
    after: float
    alone: float
    excluded: str = ""

    @property
    def amount(self) -> float:
        """By how much AP changes."""
        return self.after - self.before

    @property
    def shared(self) -> bool:
        """Whether another cause has a part in it, so that another order would say otherwise."""
        return bool(self.excluded) or bool(abs(self.amount - self.alone) > SHARED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The difference between two rule sets, split into causes; the others change nothing."""

    ours: str
    theirs: str
    steps: tuple[Step, ...]
    start: float
    end: float


def settings_of_cause(cause: str) -> tuple[str, ...]:
    """The settings that are taken over together."""
    return tuple(name for name, described in SETTINGS.items() if described.cause == cause)


def waterfall(bench: Workbench, ours: Rules, theirs: Rules) -> Waterfall:
    """Split the difference in AP.

    Raises:
        RulesError: the tables lack what one of the two needs.
        InputError: one of the two reports no AP.
    """
    for rules in (ours, theirs):
        if "ap" not in rules.metrics:
            raise InputError(f"the rules {rules.name} report no AP that could be split into causes")
    ours, theirs = lean(ours), lean(theirs)
    steps = []
    current = ours
    for cause, changed in _path(ours, theirs):
        alone, excluded = _alone(bench, ours, theirs, cause)
        steps.append(
            Step(
                cause=cause,
                changes=_changes(current, changed),
                before=bench.ap(current),
                after=bench.ap(changed),
                alone=alone,
                excluded=excluded,
            )
        )
        current = changed
    return Waterfall(
        ours=ours.name,
        theirs=theirs.name,
        steps=tuple(steps),
        start=bench.ap(ours),
        end=bench.ap(theirs),
    )


def _path(ours: Rules, theirs: Rules) -> Iterator[tuple[str, Rules]]:
    """The causes that change something, in their order, each with the rules after it.

    What rules as yet exclude comes after what makes room for it. None is left waiting: of two
    settings that exclude each other, those of ours can be left before those of theirs are taken.
    """
    # Each step starts where the one before ended, so the amounts add up to the whole difference.
    current, waiting = ours, list(CAUSES)
    while waiting:
        for cause in waiting:
            changed = _changed(current, theirs, cause)
            if changed is not None:
                break
        assert changed is not None
        waiting.remove(cause)
        if changed != current:
            yield cause, changed
            current = changed


def _changed(rules: Rules, theirs: Rules, cause: str) -> Rules | None:
    """The rules with one cause taken over, None where they exclude it."""
    try:
        return _taken_over(rules, theirs, cause)
    except CombinationError:
        return None


def _alone(bench: Workbench, ours: Rules, theirs: Rules, cause: str) -> tuple[float, str]:
    """By how much AP changes by one cause alone, and why it cannot be alone."""
    try:
        changed = _taken_over(ours, theirs, cause)
    except CombinationError as error:
        return math.nan, str(error)
    return bench.ap(changed) - bench.ap(ours), ""


def _taken_over(rules: Rules, theirs: Rules, cause: str) -> Rules:
    """The rules with the settings of one cause as the others have them.

    A grid in float32 differs in two ways: its values, and their last bits, which are a cause of
    their own.
    """
    changes: dict[str, Any] = {}
    for name in settings_of_cause(cause):
        changes[name] = getattr(theirs, name)
        if name in GRIDS:
            changes[name] = _as_precise(getattr(theirs, name), getattr(rules, name))
    if cause == FLOAT32:
        for name in GRIDS:
            if _close(getattr(rules, name), getattr(theirs, name)):
                changes[name] = getattr(theirs, name)
    return rules.replace(**changes)


def _as_precise(grid: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """The grid, in float32 where the other one is, in float64 where that is."""
    if _close(grid, other):
        return other
    if _is_single(grid) == _is_single(other):
        return grid
    if _is_single(other):
        return tuple(np.array(grid, np.float32).astype(float).tolist())
    # Back from float32 to float64 there is no rounding: the even grid that it came from is taken,
    # if there is one.
    even = np.linspace(round(grid[0], 6), round(grid[-1], 6), len(grid))
    return tuple(even.tolist()) if _close(grid, tuple(even)) else grid


def _is_single(grid: tuple[float, ...]) -> bool:
    """Whether all values are those of float32, and not short decimals anyway."""
    values = np.array(grid)
    short = np.round(values, 6) == values
    return bool((values.astype(np.float32) == values).all() and not short.all())


def _close(grid: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(grid) == len(other) and bool(np.allclose(grid, other, rtol=0, atol=SAME_GRID))


def _changes(before: Rules, after: Rules) -> str:
    """The settings that differ, as ``name before -> after``."""
    return ", ".join(
        f"{field.name} {shown_setting(before, field.name)} -> {shown_setting(after, field.name)}"
        for field in dataclasses.fields(before)
        if getattr(before, field.name) != getattr(after, field.name)
    )
