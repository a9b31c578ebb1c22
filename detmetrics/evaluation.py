"""Files or tables in, one result out."""

from __future__ import annotations

import math
import os
import platform
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.arrays import Bools, Floats, Objects
from detmetrics.catalog import Id
from detmetrics.curves import Curve, Curves
from detmetrics.errors import DetmetricsWarning, InputError, RulesError
from detmetrics.files import Input
from detmetrics.findings import count, remarks
from detmetrics.formats.coco import read_detections as read_coco_detections
from detmetrics.formats.coco import read_ground_truth as read_coco_ground_truth
from detmetrics.matching import Matches, match
from detmetrics.pairing import UnknownPolicy
from detmetrics.rules import COCO, Rules
from detmetrics.summary import Summary, metrics_of, per_category, summarize
from detmetrics.tables import Detections, GroundTruth, restrict
from detmetrics.ties import tie_interval
from detmetrics.verdicts import verdicts
from detmetrics.version import __version__

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "evaluate", "read_detections", "read_ground_truth"]

SCHEMA = 1

Path = str | os.PathLike[str]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Evaluation:
    """The result of one evaluation; everything else reads it.

    Get one from :func:`evaluate`.

    Attributes:
        ground_truth, detections: the tables.
        rules: the rules that were applied.
        matching: who was matched and who was ignored.
        notes: what the reader should know about the input.
    """

    ground_truth: GroundTruth
    detections: Detections
    rules: Rules
    matching: Matches
    notes: tuple[str, ...] = ()

    @cached_property
    def curves(self) -> Curves:
        """The precision-recall curves of all categories."""
        return Curves(self.matching)

    @cached_property
    def summary(self) -> Summary:
        """Metrics by name (``AP``, ``AP50``, ...), nan where undefined; ``.undefined`` says why."""
        return summarize(self.curves)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many images, classes, ground truths and detections, and what no metric sees."""
        return count(self.ground_truth, self.detections, self.matching)

    @property
    def attention(self) -> tuple[str, ...]:
        """Sentences on what a reader of the numbers should know."""
        return (*self.notes, *remarks(self.counts, self.rules))

    @property
    def signature(self) -> str:
        """Everything that decides a number, on one line."""
        return self.rules.signature

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The files that were read: path, size and SHA-256."""
        sources = (self.ground_truth.source, self.detections.source)
        return tuple(source.input for source in sources if source.input)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """(K,) names of the evaluated classes, all different; ``all`` where they are pooled."""
        return ("all",) if self.rules.class_agnostic else self.ground_truth.catalog.class_labels

    def class_columns(self) -> dict[str, Objects]:
        """(K,) arrays: ground truths that count, detections within the limit, every metric."""
        detected = np.bincount(self.matching.category, minlength=self.matching.categories)
        return {
            "ground_truths": self.curves.truths[:, 0],
            "detections": detected,
            **per_category(self.curves),
        }

    def per_class(self) -> pd.DataFrame:
        """:meth:`class_columns` as a frame with a row a class; nan where undefined.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> result.per_class()["ground_truths"].to_dict()
        {'person': 44, 'bicycle': 21, 'car': 30, 'bus': 0, 'dog': 7}
        """
        import pandas as pd

        index = pd.Index(self.class_names, name="class")
        return pd.DataFrame(self.class_columns(), index=index)

    def matches(self, iou: float = 0.5, area: str = "all") -> pd.DataFrame:
        """What became of every detection and every missed ground truth, a row each.

        iou: one of the thresholds of the rules; area: the name of one of their ranges.

        Columns: ``image_id``, ``image``, ``category_id``, ``category``, ``verdict`` (true
        positive, false positive, ignored, missed), ``score``, ``iou`` with the partner,
        ``reason``, ``detection`` (row in its source, -1 for a missed ground truth),
        ``ground_truth`` (id of the partner, None without one), and the box ``x y w h`` of the
        detection or the missed ground truth, in pixels.

        Raises:
            RulesError: a threshold or range that the rules do not have.
        """
        import pandas as pd

        truth, found = self.ground_truth, self.detections
        table = verdicts(truth, found, self.matching, self._threshold(iou), self._area(area))
        missed = table.detection < 0
        row = np.where(missed, table.ground_truth, table.detection)

        def of(detection: Objects, ground_truth: Objects) -> Objects:
            column = np.empty((len(row), *detection.shape[1:]), detection.dtype)
            column[~missed] = detection[row[~missed]]
            column[missed] = ground_truth[row[missed]]
            return column

        image, category = of(found.image, truth.image), of(found.category, truth.category)
        box = of(found.xywh, truth.xywh)
        partner = np.full(len(row), None, object)
        partnered = table.ground_truth >= 0
        partner[partnered] = truth.ids[table.ground_truth[partnered]]
        catalog = truth.catalog
        return pd.DataFrame(
            {
                "image_id": catalog.image_ids[image],
                "image": np.array(catalog.image_names, object)[image],
                "category_id": catalog.category_ids[category],
                "category": np.array(catalog.class_labels, object)[category],
                "verdict": table.verdict,
                "score": of(found.scores, np.full(len(truth), np.nan)),
                "iou": table.overlap,
                "reason": table.reason,
                "detection": of(found.place, np.full(len(truth), -1)),
                "ground_truth": partner,
                **{name: box[:, axis] for axis, name in enumerate("xywh")},
            }
        )

    def curve(
        self, category: str, iou: float = 0.5, area: str = "all", limit: int | None = None
    ) -> Curve:
        """The precision-recall curve of a class.

        category: its name; iou and area: of the rules; limit: detections of an image and class
        that count, the largest of the rules unless given.

        Raises:
            InputError: no class has this name.
            RulesError: a threshold or range that the rules do not have.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> curve = result.curve("person", iou=0.5)
        >>> bool((curve.envelope >= curve.precision).all())
        True
        """
        if category not in self.class_names:
            raise InputError(f"no class {category!r}; there are {', '.join(self.class_names)}")
        return self.curves.curve(
            self.class_names.index(category),
            self._threshold(iou),
            self._area(area),
            self.rules.max_limit if limit is None else limit,
        )

    def tie_interval(self, metric: str = "AP") -> tuple[float, float]:
        """The lowest and the highest value of a metric over all orders of equal scores.

        The matching is kept; among the detections of a class with one score, false positives
        come first for the lowest value, true positives for the highest. The summary's own value
        lies between: there equal scores stand by image, then by place in the file.

        Raises:
            InputError: the rules have no such metric.

        >>> import detmetrics as dm
        >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        >>> low, high = result.tie_interval("AP50")
        >>> low <= result.summary["AP50"] <= high
        True
        """
        known = {found.name: found for found in metrics_of(self.rules)}
        if metric not in known:
            raise InputError(f"no metric {metric!r}; there are {', '.join(known)}")
        return tie_interval(self.curves, known[metric])

    def arrays(self) -> dict[str, Floats]:
        """The arrays of pycocotools: ``precision`` and ``scores`` (T, R, K, A, M), ``recall``
        (T, K, A, M); nan where undefined.
        """
        limits = self.rules.max_detections
        return {
            "precision": np.stack([self.curves.precision(limit) for limit in limits], axis=-1),
            "recall": self.curves.recall.copy(),
            "scores": np.stack([self.curves.scores(limit) for limit in limits], axis=-1),
        }

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values: the JSON contract of ``docs/json.md``, schema 1."""
        columns = {name: column.tolist() for name, column in self.class_columns().items()}
        return {
            "schema": SCHEMA,
            "signature": self.signature,
            "metrics": {name: _or_none(value) for name, value in self.summary.items()},
            "undefined": dict(self.summary.undefined),
            "per_class": {
                label: {name: _or_none(column[row]) for name, column in columns.items()}
                for row, label in enumerate(self.class_names)
            },
            "counts": dict(self.counts),
            "attention": list(self.attention),
            "inputs": [
                {"path": read.path, "size": read.size, "sha256": read.sha256}
                for read in self.inputs
            ],
            "versions": {
                "detmetrics": __version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }

    def _threshold(self, iou: float) -> int:
        index = self.rules.threshold_index(iou)
        if index is None:
            have = ", ".join(f"{value:g}" for value in self.rules.iou_thresholds)
            raise RulesError(f"no IoU threshold {iou}; the rules have {have}")
        return index

    def _area(self, name: str) -> int:
        return self.rules.area_index(name)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_ground_truth(path: Path, *, progress: Progress | None = None) -> GroundTruth:
    """Ground truth from a COCO file (``.json``, gzipped or not; ``-`` is standard input).

    progress: called with a phase and the share of it that is done.

    Raises:
        FormatError: the file cannot be read or is not COCO ground truth; all faults are listed.

    >>> truth = read_ground_truth("fixtures/ground_truth.json")
    >>> truth.catalog.category_names
    ('person', 'bicycle', 'car', 'bus', 'dog')
    """
    return read_coco_ground_truth(path, progress=_phase(progress, "reading ground truth"))


def read_detections(
    path: Path,
    ground_truth: GroundTruth,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Detections:
    """Detections from a COCO results file, paired with the images and classes of the ground truth.

    unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave out and count the
    detections whose image or class the ground truth lacks.

    Raises:
        FormatError: the file cannot be read or is not a list of detections.
        UnknownIdError: ids that the ground truth lacks; the message names the likely cause.

    >>> truth = read_ground_truth("fixtures/ground_truth.json")
    >>> len(read_detections("fixtures/detections.json", truth)) > 100
    True
    """
    return read_coco_detections(
        path,
        ground_truth.catalog,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
        progress=_phase(progress, "reading detections"),
    )


def evaluate(
    ground_truth: Path | GroundTruth,
    detections: Path | Detections,
    rules: Rules = COCO,
    *,
    images: Iterable[Id] | None = None,
    classes: Iterable[Id] | None = None,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Evaluation:
    """Measure detections against ground truth.

    ground_truth, detections: paths of COCO files, or tables; a table of detections must have
    been paired with this ground truth.
    images, classes: only these, by id or by name. unknown_images, unknown_categories: as in
    :func:`read_detections`. progress: called with a phase and the share of it that is done.

    Raises:
        FormatError, UnknownIdError, InputError: see the readers.

    >>> result = evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> round(result.summary["AP50"], 4) > round(result.summary["AP"], 4)
    True
    """
    truth = (
        ground_truth
        if isinstance(ground_truth, GroundTruth)
        else read_ground_truth(ground_truth, progress=progress)
    )
    found = (
        detections
        if isinstance(detections, Detections)
        else read_detections(
            detections,
            truth,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            progress=progress,
        )
    )
    if found.catalog is not truth.catalog:
        raise InputError(
            "the detections were paired with another catalog: "
            "read or build them with catalog=ground_truth.catalog"
        )
    if images is not None or classes is not None:
        catalog = truth.catalog
        truth, found = restrict(
            truth,
            found,
            _chosen("image", images, catalog.image_ids, catalog.image_names),
            _chosen("class", classes, catalog.category_ids, catalog.category_names),
        )
    notes = [*truth.notes, *found.notes, *_overruled(truth, rules)]
    matching = match(truth, found, rules, _phase(progress, "matching"))
    return Evaluation(truth, found, rules, matching, tuple(notes))


def _phase(progress: Progress | None, name: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(name, share)


def _chosen(what: str, wanted: Iterable[Id] | None, ids: Objects, names: tuple[str, ...]) -> Bools:
    """Mark the ids that are wanted, by id, by name or by id as text."""
    marked = np.full(len(ids), wanted is None)
    where: dict[Id, list[int]] = {}
    for row, (known, name) in enumerate(zip(ids.tolist(), names, strict=True)):
        for key in {known, name, str(known)}:
            where.setdefault(key, []).append(row)
    for key in wanted or ():
        if key not in where:
            raise InputError(f"no {what} {key!r} in the ground truth; it has {_few(names)}")
        marked[where[key]] = True
    return marked


def _few(names: tuple[str, ...], shown: int = 5) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _overruled(truth: GroundTruth, rules: Rules) -> Iterable[str]:
    """COCO's rules set ``ignore`` to ``iscrowd``; who set it by hand should hear of that."""
    overruled = int((truth.ignore & ~truth.crowd).sum())
    if rules.ignore == "overwrite" and overruled:
        note = (
            f"{truth.source.name}: {overruled:,} ground truths have ignore set but are no crowd: "
            "COCO rules count them, as pycocotools does; COCO.replace(ignore='honour') or "
            "--ignore honour leaves them out"
        )
        warnings.warn(note, DetmetricsWarning, stacklevel=3)
        yield note
