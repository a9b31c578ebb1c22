"""The confusion matrix: rows are what is there, columns what was detected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from detmetrics.analysis.confusion import ConfusionMatrix
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import InputError
from detmetrics.reports.error_kinds import most_confused, pooled
from detmetrics.reports.figures import matplotlib_module
from detmetrics.reports.figures.canvas import (
    FAINT,
    INK,
    TEXT,
    canvas,
    figure_of,
    finish,
    name_of,
    say,
    set_names,
    size_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_figure"]

MARGIN, CELL = 1.6, 0.33  # inches
LEAST, LARGEST = 4.4, 7.4
MOST = 30
SMALLEST_TEXT = 5.0  # points
ROOM = 14.0  # points from which on numbers stand in the cells
Over = Literal["ground_truths", "detections", "counts"]
SHARES = {
    "ground_truths": "share of the objects of a row",
    "detections": "share of the detections of a column",
    "counts": "objects and detections",
}


def confusion_figure(
    matrix: ConfusionMatrix,
    over: Over = "ground_truths",
    *,
    most: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Shares of each row or column, or counts; corner and rows without any are hatched.

    over: what shares are taken of; ``"counts"`` draws the counts. most: rows of classes, 30
    unless given, fewer on axes that are too small for them; of more classes those most often
    confused are drawn, and all others in one row and column.

    Raises:
        InputError: matplotlib is not installed, no such choice, or fewer than two rows.
    """
    if over not in SHARES:
        raise InputError(f"over: expected one of {', '.join(SHARES)}, got {over!r}")
    if most is not None and most < 2:
        raise InputError(f"most: expected 2 rows or more, got {most}")
    drawn = _fitting(matrix, _readable(ax) if most is None else most)
    rows = len(drawn.labels)
    side = min(LARGEST, max(LEAST, MARGIN + CELL * rows))
    ax = canvas(ax, side + 0.5, side)
    about = f"confidence {matrix.confidence:g}, IoU {matrix.iou:g}"
    if matrix.definition != "greedy":
        about += f", as {matrix.definition}"
    finish(ax, "What is taken for what", about, "detected as", "is there")
    ax.grid(visible=False)
    ax.set_anchor("NW")
    values: Floats = drawn.counts.astype(float)
    if over != "counts":
        values = drawn.normalized(over)
    nothing = np.isnan(values)
    nothing[-1, -1] = True  # background taken for background is nothing that was counted
    _cells(ax, values, nothing, over)
    _labels(ax, drawn)
    if 72 * min(size_of(ax)) / rows >= ROOM:
        _numbers(ax, values, nothing, over)
    if not drawn.counts.any():
        say(ax, f"no objects, and no detections from {matrix.confidence:g} on")
    return figure_of(ax)


def _readable(ax: Axes | None) -> int:
    """How many classes can have names that people can read."""
    if ax is None:
        return MOST
    return max(2, min(MOST, int(0.55 * 72 * min(size_of(ax)) / SMALLEST_TEXT) - 1))


def _fitting(matrix: ConfusionMatrix, most: int) -> ConfusionMatrix:
    if len(matrix.class_names) <= most:
        return matrix
    return pooled(matrix, np.sort(most_confused(matrix)[: most - 1]))


def _cells(ax: Axes, values: Floats, nothing: Bools, over: str) -> None:
    colours = matplotlib_module("colors")
    top = float(np.where(nothing, 0.0, values).max())
    # Counts of all classes on one scale: its root, or one frequent class leaves all others white.
    scale = colours.PowerNorm(0.5, 0.0, max(top, 1.0)) if over == "counts" else None
    norm = scale or colours.Normalize(0.0, 1.0)
    image = ax.imshow(np.ma.masked_array(values, nothing), cmap="Blues", norm=norm)
    patches = matplotlib_module("patches")
    for row, column in np.argwhere(nothing).tolist():
        ax.add_patch(
            patches.Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                facecolor="#EEEEEE",
                edgecolor=FAINT,
                hatch="///",
                linewidth=0,
            )
        )
    for edge in range(len(values) + 1):
        last = edge == len(values) - 1  # the background stands apart
        width, colour = (1.2, INK) if last else (0.3, FAINT)
        ax.axhline(edge - 0.5, color=colour, linewidth=width)
        ax.axvline(edge - 0.5, color=colour, linewidth=width)
    bar = figure_of(ax).colorbar(image, cax=ax.inset_axes((1.03, 0.1, 0.035, 0.8)))
    bar.set_label(SHARES[over], fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=TEXT - 1, colors=INK)
    bar.outline.set_visible(False)


def _labels(ax: Axes, drawn: ConfusionMatrix) -> None:
    side = 72 * min(size_of(ax))
    size = max(SMALLEST_TEXT, min(TEXT, 0.55 * side / len(drawn.labels)))
    letters = int(0.3 * side / (0.55 * size))  # names take at most so much of the room
    names = [name_of(name, max(6, min(18, letters))) for name in drawn.labels]
    set_names(ax, "y", names, size=size)
    set_names(ax, "x", names, size=size, turned=90)
    for edge in ("left", "bottom"):
        ax.spines[edge].set_visible(False)


def _numbers(ax: Axes, values: Floats, nothing: Bools, over: str) -> None:
    """In each cell that is not 0 as it is written, light on dark."""
    room = 72 * min(size_of(ax)) / len(values)
    wide = 3 if over != "counts" else len(f"{int(np.where(nothing, 0, values).max()):d}")
    size = max(SMALLEST_TEXT - 1, min(TEXT, 0.9 * room / (0.6 * max(3, wide))))
    shade: Floats = np.asarray(ax.images[0].norm(np.where(nothing, 0.0, values)))
    for row, column in np.argwhere(~nothing & (values >= 0.005)).tolist():
        value = values[row, column]
        text = f"{int(value):d}" if over == "counts" else f"{value:.2f}".replace("0.", ".", 1)
        ax.text(
            column, row, text, ha="center", va="center", fontsize=size,
            color="white" if shade[row, column] > 0.55 else INK,
        )  # fmt: skip
