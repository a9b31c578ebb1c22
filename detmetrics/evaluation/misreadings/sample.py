"""A part of two tables that is small enough to measure again: some images, chosen evenly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detmetrics.foundation.arrays import Ints, read_only, used
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog

__all__ = ["Sample", "images_with_detections"]

MOST_IMAGES = 200
MOST_DETECTIONS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Images to look at.

    images : (S,) rising; whole: these are all there are; detections: those on them; ground_truth:
    the objects of all images.
    """

    images: Ints
    whole: bool
    ground_truth: GroundTruth
    detections: Detections

    @classmethod
    def of(cls, ground_truth: GroundTruth, detections: Detections) -> Sample:
        """Images with detections, so few that a measurement costs milliseconds."""
        count = len(ground_truth.catalog.image_ids)
        if count <= MOST_IMAGES and len(detections) <= MOST_DETECTIONS:
            return cls(
                images=np.arange(count),
                whole=True,
                ground_truth=ground_truth,
                detections=detections,
            )
        images = _evenly(detections)
        chosen = np.zeros(count, bool)
        chosen[images] = True
        return cls(
            images=images,
            whole=False,
            ground_truth=ground_truth,
            detections=detections.keep(chosen[detections.image]),
        )

    def tables(self, place: Ints | None = None) -> tuple[GroundTruth, Detections]:
        """Both tables of these images alone, with a catalog that lists no others.

        place : (N,) the image where the detections of each belong, their own unless given.
        """
        ground_truth, detections = self.ground_truth, self.detections
        if place is not None:
            detections = replace(detections, image=read_only(place[detections.image]))
        if self.whole:
            return ground_truth, detections
        images = self.images if place is None else np.sort(place[self.images])
        chosen = np.zeros(len(ground_truth.catalog.image_ids), bool)
        chosen[images] = True
        catalog = _listing(ground_truth.catalog, images)
        index = np.cumsum(chosen) - 1
        every = np.ones(len(catalog.category_ids), bool)
        kept = ground_truth.keep(chosen[ground_truth.image])
        federation = ground_truth.federation
        return (
            replace(
                kept,
                catalog=catalog,
                image=read_only(index[kept.image]),
                federation=None if federation is None else federation.select(chosen, every),
            ),
            replace(detections, catalog=catalog, image=read_only(index[detections.image])),
        )


def images_with_detections(detections: Detections) -> Ints:
    """The images that have any, rising."""
    return used(detections.image)


def _evenly(detections: Detections) -> Ints:
    """Of the images with detections every n-th, so that neither number is exceeded."""
    images = images_with_detections(detections)
    allowed = len(images) * MOST_DETECTIONS // len(detections)
    chosen = max(min(len(images), MOST_IMAGES, allowed), 1)
    # The middle of each of so many equal pieces.
    return images[((np.arange(chosen) + 0.5) * (len(images) / chosen)).astype(np.int64)]


def _listing(catalog: Catalog, images: Ints) -> Catalog:
    """The catalog of these images; as :meth:`Catalog.select`, without a walk over all names."""
    return Catalog(
        image_ids=read_only(catalog.image_ids[images]),
        image_names=tuple(catalog.image_names[image] for image in images.tolist()),
        category_ids=catalog.category_ids,
        category_names=catalog.category_names,
        image_sizes=read_only(catalog.image_sizes[images]),
    )
