"""Compressed run lengths of what sources say: polygons, lengths and compressed lengths.

What pycocotools cannot read is refused: its C code walks along the edges of polygons and keeps
every step, never ends on lengths that do not fill their image, and reads beyond the end of texts
that were cut. Source: ``pycocotools/common/maskApi.c``, ``rleFrPoly``, ``rleFrString``,
``rleMerge``; ``pycocotools/coco.py``, ``annToRLE``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects
from detmetrics.foundation.messages import counted, shown
from detmetrics.overlap.masks.drawing import drawn
from detmetrics.overlap.masks.fragmented import are_fragmented
from detmetrics.overlap.masks.rle import Runs, decoded, encoded, joined, lengths_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygon_faults import doubtful, polygons_fault, steps_of
from detmetrics.overlap.shapes import OutlineError

__all__ = [
    "MOST_PIXELS",
    "codes_of",
    "codes_of_polygons",
    "codes_of_segmentations",
    "refuse_other_sizes",
]

MOST_PIXELS = 1 << 28
"""Of the image of an encoding: all lengths, and what they differ by, have six characters then."""
MOST_DRAWN = 1 << 26
"""Of the image of a polygon: pycocotools asks for four bytes of each pixel where it puts polygons
together, and for six of each length where it writes them, of which one must stay free."""
LEAST = 3
"""Corners of a polygon."""

Fault = tuple[int, str]


def codes_of(given: Sequence[Any], images: Floats) -> tuple[Objects, Runs]:
    """(R,) ``{"size": [height, width], "counts": bytes}``, and what they hold.

    given : (R,) as :class:`Segmentations` has them; images : (R, 2) width and height of the
    images, nan where unknown.

    Raises:
        OutlineError: some are no masks of their images.
    """
    # Each form is made into compressed lengths by its own function, all rows of it at once; faults
    # come back with their place in that part, and are told in the order of the rows.
    kinds: dict[str, list[int]] = {"polygons": [], "text": [], "lengths": [], "other": []}
    for row, one in enumerate(given):
        kinds[_kind(one)].append(row)
    rows = {kind: np.array(found, np.int64) for kind, found in kinds.items()}
    codes: Objects = np.empty(len(given), object)
    faults = [
        (row, f"expected polygons or a run-length encoding, got {shown(given[row])}")
        for row in kinds["other"]
    ]
    for kind, made in (("text", _texts), ("lengths", _lengths)):
        codes[rows[kind]], faulty = made([given[row] for row in kinds[kind]], images[rows[kind]])
        faults += [(int(rows[kind][place]), text) for place, text in faulty]
    drawn, faulty = _polygons([given[row] for row in kinds["polygons"]], images[rows["polygons"]])
    faults += [(int(rows["polygons"][place]), text) for place, text in faulty]
    _settle(faults)
    encoded_rows = np.sort(np.concatenate([rows["text"], rows["lengths"]]))
    codes[encoded_rows], runs = _sound(codes[encoded_rows], encoded_rows)
    if drawn is None:
        return codes, runs
    order = np.argsort(np.concatenate([encoded_rows, rows["polygons"]]))
    return codes, Runs.joined([runs, drawn]).take(order)


def codes_of_segmentations(outlines: Segmentations, images: Floats) -> tuple[Objects, Runs]:
    """As :func:`codes_of`; codes of rows that were read at once are None, but for those of masks of
    many pieces a column, which are compared by their texts.

    Raises:
        OutlineError: some are no masks of their images.
    """
    codes: Objects = np.empty(len(outlines), object)
    listed = outlines.listed
    places = [np.flatnonzero(kind) for kind in (listed, ~listed)]
    parts = []
    for rows, at_once in zip(places, (_drawn_at_once, _decoded_at_once), strict=True):
        if not len(rows):
            continue
        some = outlines.take(rows)
        found = at_once(some, images[rows])
        try:
            codes[rows], runs = found or codes_of(some.plain(), images[rows])
        except OutlineError:
            return codes_of(outlines.plain(), images)  # which names the rows of all
        parts.append(runs)
    if len(parts) < 2:
        return codes, parts[0] if parts else decoded([], np.zeros((0, 2), np.int64))
    return codes, Runs.joined(parts).take(np.argsort(np.concatenate(places)))


def _drawn_at_once(outlines: Segmentations, images: Floats) -> tuple[Objects, Runs] | None:
    """What polygons hold; None where one has a fault, or is to be looked at by itself."""
    found = outlines.texts.polygons(outlines.rows) if outlines.texts else None
    if found is None or not _fit(images).all() or (np.diff(found.first) < LEAST).any():
        return None
    row = np.repeat(np.arange(len(images)), found.of_row)
    steps = steps_of(found.points, found.first)
    if not found.of_row.all() or doubtful(found.points, found.first, steps, images[row]).any():
        return None
    runs = drawn(found.points, found.first, steps, row, images.astype(np.int64))
    return np.empty(len(images), object), runs


def _decoded_at_once(outlines: Segmentations, images: Floats) -> tuple[Objects, Runs] | None:
    """What encodings hold; None where one has a fault, or is to be looked at by itself."""
    found = outlines.texts.encodings(outlines.rows) if outlines.texts else None
    if found is None or not _are_sizes(found.size).all() or _other(found.size, images).any():
        return None
    runs = decoded(found.counts, found.size)
    sound = runs.sound & (runs.total == found.size.prod(axis=1)) & ~runs.idle
    if not sound.all():
        return None
    codes: Objects = np.empty(len(images), object)
    for row in np.flatnonzero(are_fragmented(runs)).tolist():
        codes[row] = {"size": found.size[row].tolist(), "counts": found.counts[row]}
    return codes, runs


def _are_sizes(size: Ints) -> Bools:
    """(R,) :func:`_is_size`."""
    # No product of sides overflows where each is at most what the product may be.
    possible = np.logical_and(size > 0, size <= MOST_PIXELS).all(axis=1)
    fit: Bools = possible & (np.where(possible, size.T, 1).prod(axis=0) <= MOST_PIXELS)
    return fit


def _kind(one: Any) -> str:
    if isinstance(one, list):
        return "polygons" if one else "other"
    if not isinstance(one, Mapping):
        return "other"
    return "text" if isinstance(one.get("counts"), str | bytes) else "lengths"


def _settle(faults: list[Fault]) -> None:
    if faults:
        raise OutlineError(sorted(faults)[:100], len(faults))


def _sound(codes: Objects, rows: Ints) -> tuple[Objects, Runs]:
    """Codes without idle runs, and what they hold; rows : (R,) what they are called in faults.

    Where two masks have runs without a pixel at the same place, pycocotools stops counting.

    Raises:
        OutlineError: some are no encoding, or do not fill their image.
    """
    size = np.array([code["size"] for code in codes.tolist()], np.int64).reshape(-1, 2)
    runs = decoded([code["counts"] for code in codes.tolist()], size)
    whole = size.prod(axis=1)
    faults: list[Fault] = [
        (int(rows[row]), "counts are no run-length encoding: were they cut or changed?")
        for row in np.flatnonzero(~runs.sound).tolist()
    ]
    for row in np.flatnonzero(runs.sound & (runs.total != whole)).tolist():
        wanted = f"{whole[row]:,} pixels (height times width)"
        faults.append((int(rows[row]), f"expected counts of {wanted}, got {runs.total[row]:,}"))
    _settle(faults)
    for row in np.flatnonzero(runs.idle).tolist():
        lengths = lengths_of([codes[row]["counts"]]).length
        codes[row] = {**codes[row], "counts": encoded(joined(lengths))}
    return codes, runs


# --- the size of an image ------------------------------------------------------------------------


def refuse_other_sizes(size: Ints, images: Floats) -> None:
    """Refuse masks that are not of the size of their image.

    size : (R, 2) height and width of masks; images : (R, 2) width and height, nan where unknown.

    Raises:
        OutlineError: some are not.
    """
    other = _other(size, images)
    _settle([(row, _other_size(size[row], images[row])) for row in np.flatnonzero(other).tolist()])


def _other(size: Ints, images: Floats) -> Bools:
    known = np.isfinite(images).all(axis=1)
    # Sizes of masks are height, width. frPyObjects takes whole numbers, and cuts off the rest.
    other: Bools = known & (size[:, ::-1] != np.trunc(images)).any(axis=1)
    return other


def _other_size(size: Ints, image: Floats) -> str:
    wide, high = map(int, image)
    return (
        f"expected a mask of the size of its image, {wide} x {high}, got size {size.tolist()} "
        "(height, width)"
    )


def _sizes(given: Sequence[Mapping[str, Any]], images: Floats) -> tuple[Ints, list[Fault]]:
    """(R, 2) the height and width that encodings state."""
    sides = [one.get("size") for one in given]
    faults = [(row, _size_fault(side)) for row, side in enumerate(sides) if not _is_size(side)]
    for row, _ in faults:
        sides[row] = (1, 1)  # any size will do: what has a fault is not looked at again
    size = np.array(sides, np.int64).reshape(-1, 2)
    other = _other(size, images)
    other[[row for row, _ in faults]] = False
    faults += [(row, _other_size(size[row], images[row])) for row in np.flatnonzero(other).tolist()]
    return size, faults


def _is_size(side: Any) -> bool:
    return (
        isinstance(side, list | tuple)
        and len(side) == 2
        and type(side[0]) is int
        and type(side[1]) is int
        and side[0] > 0
        and side[1] > 0
        and side[0] * side[1] <= MOST_PIXELS
    )


def _size_fault(side: Any) -> str:
    return (
        f"expected size [height, width] of at most {counted(MOST_PIXELS, 'pixel')}, "
        f"got {shown(side)}"
    )


# --- encodings -----------------------------------------------------------------------------------


def _texts(given: Sequence[Mapping[str, Any]], images: Floats) -> tuple[list[Any], list[Fault]]:
    size, faults = _sizes(given, images)
    codes = []
    for one, sides in zip(given, size.tolist(), strict=True):
        counts = one["counts"]
        # What is no ASCII becomes bytes that no encoding has.
        text = counts if isinstance(counts, bytes) else counts.encode("utf-8", "surrogatepass")
        codes.append({"size": sides, "counts": text})
    return codes, faults


def _lengths(given: Sequence[Mapping[str, Any]], images: Floats) -> tuple[list[Any], list[Fault]]:
    size, faults = _sizes(given, images)
    faulty = {row for row, _ in faults}
    for row, (one, whole) in enumerate(zip(given, size.prod(axis=1).tolist(), strict=True)):
        if row not in faulty and (fault := _lengths_fault(one.get("counts"), whole)):
            faults.append((row, fault))
    if faults or not given:
        return [None] * len(given), faults  # nothing is encoded, as it will be refused
    return [
        {"size": sides, "counts": encoded(np.array(one["counts"]).astype(np.int64))}
        for one, sides in zip(given, size.tolist(), strict=True)
    ], faults


def _lengths_fault(counts: Any, whole: int) -> str | None:
    if not isinstance(counts, list) or not set(map(type, counts)) <= {int, float}:
        return f"expected counts of an encoding, got {shown(counts)}"
    # Each by itself, as one that is not a number is neither more nor less than any.
    if not all(0 <= length <= whole and length == int(length) for length in counts):
        return f"expected counts of whole pixels of the image, got {shown(counts)}"
    if sum(counts) != whole:
        wanted = f"{whole:,} pixels (height times width)"
        return f"expected counts of {wanted}, got {int(sum(counts)):,}"
    return None


# --- polygons ------------------------------------------------------------------------------------


def _polygons(given: Sequence[list[Any]], images: Floats) -> tuple[Runs | None, list[Fault]]:
    """What the polygons of rows hold; None where there are none, or faults."""
    if not given:
        return None, []
    # All polygons as one column of points. Only where that shows a fault anywhere are they looked
    # at one by one, to say which.
    parts = list(chain.from_iterable(given))
    count = np.fromiter(map(len, given), np.int64, len(given))
    row = np.repeat(np.arange(len(given)), count)
    found = _numbers(parts) if _fit(images).all() else None
    if found is None:
        return None, _faults_of(given, images)
    points, first = found
    steps = steps_of(points, first)
    if doubtful(points, first, steps, images[row]).any():
        return None, _faults_of(given, images)
    return drawn(points, first, steps, row, images.astype(np.int64)), []


def _numbers(parts: Sequence[Any]) -> tuple[Floats, Ints] | None:
    """(V, 2) the points of polygons, and (P + 1,) where each begins; None where one is none."""
    if not all(type(part) is list and len(part) > 5 and len(part) % 2 == 0 for part in parts):
        return None
    if not set(map(type, chain.from_iterable(parts))) <= {int, float}:
        return None
    first = np.append(0, np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts))))
    try:
        flat = np.fromiter(chain.from_iterable(parts), np.float64, int(first[-1]))
    except OverflowError:
        return None
    return flat.reshape(-1, 2), first // 2


def _faults_of(given: Sequence[list[Any]], images: Floats) -> list[Fault]:
    """What is wrong with each, looked at one by one."""
    found = (_fault(one, image) for one, image in zip(given, images, strict=True))
    return [(row, fault) for row, fault in enumerate(found) if fault]


def _fault(one: list[Any], image: Floats) -> str | None:
    if not np.isfinite(image).all():
        return (
            "a polygon makes a mask only on an image of known width and height (--image-dir DIR, "
            "--image-sizes FILE; --shape box measures boxes)"
        )
    if not _fit(image[None])[0]:
        wide, high = map(int, image)
        most = counted(MOST_DRAWN, "pixel")
        return f"expected a polygon on an image of at most {most}, got {wide} x {high}"
    return polygons_fault(one, image)


def _fit(images: Floats) -> Bools:
    with np.errstate(invalid="ignore"):
        fit: Bools = (images >= 1).all(axis=1) & (images.prod(axis=1) <= MOST_DRAWN)
    return fit


def codes_of_polygons(points: Floats, first: Ints, images: Floats) -> tuple[Objects, Runs]:
    """As :func:`codes_of`, of one polygon a row.

    points : (V, 2); first : (R + 1,) where those of each begin; images : (R, 2).

    Raises:
        OutlineError: some cannot be drawn on their images.
    """
    steps = steps_of(points, first)
    if doubtful(points, first, steps, images).any() or not _fit(images).all():
        parts = [[points[a:b].ravel().tolist()] for a, b in pairwise(first.tolist())]
        _settle(_faults_of(parts, images))
    rows = np.arange(len(images))
    return np.empty(len(rows), object), drawn(points, first, steps, rows, images.astype(np.int64))
