"""Lines of text, a box each: a word and then numbers, read in the fastest way that takes them.

Nearly every file holds the same number of numbers in every line, so all files of a folder are read
at once, as columns (:mod:`detmetrics.formats.lines.fields`). Large text that is not so (polygons of
any length, names of several words, faults) is read in pieces
(:mod:`detmetrics.formats.lines.large_text`), and only what is odd still, line by line
(:mod:`detmetrics.formats.lines.one_by_one`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detmetrics.formats.given import Contents, Text
from detmetrics.formats.lines.fields import lines_of, read_fields
from detmetrics.formats.lines.large_text import read_around_odd, read_in_pieces
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.one_by_one import Asked, read_one_by_one, refuse_wrong
from detmetrics.formats.lines.pieces import LARGE, is_utf8
from detmetrics.formats.lines.separators import spaced, thousands
from detmetrics.foundation.errors import FormatError

__all__ = ["read_lines"]

NOT_ASCII = 1 << 7


def read_lines(
    contents: Contents,
    files: Sequence[str],
    path: str,
    *,
    text_label: bool = False,
    label: int = 0,
    strict: bool = True,
) -> Lines:
    """The lines of files; blank ones are passed over.

    path: names the whole in errors; text_label: keep a label such as ``007`` as text, where else
    a column of whole numbers becomes numbers; label: how many numbers stand before it, more behind
    it; strict: without it, bad lines are passed over as
    long as there are more good ones.

    Raises:
        FormatError: something that is no number where one must stand, or no text at all.
    """
    # From the fastest way to the slowest. Each gives the same lines, or None for what it cannot
    # read; only the last one says what is wrong, and where.
    asked = Asked(tuple(files), path, text_label, label, strict)
    fields = None
    if all(map(_is_utf8, contents.blocks)):
        fields = read_fields(contents, text_label=text_label, label=label)
    if fields is not None and not fields.odd:
        return lines_of(fields, asked.files, label)
    parts = [*contents]
    if (other := spaced(parts)) is not None:
        parts, said = other
        if "decimal" in said and (open_one := thousands([*contents])) is not None:
            raise FormatError(
                path,
                [
                    (
                        f"{open_one} may have a decimal comma or a comma between thousands: write "
                        "numbers with a decimal point and without separators"
                    )
                ],
            )
        found = read_lines(
            Contents(parts), files, path, text_label=text_label, label=label, strict=strict
        )
        return replace(found, separators=said)
    if sum(map(len, parts)) < LARGE:
        found, faults = read_one_by_one([(n, 0, part) for n, part in enumerate(parts)], asked)
        refuse_wrong(faults, len(found), asked)
        return found
    return (fields and read_around_odd(fields, asked)) or read_in_pieces(parts, asked)


def _is_utf8(block: Text) -> bool:
    return bool(block.max() < NOT_ASCII) or is_utf8(block.tobytes())
