"""A hierarchy of classes: what is a Dog is an Animal too, and counts as both.

The file is Open Images' ``bbox_labels_600_hierarchy.json``: nodes of ``LabelName`` with the list
``Subcategory``. Its root is no class. Source: TensorFlow's Object Detection API,
``dataset_tools/oid_hierarchical_labels_expansion.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detmetrics.formats.json.parsing import kind_of, parse
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Sheet

__all__ = ["ClassTree", "expanded", "read_class_tree"]


@dataclass(frozen=True, slots=True)
class ClassTree:
    """Which classes are kinds of which; a class may stand under several.

    above, below: all classes above and below each, itself not among them.
    """

    above: Mapping[str, frozenset[str]]
    below: Mapping[str, frozenset[str]]


def read_class_tree(path: str | os.PathLike[str]) -> ClassTree:
    """The tree in a hierarchy file.

    Raises:
        FormatError: it cannot be read or is no hierarchy.
    """
    data, source = read_input(path)
    root = parse(data, source.path)
    above: dict[str, set[str]] = {}
    faults: list[str] = []
    # A stack and not recursion: a file may nest deeper than Python calls.
    waiting: list[tuple[Any, str, frozenset[str]]] = [(root, "the root", frozenset())]
    while waiting:
        node, place, ancestors = waiting.pop()
        name = node.get("LabelName") if isinstance(node, dict) else None
        children = node.get("Subcategory", []) if isinstance(node, dict) else None
        if not isinstance(name, str) or not isinstance(children, list):
            expected = "expected an object with LabelName and a list Subcategory"
            faults.append(f"{place}: {expected}, got {kind_of(node)} {shown(node)}")
            continue
        if name in ancestors:
            faults.append(f"{place}: {shown(name)} stands below itself")
            continue
        own = ancestors
        if node is not root:
            above.setdefault(name, set()).update(ancestors)
            own = ancestors | {name}
        waiting += [(child, f"below {shown(name)}, {n}", own) for n, child in enumerate(children)]
    if faults or not above:
        raise FormatError(source.path, faults or ["no class stands below the root"])
    below: dict[str, set[str]] = {name: set() for name in above}
    for name, ancestors_of in above.items():
        for ancestor in ancestors_of:
            below[ancestor].add(name)
    return ClassTree(
        {name: frozenset(names) for name, names in above.items()},
        {name: frozenset(names) for name, names in below.items()},
    )


def expanded(sheet: Sheet, tree: ClassTree, path: str) -> Sheet:
    """Every object also as an object of each class above its own, right behind it.

    path: of the hierarchy, for messages.

    Raises:
        FormatError: a class is not in the hierarchy, or classes have no names.
    """
    if sheet.category.labels.dtype != object:
        raise FormatError(
            path, [f"{sheet.source.name} numbers its classes, and a hierarchy goes by names"]
        )
    labels = sheet.category.labels.tolist()
    strangers = [name for name in sheet.category.used().labels.tolist() if name not in tree.above]
    if strangers:
        what = counted(len(strangers), "class", "classes")
        raise FormatError(
            path,
            [f"{what} of {sheet.source.name} not in this hierarchy, such as {shown(strangers[0])}"],
        )
    names = [*dict.fromkeys([*labels, *tree.above])]
    place = {name: at for at, name in enumerate(names)}
    own_and_above = [
        [at, *(place[up] for up in sorted(tree.above.get(name, ())))]
        for at, name in enumerate(names)
    ]
    code = sheet.category.spread(np.arange(len(labels)))
    row = np.repeat(np.arange(len(sheet)), np.array([*map(len, own_and_above)])[code])
    becomes = [target for at in code.tolist() for target in own_and_above[at]]
    grown = replace(
        sheet.take(row), category=Keys(object_column(names), np.array(becomes, np.int64))
    )
    note = (
        f"{path}: {counted(len(sheet), 'box counts', 'boxes count')} for the classes above "
        f"{'its own' if len(sheet) == 1 else 'their own'} too, {len(grown):,} in all"
    )
    return replace(grown.naming(tree.above), notes=(*sheet.notes, note))
