"""A rule set on one line: everything that decides a number, and travels with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from detmetrics.rules.areas import ALL_AREAS, ANY_SIZE, COCO_RANGES, AreaRange
from detmetrics.rules.class_rules import ClassRule
from detmetrics.rules.setting_table import SETTINGS, Settings

__all__ = ["UNLIMITED", "signature_of", "single_grid"]

UNLIMITED = float("inf")


def signature_of(rules: Settings) -> str:
    """Name, grids and limits, whatever is not COCO's, and the release that computes it."""
    from detmetrics.foundation.version import __version__

    parts = [
        rules.name,
        f"iou:{_grid(rules.iou_thresholds)}",
        f"recall:{_recall(rules)}",
        f"dets:{','.join(map(_limit, rules.max_detections))}",
    ]
    if rules.class_rules:
        parts.append(f"class-iou:{','.join(map(_class_rule, rules.class_rules))}")
    if rules.area_ranges != COCO_RANGES:
        given = [area for area in rules.area_ranges if area not in (ALL_AREAS, ANY_SIZE)]
        ranges = ["any"] if rules.area_ranges[0] == ANY_SIZE else []
        parts.append(f"areas:{','.join([*ranges, *map(_range, given)])}")
    parts += _differing(rules)
    return "|".join([*parts, f"detmetrics:{__version__}"])


def _differing(rules: Settings) -> Iterator[str]:
    """The settings that are not COCO's, those of a lower place first."""
    defaults = {field.name: field.default for field in dataclasses.fields(rules)}
    for name in sorted(SETTINGS, key=lambda name: SETTINGS[name].place):
        value = getattr(rules, name)
        if SETTINGS[name].signed and value != defaults[name]:
            label = SETTINGS[name].label or name.replace("_", "-")
            shown = _short(value) if isinstance(value, float) else value
            yield label if value is True else f"{label}:{shown}"


def _recall(rules: Settings) -> str:
    if rules.interpolation in ("every", "trapezoid"):
        return rules.interpolation
    points = _recall_grid(rules.recall_points)
    return points if rules.interpolation == "points" else f"{points}-{rules.interpolation}"


def _class_rule(rule: ClassRule) -> str:
    beside = map(_word, rule.neighbours)
    return "+".join([f"{_word(rule.name)}={_short(rule.iou)}", *beside])


def _word(name: str) -> str:
    """A class name without the signs, blanks among them, that mean something in a signature."""
    from urllib.parse import quote

    return quote(name, safe="")


def single_grid(start: float, stop: float, count: int) -> tuple[float, ...]:
    """``torch.linspace`` in float32, as float64: from the start up to the middle, and from the end
    beyond it, each product and sum rounded once.

    >>> single_grid(0.5, 0.95, 10)[2]
    0.6000000238418579
    """
    # torch counts from both ends, so that the last value is exact:
    #     i < n / 2: start + step * i;  else: stop - step * (n - 1 - i), rounded to float32 once
    first, last = np.float32(start), np.float32(stop)
    step = np.float64((last - first) / np.float32(count - 1))
    index = np.arange(count)
    grid = np.where(index < count // 2, first + step * index, last - step * index[::-1])
    return tuple(grid.astype(np.float32).astype(np.float64).tolist())


def _grid(values: tuple[float, ...]) -> str:
    """Numbers in full; an even grid that linspace gives bit for bit as start:step:stop."""
    count, first, last = len(values), round(values[0], 6), round(values[-1], 6)
    if count > 2:
        step = (last - first) / (count - 1)
        text = f"{_cents(first)}:{_cents(step)}:{_cents(last)}"
        if values == tuple(np.linspace(first, last, count)):
            return text
        if values == single_grid(first, last, count):
            return f"{text}:float32"
    return ",".join(_short(value) for value in values)


def _cents(value: float) -> str:
    """Two decimals where they say it all, as in ``.50``; a step is said to nine digits."""
    value = round(value, 9)
    return f"{value:.2f}".removeprefix("0") if round(value, 2) == value else _short(value)


def _recall_grid(values: tuple[float, ...]) -> str:
    count = len(values)
    if values == tuple(np.linspace(0.0, 1.0, count)):
        return str(count)
    if count > 2 and values == single_grid(0.0, 1.0, count):
        return f"{count}:float32"
    return _grid(values)


def _limit(value: float) -> str:
    return "all" if value == UNLIMITED else str(value)


def _range(area: AreaRange) -> str:
    unit = "" if area.of == "area" else f"-{area.of}"
    also = (f"&{name}={_short(low)}-{_short(high)}" for name, low, high in area.also)
    return f"{area.name}={_short(area.low)}-{_short(area.high)}{unit}{''.join(also)}"


def _short(value: float) -> str:
    text = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return text[1:] if text.startswith("0.") else text
