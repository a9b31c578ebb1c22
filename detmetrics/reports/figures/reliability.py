"""Whether scores say how often they are right: precision over score, and how many stand where."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from detmetrics.analysis.reliability import Reliability
from detmetrics.reports.figures import COLOURS
from detmetrics.reports.figures.canvas import (
    INK,
    TEXT,
    figure_of,
    finish,
    legend_below,
    panels,
    say,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_bin_counts", "draw_reliability", "reliability_figure"]

WIDE, HIGH = 4.2, 4.9
FAR_APART = 50


def reliability_figure(reliability: Reliability, title: str, about: str = "") -> Figure:
    """Precision of each bin of scores above, the detections in it below.

    title: whose detections they are, as it is to be drawn.

    Raises:
        InputError: matplotlib is not installed.
    """
    above, below = panels(WIDE, HIGH, rows=2, sharex=True, height_ratios=(3, 1))
    entries = draw_reliability(above, reliability, title, about)
    above.set_xlabel("")
    above.tick_params(labelbottom=False)
    draw_bin_counts(below, reliability)
    legend_below(below, entries)
    return figure_of(above)


def draw_reliability(
    ax: Axes, reliability: Reliability, title: str, about: str = ""
) -> list[tuple[Artist, str]]:
    """Precision over the mean score of each bin, on axes of matplotlib; what a legend says."""
    finish(ax, title, about, "confidence", "precision")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    [even] = ax.plot([0, 1], [0, 1], color=INK, linewidth=1.0, linestyle="--")
    full = reliability.count > 0
    if not full.any():
        say(ax, "no detections that count")
        return []
    width = (reliability.high - reliability.low)[full]
    ax.bar(
        reliability.low[full],
        reliability.precision[full],
        width,
        align="edge",
        color=COLOURS["sky"],
        edgecolor=COLOURS["blue"],
        linewidth=0.7,
    )
    ax.vlines(
        reliability.score[full],
        reliability.precision[full],
        reliability.score[full],
        color=COLOURS["vermilion"],
        linewidth=1.4,
    )
    [points] = ax.plot(
        reliability.score[full],
        reliability.precision[full],
        "o",
        color=COLOURS["vermilion"],
        markersize=4,
        markeredgecolor=INK,
        markeredgewidth=0.5,
    )
    gap = "undefined" if math.isnan(reliability.ece) else f"{reliability.ece:.3f}"
    ax.text(
        0.03,
        0.95,
        f"ECE {gap}\nlargest gap {reliability.mce:.3f}",
        transform=ax.transAxes,
        va="top",
        fontsize=TEXT,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.0},
    )
    return [(even, "precision = score"), (points, "a bin and its gap")]


def draw_bin_counts(ax: Axes, reliability: Reliability) -> None:
    """How many detections each bin of scores holds, on axes of matplotlib."""
    finish(ax, "", "", "confidence", "detections")
    ax.bar(
        reliability.low,
        reliability.count,
        reliability.high - reliability.low,
        align="edge",
        color="#DDDDDD",
        edgecolor=INK,
        linewidth=0.6,
    )
    some = reliability.count[reliability.count > 0]
    if len(some) and some.max() > FAR_APART * some.min():
        ax.set_yscale("log")
    elif not len(some):
        ax.set(ylim=(0, 1), yticks=[0])
    ax.set_xlim(0, 1)
