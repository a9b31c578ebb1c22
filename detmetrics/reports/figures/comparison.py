"""Two models: the difference of each metric, or of one metric in each class, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from detmetrics.analysis.comparison import Comparison, Difference
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, no_such
from detmetrics.metrics.summary import lower_is_better
from detmetrics.reports.figures import COLOURS
from detmetrics.reports.figures.canvas import (
    FEW_OBJECTS,
    INK,
    TEXT,
    canvas,
    end_of,
    figure_of,
    finish,
    name_of,
    say,
    set_names,
)
from detmetrics.reports.figures.classes import MOST_ROWS, ends_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["class_differences_figure", "differences_figure"]

WIDE = 4.8
ROW, MARGIN = 0.2, 1.2  # inches
Row = tuple[str, Difference] | None


def differences_figure(comparison: Comparison, *, ax: Axes | None = None) -> Figure:
    """B less A for every metric, with its interval and how likely B is better.

    Raises:
        InputError: matplotlib is not installed.
    """
    rows = [
        (f"{name} (less is better)" if lower_is_better(name) else name, one)
        for name, one in comparison.metrics.items()
    ]
    ax = canvas(ax, WIDE, MARGIN + ROW * max(5, len(rows)))
    _draw(ax, comparison, rows, "", 0)
    return figure_of(ax)


def class_differences_figure(
    comparison: Comparison,
    metric: str | None = None,
    *,
    most: int = MOST_ROWS,
    ax: Axes | None = None,
) -> Figure:
    """B less A in every class, what B wins above; of more than ``most`` both ends.

    metric: the first of the rules unless given.

    Raises:
        InputError: matplotlib is not installed, the classes were not compared, or no such metric.
    """
    name = next(iter(comparison.metrics)) if metric is None else metric
    if name not in comparison.metrics:
        raise InputError(no_such("metric", name, comparison.metrics))
    if not comparison.classes and comparison.a.class_names:
        raise InputError("the classes were not compared: compare(a, b, per_class=True)")
    known = [
        (label, one[name])
        for label, one in comparison.classes.items()
        if not math.isnan(one[name].interval.value)
    ]
    sign = 1 if lower_is_better(name) else -1
    known.sort(key=lambda row: sign * row[1].interval.value)
    shown, left_out = ends_of(len(known), most)
    rows: list[Row] = [
        None if row is None else (name_of(known[row][0]), known[row][1]) for row in shown
    ]
    ax = canvas(ax, WIDE, MARGIN + ROW * max(5, len(rows)))
    _draw(ax, comparison, rows, f": {name} by class", left_out)
    return figure_of(ax)


def _draw(ax: Axes, comparison: Comparison, rows: Sequence[Row], what: str, left_out: int) -> None:
    a, b = (end_of(one.detections.source.name) for one in (comparison.a, comparison.b))
    about = f"A {a}\nB {b}" if a != b else ""
    finish(
        ax,
        f"B less A{what}",
        about,
        f"difference, with {100 * comparison.level:g} % interval (dotted: few objects)",
    )
    ax.axvline(0.0, color=INK, linewidth=0.8)
    if not rows:
        say(ax, "nothing that is defined in both")
        ax.set_yticks([])
        return
    words = f"… {counted(left_out, 'class', 'classes')} between"
    set_names(ax, "y", [words if row is None else row[0] for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    for place, row in enumerate(rows):
        if row is not None:
            _row(ax, place, row[1])
    ax.margins(x=0.08)
    ax.locator_params(axis="x", nbins=5)
    _beside(ax, -0.85, "B − A", "B better")


def _row(ax: Axes, place: int, one: Difference) -> None:
    """Filled where the interval leaves out 0, in the colour of the model that is better."""
    value, low, high = one.interval.value, one.interval.low, one.interval.high
    sure = low > 0 or high < 0
    better = one.better > 0.5
    colour = INK if not sure else COLOURS["blue"] if better else COLOURS["vermilion"]
    style = FEW_OBJECTS if one.interval.few_objects else "-"
    ax.plot([low, high], [place, place], color=colour, linewidth=1.4, linestyle=style)
    ax.plot(
        [value], [place], "o" if not sure else "^" if better else "v", color=colour,
        markersize=5, markerfacecolor=colour if sure else "white",
    )  # fmt: skip
    likely = "" if math.isnan(one.better) else f"{100 * one.better:.0f} %"
    _beside(ax, place, "undefined" if math.isnan(value) else f"{value:+.4f}", likely)


def _beside(ax: Axes, place: float, *words: str) -> None:
    """Two columns to the right of the axes."""
    for word, offset in zip(words, (44, 84), strict=True):
        ax.annotate(
            word, (1.0, place), xycoords=ax.get_yaxis_transform(), xytext=(offset, 0),
            textcoords="offset points", ha="right", va="center", fontsize=TEXT - 1, color=INK,
            annotation_clip=False,
        )  # fmt: skip
