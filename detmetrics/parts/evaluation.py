"""Evaluation in parts: match every part, count every class, join the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from detmetrics.formats.loading import Path
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError, InputError, PartsError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import printable
from detmetrics.foundation.progress import Progress, Share, in_phase
from detmetrics.matching.shape_choice import with_shape
from detmetrics.parts.condensed_file import PartFile, read_heads
from detmetrics.parts.each_part import PartsSource
from detmetrics.parts.folders import CLASSES, IMAGES, PartPaths, lists_in, parts_in
from detmetrics.parts.index import Index, index_bytes, index_name, joined
from detmetrics.parts.local_copies import at_hand
from detmetrics.parts.mapping import OUT_OF_ORDER, Engine, Mapper, mapper_of
from detmetrics.parts.matching_parts import (
    ChoiceTask,
    MatchedPart,
    MatchTask,
    match_part,
    rules_of_part,
)
from detmetrics.parts.measuring import MeasuredClasses, measure_classes, tasks_of
from detmetrics.parts.part_tables import PartReading, listed_images
from detmetrics.parts.refusals import refuse_rules
from detmetrics.parts.result import PartsEvaluation
from detmetrics.parts.state import State, named_files, opened_state
from detmetrics.parts.storage import FILES, Storage, absolute
from detmetrics.parts.worker_checks import check_reading, check_writing
from detmetrics.rules import Rules
from detmetrics.rules.toml import rule_set
from detmetrics.tables.catalog import Id
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.interpretation import Interpretation, in_one_line

__all__ = ["evaluate_parts"]


def evaluate_parts(
    ground_truth: Path,
    detections: Path,
    rules: Rules | str | None = None,
    *,
    state: Path,
    engine: Engine | str | None = None,
    workers: int = 1,
    address: str | None = None,
    shape: str = "auto",
    class_list: Iterable[Id] | None = None,
    image_list: Path | Iterable[Id] | None = None,
    classes: Iterable[Id] | None = None,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    reading: Reading = READING,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> PartsEvaluation:
    """Measure detections against ground truth part by part: the numbers of :func:`evaluate` of
    all images at once, in every bit, in the memory of one part.

    ground_truth, detections: folders of parts. A part is a file or folder in any known format with
    the same name on both sides, suffixes aside; each image belongs to one part, with all of its
    objects and detections. Parts are in order of name: under rules with ``ties="file"`` the whole
    that is meant is one part below the other.
    rules, shape: as of :func:`evaluate`; what they leave open the first part with objects and
    detections decides for all.
    state: a folder for what is done, made where there is none. A run that was stopped goes on from
    there, and a part whose files did not change is not matched again; see ``docs/parts.md``.
    engine: where the work is done: ``"processes"`` of this machine, ``"dask"`` or ``"ray"``; a
    ``concurrent.futures.Executor``; or what is called as ``engine(function, tasks)`` and gives the
    answers in order. Its workers must see all paths, and are asked first whether they do.
    workers: how many processes are started on this machine, where no cluster is used; without an
    engine, 1 is this process. In a script, put the call below ``if __name__ == "__main__":``:
    workers import it. address: of a Dask scheduler or of Ray; without one they are started here.
    class_list: all classes of the data set by name or id, where parts lack some; the lines of
    ``classes.txt`` beside the parts of the ground truth unless given. image_list: all images, those
    without objects too, or a file that lists them; ``images.*`` beside the parts unless given.
    classes: only these are evaluated, by id or name. unknown_images, unknown_categories, reading:
    as of :func:`read_detections`. storage_options: for fsspec, where paths are URLs such as
    ``s3://bucket/gt``; kept to itself, and not needed where the environment has the credentials.
    progress: called with a phase, such as ``matching parts (3 of 200)``, and the share of it that
    is done.

    Raises:
        FormatError: folders without parts, or parts without a partner.
        InputError: an image is in two parts, parts differ in classes, units or kinds of ids, the
            state is something else, or workers cannot be had, are of another release, or do not
            see the paths.
        RulesError: rules that no part can follow (KITTI's cuts, ``class_limit``, the Jaccard
            index), or a state of other rules.
        PartsError: parts failed; the others are in the state.
        OutputError: the state cannot be written; parts that were finished before are in it.
        WorkerError: a worker was killed.

    >>> import os, shutil, tempfile
    >>> import detmetrics as dm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for side in ("ground_truth", "detections"):  # a data set of one part
    ...         os.mkdir(f"{folder}/{side}")
    ...         _ = shutil.copy(f"fixtures/{side}.json", f"{folder}/{side}/part-0.json")
    ...     sides = f"{folder}/ground_truth", f"{folder}/detections"
    ...     result = dm.evaluate_parts(*sides, "coco", state=f"{folder}/state")
    >>> whole = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json", "coco")
    >>> result.summary == whole.summary
    True
    """
    storage = Storage({} if storage_options is None else storage_options)
    folders = absolute(ground_truth), absolute(detections)
    asked = rule_set(rules) if isinstance(rules, str) else rules
    if asked is not None:
        refuse_rules(asked)
    how = _reading(
        folders,
        class_list,
        image_list,
        classes,
        reading,
        unknown_images,
        unknown_categories,
        storage,
    )
    parts = parts_in(*folders, storage)
    if len(parts) > 1:
        _refuse_lists_of_all(reading)
    with mapper_of(engine, workers, address) as mapper:
        check_reading(mapper, [*folders, *parts[0][1:], *named_files(how)], storage)
        chosen = _chosen(mapper, parts, asked, shape, how)
        refuse_rules(chosen)
        kept = opened_state(state, chosen, storage)
        check_writing(mapper, kept.folder, storage)
        done = mapper(
            match_part,
            [MatchTask(one, chosen, how, kept) for one in parts],
            _counting(progress, "matching parts", len(parts)),
        )
        index, path = _joined(parts, done, chosen, how, kept)
        _say_reading(index, reading)
        measured = mapper(
            measure_classes,
            tasks_of(index, path, kept.storage),
            in_phase(progress, "counting classes"),
        )
    return PartsEvaluation(
        rules=chosen,
        classes=MeasuredClasses(index, [one for task in measured for one in task.classes]),
        index=index,
        folders=(os.fspath(ground_truth), os.fspath(detections)),
        state=kept,
        source=PartsSource(parts, how),
        fresh=tuple(one.name for one, told in zip(parts, done, strict=True) if told.fresh),
        peak=max(*(told.peak for told in done), *(task.peak for task in measured), 0),
    )


LISTS_OF_ALL = {
    "image_sizes": "write sizes beside the boxes (columns width and height)",
    "image_labels": "evaluate all images at once with dm.evaluate",
}
"""Options that list images, which each part would have all of, and what to do instead."""


def _refuse_lists_of_all(reading: Reading) -> None:
    for name, instead in LISTS_OF_ALL.items():
        if getattr(reading, name):
            raise InputError(
                f"{name}: lists the images of all parts, and each part would have all of them. "
                f"Fix: {instead}"
            )


def _say_reading(index: Index, reading: Reading) -> None:
    """How the first part was read, whose name is in the line."""
    head = index.parts[0].head
    for side in ("ground truth", "detections"):
        read = [
            Interpretation.from_dict(one) for one in head.interpretations if one["side"] == side
        ]
        reading.on_message(in_one_line(f"part {printable(head.part)}", read))


def _counting(progress: Progress | None, phase: str, parts: int) -> Share | None:
    """Progress that says how many parts are done."""
    if progress is None:
        return None

    def done(share: float) -> None:
        progress(f"{phase} ({round(share * parts):,} of {parts:,})", share)

    return done


def _reading(
    folders: tuple[str, str],
    class_list: Iterable[Id] | None,
    image_list: Path | Iterable[Id] | None,
    classes: Iterable[Id] | None,
    reading: Reading,
    unknown_images: UnknownPolicy,
    unknown_categories: UnknownPolicy,
    storage: Storage,
) -> PartReading:
    """How every part is read; without what only this process can call."""
    if reading.image_list is not None:
        raise InputError("reading: give the list of images as image_list=, as it is of all parts")
    if unknown_images == "drop":
        raise InputError(
            "unknown_images: 'drop' is not available in parts, as an image that one part lacks may "
            "be in another one. Fix: divide with detmetrics partition --unknown-images drop, and "
            "evaluate without it"
        )
    for name, given in (("class_list", class_list), ("classes", classes)):
        if isinstance(given, str):
            raise InputError(f"{name}: expected a list of ids or names, got {given!r}")
    if image_list is None or class_list is None:
        there = lists_in(*folders, storage)
        image_list = there.get(IMAGES) if image_list is None else image_list
        if class_list is None and CLASSES in there:
            class_list = _lines(there[CLASSES], storage)
    if isinstance(image_list, str | os.PathLike):
        images: str | tuple[Id, ...] | None = absolute(image_list)
    else:
        images = None if image_list is None else tuple(image_list)
    return PartReading(
        reading=replace(
            reading, on_message=READING.on_message, on_progress=READING.on_progress, used=set()
        ),
        class_list=None if class_list is None else tuple(class_list),
        image_list=images,
        classes=None if classes is None else tuple(classes),
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
        storage=storage,
        pictures="" if reading.image_dir is None else _stamped(os.fspath(reading.image_dir)),
    )


def _stamped(folder: str) -> str:
    """What changes when a file in a folder does, or is another one: names, sizes and times."""
    return sha256("\n".join(FILES.stamps(folder)).encode("utf-8", "surrogateescape")).hexdigest()


def _lines(path: str, storage: Storage) -> list[str]:
    """The classes that a file lists, one per line.

    Raises:
        FormatError: it cannot be read, or is no text.
    """
    with at_hand([path], storage) as (here, _):
        text, _latin = decoded(read_input(here[0])[0], path)
    return [line.strip() for line in text.splitlines() if line.strip()]


def _chosen(
    mapper: Mapper, parts: Sequence[PartPaths], asked: Rules | None, shape: str, how: PartReading
) -> Rules:
    """The rules with all that the call leaves open, which the first part decides that can.

    Raises:
        InputError: it cannot be read.
    """
    if asked is not None and shape != "auto":
        return with_shape(asked, shape)
    if asked is not None and asked.shape != "box":
        return asked
    chosen: Rules | None = None
    for paths in parts:
        (choice,) = mapper(rules_of_part, [ChoiceTask(paths, asked, shape, how)])
        chosen = choice.rules
        if chosen is None:
            raise InputError(
                f"part {printable(paths.name)}, which decides rules and shape for all parts: "
                f"{choice.fault}\n  to evaluate the others first, give rules and shape"
            )
        if choice.decides:
            break
    assert chosen is not None  # there are parts
    return chosen


def _joined(
    parts: Sequence[PartPaths],
    done: Sequence[MatchedPart],
    rules: Rules,
    how: PartReading,
    state: State,
) -> tuple[Index, str]:
    """The index of all parts, and its path in the state.

    Raises:
        PartsError: parts failed.
    """
    if [told.name for told in done] != [paths.name for paths in parts]:
        raise InputError(OUT_OF_ORDER)
    named = [(paths.name, told) for paths, told in zip(parts, done, strict=True)]
    failed = {name: told.fault for name, told in named if told.fault is not None}
    if failed:
        raise PartsError(failed, len(parts) - len(failed))
    files = _heads({told.path: name for name, told in named}, rules, state)
    listed = 0 if how.image_list is None else len(listed_images(how.image_list, how.storage))
    index = joined(files, rules, listed)
    path = state.index(index_name(index))
    state.storage.of(path).write(path, index_bytes(index))
    return index, path


def _heads(names: Mapping[str, str], rules: Rules, state: State) -> tuple[PartFile, ...]:
    """Condensed parts; names: of the parts, by path.

    Raises:
        FormatError: this process cannot read one.
    """
    try:
        return read_heads([*names], rules, state.storage)
    except OSError as error:
        raise FormatError(
            error.filename,
            [f"condensed part {names[error.filename]} cannot be read: {error.strerror}"],
            hint="workers must write to a state folder that this process sees",
        ) from None
