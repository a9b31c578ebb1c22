"""What is looked at in a batch as a whole: ids of its images, lengths, floats of 16 bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables.catalog import Id
from detmetrics.training.batches.tensors import array_of, is_whole, kind_of

__all__ = ["coarse_boxes", "image_ids_of", "same_length"]

HALF_A_PIXEL = 0.5
COARSE = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Floats of 16 bits, and their smallest step above 1."""


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
        if not isinstance(plain, str) and not is_whole(plain):
            raise InputError(
                f"image_ids[{place}]: expected a whole number or text, got {shown(plain)}"
            )
        ids.append(plain if isinstance(plain, str) else int(plain))
    return ids


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
