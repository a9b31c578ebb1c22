"""Settings that exclude each other."""

from __future__ import annotations

from detmetrics.foundation.errors import RulesError
from detmetrics.rules.setting_table import CHOICES, SETTINGS, Settings

__all__ = ["CombinationError", "boxes_alone", "refuse_combinations"]


class CombinationError(RulesError):
    """Settings that fit, each alone, and not together."""


def refuse_combinations(rules: Settings) -> None:
    """Refuse settings that fit, each alone, and not together.

    Raises:
        CombinationError: there are such.
    """
    apart = rules.out_of_range == "region" or rules.range_slack is not None
    if "ji" in rules.metrics and apart:
        raise CombinationError("metrics: ji is not defined with out_of_range or range_slack")
    if rules.shape != "box" and (of_boxes := boxes_alone(rules, rules.shape)):
        raise CombinationError(f"shape: {rules.shape} is not defined with {', '.join(of_boxes)}")
    if rules.class_rules and rules.class_agnostic:
        raise CombinationError("class_rules: class_agnostic pools the classes that they tell apart")
    if rules.class_rules and (count := len(rules.iou_thresholds)) > 1:
        raise CombinationError(
            f"class_rules: a class has one threshold, expected one of iou_thresholds, got {count}"
        )
    if {"pr", "point"} <= {*rules.metrics}:
        raise CombinationError("metrics: pr and point are both of F1, at two confidences")
    if rules.interpolation == "cuts":
        _refuse_with_cuts(rules, apart=apart)


def _refuse_with_cuts(rules: Settings, *, apart: bool) -> None:
    if rules.assignment == "overlap":  # what is below a cut may hold what is above it
        raise CombinationError("interpolation: cuts of the score are not defined with overlap")
    if apart:
        raise CombinationError(
            "interpolation: cuts are not defined with out_of_range or range_slack"
        )
    if rules.assignment == "truths" and rules.crowd == "group" and rules.group_weight:
        raise CombinationError(  # a group chooses no detection, so none is lost below a cut
            "interpolation: cuts where objects choose are not defined with groups that count "
            "(group_weight 1)"
        )
    cut = [point * 40 for point in rules.recall_points]  # precision is known at recalls 1/40 apart
    if odd := [place / 40 for place in cut if abs(place - round(place)) > 1e-5]:
        raise CombinationError(
            f"recall_points: expected multiples of 1/40 for cuts, got {odd[0]:g}"
        )


def boxes_alone(rules: Settings, shape: str) -> list[str]:
    """Settings of these rules that upright boxes have, and this shape has not."""
    return [
        f"{name} {getattr(rules, name)}"
        for name in SETTINGS
        if SETTINGS[name].of_boxes
        and not (name == "arithmetic" and shape in SINGLE)
        and getattr(rules, name) not in (None, CHOICES.get(name, (None,))[0])
    ]


SINGLE = ("box", "probabilistic")
"""Shapes that are defined in float32 too."""
