"""TIDE's kinds of error: the AP that each costs, and how many there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from detmetrics.analysis.error_kinds import ERROR_KINDS, MENDED_TOGETHER, ErrorTypes
from detmetrics.reports.figures import COLOURS, matplotlib_module
from detmetrics.reports.figures.canvas import INK, TEXT, figure_of, finish, panels, say, set_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_costs", "draw_counts", "errors_figure"]

WIDE, HIGH = 6.0, 2.9
KINDS = (*ERROR_KINDS, *MENDED_TOGETHER)
ROOM = 1.45  # beyond the longest bar, for its number


def errors_figure(errors: ErrorTypes) -> Figure:
    """What each kind costs on the left, how many there are on the right.

    Raises:
        InputError: matplotlib is not installed.
    """
    left, right = panels(WIDE, HIGH, columns=2, sharey=True)
    draw_costs(left, errors)
    draw_counts(right, errors)
    right.tick_params(labelleft=False)
    return figure_of(left)


def draw_costs(ax: Axes, errors: ErrorTypes) -> None:
    """The AP that would be won by mending each kind (dAP), on axes of matplotlib."""
    costs = [errors.dap[kind] for kind in KINDS]
    words = ["undefined" if math.isnan(cost) else f"{cost:.3f}" for cost in costs]
    ap = "undefined" if math.isnan(errors.ap) else f"{errors.ap:.3f}"
    finish(ax, "Errors: cost", f"AP {ap}, IoU {errors.iou:g}", "AP won if mended")
    _bars(ax, costs, words)
    if "AP" in errors.undefined:
        say(ax, errors.undefined["AP"])


def draw_counts(ax: Axes, errors: ErrorTypes) -> None:
    """How many errors there are of each kind, on axes of matplotlib."""
    counts = [errors.counts[kind] for kind in KINDS]
    right = f"{errors.true_positives:,} right"
    finish(ax, "Errors: number", right, "how many")
    ax.xaxis.set_major_formatter(matplotlib_module("ticker").StrMethodFormatter("{x:,.0f}"))
    _bars(ax, counts, [f"{count:,}" for count in counts])


def _bars(ax: Axes, values: list[float] | list[int], words: list[str]) -> None:
    """The two sums stand apart below the kinds: an error is in one of them, too."""
    places = np.arange(len(KINDS)) + np.where(np.arange(len(KINDS)) < len(ERROR_KINDS), 0.0, 0.35)
    lengths = np.nan_to_num(np.array(values, float))
    bars = ax.barh(places, lengths, height=0.7, color=COLOURS["blue"], edgecolor=INK, linewidth=0.5)
    for bar in bars[len(ERROR_KINDS) :]:
        bar.set(facecolor="white", hatch="////", edgecolor=COLOURS["blue"])
    for place, length, word in zip(places, lengths, words, strict=True):
        ax.annotate(
            word,
            (max(float(length), 0.0), place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=TEXT,
            color=INK,
        )
    set_names(ax, "y", KINDS, [*places])
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.set_xlim(min(0.0, ROOM * float(lengths.min())), ROOM * float(lengths.max()) or 1.0)
    ax.grid(visible=False, axis="y")
    ax.locator_params(axis="x", nbins=2)
