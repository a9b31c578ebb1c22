"""A condensed part, in a file or in memory: what it says of itself, and what its classes hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Ints, Objects
from detmetrics.foundation.version import __version__
from detmetrics.parts.condensing import Condensed, Records
from detmetrics.tables.catalog import Id
from detmetrics.tables.coverage import Coverage

__all__ = [
    "DETECTED",
    "UNDETECTED",
    "CondensedPart",
    "Head",
    "coverage_marks",
    "head_bytes",
    "head_of",
    "told_head",
]

DETECTED, UNDETECTED = 1, 2
PER_CLASS = ("checksums", "anchors", "detections", "positives", "objects", "found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a condensed part says of itself.

    Attributes:
        release: of detmetrics that wrote it.
        part: its name.
        hash: of its inputs, its rules and how it was read, by which its file is named; empty in
            memory.
        images: how many there are; listed: how many of them a list of images has.
        id_bytes: the length of the image ids; text_ids: they are a JSON list.
        single: scores of ranked tables have 32 bits.
        class_ids, class_names: of the classes of the catalog, in order.
        frequency: of each class, as LVIS has it; empty where unknown.
        unsized : (A,) area ranges that are undefined because image sizes are unknown.
        anchors, detections : (K,) how many each class has in its tables.
        positives : (K, A) ground truths that count.
        objects, found: of each class of the catalog all ground truths and all detections.
        counts: those of :attr:`Evaluation.counts`.
        undetected_objects: ground truths on images without detections.
        covering: detections of all classes that were read.
        checksums : (K, 2) CRC-32 of the two tables of each class; ids_checksum,
            coverage_checksum: of what is before them. All are of a part in a file.
        undetected: names and rows of the first images without detections.
        interpretations: what the files leave open, and how it was read.
        notes: what the reader should know about the input.
        inputs: format, size and SHA-256 of ground truth and detections.
    """

    release: str
    part: str
    images: int
    listed: int
    id_bytes: int
    text_ids: bool
    single: bool
    class_ids: Sequence[Id]
    class_names: Sequence[str]
    frequency: Sequence[str]
    unsized: Sequence[bool]
    anchors: Ints
    detections: Ints
    positives: Ints
    objects: Ints
    found: Ints
    counts: Mapping[str, int]
    undetected_objects: int
    covering: int
    undetected: Sequence[tuple[str, int]]
    interpretations: Sequence[Mapping[str, object]]
    notes: Sequence[str]
    inputs: Sequence[tuple[str, int, str]]
    hash: str = ""
    checksums: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    ids_checksum: int = 0
    coverage_checksum: int = 0


class CondensedPart(Protocol):
    """A condensed part, in a file or in memory."""

    @property
    def path(self) -> str:
        """Of its file; empty where it is in memory."""
        ...

    @property
    def head(self) -> Head:
        """What it says of itself."""
        ...

    def image_ids(self) -> Objects:
        """(N,) the ids of its images, in order."""
        ...

    def coverage(self) -> NDArray[np.uint8]:
        """(N,) which images have objects, and whether these have detections."""
        ...

    def anchors(self, category: int) -> Records:
        """The anchors of a class (an index), best first."""
        ...

    def ranked(self, category: int) -> Records:
        """Every detection of a class (an index), best first."""
        ...


def head_of(
    part: str,
    listed: int,
    result: Evaluation,
    table: Condensed,
    id_bytes: int,
    named: Callable[[str], str] = str,
) -> Head:
    """What a condensed part says of itself, see :class:`Head`.

    named: gives files that were read in another place the names that the user knows.
    """
    matches, catalog, covered = result.matching, result.ground_truth.catalog, result.covered
    classes = len(catalog.category_ids)
    return Head(
        release=__version__,
        part=part,
        images=matches.images,
        listed=listed,
        id_bytes=id_bytes,
        text_ids=catalog.image_ids.dtype == object,
        single=table.ranked.dtype["score"].itemsize == 4,
        class_ids=catalog.category_ids.tolist(),
        class_names=catalog.category_names,
        frequency=matches.frequency,
        unsized=matches.unsized.tolist(),
        anchors=np.diff(table.first_anchor),
        detections=np.diff(table.first_ranked),
        positives=matches.positives,
        objects=np.bincount(result.ground_truth.category, minlength=classes),
        found=np.bincount(result.detections.category, minlength=classes),
        counts=result.counts,
        undetected_objects=covered.objects,
        covering=covered.detections,
        undetected=[*zip(covered.names, covered.undetected[:3].tolist(), strict=True)],
        interpretations=[
            replace(one, taken=named(one.taken), evidence=named(one.evidence)).to_dict()
            for one in result.interpretations
        ],
        notes=[*map(named, result.notes)],
        inputs=[
            (source.format, source.input.size, source.input.sha256)
            for source in (result.ground_truth.source, result.detections.source)
            if source.input
        ],
    )


def head_bytes(head: Head) -> bytes:
    """A head as JSON; :func:`told_head` reads it back."""
    return json.dumps(asdict(head), default=np.ndarray.tolist).encode()


def told_head(described: bytes) -> Head:
    """The head that :func:`head_bytes` wrote.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    told = json.loads(described)
    columns = {name: np.array(told[name], np.int64) for name in PER_CLASS}
    # Of no class a list does not tell how many columns there are.
    columns["positives"] = columns["positives"].reshape(-1, len(told["unsized"]))
    columns["checksums"] = columns["checksums"].reshape(-1, 2)
    return Head(**told | columns)


def coverage_marks(covered: Coverage, images: int) -> NDArray[np.uint8]:
    """(N,) which images have objects, and whether these have detections."""
    marks = np.zeros(images, np.uint8)
    marks[covered.detected], marks[covered.undetected] = DETECTED, UNDETECTED
    return marks
