"""What a training loop has, as columns: arrays of any library, checked where they are handed in."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.tables.catalog import Id
from detmetrics.tables.columns import as_xyxy
from detmetrics.training.batches.bitmaps import Codes, ImageMasks, Size, encoded, hulls
from detmetrics.training.batches.forms import Form, boxes_of, refuse_odd_truth
from detmetrics.training.batches.tensors import array_of, kind_of

__all__ = [
    "BESIDE",
    "FLAGS",
    "Classes",
    "ImageBoxes",
    "array_of",
    "coarse_boxes",
    "image_ids_of",
    "image_of",
    "joined",
    "same_length",
]

FLAGS = ("crowd", "ignore", "difficult")
BESIDE = {"found": 2, "there": 2 + len(FLAGS)}
"""The sides of an image, and how many columns there are beside the numbers of a box."""
UNKNOWN = (math.nan, math.nan)
NO_BOXES: tuple[Floats | None, ...] = (None, None)
HALF_A_PIXEL = 0.5
COARSE = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Floats of 16 bits, and their smallest step above 1."""


@dataclass(frozen=True)
class Classes:
    """The classes by id, and which ids labels may have.

    >>> Classes.of(["cat", "dog"]).names
    {0: 'cat', 1: 'dog'}
    """

    names: Mapping[int, str]

    @cached_property
    def known(self) -> Ints:
        """(K,) the labels, rising."""
        return np.array(list(self.names), np.int64)

    @classmethod
    def of(cls, given: Any) -> Classes:
        """Names in the order of labels from 0 on, or a mapping from labels to names.

        Raises:
            InputError: neither, none, or a name is there twice.
        """
        if isinstance(given, Mapping):
            names = dict(given)
        elif isinstance(given, Sequence) and not isinstance(given, str):
            names = dict(enumerate(given))
        else:
            raise InputError(f"classes: expected a list of names or a mapping, got {shown(given)}")
        if not names or not all(_is_whole(key) for key in names):
            raise InputError("classes: expected at least one, and whole numbers as labels")
        if not all(isinstance(name, str) for name in names.values()):
            raise InputError("classes: expected names as text")
        if len(set(names.values())) < len(names):
            raise InputError("classes: a name is there twice")
        return cls({int(key): names[key] for key in sorted(names)})

    def labels(self, argument: str, given: Any, count: int) -> Floats:
        """(count,) ids, from labels or from names.

        Raises:
            InputError: one is no class.
        """
        if getattr(getattr(given, "dtype", None), "kind", "") in ("U", "O", "T"):
            given = given.tolist()
        if isinstance(given, Sequence) and any(isinstance(label, str) for label in given):
            by_name = {name: key for key, name in self.names.items()}
            unknown = [n for n, label in enumerate(given) if label not in by_name]
            if unknown:
                self._refuse(argument, unknown[0], given[unknown[0]])
            given = [by_name[label] for label in given]
        labels = array_of(argument, given, (count,))
        near = self.known.searchsorted(labels, side="right") - 1
        right = self.known[near] == labels
        if not right.all():
            wrong = int(np.argmin(right))
            self._refuse(argument, wrong, labels[wrong].item())
        return labels

    def _refuse(self, argument: str, place: int, label: Any) -> None:
        labels = [f"{key} ({name})" for key, name in self.names.items()]
        label = int(label) if isinstance(label, float) and label.is_integer() else label
        raise InputError(f"{argument}[{place}]: expected a class, {few(labels)}, got {label!r}")


@dataclass(frozen=True, slots=True)
class ImageBoxes:
    """All that is known of one image, in two arrays: a loop holds many images.

    found : (D, B + 2) box, score, label; there : (G, B + 5) box, label, area and the flags
    :data:`FLAGS`, the area nan where unknown; size : width and height in pixels, nan where
    unknown; masks: those of the rows, None where no side has any.
    """

    found: Floats
    there: Floats
    size: Size
    masks: ImageMasks | None = None

    @property
    def kind(self) -> str | None:
        """``"masks"`` where both sides have objects with masks, ``"boxes"`` where one lacks them;
        None where nothing speaks against either.
        """
        if self.masks is not None and self.masks.whole:
            return "masks" if len(self.found) and len(self.there) else None
        return "boxes" if len(self.found) or len(self.there) else None


def joined(images: Collection[ImageBoxes], side: str, form: Form) -> tuple[Floats, Ints]:
    """The rows of a side of all images, and (N,) how many each has; side: of :data:`BESIDE`."""
    parts = [getattr(image, side) for image in images]
    count = np.array([len(part) for part in parts], np.int64)
    return np.concatenate([np.zeros((0, form.numbers + BESIDE[side])), *parts]), count


def image_of(
    place: int,
    prediction: Mapping[str, Any],
    target: Mapping[str, Any],
    classes: Classes,
    form: Form,
    size: Any,
) -> ImageBoxes:
    """The columns of one image of a batch; size: its width and height, None where unknown.

    Raises:
        InputError: an argument is missing, has another shape, or holds what can be no box.
    """
    sides = f"predictions[{place}]", f"targets[{place}]"
    for side, given in zip(sides, (prediction, target), strict=True):
        if not isinstance(given, Mapping):
            raise InputError(f"{side}: expected a dict with boxes and labels, got {shown(given)}")
    frame = _frame(place, size, form)
    masks, around = None, NO_BOXES
    if "masks" in prediction or "masks" in target or form.masks == "needed":
        given = dict(zip(sides, (prediction, target), strict=True))
        masks, around, frame = _masks(given, form, frame, f"image_sizes[{place}]")
    times = np.resize(frame, form.numbers) if form.normalized else None
    rows = (
        _found(sides[0], prediction, classes, form, times, around[0]),
        _there(sides[1], target, classes, form, times, around[1]),
    )
    if masks is not None and masks.whole:
        _same_count(sides, masks, rows)
    return ImageBoxes(*rows, frame, masks)


def _frame(place: int, size: Any, form: Form) -> Size:
    """Width and height of the image."""
    width, height = UNKNOWN
    if size is not None:
        width, height = given = array_of(f"image_sizes[{place}]", size, (2,)).tolist()
        if not all(math.isnan(side) or 0 < side < math.inf for side in given):
            raise InputError(f"image_sizes[{place}]: expected width and height, got {given}")
    if form.normalized and not (width > 0 and height > 0):
        raise InputError(f"image_sizes[{place}]: expected width and height for normalized boxes")
    return width, height


def _found(
    side: str,
    given: Any,
    classes: Classes,
    form: Form,
    times: Floats | None,
    boxes: Floats | None,
) -> Floats:
    """(D, B + 2) what was found; boxes: those around masks, where there are no others."""
    if boxes is None:
        boxes = boxes_of(f"{side}['boxes']", _part(side, given, "boxes"), form, times)
    rows = np.empty((len(boxes), boxes.shape[1] + 2))
    rows[:, :-2] = boxes
    scores = rows[:, -2] = array_of(f"{side}['scores']", _part(side, given, "scores"), (len(rows),))
    if (odd := ~np.isfinite(scores)).any():
        at = int(np.argmax(odd))
        raise InputError(f"{side}['scores'][{at}]: expected a finite number, got {scores[at]}")
    rows[:, -1] = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows))
    return rows


def _there(
    side: str,
    given: Any,
    classes: Classes,
    form: Form,
    times: Floats | None,
    boxes: Floats | None,
) -> Floats:
    """(G, B + 5) what is there; boxes: those around masks, where there are no others."""
    if boxes is None:
        boxes = boxes_of(f"{side}['boxes']", _part(side, given, "boxes"), form, times)
        refuse_odd_truth(f"{side}['boxes']", boxes, form, times)
    rows = np.empty((len(boxes), boxes.shape[1] + 2 + len(FLAGS)))
    rows[:, :-5] = boxes
    rows[:, -5] = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows))
    rows[:, -4] = np.nan
    if given.get("area") is not None:
        rows[:, -4] = _areas(f"{side}['area']", given["area"], len(rows))
    for column, name in enumerate(FLAGS, -len(FLAGS)):
        rows[:, column] = _marked(side, given, name, len(rows))
    return rows


def _masks(
    sides: Mapping[str, Mapping[str, Any]], form: Form, size: Size, whose: str
) -> tuple[ImageMasks | None, tuple[Floats | None, ...], Size]:
    """The masks of an image, the boxes around those of a side that has no others, and its size."""
    lacks = [given.get("masks") is None and _count(given) > 0 for given in sides.values()]
    if form.masks == "needed" and any(lacks):
        side, given = list(sides.items())[lacks.index(True)]
        raise InputError(f"{side}: expected a key 'masks', got {few([*map(str, given)])}")
    taken = form.masks != "left" and not any(lacks)
    codes: list[Codes] = []
    around: list[Floats | None] = []
    for side, given in sides.items():
        alone = given.get("boxes") is None and not form.oriented
        mine: Codes = ()
        if given.get("masks") is not None and (taken or alone):
            argument = f"{side}['masks']"
            mine, now = encoded(argument, given["masks"], size, whose)
            size, whose = now, whose if now == size else argument
        codes.append(mine)
        boxes = hulls(mine, size) if alone and given.get("masks") is not None else None
        corners = boxes is not None and form.kept == "xyxy"
        around.append(as_xyxy(boxes, "xywh") if boxes is not None and corners else boxes)
    if taken:
        return ImageMasks(*codes), tuple(around), size
    one_sided = form.masks != "left" and not all(lacks)
    lacking = ImageMasks(*(None if one else () for one in lacks)) if one_sided else None
    return lacking, tuple(around), size


def _count(given: Mapping[str, Any]) -> int:
    """How many labels there are; what cannot be counted is refused where labels are read."""
    labels: Any = given.get("labels")
    return len(labels) if hasattr(labels, "__len__") else 0


def _same_count(sides: Iterable[str], masks: ImageMasks, rows: Sequence[Floats]) -> None:
    for side, codes, row in zip(sides, (masks.found, masks.there), rows, strict=True):
        if codes is not None and len(codes) != len(row):
            raise InputError(
                f"{side}['masks']: expected {counted(len(row), 'mask')}, one a box, got "
                f"{len(codes)}"
            )


def _areas(argument: str, given: Any, count: int) -> Floats:
    areas = array_of(argument, given, (count,))
    if (odd := (areas < 0) | np.isinf(areas)).any():  # nan is unknown
        at = int(np.argmax(odd))
        raise InputError(f"{argument}[{at}]: expected an area from 0 up, got {areas[at]}")
    return areas


def coarse_boxes(*sides: Sequence[Mapping[str, Any]]) -> str | None:
    """What to say of boxes in a float of 16 bits, where these lie half a pixel apart or more."""
    for name, side in zip(("predictions", "targets"), sides, strict=True):
        for place, one in enumerate(side):
            boxes = one.get("boxes")
            if getattr(getattr(boxes, "dtype", None), "itemsize", 2) != 2:
                continue  # most end here: the name of a type is slow to ask for
            if (kind := kind_of(boxes)) not in COARSE:
                continue
            largest = float(np.abs(array_of("boxes", boxes, None)).max(initial=0))
            # Numbers from 2 ** n up lie 2 ** n times the smallest step above 1 apart.
            apart = math.ldexp(COARSE[kind], math.frexp(largest)[1] - 1) if largest else 0.0
            if apart >= HALF_A_PIXEL:
                return (
                    f"{name}[{place}]['boxes'] are {kind}, {apart:g} apart at {largest:g}: AP is "
                    "that of rounded boxes; compute them in float32"
                )
    return None


def image_ids_of(given: Any) -> list[Id]:
    """Ids of images as Python has them: whole numbers or text.

    Raises:
        InputError: one is neither.
    """
    if hasattr(given, "tolist") and not isinstance(given, str):
        given = given.tolist()  # whole numbers stay whole, which floats do not hold beyond 2 ** 53
        given = [int(one) if isinstance(one, float) and one.is_integer() else one for one in given]
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"image_ids: expected a list with an id an image, got {shown(given)}")
    ids: list[Id] = []
    for place, one in enumerate(given):
        plain = one.item() if hasattr(one, "item") and getattr(one, "ndim", 0) == 0 else one
        if not isinstance(plain, str) and not _is_whole(plain):
            raise InputError(
                f"image_ids[{place}]: expected a whole number or text, got {shown(plain)}"
            )
        ids.append(plain if isinstance(plain, str) else int(plain))
    return ids


def _part(side: str, given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        keys = few([str(key) for key in given]) or "nothing"
        raise InputError(f"{side}: expected a key {name!r}, got {keys}")
    return given[name]


def _marked(side: str, given: Mapping[str, Any], name: str, count: int) -> Any:
    """Which are marked; ``iscrowd`` is a crowd."""
    keys = (name, "iscrowd") if name == "crowd" else (name,)
    for key in keys:
        if given.get(key) is not None:
            return array_of(f"{side}[{key!r}]", given[key], (count,)) != 0
    return False


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)


def same_length(image_ids: Sequence[Id], **others: Any) -> None:
    """Refuse a batch whose parts are not of one length.

    Raises:
        InputError: they are not.
    """
    for name, given in others.items():
        if isinstance(given, Mapping | str) or not hasattr(given, "__len__"):
            raise InputError(f"{name}: expected a list with one for each image, got {shown(given)}")
        if len(given) != len(image_ids):
            raise InputError(
                f"{name}: expected {counted(len(image_ids), 'entry', 'entries')} like image_ids, "
                f"got {len(given)}"
            )
