"""The result of several processes: the numbers of all images, in each process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detmetrics.parts.result import JoinedEvaluation
from detmetrics.parts.sums import Wording

__all__ = ["RanksEvaluation"]

REFUSED = {
    **dict.fromkeys(
        ("matching", "matches"),
        "which detection took which object is known in the process of its image alone",
    ),
    **dict.fromkeys(
        ("ground_truth", "detections"), "boxes and objects of other processes are not here"
    ),
    **dict.fromkeys(("inputs", "interpretations"), "a metric reads no files"),
    **dict.fromkeys(("covered", "coverage", "notes"), "attention has what is known over processes"),
    "curves": "of other processes' detections most are only counted",
    "plot": "figures need every detection",
}
"""Of an :class:`Evaluation`, what a result of processes does not have, and why."""


@dataclass(frozen=True, repr=False)
class RanksEvaluation(JoinedEvaluation):
    """The result of ``metric.compute(distributed=True)``, the same in every process.

    ``summary``, ``per_class()``, ``scalars()``, ``counts`` and ``to_dict()`` are in memory.
    ``arrays()``, ``curve()`` and ``tie_interval()`` are there where the rules report metrics that
    look at every detection (``pr``, ``olrp``, ``mr``), as these were exchanged then; ``arrays()``
    of rules with one limit too.

    Attributes:
        rules: the rules that were applied.
        classes: what each class gives to the metrics.
        index: the parts of the processes, joined.
        told: what is to be said of all images together.
    """

    told: tuple[str, ...]

    _refused = REFUSED
    _where = "over processes"
    _instead = "metric.sync().compute() has all images in each process"
    _words = Wording(
        "",
        "further ranks",
        "Are predictions of some processes missing?",
        "over processes it is not looked how far AP depends on the order of equal scores, nor "
        "whether boxes were misread: metric.sync().compute() says both",
    )

    @property
    def attention(self) -> tuple[str, ...]:
        """Sentences on what a reader of the numbers should know."""
        return (*self.told, *super().attention)

    @property
    def sources(self) -> tuple[str, str]:
        """What was measured, in words: a metric reads no files."""
        return "ground truth of all processes", "detections of all processes"

    def _described_inputs(self) -> dict[str, Any]:
        return {"interpretations": [], "inputs": []}
