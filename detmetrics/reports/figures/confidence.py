"""Precision, recall and F1 over the confidence that a detector is run at, the best F1 marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from detmetrics.analysis.objectives import Objective
from detmetrics.analysis.score_curves import MeanCurve, OperatingCurve, operating_curves
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.reports.figures import COLOURS
from detmetrics.reports.figures.canvas import (
    INK,
    STYLES,
    TEXT,
    about_rules,
    canvas,
    figure_of,
    finish,
    legend_below,
    name_of,
    overlap_words,
    say,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confidence_figure"]

WIDE, HIGH = 4.8, 3.8
AVERAGES = {"micro": "all classes pooled", "macro": "mean of classes"}


def confidence_figure(
    result: Evaluation,
    category: str | None = None,
    iou: float = 0.5,
    *,
    area: str = "all",
    average: Literal["micro", "macro"] = "micro",
    ax: Axes | None = None,
) -> Figure:
    """Numbers of one class, or over all of them, at every cut of the score.

    average: over all classes, of the pooled counts or of the means, see
    :mod:`detmetrics.analysis.score_curves`.

    Raises:
        InputError: matplotlib is not installed, no class has this name, no such average, or a cut
            of the score would change what is matched above it.
        RulesError: the rules have no such threshold or range.
    """
    if average not in AVERAGES:
        raise InputError(f"average: expected 'micro' or 'macro', got {average!r}")
    curves = operating_curves(result, iou, area)
    if category is not None and category not in curves.classes:
        raise InputError(f"no class {category!r}; there are {', '.join(curves.classes)}")
    over: OperatingCurve | MeanCurve = curves.pooled if average == "micro" else curves.mean
    name = AVERAGES[average]
    if category is not None:
        over, name = curves.classes[category], name_of(category)
    ax = canvas(ax, WIDE, HIGH)
    where = "" if area == "all" else name_of(area)
    about = about_rules(result, overlap_words(result.rules, iou), where)
    finish(ax, f"By confidence: {name}", about, "confidence at least")
    ax.set(ylim=(0, 1.02))
    truths = (curves.pooled if category is None else curves.classes[category]).positives
    of = "" if category is None else f" of {name}"
    if not truths:
        say(ax, f"no ground truth{of}")
    elif not len(over.thresholds):
        say(ax, f"no detections{of} that count")
    else:
        _draw(ax, over)
    return figure_of(ax)


def _draw(ax: Axes, curve: OperatingCurve | MeanCurve) -> None:
    # What is kept changes just above a score, so a value holds from the next lower one to its own.
    rising = curve.thresholds[::-1]
    columns = {"precision": curve.precision, "recall": curve.recall, "F1": curve.f()}
    entries = []
    for style, (name, values) in zip(STYLES, columns.items(), strict=False):
        bold = name == "F1"
        [line] = ax.plot(
            rising,
            values[::-1],
            color=COLOURS["black"] if bold else style.colour,
            linestyle=style.line,
            linewidth=2.0 if bold else 1.4,
            drawstyle="steps-pre",
        )
        entries.append((line, name))
    if rising[0] >= 0 and rising[-1] <= 1:
        ax.set_xlim(0, 1)
    best, _ = Objective("f", 1.0).best(curve)
    if best is not None:
        _mark(ax, float(curve.thresholds[best]), float(columns["F1"][best]))
    legend_below(ax, entries)


def _mark(ax: Axes, threshold: float, value: float) -> None:
    ax.axvline(threshold, color=INK, linewidth=0.7, linestyle=":")
    ax.plot([threshold], [value], "o", color=COLOURS["black"], markersize=5, zorder=3)
    low, high = ax.get_xlim()
    left = threshold < (low + high) / 2
    ax.annotate(
        f"best F1 {value:.3f} at {threshold:.3g}",
        (threshold, 0.0),
        xytext=(4 if left else -4, 4),
        textcoords="offset points",
        ha="left" if left else "right",
        va="bottom",
        fontsize=TEXT,
        color=INK,
    )
