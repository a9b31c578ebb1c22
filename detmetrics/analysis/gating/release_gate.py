"""May a model ship: every metric of a candidate against that of a baseline, with a verdict.

Differences and intervals are those of :func:`~detmetrics.analysis.compare`, both models on the same
resamples of the images. The rule is that of :mod:`~detmetrics.analysis.gating.verdicts`. Holm's
correction (:mod:`~detmetrics.analysis.gating.families`) is over every line that can fail: each
metric, class and slice of each candidate. A line that is undefined cannot fail, and neither can one
without an interval. Floors are not in the family: they are bounds on the candidate alone, and a
correction would only make them stricter or laxer than they read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from detmetrics.analysis.gating.baseline import Baseline
from detmetrics.analysis.gating.differences import (
    PairedLine,
    differences,
    gain_of,
    losses,
    slice_column,
)
from detmetrics.analysis.gating.families import Gain, settled
from detmetrics.analysis.gating.floors import floors_of
from detmetrics.analysis.gating.records import Gate, GateCandidate, GateLine
from detmetrics.analysis.gating.settings import GateSettings
from detmetrics.analysis.gating.verdicts import Verdict, images_to_settle
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Objects
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.progress import Progress, Share
from detmetrics.metrics.summary import lower_is_better

__all__ = ["gate"]


def gate(
    baseline: Evaluation | Baseline,
    candidates: Evaluation | Sequence[Evaluation],
    settings: GateSettings | None = None,
    *,
    slices: Sequence[str | None] | None = None,
    slices_by: str = "attribute",
    progress: Progress | None = None,
) -> Gate:
    """Say whether candidates may ship: none of their metrics is worse than the baseline's.

    baseline: a result, or what a baseline file holds (:func:`read_baseline`). candidates: results
    on the same ground truth under the same rules. settings: metrics, margins, floors, ...; unless
    given, every metric of the rules with a margin of 0. slices : (N,) a value of each image, in the
    order of the catalog, for a line for each value; slices_by: what the values are. progress:
    called with a phase and the share that is done.

    Raises:
        InputError: other ground truth, other rules, or settings that name what is not there.

    >>> import detmetrics as dm
    >>> from detmetrics.analysis import GateSettings
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> gate(result, result, GateSettings(metrics=("AP", "AP50"), resamples=50)).outcome
    'pass'
    """
    settings = settings or GateSettings()
    given = [candidates] if isinstance(candidates, Measurement) else [*candidates]
    if not given:
        raise InputError("expected at least one candidate, got none")
    metrics = _metrics(given[0], settings)
    column = None if slices is None else slice_column(slices, given[0].matching.images, slices_by)
    _require_names(given[0], settings, column)
    baselines = [_beside(baseline, one) for one in given]
    measured = []
    for at, (old, new) in enumerate(zip(baselines, given, strict=True)):
        share = _share(progress, at, len(given))
        measured.append(differences(old, new, metrics, settings, column, share))
    level, decided = _decided(measured, settings)
    return Gate(
        baseline=_name(baseline),
        candidates=tuple(
            _candidate(old, new, lines, settings, column, metrics[0])
            for old, new, lines in zip(baselines, given, decided, strict=True)
        ),
        settings=settings,
        metrics=metrics,
        slices_by=None if slices is None else slices_by,
        level=level,
        family=sum(not math.isnan(line.low) for lines in decided for line in lines),
        images=given[0].matching.images,
        signature=given[0].signature,
        notes=_notes(baseline),
        saved_in=baseline.path if isinstance(baseline, Baseline) else None,
    )


def _share(progress: Progress | None, at: int, of: int) -> Share | None:
    return None if progress is None else lambda done: progress("resampling", (at + done) / of)


def _beside(baseline: Evaluation | Baseline, candidate: Evaluation) -> Evaluation:
    return baseline.beside(candidate) if isinstance(baseline, Baseline) else baseline


def _name(baseline: Evaluation | Baseline) -> str:
    return baseline.name if isinstance(baseline, Baseline) else baseline.detections.source.name


def _notes(baseline: Evaluation | Baseline) -> tuple[str, ...]:
    """What a reader of the baseline's numbers should know."""
    return tuple(f"baseline: {text}" for text in baseline.attention)


# --- what is asked for -------------------------------------------------------------------------


def _metrics(result: Evaluation, settings: GateSettings) -> tuple[str, ...]:
    """The metrics that can fail the gate."""
    settings.require_known("metrics", result.summary)
    chosen = tuple(settings.metrics) or tuple(result.summary)
    for name in settings.own_margins.metrics:
        if name not in chosen:
            raise InputError(
                f"margins: {name} is not among the metrics of the gate ({', '.join(chosen)}), so "
                "its margin has no effect"
            )
    return chosen


def _require_names(result: Evaluation, settings: GateSettings, slices: Objects | None) -> None:
    if settings.per_class:
        settings.require_known("classes", result.class_names)
    if slices is not None:
        settings.require_known("slices", dict.fromkeys(slices.tolist()))
        return
    for name, bounds in (("margins", settings.own_margins), ("floors", settings.own_floors)):
        if bounds.slices or bounds.every_slice is not None:
            raise InputError(
                f"{name}: those of slices have no effect without slices. Fix: --slices-by"
            )


# --- lines -------------------------------------------------------------------------------------


def _decided(
    measured: Sequence[Sequence[PairedLine]], settings: GateSettings
) -> tuple[float, list[tuple[GateLine, ...]]]:
    """Every line with its verdict, and the level of their intervals."""
    gains = [
        [gain_of(line, settings.margin(line.scope, line.name, line.metric)) for line in lines]
        for lines in measured
    ]
    level, found = settled([one for own in gains for one in own if one], settings.level)
    left = iter(found)
    return level, [
        tuple(
            _line(line, next(left) if gain else None, settings)
            for line, gain in zip(lines, own, strict=True)
        )
        for lines, own in zip(measured, gains, strict=True)
    ]


def _line(line: PairedLine, gain: Gain | None, settings: GateSettings) -> GateLine:
    falls = lower_is_better(line.metric)
    low, high, more = math.nan, math.nan, None
    verdict: Verdict = "cannot tell"
    if gain is not None:
        low, high = (-gain.high, -gain.low) if falls else (gain.low, gain.high)
        verdict = gain.verdict
        if verdict == "cannot tell" and not any(line.slack):  # more images leave no order less open
            more = images_to_settle(gain.value, gain.low, gain.high, gain.margin, line.images)
    elif math.isnan(line.difference.a) and math.isnan(line.difference.b):
        verdict = "undefined"
    return GateLine(
        scope=line.scope,
        name=line.name,
        metric=line.metric,
        baseline=line.difference.a,
        candidate=line.difference.b,
        difference=line.difference.interval.value,
        low=low,
        high=high,
        margin=settings.margin(line.scope, line.name, line.metric),
        lower_is_better=falls,
        verdict=verdict,
        images=line.images,
        images_to_settle=more,
    )


def _candidate(
    baseline: Evaluation,
    candidate: Evaluation,
    lines: tuple[GateLine, ...],
    settings: GateSettings,
    slices: Objects | None,
    first: str,
) -> GateCandidate:
    return GateCandidate(
        name=candidate.detections.source.name,
        lines=lines,
        floors=tuple(floors_of(candidate, settings, first, slices)),
        losses=losses(baseline, candidate, first),
        attention=candidate.attention,
    )
