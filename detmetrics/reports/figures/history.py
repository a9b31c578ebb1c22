"""Curves of trainings: losses above, the metric below, the best epoch marked in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import printable
from detmetrics.reports.figures import COLOURS, matplotlib_module
from detmetrics.reports.history import marked
from detmetrics.training.history.choosing import Best
from detmetrics.training.history.comparing import TrainingStanding
from detmetrics.training.history.course import Course
from detmetrics.training.history.record import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_losses", "draw_metric", "histories_figure", "history_figure"]

WIDE, HIGH = 5.0, 4.6
FEW = 40  # epochs up to which every one is a dot
TEXT = 9
FAR_APART = 20  # a loss that ranges over more than this is drawn over powers of ten
LONGEST = 44
MOST = 36


def history_figure(history: History, metric: str | None = None) -> Figure:
    """One history: losses above, the metric below; metric: AP, or what is there, unless given.

    Raises:
        InputError: matplotlib is not installed, the metric is not there, or data are test data.
    """
    wanted = history.usual_metric() if metric is None else metric
    return histories_figure([TrainingStanding(history, wanted)])


def histories_figure(standings: Sequence[TrainingStanding], *, comparable: bool = True) -> Figure:
    """Two panels a history; comparable: the metric has one range in all, so that heights compare.

    Raises:
        InputError: matplotlib is not installed, or there are too many to be read.
    """
    if not 1 <= len(standings) <= MOST:
        raise InputError(f"a figure shows 1 to {MOST} histories, got {len(standings):,}")
    across = math.ceil(math.sqrt(len(standings)))
    down = math.ceil(len(standings) / across)
    figure: Figure = matplotlib_module("figure").Figure(
        figsize=(WIDE * across, HIGH * down), layout="constrained"
    )
    first: Axes | None = None
    for at, standing in enumerate(standings):
        row, column = divmod(at, across)
        place = 2 * row * across + column + 1
        above = figure.add_subplot(2 * down, across, place)
        below = figure.add_subplot(2 * down, across, place + across, sharex=above, sharey=first)
        first = (first or below) if comparable else None
        _draw(above, below, standing)
    return figure


def _draw(above: Axes, below: Axes, standing: TrainingStanding) -> None:
    above.set_title(_title(standing), fontsize=TEXT + 1, loc="left", parse_math=False)
    above.tick_params(labelbottom=False)
    draw_losses(above, standing.course, standing.best)
    draw_metric(below, standing.course, standing.best)
    counted_by = "row" if standing.course.restarted else standing.course.counted_by
    below.set_xlabel(counted_by, fontsize=TEXT)


def draw_losses(ax: Axes, course: Course, best: Best | None = None) -> None:
    """Train and validation loss over epochs, on axes of matplotlib."""
    _curve(ax, course, course.train, "train", COLOURS["blue"], "-")
    _curve(ax, course, course.val, "validation", COLOURS["vermilion"], "--")
    ax.set_ylabel("loss", fontsize=TEXT)
    if _far_apart(course.train, course.val):
        ax.set_yscale("log")
    _finish(ax, course, best)
    ax.legend(fontsize=TEXT, frameon=False)


def draw_metric(ax: Axes, course: Course, best: Best | None = None) -> None:
    """The metric over epochs with its best epoch, on axes of matplotlib."""
    name = printable(course.column or "metric")
    _curve(ax, course, course.metric, name, COLOURS["green"], "-")
    at = marked(course, best)
    if at is not None and best is not None:
        ax.plot(
            [course.axis[at]], [best.value], "o", color=COLOURS["black"], markersize=5, zorder=3
        )
        ax.annotate(
            f"best {best.value:.4f}, {course.place(at)}",
            (float(course.axis[at]), best.value),
            xytext=(4, 6) if at < len(course) / 2 else (-4, 6),
            textcoords="offset points",
            ha="left" if at < len(course) / 2 else "right",
            fontsize=TEXT,
        )
    ax.set_ylabel(name, fontsize=TEXT, parse_math=False)
    ax.margins(y=0.15)
    _finish(ax, course, best)


def _curve(ax: Axes, course: Course, values: Floats, name: str, colour: str, style: str) -> None:
    finite = np.isfinite(values)
    if not finite.any():
        ax.plot([], [], linestyle=style, color=colour, label=f"{name}: no finite number")
        return
    axis = np.array(course.axis, np.float64)
    dots = "o" if int(finite.sum()) <= FEW else None
    ax.plot(
        axis[finite], values[finite], linestyle=style, marker=dots, markersize=3,
        color=colour, linewidth=1.4, label=name,
    )  # fmt: skip


def _finish(ax: Axes, course: Course, best: Best | None) -> None:
    at = marked(course, best)
    if at is not None:
        ax.axvline(float(course.axis[at]), color=COLOURS["black"], linewidth=0.8, linestyle=":")
    ax.tick_params(labelsize=TEXT)
    ax.grid(visible=True, linewidth=0.4, alpha=0.5)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _far_apart(*curves: Floats) -> bool:
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool(0 < FAR_APART * values.min() < values.max())


def _title(standing: TrainingStanding) -> str:
    name = printable(standing.history.source)
    short = name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
    return f"{short}\n{standing.verdict}"
