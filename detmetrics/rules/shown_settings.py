"""Settings of rules in a few words, for messages that set two of them side by side."""

from __future__ import annotations

from detmetrics.foundation.messages import counted
from detmetrics.rules.signature import UNLIMITED
from detmetrics.rules.value import Rules

__all__ = ["shown_setting"]


def shown_setting(rules: Rules, name: str) -> str:
    """A setting as short as its reader can take it.

    >>> from detmetrics.rules import COCO
    >>> shown_setting(COCO, "iou_thresholds"), shown_setting(COCO, "strict")
    ('0.5 to 0.95 in 10', 'no')
    """
    value = getattr(rules, name)
    if name == "area_ranges":
        return "any" if value[0].low < 0 else "from 0"
    if name == "max_detections":
        return "all" if rules.max_limit == UNLIMITED else f"{rules.max_limit}"
    if name == "class_rules":
        return f"of {counted(len(value), 'class', 'classes')}" if value else "none"
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return (
            f"{value[0]:g}" if len(value) == 1 else f"{value[0]:g} to {value[-1]:g} in {len(value)}"
        )
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
