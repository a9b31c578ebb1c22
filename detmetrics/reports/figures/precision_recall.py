"""Precision over recall: one class at several overlaps, or all classes at one.

Lines are envelopes, the highest precision at a recall or beyond, since that is what AP averages;
where a figure shows one class at one overlap, precision itself stands behind it. The mean of
classes is that of AP, at each recall point of the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.metrics.average_precision import PRECISION
from detmetrics.metrics.curves import Curve
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import cells_of, mean_of, means_of_categories
from detmetrics.reports.figures import COLOURS, matplotlib_module
from detmetrics.reports.figures.canvas import (
    FAINT,
    INK,
    STYLES,
    TEXT,
    about_rules,
    canvas,
    figure_of,
    finish,
    legend_below,
    name_of,
    number,
    overlap_words,
    say,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["precision_recall_figure"]

WIDE, HIGH = 4.8, 4.6
MOST_LEVELS = 5
FEW = 6  # classes up to which each has a style of its own
ENDS = 3  # of more of them, so many of the best and of the worst have one
FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
EQUAL_F1 = (0.2, 0.4, 0.6, 0.8)
Entries = list[tuple["Artist", str]]


def precision_recall_figure(
    result: Evaluation,
    category: str | None = None,
    iou: float | Sequence[float] | None = None,
    *,
    area: str = "all",
    ax: Axes | None = None,
) -> Figure:
    """One class at several overlaps; without a class, all of them at one.

    iou: of the rules; without it a class is drawn at up to five of them, all classes at the first.

    Raises:
        InputError: matplotlib is not installed, no class has this name, or several overlaps for
            all classes.
        RulesError: the rules have no such threshold or range.
    """
    levels = _levels(result, iou, 1 if category is None else MOST_LEVELS)
    index = result.rules.area_index(area)
    at = [result.threshold_index(level) for level in levels]
    curves = [] if category is None else [result.curve(category, one, area) for one in levels]
    ax = canvas(ax, WIDE, HIGH)
    _equal_f1(ax)
    where = "" if area == "all" else name_of(area)
    if category is None:
        title = f"Precision and recall at {overlap_words(result.rules, levels[0])}"
        entries = _classes(ax, result, at[0], index, area)
    else:
        name = name_of(category)
        title = f"Precision and recall: {name}"
        words = [overlap_words(result.rules, level) for level in levels]
        own = [_average_precision(result, one, index)[0] for one in at]
        row = result.class_names.index(category)
        entries = _overlaps(ax, name, words, curves, [float(one[row]) for one in own])
    finish(ax, title, about_rules(result, where), "recall", "precision")
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xticks=FIFTHS, yticks=FIFTHS)
    legend_below(ax, entries)
    return figure_of(ax)


def _levels(result: Evaluation, iou: float | Sequence[float] | None, most: int) -> list[float]:
    """The thresholds to draw; without a choice some of the rules', evenly, the first among them.

    Raises:
        InputError: none, or several where one can be drawn.
    """
    if iou is None:
        known = result.rules.iou_thresholds
        return [*known[:: -(-len(known) // most)]]
    given = [iou] if isinstance(iou, (int, float)) else [*iou]
    if not given or len(given) > 1 == most:
        wanted = "one overlap for all classes" if most == 1 else "an overlap or several"
        raise InputError(f"iou: expected {wanted}, got {given}")
    return given


def _average_precision(result: Evaluation, threshold: int, area: int) -> tuple[Floats, float]:
    """(K,) AP of each class at a threshold of the rules, and their mean."""
    last = len(result.rules.max_detections) - 1
    cells = cells_of(result.curves, Metric("AP", PRECISION, area, threshold, last))
    return means_of_categories(cells), mean_of(cells, result.curves, area)


def _overlaps(
    ax: Axes, name: str, words: Sequence[str], curves: Sequence[Curve], ap: Sequence[float]
) -> Entries:
    if not curves[0].positives:
        say(ax, f"no ground truth of {name}")
        return []
    if not len(curves[0].recall):
        say(ax, f"no detections of {name}")
        return []
    entries: Entries = []
    if len(curves) == 1:
        [raw] = ax.plot(curves[0].recall, curves[0].precision, color="#888888", linewidth=0.8)
        entries.append((raw, "precision itself"))
    # Dark is strict: the shades stay apart in black and white, and short of yellow.
    shades = (
        matplotlib_module("cm")
        .ScalarMappable(cmap="cividis")
        .to_rgba(np.linspace(0, 0.75, len(curves)), norm=False)
    )
    for place, curve in enumerate(curves):
        [line] = ax.plot(
            curve.recall,
            curve.envelope,
            color=shades[len(curves) - 1 - place],
            linestyle=STYLES[place % len(STYLES)].line,
            linewidth=1.6,
            drawstyle="steps-pre",
        )
        entries.append((line, f"{number(ap[place])}  AP at {words[place]}"))
    return entries[::-1] if len(curves) == 1 else entries


def _classes(ax: Axes, result: Evaluation, threshold: int, area: int, where: str) -> Entries:
    own, mean = _average_precision(result, threshold, area)
    order = np.argsort(-own, kind="stable")
    order = order[~np.isnan(own[order])]
    if not len(order):
        say(ax, "no ground truth")
        return []
    if not len(result.matching.row):
        say(ax, "no detections that count")
        return []
    few = len(order) <= FEW
    shown = order if few else np.concatenate([order[:ENDS], order[-ENDS:]])
    entries: Entries = []
    iou = result.rules.iou_thresholds[threshold]
    for row in order[~np.isin(order, shown)].tolist():
        curve = result.curve(result.class_names[row], iou, where)
        [line] = ax.plot(
            curve.recall, curve.envelope, color=FAINT, linewidth=0.7, drawstyle="steps-pre"
        )
    for style, row in zip(STYLES, shown.tolist(), strict=False):
        curve = result.curve(result.class_names[row], iou, where)
        [drawn] = ax.plot(
            curve.recall,
            curve.envelope,
            color=style.colour,
            linestyle=style.line,
            linewidth=1.3,
            drawstyle="steps-pre",
        )
        name = name_of(result.class_names[row], 20)
        entries.append((drawn, f"{number(float(own[row]))}  {name}"))
    if not few:
        entries.insert(ENDS, (line, f"{len(order) - len(shown)} others"))
    cells = result.curves.headline_precision[threshold, :, :, area]
    [average] = ax.plot(
        result.rules.recall_points,
        [mean_of(cells[point : point + 1], result.curves, area) for point in range(len(cells))],
        color=COLOURS["black"],
        linewidth=2.4,
    )
    entries.insert(0, (average, f"{number(mean)}  mean of {len(order)}"))
    return entries


def _equal_f1(ax: Axes) -> None:
    """Faint lines of the same F1, which say how far a point is from a good one."""
    for level in EQUAL_F1:
        recall = np.linspace(level / (2 - level), 1.0, 60)
        precision = level * recall / (2 * recall - level)
        ax.plot(recall, precision, color=FAINT, linewidth=0.6, linestyle=":", zorder=0.5)
        ax.text(
            1.03,
            level / (2 - level),
            f"F1 {level:g}",
            fontsize=TEXT - 2,
            color=INK,
            alpha=0.7,
            va="center",
        )
