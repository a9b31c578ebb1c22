"""AP and recall over bins of size, shape or place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.analysis.sizes import Bin, Bins
from detmetrics.reports.figures import COLOURS
from detmetrics.reports.figures.canvas import (
    INK,
    TEXT,
    canvas,
    figure_of,
    finish,
    legend_below,
    name_of,
    say,
    set_names,
    size_of,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["sizes_figure"]

WIDE, HIGH = 4.8, 3.6
WIDTH = 0.38
ROOM = 0.5  # inches a bin, from which on numbers stand above the bars
OF = {
    "area": "area in px²",
    "share": "share of the image",
    "height": "height in px",
    "aspect": "width / height",
    "x": "centre from the left, as a share",
    "y": "centre from the top, as a share",
    "border": "distance to the border, as a share",
}


def sizes_figure(bins: Bins, *, ax: Axes | None = None) -> Figure:
    """Two bars a bin, AP and recall, under them how many objects count; all boxes first.

    Raises:
        InputError: matplotlib is not installed.
    """
    ax = canvas(ax, WIDE, HIGH)
    rows = (bins.everything, *bins.bins)
    finish(ax, f"AP and recall by {bins.of}", "", f"{OF[bins.of]}, and objects")
    room = size_of(ax)[0] / len(rows)
    places = np.arange(len(rows)) + np.where(np.arange(len(rows)) > 0, 0.25, 0.0)
    columns = {"AP": [one.ap for one in rows], "recall": [one.recall for one in rows]}
    looks: dict[str, dict[str, Any]] = {
        "AP": {"color": COLOURS["blue"], "edgecolor": INK},
        "recall": {"color": "white", "edgecolor": COLOURS["vermilion"], "hatch": "////"},
    }
    entries: list[tuple[Artist, str]] = []
    for side, (name, values) in zip((-0.5, 0.5), columns.items(), strict=True):
        heights = np.nan_to_num(np.array(values))
        bars = ax.bar(places + side * WIDTH, heights, WIDTH, linewidth=0.6, **looks[name])
        entries.append((bars[0], name))
        for place, height, value in zip(places + side * WIDTH, heights, values, strict=True):
            if not np.isnan(value) and room >= ROOM:
                ax.annotate(
                    f"{value:.2f}", (place, height), xytext=(0, 2), textcoords="offset points",
                    ha="center", fontsize=TEXT - 1, color=INK,
                )  # fmt: skip
    words = [_words(one) for one in rows]
    set_names(ax, "x", words, [*places], size=min(TEXT, 14 * room))
    ax.set_ylim(0, 1.08)
    ax.grid(visible=False, axis="x")
    if not bins.everything.ground_truths:
        say(ax, "no ground truth")
    legend_below(ax, entries, drop=31 + 11 * max(word.count("\n") for word in words))
    return figure_of(ax)


def _words(one: Bin) -> str:
    number = f"{one.ground_truths:,}" if one.ground_truths else "none"
    return f"{name_of(one.range.name, 20)}\n{number}".replace(" to ", " to\n")
