"""One pair of tables under many rules: what rule sets share is computed once."""

from __future__ import annotations

import warnings

from detmetrics.evaluation.misreadings.headline import lean
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import DetmetricsWarning
from detmetrics.matching.candidates import Memory
from detmetrics.matching.matching import match
from detmetrics.matching.preparation import TABLE_SETTINGS, evaluated_classes, prepare
from detmetrics.metrics.summary import Summary
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Workbench", "lean"]

LOWEST = 0.5
"""Pairs are kept from this overlap on; rules that ask for less have theirs found anew."""


class Workbench:
    """Evaluates one pair of tables under any rules, each set once."""

    def __init__(self, ground_truth: GroundTruth, detections: Detections) -> None:
        self.truth = ground_truth
        self.detections = detections
        self._memories: dict[object, tuple[GroundTruth, Detections, Memory]] = {}
        self._memory = Memory(lowest=LOWEST)
        self._results: dict[Rules, Evaluation] = {}
        self._summaries: dict[Rules, Summary] = {}

    def evaluation(self, rules: Rules) -> Evaluation:
        """The result under these rules, which is kept.

        Raises:
            RulesError: the tables lack what the rules need.
        """
        if rules not in self._results:
            self._results[rules] = self._evaluated(rules)
        return self._results[rules]

    def summary(self, rules: Rules) -> Summary:
        """The metrics under these rules; of the result nothing else is kept."""
        if rules not in self._summaries:
            known = self._results.get(rules)
            self._summaries[rules] = (known or self._evaluated(rules)).summary
        return self._summaries[rules]

    def ap(self, rules: Rules) -> float:
        """AP under these rules, nan where undefined."""
        return self.summary(lean(rules))["AP"]

    def _evaluated(self, rules: Rules) -> Evaluation:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DetmetricsWarning)  # the notes say it once
            ground_truth, detections, left_out = evaluated_classes(
                self.truth, self.detections, rules
            )
            ground_truth, detections, notes = prepare(ground_truth, detections, rules)
        unchanged = ground_truth is self.truth and detections is self.detections
        key = None if unchanged else tuple(getattr(rules, name) for name in TABLE_SETTINGS)
        if key not in self._memories:
            alike = _ordered_alike(self.detections, detections)
            memory = self._memory.for_other_boxes() if alike else Memory(lowest=LOWEST)
            self._memories[key] = ground_truth, detections, memory
        ground_truth, detections, memory = self._memories[key]
        matches = match(ground_truth, detections, rules, memory=memory)
        return Evaluation(ground_truth, detections, rules, matches, (*left_out, *notes))

    def without(self, mistake: Mistake) -> Workbench:
        """The same files once the mistake is undone."""
        ground_truth, detections = mistake.undone(self.truth, self.detections)
        if ground_truth is self.truth:
            return self.with_detections(detections)
        return Workbench(ground_truth, detections)

    def with_detections(self, detections: Detections) -> Workbench:
        """The same ground truth with other detections, whose order is shared where it can be."""
        other = Workbench(self.truth, detections)
        if _ordered_alike(self.detections, detections):
            other._memory = self._memory.for_other_boxes()
        return other


def _ordered_alike(one: Detections, other: Detections) -> bool:
    """Whether detections differ in their boxes alone."""
    columns = ("image", "category", "scores")
    return all(getattr(one, name) is getattr(other, name) for name in columns)
