"""How the condensed parts of one data set belong together: order of images, classes, sums.

Made once after all parts are matched, and kept in the state, so that a worker finds a class of
every part from it alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from typing import Any

import numpy as np

from detmetrics.foundation.archives import archived, opened
from detmetrics.foundation.arrays import Bools, Ints, Objects, running
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few, printable, shown
from detmetrics.matching.counted import CountedMatches
from detmetrics.parts.class_tables import tables_of_class
from detmetrics.parts.condensed_file import image_ids_of, read_heads
from detmetrics.parts.condensed_part import CondensedPart
from detmetrics.parts.counting import ClassFacts, ClassOfPart, counted_class, no_class
from detmetrics.parts.storage import STORAGE, Storage, join
from detmetrics.rules import Rules
from detmetrics.tables.catalog import sort_key

__all__ = ["Index", "index_bytes", "index_name", "joined", "read_index"]

ARCHIVE, VERSION = "detmetrics.parts.Index", 1


@dataclass(frozen=True, kw_only=True)
class Index:
    """The parts of a data set, joined.

    Attributes:
        rules: the rules that were applied.
        parts: the condensed parts, in order of name.
        images: of the data set.
        order : (sum of images of parts,) where each image of each part is among all, in order of
            id.
    """

    rules: Rules
    parts: tuple[CondensedPart, ...]
    images: int
    order: Ints

    @cached_property
    def positives(self) -> Ints:
        """(K, A) ground truths that count."""
        return self._sum("positives")

    @cached_property
    def detections(self) -> Ints:
        """(K,) detections that rules look at."""
        return self._sum("detections")

    @cached_property
    def objects(self) -> Ints:
        """(K,) all ground truths of each class of the catalog."""
        return self._sum("objects")

    @cached_property
    def found(self) -> Ints:
        """(K,) all detections of each class of the catalog."""
        return self._sum("found")

    @property
    def categories(self) -> int:
        """K, 1 where categories are pooled."""
        return len(self.detections)

    @property
    def unsized(self) -> Bools:
        """(A,) area ranges that are undefined because image sizes are unknown."""
        return np.array(self.parts[0].head.unsized, bool)

    def _sum(self, name: str) -> Ints:
        total: Ints = np.sum([getattr(part.head, name) for part in self.parts], axis=0)
        return total

    @cached_property
    def _first(self) -> Ints:
        """(P + 1,) where the images of each part begin in the order."""
        return running(np.array([part.head.images for part in self.parts], np.int64))

    def images_of(self, number: int) -> Ints:
        """(n,) where the images of a part are among all."""
        return self.order[slice(*self._first[number : number + 2])]

    def of_parts(self, chosen: Sequence[int]) -> Index:
        """Some of the parts (indices) as a data set of their own.

        Of the images that the list has and no part, it has the same share as of the parts.
        """
        order = np.concatenate([self.images_of(number) for number in chosen])
        place = np.empty_like(order)
        place[np.argsort(order)] = np.arange(len(order))
        elsewhere = (self.images - len(self.order)) * len(chosen) // len(self.parts)
        parts = tuple(self.parts[number] for number in chosen)
        return Index(rules=self.rules, parts=parts, images=len(order) + elsewhere, order=place)

    def counted(
        self,
        category: int,
        *,
        limits: Sequence[float] | None = None,
        ties: bool = False,
        listed: bool = False,
    ) -> CountedMatches:
        """The matches of one class, see :func:`counted_class`; listed: each detection is wanted."""
        of_parts = self.class_of_parts(category, listed=listed)
        return counted_class(of_parts, self.class_facts(category), limits=limits, ties=ties)

    def no_class(self) -> CountedMatches:
        """The matches where there is no class, see :func:`no_class`."""
        return no_class(self.rules, self.images, self.unsized)

    def class_facts(self, category: int) -> ClassFacts:
        """What is known of one class beside its detections."""
        known = [part.head.frequency for part in self.parts]
        frequency = next(filter(any, known), known[0])
        return ClassFacts(
            rules=self.rules,
            images=self.images,
            unsized=self.unsized,
            frequency=tuple(frequency[category : category + 1]),
            positives=self.positives[category],
            places=max(self.images, len(self.parts)),
        )

    def class_of_parts(self, category: int, *, listed: bool = False) -> list[ClassOfPart]:
        """One class in every part; listed: each detection is wanted."""
        by_part = self.rules.ties == "file"
        return [
            ClassOfPart(
                anchors=tables.anchors,
                ranked=tables.ranked,
                images=partial(self.images_of, number),
                number=number if by_part else None,
            )
            for number, tables in enumerate(tables_of_class(self.parts, category, again=listed))
        ]


def index_name(index: Index) -> str:
    """The name of its file in a state, which tells its parts and images."""
    told = "\n".join(_names(index))
    return sha256(f"{told}\n{index.images}".encode()).hexdigest()[:40]


def _names(index: Index) -> list[str]:
    """The files of its parts, without their folder, so that the state may move."""
    return [os.path.basename(part.path) for part in index.parts]


def index_bytes(index: Index) -> bytes:
    """The index as a file."""
    names = _names(index)
    return archived(
        ARCHIVE, VERSION, {"parts": names, "images": index.images}, {"order": index.order}
    )


@lru_cache(maxsize=1)
def read_index(path: str, rules: Rules, storage: Storage = STORAGE) -> Index:
    """The index that :func:`index_bytes` wrote; a worker reads it once for all of its classes.

    Raises:
        InputError: it cannot be read, or is damaged.
    """
    folder = join(os.path.dirname(os.path.dirname(path)), "parts")

    def kept(header: Any, arrays: Any) -> tuple[list[str], int, Ints]:
        return [join(folder, name) for name in header["parts"]], header["images"], arrays["order"]

    try:
        paths, images, order = opened(storage.of(path).read(path), ARCHIVE, VERSION, kept)
        parts = read_heads(paths, rules, storage)
    except OSError as error:
        raise InputError(
            f"{error.filename}: the state cannot be read by a worker: {error.strerror}. Fix: "
            "give a state folder that all workers see"
        ) from None
    return Index(rules=rules, parts=parts, images=images, order=order)


# --- joining -------------------------------------------------------------------------------------


def joined(parts: Sequence[CondensedPart], rules: Rules, listed: int) -> Index:
    """The index of matched parts; listed: how many images a list has, 0 without one.

    Raises:
        InputError: parts differ in classes, units or kinds of ids, or share an image.
    """
    for part in parts[1:]:
        _refuse_unlike(parts[0], part)
    _refuse_other_readings(parts)
    ids = image_ids_of(parts)
    order = _order(ids)
    _refuse_shared(ids, order, parts)
    # Images of the list that no part has are images without objects and detections.
    elsewhere = max(listed - sum(part.head.listed for part in parts), 0) if listed else 0
    return Index(rules=rules, parts=tuple(parts), images=len(order) + elsewhere, order=order)


def _refuse_unlike(a: CondensedPart, b: CondensedPart) -> None:
    one, other = a.head, b.head
    both = f"parts {printable(one.part)} and {printable(other.part)}"
    if (one.class_ids, one.class_names) != (other.class_ids, other.class_names):
        theirs = [*zip(other.class_ids, other.class_names, strict=True)]
        mine = [*zip(one.class_ids, one.class_names, strict=True)]
        apart = [str(name) for _, name in {*mine} ^ {*theirs}]
        raise InputError(
            f"{both}: classes differ ({few(sorted(apart)) or 'in order'} in one alone). Fix: "
            "class_list=[...] with all classes of the data set"
        )
    if one.unsized != other.unsized:
        raise InputError(
            f"{both}: boxes are in pixels in one and normalized in the other, or image sizes are "
            "known in one alone. Fix: write sizes beside the boxes (columns width and height)"
        )
    # A part of which no image says which classes were looked for does not have them.
    if one.frequency != other.frequency and any(one.frequency) and any(other.frequency):
        raise InputError(f"{both}: the frequencies of classes differ. Fix: give both the same")
    if one.text_ids != other.text_ids and one.images and other.images:
        raise InputError(
            f"{both}: image ids are text in one and whole numbers in the other, so images have no "
            "common order. Fix: write the ids of all parts the same way"
        )


ASKED = {
    "unit": "--gt-coordinates and --det-coordinates (Reading.gt_coordinates, det_coordinates)",
    "columns": "--columns (Reading.columns)",
    "images": "--image-ids (Reading.image_ids)",
    "classes": "--class-numbers (Reading.class_numbers)",
}
"""What is open in a source, and the option that decides it for all parts."""


def _refuse_other_readings(parts: Sequence[CondensedPart]) -> None:
    """Refuse parts of which evidence of their own made another reading: the whole has one.

    A part without rows on a side has nothing that speaks for a reading.
    """
    first: dict[tuple[object, object], tuple[str, object]] = {}
    for part in parts:
        head = part.head
        rows = {"ground truth": head.objects.sum(), "detections": head.found.sum()}
        # What an option decided follows what would have been taken.
        read = {(one["side"], one["of"]): one["taken"] for one in head.interpretations}
        for (side, of), taken in read.items():
            if of not in ASKED or not rows[str(side)]:
                continue
            name, before = first.setdefault((side, of), (head.part, taken))
            if before != taken:
                raise InputError(
                    f"parts {printable(name)} and {printable(head.part)}: {side}: {of} are read as "
                    f"{before} in one and as {taken} in the other, and together they would be read "
                    f"one way. Fix: say which with {ASKED[str(of)]}"
                )


def _order(ids: Sequence[Objects]) -> Ints:
    """Where each id is among all, equal ones at neighbouring places; as a catalog orders them."""
    if all(column.dtype != object for column in ids):
        rows = np.argsort(np.concatenate(ids), kind="stable")
    else:
        every = [known for column in ids for known in column.tolist()]
        keys = [sort_key(known) for known in every]
        rows = np.array(sorted(range(len(every)), key=keys.__getitem__), np.int64)
    order = np.empty(len(rows), np.int64)
    order[rows] = np.arange(len(rows))
    return order


def _refuse_shared(ids: Sequence[Objects], order: Ints, parts: Sequence[CondensedPart]) -> None:
    text = any(column.dtype == object for column in ids)
    every = np.concatenate([column.astype(object) if text else column for column in ids])
    in_order, part_of = np.empty_like(every), np.empty_like(order)
    in_order[order] = every
    part_of[order] = np.repeat(np.arange(len(parts)), [len(column) for column in ids])
    twice = np.flatnonzero(in_order[1:] == in_order[:-1])
    if not len(twice):
        return
    first = int(twice[0])
    names = [printable(parts[part_of[at]].head.part) for at in (first, first + 1)]
    (image,) = in_order[first : first + 1].tolist()
    raise InputError(
        f"{counted(len(twice), 'image is', 'images are')} in two parts, first "
        f"{shown(image)} in {names[0]} and {names[1]}: each image belongs to one part. "
        "Fix: divide ground truth and detections by image"
    )
