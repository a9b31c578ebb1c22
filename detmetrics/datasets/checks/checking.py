"""Look for every fault of ground truth and detections, and of the parts of a data set."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.datasets.checks import (
    box_faults,
    coverage,
    detection_faults,
    file_faults,
    reference_faults,
    shape_faults,
    splits,
)
from detmetrics.datasets.checks.chosen_codes import chosen
from detmetrics.datasets.checks.codes import CODES, Code
from detmetrics.datasets.checks.findings import CheckReport, Finding, finding
from detmetrics.datasets.checks.sides import Listing, Subject, listing_of
from detmetrics.formats.loading import announce, detections_of, ground_truth_of, read_sheet
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.arrays import Ints, positions
from detmetrics.foundation.errors import (
    AmbiguousIdError,
    DetmetricsWarning,
    FormatError,
    InputError,
    UnknownIdError,
)
from detmetrics.foundation.messages import printable
from detmetrics.foundation.progress import Progress
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.validation import paired

__all__ = ["CODES", "CheckReport", "Code", "Finding", "check", "check_parts"]

Path = str | os.PathLike[str]
Policies = tuple[UnknownPolicy, UnknownPolicy]
"""What becomes of detections on images, and of classes, that the ground truth lacks."""
ORDER = ("error", "warning", "info")


def check(
    ground_truth: Path,
    detections: Path | None = None,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    reading: Reading = READING,
    progress: Progress | None = None,
) -> CheckReport:
    """Look for every known fault in ground truth, and in detections with it.

    select, ignore: beginnings of codes to look for, or to leave out; see ``docs/checks.md``.
    unknown_images, unknown_categories: ``"drop"`` takes detections on images, or of classes, that
    the ground truth lacks as no fault, as where they are left out of an evaluation.
    reading: what files leave open; progress: called with a phase and the share that is done.

    Raises:
        InputError: a code that does not exist.

    >>> import detmetrics as dm
    >>> dm.check("fixtures/ground_truth.json", select=["D1", "D2"]).findings
    ()
    """
    wanted = chosen(select, ignore)
    sources = [os.fspath(path) for path in (ground_truth, detections) if path is not None]
    unknown: Policies = (unknown_images, unknown_categories)
    everything = _everything(ground_truth, detections, unknown, reading, progress)
    return _report(everything, wanted, sources)


def check_parts(
    paths: Sequence[Path],
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    reading: Reading = READING,
) -> CheckReport:
    """Whether parts of a data set are disjoint, by the names of images and by their content.

    paths: ground truth in any format, or lists of image files as YOLO has them; select, ignore:
    as of :func:`check`.

    Raises:
        FormatError: a part cannot be read.
        InputError: a code that does not exist.

    >>> import detmetrics as dm
    >>> twice = ["fixtures/ground_truth.json", "fixtures/ground_truth.json"]
    >>> [found.code.code for found in dm.check_parts(twice).findings]
    ['D501']
    """
    names = [os.fspath(path) for path in paths]
    return _report(splits.of_parts(names, reading), chosen(select, ignore), names)


def _report(
    found: Iterable[Finding | None], wanted: frozenset[str], sources: Sequence[str]
) -> CheckReport:
    kept = [one for one in found if one is not None and one.code.code in wanted]
    kept.sort(key=lambda one: (ORDER.index(one.code.severity), one.code.code))
    return CheckReport(findings=tuple(kept), sources=tuple(sources))


def _everything(
    ground_truth: Path,
    detections: Path | None,
    unknown: Policies,
    reading: Reading,
    progress: Progress | None,
) -> Iterator[Finding | None]:
    """All findings; what stops an evaluation is always among them."""
    seen: list[Finding] = []
    sheets = _Sheets()
    for one in _looked_for(ground_truth, detections, unknown, reading, progress, sheets):
        if one is not None:
            seen.append(one)
        yield one
    if not any(one.code.severity == "error" for one in seen):
        yield _refusal(sheets, unknown, reading)


@dataclass(slots=True)
class _Sheets:
    """What was read, None where it could not be."""

    ground_truth: Sheet | None = None
    detections: Sheet | None = None


def _refusal(sheets: _Sheets, unknown: Policies, reading: Reading) -> Finding | None:
    """What the tables refuse though no check saw it."""
    if sheets.ground_truth is None:
        return None
    quiet = replace(reading, on_message=lambda _: None, on_progress=lambda _: None)
    sheet = sheets.ground_truth
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DetmetricsWarning)
            table = ground_truth_of(sheet, quiet)
            if sheets.detections is not None:
                sheet = sheets.detections
                images, classes = unknown
                detections_of(
                    sheet, table, quiet, unknown_images=images, unknown_categories=classes
                )
    except InputError as error:
        return _refused(sheet.source.name, error)
    return None


def _looked_for(
    ground_truth: Path,
    detections: Path | None,
    unknown: Policies,
    reading: Reading,
    progress: Progress | None,
    sheets: _Sheets,
) -> Iterator[Finding | None]:
    yield from (of_file := [*file_faults.of_file(os.fspath(ground_truth))])
    try:
        sheet = read_sheet(ground_truth, "ground truth", reading, progress=progress)
    except FormatError as error:
        yield _unreadable(error, of_file)
        return
    sheets.ground_truth = sheet
    announce(sheet, reading)
    _say_notes(sheet, reading)
    listing = listing_of(sheet)
    subject = Subject(
        sheet,
        listing,
        _paired("image", sheet, listing, own=True)[0],
        _paired("category", sheet, listing, own=True)[0],
    )
    yield from reference_faults.of_ground_truth(subject)
    yield from box_faults.of_both(subject, detected=False)
    yield from box_faults.of_ground_truth(subject)
    yield from shape_faults.of_both(subject)
    yield from shape_faults.of_ground_truth(subject)
    yield from coverage.of_ground_truth(subject)
    if detections is not None:
        yield from _of_detections(detections, subject, unknown, reading, progress, sheets)


def _of_detections(
    path: Path,
    ground_truth: Subject,
    unknown: Policies,
    reading: Reading,
    progress: Progress | None,
    sheets: _Sheets,
) -> Iterator[Finding | None]:
    listing = ground_truth.listing
    known = replace(reading, catalog=_catalog(listing))
    yield from (of_file := [*file_faults.of_file(os.fspath(path))])
    try:
        sheet = read_sheet(path, "detections", known, progress=progress)
    except FormatError as error:
        yield _unreadable(error, of_file)
        return
    except InputError as error:
        yield _refused(path, error)
        return
    sheets.detections = sheet
    announce(sheet, reading)
    _say_notes(sheet, reading)
    try:
        image, image_said = _paired("image", sheet, listing)
        category, category_said = _paired("category", sheet, listing)
    except AmbiguousIdError as error:
        yield _refused(path, error)
        return
    detections = Subject(sheet, listing, image, category)
    references = reference_faults.of_detections(detections, (image_said, category_said))
    yield from (one for one, policy in zip(references, unknown, strict=True) if policy == "error")
    yield from box_faults.of_both(detections, detected=True)
    yield from shape_faults.of_both(detections)
    yield from detection_faults.of_detections(detections, ground_truth)


def _say_notes(sheet: Sheet, reading: Reading) -> None:
    for note in sheet.notes:
        reading.on_message(printable(note))


def _refused(path: Path, error: InputError) -> Finding:
    return finding("D002", os.fspath(path), 1, str(error).splitlines())


def _unreadable(error: FormatError, known: Iterable[Finding]) -> Finding | None:
    """Why it cannot be read, unless that is known already."""
    if error.code in {one.code.code for one in known}:
        return None
    return finding(error.code, error.path, error.count, error.faults)


def _indices(keys: Keys, ids: object) -> Ints:
    """(R,) where each row's id stands, -1 where it is not listed."""
    ids = np.asarray(ids)  # in the order of the source, not sorted
    if ids.dtype != object and keys.labels.dtype != object:
        order = np.argsort(ids, kind="stable")
        at = positions(ids[order], keys.labels)  # among the sorted ids; order leads back
        index = np.where(at >= 0, order[at] if len(order) else at, -1)
    else:
        index = positions(ids.astype(object), keys.labels)
    spread: Ints = keys.spread(index)
    return spread


def _catalog(listing: Listing) -> Catalog:
    return Catalog.from_ids(
        images=listing.image_ids,
        image_names=listing.image_names,
        image_sizes=listing.image_sizes,
        categories=listing.category_ids,
        category_names=listing.category_names,
    )


def _paired(
    kind: str, sheet: Sheet, listing: Listing, *, own: bool = False
) -> tuple[Ints, str | None]:
    """(R,) indices into the listing, and the likely cause where some are unknown.

    Raises:
        AmbiguousIdError: ids fit in several ways.
    """
    catalog = _catalog(listing)
    said = None
    try:
        at = paired(kind, sheet, catalog, "error", own=own).position
    except UnknownIdError as error:
        lines = str(error).splitlines()
        said = "; ".join(line.strip() for line in lines if "likely cause" in line)
        at = paired(kind, sheet, catalog, "drop", own=own).position
    images = kind == "image"
    ids = catalog.image_ids if images else catalog.category_ids
    back = _indices(Keys(ids), listing.image_ids if images else listing.category_ids)
    return np.where(at >= 0, back[at] if len(back) else at, -1), said
