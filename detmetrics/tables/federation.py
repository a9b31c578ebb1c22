"""Which classes were looked for in which image.

Large vocabularies cannot be annotated in full: of each image it is known of some classes whether
they are in it (*verified*; LVIS tells those that are not), and that of some not every object was
marked (*not exhaustive*); nothing is known of the others. Source: LVIS, ``lvis-api``; the
image-level labels of Open Images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints

__all__ = ["FREQUENCIES", "Federation"]

FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}
"""How frequent a class is, by LVIS's letter."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Federation:
    """What is known of images and classes beside their objects.

    verified, not_exhaustive : (., 2) indices of image and class; frequency : (K,) ``"r"``,
    ``"c"`` or ``"f"`` (rare, common, frequent) of each class, ``""`` where it is not told.
    unsaid: which of it the source does not say, a phrase each.
    """

    verified: Ints
    not_exhaustive: Ints
    frequency: tuple[str, ...]
    unsaid: tuple[str, ...] = ()

    def select(self, images: Bools, categories: Bools) -> Federation:
        """That of the marked images and classes alone, counted among these."""

        def within(pairs: Ints) -> Ints:
            kept = pairs[images[pairs[:, 0]] & categories[pairs[:, 1]]]
            places = (np.cumsum(marks) - 1 for marks in (images, categories))
            return np.column_stack(
                [place[kept[:, side]] for side, place in enumerate(places)]
            ).astype(np.int64)

        return Federation(
            verified=within(self.verified),
            not_exhaustive=within(self.not_exhaustive),
            frequency=tuple(
                name for name, kept in zip(self.frequency, categories, strict=True) if kept
            ),
            unsaid=self.unsaid,
        )

    def is_verified(self, image: Ints, category: Ints) -> Bools:
        """(n,) whether somebody looked for the class in the image."""
        return self._among(self.verified, image, category)

    def is_open(self, image: Ints, category: Ints) -> Bools:
        """(n,) whether objects of the class may be unmarked in the image."""
        return self._among(self.not_exhaustive, image, category)

    def _among(self, pairs: Ints, image: Ints, category: Ints) -> Bools:
        classes = len(self.frequency)
        # An image and a class as one number.
        return np.isin(image * classes + category, pairs[:, 0] * classes + pairs[:, 1])
