"""Matches of disjoint images are the matches of their union.

Nothing is matched across images, so shards of a data set (the ranks of a distributed run, the
batches of a validation, the pieces of a large set) can be matched apart and put together here:
associative, and bit for bit what one evaluation of the whole gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from detmetrics.foundation.arrays import Ints, by_group
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.matching.matches import Matched, Matches
from detmetrics.matching.ranking import best_first
from detmetrics.overlap import Pairs

__all__ = ["merge"]


def merge(parts: Sequence[Matches]) -> Matches:
    """One table of matches from several, all over the same catalog and under the same rules.

    Rows of a later part count on from the tables of the earlier ones, as if those tables stood
    one below the other.

    Raises:
        RulesError: the parts followed different rules.
        InputError: there are no parts, two of them hold the same image, their boxes have different
            units, or they are of different lists of images.
    """
    if not parts:
        raise InputError("nothing to merge")
    return reduce(_union, parts)


def _union(a: Matches, b: Matches) -> Matches:
    if a.rules != b.rules or a.categories != b.categories:
        raise RulesError(f"cannot merge matches of {a.rules.signature} and {b.rules.signature}")
    if (a.unsized != b.unsized).any():
        raise InputError("cannot merge: boxes are in pixels in one part, in shares in the other")
    if len(shared := np.intersect1d(a.image, b.image)):
        raise InputError(f"cannot merge: {len(shared):,} images are in both parts")
    if a.images != b.images:
        raise InputError(f"cannot merge: of {a.images:,} images and of {b.images:,}")
    score, image = np.concatenate([a.score, b.score]), np.concatenate([a.image, b.image])
    category = np.concatenate([a.category, b.category])
    order = by_group(category, best_first(score, image))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    pairs, moved = _union_of_pairs(a, b, place, "pairs")
    return Matches(
        rules=a.rules,
        categories=a.categories,
        detections=a.detections + b.detections,
        row=np.concatenate([a.row, b.row + a.detections])[order],
        category=category[order],
        image=image[order],
        score=score[order],
        rank=np.concatenate([a.rank, b.rank])[order],
        in_range=np.concatenate([a.in_range, b.in_range], axis=1)[:, order],
        fp_if_unmatched=np.concatenate([a.fp_if_unmatched, b.fp_if_unmatched], axis=1)[:, order],
        images=a.images,
        truth_row=np.concatenate([a.truth_row, b.truth_row + len(a.truth_row)]),
        truth_category=np.concatenate([a.truth_category, b.truth_category]),
        ignored=np.concatenate([a.ignored, b.ignored], axis=1),
        least=a.least,
        regions=a.regions and b.regions and a.regions.union(b.regions),
        unsized=a.unsized,
        frequency=a.frequency,
        pairs=pairs,
        strays=a.strays and b.strays and _union_of_pairs(a, b, place, "strays")[0],
        matched=tuple(
            _union_of_matched(mine, other, moved, len(a.pairs.detection))
            for mine, other in zip(a.matched, b.matched, strict=True)
        ),
    )


def _union_of_pairs(a: Matches, b: Matches, place: Ints, name: str) -> tuple[Pairs, Ints]:
    """All pairs in order of detection, and where each of them, a's before b's, went."""
    mine, other = getattr(a, name), getattr(b, name)
    detection = place[np.concatenate([mine.detection, other.detection + len(a.row)])]
    truth = np.concatenate([mine.ground_truth, other.ground_truth + len(a.truth_row)])
    order = by_group(detection, np.arange(len(detection)))
    moved = np.empty_like(order)
    moved[order] = np.arange(len(order))
    overlap = np.concatenate([mine.overlap, other.overlap])
    pairs = Pairs(detection=detection[order], ground_truth=truth[order], overlap=overlap[order])
    return pairs, moved


def _union_of_matched(a: Matched, b: Matched, moved: Ints, offset: int) -> Matched:
    pairs, rights = [], []
    for threshold in range(len(a.count)):
        (mine, my_right), (other, other_right) = a.at(threshold), b.at(threshold)
        pair = moved[np.concatenate([mine, other + offset])]
        order = np.argsort(pair, kind="stable")
        pairs.append(pair[order])
        rights.append(np.concatenate([my_right, other_right])[order])
    return Matched(
        pair=np.concatenate(pairs), true_positive=np.concatenate(rights), count=a.count + b.count
    )
