"""Formats that other packages add, none of which may keep the others from being read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import wraps
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from detmetrics.formats.format import Format, Reader, Side
from detmetrics.formats.given import Given
from detmetrics.formats.package_scan import GROUP
from detmetrics.formats.reading import Reading
from detmetrics.formats.writing.written import Table, Written
from detmetrics.foundation.errors import (
    DetmetricsError,
    FormatError,
    OutputError,
    PackageWarning,
)
from detmetrics.foundation.messages import LONGEST, printable, shown
from detmetrics.tables.sheets import Sheet

__all__ = ["formats_of_packages"]

# A module may end the program as it is imported, as scripts do.
FAILURES = (Exception, SystemExit)
Source = TypeVar("Source", bound=Table)


def formats_of_packages(taken: Collection[str]) -> Iterator[Format]:
    """The formats that other packages add; taken: names that they cannot have.

    Warns:
        PackageWarning: a package raises when it is imported, adds what is no format, or one
            whose name is taken; the rest goes on without it.
    """
    names = {*taken}
    for entry in entry_points(group=GROUP):
        try:
            found = entry.load()
        except FAILURES as error:
            _leave_out(entry, f"it raises {_named(error)} when it is imported")
            continue
        if not isinstance(found, Format):
            _leave_out(entry, f"expected a Format, got {shown(found)}")
        elif not isinstance(found.name, str) or not found.name:
            _leave_out(entry, f"expected a name as text, got {shown(found.name)}")
        elif found.name in names:
            _leave_out(entry, f"another format is called {found.name!r}")
        else:
            names.add(found.name)
            yield _guarded(found, entry)


def _guarded(found: Format, entry: EntryPoint) -> Format:
    """The format, whose own faults are told with its package."""
    return replace(
        found,
        recognise=_recogniser(found, entry),
        read_ground_truth=_reader(found.read_ground_truth, entry),
        read_detections=_reader(found.read_detections, entry),
        read_unscored=_reader(found.read_unscored, entry),
        write_ground_truth=_writer(found.write_ground_truth, entry),
        write_detections=_writer(found.write_detections, entry),
    )


def _recogniser(found: Format, entry: EntryPoint) -> Callable[[Given, Side], str | None]:
    """What fails to look at a file does not know it."""

    @wraps(found.recognise)
    def recognise(given: Given, side: Side) -> str | None:
        try:
            told = found.recognise(given, side)
        except FAILURES as error:
            _leave_out(entry, f"it raises {_named(error)} when it looks at {shown(given.path)}")
            return None
        if told is None or isinstance(told, str):
            return told
        _leave_out(entry, f"expected None or text of what it knows, got {shown(told)}")
        return None

    return recognise


def _reader(read: Reader | None, entry: EntryPoint) -> Reader | None:
    if read is None:
        return None

    @wraps(read)
    def guarded(given: Given, reading: Reading) -> Sheet:
        try:
            sheet = read(given, reading)
        except (DetmetricsError, MemoryError):
            raise
        except FAILURES as error:
            fault = f"{_who(entry)} raises {_named(error)} when it reads this"
            raise FormatError(given.path, [fault]) from error
        if not isinstance(sheet, Sheet):
            fault = f"{_who(entry)}: expected a Sheet of what is read, got {shown(sheet)}"
            raise FormatError(given.path, [fault])
        return sheet

    return guarded


def _writer(
    write: Callable[[Source], Written] | None, entry: EntryPoint
) -> Callable[[Source], Written] | None:
    if write is None:
        return None

    @wraps(write)
    def guarded(table: Source) -> Written:
        try:
            made = write(table)
        except (DetmetricsError, MemoryError):
            raise
        except FAILURES as error:
            raise OutputError(f"{_who(entry)} raises {_named(error)} when it writes") from error
        if not isinstance(made, Written):
            raise OutputError(f"{_who(entry)}: expected Written files, got {shown(made)}")
        return made

    return guarded


def _leave_out(entry: EntryPoint, why: str) -> None:
    note = f"{_who(entry)} is left out: {why}. Update the package, or uninstall it"
    warnings.warn(note, PackageWarning, stacklevel=2)


def _who(entry: EntryPoint) -> str:
    package = f"package {entry.dist.name}" if entry.dist else "an unknown package"
    return f"format {entry.name!r} of {package}"


def _named(error: Any) -> str:
    said = printable(" ".join(str(error).split())[:LONGEST])
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
