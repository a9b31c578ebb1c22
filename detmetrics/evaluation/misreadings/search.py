"""After a measurement: which common mistake, undone, would raise the number.

Cheap signs decide what is looked at: how many of the surest detections lie on any object, and on
one of another class. Of the mistakes that would bring them back, the best is measured on a sample
of at most 200 images, and told where the number gets better by 0.02 and by 10 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detmetrics.evaluation.misreadings.class_numbers import clearly_more, other_order, shifted
from detmetrics.evaluation.misreadings.class_numbers import shifted_from as classes_from
from detmetrics.evaluation.misreadings.confident import Confident, Hits
from detmetrics.evaluation.misreadings.forms import forms
from detmetrics.evaluation.misreadings.frames import frames
from detmetrics.evaluation.misreadings.headline import headline, improves
from detmetrics.evaluation.misreadings.image_order import ImageOrder, orders, shifts, voted_order
from detmetrics.evaluation.misreadings.image_order import shifted_from as images_from
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.misreadings.sample import Sample
from detmetrics.evaluation.misreadings.voted_frames import voted_frames
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Alternative", "Search", "best_boxes"]

FEW_HITS = 0.7
"""Of a detector's surest detections, as many as there are objects, most lie on one."""
LEAST_HITS, LEAST_SHARE = 5, 0.2
"""So many must lie on objects once a mistake is undone, and such a share of them."""
MORE_HITS = 3
MOVED, SOME_MOVED = 1.25, 1.1
"""Boxes get so much closer to objects where all were misread, and where those of some images."""
LEAST_CONFIDENT = 5
PAIRS, FEW_PAIRS = 6_000, 1_000
FEWER_HITS = 0.4
"""In another order of images hardly a detection lies on an object."""
MOST_NAMED, MOST_VOTING = 2_000, 64
"""So many images are sorted by name, and compared each with each other."""
AS_GOOD = 0.01
"""Of two changes of classes that differ by less, the one that is said in fewer words is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What undoing mistakes gives.

    mistakes: those undone, one after the other; before, after: the first metric; images: of the
    sample that both rest on, None where they rest on all.
    """

    mistakes: tuple[Mistake, ...]
    before: float
    after: float
    images: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Changes that may be worth a measurement.

    order: where detections are moved first, None for nowhere; changes: what follows; fit: how
    close the surest detections then are to objects of their class, from 0 to 1.
    """

    order: ImageOrder | None
    changes: tuple[Mistake, ...]
    fit: float

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All of them."""
        return (*([self.order.mistake] if self.order else []), *self.changes)


class Search:
    """One pair of tables, as the rules have them, and what may have been misread in it."""

    def __init__(
        self, ground_truth: GroundTruth, detections: Detections, rules: Rules, name: str
    ) -> None:
        self.rules, self.name = rules, name
        self.sample = Sample.of(ground_truth, detections)

    @cached_property
    def confident(self) -> Confident:
        """The surest detections of the sample."""
        return Confident.of(self.sample.ground_truth, self.sample.detections).fewer(PAIRS)

    @cached_property
    def hits(self) -> Hits:
        """What they lie on."""
        return self.confident.hits()

    @property
    def few_hits(self) -> bool:
        """Whether so few of them lie on an object that boxes or images may be wrong."""
        return self._few(self.hits)

    def _few(self, hits: Hits) -> bool:
        return hits.count < FEW_HITS * len(self.confident)

    def best(self, value: float) -> Alternative | None:
        """What gets the first metric most, if that is enough to be told.

        value: of the metric on all images.
        """
        if len(self.confident) < LEAST_CONFIDENT:
            return None
        trial = max(self._trials(), key=lambda trial: trial.fit, default=None)
        if trial is None:
            return None
        before = value if self.sample.whole else headline(*self.sample.tables(), self.rules)
        after = self._measured(trial)
        if not improves(self.name, before, after):
            return None
        return Alternative(
            mistakes=trial.mistakes,
            before=before,
            after=after,
            images=None if self.sample.whole else len(self.sample.images),
        )

    def _measured(self, trial: Trial) -> float:
        place = None if trial.order is None else trial.order.place
        ground_truth, detections = self.sample.tables(place)
        for mistake in trial.changes:
            detections = mistake.change(detections)
        if not all(mistake.changes(self.rules, detections) for mistake in trial.changes):
            return math.nan
        return headline(ground_truth, detections, self.rules)

    def _trials(self) -> Iterator[Trial]:
        """What to measure: classes, boxes or images, and classes once boxes or images are right."""
        yield from self._with_classes(self.hits, None, ())
        if not self.few_hits:
            return
        # From the quickest to the slowest; what explains most ends it.
        for look in (self._of_shifts, self._of_boxes, self._of_orders):
            found = look()
            if found is None:
                continue
            change, hits = found
            if isinstance(change, ImageOrder):
                yield from self._with_classes(hits, change, ())
            else:
                yield from self._with_classes(hits, None, (change,))
            if not self._few(hits):
                return

    def _with_classes(
        self, hits: Hits, order: ImageOrder | None, changes: tuple[Mistake, ...]
    ) -> Iterator[Trial]:
        """A change that gives these hits, and the same with classes that fit better."""
        category = self.confident.category
        if order or changes:
            fit = self.confident.fit(hits, category)
            yield Trial(order=order, changes=changes, fit=fit)
        found = [
            (mistake, self.confident.fit(hits, mistake.classes[category]))
            for mistake in self._of_classes(hits)
            if mistake.classes is not None
        ]
        # The first that is as good as the best: they come in order of simplicity.
        best = max((fit for _, fit in found), default=0.0)
        for mistake, fit in found:
            if fit >= best - AS_GOOD:
                yield Trial(order=order, changes=(*changes, mistake), fit=fit)
                return

    def _of_classes(self, hits: Hits) -> Iterator[Mistake]:
        """Other class numbers that some more of the votes agree with."""
        # With neighbouring classes an object is there several times, once for each class.
        if self.rules.class_agnostic or self.rules.class_rules:
            return
        found, there = self.confident.votes(hits)
        if (found == there).all():
            return
        catalog, own = self.sample.detections.catalog, int((found == there).sum())
        steps, count = np.unique(there - found, return_counts=True)
        common = int(steps[count.argmax()])
        if common and clearly_more(int(count.max()), own):
            yield shifted(self.sample.detections, common)
        yield from classes_from(catalog, found, there)
        yield from other_order(catalog, found, there)

    def _of_boxes(self) -> tuple[Mistake, Hits] | None:
        """The form or frame that brings most detections back to an object."""
        # Clipped or rounded boxes are not what the file holds.
        if self.rules.shape != "box" or self.rules.clip or self.rules.box_decimals is not None:
            return None
        detections = self.sample.detections
        every = (
            *forms(detections),
            *frames(self.sample.ground_truth, detections),
            *voted_frames(self.confident.fewer(FEW_PAIRS), detections),
        )
        best, hits = best_boxes(self.confident, every, 1)[0]
        return (best, hits) if self._more(hits, MOVED) else None

    def _of_shifts(self) -> tuple[ImageOrder, Hits] | None:
        """The shift of images that brings most detections back."""
        catalog = self.sample.ground_truth.catalog
        return self._best_order([*shifts(catalog), *images_from(self.confident, catalog)])

    def _of_orders(self) -> tuple[ImageOrder, Hits] | None:
        """The same of orders that take longer to find: of names, and of what few images vote for.

        Boxes by chance vote for some order too, but not most of them for one.
        """
        catalog = self.sample.ground_truth.catalog
        images, least = len(catalog.image_ids), FEWER_HITS * len(self.confident)
        if self.hits.count >= least:
            return None
        known = [*orders(catalog)] if images <= MOST_NAMED else []
        if images <= MOST_VOTING and (voted := voted_order(self.confident, images)):
            known.append(voted)
        best = self._best_order(known)
        return best if best and best[1].count >= least else None

    def _best_order(self, known: list[ImageOrder]) -> tuple[ImageOrder, Hits] | None:
        # Masks have the size of their image, and clipped boxes were inside of it.
        if not known or self.rules.shape == "mask" or self.rules.clip:
            return None
        few = self.confident.fewer(FEW_PAIRS)
        image = np.concatenate([one.place[few.image] for one in known])
        best = known[few.closeness(np.tile(few.boxes, (len(known), 1)), image).argmax()]
        hits = self.confident.hits(image=best.place[self.confident.image])
        return (best, hits) if self._more(hits, SOME_MOVED) else None

    def _more(self, hits: Hits, factor: float) -> bool:
        """Whether clearly more detections lie on objects, and enough of them."""
        least = max(LEAST_HITS, LEAST_SHARE * len(self.confident), self.hits.count + MORE_HITS)
        return hits.count >= least and hits.closeness >= factor * self.hits.closeness


def best_boxes(
    confident: Confident, every: tuple[Mistake, ...], most: int
) -> list[tuple[Mistake, Hits]]:
    """The mistakes that, undone, bring boxes closest to objects, the best first.

    every: mistakes of boxes.
    """
    few = confident.fewer(FEW_PAIRS)
    with np.errstate(all="ignore"):  # a wrong reading may be no box at all
        boxes = [one.boxes(few.boxes, few.sizes) for one in every if one.boxes is not None]
        closeness = few.closeness(np.concatenate(boxes), np.tile(few.image, len(boxes)))
        ranked = [every[at] for at in np.argsort(-closeness, kind="stable")[:most]]
        return [
            (one, confident.hits(one.boxes(confident.boxes, confident.sizes)))
            for one in ranked
            if one.boxes is not None
        ]
