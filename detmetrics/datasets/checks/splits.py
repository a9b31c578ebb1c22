"""Parts of a data set: no image, under any name, in two of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from detmetrics.datasets.checks.findings import Finding, finding
from detmetrics.datasets.checks.sides import listing_of
from detmetrics.formats.given import Given
from detmetrics.formats.loading import announce, read_sheet
from detmetrics.formats.metadata.image_sizes import IMAGE_SUFFIXES, ImageFiles, files_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import printable
from detmetrics.tables.sheets import Sheet

__all__ = ["of_parts"]


@dataclass(slots=True)
class _Part:
    """A part: the names of its images, the classes with objects, and the image files if known."""

    path: str
    names: tuple[str, ...]
    classes: frozenset[str] | None = None
    files: dict[str, str] = field(default_factory=dict)


def of_parts(paths: Sequence[str], reading: Reading) -> Iterator[Finding]:
    """Images that two parts share, by name and by content, and classes that one lacks.

    Raises:
        FormatError: a part cannot be read.
    """
    images = ImageFiles.of(os.fspath(reading.image_dir)).paths if reading.image_dir else {}
    # Pictures and sizes are of all parts: which images a part has it says itself.
    alone = replace(reading, image_list=None, image_dir=None, image_sizes=None)
    parts = [_read(path, alone, images) for path in paths]
    for at, later in enumerate(parts):
        for earlier in parts[:at]:
            shared = sorted({*earlier.names} & {*later.names})
            if shared:
                detail = f"also in {printable(earlier.path)}"
                yield finding("D501", later.path, len(shared), map(printable, shared), detail)
            yield from _same_content(earlier, later, set(shared))
    yield from _lacking(parts)


def _read(path: str, reading: Reading, images: Mapping[str, str]) -> _Part:
    given = Given(path)
    if not given.is_folder and (listed := _listed(given)):
        folder = os.path.dirname(os.path.abspath(path))
        names = tuple(os.path.normpath(name) for name in listed)
        files = {name: os.path.join(folder, name) for name in names}
        found = {name: file for name, file in files.items() if os.path.isfile(file)}
        return _Part(path, names, files=found or files_of(names, images))
    sheet = read_sheet(path, "ground truth", reading, given=given)
    announce(sheet, reading)
    names = listing_of(sheet).image_names
    return _Part(path, names, _classes(sheet), files_of(names, images))


def _listed(given: Given) -> list[str]:
    """The lines of a list of images, or nothing."""
    if not given.name.endswith(".txt"):
        return []
    text, _ = decoded(read_input(given.path)[0], given.path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not all(line.lower().endswith(IMAGE_SUFFIXES) for line in lines):
        raise FormatError(given.path, ["expected a list of image files, one a line"])
    return lines


def _classes(sheet: Sheet) -> frozenset[str]:
    listing = listing_of(sheet)
    name_of = dict(zip(listing.category_ids.tolist(), listing.category_names, strict=True))
    shown = sheet.category.used().labels
    return frozenset(name_of.get(known, str(known)) for known in shown.tolist())


def _same_content(a: _Part, b: _Part, shared: set[str]) -> Iterator[Finding]:
    """Images of equal bytes under different names; only files of equal size are read."""
    mine, theirs = _by_size(a, shared), _by_size(b, shared)
    pairs = []
    for size in mine.keys() & theirs.keys():
        first = {_digest(a.files[name]): name for name in mine[size]}
        pairs += [
            f"{printable(name)} is {printable(twin)}"
            for name in theirs[size]
            if (twin := first.get(_digest(b.files[name])))
        ]
    if pairs:
        yield finding("D502", b.path, len(pairs), sorted(pairs), f"also in {printable(a.path)}")


def _by_size(part: _Part, without: set[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name, file in part.files.items():
        if name not in without:
            found.setdefault(os.path.getsize(file), []).append(name)
    return found


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lacking(parts: Sequence[_Part]) -> Iterator[Finding]:
    known = [part for part in parts if part.classes is not None]
    every = frozenset().union(*(part.classes or () for part in known))
    for part in known:
        missing = sorted(every - (part.classes or frozenset()))
        if missing:
            yield finding("D503", part.path, len(missing), map(printable, missing))
