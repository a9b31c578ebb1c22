"""Rule sets for a reader: a line each, or all settings of one beside COCO's."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from detmetrics.reports.grids import grid_text
from detmetrics.reports.tables import Table
from detmetrics.rules import COCO, RULE_SETS, AreaRange, ClassRule, Rules
from detmetrics.rules.by_name import described
from detmetrics.rules.toml import even_grid

__all__ = ["names_text", "rules_json", "rules_text", "sets_json", "settings_table"]


def names_text() -> str:
    """All rule sets by name, with the shape that they measure and the first words on them."""
    rows = tuple((name, rules.shape, _first_words(rules)) for name, rules in RULE_SETS.items())
    return grid_text(Table(("name", "shape", "what it is"), rows))


def rules_text(rules: Rules) -> str:
    """The description, every setting, what COCO has where that differs, and the signature."""
    parts = [described(rules), grid_text(settings_table(rules)).rstrip(), rules.signature]
    return "\n\n".join(part for part in parts if part) + "\n"


def settings_table(rules: Rules) -> Table:
    """A row a setting: its name, its value, and COCO's where it is another one."""
    rows = []
    for field in dataclasses.fields(rules):
        ours, cocos = getattr(rules, field.name), getattr(COCO, field.name)
        if field.name != "name":
            rows.append((field.name, _words(ours), "" if ours == cocos else _words(cocos)))
    return Table(("setting", rules.name, "differs from COCO's"), tuple(rows))


def rules_json(rules: Rules) -> str:
    """One rule set: name, description, signature, settings; ``"inf"`` for no limit."""
    return json.dumps(_plain_rules(rules), indent=2, allow_nan=False) + "\n"


def sets_json() -> str:
    """A list of all rule sets."""
    plain = [_plain_rules(rules) for rules in RULE_SETS.values()]
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


def _plain_rules(rules: Rules) -> dict[str, Any]:
    settings = {
        field.name: _plain(getattr(rules, field.name))
        for field in dataclasses.fields(rules)
        if field.name != "name"
    }
    return {
        "name": rules.name,
        "description": described(rules),
        "signature": rules.signature,
        "settings": settings,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, AreaRange | ClassRule):
        return {key: _plain(part) for key, part in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _first_words(rules: Rules) -> str:
    return described(rules).partition("\n\n")[0].replace("\n", " ")


def _words(value: Any) -> str:
    """A value on one line, as short as it can be said."""
    match value:
        case AreaRange():
            return f"{value.name} ({value.words})"
        case ClassRule():
            beside = f", beside {', '.join(value.neighbours)}" if value.neighbours else ""
            return f"{value.name} at {value.iou:g}{beside}"
        case tuple() if even_grid(value):
            return f"{len(value)} from {value[0]:g} to {value[-1]:g}"
        case tuple():
            return ", ".join(map(_words, value)) or "none"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case bool():
            return str(value).lower()
    return "none" if value is None else str(value)
