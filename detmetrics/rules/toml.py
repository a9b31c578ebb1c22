"""Rule sets in TOML files: any setting of :class:`Rules`, the others from a named rule set.

::

    base = "voc2007"                # the others; coco unless given
    name = "mine"
    iou_thresholds = { start = 0.5, stop = 0.95, count = 10 }   # linspace; or a list
    max_detections = [inf]          # inf: no limit
    min_score = "none"              # for settings that may be None
    area_ranges = { tiny = [0, 256], small = [256, 1024] }      # or tables with low, high, of

What is written is complete and names no base, so that a file means the same for ever.
"""

from __future__ import annotations

import dataclasses
import math
import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from detmetrics.foundation.errors import FormatError, RulesError
from detmetrics.foundation.messages import no_such, shown
from detmetrics.foundation.toml_files import quoted, read_toml
from detmetrics.rules.areas import AreaRange
from detmetrics.rules.by_name import described, named
from detmetrics.rules.class_rules import ClassRule
from detmetrics.rules.combinations import CombinationError
from detmetrics.rules.rule_sets import COCO
from detmetrics.rules.value import Rules

__all__ = ["even_grid", "read_rules", "rule_set", "to_toml"]

LONG = 1e6  # numbers from here on are written with an exponent where that says it all
MOST = 10_000
"""Points of a grid, at most."""

FIELDS = dataclasses.fields(Rules)
OPTIONAL = {field.name for field in FIELDS if "None" in str(field.type)}


def rule_set(name: str | os.PathLike[str]) -> Rules:
    """A rule set by its name (``-``, ``_`` and capitals do not matter) or from a TOML file.

    Raises:
        RulesError: no rule set has this name, and it is no path.
        FormatError: see :func:`read_rules`.

    >>> import detmetrics as dm
    >>> dm.rule_set("VOC-2007") == dm.RULE_SETS["voc2007"]
    True
    """
    text = os.fspath(name)
    try:
        return named(text)
    except RulesError as error:
        file = text.lower().endswith(".toml") or os.path.basename(text) != text
        if file or os.path.exists(text) or not isinstance(name, str):
            return read_rules(name)
        raise RulesError(f"{error}; or give the path of a TOML file") from None


def read_rules(path: str | os.PathLike[str]) -> Rules:
    """The rule set of a TOML file: any settings of :class:`Rules`, the others from ``base``.

    ``base`` is a named rule set, COCO unless given.

    Raises:
        FormatError: it cannot be read, is not TOML, or settings are unknown or do not fit; all
            faults are listed.
    """
    document = read_toml(os.fspath(path), "the settings of a rule set")
    faults: list[str] = []
    base = COCO
    if "base" in document:
        given = document.pop("base")
        try:
            base = named(given if isinstance(given, str) else repr(given))
        except RulesError as error:
            faults.append(f"base: {error}")
    changes = {}
    for setting, given in document.items():
        try:
            changes[setting] = _setting(setting, given)
            base.replace(**{setting: changes[setting]})
        except CombinationError:
            continue  # others of the file may make it fit
        except RulesError as error:
            faults.append(str(error))
    if faults:
        raise FormatError(os.fspath(path), faults)
    try:
        return base.replace(**changes)
    except RulesError as error:
        raise FormatError(os.fspath(path), [str(error)]) from None


def to_toml(rules: Rules) -> str:
    """A complete file that :func:`read_rules` reads back to equal rules, to the last bit.

    >>> import detmetrics as dm
    >>> print(to_toml(dm.COCO).partition('"coco"')[2].splitlines()[1])
    iou_thresholds = { start = 0.5, stop = 0.95, count = 10 }
    """
    lines = [f"# {line}".rstrip() for line in described(rules).splitlines()]
    if lines:
        lines.append("")
    lines += (f"{field.name} = {_written(getattr(rules, field.name))}" for field in FIELDS)
    return "\n".join(lines) + "\n"


def even_grid(values: tuple[float, ...]) -> bool:
    """Whether linspace gives these three or more numbers, bit for bit."""
    if len(values) < 3 or not all(isinstance(value, float) for value in values):
        return False
    return values == tuple(np.linspace(values[0], values[-1], len(values)).tolist())


def _setting(setting: str, given: Any) -> Any:
    """What a file says, as :class:`Rules` take it."""
    known = [field.name for field in FIELDS]
    if setting not in known:
        raise RulesError(no_such("setting", setting, [*known, "base"]))
    if setting == "area_ranges":
        return list(_ranges(given))
    if setting == "class_rules":
        return list(_class_rules(given))
    if isinstance(given, dict):
        return _grid(setting, given)
    unlimited = setting.endswith("_limit") and given == math.inf
    return None if setting in OPTIONAL and (given == "none" or unlimited) else given


def _grid(setting: str, given: Mapping[str, Any]) -> tuple[float, ...]:
    match given:
        case {"start": int() | float() as start, "stop": int() | float() as stop, "count": int(n)}:
            finite = math.isfinite(start) and math.isfinite(stop)
            plain = len(given) == 3 and bool not in map(type, given.values())
            if finite and plain and 1 <= n <= MOST:
                return tuple(np.linspace(start, stop, n).tolist())
    expected = f"a list or {{ start = 0.5, stop = 0.95, count = 10 }} (count at most {MOST:,})"
    raise RulesError(f"{setting}: expected {expected}, got {shown(given)}")


def _ranges(given: Any) -> Iterator[tuple[Any, ...]]:
    """Name, low, high and where it is said what of, from each of the ways to write ranges."""
    if isinstance(given, dict):
        parts = [
            {"name": name, **part} if isinstance(part, dict) else [name, *_list(part)]
            for name, part in given.items()
        ]
    else:
        parts = _list(given)
    for part in parts:
        if isinstance(part, dict):
            if not {"name", "low", "high"} <= set(part) <= set(AreaRange._fields):
                raise _no_range(part)
            yield AreaRange(**part)
        elif isinstance(part, list) and 3 <= len(part) <= 4 and isinstance(part[0], str):
            yield tuple(part)
        else:
            raise _no_range(part)


def _class_rules(given: Any) -> Iterator[dict[str, Any]]:
    """Each with its name, from a list of tables or a table of them by name."""
    if isinstance(given, dict):
        given = [
            {"name": name, **part} if isinstance(part, dict) else part
            for name, part in given.items()
        ]
    for part in given if isinstance(given, list) else [given]:
        if not isinstance(part, dict) or not {"name", "iou"} <= set(part) <= set(ClassRule._fields):
            expected = '{ name = "Car", iou = 0.7, neighbours = ["Van"] }'
            raise RulesError(f"class_rules: expected {expected}, got {shown(part)}")
        yield part


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise _no_range(given)
    return given


def _no_range(given: Any) -> RulesError:
    expected = '["small", 0, 1024] or { name = "small", low = 0, high = 1024, of = "area" }'
    return RulesError(f"area_ranges: expected ranges such as {expected}, got {shown(given)}")


def _written(value: Any) -> str:
    """A value as TOML writes it."""
    match value:
        case None:
            return '"none"'
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case float() if abs(value) >= LONG and float(f"{value:g}") == value:
            return f"{value:g}".replace("e+", "e")
        case AreaRange() | ClassRule():
            told = {key: part for key, part in value._asdict().items() if part != ()}
            pairs = (f"{key} = {_written(part)}" for key, part in told.items())
            return f"{{ {', '.join(pairs)} }}"
        case tuple() if even_grid(value):
            return f"{{ start = {value[0]!r}, stop = {value[-1]!r}, count = {len(value)} }}"
        case tuple():
            return _list_of([_written(part) for part in value])
    return repr(value)


def _list_of(parts: list[str]) -> str:
    line = ", ".join(parts)
    if len(line) < 80:
        return f"[{line}]"
    if "{" in line:
        return "".join(["[\n", *(f"    {part},\n" for part in parts), "]"])
    return f"[\n{textwrap.indent(textwrap.fill(line, 96), '    ')},\n]"
