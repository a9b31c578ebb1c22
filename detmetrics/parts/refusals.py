"""Rules that look at all images at once, which no part can do."""

from __future__ import annotations

from collections.abc import Iterator

from detmetrics.foundation.errors import RulesError
from detmetrics.rules import Rules

__all__ = ["refuse_rules"]


IN_PARTS = "in parts", "evaluate all images at once with dm.evaluate"


def refuse_rules(rules: Rules, way: tuple[str, str] = IN_PARTS) -> None:
    """Refuse rules that cannot be followed part by part.

    way: how the parts are measured, and what to do instead, in words.

    Raises:
        RulesError: they cannot; all reasons are named, and what to do.
    """
    reasons = [*_reasons(rules)]
    if reasons:
        how, instead = way
        raise RulesError(
            f"rules {rules.name} cannot be evaluated {how}: {'; '.join(reasons)}, or {instead}"
        )


def _reasons(rules: Rules) -> Iterator[str]:
    if rules.interpolation == "cuts":
        yield (
            "matching is repeated at each score threshold, over all images. Fix: set "
            'interpolation="every"'
        )
    if rules.class_limit is not None:
        yield (
            f"the {rules.class_limit:,} best detections of a class over all images count, and a "
            "part does not know which these are. Fix: set class_limit=None"
        )
    if "ji" in rules.metrics:
        others = ", ".join(f'"{name}"' for name in rules.metrics if name != "ji") or '"ap"'
        yield (
            "the Jaccard index repeats matching at ten score thresholds, over all images. "
            f"Fix: set metrics=[{others}]"
        )
