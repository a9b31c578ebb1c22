"""Matches as bytes, and back.

Whoever reads them may trust them: every column is checked, its type and length, the range of its
indices, and the orders that curves rely on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.archives import archived, opened
from detmetrics.matching.candidates import Regions, least_overlaps
from detmetrics.matching.matches import Matched, Matches
from detmetrics.matching.matching import asks_for_regions, matched_anew
from detmetrics.overlap import Pairs
from detmetrics.rules import Rules
from detmetrics.tables.catalog import Catalog

__all__ = ["Column", "laid_out", "of_area", "rebuilt", "restored", "stored"]

KIND = "detmetrics.Matches"
VERSION = 1
MOST = 1 << 53  # rows are whole numbers that a float holds too

Column = NDArray[Any]
Layout = Mapping[str, tuple[type, tuple[str, ...]]]
"""The type of each column, and its axes."""

TOLD = ("categories", "detections", "images", "frequency")
COLUMNS: Layout = {
    **dict.fromkeys(("row", "category", "image", "rank"), (np.int64, ("D",))),
    "score": (np.float64, ("D",)),
    **dict.fromkeys(("in_range", "fp_if_unmatched"), (np.bool_, ("A", "D"))),
    **dict.fromkeys(("truth_row", "truth_category", "truth_image"), (np.int64, ("G",))),
    "ignored": (np.bool_, ("A", "G")),
    "unsized": (np.bool_, ("A",)),
}
RECORDS = {"pairs": Pairs, "strays": Pairs, "regions": Regions}
SIZES = "image_sizes"


def stored(matches: Matches) -> bytes:
    """The matches as bytes."""
    return archived(KIND, VERSION, *laid_out(matches))


def laid_out(matches: Matches) -> tuple[dict[str, Any], dict[str, Column]]:
    """What is no column, and the columns by name, which :func:`rebuilt` takes."""
    catalog = matches.catalog
    header = {
        "rules": dataclasses.asdict(matches.rules),
        **{name: getattr(matches, name) for name in TOLD},
        "image_ids": catalog.image_ids.tolist(),
        "image_names": catalog.image_names,
        "category_ids": catalog.category_ids.tolist(),
        "category_names": catalog.category_names,
    }
    records = {name: getattr(matches, name) for name in RECORDS}
    records |= {of_area(area): matched for area, matched in enumerate(matches.matched)}
    arrays = {
        SIZES: catalog.image_sizes,
        **{name: getattr(matches, name) for name in COLUMNS},
        **{
            f"{name} {field}": _wide(getattr(record, field))
            for name, record in records.items()
            if record is not None
            for field in _fields(type(record))
        },
    }
    return header, arrays


def restored(data: bytes) -> Matches:
    """The matches that :func:`stored` wrote.

    Raises:
        InputError: see :func:`detmetrics.foundation.archives.opened`.
    """
    return opened(data, KIND, VERSION, rebuilt)


def of_area(area: int) -> str:
    """What the columns of an area range begin with."""
    return f"matched {area}"


def _wide(column: Column) -> Column:
    """Whole numbers in 64 bits, in which they are read back."""
    return column.astype(np.int64) if column.dtype == np.int32 else column


def _fields(record: type) -> list[str]:
    return [field.name for field in dataclasses.fields(record)]


def rebuilt(header: Mapping[str, Any], arrays: Mapping[str, Column]) -> Matches:
    """The matches that :func:`laid_out` took apart, checked.

    Raises:
        ValueError, LookupError, TypeError: they do not fit together.
    """
    rules = Rules(**header["rules"])
    catalog = Catalog.from_ids(
        images=header["image_ids"],
        categories=header["category_ids"],
        image_names=header["image_names"],
        category_names=header["category_names"],
        image_sizes=arrays[SIZES],
    )
    if catalog.image_ids.tolist() != list(header["image_ids"]):
        raise ValueError("image_ids: expected in order")
    _refuse_other_shapes(arrays, rules)
    areas = range(len(rules.area_ranges))
    columns: dict[str, Any] = {name: arrays[name] for name in COLUMNS}
    columns |= {name: _record(arrays, name, kind) for name, kind in RECORDS.items()}
    matches = Matches(
        rules=rules,
        catalog=catalog,
        categories=index(header["categories"]),
        detections=index(header["detections"]),
        images=index(header["images"]),
        frequency=tuple(map(str, header["frequency"])),
        least=least_overlaps(rules, catalog.class_labels),
        matched=tuple(_record(arrays, of_area(area), Matched) for area in areas),
        **columns,
    )
    _refuse_unsound(matches)
    return matches


def _record(arrays: Mapping[str, Column], name: str, kind: type) -> Any:
    """The columns of a record; None where the matches had None."""
    fields = _fields(kind)
    if not any(f"{name} {field}" in arrays for field in fields):
        return None
    return kind(**{field: arrays[f"{name} {field}"] for field in fields})


def _layout(rules: Rules) -> Layout:
    """All columns; each record but the regions has an axis of its own."""

    def pairs(name: str) -> Layout:
        indices = dict.fromkeys((f"{name} detection", f"{name} ground_truth"), (np.int64, (name,)))
        return {**indices, f"{name} overlap": (np.float64, (name,))}

    def matched(name: str) -> Layout:
        return {
            f"{name} pair": (np.int64, (name,)),
            f"{name} true_positive": (np.bool_, (name,)),
            f"{name} count": (np.int64, ("T",)),
        }

    every = {**COLUMNS, SIZES: (np.float64, ("N", "sides")), "regions image": (np.int64, ("G",))}
    every |= dict.fromkeys(("regions region", "regions covered"), (np.bool_, ("G",)))
    every |= {**pairs("pairs"), **pairs("strays")}
    for area in range(len(rules.area_ranges)):
        every |= matched(of_area(area))
    return every


def _refuse_other_shapes(arrays: Mapping[str, Column], rules: Rules) -> None:
    """Columns on the same axis have the same length: that of the rules, or that of the first."""
    lengths = {"A": len(rules.area_ranges), "T": len(rules.iou_thresholds), "sides": 2}
    layout = _layout(rules)
    for name, array in arrays.items():
        kind, axes = layout[name]
        if array.dtype != kind or array.ndim != len(axes):
            raise ValueError(f"{name}: expected {np.dtype(kind).name} of {len(axes)} axes")
        for axis, length in zip(axes, array.shape, strict=True):
            if length != lengths.setdefault(axis, length):
                raise ValueError(f"{name}: expected {lengths[axis]} values, found {length}")


def _refuse_unsound(matches: Matches) -> None:
    """Counts that do not fit, indices of what is not there, and columns out of order."""
    classes, images = len(matches.catalog.category_ids), len(matches.catalog.image_ids)
    own = 1 if matches.rules.class_agnostic else classes
    if (matches.categories, matches.images) != (own, images):
        raise ValueError("categories, images: expected as many as are listed")
    if not len(matches.row) <= matches.detections < MOST or len(matches.frequency) not in (
        0,
        classes,
    ):
        raise ValueError("detections, frequency: expected more or fewer")
    _refuse_missing(matches)
    for name, column, limit in _indices(matches):
        if column.size and not 0 <= column.min() <= column.max() < limit:
            raise ValueError(f"{name}: expected whole numbers from 0 to below {limit}")
    for name, holds in _laws(matches):
        if not holds:
            raise ValueError(f"{name}: expected another order, or others")


def _refuse_missing(matches: Matches) -> None:
    """Records that metrics of the rules read."""
    rules = matches.rules
    if matches.regions is None and asks_for_regions(rules):
        raise ValueError("regions: expected, as the rules ask for them")
    if matches.strays is None and matched_anew(rules) and not rules.class_agnostic:
        raise ValueError("strays: expected, as the rules ask for them")


def _indices(matches: Matches) -> Iterator[tuple[str, Column, int]]:
    """Columns of indices and counts, and what each value is below."""
    detections, truths = len(matches.row), len(matches.truth_row)
    yield "row", matches.row, matches.detections
    # The rank counts those of the class that a limit of classes has left out since.
    yield "rank", matches.rank, MOST
    yield "category", matches.category, matches.categories
    yield "image", matches.image, matches.images
    yield "truth_row", matches.truth_row, truths
    yield "truth_category", matches.truth_category, matches.categories
    yield "truth_image", matches.truth_image, matches.images
    for name in ("pairs", "strays"):
        if (pairs := getattr(matches, name)) is not None:
            yield f"{name} detection", pairs.detection, detections
            yield f"{name} ground_truth", pairs.ground_truth, truths
    for area, matched in enumerate(matches.matched):
        yield f"{of_area(area)} pair", matched.pair, len(matches.pairs.detection)
        yield f"{of_area(area)} count", matched.count, len(matched.pair) + 1


def _laws(matches: Matches) -> Iterator[tuple[str, bool]]:
    """What holds of columns whose indices are sound, and whether it does."""
    category, score, pairs = matches.category, matches.score, matches.pairs
    unscored = np.isnan(score)
    later = (category[1:] > category[:-1]) | (
        (category[1:] == category[:-1]) & ((score[1:] <= score[:-1]) | unscored[1:])
    )
    # Detections have scores or none: where pairs match by overlap, they need none.
    none = bool(unscored.all()) and matches.rules.assignment == "overlap"
    yield "category, score", bool(later.all()) and (none or not unscored.any())
    group = matches.truth_category * matches.images + matches.truth_image
    yield "truth_category, truth_image", _rises(group)
    if matches.regions is not None:
        yield "regions image", np.array_equal(matches.regions.image, matches.truth_image)
    for name in ("pairs", "strays"):
        if (some := getattr(matches, name)) is not None:
            images = matches.image[some.detection], matches.truth_image[some.ground_truth]
            yield f"{name} detection", _rises(some.detection) and np.array_equal(*images)
            yield f"{name} overlap", bool(((some.overlap >= 0) & (some.overlap < 2)).all())
    of_class = category[pairs.detection], matches.truth_category[pairs.ground_truth]
    yield "pairs ground_truth", np.array_equal(*of_class)
    for area, matched in enumerate(matches.matched):
        yield f"{of_area(area)} count", int(matched.count.sum()) == len(matched.pair)
        slot = matched.threshold * len(pairs.detection) + matched.pair
        yield f"{of_area(area)} pair", bool((slot[1:] > slot[:-1]).all())
        right, threshold = matched.true_positive, matched.threshold
        truth = pairs.ground_truth[matched.pair][right]
        once = _each_once(threshold * len(matches.row) + pairs.detection[matched.pair])
        once &= _each_once(threshold[right] * len(matches.truth_row) + truth)
        yield f"{of_area(area)} true_positive", once and not matches.ignored[area, truth].any()


def _each_once(values: Column) -> bool:
    values = np.sort(values)
    return bool((values[1:] > values[:-1]).all())


def _rises(values: Column) -> bool:
    return bool((values[1:] >= values[:-1]).all())
