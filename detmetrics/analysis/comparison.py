"""Whether one model is better than another on the same ground truth, and where.

The difference of a metric is that of the two results; its interval comes from half-samples of the
images in which both are measured on the same images (*paired*), so that what makes an image hard
for both does not blur the difference. *How likely B is better* is the share of samples in which it
is; a sample in which both are equal counts half. Source: as of
:mod:`detmetrics.analysis.bootstrap`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.analysis.bootstrap import (
    RESAMPLES,
    Interval,
    Samples,
    few_words,
    interval_of,
    require_samples,
    sample_seeds,
)
from detmetrics.analysis.support import FEW_IMAGES, Support
from detmetrics.evaluation import views
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.evaluation.views import ComparisonPlots
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few
from detmetrics.foundation.progress import Share
from detmetrics.matching import roles
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.metrics.summary import lower_is_better

__all__ = [
    "Comparison",
    "Difference",
    "Objects",
    "compare",
    "ground_truth_columns",
    "require_alike",
]

SCHEMA = 1
MANY_SILENT = 0.2
"""From so many images without detections on, a share, something may be missing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two results; nan where undefined in one of them.

    a, b: the values; interval: of ``b - a``; better: in which share of samples b is better.
    """

    a: float
    b: float
    interval: Interval
    better: float

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """Plain values; undefined is None."""
        values = {"a": self.a, "b": self.b, "difference": self.interval.value}
        values["b_better"] = self.better
        known = {name: None if math.isnan(value) else value for name, value in values.items()}
        return {**known, **self.interval.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """Which objects each of two results finds, at one IoU threshold and from a confidence on.

    truth_row : (G,) the objects that count, as rows of the table of ground truth; image,
    category : (G,) of each; a, b : (G,) found by it.
    """

    iou: float
    confidence: float | None
    truth_row: Ints
    image: Ints
    category: Ints
    a: Bools
    b: Bools

    @property
    def counts(self) -> dict[str, int]:
        """How many are found by both, by one alone, by neither."""
        return {
            "both": int((self.a & self.b).sum()),
            "only_a": int((self.a & ~self.b).sum()),
            "only_b": int((self.b & ~self.a).sum()),
            "neither": int((~self.a & ~self.b).sum()),
        }

    def by_image(self, images: int) -> tuple[Ints, Ints]:
        """(N,) objects of each image that only a finds, and that only b finds."""
        only_a, only_b = self.a & ~self.b, self.b & ~self.a
        return (
            np.bincount(self.image[only_a], minlength=images),
            np.bincount(self.image[only_b], minlength=images),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison:
    """Two results side by side: every metric, every class where asked for, every object."""

    a: Evaluation
    b: Evaluation
    level: float
    resamples: int
    seed: int
    metrics: Mapping[str, Difference]
    classes: Mapping[str, Mapping[str, Difference]]
    objects: Objects

    def __repr__(self) -> str:
        """The conclusion; ``to_dict()`` holds all."""
        return f"<Comparison: {self.conclusion}>"

    @property
    def conclusion(self) -> str:
        """Whether b is better by the first metric, in a sentence."""
        name, difference = next(iter(self.metrics.items()))
        interval = difference.interval
        if math.isnan(interval.low):
            return f"{name} is undefined in one of them"
        ends = f"{interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
        if interval.low <= 0 <= interval.high:
            return f"undecided: {name} of B is {ends} from that of A, which leaves both open"
        better = (interval.value > 0) is not lower_is_better(name)
        return f"B is {'better' if better else 'worse'}: its {name} is {ends} from that of A"

    @property
    def attention(self) -> tuple[str, ...]:
        """What a reader of either result should know, and images on which B says nothing."""
        said = [(side, set(one.attention)) for side, one in (("A", self.a), ("B", self.b))]
        both = said[0][1] & said[1][1]
        told = [f"A and B: {text}" for text in self.a.attention if text in both]
        for side, one in (("A", self.a), ("B", self.b)):
            told += [f"{side}: {text}" for text in one.attention if text not in both]
            images = len(one.ground_truth.catalog.image_ids)
            silent = images - len(np.unique(one.detections.image))
            if silent > MANY_SILENT * images and not one.covered.partial:
                told.append(f"{side} has no detection on {silent:,} of {images:,} images")
        return tuple(told)

    @property
    def words(self) -> str:
        """Which question an interval answers, and what the share is."""
        every = (one.interval for found in self.classes.values() for one in found.values())
        return (
            f"low to high: {100 * self.level:g}% confidence interval for the difference on the "
            "population of images that these are drawn from; B better: share of "
            f"{self.resamples:,} half-samples of the images (seed {self.seed})"
            f"{few_words(every)}"
        )

    @property
    def plot(self) -> ComparisonPlots:
        """Figures: ``metrics`` and ``classes``."""
        return views.bound().comparison_plots(self)

    def objects_of(self, side: str) -> list[dict[str, Any]]:
        """The objects that only ``"a"`` or only ``"b"`` finds, as plain values."""
        objects, ground_truth = self.objects, self.a.ground_truth
        own, other = (objects.a, objects.b) if side == "a" else (objects.b, objects.a)
        catalog, labels = ground_truth.catalog, ground_truth.catalog.class_labels
        return [
            {
                "image_id": _plain(catalog.image_ids[ground_truth.image[row]]),
                "image": catalog.image_names[ground_truth.image[row]],
                "class": labels[ground_truth.category[row]],
                "ground_truth": _plain(ground_truth.ids[row]),
                "box": ground_truth.xywh[row].tolist(),
            }
            for row in objects.truth_row[own & ~other].tolist()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``docs/json.md`` has them; undefined is None."""
        return {
            "schema": SCHEMA,
            "signature": self.a.signature,
            "conclusion": self.conclusion,
            "attention": list(self.attention),
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "detections": {"a": self.a.detections.source.name, "b": self.b.detections.source.name},
            "metrics": {name: one.to_dict() for name, one in self.metrics.items()},
            "per_class": {
                label: {name: one.to_dict() for name, one in found.items()}
                for label, found in self.classes.items()
            },
            "objects": {
                "iou": self.objects.iou,
                "confidence": self.objects.confidence,
                **self.objects.counts,
                "found_by_a_alone": self.objects_of("a"),
                "found_by_b_alone": self.objects_of("b"),
            },
        }


def _plain(value: Any) -> Any:
    """An id as Python has it."""
    return value.item() if hasattr(value, "item") else value


def compare(
    a: Evaluation,
    b: Evaluation,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    *,
    per_class: bool = False,
    iou: float = 0.5,
    confidence: float | None = None,
    progress: Share | None = None,
) -> Comparison:
    """Compare two results under the same rules on the same ground truth.

    resamples, level, seed, per_class, progress: as in :func:`confidence_intervals`. iou: the
    threshold at which an object is found; confidence: the least score that finds one.

    Raises:
        InputError: other ground truth, other rules, or no intervals can be taken.
        RulesError: the rules have no such threshold.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> compare(result, result, resamples=50).metrics["AP"].better
    0.5
    """
    require_alike(a, b)
    objects = _objects(a, b, iou, confidence)
    require_samples(resamples, level, seed)
    half = None if progress is None else lambda share: progress(share / 2)
    rest = None if progress is None else lambda share: progress((1 + share) / 2)
    seeds = sample_seeds(seed, resamples)
    whole_a, classes_a = Samples(a, per_class=per_class).all(seeds, half)
    whole_b, classes_b = Samples(b, per_class=per_class).all(seeds, rest)
    names = list(a.summary)
    columns_a, columns_b = (one.class_columns() if per_class else {} for one in (a, b))

    support = Support.in_images(a)

    def difference(
        name: str,
        values: tuple[float, float],
        samples: tuple[Floats, Floats],
        category: int | None = None,
    ) -> Difference:
        apart = samples[1] - samples[0]
        # A mean over classes hardly moves with one of them, as both models gain by its chance.
        filled = support.filled(name, category)
        interval = interval_of(
            values[1] - values[0],
            apart,
            level,
            support.units,
            freedom=filled - 1,
            few_objects=0 < filled < FEW_IMAGES,
            difference=True,
        )
        return Difference(*values, interval, _better(name, apart))

    return Comparison(
        a=a,
        b=b,
        level=level,
        resamples=resamples,
        seed=seed,
        metrics={
            name: difference(
                name, (a.summary[name], b.summary[name]), (whole_a[:, at], whole_b[:, at])
            )
            for at, name in enumerate(names)
        },
        classes={
            label: {
                name: difference(
                    name,
                    (float(columns_a[name][row]), float(columns_b[name][row])),
                    (classes_a[:, row, at], classes_b[:, row, at]),
                    row,
                )
                for at, name in enumerate(names)
            }
            for row, label in enumerate(a.class_names if per_class else ())
        },
        objects=objects,
    )


def _better(name: str, apart: Floats) -> float:
    """In which share of samples b is better; those in which it is undefined left out."""
    known = apart[~np.isnan(apart)] * (-1 if lower_is_better(name) else 1)
    if len(known) == 0:
        return math.nan
    return float(((known > 0).sum() + (known == 0).sum() / 2) / len(known))


def require_alike(a: Evaluation, b: Evaluation) -> None:
    """Refuse two results that cannot be compared.

    Raises:
        InputError: other ground truth, or other rules.
    """
    if a.rules != b.rules:
        apart = a.rules.shape != b.rules.shape
        cure = "; --shape box (shape='box') measures both by upright boxes" if apart else ""
        raise InputError(
            f"two results under one rule set are needed, got {a.signature} and {b.signature}{cure}"
        )
    ours, theirs = a.ground_truth, b.ground_truth
    both = zip(ground_truth_columns(a), ground_truth_columns(b), strict=True)
    differ = [name for (name, one), (_, other) in both if not np.array_equal(one, other)]
    if differ:
        raise InputError(
            f"two results on the same ground truth are needed, got {len(ours):,} objects of "
            f"{ours.source.name} and {len(theirs):,} of {theirs.source.name}, which differ in "
            f"{few(differ)}"
        )


def ground_truth_columns(result: Evaluation) -> Iterator[tuple[str, Any]]:
    """All of the ground truth that numbers depend on, as the rules take it."""
    ground_truth = result.ground_truth
    yield "images", ground_truth.catalog.image_ids
    yield "classes", ground_truth.catalog.class_labels
    for name in ("image", "category", "boxes", "area"):
        yield name, getattr(ground_truth, name)
    yield "shapes", measured(ground_truth, measure_of(result.rules)).areas
    yield "crowds", roles.regions(ground_truth, result.rules)
    yield "ignored objects", result.matching.ignored


def _objects(a: Evaluation, b: Evaluation, iou: float, confidence: float | None) -> Objects:
    found_a, found_b = (_found(one, iou, confidence) for one in (a, b))
    rows = np.flatnonzero(_counting(a))
    ground_truth = a.ground_truth
    return Objects(
        iou=iou,
        confidence=confidence,
        truth_row=rows,
        image=ground_truth.image[rows],
        category=ground_truth.category[rows],
        a=found_a[rows],
        b=found_b[rows],
    )


def _counting(result: Evaluation) -> Bools:
    """(G,) objects that count, by row of the table."""
    counts = np.zeros(len(result.ground_truth), bool)
    counts[result.matching.truth_row[~result.matching.ignored[0]]] = True
    return counts


def _found(result: Evaluation, iou: float, confidence: float | None) -> Bools:
    """(G,) objects with a true positive, by row of the table."""
    matches = result.matching
    pair, right = matches.matched[0].at(result.threshold_index(iou))
    pair = pair[right]
    if confidence is not None:
        require_scores(result.detections, "a confidence from which objects are found")
        pair = pair[matches.score[matches.pairs.detection[pair]] >= confidence]
    found = np.zeros(len(result.ground_truth), bool)
    found[matches.truth_row[matches.pairs.ground_truth[pair]]] = True
    return found
