"""``detmetrics partition``: ground truth and detections divided by image into parts."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from detmetrics.datasets.partitioning.documents import document_parts
from detmetrics.datasets.partitioning.records import Piece, Records, records_of, unlike
from detmetrics.datasets.partitioning.staging import Staging, alone_in, opened_staging
from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.loading import Path, read_ground_truth
from detmetrics.formats.reading import READING, Reading
from detmetrics.formats.tabular.parquet import parquet_files
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import printable, shown, without_secrets
from detmetrics.foundation.outputs import write_whole
from detmetrics.foundation.progress import Progress
from detmetrics.foundation.version import __version__
from detmetrics.tables.catalog import Id
from detmetrics.tables.choice import images_chosen
from detmetrics.tables.id_pairing import Known, UnknownPolicy, pair

__all__ = ["Partition", "partition"]

SIDES = ("gt", "detections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """What :func:`partition` wrote.

    Attributes:
        ground_truth, detections: the folders of parts.
        parts: their names, in order.
        images: how many there are in all parts.
        records: how many detections there are in all parts.
        dropped: detections that were left out: of unknown images, or of images that were not asked
            for.
        notes: what the reader of the ground truth noted.

    >>> Partition.__slots__[:2]
    ('ground_truth', 'detections')
    """

    ground_truth: str
    detections: str
    parts: tuple[str, ...]
    images: int
    records: int
    dropped: int
    notes: tuple[str, ...]


def partition(
    ground_truth: Path,
    detections: Path | Sequence[Path],
    output: Path,
    *,
    into: int,
    images: Iterable[Id] | None = None,
    unknown_images: UnknownPolicy = "error",
    reading: Reading = READING,
    progress: Progress | None = None,
    before_writing: Callable[[], None] = lambda: None,
) -> Partition:
    """Divide ground truth and detections by image into parts, as :func:`evaluate_parts` reads them.

    Each part has a run of images in the order of their ids, with all of their objects and
    detections. Records are copied as they are, with every field, in the order of the files: COCO
    JSON stays COCO JSON, CSV stays CSV and Parquet stays Parquet.

    The ground truth must fit into memory, and each CSV file; of detections in Parquet and COCO
    JSON, half a million rows are in memory at a time, and then one part.

    ground_truth: COCO JSON, CSV, or Parquet. detections: one or several files of one format (COCO
    results, CSV, Parquet), in order; a pattern such as ``rank*.parquet`` or a folder of Parquet
    files is all of them. output: a new folder
    with ``gt`` and ``detections``; a stopped run that is started again goes on there. into: the
    number of parts. images: only these, as of :func:`evaluate`. unknown_images: ``"drop"`` leaves
    out detections of images that the ground truth lacks. progress: called with a phase and the
    share of it that is done; before_writing: called once the ground truth is read.

    Raises:
        FormatError: a file cannot be read, or is of a format that is not divided.
        UnknownIdError: detections of images that the ground truth lacks.
        InputError: more parts than images, or an output folder that contains something else.
        OutputError: a part cannot be written.

    >>> import tempfile
    >>> import detmetrics as dm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sides = "fixtures/ground_truth.json", "fixtures/detections.json"
    ...     done = dm.partition(*sides, f"{folder}/set", into=3)
    ...     folders = done.ground_truth, done.detections
    ...     result = dm.evaluate_parts(*folders, "coco", state=f"{folder}/state")
    >>> result.summary == dm.evaluate(*sides, "coco").summary, done.records
    (True, 136)
    """
    return _Division(
        ground_truth, detections, output, into, images, unknown_images, reading, progress
    ).run(before_writing)


class _Division:
    """One run of :func:`partition`."""

    def __init__(
        self,
        ground_truth: Path,
        detections: Path | Sequence[Path],
        output: Path,
        into: int,
        images: Iterable[Id] | None,
        unknown_images: UnknownPolicy,
        reading: Reading,
        progress: Progress | None,
    ) -> None:
        self._truth_path = os.fspath(ground_truth)
        given = [detections] if isinstance(detections, str | os.PathLike) else [*detections]
        _refuse_urls([ground_truth, output, *given])
        self._paths = {
            "gt": [*_files([self._truth_path])],
            "detections": [*_files(os.fspath(path) for path in given)],
        }
        _refuse_twice(self._paths["detections"])
        self._output, self._into = os.path.abspath(output), into
        self._reading, self._policy, self._progress = reading, unknown_images, progress
        self._truth = read_ground_truth(ground_truth, reading, progress=progress)
        self._part_of = self._assigned(images)

    def _assigned(self, images: Iterable[Id] | None) -> Ints:
        """(N,) the part of each image, -1 for those that were not asked for."""
        chosen = np.flatnonzero(images_chosen(images, self._truth.catalog))
        if type(self._into) is not int or not 1 <= self._into <= max(len(chosen), 1):
            raise InputError(
                f"into: expected a number of parts from 1 to {len(chosen):,}, the number of "
                f"images, got {shown(self._into)}"
            )
        part_of = np.full(len(self._truth.catalog.image_ids), -1, np.int64)
        part_of[chosen] = np.arange(len(chosen)) * self._into // max(len(chosen), 1)
        return part_of

    def run(self, before_writing: Callable[[], None]) -> Partition:
        """All of it."""
        sources = {"detections": self._records("detections")}
        if not self._is_document:
            sources["gt"] = self._records("gt")
        before_writing()
        with alone_in(self._output):
            records, dropped = self._divided(sources)
        gt, found = (os.path.join(self._output, side) for side in SIDES)
        return Partition(
            ground_truth=gt,
            detections=found,
            parts=tuple(self._names()),
            images=int((self._part_of >= 0).sum()),
            records=records,
            dropped=dropped,
            notes=self._truth.notes,
        )

    def _divided(self, sources: Mapping[str, Sequence[Records]]) -> tuple[int, int]:
        """Write all parts, unless an earlier run did: records in them, and those left out."""
        staging = opened_staging(self._output, self._into, self._plan())
        counts = staging.counts()
        if counts is None:
            # All that can be refused comes before any part is written.
            for side, files in sources.items():
                self._stage_all(side, files, staging)
            self._write_lists()
            if self._is_document:
                self._write_documents()
            for side, files in sources.items():
                self._write(side, files, staging)
            counts = self._counts(len(sources["detections"]), staging)
            staging.clear(counts)
        return counts

    @property
    def _is_document(self) -> bool:
        return self._truth.source.format == "coco"

    def _names(self) -> Iterator[str]:
        return (f"part-{part:05d}" for part in range(self._into))

    def _records(self, side: str) -> list[Records]:
        known: Side = "detections" if side == "detections" else "ground truth"
        files = [records_of(path, known, self._reading) for path in self._paths[side]]
        for file in files[1:]:
            if (why := unlike(files[0], file)) is not None:
                raise FormatError(file.path, [f"{why}: one set of parts has one format"])
        return files

    def _plan(self) -> dict[str, Any]:
        """What decides the parts: another one is another partition."""
        return {
            "release": __version__,
            "into": self._into,
            "images": self._digest(),
            "unknown_images": self._policy,
            "columns": list(self._reading.columns),
            "image_ids": self._reading.image_ids,
            **{side: [*map(_state_of, paths)] for side, paths in self._paths.items()},
        }

    def _digest(self) -> str:
        """What changes with the images, which of them are divided, and the classes, however they
        came to be: lists of them are read by now.
        """
        catalog = self._truth.catalog
        listed = self._reading.image_list is not None
        told = [
            *(catalog.image_ids.tolist(), catalog.image_names, (self._part_of >= 0).tolist()),
            *(catalog.category_ids.tolist(), catalog.category_names, listed),
        ]
        return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()

    def _write_lists(self) -> None:
        """All classes beside ground truth in tables, of which a part knows its own alone; and all
        images, where they were listed.
        """
        folder = os.path.join(self._output, "gt")
        os.makedirs(folder, exist_ok=True)
        os.makedirs(os.path.join(self._output, "detections"), exist_ok=True)
        catalog = self._truth.catalog
        lists = {}
        if not self._is_document:
            lists["classes.txt"] = catalog.category_names
        if self._reading.image_list is not None:
            chosen = self._part_of.tolist()
            names = zip(catalog.image_names, chosen, strict=True)
            lists["images.txt"] = tuple(name for name, part in names if part >= 0)
        for name, lines in lists.items():
            if broken := [line for line in lines if len(line.splitlines()) > 1]:
                raise InputError(
                    f"{name} cannot list {shown(broken[0])}, a name with a line break. Fix: rename "
                    "it in the files"
                )
            if lines:  # without any object a table has no class
                write_whole({os.path.join(folder, name): "".join(f"{line}\n" for line in lines)})

    def _write_documents(self) -> None:
        ids = self._truth.catalog.image_ids
        documents = document_parts(self._truth_path, ids, self._part_of, self._into)
        for number, (name, document) in enumerate(zip(self._names(), documents, strict=True)):
            write_whole({os.path.join(self._output, "gt", f"{name}.json"): document})
            self._say("writing ground truth", (number + 1) / self._into)

    # --- records that are read piece by piece ----------------------------------------------------

    def _stage_all(self, side: str, files: Sequence[Records], staging: Staging) -> None:
        """Divide the records of all files of a side."""
        for number, file in enumerate(files):
            if not staging.has(side, number):
                self._stage(side, number, file, staging)
            self._say(f"dividing {side}", (number + 1) / len(files))
        self._refuse_other_ways(side, files, staging)

    def _write(self, side: str, files: Sequence[Records], staging: Staging) -> None:
        """Write the parts of a side."""
        kind = files[0]
        for part, name in enumerate(self._names()):
            path = os.path.join(self._output, side, f"{name}{kind.suffix}")
            write_whole({path: kind.joined([*staging.blocks(side, part, len(files))])})
            self._say(f"writing {side}", (part + 1) / self._into)

    def _counts(self, files: int, staging: Staging) -> tuple[int, int]:
        """How many detections the parts have, and how many were left out."""
        facts = [staging.facts("detections", number) for number in range(files)]
        return sum(one["records"] for one in facts), sum(one["dropped"] for one in facts)

    def _stage(self, side: str, number: int, file: Records, staging: Staging) -> None:
        records = dropped = 0
        taken = ""
        for at, piece in enumerate(file.pieces()):
            part, how = self._parts_of(side, file, piece)
            if taken and how and how != taken:
                raise InputError(_two_ways(file.path, taken, file.path, how))
            taken = taken or how
            order = np.argsort(part, kind="stable")
            ends = np.searchsorted(part[order], np.arange(self._into + 1))
            rows = [order[ends[k] : ends[k + 1]] for k in range(self._into)]
            blocks = [piece.block(own) if len(own) else b"" for own in rows]
            staging.add(side, number, at, blocks)
            kept = sum(map(len, rows))
            records, dropped = records + kept, dropped + len(part) - kept
        staging.finish(side, number, {"records": records, "dropped": dropped, "taken": taken})

    def _parts_of(self, side: str, file: Records, piece: Piece) -> tuple[Ints, str]:
        """(n,) the part of each record, -1 for none, and how images were paired."""
        catalog = self._truth.catalog
        own = side == "gt"
        asked = None if own else self._reading.image_ids
        paired = pair(
            piece.images,
            Known("image", catalog.image_ids, catalog.image_names),
            None if own else self._policy,
            lambda row: file.place(piece.first + row),
            printable(file.path),
            piece.key if asked is None else ("id" if asked == "ids" else "name"),
            own=own,
            settled=asked is not None,
        )
        return np.append(self._part_of, -1)[paired.position], paired.taken

    def _refuse_other_ways(self, side: str, files: Sequence[Records], staging: Staging) -> None:
        """Refuse files whose images were paired in different ways: as one file they would not."""
        known: tuple[str, str] | None = None
        for number, file in enumerate(files):
            taken = staging.facts(side, number)["taken"]
            if not taken:
                continue
            known = known or (file.path, taken)
            if taken != known[1]:
                raise InputError(_two_ways(known[0], known[1], file.path, taken))

    def _say(self, phase: str, share: float) -> None:
        if self._progress is not None:
            self._progress(phase, share)


def _two_ways(path: str, taken: str, other: str, also: str) -> str:
    return (
        f"{printable(other)}: images were paired {also}, and {taken} in {printable(path)}. Fix: "
        "say what image ids are (image_ids)"
    )


def _refuse_urls(paths: Iterable[Path]) -> None:
    """Refuse files that are not of this machine.

    Raises:
        InputError: one is a URL.
    """
    for path in paths:
        if "://" in os.fspath(path):
            raise InputError(
                f"{without_secrets(os.fspath(path))}: partition reads and writes files of this "
                "machine. Fix: copy the files, divide them, and copy the parts back"
            )


def _refuse_twice(paths: Sequence[str]) -> None:
    """Refuse a file that is given twice, whose detections would count twice.

    Raises:
        InputError: one is.
    """
    known: dict[str, str] = {}
    for path in paths:
        if first := known.get(os.path.realpath(path)):
            raise InputError(f"{path}: is the same file as {first}. Fix: give each file once")
        known[os.path.realpath(path)] = path


def _files(paths: Iterable[str]) -> Iterator[str]:
    """The files of paths and patterns, where a folder of Parquet stands for its files."""
    for path in (one for pattern in paths for one in _matching(pattern)):
        given = Given(path)
        if given.is_folder and (names := parquet_files(given)):
            yield from map(given.join, names)
        else:
            yield path


def _matching(pattern: str) -> list[str]:
    """The files that a pattern means, where no file has its name; sorted.

    Raises:
        InputError: there is none.
    """
    if os.path.exists(pattern) or not glob.has_magic(pattern):
        return [pattern]
    if not (found := sorted(glob.glob(pattern, recursive=True))):
        raise InputError(f"{pattern}: no file matches this pattern")
    return found


def _state_of(path: str) -> list[Any]:
    """What tells whether a file has changed."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise FormatError(path, [f"cannot be read: {error.strerror}"]) from None
    return [os.path.abspath(path), found.st_size, found.st_mtime_ns]
