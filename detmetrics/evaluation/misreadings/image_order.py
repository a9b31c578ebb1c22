"""Detections that belong to other images: one further, or the images in another order.

Who writes the detections of the n-th image and takes n for its id has them all on wrong images
where the order is another one. Sources of such orders are few: a shift by one, from an image on
that was skipped, names in alphabetical order, or the reverse; of a few images any order is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.evaluation.misreadings.confident import Confident
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.foundation.arrays import Bools, Ints, moved, read_only
from detmetrics.foundation.messages import counted, printable
from detmetrics.tables import Detections
from detmetrics.tables.catalog import Catalog

__all__ = ["ImageOrder", "orders", "shifted_from", "shifts", "voted_order"]

LAGS = (1, -1, 2, -2)
LEAST_VOTES = 5
CURE = (
    "write with each detection the id or file name of its own image; check the order of images "
    "in the data loader"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrder:
    """Where detections belong; place : (N,) the image of those of each image, a permutation."""

    name: str
    seems: str
    undoing: str
    place: Ints

    @property
    def mistake(self) -> Mistake:
        """The same as a change to detections."""
        return Mistake(
            family="images",
            name=self.name,
            cure=CURE,
            change=self.change,
            seems=self.seems,
            undoing=self.undoing,
        )

    def change(self, detections: Detections) -> Detections:
        """Every detection on the image where it belongs."""
        return replace(detections, image=read_only(self.place[detections.image]))


def shifts(catalog: Catalog) -> Iterator[ImageOrder]:
    """All images off by one or two, the last ones in place of the first."""
    count = len(catalog.image_ids)
    for by in LAGS:
        if abs(by) < count:
            yield _shifted((np.arange(count) + by) % count, by)


def orders(catalog: Catalog) -> Iterator[ImageOrder]:
    """The reverse, and the order of names, as text or by the numbers in them."""
    names = catalog.image_names
    yield _ordered("in the reverse order", np.arange(len(names))[::-1].copy())
    for key in (str, _natural):
        ordered = np.array(sorted(range(len(names)), key=lambda at: key(names[at])), np.int64)
        if not (np.diff(ordered) == 1).all():
            yield _ordered("in order of file names, not of ids", ordered)
            yield _ordered("in order of ids, not of file names", moved(ordered))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple(
        (int(part), "") if part.isascii() and part.isdigit() and len(part) < 19 else (-1, part)
        for part in re.split(r"(\d+)", name)
    )


def shifted_from(confident: Confident, catalog: Catalog) -> Iterator[ImageOrder]:
    """All images from one on are off by one: it was skipped, or written twice."""
    count = len(catalog.image_ids)
    own = confident.hits().hit.astype(np.int64)
    for by in (1, -1):
        other = confident.hits(image=(confident.image + by) % count).hit.astype(np.int64)
        # votes[n] = the images before the n-th row are their own, those from it on are off by one
        votes: Ints = np.cumsum(own) - own + np.cumsum(other[::-1])[::-1]
        if not len(votes):
            return
        at = int(votes.argmax())
        start = int(confident.image[at])
        if start > 0 and votes[at] >= max(own.sum(), other.sum()) + LEAST_VOTES:
            yield _shifted(_off_from(count, start, by), by, catalog.image_names[start])


def _off_from(count: int, start: int, by: int) -> Ints:
    place = np.arange(count)
    place[start:] = start + (place[start:] - start + by) % (count - start)
    return place


def voted_order(confident: Confident, images: int) -> ImageOrder | None:
    """The images that the boxes vote for, each for one of its own; None where they vote for none.

    Every image is compared with every other, so this is for some hundred of them.
    """
    votes = _votes(confident, images)
    place = np.full(images, -1)
    free = np.ones(images, bool)
    for at in np.argsort(-votes, axis=None, kind="stable").tolist():
        image, other = divmod(at, images)
        if votes[image, other] <= 0:
            break
        if place[image] < 0 and free[other]:
            place[image], free[other] = other, False
    place = _completed(place, free)
    if (place == np.arange(images)).all():
        return None
    many = int((place != np.arange(images)).sum())
    return ImageOrder(
        name=f"images in another order, {counted(many, 'image')} of it",
        seems="the detections look as if they belong to other images",
        undoing=f"moving those of {counted(many, 'image')} to the images that their boxes fit",
        place=place,
    )


def _votes(confident: Confident, images: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(N, N) how well the detections of an image lie on the objects of another."""
    votes = np.zeros((images, images))
    for other in range(images):
        if confident.first[other] < confident.first[other + 1]:
            best = confident.hits(image=np.full(len(confident), other)).best
            near = np.maximum(2 * best - 1, 0)
            votes[:, other] = np.bincount(confident.image, near, minlength=images)
    return votes


def _completed(place: Ints, free: Bools) -> Ints:
    """Images that vote for none stay where they are if that is free, else go where it is."""
    left = np.flatnonzero(place < 0)
    stays = left[free[left]]
    place[stays], free[stays] = stays, False
    place[place < 0] = np.flatnonzero(free)
    return place


def _shifted(place: Ints, by: int, start: str | None = None) -> ImageOrder:
    where = "next" if by > 0 else "previous"
    much = "one" if abs(by) == 1 else f"{abs(by)}"
    since = "" if start is None else f", from about {printable(start)} on"
    which = f"the {where} image" if abs(by) == 1 else f"the {where} image but {abs(by) - 1}"
    return ImageOrder(
        name=f"images shifted by {much}{since}: detections belong to {which}",
        seems=f"the detections look shifted by {counted(abs(by), 'image')}{since}",
        undoing=f"moving them to {which}",
        place=place,
    )


def _ordered(how: str, place: Ints) -> ImageOrder:
    return ImageOrder(
        name=f"images in another order: detections are {how}",
        seems=f"the images of the detections look {how}",
        undoing="moving the detections to the images of that place",
        place=place,
    )
