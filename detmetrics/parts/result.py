"""The result of an evaluation in parts: numbers, and what can be asked of the state afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NoReturn

import numpy as np

from detmetrics.evaluation.attention import Remark
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.metrics.curves import Curve, Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import ClassCells
from detmetrics.metrics.tie_interval import extremes, interval_of
from detmetrics.parts.each_part import AskTask, PartsSource, ask_parts
from detmetrics.parts.index import Index, index_name
from detmetrics.parts.mapping import OUT_OF_ORDER, Engine, mapper_of
from detmetrics.parts.measuring import ClassesTask, MeasuredClasses, measure_classes
from detmetrics.parts.state import Removed, State
from detmetrics.parts.sums import PARTS, Wording, counts_of, described_inputs, remarks_of
from detmetrics.rules import Rules
from detmetrics.tables.catalog import Catalog

__all__ = ["JoinedEvaluation", "PartsEvaluation"]

REFUSED = {
    **dict.fromkeys(
        ("matching", "matches"), "which detection took which object is known inside a part alone"
    ),
    **dict.fromkeys(("ground_truth", "detections"), "no table of all parts is in memory"),
    **dict.fromkeys(("inputs", "interpretations"), "to_dict() has those of parts"),
    **dict.fromkeys(("covered", "coverage", "notes"), "attention has what is known over parts"),
    "curves": "curves of all classes are not in memory at once; curve() gives one, arrays() all",
    "plot": "figures need every detection",
}
"""Of an :class:`Evaluation`, what a result in parts does not have, and why."""


@dataclass(frozen=True, repr=False)
class JoinedEvaluation(Measurement):
    """The result of parts that are joined, whose classes are measured one after the other.

    Attributes:
        rules: the rules that were applied.
        classes: what each class gives to the metrics.
        index: the parts, joined.
    """

    rules: Rules
    classes: ClassCells
    index: Index

    _refused: ClassVar[Mapping[str, str]]
    """Of an :class:`Evaluation`, what is not here, and why; and in :attr:`_instead` what has it."""
    _where: ClassVar[str]
    _instead: ClassVar[str]
    _words: ClassVar[Wording]

    def __getattr__(self, name: str) -> NoReturn:
        """Say why a part of an :class:`Evaluation` is not here.

        Raises:
            InputError: it is one of those.
            AttributeError: it is nothing.
        """
        if name in self._refused:
            raise InputError(
                f"{name} is not available {self._where}: {self._refused[name]}. Fix: "
                f"{self._instead}"
            )
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    @property
    def measured(self) -> ClassCells:
        """The classes that means are taken over."""
        return self.classes

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many images, classes, ground truths and detections, and what no metric sees."""
        return counts_of(self.index)

    @property
    def attention(self) -> tuple[str, ...]:
        """Sentences on what a reader of the numbers should know."""
        return tuple(remark.text for remark in self._remarks)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those sentences of :attr:`attention` which say that numbers may not be what was meant."""
        return tuple(remark.text for remark in self._remarks if remark.warning)

    @cached_property
    def _remarks(self) -> tuple[Remark, ...]:
        return remarks_of(self.index, self.counts, self.class_names, self._words)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """(K,) names of the evaluated classes, all different; ``all`` where they are pooled."""
        if self.rules.class_agnostic:
            return ("all",)
        head = self.index.parts[0].head
        return Catalog.from_ids(
            images=(), categories=head.class_ids, category_names=head.class_names
        ).class_labels

    def arrays(self) -> dict[str, Floats]:
        """The arrays of pycocotools: ``precision`` and ``scores`` (T, R, K, A, M), ``recall``
        (T, K, A, M); nan where undefined. Counts again, one class at a time.

        Raises:
            InputError: what it needs is gone, damaged or not here.
        """
        limits = self.rules.max_detections

        def of(curves: Curves) -> tuple[Floats, Floats, Floats]:
            precision = np.stack([curves.precision(limit) for limit in limits], axis=-1)
            scores = np.stack([curves.scores(limit) for limit in limits], axis=-1)
            return precision, curves.recall, scores

        cells = self._each_class(of, limits=limits)
        axes = {"precision": 2, "recall": 1, "scores": 2}
        return {
            name: np.concatenate(parts, axis=axis)
            for (name, axis), parts in zip(axes.items(), zip(*cells, strict=True), strict=True)
        }

    def _curve(self, category: int, threshold: int, area: int, limit: float) -> Curve:
        limits = self.rules.max_detections
        if limit not in limits:
            known = ", ".join(f"{one:g}" for one in limits)
            raise InputError(f"limit: expected one of the rules' ({known}) in parts, got {limit:g}")
        return self._curves(category, limits=[limit], listed=True).curve(0, threshold, area, limit)

    def _tie_interval(self, metric: Metric, category: int | None) -> tuple[float, float]:
        def of(curves: Curves) -> tuple[Floats, Floats]:
            return extremes(curves, metric)

        if category is not None:
            low, high = of(self._curves(category, ties=True))
            return float(low.mean()), float(high.mean())
        ends = zip(*self._each_class(of, ties=True), strict=True)
        low, high = (np.concatenate(cells, axis=-1) for cells in ends)
        return interval_of(low, high, self.measured, metric, None)

    def _curves(self, category: int, **asked: Any) -> Curves:
        return Curves(self.index.counted(category, **asked))

    def _each_class(self, of: Callable[[Curves], Any], **asked: Any) -> list[Any]:
        if not self.index.categories:
            return [of(Curves(self.index.no_class()))]
        return [of(self._curves(category, **asked)) for category in range(self.index.categories)]


@dataclass(frozen=True, repr=False)
class PartsEvaluation(JoinedEvaluation):
    """The result of one evaluation in parts; get one from :func:`evaluate_parts`.

    ``summary``, ``per_class()`` and ``counts`` are in memory. ``attention`` and ``to_dict()`` read
    the state once more; ``curve()``, ``arrays()`` and ``tie_interval()`` read one class at a time.

    Attributes:
        rules: the rules that were applied.
        classes: what each class gives to the metrics.
        index: the parts, joined.
        folders: of ground truth and detections, as they were given.
        state: the folder of what is done.
        source: the parts, and how they are read.
        fresh: the parts that were matched now; the others were in the state.
        peak: the most bytes of memory that a worker had; 0 where no system says it.

    >>> import detmetrics as dm
    >>> dm.PartsEvaluation.__mro__[2].__name__
    'Measurement'
    """

    folders: tuple[str, str]
    state: State
    source: PartsSource
    fresh: tuple[str, ...]
    peak: int

    _refused = REFUSED
    _where = "in parts"
    _instead = "evaluate all images at once with dm.evaluate, or ask each part (each_part)"
    _words = PARTS

    @property
    def sources(self) -> tuple[str, str]:
        """The folders of ground truth and detections, and how many parts each has."""
        parts = counted(len(self.index.parts), "part")
        truth, found = self.folders
        return f"{truth} ({parts})", f"{found} ({parts})"

    def clean_state(self) -> Removed:
        """Delete from the state what this result does not read: parts that changed, and files that
        a stopped run left. No other run may use the state meanwhile.

        Raises:
            OutputError: a file cannot be deleted.
        """
        index = self.state.index(index_name(self.index))
        return self.state.clean({index, *(part.path for part in self.index.parts)})

    def each_part(
        self,
        ask: Callable[[Evaluation], Any],
        *,
        engine: Engine | str | None = None,
        workers: int = 1,
        address: str | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Match every part again, and ask something of its evaluation: the answers by part.

        What is a sum over images is the sum of the answers: confusion, calibration, counts of
        errors, the worst few images. What needs all images, such as AP, is not.

        ask: called with the :class:`Evaluation` of a part; other processes must be able to import
        it. engine, workers, address, progress: as of :func:`evaluate_parts`.

        Raises:
            PartsError: parts failed, or changed after they were evaluated.
            WorkerError: a process was killed.

        >>> import os, shutil, tempfile
        >>> import detmetrics as dm
        >>> from detmetrics import analysis
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sides = "fixtures/ground_truth.json", "fixtures/detections.json"
        ...     done = dm.partition(*sides, f"{folder}/set", into=3)
        ...     folders = done.ground_truth, done.detections
        ...     result = dm.evaluate_parts(*folders, "coco", state=f"{folder}/state")
        ...     matrices = result.each_part(analysis.confusion_matrix).values()
        >>> whole = analysis.confusion_matrix(dm.evaluate(*sides, "coco"))
        >>> bool((sum(one.counts for one in matrices) == whole.counts).all())
        True
        """
        condensed = [part.path for part in self.index.parts]
        tasks = [
            AskTask(paths, self.rules, self.source.how, self.state, path, ask)
            for paths, path in zip(self.source.parts, condensed, strict=True)
        ]
        with mapper_of(engine, workers, address) as mapper:
            return ask_parts(mapper, tasks, in_phase(progress, "asking parts"))

    def of_parts(
        self,
        chosen: Sequence[Sequence[int]],
        *,
        engine: Engine | str | None = None,
        workers: int = 1,
        address: str | None = None,
        progress: Progress | None = None,
    ) -> list[ClassCells]:
        """The classes of some of the parts alone, for each choice of parts (indices, in order).

        Nothing is matched again. engine, workers, address, progress: as of
        :func:`evaluate_parts`.

        Raises:
            InputError: the state is damaged or gone.
            WorkerError: a process was killed.
        """
        path = self.state.index(index_name(self.index))
        classes = tuple(range(self.index.categories))
        tasks = [
            ClassesTask(path, self.rules, classes, self.state.storage, tuple(some))
            for some in chosen
        ]
        with mapper_of(engine, workers, address) as mapper:
            measured = mapper(measure_classes, tasks, in_phase(progress, "counting halves"))
        if [task.parts for task in measured] != [task.parts for task in tasks]:
            raise InputError(OUT_OF_ORDER)
        return [
            MeasuredClasses(self.index.of_parts(some), task.classes)
            for some, task in zip(chosen, measured, strict=True)
        ]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts, in order."""
        return tuple(part.head.part for part in self.index.parts)

    def _described_inputs(self) -> dict[str, Any]:
        return described_inputs(self.index, self.folders)
