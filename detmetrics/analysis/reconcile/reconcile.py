"""Why two tools disagree: the same files under every rule set, and what makes the difference."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from detmetrics.analysis.reconcile.mistakes import mistakes
from detmetrics.analysis.reconcile.reconciliation import Reconciliation, Standing, Suspicion
from detmetrics.analysis.reconcile.reported import Candidate, Reported, candidates, ways
from detmetrics.analysis.reconcile.shape_effect import ByShape, by_shape, shapes_of_both
from detmetrics.analysis.reconcile.waterfall import Step, Waterfall, waterfall
from detmetrics.analysis.reconcile.workbench import Workbench
from detmetrics.evaluation.attention import equal_scores, partial
from detmetrics.evaluation.evaluation import explained, refuse_unpaired, with_part
from detmetrics.evaluation.misreadings.class_numbers import off_by, renumbering_cure
from detmetrics.evaluation.misreadings.marks import (
    SHARE_WITHOUT,
    images_without,
    marks,
    objects_on,
    score_decimals,
)
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.formats.loading import (
    announced,
    benchmark_of_format,
    read_ground_truth,
    read_sheet,
)
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.errors import RulesError
from detmetrics.foundation.messages import counted
from detmetrics.foundation.progress import Progress
from detmetrics.matching.shape_choice import settled
from detmetrics.metrics.tie_interval import NO_INTERVAL
from detmetrics.rules import (
    COCO,
    RULE_SETS,
    TORCHMETRICS,
    ULTRALYTICS,
    ULTRALYTICS_OBB,
    VOC2007,
    Rules,
)
from detmetrics.rules.toml import rule_set
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Id, Keys
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.sheets import Sheet

__all__ = [
    "ByShape",
    "Candidate",
    "Reconciliation",
    "Reported",
    "Standing",
    "Step",
    "Suspicion",
    "Waterfall",
    "reconcile",
]

Path = str | os.PathLike[str]
WORTH_TELLING = 2e-4
"""Undoing a mistake that is not there may raise AP by chance, but hardly by as much as this."""
CLEAR = 0.01
MOST_CANDIDATES = 100


def reconcile(
    ground_truth: Path | GroundTruth,
    detections: Path | Detections,
    ours: Rules | str | None = None,
    theirs: Rules | str | None = None,
    *,
    shape: str = "auto",
    reported: str | float | None = None,
    images: Iterable[Id] | None = None,
    only_detected_images: bool = False,
    classes: Iterable[Id] | None = None,
    unknown_images: UnknownPolicy = "error",
    reading: Reading = READING,
    progress: Progress | None = None,
) -> Reconciliation:
    """Evaluate the same files under every rule set, and explain the differences.

    ours, theirs: rule sets, or their names, whose difference is split into causes; without
    ``ours`` it is that of the benchmark which the format of the ground truth belongs to (DOTA),
    else COCO, and without ``theirs`` it is VOC2007 where objects are marked as difficult, else
    Ultralytics.
    shape: what overlap is measured of under each of them, as in :func:`evaluate`.
    reported: a number that somebody got, such as ``"0.523"``; the more digits, the better.
    images, only_detected_images, classes: as in :func:`evaluate`.
    Detections of classes that the ground truth lacks are left out, and counted in a note: class
    numbers may be off by one. unknown_images, reading, progress: as in
    :func:`~detmetrics.read_detections`.

    Raises:
        FormatError, UnknownIdError: the files cannot be read, or refer to unknown images.
        RulesError: no such rule set, or the tables lack what one of the two needs.
        InputError: the reported number is none, or tables that do not belong together.

    >>> import detmetrics as dm
    >>> made = dm.reconcile("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> made.waterfall.ours, made.waterfall.theirs
    ('coco', 'ultralytics')
    """
    wanted = None if reported is None else Reported.parse(reported)
    ours = rule_set(ours) if isinstance(ours, str) else ours
    theirs = rule_set(theirs) if isinstance(theirs, str) else theirs
    if not isinstance(ground_truth, GroundTruth):
        ground_truth = read_ground_truth(ground_truth, reading, progress=progress)
    table, sheet = _detections(detections, ground_truth, reading, unknown_images, progress)
    require_scores(table, "reconcile")
    refuse_unpaired(ground_truth, table)
    whole = ground_truth
    ground_truth, table, left_out = with_part(
        ground_truth, table, images, only_detected_images, classes
    )
    if classes is not None:
        sheet = None  # of which numbers cannot be told, since some of them are of other classes
    if ground_truth is not whole:
        unknown_images = "drop"  # those of the other images
    told = progress or _silent

    if ours is None:
        ours = rule_set(benchmark_of_format(ground_truth.source.format))
    ours, chosen = settled(ground_truth, table, ours, shape)
    theirs, of_theirs = _theirs(ground_truth, table, ours, theirs, shape)
    bench = Workbench(ground_truth, table)
    shapes = shapes_of_both(ground_truth, table)
    standings = _standings(bench, (ours, theirs), shapes, shape, told)
    fall = waterfall(bench, ours, theirs)
    told("usual mistakes", 0.0)
    suspicions = _suspicions(bench, ours, _renumbered(sheet, ground_truth, reading, unknown_images))
    told("reported number", 0.5)
    applicable = [standing.rules for standing in standings if standing.result is not None]
    undone = [one.mistake for one in suspicions if one.mistake is not None]
    compared = candidates(ways(bench, applicable, shapes, undone), wanted) if wanted else ()
    return Reconciliation(
        ground_truth=ground_truth,
        detections=table,
        standings=standings,
        waterfall=fall,
        shapes=by_shape(bench, ours, shapes),
        suspicions=suspicions,
        reported=wanted,
        candidates=compared[:MOST_CANDIDATES],
        tried=len(compared),
        notes=(
            *(remark.text for remark in partial(explained(ground_truth, table))),
            *left_out,
            *(*ground_truth.notes, *table.notes),
            *(f"{ours.name}: {note}" for note in chosen),
            *(f"{theirs.name}: {note}" for note in of_theirs if theirs.name != ours.name),
            *_ties(standings, (ours, theirs)),
        ),
    )


def _ties(standings: Iterable[Standing], asked: tuple[Rules, ...]) -> Iterator[str]:
    """What equal scores leave open under the rules that are compared."""
    for standing in standings:
        if standing.result is not None and standing.rules in asked:
            for remark in equal_scores(standing.result.curves):
                yield f"{standing.rules.name}: {remark.text}"


def _theirs(
    ground_truth: GroundTruth, detections: Detections, ours: Rules, theirs: Rules | None, shape: str
) -> tuple[Rules, tuple[str, ...]]:
    """The rules to explain with the shape that they measure, and what to say of it.

    Raises:
        RulesError: they were asked for and cannot measure the shape.
    """
    if theirs is not None:
        return settled(ground_truth, detections, theirs, shape)
    oriented = ground_truth.natural == detections.natural == "oriented"
    usual = ULTRALYTICS_OBB if oriented else ULTRALYTICS
    try:
        return settled(
            ground_truth, detections, VOC2007 if ground_truth.difficult.any() else usual, shape
        )
    except RulesError:  # of boxes alone, and another shape was asked for
        return settled(
            ground_truth, detections, COCO if ours.name != COCO.name else TORCHMETRICS, shape
        )


def _standings(
    bench: Workbench,
    asked: tuple[Rules, ...],
    shapes: tuple[str, ...],
    shape: str,
    told: Progress,
) -> tuple[Standing, ...]:
    """Every rule set of a shape that the files have, and those that were asked for."""
    known = [(rules, shape) for rules in RULE_SETS.values() if rules.shape in shapes]
    every = known + [(rules, rules.shape) for rules in asked]
    standings: list[Standing] = []
    measured: set[Rules] = set()
    for index, (rules, own) in enumerate(every):
        told("rule sets", index / len(every))
        standing = _stand(bench, rules, own)
        alike = standing.rules.replace(name="any")
        if index < len(known) and alike in measured:
            continue  # by another name it is there already
        if all(standing.rules != other.rules for other in standings):
            standings.append(standing)
        if standing.result is not None:
            measured.add(alike)
    return tuple(standings)


def _silent(_phase: str, _share: float | None) -> None:
    """Tell nobody."""


def _detections(
    detections: Path | Detections,
    ground_truth: GroundTruth,
    reading: Reading,
    unknown_images: UnknownPolicy,
    progress: Progress | None,
) -> tuple[Detections, Sheet | None]:
    """The table, and what it was made from."""
    if isinstance(detections, Detections):
        return detections, None
    known = replace(reading, catalog=ground_truth.catalog)
    sheet = read_sheet(detections, "detections", known, progress=progress)
    with announced(sheet, reading) as made:
        table = _table(sheet, ground_truth, reading, unknown_images)
        made(table)
    return table, sheet


def _table(
    sheet: Sheet, ground_truth: GroundTruth, reading: Reading, unknown_images: UnknownPolicy
) -> Detections:
    return Detections.from_sheet(
        sheet,
        catalog=ground_truth.catalog,
        relative=ground_truth.relative,
        pixels=reading.pixels,
        unknown_images=unknown_images,
        unknown_categories="drop",
        invalid_boxes=reading.invalid_boxes,
    )


def _renumbered(
    sheet: Sheet | None, ground_truth: GroundTruth, reading: Reading, unknown_images: UnknownPolicy
) -> tuple[Mistake, ...]:
    """Class numbers off by one, where the file still has those that fit no class."""
    if sheet is None or sheet.category.labels.dtype == object:
        return ()
    labels, code = sheet.category

    def mistake(by: int) -> Mistake:
        def change(_: Detections) -> Detections:
            moved = replace(sheet, category=Keys(labels + by, code))
            return _table(moved, ground_truth, reading, unknown_images)

        ids = ground_truth.catalog.category_ids
        return off_by(by, renumbering_cure(ids, labels, by), change)

    return mistake(-1), mistake(1)


def _stand(bench: Workbench, rules: Rules, shape: str) -> Standing:
    try:
        rules, _ = settled(bench.truth, bench.detections, rules, shape)
        result = bench.evaluation(rules)
    except RulesError as error:
        return Standing(rules=rules, result=None, reason=str(error))
    return Standing(rules=rules, result=result)


def _rounded_scores(bench: Workbench, ours: Rules) -> Iterator[tuple[str, str]]:
    """Scores of few digits tie; how much that leaves open is known."""
    decimals = score_decimals(bench.detections)
    if decimals is None or "ap" not in ours.metrics or ours.interpolation in NO_INTERVAL:
        return
    low, high = bench.evaluation(ours).tie_interval("AP")
    if high - low >= WORTH_TELLING:
        name = (
            f"scores rounded to {counted(decimals, 'decimal')}: the order of equal ones leaves "
            f"{ours.name}'s AP between {low:.4f} and {high:.4f}"
        )
        yield name, "write scores in full, with six decimals or more"


def _part(bench: Workbench, ours: Rules, before: float) -> Suspicion | None:
    """Detections of a part of the images, and what they get on these alone."""
    found = images_without(bench.truth, bench.detections)
    missing, images = int(found.sum()), objects_on(bench.truth)
    if missing < SHARE_WITHOUT * images or missing == images:
        return None
    value = Workbench(bench.truth.keep(~found[bench.truth.image]), bench.detections).ap(ours)
    if not value - before >= WORTH_TELLING:
        return None
    return Suspicion(
        name=f"detections of a part of the images: {missing:,} of {counted(images, 'image')} with "
        "objects have none",
        cure="write detections of all images, or restrict to those that were evaluated: "
        "--only-detected-images",
        value=value,
        raises=value - before,
    )


def _suspicions(
    bench: Workbench, ours: Rules, renumbered: tuple[Mistake, ...]
) -> tuple[Suspicion, ...]:
    """The best of each family of mistakes that raises AP, and the marks of lost detections."""
    before = bench.ap(ours)
    best: dict[str, Suspicion] = {}
    known = [m for m in mistakes(bench.truth, bench.detections) if m.undoes]
    if renumbered:
        known = [mistake for mistake in known if mistake.name not in {m.name for m in renumbered}]
    for mistake in (*known, *renumbered):
        changed = bench.without(mistake)
        if not mistake.changes(ours, changed.detections):
            continue
        value = changed.ap(ours)
        raises = value - before
        told = best.get(mistake.family)
        if raises >= WORTH_TELLING and (told is None or raises > told.raises):
            best[mistake.family] = Suspicion(
                name=mistake.said, cure=mistake.cure, value=value, raises=raises, mistake=mistake
            )
    if (part := _part(bench, ours, before)) is not None:
        best["part"] = part
    raising = sorted(best.values(), key=lambda suspicion: -suspicion.raises)
    lost = [
        Suspicion(name=name, cure=cure, value=math.nan, raises=math.nan)
        for name, cure in (*marks(bench.detections), *_rounded_scores(bench, ours))
    ]
    clear = [suspicion for suspicion in raising if suspicion.raises >= CLEAR]
    return (*clear, *lost, *(suspicion for suspicion in raising if suspicion.raises < CLEAR))
