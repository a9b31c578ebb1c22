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

from detmetrics.formats.lines.column_names import (
    CENTRES,
    CORNERS,
    IGNORED,
    POINTS,
    REST,
    SIDES,
    SPELLINGS,
)
from detmetrics.formats.lines.layout_evidence import (
    BADLY,
    CLEARLY,
    ENOUGH,
    TOLERATED,
    share_against,
)
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import DetmetricsWarning, FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, shown
from detmetrics.foundation.parallel import each
from detmetrics.tables.box_columns import BoxColumns
from detmetrics.tables.columns import BoxFormat
from detmetrics.tables.interpretation import Interpretation

__all__ = [
    "LABELS",
    "Layout",
    "as_asked",
    "asked_layout",
    "is_oriented",
    "told_labels",
    "told_layout",
]

FEW = 0.25
"""An order is recommended only if at most this share of the lines do not fit it."""

MANY = 100
"""With at least this many lines, the next best layout only needs four times the contradictions of
the best one.
"""

LABELS = (CENTRES, CORNERS, SIDES)
FORMATS: dict[tuple[str, ...], BoxFormat] = {CENTRES: "cxcywh", CORNERS: "xyxy", SIDES: "xywh"}

Y_FIRST = {
    name: other
    for pair in (("xmin", "ymin"), ("xmax", "ymax"), ("cx", "cy"), ("x", "y"), ("w", "h"))
    for name, other in (pair, pair[::-1])
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
    share = share_against(values, layout.names, relative, None) if len(values) >= ENOUGH else 0.0
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
        against = each(lambda made: share_against(values, made.names, relative, sizes), fresh)
        shares = [*zip(fresh, against, strict=True)]
        tried += shares
        possible = [(layout, share) for layout, share in shares if share <= TOLERATED]
        if len(possible) > 1:
            raise _open(path, "several orders of columns are", possible, len(values), relative)
        if best := possible[0][0] if possible else _best(shares, len(values)):
            others = [Layout(names=tuple(names), relative=relative) for names in rivals]
            shares = [
                (other, share_against(values, other.names, relative, sizes)) for other in others
            ]
            equal = [(other, share) for other, share in shares if share <= TOLERATED]
            if "x" in best.names and equal:
                both = [(best, 0.0), *equal]
                raise _open(path, "several orders of columns are", both, len(values), relative)
            return _told(best, tried, len(values))
    unusual = [Layout(names=names, relative=relative) for names in _unusual(groups)]
    rare = [(layout, share_against(values, layout.names, relative, sizes)) for layout in unusual]
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
    against = share_against(values, CENTRES, True, None)
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
