"""The first map: a part is read, matched and condensed, unless the state has it."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import filterfalse
from typing import NamedTuple

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation
from detmetrics.formats.loading import benchmark_of_format
from detmetrics.foundation.errors import (
    DetmetricsError,
    DetmetricsWarning,
    InputError,
    OutputError,
    RulesError,
)
from detmetrics.foundation.memory import peak_memory
from detmetrics.foundation.messages import printable
from detmetrics.matching.shape_choice import settled
from detmetrics.parts.condensed_file import part_bytes, read_head
from detmetrics.parts.folders import PartPaths
from detmetrics.parts.local_copies import at_hand
from detmetrics.parts.part_tables import PartReading, read_part
from detmetrics.parts.state import State, hashed_files, part_hash
from detmetrics.parts.storage import FILES, is_url
from detmetrics.rules import Rules
from detmetrics.rules.toml import rule_set

__all__ = [
    "Choice",
    "ChoiceTask",
    "EvaluatedPart",
    "MatchTask",
    "MatchedPart",
    "evaluated_part",
    "fault_of",
    "match_part",
    "rules_of_part",
]


@dataclass(frozen=True)
class ChoiceTask:
    """A part that decides what the call leaves open: the rules, if they are None, and the shape
    that is measured.
    """

    paths: PartPaths
    rules: Rules | None
    shape: str
    how: PartReading


class Choice(NamedTuple):
    """The rules with the shape that is measured; or why there are none.

    decides: the part has objects and detections, so that another one would choose the same.
    """

    rules: Rules | None = None
    decides: bool = True
    fault: str | None = None


def rules_of_part(task: ChoiceTask) -> Choice:
    """The rules that a part is evaluated under. A fault is an answer."""
    try:
        with _at_hand(task.paths, task.how) as (paths, _):
            with _quiet():
                truth, found, _ = read_part(paths, task.how)
            rules = task.rules or rule_set(benchmark_of_format(truth.source.format))
            chosen, _ = settled(truth, found, rules, task.shape)
    except Exception as error:
        return Choice(fault=fault_of(error))
    return Choice(chosen, decides=bool(len(truth) and len(found)))


@dataclass(frozen=True)
class MatchTask:
    """A part to match."""

    paths: PartPaths
    rules: Rules
    how: PartReading
    state: State


class MatchedPart(NamedTuple):
    """path: of the condensed part; fresh: it was matched now; fault: why there is none; peak: the
    most bytes of memory that the process has had; name: of the part.
    """

    path: str
    fresh: bool
    fault: str | None = None
    peak: int = 0
    name: str = ""


def match_part(task: MatchTask) -> MatchedPart:
    """Match a part, or find it in the state. A fault is an answer, so that other parts go on.

    Raises:
        OutputError: the state cannot be written, so that no other part could be kept either.
    """
    try:
        before = _stamps(task)
        own = part_hash(task.paths, task.rules, task.how)
        path = task.state.part(own)
        if _is_whole(path, task):
            return MatchedPart(path, fresh=False, name=task.paths.name)
        content = _matched(task, own)
        if _changed(task, own, before):
            raise InputError(
                f"{task.paths.ground_truth}, {task.paths.detections}: changed while they were "
                "read. Fix: evaluate again"
            )
    except Exception as error:
        return MatchedPart("", fresh=True, fault=fault_of(error), name=task.paths.name)
    try:
        task.state.storage.of(path).write(path, content)
    except OutputError as error:
        raise OutputError(
            f"{error}. Parts that were finished are in the state, and the next run goes on from "
            "there"
        ) from None
    return MatchedPart(path, fresh=True, peak=peak_memory(), name=task.paths.name)


def _is_whole(path: str, task: MatchTask) -> bool:
    if not is_url(path) and not os.path.exists(path):
        return False
    try:
        read_head(path, task.rules, task.state.storage)
    except (InputError, FileNotFoundError):
        return False
    return True


def _stamps(task: MatchTask) -> list[str]:
    """What changes when a local file of the part does; taken before the files are hashed."""
    local = filterfalse(is_url, hashed_files(task.paths, task.how))
    return [stamp for path in local for stamp in FILES.stamps(path)]


def _changed(task: MatchTask, own: str, before: list[str]) -> bool:
    """Whether files changed while they were read, so that the part would have a wrong name."""
    if any(map(is_url, task.paths[1:])) and own != part_hash(task.paths, task.rules, task.how):
        return True
    return _stamps(task) != before


def _matched(task: MatchTask, own: str) -> bytes:
    """The condensed part; own: its hash."""
    with evaluated_part(task.paths, task.rules, task.how) as part:
        return part_bytes(task.paths.name, own, part.listed, part.result, part.named)


class EvaluatedPart(NamedTuple):
    """result: its evaluation; listed: how many of its images a list of images has; named: gives
    texts about copies of its files their own names.
    """

    result: Evaluation
    listed: int
    named: Callable[[str], str]


@contextmanager
def evaluated_part(paths: PartPaths, rules: Rules, how: PartReading) -> Iterator[EvaluatedPart]:
    """A part, evaluated.

    Raises:
        DetmetricsError: it cannot be read or evaluated.
    """
    with _quiet(), _at_hand(paths, how) as (here, named):
        truth, found, listed = read_part(here, how)
        if not found.scored:
            raise RulesError(
                f"{found.source.name}: detections without scores have no order over parts. Fix: "
                "evaluate all images at once with dm.evaluate"
            )
        result = evaluate(truth, found, rules, shape=rules.shape, classes=how.classes)
        yield EvaluatedPart(result, listed, named)


@contextmanager
def _at_hand(
    paths: PartPaths, how: PartReading
) -> Iterator[tuple[PartPaths, Callable[[str], str]]]:
    """The part as files of this machine, and what gives texts about them their own names."""
    with at_hand(paths[1:], how.storage) as (here, named):
        yield PartPaths(paths.name, *here), named


_lock, _quieting, _filters = threading.Lock(), 0, warnings.catch_warnings()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings about tables, which are among the notes of their part.

    Filters of warnings are those of the process: of several threads the first sets them, and the
    last puts back what was there.
    """
    global _quieting, _filters
    with _lock:
        if _quieting == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.simplefilter("ignore", DetmetricsWarning)
        _quieting += 1
    try:
        yield
    finally:
        with _lock:
            _quieting -= 1
            if _quieting == 0:
                _filters.__exit__(None, None, None)


def fault_of(error: Exception) -> str:
    """What went wrong; errors that nobody raised on purpose with their kind."""
    if isinstance(error, DetmetricsError):
        return str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{printable(os.fsdecode(error.filename))}: {error.strerror}"
    return f"{type(error).__name__}: {error}"
