"""Images that belong together: sequences by name or column, and files of equal bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.metadata.image_fields import column_of_images
from detmetrics.formats.metadata.image_sizes import ImageFiles, files_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables import GroundTruth
from detmetrics.tables.image_paths import stem

__all__ = ["by_seed", "equal_files", "groups_of", "image_files", "joined", "sequences"]


def groups_of(source: str, asked: str | None, reading: Reading) -> str | Mapping[str, str] | None:
    """What ``--group-by`` means: an expression, or the values of a column by image name.

    Raises:
        InputError: the source has no such column.
    """
    if asked is None or not asked.startswith("column="):
        return asked
    return column_of_images(source, asked.removeprefix("column="), reading)


def sequences(
    names: Sequence[str], group_by: str | Mapping[str, str] | None, source: str
) -> list[str]:
    """The sequence of each image; without grouping every image is its own.

    Raises:
        InputError: an image is of no sequence, or the expression is none.
    """
    if group_by is None:
        return [f"{at}" for at in range(len(names))]
    if isinstance(group_by, str):
        found = [_key(name, _compiled(group_by)) for name in names]
    else:
        found = [group_by.get(name, group_by.get(stem(name))) for name in names]
    missing = [name for name, key in zip(names, found, strict=True) if key is None]
    if missing:
        first = ", ".join(map(shown, missing[:3]))
        raise InputError(
            f"{source}: no sequence is known for {counted(len(missing), 'image')} of "
            f"{len(names):,}, first {first}: --group-by must fit every name"
        )
    return [f"in {key}" for key in found]


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise InputError(f"--group-by: no regular expression: {error}") from None


def _key(name: str, expression: re.Pattern[str]) -> str | None:
    found = expression.search(name)
    return None if found is None else found[1 if expression.groups else 0]


def image_files(source: str, ground_truth: GroundTruth, reading: Reading) -> dict[str, str]:
    """The image files by image name, as far as they are found."""
    folders = [os.fspath(reading.image_dir)] if reading.image_dir else []
    if source and ground_truth.source.format == "yolo":
        given = Given(source)
        home = source if given.is_folder else os.path.dirname(os.path.abspath(source))
        folders += [home, re.sub(r"labels(?=$|/)(?!.*labels)", "images", home)]
    found: dict[str, str] = {}
    for folder in folders:
        found = {**files_of(ground_truth.catalog.image_names, ImageFiles.of(folder).paths), **found}
    return found


def equal_files(names: Sequence[str], files: Mapping[str, str]) -> list[int]:
    """(N,) the first image with the same bytes; only files of equal size are read."""
    sizes = {name: os.path.getsize(files[name]) for name in names if name in files}
    times: dict[int, int] = {}
    for size in sizes.values():
        times[size] = times.get(size, 0) + 1
    first: dict[bytes, int] = {}
    equal = []
    for at, name in enumerate(names):
        if times.get(sizes.get(name, -1), 0) < 2:
            equal.append(at)
            continue
        with open(files[name], "rb") as file:
            equal.append(first.setdefault(hashlib.file_digest(file, "sha256").digest(), at))
    return equal


def joined(keys: Sequence[str], equal: Sequence[int]) -> Ints:
    """(N,) group of each image: those that share a key, or bytes, directly or by way of others."""
    # Union-find: every image points to another of its group, or to itself where it is the root.
    parent = list(range(len(keys)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]  # halves the way for whoever comes next
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, key in enumerate(keys):
        for other in (first.setdefault(key, at), equal[at]):
            parent[root(at)] = root(other)
    _, group = np.unique([root(at) for at in range(len(keys))], return_inverse=True)
    return group.astype(np.int64)


def by_seed(group: Ints, ids: Sequence[str], seed: int) -> Ints:
    """The groups in the order of a hash of the seed and of the least of their image ids."""
    least: dict[int, str] = {}
    for at, known in zip(group.tolist(), ids, strict=True):
        least[at] = min(least.get(at, known), known)
    keys = [
        hashlib.sha256(f"{seed}:{least[at]}".encode("utf-8", "surrogatepass")).digest()
        for at in range(len(least))
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
