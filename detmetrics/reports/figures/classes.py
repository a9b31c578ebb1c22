"""A metric of each class, best first, with intervals where they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detmetrics.analysis.bootstrap import Intervals
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few, no_such
from detmetrics.metrics.summary import lower_is_better
from detmetrics.reports.figures import COLOURS
from detmetrics.reports.figures.canvas import (
    AS_IT_STANDS,
    FEW_OBJECTS,
    INK,
    TEXT,
    about_rules,
    canvas,
    figure_of,
    finish,
    name_of,
    say,
    set_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_ROWS", "classes_figure", "ends_of"]

WIDE = 4.8
ROW, MARGIN = 0.17, 1.1  # inches
MOST_ROWS = 41


def classes_figure(
    result: Evaluation,
    metric: str | None = None,
    intervals: Intervals | None = None,
    *,
    most: int = MOST_ROWS,
    ax: Axes | None = None,
) -> Figure:
    """A bar a class, best above; of more than ``most`` the best and the worst.

    metric: the first of the rules unless given. intervals: of this result, each class in them.

    Raises:
        InputError: matplotlib is not installed, the rules have no such metric, fewer than three
            rows, or the intervals are of no classes.
    """
    name = next(iter(result.summary)) if metric is None else metric
    columns = result.class_columns()
    if name not in result.summary:
        raise InputError(no_such("metric", name, result.summary))
    if intervals is not None and set(intervals.classes) != set(result.class_names):
        raise InputError(
            f"expected intervals of {counted(len(result.class_names), 'class', 'classes')}, got "
            f"{len(intervals.classes)} of them: confidence_intervals(result, per_class=True)"
        )
    values = columns[name].astype(float)
    order = np.argsort(values if lower_is_better(name) else -values, kind="stable")
    order = order[~np.isnan(values[order])]
    rows, left_out = ends_of(len(order), most)
    ax = canvas(ax, WIDE, MARGIN + ROW * max(6, len(rows)))
    about = about_rules(result)
    if intervals is not None:
        about += f", {100 * intervals.level:g} % intervals (dotted: few objects)"
    finish(ax, f"{name} by class", about, name)
    if not len(order):
        say(ax, "no class in which it is defined" if result.class_names else "no classes")
        ax.set(yticks=[], xlim=(0, 1))
        return figure_of(ax)
    shown = [None if row is None else int(order[row]) for row in rows]
    _bars(ax, result.class_names, values, shown, left_out)
    if intervals is not None:
        _whiskers(ax, result.class_names, name, values, shown, intervals)
    _mean(ax, result.summary[name], len(rows))
    _rest(ax, name, [result.class_names[row] for row in np.flatnonzero(np.isnan(values))])
    return figure_of(ax)


def ends_of(count: int, most: int) -> tuple[list[int | None], int]:
    """Which of so many rows to draw: all, or the first and the last with None between; how many
    are left out.

    Raises:
        InputError: fewer than three.

    >>> ends_of(9, 5)
    ([0, 1, None, 7, 8], 5)
    """
    if most < 3:
        raise InputError(f"most: expected 3 rows or more, got {most}")
    if count <= most:
        return [*range(count)], 0
    above, below = most // 2, (most - 1) // 2
    return [*range(above), None, *range(count - below, count)], count - above - below


def _bars(
    ax: Axes, names: tuple[str, ...], values: Floats, shown: list[int | None], left_out: int
) -> None:
    places = [place for place, row in enumerate(shown) if row is not None]
    own = [row for row in shown if row is not None]
    ax.barh(
        places, values[own], height=0.72, color=COLOURS["sky"], edgecolor=COLOURS["blue"],
        linewidth=0.6,
    )  # fmt: skip
    words = "… " + counted(left_out, "class", "classes") + " between"
    set_names(ax, "y", [words if row is None else name_of(names[row]) for row in shown])
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    for place, row in zip(places, own, strict=True):
        ax.text(
            1.01, place, f"{values[row]:.3f}", transform=ax.get_yaxis_transform(), va="center",
            fontsize=TEXT - 1, color=INK,
        )  # fmt: skip
    ax.set_xlim(0, max(1.0, float(values[own].max())))


def _whiskers(
    ax: Axes,
    names: tuple[str, ...],
    metric: str,
    values: Floats,
    shown: list[int | None],
    intervals: Intervals,
) -> None:
    for place, row in enumerate(shown):
        if row is None:
            continue
        interval = intervals.classes[names[row]][metric]
        ends = [interval.low, interval.high]
        style = FEW_OBJECTS if interval.few_objects else "-"
        ax.plot(ends, [place, place], color=INK, linewidth=1.1, linestyle=style)
        ax.plot([values[row]], [place], "|", color=INK, markersize=4)


def _mean(ax: Axes, value: float, rows: int) -> None:
    if np.isnan(value):
        return
    ax.axvline(value, color=COLOURS["vermilion"], linewidth=1.2, linestyle=(0, (5, 2)))
    ax.annotate(
        f"over all {value:.3f}", (value, rows - 0.5), xytext=(3, 1), textcoords="offset points",
        fontsize=TEXT - 1, color=COLOURS["vermilion"], va="bottom",
    )  # fmt: skip


def _rest(ax: Axes, metric: str, names: list[str]) -> None:
    if names:
        short = few([name_of(name, 14) for name in names], 3)
        ax.set_xlabel(f"{metric}\nundefined: {short}", fontsize=TEXT, **AS_IT_STANDS)
