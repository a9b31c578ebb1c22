"""Arrays of any library as NumPy's, checked where they are handed in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown

__all__ = ["NO_NUMBERS", "array_of", "in_numpy", "is_whole", "kind_of"]

NO_NUMBERS = (TypeError, ValueError, RuntimeError)
"""What conversions end in that find no numbers."""


def array_of(argument: str, given: Any, shape: tuple[int, ...] | None) -> Floats:
    """An array of NumPy, torch, JAX, TensorFlow, or a list, in float64; not always a copy.

    shape: the one that is wanted; nothing is of any shape.

    Raises:
        InputError: no numbers, or another shape.
    """
    try:
        plain = in_numpy(given)
        if plain.dtype.kind not in "biuf" and plain.size:
            raise TypeError
        array: Floats = plain.astype(np.float64, copy=False)
    except NO_NUMBERS:
        raise InputError(f"{argument}: expected numbers, got {shown(given)}") from None
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise InputError(f"{argument}: expected every number, got an array with masked ones")
    if shape is not None and array.shape != shape:
        if array.size == 0 and math.prod(shape) == 0:
            return array.reshape(shape)
        raise InputError(f"{argument}: expected shape {shape}, got {array.shape}")
    return array


def in_numpy(given: Any) -> NDArray[Any]:
    """An array of NumPy, from whatever device; floats of torch are float64 then."""
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        if given.dtype.is_floating_point:
            given = given.double()  # NumPy has no bfloat16
        given = given.numpy()
    elif not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
        given = np.from_dlpack(given)
    return np.asarray(given)


def kind_of(given: Any) -> str:
    """The name of the type of its numbers, without that of the library; empty for lists."""
    return str(getattr(given, "dtype", "")).rpartition(".")[2]


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; True is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
