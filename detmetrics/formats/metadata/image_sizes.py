"""Widths and heights of images: from a table, or from the headers of the image files."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from detmetrics.formats.given import IMAGE_SUFFIXES, Given
from detmetrics.formats.presence import is_there, obstacle
from detmetrics.formats.tabular.notation import Decimal, decided, found_in, number_in
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import DetmetricsWarning, FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.tables.image_paths import stem

if TYPE_CHECKING:
    from detmetrics.formats.reading import Reading

__all__ = [
    "IMAGE_SUFFIXES",
    "SIZE_TABLE",
    "ImageFiles",
    "by_stem",
    "files_of",
    "header_size",
    "sizes_of",
    "with_size_table",
    "without_suffix",
]

SIZE_TABLE = "image_sizes.csv"
UNKNOWN = (math.nan, math.nan)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The images of a folder: path by name without suffix, relative to the folder.

    paths: of the files; unreadable: of dead links and the like: images too, of unknown size.
    """

    folder: str
    paths: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: str | Given) -> ImageFiles:
        """All images in a folder and the folders in it; none where there is no such folder.

        Raises:
            FormatError: the folder is there and cannot be read.
        """
        given = Given(folder) if isinstance(folder, str) else folder
        if not given.is_folder:
            return cls(given.path)
        files, others = given.listed(*IMAGE_SUFFIXES)

        def paths(names: Iterable[str]) -> dict[str, str]:
            return {os.path.splitext(name)[0]: given.join(name) for name in names}

        return cls(given.path, paths(files), paths(others))

    @property
    def every(self) -> dict[str, str]:
        """The paths of all images."""
        return {**self.unreadable, **self.paths}


def sizes_of(names: Iterable[str], reading: Reading, beside: ImageFiles | None = None) -> Floats:
    """(N, 2) width and height of images by name, nan where unknown.

    What was asked for (``image_sizes``, then ``image_dir``) comes before the images that lie
    beside the labels.

    Raises:
        FormatError: the table of sizes cannot be read, or the folder does not exist.
    """
    names = [*names]
    table = _table(reading.image_sizes, reading.decimal)
    paths = beside.every if beside else {}
    if reading.image_dir is not None:
        folder = os.fspath(reading.image_dir)
        if not os.path.isdir(folder):
            raise FormatError(folder, ["expected a folder of images (--image-dir)"])
        paths |= ImageFiles.of(folder).every
    if not table and not paths:
        return np.full((len(names), 2), np.nan)

    files = files_of(names, paths)

    def size(name: str) -> tuple[float, float]:
        for key in (without_suffix(name), stem(name)):
            if key in table:
                reading.mark("image_sizes")
                return table[key]
        return header_size(files[name]) if name in files else UNKNOWN

    sizes = np.array([size(name) for name in names], dtype=np.float64).reshape(-1, 2)
    unknown = [names[row] for row in np.flatnonzero(np.isnan(sizes[:, 0])).tolist()]
    _say_unreadable((files[name] for name in unknown if name in files), reading)
    return sizes


def _say_unreadable(paths: Iterable[str], reading: Reading) -> None:
    """Say which pictures are there and cannot be read."""
    found = [(path, why) for path in paths if (why := obstacle(path))]
    if not found:
        return
    path, why = found[0]
    what = counted(len(found), "picture", "pictures")
    note = f"the size of {what} cannot be read and stays unknown; first {printable(path)}: {why}"
    reading.on_message(note)
    warnings.warn(note, DetmetricsWarning, stacklevel=2)


def with_size_table(folder: str, reading: Reading) -> Reading:
    """With the table of sizes that lies among the labels, where nothing was asked for.

    Raises:
        FormatError: the table is there and cannot be read.
    """
    beside = os.path.join(folder, SIZE_TABLE)
    asked = reading.image_sizes is not None or reading.image_dir is not None
    if asked or not is_there(beside):
        return reading
    return replace(reading, image_sizes=beside)


def header_size(path: str) -> tuple[float, float]:
    """Width and height as the header of an image says; nan where it cannot be told."""
    import imagesize

    if obstacle(path):  # a named pipe would be waited for
        return UNKNOWN
    try:
        width, height = imagesize.get(path)
    except Exception:  # the library lets damaged files raise whatever they lead to
        return UNKNOWN
    return (float(width), float(height)) if width > 0 and height > 0 else UNKNOWN


def by_stem(values: Mapping[str, Value]) -> dict[str, Value]:
    """By relative name, and by the last part alone where it names one only."""
    # "val/a" is known as "a" too, unless "train/a" would be as well: then it must be named in full.
    last: dict[str, list[Value]] = {}
    for name, value in values.items():
        last.setdefault(name.rpartition("/")[2], []).append(value)
    return {**{key: found[0] for key, found in last.items() if len(found) == 1}, **values}


def without_suffix(name: str) -> str:
    """A name without the suffix of an image, with ``/`` between its folders.

    >>> without_suffix("val/a.b.png"), without_suffix("frame.000012")
    ('val/a.b', 'frame.000012')
    """
    plain = name.replace("\\", "/")
    return plain.rpartition("/")[0] + "/" + stem(plain) if "/" in plain else stem(plain)


def files_of(names: Iterable[str], paths: Mapping[str, str]) -> dict[str, str]:
    """The file of each image by name, as far as there is one; paths as :class:`ImageFiles` has."""
    known = by_stem(paths)
    found = {}
    for name in names:
        path = known.get(without_suffix(name)) or known.get(stem(name))
        if path is not None:
            found[name] = path
    return found


def _table(
    given: str | os.PathLike[str] | Mapping[str, tuple[float, float]] | None,
    decimal: Decimal | None,
) -> dict[str, tuple[float, float]]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        sizes = {without_suffix(str(name)): size for name, size in given.items()}
        return by_stem({name: (float(w), float(h)) for name, (w, h) in sizes.items()})
    return _read_table(os.fspath(given), decimal)


def _read_table(path: str, asked: Decimal | None) -> dict[str, tuple[float, float]]:
    text, _ = decoded(read_input(path)[0], path)
    first = text[: text.find("\n")]
    separator = next((mark for mark in ("\t", ";", ",") if mark in first), ",")
    lines = io.StringIO(text, newline="")  # a name may have line ends, in quotes
    import csv

    try:
        rows = [[part.strip() for part in row] for row in csv.reader(lines, delimiter=separator)]
    except csv.Error as error:
        raise FormatError(path, [f"not a table: {error}"]) from None
    at = _columns([name.lower() for name in rows[0]] if rows else [], path)
    texts = (row[side] for row in rows[1:] for side in at[1:] if side < len(row))
    # Pictures have whole pixels, so that 1,250 is not between one and two.
    (decimal,) = decided([found_in(texts)], asked)
    found: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            name = row[at[0]]
            width, height = (number_in(row[side], decimal or "point") for side in at[1:])
        except (IndexError, ValueError):
            name, width, height = "", 0.0, 0.0
        if not (name and 0 < width < math.inf and 0 < height < math.inf):
            expected = "expected an image, its width and its height in pixels"
            raise FormatError(path, [f"line {number}: {expected}, got {shown(','.join(row))}"])
        if found.setdefault(without_suffix(name), (width, height)) != (width, height):
            raise FormatError(path, [f"line {number}: another size of {shown(name)} is there"])
    return by_stem(found)


def _columns(header: list[str], path: str) -> tuple[int, int, int]:
    image = next((h for h in ("image", "image_id", "filename", "file_name") if h in header), None)
    if image is None or not {"width", "height"} <= set(header):
        names = shown(", ".join(header)) if any(header) else "nothing"
        raise FormatError(
            path, [f"line 1: expected the columns image, width and height, got {names}"]
        )
    return header.index(image), header.index("width"), header.index("height")
