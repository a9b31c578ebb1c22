"""Rule sets by name: the one list of them, and what their docstrings say.

A constant of :mod:`detmetrics.rules.rule_sets` is listed here by being there. Python keeps no
docstring of a constant, so the description is read from the source: it stands once, where
readers of the code and editors look for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from detmetrics.foundation.errors import RulesError
from detmetrics.foundation.messages import shown
from detmetrics.rules import rule_sets
from detmetrics.rules.value import Rules

__all__ = ["RULE_SETS", "described", "named"]

RULE_SETS: Mapping[str, Rules] = MappingProxyType(
    {rules.name: rules for rules in vars(rule_sets).values() if isinstance(rules, Rules)}
)
"""The rule sets by name, in the order in which they are defined."""


def named(name: str) -> Rules:
    """The rule set of a name, in capitals or not, with ``-`` or ``_`` or neither.

    Raises:
        RulesError: no rule set has this name.

    >>> named("VOC-2007").name
    'voc2007'
    """
    known = {_bare(key): rules for key, rules in RULE_SETS.items()}
    if _bare(name) in known:
        return known[_bare(name)]
    import difflib

    near = difflib.get_close_matches(_bare(name), known, n=1)
    meant = f" (do you mean {known[near[0]].name}?)" if near else ""
    raise RulesError(f"no rule set {shown(name)}{meant}; there are {', '.join(RULE_SETS)}")


def described(rules: Rules) -> str:
    """What a named rule set is and where it is from; empty for rules that are none of them.

    >>> described(rule_sets.COCO).splitlines()[0]
    'The COCO detection challenge for boxes, as pycocotools 2.0 computes it.'
    """
    return _descriptions().get(rules.name, "") if RULE_SETS.get(rules.name) == rules else ""


def _bare(name: str) -> str:
    return re.sub("[-_]", "", name.lower())


@functools.cache
def _descriptions() -> dict[str, str]:
    """The docstring below each constant, by the name of the rules; none without the source."""
    import ast
    import inspect

    try:
        statements = ast.parse(inspect.getsource(rule_sets)).body
    except OSError:
        return {}
    found = {}
    for statement, below in pairwise(statements):
        match statement, below:
            case (
                ast.Assign(targets=[ast.Name(constant)]) | ast.AnnAssign(target=ast.Name(constant)),
                ast.Expr(ast.Constant(str(text))),
            ) if isinstance(rules := getattr(rule_sets, constant), Rules):
                found[rules.name] = _plain(inspect.cleandoc(text))
    return found


def _plain(text: str) -> str:
    """Text without the marks of reStructuredText."""
    return re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("``", "")
