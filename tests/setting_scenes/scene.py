"""A scene: a few boxes drawn by hand, and what each choice of one setting makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

import detmetrics as dm
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.federation import Federation

__all__ = ["BASE", "WHOLE", "Detected", "Object", "Scene"]

BASE = dm.COCO.replace(
    name="scene",
    iou_thresholds=0.5,
    max_detections=100,
    area_ranges=(),
    interpolation="every",
    metrics="ap",
)
"""COCO's settings with one threshold and one range; AP is the area under the envelope.

So AP is the sum, over the objects, of the best precision from the true positive of each on, divided
by their number.
"""

WHOLE = [0, 0, 10, 10]
"""The box that most scenes have: shares of it are easily told."""

LETTERS = {"true positive": "T", "false positive": "F", "ignored": "i", "missed": "m"}
GONE = "-"


class Object(NamedTuple):
    """A ground truth: x y w h, class and image, and what its source says of it.

    corners: of a polygon in place of the box; area: nan where the source has none.
    """

    box: Sequence[float]
    name: str = "a"
    image: int = 1
    crowd: bool = False
    ignore: bool = False
    difficult: bool = False
    area: float = math.nan
    visibility: float = 1.0
    corners: Sequence[Sequence[float]] = ()


class Detected(NamedTuple):
    """A detection: score, x y w h, class and image; corners: as of an object."""

    score: float
    box: Sequence[float]
    name: str = "a"
    image: int = 1
    corners: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One setting on its boundary.

    expected: of each choice what becomes of the boxes, and a number.

    The first is a letter for each detection, in their order: T true positive, F false positive,
    i ignored (or beyond a limit), - no longer there; and an m for each missed object. They are of
    the first threshold and of the range ``area``. The number is that of ``metric``, None where it
    is undefined; without a metric it is the whole summary.

    images, size: how many images there are, and the width and height of each; classes in order of
    id. outlined: tables hold shapes, polygons or the boxes themselves. known, open: (image, class)
    that somebody looked for, and whose objects are not all marked, where the source is federated.
    """

    setting: str
    what: str
    objects: Sequence[Object]
    found: Sequence[Detected]
    expected: Mapping[Any, tuple[str, Any]]
    rules: dm.Rules = BASE
    area: str = "all"
    metric: str | None = "AP"
    classes: str = "a"
    images: int = 1
    size: tuple[float, float] | None = None
    box_format: str = "xywh"
    outlined: bool = False
    known: Sequence[tuple[int, str]] | None = None
    open: Sequence[tuple[int, str]] = ()

    def rules_with(self, choice: Any) -> dm.Rules:
        return self.rules.replace(**{self.setting: choice})

    def outcome(self, choice: Any) -> tuple[str, Any]:
        """What the choice makes of the scene."""
        return self.seen(self.evaluated(choice))

    def evaluated(self, choice: Any) -> dm.Evaluation:
        rules = self.rules_with(choice)
        return dm.evaluate(*self.tables(), rules, shape=rules.shape)

    def seen(self, result: dm.Evaluation) -> tuple[str, Any]:
        """What became of the boxes, and the number, or all of them without a metric."""
        numbers = {
            name: None if math.isnan(value) else value for name, value in result.summary.items()
        }
        letters = self._letters(result)
        return letters, numbers if self.metric is None else numbers[self.metric]

    def _letters(self, result: dm.Evaluation) -> str:
        table = result.matches(result.rules.iou_thresholds[0], self.area)
        letters = [GONE] * len(self.found)
        for row, verdict in zip(table["detection"], table["verdict"], strict=True):
            if row >= 0:
                letters[row] = LETTERS[verdict]
        return "".join(letters) + "m" * int((table["verdict"] == "missed").sum())

    def tables(self) -> tuple[dm.GroundTruth, dm.Detections]:
        """Both tables, and their one catalog."""
        catalog = dm.Catalog.from_ids(
            images=range(1, self.images + 1),
            categories=range(1, len(self.classes) + 1),
            category_names=[*self.classes],
            image_sizes=None if self.size is None else [self.size] * self.images,
        )
        truth = dm.GroundTruth.from_arrays(
            **self._columns(self.objects),
            areas=[one.area for one in self.objects],
            crowd=[one.crowd for one in self.objects],
            ignore=[one.ignore for one in self.objects],
            difficult=[one.difficult for one in self.objects],
            attributes={"visibility": [one.visibility for one in self.objects]},
            catalog=catalog,
        )
        if self.known is not None:
            truth = replace(truth, federation=self._federation())
        found = dm.Detections.from_arrays(
            **self._columns(self.found), scores=[one.score for one in self.found], catalog=catalog
        )
        return truth, found

    def _columns(self, rows: Sequence[Object] | Sequence[Detected]) -> dict[str, Any]:
        return {
            "image_ids": [one.image for one in rows],
            "categories": [one.name for one in rows],
            "boxes": np.array([one.box for one in rows], float).reshape(-1, 4),
            "box_format": self.box_format,
            "shapes": self._shapes(rows) if self.outlined else None,
        }

    def _shapes(self, rows: Sequence[Object] | Sequence[Detected]) -> Polygons | Masks:
        corners = []
        for one in rows:
            x, y, w, h = one.box
            corners.append(one.corners or [[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
        return Polygons.from_corners(np.array(corners, float).reshape(-1, 4, 2))

    def _federation(self) -> Federation:
        def indices(pairs: Sequence[tuple[int, str]]) -> np.ndarray:
            places = [(image - 1, self.classes.index(name)) for image, name in pairs]
            return np.array(places, np.int64).reshape(-1, 2)

        assert self.known is not None
        return Federation(
            verified=indices(self.known),
            not_exhaustive=indices(self.open),
            frequency=tuple("rcf"[place % 3] for place in range(len(self.classes))),
        )
