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

from detmetrics.evaluation.misreadings.box_changes import (
    FEW_PAIRS,
    best_boxes,
    best_objects,
    blame,
    box_changes,
    part_changes,
    truth_changes,
)
from detmetrics.evaluation.misreadings.class_numbers import clearly_more, other_order, shifted
from detmetrics.evaluation.misreadings.class_numbers import shifted_from as classes_from
from detmetrics.evaluation.misreadings.confident import Confident, Hits
from detmetrics.evaluation.misreadings.headline import headline, improves
from detmetrics.evaluation.misreadings.image_order import ImageOrder, orders, shifts, voted_order
from detmetrics.evaluation.misreadings.image_order import shifted_from as images_from
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.misreadings.parts import FEW_MISSES, part_of
from detmetrics.evaluation.misreadings.sample import Sample
from detmetrics.evaluation.misreadings.scores import other_scores
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Alternative", "Search"]

FEW_HITS = 0.7
"""Of a detector's surest detections, as many as there are objects, most lie on one."""
LEAST_HITS, LEAST_SHARE = 5, 0.2
"""So many must lie on objects once a mistake is undone, and such a share of them."""
MORE_HITS = 3
MOVED, SOME_MOVED = 1.25, 1.1
"""Boxes get so much closer to objects where all were misread, and where those of some images."""
LEAST_CONFIDENT = 5
PAIRS = 6_000
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
    sample that both rest on, None where they rest on all; either: boxes of the two sides differ,
    and nothing tells which of them are right.
    """

    mistakes: tuple[Mistake, ...]
    before: float
    after: float
    images: int | None
    either: bool


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

    @cached_property
    def blame(self) -> str | None:
        """The side that stands out by boxes that cannot be in their images, if either does."""
        return blame(self.confident)

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
        fitting = max(self._trials(), key=lambda trial: trial.fit, default=None)
        trials = [*([fitting] if fitting else []), *self._of_scores()]
        if not trials:
            return None
        before = value if self.sample.whole else headline(*self.sample.tables(), self.rules)
        measured = [(self._measured(trial), trial) for trial in trials]
        told = [one for one in measured if improves(self.name, before, one[0])]
        if not told:
            return None
        after, trial = max(told, key=lambda one: abs(one[0] - before))
        return Alternative(
            mistakes=trial.mistakes,
            before=before,
            after=after,
            images=None if self.sample.whole else len(self.sample.images),
            either=self.blame is None and any(one.boxes is not None for one in trial.mistakes),
        )

    def _measured(self, trial: Trial) -> float:
        place = None if trial.order is None else trial.order.place
        tables = self.sample.tables(place)
        for mistake in trial.changes:
            tables = mistake.undone(*tables)
        if not all(mistake.changes(self.rules, tables[1]) for mistake in trial.changes):
            return math.nan
        return headline(*tables, self.rules)

    def _of_scores(self) -> Iterator[Trial]:
        """Other scores change no box: they are measured, and not compared by how boxes fit."""
        for mistake in other_scores(self.confident, self.sample.detections):
            yield Trial(order=None, changes=(mistake,), fit=0.0)

    def _trials(self) -> Iterator[Trial]:
        """What to measure: classes, boxes or images, and classes once boxes or images are right."""
        yield from self._with_classes(self.hits, None, ())
        # From the quickest to the slowest; what explains most ends it.
        for look in (self._of_shifts, self._of_boxes, self._of_orders, self._of_a_part):
            if not (self.few_hits or look == self._of_a_part):
                continue
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
        detections, own = self.sample.detections, int((found == there).sum())
        steps, count = np.unique(there - found, return_counts=True)
        common = int(steps[count.argmax()])
        if common and clearly_more(int(count.max()), own):
            yield shifted(detections, common)
        yield from classes_from(detections, found, there)
        yield from other_order(detections, found, there)

    @property
    def _boxes_as_read(self) -> bool:
        """Clipped or rounded boxes are not what the file holds."""
        rules = self.rules
        return rules.shape == "box" and not rules.clip and rules.box_decimals is None

    def _of_boxes(self) -> tuple[Mistake, Hits] | None:
        """The form or frame that brings most detections back to an object."""
        if not self._boxes_as_read:
            return None
        every = box_changes(self.confident, self.sample.detections)
        found = best_boxes(self.confident, every, 1)[0]
        if self.blame == "ground truth":
            truth = self.sample.ground_truth
            found = best_objects(self.confident, truth_changes(truth)) or found
        return found if self._more(found[1], MOVED) else None

    def _of_a_part(self) -> tuple[Mistake, Hits] | None:
        """The same of some images or rows alone."""
        misses = len(self.confident) - self.hits.count
        if not self._boxes_as_read or misses <= FEW_MISSES * len(self.confident):
            return None
        detections = self.sample.detections
        missed = self.confident.row[~self.hits.hit]
        every = part_changes(self.confident, detections, detections.take(missed))
        return part_of(self.confident, self.hits, every, detections)

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
