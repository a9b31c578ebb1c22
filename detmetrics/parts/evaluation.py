"""Evaluation in parts: match every part, count every class, join the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from detmetrics.formats.loading import Path
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.errors import FormatError, InputError, PartsError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.outputs import write_whole
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.matching.shape_choice import with_shape
from detmetrics.parts.condensed_file import PartFile, read_head
from detmetrics.parts.folders import PartPaths, image_list_in, parts_in
from detmetrics.parts.index import Index, index_bytes, joined
from detmetrics.parts.mapping import Engine, Mapper, mapper_of
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
from detmetrics.parts.worker_checks import check_reading, check_writing
from detmetrics.rules import Rules
from detmetrics.rules.toml import rule_set
from detmetrics.tables.catalog import Id
from detmetrics.tables.id_pairing import UnknownPolicy

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
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    reading: Reading = READING,
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
    class_list: all classes of the data set by name or id, where parts lack some. image_list: all
    images, those without objects too, or a file that lists them; ``images.*`` beside the parts of
    the ground truth unless given. unknown_images, unknown_categories, reading: as of
    :func:`read_detections`. progress: called with a phase and the share of it that is done.

    Raises:
        FormatError: folders without parts, or parts without a partner.
        InputError: an image is in two parts, parts differ in classes, units or kinds of ids, the
            state is something else, or workers cannot be had, are of another release, or do not
            see the paths.
        RulesError: rules that no part can follow (KITTI's cuts, ``class_limit``, the Jaccard
            index), or a state of other rules.
        PartsError: parts failed; the others are in the state.
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
    folders = os.path.abspath(ground_truth), os.path.abspath(detections)
    asked = rule_set(rules) if isinstance(rules, str) else rules
    if asked is not None:
        refuse_rules(asked)
    how = _reading(folders, class_list, image_list, reading, unknown_images, unknown_categories)
    parts = parts_in(*folders)
    with mapper_of(engine, workers, address) as mapper:
        check_reading(mapper, [*folders, *parts[0][1:], *named_files(how)])
        chosen = _chosen(mapper, parts, asked, shape, how)
        refuse_rules(chosen)
        kept = opened_state(state, chosen)
        check_writing(mapper, kept.folder)
        done = mapper(
            match_part,
            [MatchTask(one, chosen, how, kept) for one in parts],
            in_phase(progress, "matching parts"),
        )
        index, path = _joined(parts, done, chosen, how, kept)
        classes = mapper(
            measure_classes, tasks_of(index, path), in_phase(progress, "counting classes")
        )
    return PartsEvaluation(
        chosen,
        MeasuredClasses(index, [one for some in classes for one in some]),
        index,
        (os.fspath(ground_truth), os.fspath(detections)),
        tuple(one.name for one, told in zip(parts, done, strict=True) if told.fresh),
    )


def _reading(
    folders: tuple[str, str],
    class_list: Iterable[Id] | None,
    image_list: Path | Iterable[Id] | None,
    reading: Reading,
    unknown_images: UnknownPolicy,
    unknown_categories: UnknownPolicy,
) -> PartReading:
    """How every part is read; without what only this process can call."""
    if reading.image_list is not None:
        raise InputError("reading: give the list of images as image_list=, as it is of all parts")
    if isinstance(class_list, str):
        raise InputError(f"class_list: expected a list of ids or names, got {class_list!r}")
    if image_list is None:
        image_list = image_list_in(*folders)
    if isinstance(image_list, str | os.PathLike):
        images: str | tuple[Id, ...] | None = os.path.abspath(image_list)
    else:
        images = None if image_list is None else tuple(image_list)
    return PartReading(
        reading=replace(
            reading, on_message=READING.on_message, on_progress=READING.on_progress, used=set()
        ),
        class_list=None if class_list is None else tuple(class_list),
        image_list=images,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
    )


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
                f"{choice.fault}\n  to evaluate the others first: give rules= and shape="
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
    named = [(paths.name, told) for paths, told in zip(parts, done, strict=True)]
    failed = {name: told.fault for name, told in named if told.fault is not None}
    if failed:
        raise PartsError(failed, len(parts) - len(failed))
    files = [_head(name, told.path, rules) for name, told in named]
    listed = 0 if how.image_list is None else len(listed_images(how.image_list))
    index = joined(files, rules, listed)
    told = "\n".join(os.path.basename(file.path) for file in files)
    path = state.index(sha256(f"{told}\n{index.images}".encode()).hexdigest()[:40])
    write_whole({path: index_bytes(index)})
    return index, path


def _head(name: str, path: str, rules: Rules) -> PartFile:
    try:
        return read_head(path, rules)
    except OSError as error:
        raise FormatError(
            path,
            [f"condensed part {name} cannot be read: {error.strerror}"],
            hint="workers must write to a folder that this process sees (state=)",
        ) from None
