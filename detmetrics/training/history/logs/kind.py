"""What a kind of log is: how it is recognised, and how its rows are read."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from detmetrics.training.history.epoch_rows import Row

__all__ = ["Content", "Log", "Parsed"]

LOOKED_AT = 1 << 16


@dataclass(frozen=True)
class Content:
    """The text of a file, and what tells its kind at a glance."""

    path: str
    text: str

    @cached_property
    def start(self) -> str:
        """The beginning, without blank lines."""
        return self.text[:LOOKED_AT].lstrip()

    @cached_property
    def header(self) -> list[str]:
        """The first line as names of columns, without the blanks that pad them."""
        first = re.split(r"[\r\n]", self.start, maxsplit=1)[0]
        try:
            found = next(csv.reader([first], skipinitialspace=True), [""])
        except csv.Error:
            found = [""]
        return [name.strip() for name in found]


class Parsed(NamedTuple):
    """The rows of a log in the order in which they stand there, and what is to be said of them."""

    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """name: in one word; title: for people; knows: whether a content is of this kind."""

    name: str
    title: str
    knows: Callable[[Content], bool]
    read: Callable[[Content], Parsed]
