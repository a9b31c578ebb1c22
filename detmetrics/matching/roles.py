"""What each ground truth is under a rule set: a region, excused, or as if it were not there.

The table holds what its source says (``crowd``, ``ignore``, ``difficult``); what becomes of that is
for rules to say, here and nowhere else.
"""

from __future__ import annotations

from detmetrics.foundation.arrays import Bools
from detmetrics.rules import Rules
from detmetrics.tables import GroundTruth

__all__ = ["dropped", "excused", "groups", "regions"]


def regions(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(G,) regions of many objects, measured by the share of a detection that lies inside."""
    absorbs = rules.crowd in ("absorb", "group")
    crowded = _crowded(ground_truth, rules) if absorbs else ground_truth.none
    return crowded | ground_truth.ignore if rules.ignore == "region" else crowded


def groups(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(G,) regions that take only what is left, see :attr:`Rules.crowd`."""
    return _crowded(ground_truth, rules) if rules.crowd == "group" else ground_truth.none


def excused(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(G,) what counts neither for nor against, whatever its size."""
    # A group with a weight is found or missed like an object: Open Images' group_of_weight.
    crowd_counts = rules.crowd == "count" or (rules.crowd == "group" and rules.group_weight)
    excused = ground_truth.none if crowd_counts else _crowded(ground_truth, rules)
    if rules.ignore != "overwrite":
        excused = excused | ground_truth.ignore
    if ground_truth.beside is not None:
        excused = excused | ground_truth.beside
    return excused | ground_truth.difficult if rules.difficult == "ignore" else excused


def dropped(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(G,) what the rules treat as if it were not there."""
    dropped = _crowded(ground_truth, rules) if rules.crowd == "drop" else ground_truth.none
    return dropped | ground_truth.difficult if rules.difficult == "drop" else dropped


def _crowded(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(G,) crowds, and the difficult objects that the rules take for such."""
    if rules.difficult == "crowd":
        return ground_truth.crowd | ground_truth.difficult
    return ground_truth.crowd
