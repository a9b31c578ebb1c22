"""What a rule set says of single classes: the overlap that each needs, and what is like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from detmetrics.foundation.arrays import float_of
from detmetrics.foundation.errors import RulesError

__all__ = ["ClassRule", "checked_class_rules"]


class ClassRule(NamedTuple):
    """A class that is evaluated, by name (capitals do not matter).

    iou: the threshold of this class. neighbours: classes that are so like it that their objects
    take a detection of this one each and count neither way.

    >>> import detmetrics as dm
    >>> [rule.name for rule in dm.KITTI.class_rules]
    ['Car', 'Pedestrian', 'Cyclist']
    """

    name: str
    iou: float
    neighbours: tuple[str, ...] = ()


def checked_class_rules(values: Any) -> tuple[ClassRule, ...]:
    """Rules of classes from any of the ways to give them.

    Raises:
        RulesError: a name is missing or double, a threshold is none.
    """
    try:
        rules = tuple(_class_rule(value) for value in values)
    except (TypeError, ValueError):
        raise RulesError(f"class_rules: expected (name, iou, neighbours), got {values!r}") from None
    for rule in rules:
        for name in (rule.name, *rule.neighbours):
            if not name.isprintable() or not name:
                raise RulesError(f"class_rules: expected the name of a class, got {name!r}")
        if not 0 < rule.iou <= 1:
            raise RulesError(f"class_rules: {rule.name}: expected 0 < iou <= 1, got {rule.iou:g}")
        if rule.name.casefold() in map(str.casefold, rule.neighbours):
            raise RulesError(f"class_rules: {rule.name} is named as its own neighbour")
    names = [rule.name.casefold() for rule in rules]
    if len(set(names)) < len(names):
        raise RulesError(f"class_rules: a class is there twice: {[rule.name for rule in rules]}")
    return rules


def _class_rule(value: Any) -> ClassRule:
    name, iou, neighbours = ClassRule(**value) if isinstance(value, Mapping) else ClassRule(*value)
    if not isinstance(iou, Real) or isinstance(iou, bool) or not isinstance(name, str):
        raise TypeError
    if isinstance(neighbours, str) or not isinstance(neighbours, Iterable):
        raise TypeError
    near = tuple(neighbours)
    if not all(isinstance(one, str) for one in near):
        raise TypeError
    return ClassRule(name, float_of(iou), near)
