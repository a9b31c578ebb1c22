"""Gates in TOML files: what is measured, and what a candidate is held to.

::

    rules = "coco"                  # a rule set, or a file of rules beside this one
    images = "val.txt"              # or a list; all unless given
    classes = ["person", "car"]     # all unless given
    metrics = ["AP", "AP50"]        # those that can fail the gate; all of the rules unless given
    per_class = true                # a line for each class, of the first metric
    floor_on = "lower"              # of the interval, or "value", which is usual
    fail_undecided = false
    level = 0.95
    resamples = 1000
    seed = 0

    [margins]                       # or one number for all: margins = 0.005
    every = 0.005
    AP = 0.002
    classes = { every = 0.02, person = 0.01 }
    slices = { night = 0.03 }

    [floors]
    AP = 0.40
    classes = { person = 0.50 }

What is written is complete, so that a file means the same for ever.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from detmetrics.analysis.gating.settings import Bounds, GateSettings, bounds_of
from detmetrics.foundation.errors import DetmetricsError, FormatError, InputError, RulesError
from detmetrics.foundation.messages import no_such, shown
from detmetrics.foundation.toml_files import quoted, read_toml
from detmetrics.rules import RULE_SETS
from detmetrics.rules.toml import rule_set

__all__ = ["GateFile", "gate_toml", "read_gate_file"]

SETTINGS = tuple(one.name for one in fields(GateSettings))
MEASURED = ("rules", "images", "classes")
KEY = re.compile(r"[A-Za-z0-9_-]+")


USUAL = GateSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """What a file of a gate says; None is not said.

    rules: a name or a path; images, classes: which are measured.
    """

    rules: str | None = None
    images: tuple[int | str, ...] | None = None
    classes: tuple[int | str, ...] | None = None
    settings: GateSettings = USUAL


def read_gate_file(path: str | os.PathLike[str]) -> GateFile:
    """A gate from a TOML file; what it does not say is as in :class:`GateSettings`.

    Raises:
        FormatError: it cannot be read, is not TOML, or settings are unknown or do not fit; all
            faults are listed.
    """
    path = os.fspath(path)
    document = read_toml(path, "the settings of a gate")
    faults: list[str] = []
    measured: dict[str, Any] = {}
    for name, given in document.items():
        try:
            if name in MEASURED:
                measured[name] = _measured(name, given, os.path.dirname(path))
            else:
                _require_sound(name, given)
        except DetmetricsError as error:
            faults.append(str(error))
    if faults:
        raise FormatError(path, faults)
    try:
        own = {name: given for name, given in document.items() if name in SETTINGS}
        return GateFile(**measured, settings=GateSettings(**own))
    except InputError as error:
        raise FormatError(path, [str(error)]) from None


def _require_sound(name: str, given: Any) -> None:
    """Refuse what is no setting, or no value of it."""
    known = [*MEASURED, *SETTINGS]
    if name not in known:
        raise InputError(no_such("setting", name, known))
    if name == "metrics" and not isinstance(given, list):
        raise InputError(f"metrics: expected a list of names, got {shown(given)}")
    lines = {} if name == "per_class" else {"per_class": True}  # margins of classes need them
    GateSettings(**{name: given, **lines})


def _measured(name: str, given: Any, folder: str) -> Any:
    if name == "rules":
        return _rules(given, folder)
    if name == "images" and isinstance(given, str):
        from detmetrics.formats.metadata.image_lists import read_image_list

        return tuple(read_image_list(os.path.join(folder, given)))
    plain = isinstance(given, list) and all(type(one) in (str, int) for one in given)
    if not plain or not given:
        expected = "a list of names or ids" + (", or a file" if name == "images" else "")
        raise InputError(f"{name}: expected {expected}, got {shown(given)}")
    return tuple(given)


def _rules(given: Any, folder: str) -> str:
    """A name, or the path of a file seen from where the gate's lies."""
    if not isinstance(given, str) or not given:
        raise InputError(
            f"rules: expected the name of a rule set or a file of rules, got {shown(given)}"
        )
    beside = os.path.join(folder, given)
    named = beside if given not in RULE_SETS and os.path.exists(beside) else given
    try:
        rule_set(named)
    except RulesError as error:
        raise InputError(f"rules: {error}") from None
    return named


def gate_toml(gate: GateFile) -> str:
    """A complete file that :func:`read_gate_file` reads back to an equal gate.

    >>> print(gate_toml(GateFile(rules="coco")).splitlines()[0])
    rules = "coco"
    """
    lines = [f"{name} = {_written(value)}" for name, value in _said(gate)]
    for name in ("margins", "floors"):
        bounds: Bounds = bounds_of(name, getattr(gate.settings, name))
        if told := bounds.to_dict():
            lines += ["", f"[{name}]"]
            lines += [f"{_key(key)} = {_written(value)}" for key, value in told.items()]
    return "\n".join(lines) + "\n"


def _said(gate: GateFile) -> Iterator[tuple[str, Any]]:
    for name in MEASURED:
        if (value := getattr(gate, name)) is not None:
            yield name, value
    for name in SETTINGS:
        if name not in ("margins", "floors"):
            yield name, getattr(gate.settings, name)


def _key(name: str) -> str:
    return name if KEY.fullmatch(name) else quoted(name)


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case Mapping():
            pairs = (f"{_key(key)} = {_written(part)}" for key, part in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case tuple():
            return f"[{', '.join(map(_written, value))}]"
    return repr(value)
