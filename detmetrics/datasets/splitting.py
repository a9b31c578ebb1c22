"""Parts of a data set: drawn by a seed, alike in their classes, with nothing in two of them.

Images that belong together (a sequence, equal files) are a group, and groups are dealt out whole.
They are dealt by iterative stratification: again and again the rarest class that still has images
to give is taken, and each group that shows it goes to the part that still wants most images of that
class; ties go to the part that wants most images at all. The last groups of a class go to the parts
that have none of it yet, and a part that has its images takes no more while another has room.
Groups without objects come last. Source: Sechidis, Tsoumakas, Vlahavas, On
the Stratification of Multi-label Data, ECML PKDD 2011, with groups in place of examples.

The seed orders groups by a hash of their names, so the same seed gives the same parts on every
machine, in every version, and whatever the order of files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.datasets.grouping import by_seed, equal_files, image_files, joined, sequences
from detmetrics.formats.loading import read_ground_truth
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.progress import Progress
from detmetrics.tables import GroundTruth

__all__ = ["PARTS", "Split", "split"]

PARTS = ("train", "val", "test")
HALF = 0.5 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which part each image belongs to; get one from :func:`split`.

    Attributes:
        ground_truth: the data set.
        parts: the names of the parts: train, val and, where there are three, test.
        ratios: the share of images that each part was to have.
        part : (N,) the index of the part of each image of the catalog.
        groups: how many groups of images were dealt.
        duplicates: how many images are equal to an earlier one, byte for byte.
        files: the image files by image name, as far as they were found.

    >>> import detmetrics as dm
    >>> parts = dm.split("fixtures/ground_truth.json", seed=0)
    >>> parts.images
    {'train': 14, 'val': 5, 'test': 5}
    """

    ground_truth: GroundTruth
    parts: tuple[str, ...]
    ratios: tuple[float, ...]
    part: Ints
    groups: int
    duplicates: int
    files: Mapping[str, str]

    @property
    def images(self) -> dict[str, int]:
        """How many images each part has."""
        times = np.bincount(self.part, minlength=len(self.parts))
        return dict(zip(self.parts, times.tolist(), strict=True))

    @property
    def objects(self) -> Ints:
        """(K, P) how many objects of each class each part has."""
        classes = len(self.ground_truth.catalog.category_ids)
        found = np.zeros((classes, len(self.parts)), np.int64)
        np.add.at(found, (self.ground_truth.category, self.part[self.ground_truth.image]), 1)
        return found

    def image_names(self, part: str) -> tuple[str, ...]:
        """The names of the images of a part, in order of id."""
        names = self.ground_truth.catalog.image_names
        return tuple(names[at] for at in np.flatnonzero(self.part == self.parts.index(part)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        labels = self.ground_truth.catalog.class_labels
        return {
            "schema": 1,
            "parts": list(self.parts),
            "ratios": list(self.ratios),
            "images": self.images,
            "groups": self.groups,
            "duplicates": self.duplicates,
            "classes": {
                label: dict(zip(self.parts, row, strict=True))
                for label, row in zip(labels, self.objects.tolist(), strict=True)
            },
        }


def split(
    source: str | os.PathLike[str] | GroundTruth,
    *,
    ratios: Sequence[float] = (6, 2, 2),
    seed: int = 0,
    group_by: str | Mapping[str, str] | None = None,
    reading: Reading = READING,
    progress: Progress | None = None,
) -> Split:
    """Deal the images of a data set into train, validation and test parts.

    ratios: of images, two (train, val) or three; their sum does not matter.
    group_by: a regular expression whose first group (or whole match) in the name of an image is
    the sequence that it belongs to, or a mapping from image name to sequence. Images of one
    sequence stay together; so do images of equal bytes, where the files are found (beside YOLO
    labels, or in ``reading.image_dir``). progress: as in :func:`~detmetrics.read_ground_truth`.

    Raises:
        FormatError: the source cannot be read.
        InputError: ratios that are none, no images, an expression that is none or does not match.

    >>> import detmetrics as dm
    >>> again = dm.split("fixtures/ground_truth.json", ratios=(8, 2), seed=7)
    >>> again.parts, again.images
    (('train', 'val'), {'train': 19, 'val': 5})
    """
    shares = _shares(ratios)
    if isinstance(source, GroundTruth):
        ground_truth, files = source, image_files("", source, reading)
    else:
        ground_truth = read_ground_truth(source, reading, progress=progress)
        files = image_files(os.fspath(source), ground_truth, reading)
    names = ground_truth.catalog.image_names
    if not names:
        raise InputError(f"{ground_truth.source.name}: no images to split")
    equal = equal_files(names, files)
    group = joined(sequences(names, group_by, ground_truth.source.name), equal)
    order = by_seed(group, [str(known) for known in ground_truth.catalog.image_ids.tolist()], seed)
    part = _dealt(_images_of(group, ground_truth), np.bincount(group), order, shares)
    return Split(
        ground_truth=ground_truth,
        parts=PARTS[: len(shares)],
        ratios=shares,
        part=part[group],
        groups=int(group.max()) + 1,
        duplicates=len(names) - len(set(equal)),
        files=files,
    )


def _shares(ratios: Sequence[float]) -> tuple[float, ...]:
    try:
        values = [float(value) for value in ratios]
    except (TypeError, ValueError):
        raise InputError(f"ratios: expected numbers, got {ratios!r}") from None
    if not 2 <= len(values) <= len(PARTS):
        raise InputError(f"ratios: expected two or three numbers, got {len(values)}")
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise InputError(f"ratios: expected numbers above 0, got {tuple(ratios)}")
    return tuple(value / sum(values) for value in values)


def _images_of(group: Ints, ground_truth: GroundTruth) -> list[dict[int, int]]:
    """For each group how many of its images show each class."""
    found: list[dict[int, int]] = [{} for _ in range(int(group.max()) + 1)]
    classes = max(len(ground_truth.catalog.category_ids), 1)
    shown_on = np.unique(ground_truth.image * classes + ground_truth.category)
    image, category = np.divmod(shown_on, classes)
    for at, known in zip(group[image].tolist(), category.tolist(), strict=True):
        found[at][known] = found[at].get(known, 0) + 1
    return found


def _dealt(
    showing: Sequence[Mapping[int, int]], images: Ints, order: Ints, shares: Sequence[float]
) -> Ints:
    """(groups,) the part of each group.

    showing: images of each class by group; images : (groups,) of any.
    """
    # while some class waits:
    #     the rarest one, by images that are not yet dealt, is dealt whole: group by group, to the
    #     part that wants it most
    # Rare classes come first, while all parts have room; common ones even out by themselves.
    table = _Wants(showing, images, shares)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    waiting: dict[int, list[int]] = {}
    for at in order.tolist():
        for category in showing[at]:
            waiting.setdefault(category, []).append(at)
    while waiting:
        rarest = min(waiting, key=lambda known: (table.left[known], known))
        # Larger groups first: they are the hardest to place.
        open_groups = [at for at in waiting.pop(rarest) if table.part[at] < 0]
        open_groups.sort(key=lambda at: (-images[at], rank[at]))
        for left, at in zip(range(len(open_groups), 0, -1), open_groups, strict=True):
            table.give(at, table.part_for(rarest, left))
    without = np.flatnonzero(table.part < 0).tolist()
    for at in sorted(without, key=lambda at: (-images[at], rank[at])):
        table.give(at, table.part_for())
    return table.part


class _Wants:
    """What each part still wants: images, and images of each class."""

    def __init__(
        self, showing: Sequence[Mapping[int, int]], images: Ints, shares: Sequence[float]
    ) -> None:
        self._showing = showing
        self._images = images
        self.part = np.full(len(showing), -1)
        self.left: dict[int, int] = {}
        for own in showing:
            for category, count in own.items():
                self.left[category] = self.left.get(category, 0) + count
        self._shares = tuple(shares)
        total = int(images.sum())
        self._images_wanted: list[float] = [share * total for share in shares]
        self._wanted: dict[int, list[float]] = {
            known: [share * count for share in shares] for known, count in self.left.items()
        }
        self._has = {known: [0] * len(self._shares) for known in self.left}

    def part_for(self, category: int | None = None, groups_left: int = 0) -> int:
        """The part that wants the class most, then images most, then the largest.

        groups_left: how many groups show the class and wait, this one included. Halves of an image
        are the rounding of ratios, so a part with less room than that is full.
        """
        # With as many groups left as parts that still lack the class, these parts get them: every
        # part should show every class, even where its share rounds to nothing.
        room = self._images_wanted
        parts = [*range(len(room))]
        free = [at for at in parts if room[at] >= HALF] or parts
        if category is None:
            return _most(free, room, room)
        lacking = [at for at in free if not self._has[category][at]]
        if 0 < groups_left <= len(lacking):
            free = lacking
        return _most(free, self._wanted[category], room)

    def give(self, group: int, part: int) -> None:
        """Put a group into a part."""
        self.part[group] = part
        self._images_wanted[part] -= int(self._images[group])
        for category, count in self._showing[group].items():
            self._wanted[category][part] -= count
            self._has[category][part] += count
            self.left[category] -= count


def _most(parts: Sequence[int], wants: Sequence[float], room: Sequence[float]) -> int:
    """The part that wants most, then has most room, then comes first."""
    # Rounded, so that what sums of shares leave in the last digits does not decide.
    best: int = max(parts, key=lambda at: (round(wants[at], 9), round(room[at], 9), -at))
    return best
