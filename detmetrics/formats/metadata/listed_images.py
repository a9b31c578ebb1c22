"""Images that the ground truth does not list: those without objects, from lists that do.

A table of objects knows nothing of images without any, and many tools write no label file and no
``images`` entry for them. A list, a folder of pictures or a table of sizes has them all. An image
that is listed already is never added a second time: names are compared without suffix, and folders
where a name alone is not unique. A list is taken as it is; a folder and a table, which may hold
other splits too, add images only where they hold most images of the ground truth, and a folder only
from those of its folders in which such images lie.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.formats.metadata.image_lists import read_image_list
from detmetrics.formats.metadata.image_sizes import ImageFiles, sizes_of, without_suffix
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Floats, Objects, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.tables.catalog import Id
from detmetrics.tables.image_lookup import rows_by_key
from detmetrics.tables.image_paths import file_name, path_parts, shared_end, stem
from detmetrics.tables.sheets import Images, Sheet

__all__ = ["with_listed_images"]

KEPT = "the others are evaluated too (--images FILE restricts to a list)"
MOST = 0.5
"""So many images of the ground truth must be in a folder or a table for the others to count."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """Names of images, what they come from, and the option of that.

    A list is of exactly the data set; a folder or a table may hold other images too.
    """

    source: str
    names: tuple[str, ...]
    option: str

    @property
    def exact(self) -> bool:
        return self.option == "image_list"


def with_listed_images(sheet: Sheet, reading: Reading) -> Sheet:
    """Ground truth that lists the images of ``image_list``, ``image_dir`` and ``image_sizes`` too.

    Raises:
        FormatError: a list cannot be read, has no image of the ground truth, or has a name that
            fits several of its images.
    """
    for listing in _listings(sheet, reading):
        sheet = _grown(sheet, listing, reading)
    return sheet


def _listings(sheet: Sheet, reading: Reading) -> Iterator[_Listing]:
    for option in ("image_list", "image_sizes"):
        given = getattr(reading, option)
        if isinstance(given, str | os.PathLike):
            yield _Listing(os.fspath(given), _texts(read_image_list(given)), option)
        elif given is not None:
            yield _Listing(option, _texts(given), option)
    # A label folder finds its pictures by itself, and a data.yaml says which images there are.
    if reading.image_dir is not None and sheet.source.format != "yolo":
        found = ImageFiles.of(os.fspath(reading.image_dir))
        names = tuple(
            name + os.path.splitext(path)[1] for name, path in sorted(found.paths.items())
        )
        yield _Listing(found.folder, _texts(names), "image_dir")


def _texts(names: Iterable[Id]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, names)))


def _grown(sheet: Sheet, listing: _Listing, reading: Reading) -> Sheet:
    """With the images of a listing that are not there, and a note."""
    images = sheet.images
    if images is None:
        known = sheet.image.used().labels
        images = Images(ids=known, names=tuple(map(str, known.tolist())))
    row_of = _paired(listing, images)
    paired = {row for row in row_of.values() if row is not None}
    if not _belongs(len(paired), listing, images):
        return _noted(sheet, f"{_found(len(paired), listing, images)}, so no image was added")
    if listing.exact and len(paired) < len(images.ids):
        sheet = _noted(sheet, f"{_found(len(paired), listing, images)}; {KEPT}")
    names = _renamed(_fresh(row_of, listing), row_of, images)
    sizes = sizes_of(names, reading)
    if not listing.exact and images.sizes is not None and not np.isnan(images.sizes).any():
        # A damaged picture would take the sizes, and with them areas, from all the others.
        names, sizes = _sized(names, sizes)
    if not names:
        return sheet
    reading.mark(listing.option)
    count = "counts as an image" if len(names) == 1 else "count as images"
    note = (
        f"{listing.source}: {counted(len(names), 'image')} that the ground truth does not list "
        f"{count} without objects: {few(names, 3)}"
    )
    return _noted(replace(sheet, images=_extended(images, names, sizes)), note)


def _noted(sheet: Sheet, note: str) -> Sheet:
    return replace(sheet, notes=(*sheet.notes, note))


def _found(paired: int, listing: _Listing, images: Images) -> str:
    count = counted(len(images.ids), "image")
    return f"{listing.source}: {paired:,} of the {count} of the ground truth found there"


# --- pairing -------------------------------------------------------------------------------------


def _paired(listing: _Listing, images: Images) -> dict[str, int | None]:
    """The row of each listed name; None of a name that could be several.

    Raises:
        FormatError: a name of an exact list could be several images, or several names one image.
    """
    known = [path_parts(name) for name in images.names]
    told = [path_parts(name) for name in listing.names]
    by_stem = rows_by_key(parts[-1] for parts in known)
    times = Counter(parts[-1] for parts in told)
    by_id = rows_by_key(map(str, images.ids.tolist()))
    found: dict[str, int | None] = {}
    for name, parts in zip(listing.names, told, strict=True):
        rows = by_stem.get(parts[-1], []) or by_id.get(without_suffix(name), [])
        if len(rows) != 1 or times[parts[-1]] > 1:
            rows = [row for row in rows if _one_ends_the_other(parts, known[row])]
        if len(rows) > 1:
            rows = _longest(parts, rows, known)
        if len(rows) > 1:  # of one folder, so that the suffix tells
            rows = [row for row in rows if _same_file(name, images.names[row])] or rows
        if len(rows) == 1:
            found[name] = rows[0]
        elif rows:
            _refuse(listing, [name], [images.names[row] for row in rows])
            found[name] = None
    for row, names in _claims(found).items():
        _settle(found, names, images.names[row], listing)
    return found or _by_number(listing, images)


def _same_file(one: str, other: str) -> bool:
    """Whether two paths end with the same name, with its suffix."""
    return file_name(one) == file_name(other)


def _one_ends_the_other(one: Sequence[str], other: Sequence[str]) -> bool:
    return shared_end(one, other) == min(len(one), len(other))


def _longest(
    parts: Sequence[str], rows: Sequence[int], known: Sequence[Sequence[str]]
) -> list[int]:
    tails = [shared_end(parts, known[row]) for row in rows]
    return [row for row, tail in zip(rows, tails, strict=True) if tail == max(tails)]


def _claims(found: Mapping[str, int | None]) -> dict[int, list[str]]:
    """The names of each image that has several."""
    claims: dict[int, list[str]] = {}
    for name, row in found.items():
        if row is not None:
            claims.setdefault(row, []).append(name)
    return {row: names for row, names in claims.items() if len(names) > 1}


def _settle(
    found: dict[str, int | None], names: Sequence[str], known: str, listing: _Listing
) -> None:
    """Of several names that claim one image, keep the one that shares most folders with it.

    Of one folder that of the same suffix: those of others are images too.
    """
    own = path_parts(known)
    tails = {name: shared_end(path_parts(name), own) for name in names}
    best = [name for name in names if tails[name] == max(tails.values())]
    if len(best) > 1:
        best = [name for name in best if _same_file(name, known)] or best
    if len(best) > 1:
        _refuse(listing, best, [known])
        found.update(dict.fromkeys(names))
        return
    for name in {*names} - {*best}:
        del found[name]  # an image of its own in another folder


def _by_number(listing: _Listing, images: Images) -> dict[str, int | None]:
    """Images that have no names but numbers: ``000012.jpg`` is the image 12."""
    if images.ids.dtype == object or [*map(str, images.ids.tolist())] != [*images.names]:
        return {}
    row_of = {number: row for row, number in enumerate(images.ids.tolist())}
    numbers = {name: _number(name) for name in listing.names}
    return {name: row_of[n] for name, n in numbers.items() if n is not None and n in row_of}


def _number(name: str) -> int | None:
    text = stem(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _refuse(listing: _Listing, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse an exact list that does not say which image is meant."""
    if listing.exact:
        one, other = (" and ".join(map(shown, texts)) for texts in (names, known))
        folders = {path_parts(name) for name in (names if len(names) > 1 else known)}
        what = "folders" if len(folders) > 1 else "suffix"
        fault = f"{one} could be {other} of the ground truth: name images with their {what}"
        raise FormatError(listing.source, [fault])


def _belongs(paired: int, listing: _Listing, images: Images) -> bool:
    """Whether a listing is of this data set; paired: how many of its images are there.

    Raises:
        FormatError: it is an exact list, and none of its images is.
    """
    if not len(images.ids):
        return True
    if not listing.exact:
        return paired > MOST * len(images.ids)
    if not paired:
        both = f"it has {few(images.names, 3)}; the list has {few(listing.names, 3)}"
        raise FormatError(listing.source, [f"no image of the ground truth is listed: {both}"])
    return True


def _fresh(row_of: Mapping[str, int | None], listing: _Listing) -> list[str]:
    """The names without a row; of a folder those beside images of the ground truth."""
    fresh = [name for name in listing.names if name not in row_of]
    if listing.exact or not row_of:
        return fresh
    folders = {os.path.dirname(name) for name, row in row_of.items() if row is not None}
    return [name for name in fresh if os.path.dirname(name) in folders]


# --- names ---------------------------------------------------------------------------------------


def _renamed(fresh: Sequence[str], row_of: Mapping[str, int | None], images: Images) -> list[str]:
    """The new names as the ground truth writes its own: without folders that it leaves out."""
    prefixes = {_prefix(name, images.names[row]) for name, row in row_of.items() if row is not None}
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    plain = [name.strip().replace("\\", "/") for name in fresh]
    if prefix:
        plain = [name.removeprefix(prefix) for name in plain]
    elif not any("/" in name or "\\" in name for name in images.names):
        last = [name.rpartition("/")[2] for name in plain]
        times = Counter(map(stem, last))
        plain = [
            short if times[stem(short)] == 1 else long
            for short, long in zip(last, plain, strict=True)
        ]
    return plain


def _prefix(name: str, known: str) -> str | None:
    """The folders before a name that the ground truth does not have."""
    name, known = (without_suffix(text.strip()) for text in (name, known))
    return name.removesuffix(known) if name.endswith(f"/{known}") else None


def _sized(names: Sequence[str], sizes: Floats) -> tuple[list[str], Floats]:
    known = np.flatnonzero(~np.isnan(sizes).any(axis=1))
    return [names[row] for row in known.tolist()], sizes[known]


def _extended(images: Images, names: Sequence[str], fresh: Floats) -> Images:
    sizes = None if images.sizes is None else np.concatenate([images.sizes, fresh])
    return replace(
        images,
        ids=_ids(images, names),
        names=(*images.names, *_like(images.names, names)),
        sizes=sizes,
    )


def _ids(images: Images, names: Sequence[str]) -> Objects:
    """Text as other ids are written; numbers where names spell them, else below all others.

    A number that an image could really have would pair with a detection that means another.
    """
    known = images.ids.tolist()
    if images.ids.dtype == object or not len(known):
        texts = _like([text for text in known if isinstance(text, str)], names)
        return object_column([*known, *texts])
    numbers = [_number(name) for name in names]
    bare = [*map(str, known)] == [*images.names]
    if bare and None not in numbers and len({*known, *numbers}) == len(known) + len(names):
        return np.array([*known, *numbers], np.int64)
    lowest = min(*known, 0)
    return np.array([*known, *(lowest - 1 - at for at in range(len(names)))], np.int64)


def _like(known: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names without suffix where no other has one."""
    suffixed = any(stem(name) != name.replace("\\", "/").rpartition("/")[2] for name in known)
    return [*names] if suffixed or not known else [without_suffix(name) for name in names]
