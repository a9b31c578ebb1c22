"""What batches of a training loop hold of one kind, boxes or masks, as columns of each image."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from detmetrics.compat.annotations import Side
from detmetrics.compat.pycocotools import COCO
from detmetrics.foundation.archives import archived, opened
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.tables.catalog import Id, id_array
from detmetrics.tables.columns import LARGEST
from detmetrics.training.batches.bitmaps import Codes, Size, encoded, masks_of_codes
from detmetrics.training.batches.row_faults import RowFaults
from detmetrics.training.batches.tensors import array_of, in_numpy

__all__ = ["Collected", "ImageDetections", "found_in", "of_bytes", "to_bytes"]

KIND, VERSION = "detmetrics.CocoEvaluator", 1
UNKNOWN: Size = (math.nan, math.nan)
DRAWN = 0.5
"""Above this value a pixel of a predicted mask belongs to it."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImageDetections:
    """The detections of an image.

    labels : (n,); scores : (n,) float64; boxes : (n, 4) ``x y w h``, None of masks; codes : (n,)
    the counts of masks; size: their width and height.
    """

    labels: Ints
    scores: Floats
    boxes: Floats | None = None
    codes: Codes = ()
    size: Size = UNKNOWN

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]], kind: str) -> Self:
        """Of results in COCO's format."""
        labels = id_array([row["category_id"] for row in rows])
        scores = np.array([row["score"] for row in rows], np.float64)
        if kind == "bbox":
            boxes = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)
            return cls(labels=labels, scores=scores, boxes=boxes)
        given = [row["segmentation"] for row in rows]
        codes, size = encoded("segmentation", given, UNKNOWN, "")
        return cls(labels=labels, scores=scores, codes=codes, size=size)

    def rows(self, image: Id) -> list[dict[str, Any]]:
        """As results in COCO's format."""
        names = [{"image_id": image, "category_id": label} for label in self.labels.tolist()]
        key, shapes = "segmentation", self._segmentations()
        if self.boxes is not None:
            key, shapes = "bbox", self.boxes.tolist()
        scores = self.scores.tolist()
        return [
            {**name, key: shape, "score": score}
            for name, shape, score in zip(names, shapes, scores, strict=True)
        ]

    def _segmentations(self) -> list[Any]:
        if not self.codes:
            return []
        size = [int(self.size[1]), int(self.size[0])]
        return [{"size": size, "counts": code.decode()} for code in self.codes]

    def without(self, faults: RowFaults) -> Self:
        """Without the rows that are left out."""
        kept = faults.kept
        if kept is None:
            return self
        codes = tuple(code for code, stays in zip(self.codes, kept, strict=False) if stays)
        boxes = None if self.boxes is None else self.boxes[kept]
        labels, scores = self.labels[kept], self.scores[kept]
        return replace(self, labels=labels, scores=scores, boxes=boxes, codes=codes)


def found_in(image: Id, given: Any, kind: str, faults: RowFaults) -> ImageDetections:
    """What a loop hands over of an image, of which nothing is an image without detections.

    given: ``scores`` and ``labels`` (n,) with ``boxes`` (n, 4), corners, or ``masks`` (n, 1, H, W)
    or (n, H, W), which are drawn where they exceed 0.5. faults: where rows are noted whose numbers
    are no box or score.

    Raises:
        InputError: an argument is missing, or of another shape.
    """
    side = f"predictions[{shown(image)}]"
    if not isinstance(given, Mapping):
        raise InputError(f"{side}: expected a dict with scores and labels, got {shown(given)}")
    if not given:
        none = np.zeros(0)
        return ImageDetections(
            labels=none.astype(np.int64),
            scores=none,
            boxes=none.reshape(0, 4) if kind == "bbox" else None,
        )
    shapes: dict[str, Any]
    if kind == "bbox":
        boxes = _sides(f"{side}['boxes']", _part(side, given, "boxes"))
        shapes, count = {"boxes": boxes}, len(boxes)
    else:
        argument = f"{side}['masks']"
        codes, size = encoded(argument, _drawn(_part(side, given, "masks")), UNKNOWN, "")
        shapes, count = {"codes": codes, "size": size}, len(codes)
    scores = array_of(f"{side}['scores']", _part(side, given, "scores"), (count,))
    labels = _labels(f"{side}['labels']", _part(side, given, "labels"), count)
    found = ImageDetections(labels=labels, scores=scores, **shapes)
    _refuse_odd(side, found, faults)
    return found.without(faults)


def _part(side: str, given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        keys = few([str(key) for key in given])
        raise InputError(f"{side}: expected a key {name!r}, got {keys}")
    return given[name]


def _sides(argument: str, corners: Any) -> Floats:
    """(n, 4) ``x y w h``, subtracted in the type that the corners have, as the published way is."""
    given = corners.detach() if hasattr(corners, "detach") else corners
    if not hasattr(given, "shape"):
        given = array_of(argument, given, None)
    shape = tuple(given.shape)
    if 0 in shape:
        return np.zeros((0, 4))
    if len(shape) != 2 or shape[1] != 4:
        raise InputError(f"{argument}: expected shape (n, 4), got {shape}")
    start, end = given[:, :2], given[:, 2:]
    return np.hstack([array_of(argument, start, None), array_of(argument, end - start, None)])


def _drawn(masks: Any) -> Any:
    """(n, H, W) which pixels belong to a mask."""
    # Compared where they are: bool is a quarter of what a device has to hand over.
    planes = in_numpy((masks if hasattr(masks, "shape") else np.asarray(masks)) > DRAWN)
    return planes[:, 0] if planes.ndim == 4 and planes.shape[1] == 1 else planes


def _labels(argument: str, given: Any, count: int) -> Ints:
    numbers = array_of(argument, given, (count,))
    whole = in_numpy(given)
    if whole.dtype.kind in "iu":
        return whole.reshape(-1).astype(np.int64)
    if not (np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all()):
        raise InputError(f"{argument}: expected whole numbers, got {shown(numbers.tolist())}")
    return numbers.astype(np.int64)


def _refuse_odd(side: str, found: ImageDetections, faults: RowFaults) -> None:
    scores, boxes = found.scores, found.boxes
    faults.refuse(
        ~np.isfinite(scores),
        lambda row: f"{side}['scores'][{row}]: expected a finite number, got {scores[row]}",
    )
    if boxes is not None:
        far: Bools = np.logical_not((np.abs(boxes) <= LARGEST).all(axis=1))
        faults.refuse(
            far,
            lambda row: (
                f"{side}['boxes'][{row}]: expected finite corners, got x, y, width and height "
                f"{boxes[row].tolist()}"
            ),
        )


class Collected:
    """The detections of many images, all of boxes or all of masks.

    It is left alone once it was made; what is made of it is made when it is asked for.
    """

    def __init__(self, found: Mapping[Id, ImageDetections]) -> None:
        self.found = dict(found)
        self._index: Any = None

    def index(self, truth: Any) -> Any:
        """The index of results that ``loadRes`` makes of them."""
        if self._index is None:
            rows = [row for image, one in self.found.items() for row in one.rows(image)]
            with contextlib.redirect_stdout(io.StringIO()):
                self._index = truth.loadRes(rows) if rows else COCO()
        return self._index

    def side(self, classes: Sequence[Any]) -> Side:
        """The columns of the detections of these classes."""
        found = [one for one in self.found.values() if len(one)]
        count = [len(one) for one in self.found.values()]
        labels = _joined([one.labels for one in found], np.int64)
        wanted = [one for one in classes if isinstance(one, int | np.integer)]
        kept = np.flatnonzero(np.isin(labels, np.array(wanted, np.int64)))
        boxes = masks = None
        if any(one.codes for one in found) or (found and found[0].boxes is None):
            codes, sizes = [one.codes for one in found], [one.size for one in found]
            masks = masks_of_codes(codes, sizes).take(kept)
        else:
            boxes = _joined([one.boxes for one in found], np.float64, (0, 4))[kept]
        images = id_array(list(self.found))
        return Side(
            name="predictions",
            annotations=[],
            ids=[],
            images=np.repeat(images, count)[kept].tolist(),
            categories=labels[kept].tolist(),
            boxes=boxes,
            areas=[],
            marks=_joined([one.scores for one in found], np.float64)[kept],
            masks=masks,
        )


def _joined(parts: list[Any], kind: Any, shape: tuple[int, ...] = (0,)) -> Any:
    return np.concatenate(parts) if parts else np.zeros(shape, kind)


def to_bytes(found: Mapping[str, Mapping[Id, ImageDetections]]) -> bytes:
    """Images by kind as bytes, without pickle; :func:`of_bytes` reads them back."""
    arrays: dict[str, Any] = {}
    for kind, images in found.items():
        parts = list(images.values())
        codes = [code for one in parts for code in one.codes]
        columns = {
            "count": np.array([len(one) for one in parts], np.int64),
            "labels": _joined([one.labels for one in parts], np.int64),
            "scores": _joined([one.scores for one in parts], np.float64),
            "size": np.array([one.size for one in parts], np.float64).reshape(-1, 2),
            "length": np.array([len(code) for code in codes], np.int64),
            "codes": np.frombuffer(b"".join(codes), np.uint8),
        }
        if kind == "bbox":
            boxes = [one.boxes for one in parts]
            columns["boxes"] = _joined(boxes, np.float64, (0, 4))
        arrays |= {f"{kind}_{name}": column for name, column in columns.items()}
    ids = {kind: list(images) for kind, images in found.items()}
    return archived(KIND, VERSION, {"images": ids}, arrays)


def of_bytes(data: bytes) -> dict[str, dict[Id, ImageDetections]]:
    """The images by kind that :func:`to_bytes` wrote.

    Raises:
        InputError: the bytes are something else, or damaged.
    """
    return opened(data, KIND, VERSION, _restored)


def _restored(
    header: Mapping[str, Any], arrays: Mapping[str, Any]
) -> dict[str, dict[Id, ImageDetections]]:
    return {kind: _of_kind(kind, ids, arrays) for kind, ids in header["images"].items()}


def _of_kind(kind: str, ids: Sequence[Id], arrays: Mapping[str, Any]) -> dict[Id, ImageDetections]:
    def column(name: str) -> Any:
        return arrays[f"{kind}_{name}"]

    text, ends = column("codes").tobytes(), np.cumsum(column("length")).tolist()
    starts = [0, *ends][: len(ends)]
    codes = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    made, start = {}, 0
    sizes = column("size").tolist()
    for image, count, size in zip(ids, column("count").tolist(), sizes, strict=True):
        rows = slice(start, start := start + count)
        made[image] = ImageDetections(
            labels=column("labels")[rows],
            scores=column("scores")[rows],
            boxes=column("boxes")[rows] if kind == "bbox" else None,
            codes=tuple(codes[rows]),
            size=(size[0], size[1]),
        )
    return made
