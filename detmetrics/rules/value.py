"""What a benchmark counts, as a value.

A rule set is frozen, has a name, and is summed up by a signature that travels with every
number. Nothing that changes a number lives anywhere else.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.foundation.errors import RulesError
from detmetrics.foundation.messages import no_such
from detmetrics.rules.areas import checked_ranges
from detmetrics.rules.class_rules import checked_class_rules
from detmetrics.rules.combinations import refuse_combinations
from detmetrics.rules.setting import attributes_section
from detmetrics.rules.setting_checks import (
    check_name,
    choice,
    limits,
    metric_groups,
    number,
    numbers,
    slack,
    whole_or_none,
)
from detmetrics.rules.setting_table import CHOICES, SETTINGS, Settings
from detmetrics.rules.signature import signature_of

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(Settings):
    """The settings of one benchmark; build variants with :meth:`replace`.

    {attributes}

    Raises:
        RulesError: a setting is empty, out of its range, out of order or double.

    >>> from detmetrics.rules import COCO
    >>> COCO.replace(iou_thresholds=(0.5,), max_detections=(300,)).signature.split("|")[1:4]
    ['iou:.5', 'recall:101', 'dets:300']
    """

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        check_name(self.name)
        set_field(self, "iou_thresholds", numbers("iou_thresholds", self.iou_thresholds))
        set_field(self, "recall_points", numbers("recall_points", self.recall_points))
        set_field(self, "max_detections", limits(self.max_detections))
        set_field(self, "area_ranges", checked_ranges(self.area_ranges))
        set_field(self, "class_rules", checked_class_rules(self.class_rules))
        set_field(self, "metrics", metric_groups(self.metrics))
        if self.iou_thresholds[0] <= 0 or self.iou_thresholds[-1] > 1:
            raise RulesError(f"iou_thresholds: expected 0 < t <= 1, got {self.iou_thresholds}")
        if self.recall_points[0] < 0 or self.recall_points[-1] > 1:
            raise RulesError(f"recall_points: expected 0 <= r <= 1, got {self.recall_points}")
        for name, choices in CHOICES.items():
            set_field(self, name, choice(name, getattr(self, name), choices))
        if self.min_score is not None:
            set_field(self, "min_score", number("min_score", self.min_score))
        set_field(self, "range_slack", slack(self.range_slack))
        for name, described in SETTINGS.items():
            if described.least is not None:
                set_field(self, name, whole_or_none(name, getattr(self, name), described.least))
        refuse_combinations(self)

    def replace(self, **changes: Any) -> Rules:
        """These rules with some settings changed; the result is checked again.

        Raises:
            RulesError: no such setting, or a value that does not fit.

        >>> from detmetrics.rules import COCO
        >>> COCO.replace(max_detections=[10, 1]).max_detections
        (1, 10)
        """
        known = {field.name for field in dataclasses.fields(self)}
        if unknown := sorted(set(changes) - known):
            raise RulesError(no_such("setting", unknown[0], sorted(known)))
        if "area_ranges" in changes:  # the range of all sizes is ours where none is given
            changes["area_ranges"] = checked_ranges(changes["area_ranges"], self.area_ranges[0])
        return dataclasses.replace(self, **changes)

    @property
    def max_limit(self) -> float:
        """The largest detection limit: the one of every headline metric."""
        return self.max_detections[-1]

    @property
    def signature(self) -> str:
        """Everything that decides a number, on one line.

        >>> from detmetrics.rules import COCO
        >>> COCO.signature.rpartition("|")[0]
        'coco|iou:.50:.05:.95|recall:101|dets:1,10,100'
        """
        return signature_of(self)

    def threshold_index(self, iou: float) -> int | None:
        """Where a threshold stands, to seven decimals (0.9 is 0.8999... in float64, and
        0.8999999762 in float32), or None.
        """
        distance = np.abs(np.array(self.iou_thresholds) - iou)
        nearest = int(np.argmin(distance))
        return nearest if distance[nearest] < 1e-7 else None

    def area_index(self, name: str) -> int:
        """Where an area range stands.

        Raises:
            RulesError: no range has this name.
        """
        names = [area.name for area in self.area_ranges]
        if name not in names:
            raise RulesError(f"no area range {name!r}; there are {', '.join(names)}")
        return names.index(name)


Rules.__doc__ = (Rules.__doc__ or "").replace("{attributes}", attributes_section(Rules))
