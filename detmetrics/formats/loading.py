"""From a path to a sheet: which format it is, read, and its class numbers taken as asked."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from detmetrics.formats.class_readings import with_classes
from detmetrics.formats.format import Format, Reader, Side
from detmetrics.formats.given import Beginning, Given
from detmetrics.formats.metadata.splits import DataSplit, split_with
from detmetrics.formats.reading import READING, Reading
from detmetrics.formats.registry import choose, format_named
from detmetrics.formats.unscored import choose_unscored, without_scores
from detmetrics.foundation.arrays import keep_freed_memory
from detmetrics.foundation.errors import (
    DetmetricsError,
    DetmetricsWarning,
    FormatError,
    InputError,
    UnknownIdError,
)
from detmetrics.foundation.hints import hint
from detmetrics.foundation.inputs import STANDARD_STREAM
from detmetrics.foundation.messages import counted, printable
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.overlap.polygons.angles import told_of_angles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.id_pairing import KeyKind, UnknownPolicy
from detmetrics.tables.image_paths import stem
from detmetrics.tables.interpretation import Interpretation, in_one_line
from detmetrics.tables.rows import Rows
from detmetrics.tables.sheets import Sheet

__all__ = [
    "Path",
    "announce",
    "announced",
    "benchmark_of",
    "benchmark_of_format",
    "other_split",
    "read_detections",
    "read_ground_truth",
    "read_sheet",
]

DEFAULT_RULES = "coco"

Path: TypeAlias = str | os.PathLike[str]


def read_sheet(
    path: str | os.PathLike[str],
    side: Side,
    reading: Reading,
    *,
    progress: Progress | None = None,
    given: Given | None = None,
) -> Sheet:
    """What a file or a folder says.

    given: the path, where it was looked into before.

    Raises:
        FormatError: it cannot be read, or no format is known that looks like it.
        InputError: a format was asked for that does not exist.
    """
    if reading.image_dir is not None and not os.path.isdir(reading.image_dir):
        raise FormatError(
            os.fspath(reading.image_dir), ["expected a folder of images (--image-dir)"]
        )
    keep_freed_memory()
    given = given or Given(path, reading.pipe_limit)
    of_truth = side == "ground truth"
    wanted = reading.gt_format if of_truth else reading.det_format
    angle = reading.gt_angle if of_truth else reading.det_angle
    reading = replace(reading, angle=angle or reading.angle)
    read: Reader | None
    unscored = not of_truth and reading.scores is not None
    try:
        if unscored:
            chosen, why, read = choose_unscored(given, wanted)
        else:
            chosen, why = choose(given, side, wanted)
            read = chosen.reader(side)
    except FormatError as error:
        raise _without_scores(
            _explained(error, given, side, reading), given, side, reading
        ) from None
    assert read is not None
    if (share := in_phase(progress, f"reading {side}")) is not None:
        reading = replace(reading, on_progress=share)
    format_taken = _of_format(side, chosen, why)
    try:
        sheet = read(given, reading)
    except InputError as error:
        reading.on_message(in_one_line(printable(given.path), [format_taken]))
        if isinstance(error, FormatError):
            error = _explained(error, given, side, reading)
            raise _without_scores(error, given, side, reading) from None
        raise
    sheet = without_scores(sheet) if unscored else sheet
    sheet = replace(
        sheet,
        source=replace(sheet.source, format=chosen.name),
        interpretations=(format_taken, *sheet.interpretations),
    )
    sheet = _in_unit(sheet, reading, "gt" if of_truth else "det")
    _mark_used(sheet, reading, "gt_angle" if of_truth else "det_angle")
    if reading.image_ids is not None:
        key: KeyKind = "id" if reading.image_ids == "ids" else "name"
        sheet = replace(sheet, image_key=key, settled=sheet.settled | {"image"})
    return (
        with_classes(sheet, reading, given) if side == "detections" else _completed(sheet, reading)
    )


def _explained(error: FormatError, given: Given, side: Side, reading: Reading) -> FormatError:
    from detmetrics.formats.explaining import explained

    return explained(error, given, side, reading)


def _without_scores(error: FormatError, given: Given, side: Side, reading: Reading) -> FormatError:
    """The error, with a hint at ``--scores none`` if scores are all that is missing.

    For large text only the beginning is checked: checking all of it would double the time.
    """
    open_to_it = side == "detections" and reading.scores is None and type(error) is FormatError
    if not open_to_it or not _may_lack_scores(error):
        return error
    more = "; ".join(filter(None, (error.hint, hint("no-scores"))))
    told = FormatError(error.path, error.faults, error.count, more)
    if not (os.path.isfile(given.path) or os.path.isdir(given.path)):
        return told  # a pipe cannot be read again, and the hint says "if"
    from detmetrics.formats.lines.text_folder import with_first_files

    quiet = replace(reading, scores="none", on_message=_nothing, on_progress=_nothing, used=set())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = with_first_files(Beginning(given.path, reading.pipe_limit))
            _, _, read = choose_unscored(again, reading.det_format)
            sheet = read(again, quiet)
            lacking = len(sheet) > 0 and without_scores(sheet).notes == sheet.notes
    except (DetmetricsError, OSError):
        return error
    return told if lacking else error


NO_LIST = "expected a list of detections"
OF_ALL = re.compile(rf"no format|no column|expected columns|{NO_LIST}|\[0\]|:1:|line [12]:|row 0:")
OF_SCORES = re.compile(rf"score|confidence|numbers|{NO_LIST}|no format")
THERE = re.compile(r"score: expected .*, got (?!null|nothing)")
"""There is a score, and it is wrong."""


def _may_lack_scores(error: FormatError) -> bool:
    """Whether it is about scores, and about the first record as about all: to read all of a file
    again takes as long as to read it.
    """
    first = error.faults[0] if error.faults else ""
    of_scores = OF_SCORES.search(first) and not THERE.search(first)
    return bool(OF_ALL.search(first) and of_scores)


def _nothing(_: object) -> None:
    pass


def _in_unit(sheet: Sheet, reading: Reading, own: str) -> Sheet:
    """With boxes in the unit that was asked for, where the format has the other one."""
    asked = getattr(reading, f"{own}_coordinates")
    if asked is None or sheet.relative == (asked == "normalized"):
        return sheet
    reading.mark(f"{own}_coordinates")
    shapes = sheet.shapes if isinstance(sheet.shapes, Polygons) else None
    unit = Interpretation(
        side="ground truth" if own == "gt" else "detections",
        of="unit",
        taken="normalized coordinates" if asked == "normalized" else "pixels",
        evidence="as asked",
    )
    return replace(
        sheet,
        relative=asked == "normalized",
        shapes=shapes,
        interpretations=(*sheet.interpretations, unit),
    )


def _mark_used(sheet: Sheet, reading: Reading, own_angle: str) -> None:
    """Note which options of corners and angles decided something."""
    if sheet.corners_inclusive:
        reading.mark("pixels")
    if told_of_angles(sheet.notes):
        reading.mark("angle" if getattr(reading, own_angle) is None else own_angle)


def announce(read: Sheet | Rows, reading: Reading) -> None:
    """Say on one line how a source was read."""
    reading.on_message(in_one_line(printable(read.source.name), read.interpretations))


@contextlib.contextmanager
def announced(sheet: Sheet, reading: Reading) -> Iterator[Callable[[Rows], None]]:
    """Announce how a source was read once its table is made, and so far where it is refused."""
    read: list[Sheet | Rows] = [sheet]
    try:
        yield read.append
    finally:
        announce(read[-1], reading)


def _of_format(side: Side, chosen: Format, why: str) -> Interpretation:
    taken = f"{chosen.title} ({chosen.name})"
    return Interpretation(side=side, of="format", taken=taken, evidence=why)


def benchmark_of(path: str | os.PathLike[str], reading: Reading) -> str:
    """The name of the rule set of the benchmark that ground truth belongs to.

    Of what is no ground truth it is COCO's: who reads it says best what is wrong.
    """
    if path == STANDARD_STREAM or not (os.path.isfile(path) or os.path.isdir(path)):
        return DEFAULT_RULES  # of a pipe, which can be read once
    try:
        chosen, _ = choose(Given(path), "ground truth", reading.gt_format)
    except InputError:
        return DEFAULT_RULES
    return chosen.rules


def benchmark_of_format(name: str) -> str:
    """The name of the rule set of the benchmark that a format belongs to."""
    known = format_named(name)
    return DEFAULT_RULES if known is None else known.rules


def _completed(sheet: Sheet, reading: Reading) -> Sheet:
    """Ground truth with what further files say of its classes and images."""
    tree = None
    if reading.hierarchy is not None:
        from detmetrics.formats.metadata.class_hierarchy import expanded, read_class_tree

        tree = read_class_tree(reading.hierarchy)
        sheet = expanded(sheet, tree, os.fspath(reading.hierarchy))
    if reading.image_labels is not None:
        from detmetrics.formats.metadata.image_labels import with_image_labels

        sheet = with_image_labels(sheet, reading.image_labels, tree, reading)
    if all(given is None for given in (reading.image_list, reading.image_sizes, reading.image_dir)):
        return sheet
    from detmetrics.formats.metadata.listed_images import with_listed_images

    listed = sheet.images.names if sheet.images is not None else ()
    return _note_of_splits(with_listed_images(sheet, reading), listed)


def read_ground_truth(
    path: Path, reading: Reading = READING, *, progress: Progress | None = None
) -> GroundTruth:
    """Ground truth from a file or a folder of any known format (``-`` is standard input).

    reading: what files leave open; progress: called with a phase and the share of it that is
    done.

    Raises:
        FormatError: it cannot be read or is not ground truth; all faults are listed.

    >>> ground_truth = read_ground_truth("fixtures/ground_truth.json")
    >>> ground_truth.catalog.category_names
    ('person', 'bicycle', 'car', 'bus', 'dog')
    """
    return ground_truth_of(read_sheet(path, "ground truth", reading, progress=progress), reading)


def ground_truth_of(sheet: Sheet, reading: Reading) -> GroundTruth:
    """The table of what was read.

    Raises:
        FormatError: it is not ground truth; all faults are listed.
    """
    with announced(sheet, reading) as made:
        table = GroundTruth.from_sheet(
            sheet, pixels=reading.pixels, invalid_boxes=reading.invalid_boxes
        )
        made(table)
    return table


def read_detections(
    path: Path,
    ground_truth: GroundTruth,
    reading: Reading = READING,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Detections:
    """Detections from a file or a folder, paired with the images and classes of the ground truth.

    unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave out and count the
    detections whose image or class the ground truth lacks. reading, progress: as in
    :func:`read_ground_truth`.

    Raises:
        FormatError: it cannot be read or holds no detections.
        UnknownIdError: ids that the ground truth lacks; the message names the likely cause.

    >>> ground_truth = read_ground_truth("fixtures/ground_truth.json")
    >>> len(read_detections("fixtures/detections.json", ground_truth)) > 100
    True
    """
    with_catalog = replace(reading, catalog=ground_truth.catalog)
    return detections_of(
        read_sheet(path, "detections", with_catalog, progress=progress),
        ground_truth,
        reading,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
    )


def detections_of(
    sheet: Sheet,
    ground_truth: GroundTruth,
    reading: Reading,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
) -> Detections:
    """The table of what was read, paired with the images and classes of the ground truth.

    Raises:
        FormatError: it holds no detections.
        UnknownIdError: ids that the ground truth lacks; the message names the likely cause.
    """
    try:
        with announced(sheet, reading) as made:
            table = Detections.from_sheet(
                sheet,
                catalog=ground_truth.catalog,
                relative=ground_truth.relative,
                pixels=reading.pixels,
                unknown_images=unknown_images,
                unknown_categories=unknown_categories,
                invalid_boxes=reading.invalid_boxes,
            )
            made(table)
        return table
    except UnknownIdError as error:
        images = [*map(str, sheet.image.used().labels.tolist())]
        known = {*map(stem, ground_truth.catalog.image_names)}
        unknown = not known.issuperset(map(stem, images))  # else classes are what does not pair
        if unknown and (why := other_split(ground_truth, images)):
            raise UnknownIdError(_instead(str(error), why)) from None
        strange = [name for name in images if stem(name) not in known]
        if strange and (found := _split_with(ground_truth, strange)):
            raise UnknownIdError(_instead(str(error), _beyond(found, len(strange)))) from None
        raise


def _beyond(found: DataSplit, images: int) -> str:
    return (
        f"{counted(images, 'image')} that the ground truth does not list "
        f"{'is' if images == 1 else 'are'} of split {found.name!r} ({found.source}), and another "
        "one is evaluated: --unknown-images drop leaves their detections out"
    )


def _instead(text: str, cause: str) -> str:
    """What is unknown, with the one cause that explains all of it in place of guesses."""
    guesses = ("  likely cause:", "  if these are", "  to leave them out:")
    known = [line for line in text.splitlines() if not line.startswith(guesses)]
    return "\n".join((*known, f"  likely cause: {cause}"))


def other_split(
    ground_truth: GroundTruth, images: Iterable[str], without: Collection[str] | None = None
) -> str | None:
    """Which split of the data set the images of detections are of, and how to evaluate it.

    images: those with detections; without: those of the ground truth without, of which most must
    not be in the split; None where images are unknown. None where no split explains it.
    """
    found = _split_with(ground_truth, images, without)
    if found is None:
        return None
    return f"all images with detections are of split {found.name!r} ({found.source}): {found.cure}"


def _split_with(
    ground_truth: GroundTruth, images: Iterable[str], without: Collection[str] | None = None
) -> DataSplit | None:
    source = ground_truth.source
    if source.input is None:
        return None
    try:
        splits = _splits(source.format, source.input.path)
        within = [split for split in splits if split.within or without is None]
        return split_with(within, images, without or ())
    except InputError:  # an explanation that cannot be had
        return None


def _splits(name: str, path: str) -> tuple[DataSplit, ...]:
    """The splits of the data set that a source of this format belongs to."""
    known = format_named(name)
    return () if known is None or known.splits is None else tuple(known.splits(Given(path)))


def _note_of_splits(sheet: Sheet, listed: Iterable[str]) -> Sheet:
    """With a note where images that were added as background are of another split."""
    names = sheet.images.names if sheet.images else ()
    added = set() if names == listed else {*map(stem, names)} - {*map(stem, listed)}
    if not added or sheet.source.input is None:
        return sheet
    for split in _splits(sheet.source.format, sheet.source.input.path):
        if of_split := len(added & split.stems()):
            note = (
                f"{sheet.source.name}: {counted(of_split, 'image')} without objects here "
                f"{'is' if of_split == 1 else 'are'} of split {split.name!r} ({split.source}), "
                "where they may have some: detections on them count as false positives"
            )
            warnings.warn(note, DetmetricsWarning, stacklevel=4)
            return replace(sheet, notes=(*sheet.notes, note))
    return sheet
