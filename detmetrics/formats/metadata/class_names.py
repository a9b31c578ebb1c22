"""Class names in order: ``classes.txt``, ``obj.names``, ``data.yaml``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Ints, object_column
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import printable, shown
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Categories

__all__ = ["listed_classes", "names_of", "read_names", "read_yaml", "yaml_names"]

MOST_NAMES = 1_000_000
DEEPEST = 50
YAML_SUFFIXES = (".yaml", ".yml")


def names_of(given: str | os.PathLike[str] | Sequence[str] | None) -> tuple[str, ...] | None:
    """The names themselves, or those in the file that is named.

    Raises:
        FormatError: the file holds no class names.
    """
    if given is None:
        return None
    if isinstance(given, str | os.PathLike):
        return read_names(os.fspath(given))
    return tuple(map(str, given))


def listed_classes(
    keys: Keys, names: Sequence[str] | None, path: str, asked: str | None = None
) -> tuple[Keys, Categories | None]:
    """Classes in the order that was given, which gives their numbers; None without an order.

    keys : (R,) the names or numbers of rows; asked: what numbers are, see ``class_numbers``.
    Returns the names or numbers as they are to be read, and the list.

    Raises:
        FormatError: one of them is not among the names, or numbers are places and names alike.
    """
    if names is None:
        if asked == "names" and keys.labels.dtype != object:
            return _as_text(keys), None
        return keys, None
    if keys.labels.dtype != object:
        keys = _as_text(keys) if _are_names(keys.used().labels, names, path, asked) else keys
    used = keys.used().labels
    if used.dtype == object:
        known = {*names}
        faults = [
            f"class {shown(name)} is not among the class names given"
            for name in used.tolist()
            if name not in known
        ]
    else:
        wrong = used[(used < 0) | (used >= len(names))]
        faults = [f"class {number}, but {len(names)} classes are named" for number in wrong]
    if faults:
        raise FormatError(path, faults)
    return keys, Categories(ids=np.arange(len(names)), names=tuple(names))


def _as_text(keys: Keys) -> Keys:
    return Keys(object_column([str(number) for number in keys.labels.tolist()]), keys.code)


def _are_names(used: Ints, names: Sequence[str], path: str, asked: str | None) -> bool:
    """Whether numbers are names of classes that look like numbers, and not their places."""
    if asked is not None:
        return asked == "names"
    are_names = {str(number) for number in used.tolist()} <= {*names}
    are_places = bool(len(used)) and bool(used.min() >= 0 and used.max() < len(names))
    if are_names and are_places:
        number = int(used[0])
        if all(names[at] == str(at) for at in used.tolist()):
            return False  # the same either way
        ways = f"{hint('class-numbers', way='names')} or {hint('class-numbers', way='index0')}"
        raise FormatError(
            path,
            [
                (
                    f"class {number} may be the class {shown(str(number))} or the one at place "
                    f"{number} of the class names given, {shown(names[number])}: {ways}"
                )
            ],
        )
    return are_names


def read_names(path: str) -> tuple[str, ...]:
    """The class names in a file: one a line, or the ``names`` of a YAML file.

    Raises:
        FormatError: the file cannot be read or holds none.
    """
    if path.lower().endswith(YAML_SUFFIXES):
        return yaml_names(read_yaml(path), path)
    if path.lower().endswith(".json"):
        expected = "expected class names, one a line, or a YAML file with names"
        raise FormatError(path, [f"{expected}, got a JSON file"])
    text, _ = decoded(read_input(path)[0], path)
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    doubles = {name for name in names if names.count(name) > 1} if len(names) < 10_000 else ()
    if doubles:
        raise FormatError(path, [f"class {shown(name)} stands there twice" for name in doubles])
    return names


def read_yaml(path: str) -> dict[str, Any]:
    """A YAML file with every scalar as text, so that ``no`` and ``07`` stay what they are.

    Raises:
        FormatError: it is no YAML, or not a mapping.
    """
    import yaml

    text, _ = decoded(read_input(path)[0], path)
    try:
        _refuse_aliases(text, path)
        _refuse_doubles(yaml.compose(text, Loader=yaml.BaseLoader), path)
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (it builds text only)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = printable(" ".join((getattr(error, "problem", None) or str(error)).split()))
        raise FormatError(path, [f"{place}not YAML: {said}"]) from None
    except RecursionError:
        raise FormatError(path, ["nested too deeply to be a data set"]) from None
    except FormatError:
        raise
    except (ValueError, OverflowError):
        raise FormatError(path, ["not YAML: a character that Unicode does not have"]) from None
    if not isinstance(content, dict):
        raise FormatError(path, ["expected a mapping with names, path, train, val"])
    return {str(key): value for key, value in content.items()}


def _refuse_aliases(text: str, path: str) -> None:
    """Aliases can unfold a small file into a huge one, and no data set needs them.

    Nor does one need lists of lists of lists, which take PyYAML time with the square of the depth.

    Raises:
        FormatError: there are some.
    """
    import yaml

    # Events come one by one and are not built into anything, so this costs what the text is long.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
            raise FormatError(path, [f"{line}YAML aliases are refused"])
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise FormatError(path, ["nested too deeply to be a data set"])


def _refuse_doubles(node: Any, path: str) -> None:
    """A key that stands twice loses one of two values.

    Raises:
        FormatError: there is one.
    """
    values = getattr(node, "value", None)
    if not isinstance(values, list):
        return
    seen: set[str] = set()
    for value in values:
        key, child = value if isinstance(value, tuple) else (None, value)
        if key is not None and isinstance(key.value, str):
            if key.value in seen:
                line = key.start_mark.line + 1
                raise FormatError(path, [f"line {line}: {shown(key.value)} is there already"])
            seen.add(key.value)
        _refuse_doubles(child, path)


def yaml_names(content: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The names of a data set, which stand as a list or as a mapping from number to name.

    Raises:
        FormatError: there are none, or numbers are missing between them.
    """
    names = content.get("names")
    found: tuple[str, ...] = ()
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        found = tuple(names)
    elif isinstance(names, dict) and names:
        found = _by_number(names, path)
    if found and str(content.get("nc", len(found))) != str(len(found)):
        counts = f"nc is {shown(content['nc'])}, but {len(found)} names are there"
        raise FormatError(path, [f"names: {counts}"])
    if found:
        return found
    got = "nothing" if names is None else shown(names)
    raise FormatError(path, [f"names: expected a list or a mapping of class names, got {got}"])


def _by_number(names: Mapping[str, Any], path: str) -> tuple[str, ...]:
    for key, name in names.items():
        if not (isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 8):
            raise FormatError(path, [f"names: expected numbers of classes, got {shown(key)}"])
        if not isinstance(name, str):
            raise FormatError(path, [f"names: {key}: expected a name, got {shown(name)}"])
    by_number = {int(key): name for key, name in names.items()}
    missing = next((n for n in range(len(by_number)) if n not in by_number), None)
    if len(by_number) < len(names):
        raise FormatError(path, ["names: a number of a class stands there twice"])
    if missing is not None:
        raise FormatError(path, [f"names: expected numbers from 0 on, {missing} is missing"])
    return tuple(by_number[number] for number in range(len(by_number)))
