"""Masks of a batch, kept compressed: a bitmap of 640 by 640 pixels becomes some hundred bytes.

They come as bitmaps, arrays (n, height, width) of any library, or as COCO's run-length encodings.
Source: ``pycocotools/mask.py``, ``encode``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Floats, object_column
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.foundation.originals import original
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.training.batches.tensors import NO_NUMBERS, in_numpy, kind_of

__all__ = [
    "Codes",
    "ImageMasks",
    "Size",
    "encoded",
    "hulls",
    "masks_of_codes",
    "refuse_unsound",
]

Codes = tuple[bytes, ...]
Size = tuple[float, float]
FLOATS = ("float", "bfloat", "complex")


@dataclass(frozen=True, slots=True)
class ImageMasks:
    """Masks of an image whose size is known.

    predictions, targets : (n,) the counts of COCO's encoding; None of a side that has
    none and needs them.
    """

    predictions: Codes | None
    targets: Codes | None

    @property
    def whole(self) -> bool:
        """Whether both sides have masks."""
        return self.predictions is not None and self.targets is not None

    def of_rows(self, kept: tuple[Bools | None, Bools | None]) -> ImageMasks:
        """Those of the rows that are kept on each side; None where all are."""
        return ImageMasks(*map(_those, (self.predictions, self.targets), kept))


def encoded(argument: str, given: Any, size: Size, whose: str) -> tuple[Codes, Size]:
    """Masks as counts, and the width and height that they have.

    given: (n, height, width) of bool or of whole numbers 0 and 1, or a list of mappings with
    ``size`` (height, width) and ``counts``; size: that of the image, nan where unknown, as
    ``whose`` says.

    Raises:
        InputError: they are none, or of another size.
    """
    given = list(given) if isinstance(given, tuple) else given
    if isinstance(given, list) and any(isinstance(one, Mapping) for one in given):
        codes = _checked(argument, given)
        sizes = [(float(code["size"][1]), float(code["size"][0])) for code in codes]
        counts = tuple(code["counts"] for code in codes)
        return counts, _size(argument, sizes, size, whose)
    planes = _planes(argument, given)
    wanted = _size(argument, [plane.shape[::-1] for plane in planes], size, whose)
    return tuple(_counts(f"{argument}[{row}]", plane) for row, plane in enumerate(planes)), wanted


def _those(codes: Codes | None, kept: Bools | None) -> Codes | None:
    if not codes or kept is None:  # the mark of a side that lacks masks has no rows
        return codes
    return tuple(code for code, stays in zip(codes, kept, strict=True) if stays)


def hulls(codes: Codes, size: Size) -> Floats:
    """(n, 4) ``x y w h`` of the boxes around masks."""
    boxes: Floats = masks_of_codes([codes], [size]).runs.boxes
    return boxes


def masks_of_codes(codes: Sequence[Codes], sizes: Sequence[Size]) -> Masks:
    """The masks of all images; sizes: width and height of each."""
    rows = []
    for counts, (width, height) in zip(codes, sizes, strict=True):
        size = [int(height), int(width)] if counts else []
        rows += [{"size": size, "counts": one} for one in counts]
    return Masks(object_column(rows))


def refuse_unsound(masks: Masks) -> None:
    """Encodings that somebody else wrote have to fill their images.

    Raises:
        TableError: one does not.
    """
    _ = masks.runs


def _checked(argument: str, given: list[Any]) -> list[Any]:
    """Encodings in their compressed form."""
    for row, one in enumerate(given):
        if not isinstance(one, Mapping):
            raise InputError(
                f"{argument}[{row}]: expected a run-length encoding like the others, got "
                f"{shown(one)}"
            )
    try:
        masks = masks_of(Segmentations(object_column(given)), np.full((len(given), 2), np.nan))
    except OutlineError as error:
        row, text = error.faults[0]
        raise InputError(f"{argument}[{row}]: {text}") from None
    codes: list[Any] = masks.sound.tolist()
    return codes


def _size(argument: str, sizes: Sequence[Sequence[float]], size: Size, whose: str) -> Size:
    """The one size of masks; sizes: width and height of each."""
    for row, (width, height) in enumerate(sizes):
        if math.isnan(size[0]) or math.isnan(size[1]):
            size, whose = (float(width), float(height)), f"{argument}[{row}]"
        if (width, height) != size:
            raise InputError(
                f"{argument}[{row}]: expected height and width {size[1]:g} x {size[0]:g} as of "
                f"{whose}, got {height:g} x {width:g}"
            )
    return size


def _planes(argument: str, given: Any) -> Sequence[NDArray[Any]]:
    """(n,) bitmaps, (height, width) each; what holds nothing is of no kind."""
    try:
        if isinstance(given, list):
            planes: Any = [in_numpy(one) for one in given]
            shape = (len(planes), *planes[0].shape) if planes else (0,)
        else:
            planes = in_numpy(given)
            shape = planes.shape
    except NO_NUMBERS:
        raise InputError(f"{argument}: expected masks, got {shown(given)}") from None
    if shape[:1] == (0,) or (len(shape) < 3 and not np.prod(shape)):
        return []
    _refuse_floats(argument, given)
    if len(shape) != 3:
        squeezed = len(shape) == 4 and shape[1] == 1
        hint = f": {argument}.squeeze(1) is that" if squeezed else ""
        raise InputError(f"{argument}: expected shape (n, height, width), got {shape}{hint}")
    for row, plane in enumerate(planes):
        if plane.ndim != 2 or not plane.size:
            raise InputError(
                f"{argument}[{row}]: expected shape (height, width), got {plane.shape}"
            )
    result: Sequence[NDArray[Any]] = planes
    return result


def _refuse_floats(argument: str, given: Any) -> None:
    for one in given if isinstance(given, list) else [given]:
        if (kind := kind_of(one)).startswith(FLOATS):
            raise InputError(
                f"{argument}: expected bool, or whole numbers 0 and 1, got {kind}: of shares, "
                "masks > 0.5"
            )


def _counts(argument: str, plane: NDArray[Any]) -> bytes:
    """The compressed counts of a bitmap."""
    mask = original("mask")
    if plane.dtype.kind not in "biu":
        raise InputError(f"{argument}: expected bool, or whole numbers 0 and 1, got {plane.dtype}")
    if plane.dtype.kind != "b" and (plane.max() > 1 or plane.min() < 0):
        odd = plane[(plane < 0) | (plane > 1)][0]
        raise InputError(
            f"{argument}: expected bool, or whole numbers 0 and 1, got {odd}: masks != 0"
        )
    # A bool is a byte 0 or 1; whole numbers were seen to be these, and nothing is lost.
    bits = plane.view(np.uint8) if plane.dtype.kind == "b" else plane.astype(np.uint8, copy=False)
    counts: bytes = mask.encode(_by_columns(bits))["counts"]
    return counts


def _by_columns(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A bitmap in Fortran's order; against the order of memory only the box around is copied."""
    # np.asfortranarray(bits), which is what encode asks for. An array of zeros costs nothing until
    # it is written to, and most objects fill a small part of their image.
    turned = np.zeros(bits.shape, np.uint8, order="F")
    rows = np.flatnonzero(bits.any(axis=1))
    if len(rows):
        high = slice(rows[0], rows[-1] + 1)
        columns = np.flatnonzero(bits[high].any(axis=0))
        wide = slice(columns[0], columns[-1] + 1)
        turned[high, wide] = bits[high, wide]
    return turned
