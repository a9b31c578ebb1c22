"""Files of one folder in different orders of columns, as two exports that were put together.

The numbers of a whole folder tell its order, and a few lines that do not fit it are bad lines.
Where they are all the lines of some files, and another order fits these, they are not: then no
order reads the folder right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detmetrics.formats.lines.layout_evidence import ENOUGH, contradicted
from detmetrics.formats.lines.layouts import LABELS, Layout, told_labels, told_layout
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted

__all__ = ["labels_of_files", "layout_of_files"]

MOST_LINES = 0.8
"""Nearly all lines that do not fit the order of the folder are in files of another one."""
OF_CHANCE = 3.0
UNLIKE = 0.3
"""Of two orders that so few lines tell apart, either may fit a file."""


def layout_of_files(
    lines: Lines,
    values: Floats,
    groups: Sequence[Sequence[Sequence[str]]],
    path: str,
    *,
    relative: bool,
    sizes: Floats | None = None,
    rivals: Sequence[Sequence[str]] = (),
) -> Layout:
    """As :func:`~detmetrics.formats.lines.layouts.told_layout`, of lines in several files.

    Raises:
        FormatError: several orders are possible, none is, or files are in different ones.
    """
    orders = [tuple(names) for group in groups for names in group]
    try:
        layout = told_layout(values, groups, path, relative=relative, sizes=sizes, rivals=rivals)
    except FormatError:
        _refuse_mixed(lines, values, orders, path, relative=relative)
        raise
    if layout.against:
        _refuse_mixed(lines, values, orders, path, relative=relative)
    return layout


def labels_of_files(lines: Lines, values: Floats, path: str) -> tuple[Layout, str | None]:
    """As :func:`~detmetrics.formats.lines.layouts.told_labels`, of lines in several files.

    Raises:
        FormatError: no order is possible, or files are in different ones.
    """
    try:
        layout, note = told_labels(values, path)
    except FormatError:
        _refuse_mixed(lines, values, LABELS, path, relative=True)
        raise
    if layout.against:
        _refuse_mixed(lines, values, LABELS, path, relative=True)
    return layout, note


def _refuse_mixed(
    lines: Lines, values: Floats, orders: Sequence[tuple[str, ...]], path: str, *, relative: bool
) -> None:
    """Refuse files of which some fit one order alone, and the others another one alone.

    values : (R, C) of the lines.

    Raises:
        FormatError: there are such files.
    """
    files = len(lines.files)
    if files < 2 or len(orders) < 2:
        return
    count = np.bincount(lines.file, minlength=files)
    against = np.stack([_by_file(lines, contradicted(values, names, relative)) for names in orders])
    alone = ((against == 0) & (count > 0)).sum(axis=0) == 1
    fits = np.where(alone, against.argmin(axis=0), -1)  # (F,) the only order of each file
    held = np.bincount(fits[alone], count[alone], minlength=len(orders))
    main = int(held.argmax())
    for other in np.flatnonzero(held >= ENOUGH).tolist():
        if other != main and _explains(against[main], against[other], count, fits == main):
            raise _mixed(lines, fits == other, orders[main], orders[other], path, relative=relative)


def _by_file(lines: Lines, wrong: Bools) -> Ints:
    """(F,) how many lines of each file."""
    return np.bincount(lines.file[wrong], minlength=len(lines.files))


def _explains(main: Ints, other: Ints, count: Ints, fitting: Bools) -> bool:
    """Whether another order is that of the files that the main one does not fit.

    main, other : (F,) lines that contradict them; count : (F,) all lines; fitting : (F,) files
    that the main one alone fits.
    """
    unlike = other[fitting].sum() / max(count[fitting].sum(), 1)
    odd = main > 0
    explained = odd & (other == 0)
    # Lines that fit no order, in files of a line or two, may fit the other one by chance.
    chance = float((count[odd] * (1 - unlike) ** count[odd]).sum())
    return bool(
        unlike >= UNLIKE
        and count[explained].sum() >= max(ENOUGH, OF_CHANCE * chance)
        and main[explained].sum() >= MOST_LINES * main[odd].sum()
    )


def _mixed(
    lines: Lines,
    files: Bools,
    main: tuple[str, ...],
    other: tuple[str, ...],
    path: str,
    *,
    relative: bool,
) -> FormatError:
    first = lines.files[int(files.argmax())]
    this, that = (Layout(names=names, relative=relative) for names in (other, main))
    text = (
        f"{int(files.sum()):,} of {counted(len(files), 'file')} have the columns '{this.text}' "
        f"(first {first}), and the others '{that.text}': write all files in one order"
    )
    return FormatError(path, [text])
