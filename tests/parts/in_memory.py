"""Parts of a scene, condensed and counted without files."""

from __future__ import annotations

import numpy as np
from match_scenes import Scene

import detmetrics as dm
from detmetrics.matching.counted import CountedMatches
from detmetrics.metrics.curves import Curves
from detmetrics.parts.condensing import Condensed, condensed
from detmetrics.parts.counting import ClassFacts, ClassOfPart, counted_class


def evaluated(scene: Scene, rules: dm.Rules, owner: np.ndarray | None = None, part: int = 0):
    """A scene, or the images of one part of it; owner: the part of each image."""
    if owner is None:
        return dm.evaluate(*scene, rules, shape=rules.shape)
    ids = scene[0].catalog.image_ids[owner == part].tolist()
    tables = [table.keep(owner[table.image] == part) for table in scene]
    return dm.evaluate(*tables, rules, shape=rules.shape, images=ids)


def stacked(scene: Scene, owner: np.ndarray) -> Scene:
    """The tables of all parts, one below the other."""
    return tuple(table.take(np.argsort(owner[table.image], kind="stable")) for table in scene)


def _of_class(
    part: Condensed, number: int | None, images: np.ndarray, category: int
) -> ClassOfPart:
    def rows(first: np.ndarray) -> slice:
        return slice(*first[category : category + 2])

    return ClassOfPart(
        anchors=lambda: part.anchors[rows(part.first_anchor)],
        ranked=lambda: part.ranked[rows(part.first_ranked)],
        images=lambda: images,
        number=number,
    )


def counted(parts: list[dm.Matches], **asked: object) -> list[CountedMatches]:
    """The matches of each class, from those of parts in their order."""
    every = np.sort(np.concatenate([part.catalog.image_ids for part in parts]))
    images = [np.searchsorted(every, part.catalog.image_ids) for part in parts]
    told = [condensed(part) for part in parts]
    first = parts[0]
    by_part = first.rules.ties == "file"
    return [
        counted_class(
            [
                _of_class(part, number if by_part else None, own, category)
                for number, (part, own) in enumerate(zip(told, images, strict=True))
            ],
            ClassFacts(
                rules=first.rules,
                images=len(every),
                unsized=first.unsized,
                frequency=first.frequency[category : category + 1],
                positives=sum(part.positives for part in parts)[category],
                places=max(len(every), len(parts)),
            ),
            **asked,
        )
        for category in range(first.categories)
    ]


def joined(classes: list[CountedMatches], of, *asked: object, axis: int) -> np.ndarray:
    """What a function of curves gives of each class, along the axis of classes."""
    return np.concatenate([of(Curves(one), *asked) for one in classes], axis=axis)
