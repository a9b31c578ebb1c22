"""What a training loop has, as columns: arrays of any library, checked where they are handed in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detmetrics.arrays import Floats, Ints
from detmetrics.catalog import Id
from detmetrics.columns import LARGEST, from_centres
from detmetrics.errors import InputError
from detmetrics.messages import counted, few, shown

__all__ = ["FLAGS", "Classes", "ImageBoxes", "array_of", "image_ids_of", "image_of"]

FLAGS = ("crowd", "ignore", "difficult")
UNKNOWN = (math.nan, math.nan)
HALF_A_PIXEL = 0.5
COARSE = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Floats of 16 bits, and their smallest step above 1."""
Scale = tuple[float, float, float, float] | None


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

    found : (D, 6) box, score, label; there : (G, 9) box, label, area and the flags :data:`FLAGS`,
    the area nan where unknown; size : width and height in pixels, nan where unknown.
    """

    found: Floats
    there: Floats
    size: tuple[float, float]

    @classmethod
    def none(cls) -> ImageBoxes:
        """An image without anything."""
        return cls(np.zeros((0, 6)), np.zeros((0, 6 + len(FLAGS))), UNKNOWN)


def image_of(
    place: int,
    found: Mapping[str, Any],
    there: Mapping[str, Any],
    classes: Classes,
    box_format: str,
    *,
    size: Any,
    normalized: bool,
) -> ImageBoxes:
    """The columns of one image of a batch.

    Raises:
        InputError: an argument is missing, has another shape, or holds what can be no box.
    """
    width, height = UNKNOWN
    if size is not None:
        width, height = given = array_of(f"image_sizes[{place}]", size, (2,)).tolist()
        if not all(math.isnan(side) or 0 < side < math.inf for side in given):
            raise InputError(f"image_sizes[{place}]: expected width and height, got {given}")
    if normalized and not (width > 0 and height > 0):
        raise InputError(f"image_sizes[{place}]: expected width and height for normalized boxes")
    times = (width, height, width, height) if normalized else None
    return ImageBoxes(
        _found(f"predictions[{place}]", found, classes, box_format, times),
        _there(f"targets[{place}]", there, classes, box_format, times),
        (width, height),
    )


def _found(side: str, given: Any, classes: Classes, box_format: str, times: Scale) -> Floats:
    """(D, 6) what was found."""
    boxes = _boxes(side, given, box_format, times)
    rows = np.empty((len(boxes), 6))
    rows[:, :4] = boxes
    scores = rows[:, 4] = array_of(f"{side}['scores']", _part(side, given, "scores"), (len(rows),))
    if (odd := ~np.isfinite(scores)).any():
        at = int(np.argmax(odd))
        raise InputError(f"{side}['scores'][{at}]: expected a finite number, got {scores[at]}")
    rows[:, 5] = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows))
    return rows


def _there(side: str, given: Any, classes: Classes, box_format: str, times: Scale) -> Floats:
    """(G, 9) what is there."""
    boxes = _boxes(side, given, box_format, times)
    _refuse_odd_truth(side, boxes, box_format, times)
    rows = np.empty((len(boxes), 6 + len(FLAGS)))
    rows[:, :4] = boxes
    rows[:, 4] = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows))
    rows[:, 5] = np.nan
    if given.get("area") is not None:
        rows[:, 5] = _areas(f"{side}['area']", given["area"], len(rows))
    for column, name in enumerate(FLAGS, 6):
        rows[:, column] = _marked(side, given, name, len(rows))
    return rows


def _areas(argument: str, given: Any, count: int) -> Floats:
    areas = array_of(argument, given, (count,))
    if (odd := (areas < 0) | np.isinf(areas)).any():  # nan is unknown
        at = int(np.argmax(odd))
        raise InputError(f"{argument}[{at}]: expected an area from 0 up, got {areas[at]}")
    return areas


def _refuse_odd_truth(side: str, boxes: Floats, box_format: str, times: Scale) -> None:
    """Objects have sides from 0 up, and lie in or near their image.

    Raises:
        InputError: one does not; detectors may find such boxes, labels may not hold them.
    """
    corners = box_format == "xyxy"
    sides = boxes[:, 2:] - boxes[:, :2] if corners else boxes[:, 2:]
    if (odd := (sides < 0).any(axis=1)).any():
        at = int(np.argmax(odd))
        wanted = "xmin <= xmax and ymin <= ymax" if corners else "width and height from 0 up"
        other = "xywh" if corners else "xyxy"
        raise InputError(
            f"{side}['boxes'][{at}]: expected {wanted}, got {boxes[at].tolist()}: are they "
            f"{other}? box_format={other!r}"
        )
    if times is not None and (odd := (boxes > 2 * np.array(times)).any(axis=1)).any():
        at = int(np.argmax(odd))
        raise InputError(
            f"{side}['boxes'][{at}]: expected shares of the image, got "
            f"{(boxes[at] / times).tolist()}: normalized=False takes pixels"
        )


def coarse_boxes(*sides: Sequence[Mapping[str, Any]]) -> str | None:
    """What to say of boxes in a float of 16 bits, where these lie half a pixel apart or more."""
    for name, side in zip(("predictions", "targets"), sides, strict=True):
        for place, one in enumerate(side):
            kind = str(getattr(one["boxes"], "dtype", "")).rpartition(".")[2]
            if kind not in COARSE:
                continue
            largest = float(np.abs(array_of("boxes", one["boxes"], None)).max(initial=0))
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


def array_of(argument: str, given: Any, shape: tuple[int, ...] | None) -> Floats:
    """An array of NumPy, torch, JAX, TensorFlow, or a list, in float64; not always a copy.

    shape: the one that is wanted; nothing is of any shape.

    Raises:
        InputError: no numbers, or another shape.
    """
    try:
        plain = _in_numpy(given)
        if plain.dtype.kind not in "biuf" and plain.size:
            raise TypeError
        array: Floats = plain.astype(np.float64, copy=False)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{argument}: expected numbers, got {shown(given)}") from None
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise InputError(f"{argument}: expected every number, got an array with masked ones")
    if shape is not None and array.shape != shape:
        if array.size == 0 and math.prod(shape) == 0:
            return array.reshape(shape)
        wanted = "(n, 4)" if shape == (-1, 4) else str(shape)
        raise InputError(f"{argument}: expected shape {wanted}, got {array.shape}")
    return array


def _in_numpy(given: Any) -> Any:
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        if given.dtype.is_floating_point:
            given = given.double()  # NumPy has no bfloat16
        given = given.numpy()
    elif not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
        given = np.from_dlpack(given)
    return np.asarray(given)


def _boxes(side: str, given: Mapping[str, Any], box_format: str, times: Scale) -> Floats:
    """(n, 4) in pixels; centres become corners' sides, since tables know no centres."""
    argument = f"{side}['boxes']"
    boxes = array_of(argument, _part(side, given, "boxes"), None)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f"{argument}: expected shape (n, 4), got {boxes.shape}")
    if boxes.size and not (boxes.min() >= -LARGEST and boxes.max() <= LARGEST):
        row = int(np.flatnonzero(~(np.abs(boxes) <= LARGEST).all(axis=1))[0])
        raise InputError(f"{argument}[{row}]: expected four numbers, got {boxes[row].tolist()}")
    if times is not None:
        boxes = boxes * times
    return from_centres(boxes) if box_format == "cxcywh" else boxes


def _part(side: str, given: Mapping[str, Any], name: str) -> Any:
    if not isinstance(given, Mapping):
        raise InputError(f"{side}: expected a dict with boxes and labels, got {shown(given)}")
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
