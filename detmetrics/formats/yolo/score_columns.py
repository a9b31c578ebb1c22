"""Lines of a box and a score in shares that show more than their order: percent and track ids.

A tracker adds the id of the track behind the score, or behind the box of a label, and leaves it out
in images without any track. Source: ``Results.save_txt`` of Ultralytics, with ``save_conf`` and a
tracker.
"""

from __future__ import annotations

import numpy as np

from detmetrics.formats.lines.column_names import CENTRES, TRACK
from detmetrics.formats.lines.layout_evidence import is_relative
from detmetrics.formats.lines.layouts import Layout, told_layout
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.track_ids import of_tracks, tracked
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint

__all__ = [
    "ORDERS",
    "layout_of_percent",
    "refuse_track_ids",
    "refuse_tracked_labels",
    "tracked_labels",
    "tracked_predictions",
]

ORDERS = ((*CENTRES, "score"), ("score", *CENTRES))
WITH_TRACKS = tuple((*order, TRACK) for order in ORDERS)
MOSTLY, SHARES = 0.5, 0.99


def layout_of_percent(values: Floats, end: tuple[str, ...] = ()) -> Layout | None:
    """The order, where scores are in percent; None where they are not.

    values : (R, C); end: names behind box and score.
    """
    order = _percent(values[:, : len(ORDERS[0])])
    if order is None:
        return None
    said = "scores are in percent, and read as they are"
    return Layout(names=(*ORDERS[order], *end), relative=True, evidence=said)


def tracked_predictions(lines: Lines) -> tuple[Floats, Layout] | None:
    """(R, 6) the numbers of lines with a track id behind, and what they are; None without ids."""
    values = tracked(lines, len(WITH_TRACKS[0]), in_all=False)
    if values is None or not is_relative(values[:, 1:4]):
        return None
    if (percent := layout_of_percent(values, (TRACK,))) is not None:
        return values, percent
    try:
        layout = told_layout(values, (WITH_TRACKS,), "", relative=True)
    except FormatError:  # either order, or none
        said = "the order in which Ultralytics writes them"
        layout = Layout(names=WITH_TRACKS[0], relative=True, evidence=said)
    # An angle stands where the score of a track would.
    scores = layout.column("score", values)
    return None if scores is None or ((scores < 0) | (scores > 1)).any() else (values, layout)


def tracked_labels(lines: Lines) -> Floats | None:
    """(R, 5) the numbers of labels with a track id behind, None without ids; 0 and 1 are none."""
    values = tracked(lines, len(CENTRES) + 1)
    if values is None or not is_relative(values[:, :4]) or values[:, 4].max() <= 1:
        return None
    return values


def refuse_tracked_labels(lines: Lines, path: str) -> None:
    """Refuse labels with a track id behind, and say how to read them.

    Raises:
        FormatError: these are such.
    """
    values = tracked_labels(lines)
    if values is not None:
        raise of_tracks(path, told_layout(values, (((*CENTRES, TRACK),),), path, relative=True))


def refuse_track_ids(lines: Lines, values: Floats, path: str) -> None:
    """Refuse whole numbers in place of scores that no file holds twice, counted from 0 or 1.

    values : (R, 5) of the lines.

    Raises:
        FormatError: these are such.
    """
    percent = _percent(values)
    if percent is None:
        return
    ids = values[:, 4 if percent == 0 else 0]
    if (ids != np.floor(ids)).any() or ids.min() > 1 or len(values) < 2:
        return
    pairs = np.column_stack([lines.file, ids])
    if len(np.unique(pairs, axis=0)) == len(pairs):
        order = " ".join(("class", *ORDERS[percent]))
        raise FormatError(
            path,
            [
                (
                    "the column of scores holds whole numbers from "
                    f"{ids.min():g} to {ids.max():g}, each at most once per file: are they track "
                    "ids? Save scores too (save_conf=True), or, if they are scores, "
                    + hint("columns", order=order)
                )
            ],
        )


def _percent(values: Floats) -> int | None:
    """Which of the orders it is, where four columns are shares and the first or last is not."""
    for order, at in enumerate((4, 0)):
        score = values[:, at]
        if len(values) and _large(score) > MOSTLY:
            others = [_large(column) for column in np.delete(values, at, axis=1).T]
            in_range = bool(((score >= 0) & (score <= 100)).all())
            return order if max(others) <= 1 - SHARES and in_range else None
    return None


def _large(column: Floats) -> float:
    """The share of numbers that are no share of an image."""
    return float((np.abs(column) > 2).mean())
