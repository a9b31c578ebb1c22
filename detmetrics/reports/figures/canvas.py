"""What the figures share: axes, names that nobody checked, legends, words where nothing is drawn.

Names of classes are untrusted text. They are drawn as they stand: no ``$`` starts a formula, no
name reaches TeX, what steers a terminal is spelled out, and a long one loses its middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.messages import printable
from detmetrics.reports.figures import COLOURS, matplotlib_module
from detmetrics.reports.outlines import title_of
from detmetrics.rules import Rules

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "AS_IT_STANDS",
    "FAINT",
    "FEW_OBJECTS",
    "INK",
    "LONGEST",
    "STYLES",
    "TEXT",
    "Style",
    "about_rules",
    "canvas",
    "end_of",
    "figure_of",
    "finish",
    "legend_below",
    "name_of",
    "number",
    "overlap_words",
    "panels",
    "say",
    "set_names",
    "size_of",
]

TEXT = 8
FEW_OBJECTS = ":"  # the style of an interval that may be too narrow
LONGEST = 24
HANDLE, LETTER = 0.42, 0.057  # inches that an entry of a legend takes
PAPER, INK, FAINT = "#FFFFFF", "#222222", "#BBBBBB"
AS_IT_STANDS: dict[str, Any] = {"parse_math": False, "usetex": False}
"""Of every text that holds a name."""


class Style(NamedTuple):
    """How one of several lines is told from the others, with colours and without."""

    colour: str
    line: Any


STYLES = (
    Style(COLOURS["blue"], "-"),
    Style(COLOURS["vermilion"], (0, (5, 1.5))),
    Style(COLOURS["green"], (0, (6, 1.5, 1, 1.5))),
    Style(COLOURS["orange"], (0, (2, 1))),
    Style(COLOURS["sky"], (0, (8, 2))),
    Style(COLOURS["purple"], (0, (4, 1, 1, 1, 1, 1))),
    Style(COLOURS["brown"], (0, (1, 1))),
)


def canvas(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes that were given, or those of a new figure of this size in inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    return panels(width, height)[0] if ax is None else _lit(ax)


def panels(width: float, height: float, rows: int = 1, columns: int = 1, **more: Any) -> list[Axes]:
    """The axes of a new figure, row by row.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure = matplotlib_module("figure").Figure(
        figsize=(width, height), layout="constrained", facecolor=PAPER
    )
    made = [*figure.subplots(rows, columns, squeeze=False, **more).flat]
    for ax in made:
        _in_ink(_lit(ax))
    return made


def _lit(ax: Axes) -> Axes:
    ax.set_facecolor(PAPER)
    return ax


def _in_ink(ax: Axes) -> None:
    """Dark on light, whatever style is in force; axes that were given keep their owner's style."""
    ax.tick_params(colors=INK, which="both")
    for text in (ax.xaxis.label, ax.yaxis.label, *(ax._left_title, ax.title)):  # type: ignore[attr-defined]
        text.set_color(INK)
    for spine in ax.spines.values():
        spine.set_color(INK)


def figure_of(ax: Axes) -> Figure:
    """The whole figure that axes lie in."""
    figure: Any = ax.figure
    whole: Figure = figure.figure  # of a part of a figure: the figure
    return whole


def size_of(ax: Axes) -> tuple[float, float]:
    """About how wide and high axes are, in inches."""
    box, whole = ax.get_position(), figure_of(ax).get_size_inches()
    return float(box.width * whole[0]), float(box.height * whole[1])


def finish(ax: Axes, title: str, about: str, x: str = "", y: str = "") -> None:
    """Titles, names of both axes and a grid; about: what was asked for, under the title."""
    ax.set_title(
        f"{title}\n{about}" if about else title,
        loc="left",
        fontsize=TEXT + 1,
        **AS_IT_STANDS,
    )
    ax.set_xlabel(x, fontsize=TEXT, **AS_IT_STANDS)
    ax.set_ylabel(y, fontsize=TEXT, **AS_IT_STANDS)
    ax.tick_params(labelsize=TEXT)
    ax.set_axisbelow(True)
    ax.grid(visible=True, linewidth=0.4, color=FAINT, alpha=0.6)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def name_of(text: str, most: int = LONGEST) -> str:
    r"""A name as it is drawn.

    >>> name_of("a" * 30 + "z", 9), name_of(" "), name_of("no\nline")
    ('aaaaa…aaz', '(no name)', 'no\\nline')
    """
    tame = printable(text)
    if not tame.strip():
        return "(no name)"
    end = most // 3
    return tame if len(tame) <= most else f"{tame[: most - end - 1]}…{tame[-end:]}"


def about_rules(result: Evaluation, *more: str) -> str:
    """The rules that numbers were made by, and the shapes that were measured where they are no
    boxes, for the line under a title; empty words are left out.
    """
    shapes = "" if result.rules.shape == "box" else title_of(result.rules)
    return ", ".join(filter(None, [f"rules {name_of(result.rules.name)}", shapes, *more]))


def overlap_words(rules: Rules, iou: float) -> str:
    """From which overlap on detections are right; of some rules each class has one."""
    return "IoU of each class" if rules.class_rules else f"IoU {iou:g}"


def end_of(path: str, most: int = 34) -> str:
    """A path as it is drawn: its end, which tells it from others.

    >>> end_of("runs/2026/detect/labels", 13)
    '…etect/labels'
    """
    tame = printable(path)
    return tame if len(tame) <= most else f"…{tame[1 - most :]}"


def number(value: float) -> str:
    """Three decimals, or a dash where it is undefined."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def set_names(
    ax: Axes,
    axis: Literal["x", "y"],
    names: Sequence[str],
    places: Sequence[float] | None = None,
    *,
    size: float = TEXT,
    turned: int = 0,
) -> None:
    """Names on the x or the y axis, at 0, 1, 2 ... unless places are given."""
    setter = ax.set_xticks if axis == "x" else ax.set_yticks
    at = range(len(names)) if places is None else places
    setter(at, labels=[*names], fontsize=size, rotation=turned, **AS_IT_STANDS)
    ax.tick_params(axis=axis, length=0)


def legend_below(ax: Axes, entries: Sequence[tuple[Artist, str]], drop: float = 31.0) -> None:
    """A legend under the axes, where it hides nothing; drop: by how many points, for what stands
    between them.
    """
    if not entries:
        return
    handles, words = zip(*entries, strict=True)
    figure = figure_of(ax)
    lower = matplotlib_module("transforms").ScaledTranslation(
        0.0, -drop / 72, figure.dpi_scale_trans
    )
    widest = HANDLE + LETTER * max(map(len, words))
    columns = max(1, min(3, len(entries), int((size_of(ax)[0] + 0.3) / widest)))
    legend = ax.legend(
        handles,
        words,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=ax.transAxes + lower,
        borderaxespad=0.0,
        ncols=columns,
        fontsize=TEXT,
        frameon=False,
        handlelength=2.4,
        columnspacing=0.8,
    )
    for text in legend.get_texts():
        text.update(AS_IT_STANDS)
        text.set_color(INK)


def say(ax: Axes, words: str) -> None:
    """Words in the middle of the axes, where there is nothing to draw."""
    ax.text(
        0.5,
        0.5,
        words,
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize=TEXT + 1,
        color=INK,
        wrap=True,
        bbox={"facecolor": PAPER, "edgecolor": FAINT, "boxstyle": "round,pad=0.5"},
        **AS_IT_STANDS,
    )
