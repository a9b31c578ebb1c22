"""Random sets that collide, and that hold what files of people hold: everything from a seed.

Random floats hardly ever tie, and hardly ever fall on a threshold; ties and thresholds are what
tools disagree on. So a set draws a style for its coordinates, its scores, its ids and its areas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from proof.scenes import Scene

__all__ = ["boxes_scene", "masks_scene", "settings_of"]

Generator = np.random.Generator
Row = dict[str, Any]

LARGEST = 2**63 - 1


# --- ids -----------------------------------------------------------------------------------------


def ids(rng: Generator, count: int, *, text: bool = True) -> list[Any]:
    """So many ids of one kind: in a row from 0 or 1, negative, huge, or words."""
    kinds: list[Callable[[], list[Any]]] = [
        lambda: list(range(count)),
        lambda: list(range(1, count + 1)),
        lambda: (rng.choice(1000, count, replace=False) - 500).tolist(),
        lambda: [LARGEST - int(n) for n in rng.choice(10**6, count, replace=False)],
        lambda: [-LARGEST - 1 + int(n) for n in rng.choice(10**6, count, replace=False)],
        lambda: [2**53 + int(n) for n in rng.permutation(count)],
        lambda: [int(n) * 10**9 for n in rng.choice(50, count, replace=False)],
        lambda: [WORDS[n] for n in rng.choice(len(WORDS), count, replace=False)],
    ]
    weights = np.array([3, 3, 2, 1, 1, 1, 1, 2 * text], float)
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())]()


WORDS = [
    *("a", "A", "b b", "ä", "é", "车", "z/y", "a.b", "none", "x'y", 'q"q', "<i>", "long" * 20),
    *("_", "-", "a,b", "c;d", "e|f", "g=h", "{x}", "[y]", "\\", "%s", "ß", "🐱", "N.A", "tt\tt"),
]


# --- boxes ---------------------------------------------------------------------------------------


def boxes(rng: Generator, count: int) -> np.ndarray:
    """(count, 4) x y w h in one of the styles."""
    style = rng.choice(list(BOXES))
    return BOXES[style](rng, count)


def _grid(rng: Generator, count: int) -> np.ndarray:
    """Whole numbers and few of them, zero sizes too, in a unit that floats do or do not hold."""
    return rng.integers(0, 7, (count, 4)) * rng.choice([1.0, 0.5, 1 / 3, 0.1, 8.0])


def _whole(rng: Generator, count: int) -> np.ndarray:
    return rng.integers([0, 0, 1, 1], 120, (count, 4)).astype(float)


def _plain(rng: Generator, count: int) -> np.ndarray:
    return np.column_stack(
        [rng.uniform(-20, 500, (count, 2)), np.exp(rng.normal(3.5, 1.2, (count, 2)))]
    )


def _rounded(rng: Generator, count: int) -> np.ndarray:
    return np.round(_plain(rng, count), int(rng.integers(0, 3)))


def _tiny(rng: Generator, count: int) -> np.ndarray:
    return rng.integers(0, 5, (count, 4)) * float(rng.choice([1e-3, 1e-9, 2.0**-40, 1e-60]))


def _huge(rng: Generator, count: int) -> np.ndarray:
    corner = rng.choice([0, -1e6, 1e9, 1e14], (count, 2))
    return np.column_stack([corner, rng.choice([0.1, 1.0, 3e4, 1e8, 5e14], (count, 2))])


def _equal(rng: Generator, count: int) -> np.ndarray:
    return np.tile(_whole(rng, 1), (count, 1))


def _mixed(rng: Generator, count: int) -> np.ndarray:
    kinds = np.array([_grid, _whole, _plain, _tiny], object)
    rows = [kind(rng, 1) for kind in rng.choice(kinds, count)]
    return np.concatenate(rows) if rows else np.zeros((0, 4))


PIXELS = 9e14  # files and arrays with more are refused

BOXES = {
    "grid": _grid, "grid again": _grid, "whole": _whole, "plain": _plain, "rounded": _rounded,
    "tiny": _tiny, "huge": _huge, "equal": _equal, "mixed": _mixed,
}  # fmt: skip


def near(rng: Generator, known: np.ndarray) -> np.ndarray:
    """Boxes moved a little: by nothing, by whole steps, by a share, or to a tenth of their size."""
    size = np.maximum(known[:, 2:], 1e-9)
    style = rng.integers(4)
    if style == 0:
        return known.copy()
    if style == 1:
        return np.abs(known + rng.integers(-1, 2, known.shape))
    moved = known.copy()
    if style == 2:
        moved[:, :2] += rng.normal(0, 0.2, size.shape) * size
        moved[:, 2:] *= np.exp(rng.normal(0, 0.2, size.shape))
    else:  # IoU is exactly a multiple of a tenth, or as near as floats come
        moved[:, 3] *= rng.integers(1, 11, len(known)) / 10
    return np.clip(moved, -PIXELS, PIXELS)


def scores(rng: Generator, count: int) -> np.ndarray:
    """(count,) finite numbers: with ties, negative zeros, subnormal ones, logits, huge ones."""
    style = rng.integers(7)
    return (
        lambda: rng.choice([0.1, 0.3, 0.3000001, 0.5, 0.9], count),
        lambda: rng.random(count),
        lambda: np.round(rng.random(count), 2),
        lambda: rng.choice([0.0, -0.0, 5e-324, -5e-324, 2.3e-308, 1.0], count),
        lambda: rng.normal(0, 3, count),
        lambda: rng.choice([1e308, -1e308, 1.0, 0.0], count),
        lambda: np.full(count, rng.choice([0.5, 0.0, -0.0, 1.0])),
    )[style]()


def _areas(rng: Generator, sizes: np.ndarray) -> list[float | None]:
    """The area that an annotation states: that of its box, a boundary, 0, wrong, or none at all."""
    style = rng.integers(6)
    if style == 0:
        return sizes.tolist()
    if style == 1:
        return [None] * len(sizes)
    if style == 2:
        return rng.choice([0.0, 8.0, 64.0, 1024.0, 1024.0000001, 9216.0, 1e10], len(sizes)).tolist()
    if style == 3:
        return (sizes * rng.uniform(0.3, 1.5, len(sizes))).tolist()
    if style == 4:
        return [0.0] * len(sizes)
    states = rng.choice([0, 1, 2], len(sizes))
    return [(size, None, 1024.0)[state] for size, state in zip(sizes.tolist(), states, strict=True)]


# --- settings ------------------------------------------------------------------------------------


def settings_of(rng: Generator) -> Row:
    """Thresholds, recall points, limits, ranges and pooling, as pycocotools' parameters."""
    coco = np.linspace(0.5, 0.95, 10).tolist()
    own = np.unique(rng.choice([*np.arange(1, 101) / 100, 1 / 3, 1e-9, 1.0], rng.integers(1, 6)))
    points = np.unique(rng.choice([*np.arange(0, 101) / 100, 1 / 3, 1e-12], rng.integers(1, 9)))
    limits = np.unique(rng.choice([1, 2, 3, 5, 10, 100, 300, 10**6], rng.integers(1, 5)))
    return {
        "iouThrs": _either(rng, coco, own.tolist()),
        "recThrs": _either(rng, np.linspace(0, 1, 101).tolist(), points.tolist()),
        "maxDets": _either(rng, [1, 10, 100], limits.tolist()),
        "areaRng": _either(rng, [[0, 1e10], [0, 1024], [1024, 9216], [9216, 1e10]], _ranges(rng)),
        "useCats": int(rng.random() < 0.75),
    }


def _either(rng: Generator, usual: list[Any], own: list[Any]) -> list[Any]:
    return usual if rng.random() < 0.4 else own


def _ranges(rng: Generator) -> list[list[float]]:
    """The first is of all sizes; others may overlap, leave gaps, or hold a single size."""
    ends = [0.0, 1e-9, 1.0, 8.0, 64.0, 1024.0, 9216.0, 1e5, 1e10]
    pairs = [sorted(rng.choice(ends, 2).tolist()) for _ in range(rng.integers(0, 4))]
    return [[0.0, 1e10], *pairs]


# --- sets ----------------------------------------------------------------------------------------


def boxes_scene(rng: Generator, *, text: bool = True, most: int = 60) -> Scene:
    """A set of upright boxes; text: ids may be words; most: rows of a side."""
    images, classes = _frame(rng, text=text)
    objects = int(rng.integers(0, rng.choice([2, 8, most])))
    there = boxes(rng, objects)
    area = _areas(rng, there[:, 2] * there[:, 3])
    rows = _of_images(rng, objects, images, classes)
    annotations = [
        _without_none({**row, "bbox": box, "area": size})
        for row, box, size in zip(rows, there.tolist(), area, strict=True)
    ]
    _marked(rng, annotations)
    return Scene(
        truth={"images": images, "categories": classes, "annotations": annotations},
        found=_found(rng, annotations, images, classes, most),
        settings=settings_of(rng),
    )


SIDES = (1, 9, 33, 64, 200)


def _frame(
    rng: Generator, sides: Sequence[int] = SIDES, *, text: bool
) -> tuple[list[Row], list[Row]]:
    """Images, many of which will be empty, and classes."""
    many = int(rng.choice([1, 2, 3, 5, 12]))
    sizes = rng.choice(sides, (many, 2))
    sizes = sizes[:1].repeat(many, axis=0) if rng.random() < 0.5 else sizes
    images = [
        {"id": n, "width": wide, "height": high}
        for n, (wide, high) in zip(ids(rng, many, text=text), sizes.tolist(), strict=True)
    ]
    classes = [
        {"id": n, "name": f"class {place}"}
        for place, n in enumerate(ids(rng, int(rng.integers(1, 5)), text=text))
    ]
    return images, classes


def _of_images(rng: Generator, count: int, images: list[Row], classes: list[Row]) -> list[Row]:
    """Rows that have an image and a class, most of them the first of each."""

    def some(known: list[Row]) -> list[Any]:
        skewed = (len(known) * rng.random(count) ** rng.choice([1, 3])).astype(int)
        return [known[place]["id"] for place in skewed]

    return [
        {"image_id": image, "category_id": category}
        for image, category in zip(some(images), some(classes), strict=True)
    ]


def _marked(rng: Generator, annotations: list[Row]) -> None:
    """Ids, crowds and ignore flags, as lists of people have them: some say nothing."""
    numbers = ids(rng, len(annotations), text=False) if len(annotations) < 50 else None
    silent = rng.random() < 0.1
    share = rng.choice([0.0, 0.1, 0.5])
    for place, row in enumerate(annotations):
        row["id"] = place if numbers is None else numbers[place]
        if not silent:
            row["iscrowd"] = int(rng.random() < share)
        if rng.random() < 0.1:
            row["ignore"] = 1


def _found(
    rng: Generator, annotations: list[Row], images: list[Row], classes: list[Row], most: int
) -> list[Row]:
    """Detections: objects that were moved, others anywhere; some of negative size."""
    count = int(rng.integers(0, rng.choice([2, 8, 2 * most])))
    rows = _of_images(rng, count, images, classes)
    box = boxes(rng, count)
    if annotations:
        source = rng.integers(0, len(annotations), count)
        moved = near(rng, np.array([annotations[n]["bbox"] for n in source]).reshape(-1, 4))
        hit = rng.random(count) < 0.7
        box[hit] = moved[hit]
        for at in np.flatnonzero(hit).tolist():
            known = annotations[source[at]]
            rows[at]["image_id"] = known["image_id"]
            if rng.random() < 0.85:
                rows[at]["category_id"] = known["category_id"]
    if rng.random() < 0.05 and count:
        box[rng.integers(0, count), 2] *= -1
    return [
        {**row, "bbox": one, "score": score}
        for row, one, score in zip(rows, box.tolist(), scores(rng, count).tolist(), strict=True)
    ]


def _without_none(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


# --- masks ---------------------------------------------------------------------------------------


def masks_scene(rng: Generator, *, most: int = 14, sides: Sequence[int] = SIDES) -> Scene:
    """A set of masks in all encodings: polygons of several parts, run lengths, both as text or not.

    Results have boxes in all rows or in none. sides: what images may be wide and high.
    """
    images, classes = _frame(rng, sides, text=False)
    frame = {one["id"]: (one["width"], one["height"]) for one in images}
    annotations = _of_images(rng, int(rng.integers(0, most)), images, classes)
    _marked(rng, annotations)
    for row in annotations:
        wide, high = frame[row["image_id"]]
        row["segmentation"] = outline(rng, wide, high, crowd=bool(row.get("iscrowd")))
        if rng.random() < 0.8:
            row["area"] = float(rng.choice([1.0, 9.0, 64.0, 1024.0, 9216.0]))
        row["bbox"] = [0, 0, int(rng.integers(1, wide + 1)), 1]
    found = _of_images(rng, int(rng.integers(0, 2 * most)), images, classes)
    boxed, style = rng.random() < 0.4, rng.random()
    for row, score in zip(found, scores(rng, len(found)).tolist(), strict=True):
        row["score"] = score
        row["segmentation"] = outline(rng, *frame[row["image_id"]], crowd=False)
        if annotations and rng.random() < 0.6:
            known = annotations[rng.integers(len(annotations))]
            row |= {name: known[name] for name in ("image_id", "category_id", "segmentation")}
            wide, high = frame[row["image_id"]]
            if style < 0.5:
                row["segmentation"] = worn(rng, known["segmentation"], wide, high)
        if boxed:
            row["bbox"] = [0, 0, float(rng.choice([1, 8, 32, 96])), float(rng.choice([1, 32.5]))]
    return Scene(
        truth={"images": images, "categories": classes, "annotations": annotations},
        found=found,
        settings=settings_of(rng),
    )


def pixels(rng: Generator, wide: int, high: int) -> np.ndarray:
    """(high, wide) a mask: blocks, nothing, everything, noise, or a disc."""
    style = rng.integers(5)
    plane = np.zeros((high, wide), np.uint8)
    if style == 0:
        return plane + np.uint8(rng.random() < 0.5)
    if style == 1:
        return (rng.random((high, wide)) < rng.choice([0.1, 0.5, 0.9])).astype(np.uint8)
    if style == 2:
        y, x = np.indices(plane.shape)
        cy, cx, r = rng.uniform(0, high), rng.uniform(0, wide), rng.uniform(0, max(high, wide) / 2)
        return ((y - cy) ** 2 + (x - cx) ** 2 <= r**2).astype(np.uint8)
    for _ in range(rng.integers(1, 4)):
        x, y = rng.integers(0, wide), rng.integers(0, high)
        w, h = rng.integers(1, wide + 1), rng.integers(1, high + 1)
        plane[y : y + h, x : x + w] ^= 1
    return plane


def polygon(rng: Generator, wide: int, high: int) -> list[list[float]]:
    """Parts of corners on pixels, halves, or anywhere, beyond the border too; few are simple."""

    def part() -> list[float]:
        corners = int(rng.integers(3, 8))
        xy = rng.uniform(-0.1, 1.1, (corners, 2)) * [wide, high]
        steps = rng.choice([0, 1, 2])
        return (np.round(xy * steps) / steps if steps else xy).ravel().tolist()

    return [part() for _ in range(rng.integers(1, 4))]


def outline(rng: Generator, wide: int, high: int, *, crowd: bool) -> Any:
    """Polygons, run lengths as a list, or as text."""
    if not crowd and rng.random() < 0.4:
        return polygon(rng, wide, high)
    return coded(pixels(rng, wide, high), text=bool(rng.random() < 0.5))


def worn(rng: Generator, segmentation: Any, wide: int, high: int) -> Row:
    """The mask with some of its rows or columns gone, as text."""
    from pycocotools import mask

    plane = mask.decode(code_of(segmentation, wide, high)).copy()
    if rng.random() < 0.5:
        plane[: rng.integers(0, high)] = 0
    else:
        plane[:, rng.integers(0, wide) :] = 0
    return coded(plane, text=True)


def coded(plane: np.ndarray, *, text: bool) -> Row:
    """Run lengths of a mask, down its columns."""
    from pycocotools import mask

    size = list(plane.shape)
    if text:
        return {"size": size, "counts": mask.encode(np.asfortranarray(plane))["counts"].decode()}
    flat = plane.ravel(order="F")
    ends = np.append(np.flatnonzero(np.diff(flat, prepend=0)), len(flat))
    return {"size": size, "counts": np.diff(ends, prepend=0).tolist()}


def code_of(segmentation: Any, wide: int, high: int) -> Row:
    """As COCO's ``annToRLE``, with counts as text."""
    from pycocotools import mask

    code = segmentation
    if isinstance(segmentation, list):
        code = mask.merge(mask.frPyObjects(segmentation, high, wide))
    elif isinstance(segmentation["counts"], list):
        code = mask.frPyObjects(segmentation, high, wide)
    counts = code["counts"]
    return {**code, "counts": counts.decode() if isinstance(counts, bytes) else counts}
