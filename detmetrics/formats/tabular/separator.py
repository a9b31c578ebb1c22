"""What parts the columns of a text table, from its first line."""

from __future__ import annotations

__all__ = ["separator_of", "split_heading"]

SEPARATORS = ("\t", ";", ",", "|")


def separator_of(line: str) -> str:
    r"""The mark that the line has most often; of as many, the first of tab ``; , |``.

    >>> separator_of("image;x,min;x,max;class")
    ';'
    """
    return max(SEPARATORS, key=line.count)


def split_heading(line: str) -> list[str]:
    """The names of columns."""
    return [part.strip().strip('"') for part in line.split(separator_of(line))]
