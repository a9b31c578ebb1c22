"""Which number in a line is what: told from the values of a whole folder, or asked for.

A layout is a list of names for the numbers of a line. Each layout in use is tried on all lines,
and is possible where hardly a line contradicts it: scores lie in [0, 1], boxes in shares do not
leave the image. Corners and sides in pixels are told apart by evidence of their own
(:mod:`detmetrics.formats.lines.box_evidence`), so that a few bad lines do not decide for a folder.
One possible layout is taken, and said; of several none is, since a wrong one gives a number all
the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.formats.lines.box_evidence import Form, form_of
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import DetmetricsWarning, FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, shown
from detmetrics.foundation.parallel import each
from detmetrics.tables.box_columns import BoxColumns
from detmetrics.tables.columns import BoxFormat, as_xywh
from detmetrics.tables.interpretation import Interpretation

__all__ = [
    "CENTRES",
    "CORNERS",
    "ENOUGH",
    "IGNORED",
    "LABELS",
    "POINTS",
    "SIDES",
    "SLACK",
    "TOLERATED",
    "TRACK",
    "TURNED",
    "Layout",
    "as_asked",
    "asked_layout",
    "contradicted",
    "is_oriented",
    "is_relative",
    "lie_in_unit",
    "told_layout",
]

TOLERATED = 0.01
"""Detectors round and clip badly now and then; a wrong layout contradicts far more lines."""

FEW = 0.25
"""An order is recommended only if at most this share of the lines do not fit it."""

BADLY, CLEARLY, MANY = 0.15, 0.4, 100
"""Where no layout is possible: the share that the best may have against it, and the next must;
among many lines four times as much will do.
"""

SLACK = 0.02
"""How far, in shares of the image, a box may leave it before that is held against a layout."""

CLIPPED = 5.0
"""Pixels by which a box may begin before its image, as detectors write it."""

ENOUGH = 10
"""So many boxes with right beyond left and bottom below top are no accident."""

ROWS = 1 << 14
"""Lines at once: the columns of so many stay in cache."""

SKEWED, ROUNDED = 0.25, 0.005
"""How far, in parts of its extent and in shares of the image, the fourth corner may lie from where
it closes a rectangle; a score among the corners moves it as far as the box is from the edge.
"""

CENTRES = ("cx", "cy", "w", "h")
CORNERS = ("xmin", "ymin", "xmax", "ymax")
SIDES = ("x", "y", "w", "h")
TURNED = (*CENTRES, "angle")
POINTS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
TRACK = "id"
REST = "..."
IGNORED = ("-", TRACK)
"""Names of columns that are not read; there may be several, and ``...`` is as many as there are."""

LABELS = (CENTRES, CORNERS, SIDES)
FORMATS: dict[tuple[str, ...], BoxFormat] = {CENTRES: "cxcywh", CORNERS: "xyxy", SIDES: "xywh"}

Y_FIRST = {
    name: other
    for pair in (("xmin", "ymin"), ("xmax", "ymax"), ("cx", "cy"), ("x", "y"), ("w", "h"))
    for name, other in (pair, pair[::-1])
}

SPELLINGS = {
    "confidence": "score",
    "conf": "score",
    "left": "xmin",
    "top": "ymin",
    "right": "xmax",
    "bottom": "ymax",
    "x1": "xmin",
    "y1": "ymin",
    "x2": "xmax",
    "y2": "ymax",
    "width": "w",
    "height": "h",
    "label": "class",
    "category": "class",
    "x_center": "cx",
    "y_center": "cy",
    "rotation": "angle",
    "theta": "angle",
    "track": TRACK,
    "track_id": TRACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """names: of the numbers of a line, in order; relative: boxes are shares of the image.

    evidence: what speaks for it, empty where nothing was open; others: orders that were possible
    too, each with how badly it fits; against: the share of lines that contradict it.
    """

    names: tuple[str, ...]
    relative: bool
    evidence: str = ""
    others: tuple[str, ...] = ()
    against: float = 0.0

    @property
    def box_format(self) -> BoxFormat:
        """The form of the boxes."""
        return next(kind for names, kind in FORMATS.items() if set(names) <= set(self.names))

    def boxes(self, values: Floats) -> Floats:
        """(R, 4) in the order of ``box_format``, no copy where it is that of the values.

        values : (R, C).
        """
        order = next(names for names in FORMATS if set(names) <= set(self.names))
        places = [self.names.index(name) for name in order]
        first, last = places[0], places[-1] + 1
        return values[:, first:last] if places == [*range(first, last)] else values[:, places]

    def column(self, name: str, values: Floats) -> Floats | None:
        """(R,) one column, or None where the layout has none of this name."""
        return values[:, self.names.index(name)] if name in self.names else None

    @property
    def text(self) -> str:
        """As ``--columns`` takes it."""
        return " ".join(("class", *self.names))

    @property
    def box_columns(self) -> BoxColumns:
        """How another order would be named."""
        return BoxColumns(self.box_format, line=("class", *self.names), relative=self.relative)

    @property
    def taken(self) -> str:
        """The columns and their unit."""
        return f"{self.text} in {'normalized coordinates' if self.relative else 'pixels'}"

    @property
    def why(self) -> str:
        """The columns and what speaks for them, empty where nothing was open."""
        return f"{self.taken}: {self.evidence}" if self.evidence else ""

    def interpretations(self, side: str) -> tuple[Interpretation, ...]:
        """As a value of the side that is read so; none where nothing was open."""
        if not self.evidence:
            return ()
        read = Interpretation(
            side=side, of="columns", taken=self.taken, evidence=self.evidence, others=self.others
        )
        return (read,)


def asked_layout(
    columns: str | Sequence[str], *, scored: bool, width: int = 0
) -> tuple[str, ...] | None:
    """The names of numbers in a line as the user gave them, for this side, if any.

    width: how many numbers lines hold, which ``...`` is filled up to.

    Raises:
        FormatError: names that do not make a box, or no class at the beginning.
    """
    texts = [columns] if isinstance(columns, str) else columns
    for text in texts:
        if "=" in text:
            continue
        words = text.replace(",", " ").lower().split()
        corners = POINTS if set(POINTS) <= set(words) else ()
        names = [word if word in corners else SPELLINGS.get(word, word) for word in words]
        if names.count(REST) == 1:
            at, missing = names.index(REST), width + 2 - len(names)
            names[at : at + 1] = ["-"] * missing
        if ("score" in names) != scored:
            continue
        if names[:1] != ["class"] or not _is_box(names):
            raise FormatError(
                "--columns",
                [
                    (
                        "expected class first and then a box as xmin ymin xmax ymax, x y w h, "
                        "cx cy w h, cx cy w h angle or x1 y1 x2 y2 x3 y3 x4 y4; - for a "
                        "column to ignore, ... for several, as in "
                        f"'class score xmin ymin xmax ymax -'; got {shown(text)}"
                    )
                ],
            )
        return tuple(names[1:])
    return None


def _is_box(names: Sequence[str]) -> bool:
    """Whether names make one box; each stands there once, and an angle turns about a centre."""
    read = [name for name in names if name not in IGNORED]
    known = {*read}
    if len(known) < len(read):
        return False
    if is_oriented(names):
        return {*POINTS} <= known or {*CENTRES} <= known
    return any({*box} <= known for box in FORMATS)


def is_oriented(names: Sequence[str]) -> bool:
    """Whether columns are those of an oriented box: four corners, or sides and an angle."""
    return "angle" in names or {*POINTS} <= {*names}


def as_asked(names: Sequence[str], values: Floats, path: str, *, relative: bool) -> Layout:
    """The layout that the user named, with a warning where many lines do not fit it.

    values : (R, C).
    """
    layout = Layout(names=tuple(names), relative=relative, evidence="as asked")
    share = _against(values, layout.names, relative, None) if len(values) >= ENOUGH else 0.0
    if share <= BADLY:
        return layout
    said = f"{share:.0%} of {counted(len(values), 'line')} do not fit"
    warnings.warn(
        f"{path}: columns are {layout.taken}, as asked, but {said}", DetmetricsWarning, stacklevel=4
    )
    return replace(layout, evidence=f"as asked, but {said}")


def told_layout(
    values: Floats,
    groups: Sequence[Sequence[Sequence[str]]],
    path: str,
    *,
    relative: bool,
    sizes: Floats | None = None,
    rivals: Sequence[Sequence[str]] = (),
) -> Layout:
    """The one layout that the numbers allow.

    values : (R, C); groups: layouts to try together, usual ones first: later groups are tried
    where no layout of the earlier ones is possible; relative: boxes are shares;
    sizes : (R, 2) width and height of the image of each row, nan where unknown;
    rivals: layouts that leave it open where sides would be told and one of these is possible too.

    Raises:
        FormatError: several are possible, or none.
    """
    # for group in groups, usual layouts first:
    #     possible = layouts of it that at most TOLERATED of the lines contradict
    #     if there are several: it is open, and asked
    #     if there is one, or one that is contradicted far less than all others: it is taken
    # none of any group: it is open, and asked
    if not len(values):
        return Layout(names=tuple(groups[0][0]), relative=relative)
    tried: list[tuple[Layout, float]] = []
    for group in groups:
        fresh = [Layout(names=tuple(names), relative=relative) for names in group]
        against = each(lambda made: _against(values, made.names, relative, sizes), fresh)
        shares = [*zip(fresh, against, strict=True)]
        tried += shares
        possible = [(layout, share) for layout, share in shares if share <= TOLERATED]
        if len(possible) > 1:
            raise _open(path, "several orders of columns are", possible, len(values), relative)
        if best := possible[0][0] if possible else _best(shares, len(values)):
            others = [Layout(names=tuple(names), relative=relative) for names in rivals]
            shares = [(other, _against(values, other.names, relative, sizes)) for other in others]
            equal = [(other, share) for other, share in shares if share <= TOLERATED]
            if "x" in best.names and equal:
                both = [(best, 0.0), *equal]
                raise _open(path, "several orders of columns are", both, len(values), relative)
            return _told(best, tried, len(values))
    unusual = [Layout(names=names, relative=relative) for names in _unusual(groups)]
    rare = [(layout, _against(values, layout.names, relative, sizes)) for layout in unusual]
    fitting = [(layout, share) for layout, share in rare if share <= TOLERATED]
    ranked = [*fitting, *sorted(tried, key=lambda found: found[1])]
    what = "no usual order of columns is" if fitting else "no order of columns is"
    raise _open(path, what, ranked, len(values), relative)


def _unusual(groups: Sequence[Sequence[Sequence[str]]]) -> Iterator[tuple[str, ...]]:
    """The same orders with y before x, and with the height before the width."""
    for names in dict.fromkeys(tuple(names) for group in groups for names in group):
        yield tuple(Y_FIRST.get(name, name) for name in names)
        if "w" in names:
            yield tuple(Y_FIRST[name] if name in ("w", "h") else name for name in names)


def told_labels(values: Floats, path: str) -> tuple[Layout, str | None]:
    """What labels in shares hold: centres, unless far more lines contradict that than can be.

    values : (R, 4). Returns the layout and what to say, or None.

    Raises:
        FormatError: they are no centres, and nothing else that is in use either.
    """
    against = _against(values, CENTRES, True, None)
    if against <= BADLY or len(values) < ENOUGH:
        # Tables say which reach outside.
        return Layout(names=CENTRES, relative=True, against=against), None
    layout = told_layout(values, (LABELS,), path, relative=True)
    return layout, f"{path}: columns are {layout.why}"


def _told(layout: Layout, tried: list[tuple[Layout, float]], rows: int) -> Layout:
    share = next(share for other, share in tried if other is layout)
    text = f"{share:.1%} of {counted(rows, 'line')} do not fit"
    others = sorted((share, other.text) for other, share in tried if other is not layout)
    if others:
        text += f"; every other order fits worse ({others[0][0]:.0%} or more)"
    fits = tuple(f"{order} ({share:.0%} of lines do not fit)" for share, order in others)
    return replace(layout, evidence=text, others=fits, against=share)


def _open(
    path: str, what: str, shown: list[tuple[Layout, float]], rows: int, relative: bool
) -> FormatError:
    orders = ", ".join(f"'{layout.text}' ({share:.0%} do not fit)" for layout, share in shown)
    unit = "normalized coordinates" if relative else "pixels"
    # All that fit, or else the one that fits best, if it fits most lines.
    fitting = [layout for layout, share in shown if share <= TOLERATED]
    offered = fitting or [layout for layout, share in shown[:1] if share <= FEW]
    fix = " or ".join(hint("columns", order=layout.text) for layout in offered)
    fix = fix or "name the columns in their order with --columns"
    return FormatError(
        path, [f"{what} possible for {counted(rows, 'line')} in {unit}: {orders}; {fix}"]
    )


def _best(tried: list[tuple[Layout, float]], rows: int) -> Layout | None:
    """The one that is contradicted far less than all others, as by boxes that were not clipped."""
    ranked = sorted(tried, key=lambda found: found[1])
    if len(ranked) < 2 or ranked[0][1] > BADLY:
        return None
    best, next_best = ranked[0][1], ranked[1][1]
    if next_best >= CLEARLY or (rows >= MANY and next_best >= max(4 * best, best + 0.05)):
        return ranked[0][0]
    return None


def is_relative(values: Floats) -> bool:
    """Whether all but a few numbers are of the size of shares."""
    if not values.size:
        return True
    large = (np.abs(values) > 2).any(axis=1)
    return bool(large.mean() <= TOLERATED)


def lie_in_unit(boxes: Floats, box_format: BoxFormat) -> bool:
    """Whether boxes can only be shares of the image: fractions, nearly all inside the unit square.

    boxes : (R, 4) as ``box_format`` says.
    """
    if not len(boxes) or not is_relative(boxes) or (boxes == np.floor(boxes)).all():
        return False
    end = as_xywh(boxes, box_format)
    end = end[:, :2] + end[:, 2:]
    return bool((end > 1 + SLACK).any(axis=1).mean() <= BADLY)


def _against(values: Floats, names: Sequence[str], relative: bool, sizes: Floats | None) -> float:
    """The share of lines that contradict a layout."""
    if not len(values):
        return 0.0
    if relative and "x" not in names:  # each line speaks for itself, so parts may stay in cache
        parts = (values[start : start + ROWS] for start in range(0, len(values), ROWS))
        return sum(int(_contradict(part, names, True, None).sum()) for part in parts) / len(values)
    return float(_contradict(values, names, relative, sizes).mean())


def contradicted(values: Floats, names: Sequence[str], relative: bool) -> Bools:
    """(R,) whether a line contradicts a layout, whatever the size of its image."""
    if not relative or "x" in names or not len(values):
        return _contradict(values, names, relative, None)
    parts = (values[start : start + ROWS] for start in range(0, len(values), ROWS))
    return np.concatenate([_contradict(part, names, True, None) for part in parts])


def _contradict(
    values: Floats, names: Sequence[str], relative: bool, sizes: Floats | None
) -> Bools:
    """(R,) whether a line contradicts a layout."""
    column = {name: values[:, at] for at, name in enumerate(names)}
    against = np.zeros(len(values), bool)
    if "score" in column:
        against |= (column["score"] < 0) | (column["score"] > 1)
    if "difficult" in column:
        against |= (column["difficult"] != 0) & (column["difficult"] != 1)
    return against | _no_box(column, relative, sizes)


def _no_rectangle(column: dict[str, Floats]) -> Bools:
    """(R,) of corners in shares: whether they are far from a rectangle, or not in the image."""
    corners = np.stack([column[name] for name in POINTS], axis=1).reshape(-1, 4, 2)
    # In a rectangle, as in any parallelogram, both diagonals have the same middle.
    apart = np.abs(corners[:, 0] + corners[:, 2] - corners[:, 1] - corners[:, 3])
    extent = np.ptp(corners, axis=1)
    centre = corners.mean(axis=1)
    outside = (centre < -SLACK) | (centre > 1 + SLACK)
    wrong: Bools = ((apart > SKEWED * extent + ROUNDED) | outside).any(axis=1)
    return wrong


def _is_other_form(column: dict[str, Floats]) -> bool:
    """Whether the numbers speak for corners where these are sides, or the other way."""
    forms: tuple[tuple[Form, tuple[str, ...]], ...] = (("corners", CORNERS), ("sides", SIDES))
    form, names = next(((f, n) for f, n in forms if set(n) <= column.keys()), (None, ()))
    if form is None:
        return False
    return form_of(np.column_stack([column[name] for name in names])) not in (form, None)


def _no_box(column: dict[str, Floats], relative: bool, sizes: Floats | None) -> Bools:
    """(R,) whether columns are no box of the image; all of them where no detector makes such."""
    if "x4" in column:
        return _no_rectangle(column)
    if not relative and _is_other_form(column):
        return np.ones(len(next(iter(column.values()))), bool)
    if "xmin" in column:
        left, top, right, bottom = (column[name] for name in CORNERS)
        # In pixels a line out of order is a bad line of corners, which their reader names.
        wrong: Bools = ((right < left) | (bottom < top)) & relative
    else:
        wide, high = column["w"], column["h"]
        left = column["x"] if "x" in column else column["cx"] - wide / 2
        top = column["y"] if "y" in column else column["cy"] - high / 2
        right, bottom = left + wide, top + high
        wrong = (wide < 0) | (high < 0)
        if "cx" in column and not relative:
            wrong = wrong | (left < -CLIPPED) | (top < -CLIPPED)
    if not relative and (np.maximum(right - left, bottom - top) <= 2).mean() > CLEARLY:
        return np.ones(len(left), bool)  # no detector finds boxes of a pixel or two
    if relative:
        return wrong | (left < -SLACK) | (top < -SLACK) | (right > 1 + SLACK) | (bottom > 1 + SLACK)
    if sizes is not None:
        with np.errstate(invalid="ignore"):
            beyond = (right > sizes[:, 0] * (1 + SLACK) + 1) | (
                bottom > sizes[:, 1] * (1 + SLACK) + 1
            )
        wrong = wrong | beyond
    return wrong
