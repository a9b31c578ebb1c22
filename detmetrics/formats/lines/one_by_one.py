"""Lines of text read one by one: slow, but reports which line is wrong and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from detmetrics.formats.lines.decimals import as_number, is_number, meant_as_number
from detmetrics.formats.lines.labels import labels_of
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.pieces import Piece
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import FewTexts, printable, shown

__all__ = ["Asked", "full_name", "read_one_by_one", "refuse_wrong"]

MARK = BYTE_ORDER_MARKS[0][0]
WORD = re.compile(r"[^ \t\n\r\f\v]+")


class Asked(NamedTuple):
    """How lines are read.

    files: their names; path: the path for error messages; text: keep labels as text even if they
    are numbers; column: the column of the label; strict: raise on any invalid line; without it,
    invalid lines are skipped as long as there are more valid ones.
    """

    files: tuple[str, ...]
    path: str
    text: bool
    column: int
    strict: bool


def read_one_by_one(pieces: Sequence[Piece], asked: Asked) -> tuple[Lines, FewTexts]:
    """The valid lines, and the faults of the others."""
    words: list[str] = []
    values: list[float] = []
    start, file, line = [0], [], []
    faults = FewTexts()
    latin = []
    for number, before, content in pieces:
        name = asked.files[number]
        text, guessed = decoded(content, full_name(name, asked.path))
        if guessed:
            latin.append(name)
        elif before and content.startswith(MARK):  # inside a file it is a letter
            text = content.decode()
        for row, tokens in _rows(text):
            own = slice(asked.column, _first_number(tokens, asked.column + 1))
            label = tokens[own]
            del tokens[own]
            try:
                values += map(as_number, tokens)
            except ValueError:
                said = f"{printable(name)}:{before + row + 1}: " if faults.wanted else ""
                faults.add(said and said + _no_number(tokens))
                del values[start[-1] :]
                continue
            words.append(" ".join(label))
            start.append(len(values))
            file.append(number)
            line.append(before + row)
    lines = Lines(
        files=asked.files,
        file=np.array(file, np.int64),
        line=np.array(line, np.int64),
        first=np.zeros(len(asked.files), np.int64),
        label=labels_of(words, asked.text),
        numbers=np.array(values, np.float64),
        width=np.array(start[1:], np.int64) - np.array(start[:-1], np.int64),
        latin=tuple(latin),
    )
    return lines, faults


def refuse_wrong(faults: FewTexts, right: int, asked: Asked) -> None:
    """Raise the faults unless they may be skipped; right: the number of valid lines.

    Raises:
        FormatError: there are faults, and they may not be skipped.
    """
    if len(faults) and (asked.strict or len(faults) >= right):
        raise FormatError(asked.path, faults, len(faults))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    for row, line in enumerate(text.split("\n") if "\n" in text else text.split("\r")):
        # Spaces of ASCII alone part words; a class may have another in its name.
        if tokens := WORD.findall(line):
            yield row, tokens


def _first_number(tokens: list[str], start: int) -> int:
    """Names may be of several words: the numbers begin after the last word that is none.

    The word ``difficult`` behind the numbers is a flag.
    """
    for at in range(start, len(tokens)):
        if meant_as_number(tokens[at]):
            return at
    return len(tokens)


def _no_number(tokens: list[str]) -> str:
    bad = next(token for token in tokens if not is_number(token))
    marked = "," in bad or ";" in bad
    hint = ", with a decimal point and spaces between numbers" if marked else ""
    return f"expected a number{hint}, got {shown(bad)}"


def full_name(file: str, path: str) -> str:
    """The path of one of the files."""
    return file if file == path else f"{path}/{file}"
