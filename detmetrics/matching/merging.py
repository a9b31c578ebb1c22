"""Matches of disjoint images are the matches of their union.

Nothing is matched across images. So shards of a data set (the processes of a distributed run, the
pieces of a large set) are matched apart and merged here, and the result equals one evaluation of
their tables, one below the other, in every bit: order, pairs, matches, curves and metrics. Only
the order of detections spans images. A stable sort gives it, as parts hold the detections of an
image in their order: by score, then by image where ``rules.ties`` is ``"image"``, and else by part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Ints, by_group, moved, positions
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.matching.candidates import Regions
from detmetrics.matching.matches import Matched, Matches, in_order_of_detections
from detmetrics.matching.ranking import best_first
from detmetrics.overlap import Pairs
from detmetrics.tables.catalog import Catalog

__all__ = ["merge_matches"]


def merge_matches(parts: Iterable[Matches]) -> Matches:
    """The matches of all images, from those of disjoint sets of them.

    They equal, in every bit, the matches of one evaluation of the tables of all parts, one below
    the other. Parts may be merged in any grouping. Their order decides the numbers of rows, and
    under rules with ``ties="file"`` which of equal scores comes first: that of the earlier part.

    parts: matches as ``dm.evaluate(...).matching`` holds them, under the same rules and of the same
    classes, each with all ground truth and all detections of its images.

    Raises:
        RulesError: the parts followed different rules, or rules that limit the detections of a
            class over all images (``class_limit``).
        InputError: there are no parts, two of them hold the same image, or they differ in classes
            or in the units of boxes.

    >>> import detmetrics as dm
    >>> files = "fixtures/ground_truth.json", "fixtures/detections.json"
    >>> images = dm.read_ground_truth(files[0]).catalog.image_ids
    >>> parts = [dm.evaluate(*files, images=images[start::3]).matching for start in range(3)]
    >>> merged = dm.merge_matches(parts)
    >>> dm.summarize_matches(merged) == dm.evaluate(*files).summary
    True
    """
    given = _checked(parts)
    if len(given) == 1:
        return given[0]
    catalog, images = _all_images(given)
    placed = [
        replace(part, image=own[part.image], truth_image=own[part.truth_image])
        for part, own in zip(given, images, strict=True)
    ]
    _refuse_shared(placed, catalog)
    return _union(placed, catalog)


# --- what can be merged ------------------------------------------------------------------------


def _checked(parts: Iterable[Matches]) -> list[Matches]:
    """The parts, all under the same rules and of the same classes."""
    given = [*parts] if isinstance(parts, Iterable) else [parts]
    if not given:
        raise InputError("nothing to merge")
    for part in given:
        if not isinstance(part, Matches):
            raise InputError(
                f"cannot merge: expected matches, as evaluate(...).matching, got {shown(part)}"
            )
    for part in given[1:]:
        _refuse_others(given[0], part)
    limit = given[0].rules.class_limit
    if limit is not None and len(given) > 1:
        raise RulesError(
            f"cannot merge matches under rules {given[0].rules.name}: they count the {limit:,} "
            "best detections of a class over all images, and a part does not know which these "
            "are. Evaluate all images at once, or all parts without this limit: "
            "rules.replace(class_limit=None)"
        )
    return given


def _refuse_others(a: Matches, b: Matches) -> None:
    """Parts that were measured in another way, or of something else."""
    if a.rules != b.rules:
        raise RulesError(
            f"cannot merge matches of {a.rules.signature} and {b.rules.signature}: evaluate all "
            "parts under the same rules; where their tables differ in shapes, name one (shape=...)"
        )
    if _classes(a.catalog) != _classes(b.catalog):
        raise InputError(
            f"cannot merge: classes differ: {few(a.catalog.category_names)} in one part, "
            f"{few(b.catalog.category_names)} in another, or their ids differ: build the tables of "
            "all parts with the same classes"
        )
    if (a.unsized != b.unsized).any():
        raise InputError(
            "cannot merge: boxes are in pixels in one part and normalized in another, or image "
            "sizes are known in one alone"
        )
    if a.frequency != b.frequency:
        raise InputError("cannot merge: the frequencies of classes differ between parts")


def _classes(catalog: Catalog) -> tuple[list[object], tuple[str, ...]]:
    return catalog.category_ids.tolist(), catalog.category_names


def _all_images(parts: Sequence[Matches]) -> tuple[Catalog, list[Ints]]:
    """The images of all parts in order of id, and where those of each part stand among them."""
    catalogs = [part.catalog for part in parts]
    first = catalogs[0]
    if all(_are_the_same(first, other) for other in catalogs[1:]):
        return first, [np.arange(len(first.image_ids))] * len(parts)
    told = {
        known: (name, size)
        for one in catalogs
        for known, name, size in zip(
            one.image_ids.tolist(), one.image_names, one.image_sizes, strict=True
        )
    }
    union = Catalog.from_ids(
        images=told,
        categories=first.category_ids.tolist(),
        image_names=[name for name, _ in told.values()],
        category_names=first.category_names,
        image_sizes=np.array([size for _, size in told.values()]).reshape(-1, 2),
    )
    places = [positions(union.image_ids, one.image_ids) for one in catalogs]
    for one, place in zip(catalogs, places, strict=True):
        again = np.zeros(len(told), bool)
        again[place] = True
        if not _are_the_same(one, union.select(again, np.ones(len(first.category_ids), bool))):
            raise InputError("cannot merge: an image has another name or size in another part")
    return union, places


def _are_the_same(a: Catalog, b: Catalog) -> bool:
    """Whether two catalogs list the same images."""
    return a is b or (
        np.array_equal(a.image_ids, b.image_ids)
        and a.image_names == b.image_names
        and np.array_equal(a.image_sizes, b.image_sizes, equal_nan=True)
    )


def _refuse_shared(parts: Sequence[Matches], catalog: Catalog) -> None:
    """Images with rows in several parts, which are numbered as in the catalog."""
    held = np.zeros(len(catalog.image_ids), np.int64)
    for part in parts:
        own = np.zeros(len(held), bool)
        own[part.image] = own[part.truth_image] = True
        held += own
    if len(shared := np.flatnonzero(held > 1)):
        first = shown(catalog.image_ids[shared[:1]].tolist()[0])
        raise InputError(
            f"cannot merge: {counted(len(shared), 'image is', 'images are')} in several parts, "
            f"first {first}: each image belongs to one part, with its ground truth and all its "
            "detections (evaluate(..., images=...) takes those of a part)"
        )


# --- the union ---------------------------------------------------------------------------------


def _union(parts: Sequence[Matches], catalog: Catalog) -> Matches:
    """The parts as one; their images are numbered as in the catalog."""
    first, images = parts[0], len(catalog.image_ids)
    category, image = _joined(parts, "category"), _joined(parts, "image")
    # Equal scores by image, then as they are; or as they are, which is by part.
    ties = image if first.rules.ties == "image" else np.zeros_like(image)
    order = best_first(_joined(parts, "score"), ties, category)
    truth_group = _joined(parts, "truth_category") * images + _joined(parts, "truth_image")
    truth_order = by_group(truth_group, np.arange(len(truth_group)))
    places = moved(order), moved(truth_order)
    pairs, pair_places = in_order_of_detections(_joined_pairs(parts, "pairs", places))
    strays = None
    if first.strays is not None:
        strays, _ = in_order_of_detections(_joined_pairs(parts, "strays", places))
    return Matches(
        rules=first.rules,
        catalog=catalog,
        categories=first.categories,
        detections=sum(part.detections for part in parts),
        row=_counted_on([part.row for part in parts], [part.detections for part in parts])[order],
        category=category[order],
        image=image[order],
        score=_joined(parts, "score")[order],
        rank=_joined(parts, "rank")[order],
        in_range=_joined(parts, "in_range")[:, order],
        fp_if_unmatched=_joined(parts, "fp_if_unmatched")[:, order],
        images=images,
        truth_row=_counted_on([part.truth_row for part in parts], _truths(parts))[truth_order],
        truth_category=_joined(parts, "truth_category")[truth_order],
        truth_image=_joined(parts, "truth_image")[truth_order],
        ignored=_joined(parts, "ignored")[:, truth_order],
        least=first.least,
        regions=_joined_regions(parts, truth_order),
        unsized=first.unsized,
        frequency=first.frequency,
        pairs=pairs,
        strays=strays,
        matched=tuple(
            _joined_matched(own, [len(part.pairs.detection) for part in parts], pair_places)
            for own in zip(*(part.matched for part in parts), strict=True)
        ),
    )


def _joined(records: Sequence[object], name: str) -> np.ndarray:
    """A column of all parts, one part behind the other."""
    return np.concatenate([getattr(record, name) for record in records], axis=-1)


def _counted_on(columns: Sequence[Ints], sizes: Sequence[int]) -> Ints:
    """Indices of all parts; those of a later part count on from the sizes of the earlier ones."""
    before = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([own + start for own, start in zip(columns, before, strict=True)])


def _truths(parts: Sequence[Matches]) -> list[int]:
    """How many ground truths the table of each part has: none of them is left out."""
    return [len(part.truth_row) for part in parts]


def _joined_pairs(parts: Sequence[Matches], name: str, places: tuple[Ints, Ints]) -> Pairs:
    """Pairs of all parts; places: where detections and ground truths went."""
    own: list[Pairs] = [getattr(part, name) for part in parts]
    detection = _counted_on([one.detection for one in own], [len(part.row) for part in parts])
    ground_truth = _counted_on([one.ground_truth for one in own], _truths(parts))
    return Pairs(
        detection=places[0][detection],
        ground_truth=places[1][ground_truth],
        overlap=_joined(own, "overlap"),
    )


def _joined_regions(parts: Sequence[Matches], truth_order: Ints) -> Regions | None:
    own = [part.regions for part in parts if part.regions is not None]
    if not own:
        return None
    return Regions(
        image=_joined(parts, "truth_image")[truth_order],
        region=_joined(own, "region")[truth_order],
        covered=_joined(own, "covered")[truth_order],
    )


def _joined_matched(own: Sequence[Matched], sizes: Sequence[int], places: Ints) -> Matched:
    """The matched pairs of one area range; sizes: how many pairs each part has; places: where the
    pairs went.
    """
    pair = places[_counted_on([one.pair for one in own], sizes)]
    order = by_group(_joined(own, "threshold"), np.argsort(pair, kind="stable"))
    return Matched(
        pair=pair[order],
        true_positive=_joined(own, "true_positive")[order],
        count=np.sum([one.count for one in own], axis=0),
    )
