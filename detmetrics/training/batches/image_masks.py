"""The masks of one image of a batch: taken where both sides have them, and else their boxes.

A side without masks that has no objects lacks nothing. What becomes of masks follows from
:attr:`Form.masks <detmetrics.training.batches.forms.Form.masks>`: ``"needed"`` refuses a side that
lacks them, ``"taken"`` keeps them where no side does, ``"left"`` measures boxes. Where a side has
masks and no boxes, its boxes are those around the masks, whatever is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few
from detmetrics.tables.columns import as_xyxy
from detmetrics.training.batches.bitmaps import Codes, ImageMasks, Size, encoded, hulls
from detmetrics.training.batches.forms import Form

__all__ = ["Masked", "masks_of", "refuse_other_count"]


class Masked(NamedTuple):
    """What the masks of an image give.

    masks: None where no side has any; around: of each side the (n, 4) boxes around its masks,
    None where it has boxes of its own; size: width and height of the image.
    """

    masks: ImageMasks | None
    around: tuple[Floats | None, ...]
    size: Size


def masks_of(sides: Mapping[str, Mapping[str, Any]], form: Form, size: Size, whose: str) -> Masked:
    """The masks of an image; sides: predictions and targets by the name that errors give them.

    size: of the image, nan where unknown, as ``whose`` says.

    Raises:
        InputError: masks that are none or of another size, or a side that lacks those it needs.
    """
    # Masks are read where both sides have what is needed, or where a side has nothing else to make
    # boxes of; else their bytes are never looked at.
    lacks = [_lacks_masks(given) for given in sides.values()]
    if form.masks == "needed" and any(lacks):
        side, given = list(sides.items())[lacks.index(True)]
        raise InputError(f"{side}: expected a key 'masks', got {few([*map(str, given)])}")
    taken = form.masks != "left" and not any(lacks)
    codes: list[Codes] = []
    around: list[Floats | None] = []
    for side, given in sides.items():
        alone = _has_masks(given) and given.get("boxes") is None and not form.oriented
        mine: Codes = ()
        if _has_masks(given) and (taken or alone):
            argument = f"{side}['masks']"
            mine, own = encoded(argument, given["masks"], size, whose)
            # From here on both sides must have the size that this argument was the first to tell.
            size, whose = own, whose if own == size else argument
        codes.append(mine)
        around.append(_around(mine, size, form) if alone else None)
    if taken:
        return Masked(ImageMasks(*codes), tuple(around), size)
    return Masked(_one_sided(lacks, form), tuple(around), size)


def _has_masks(given: Mapping[str, Any]) -> bool:
    return given.get("masks") is not None


def _lacks_masks(given: Mapping[str, Any]) -> bool:
    """There are objects, and no masks of them."""
    return not _has_masks(given) and _count(given) > 0


def _count(given: Mapping[str, Any]) -> int:
    """How many labels there are; what cannot be counted is refused where labels are read."""
    labels: Any = given.get("labels")
    if 0 in getattr(labels, "shape", ()):
        return 0
    return len(labels) if hasattr(labels, "__len__") else 0


def _around(codes: Codes, size: Size, form: Form) -> Floats:
    """(n, 4) the boxes around masks, in the form in which boxes are kept."""
    boxes = hulls(codes, size)
    return as_xyxy(boxes, "xywh") if form.kept == "xyxy" else boxes


def _one_sided(lacks: Sequence[bool], form: Form) -> ImageMasks | None:
    """The mark of an image of which one side alone has masks: None stands for the other's."""
    if form.masks == "left" or all(lacks):
        return None
    return ImageMasks(*(None if lacking else () for lacking in lacks))


def refuse_other_count(sides: Iterable[str], masks: ImageMasks, rows: Sequence[Floats]) -> None:
    """Refuse masks that are not one a row.

    Raises:
        InputError: they are not.
    """
    for side, codes, row in zip(sides, (masks.predictions, masks.targets), rows, strict=True):
        if codes is not None and len(codes) != len(row):
            raise InputError(
                f"{side}['masks']: expected {counted(len(row), 'mask')}, one a box, got "
                f"{len(codes)}"
            )
