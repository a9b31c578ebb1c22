"""What a training loop has, as columns: arrays of any library, checked where they are handed in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints
from detmetrics.catalog import Id
from detmetrics.columns import LARGEST, from_centres
from detmetrics.errors import InputError
from detmetrics.messages import counted, few, shown

__all__ = ["FLAGS", "Classes", "ImageBoxes", "array_of", "image_ids_of", "image_of"]

FLAGS = ("crowd", "ignore", "difficult")
UNKNOWN = np.full(2, np.nan)


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

    def labels(self, argument: str, given: Any, count: int) -> Ints:
        """(count,) ids, from labels or from names.

        Raises:
            InputError: one is no class.
        """
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
        return labels.astype(np.int64)

    def _refuse(self, argument: str, place: int, label: Any) -> None:
        labels = [f"{key} ({name})" for key, name in self.names.items()]
        label = int(label) if isinstance(label, float) and label.is_integer() else label
        raise InputError(f"{argument}[{place}]: expected a class, {few(labels)}, got {label!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBoxes:
    """All that is known of one image.

    boxes : (D, 4), scores, labels : (D,) what was found; truth_boxes : (G, 4), truth_labels,
    area : (G,) what is there, the area nan where unknown; flags : (3, G) of :data:`FLAGS`;
    size : (2,) width and height in pixels, nan where unknown.
    """

    boxes: Floats
    scores: Floats
    labels: Ints
    truth_boxes: Floats
    truth_labels: Ints
    area: Floats
    flags: Bools
    size: Floats


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
    side, other = f"predictions[{place}]", f"targets[{place}]"
    scale = UNKNOWN
    if size is not None:
        scale = array_of(f"image_sizes[{place}]", size, (2,))
    if normalized and not (scale > 0).all():
        raise InputError(f"image_sizes[{place}]: expected width and height for normalized boxes")
    times = np.tile(scale, 2) if normalized else None
    boxes = _boxes(side, found, box_format, times)
    count = len(boxes)
    scores = array_of(f"{side}['scores']", _part(side, found, "scores"), (count,))
    if (odd := np.isnan(scores)).any():
        raise InputError(f"{side}['scores'][{np.argmax(odd)}]: expected a number, got nan")
    truth_boxes = _boxes(other, there, box_format, times)
    truths = len(truth_boxes)
    flags = np.zeros((len(FLAGS), truths), bool)
    for row, name in enumerate(FLAGS):
        _mark(flags[row], other, there, name)
    area = np.full(truths, np.nan)
    if there.get("area") is not None:
        area = array_of(f"{other}['area']", there["area"], (truths,))
    return ImageBoxes(
        boxes=boxes,
        scores=scores,
        labels=classes.labels(f"{side}['labels']", _part(side, found, "labels"), count),
        truth_boxes=truth_boxes,
        truth_labels=classes.labels(f"{other}['labels']", _part(other, there, "labels"), truths),
        area=area,
        flags=flags,
        size=scale,
    )


def image_ids_of(given: Any) -> list[Id]:
    """Ids of images as Python has them: whole numbers or text.

    Raises:
        InputError: one is neither.
    """
    if hasattr(given, "detach") or hasattr(given, "__array__"):
        given = array_of("image_ids", given, None).tolist()
        given = [int(one) if float(one).is_integer() else one for one in given]
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
    """A copy in float64 of an array of NumPy, torch, JAX, TensorFlow, or of a list.

    shape: the one that is wanted; nothing is of any shape.

    Raises:
        InputError: no numbers, or another shape.
    """
    try:
        if hasattr(given, "detach"):
            given = given.detach().cpu()
            if given.dtype.is_floating_point:
                given = given.double()  # NumPy has no bfloat16
            given = given.numpy()
        elif not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
            given = np.from_dlpack(given)
        plain = np.asarray(given)
        if plain.dtype.kind not in "biuf" and plain.size:
            raise TypeError
        array = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{argument}: expected numbers, got {shown(given)}") from None
    if shape is not None and array.shape != shape:
        if array.size == 0 and math.prod(shape) == 0:
            return array.reshape(shape)
        wanted = "(n, 4)" if shape == (-1, 4) else str(shape)
        raise InputError(f"{argument}: expected shape {wanted}, got {array.shape}")
    return array


def _boxes(side: str, given: Mapping[str, Any], box_format: str, times: Floats | None) -> Floats:
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
        boxes *= times
    return from_centres(boxes) if box_format == "cxcywh" else boxes


def _part(side: str, given: Mapping[str, Any], name: str) -> Any:
    if not isinstance(given, Mapping):
        raise InputError(f"{side}: expected a dict with boxes and labels, got {shown(given)}")
    if name not in given:
        keys = few([str(key) for key in given]) or "nothing"
        raise InputError(f"{side}: expected a key {name!r}, got {keys}")
    return given[name]


def _mark(flags: Bools, side: str, given: Mapping[str, Any], name: str) -> None:
    """Set what is marked; ``iscrowd`` is a crowd."""
    keys = (name, "iscrowd") if name == "crowd" else (name,)
    for key in keys:
        if given.get(key) is not None:
            flags[:] = array_of(f"{side}[{key!r}]", given[key], flags.shape) != 0
            return


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
