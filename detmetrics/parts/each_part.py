"""One question asked of every part: what is a sum over images is the sum of the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError, PartsError
from detmetrics.foundation.progress import Share
from detmetrics.parts.folders import PartPaths
from detmetrics.parts.mapping import OUT_OF_ORDER, Mapper
from detmetrics.parts.matching_parts import evaluated_part, fault_of
from detmetrics.parts.part_tables import PartReading
from detmetrics.parts.state import State, part_hash
from detmetrics.rules import Rules

__all__ = ["AskTask", "PartsSource", "ask_parts"]


@dataclass(frozen=True)
class PartsSource:
    """The parts of a result, and how they are read."""

    parts: tuple[PartPaths, ...]
    how: PartReading


@dataclass(frozen=True)
class AskTask:
    """A part, the condensed part that was made of it, and what is asked of its evaluation."""

    paths: PartPaths
    rules: Rules
    how: PartReading
    state: State
    condensed: str
    ask: Callable[[Evaluation], Any]


class PartAnswer(NamedTuple):
    """answer: of the question; fault: why there is none; name: of the part."""

    answer: Any = None
    fault: str | None = None
    name: str = ""


def ask_part(task: AskTask) -> PartAnswer:
    """Match a part again and ask. A fault is an answer, so that all are named."""
    try:
        if task.state.part(part_hash(task.paths, task.rules, task.how)) != task.condensed:
            raise InputError("the part changed after it was evaluated. Fix: evaluate again")
        with evaluated_part(task.paths, task.rules, task.how) as part:
            return PartAnswer(task.ask(part.result), name=task.paths.name)
    except Exception as error:
        return PartAnswer(fault=fault_of(error), name=task.paths.name)


def ask_parts(
    mapper: Mapper, tasks: Sequence[AskTask], done: Share | None = None
) -> dict[str, Any]:
    """The answers by the name of the part, in order.

    Raises:
        PartsError: some parts have none.
    """
    answers = mapper(ask_part, tasks, done)
    if [told.name for told in answers] != [task.paths.name for task in tasks]:
        raise InputError(OUT_OF_ORDER)
    named = [(task.paths.name, told) for task, told in zip(tasks, answers, strict=True)]
    failed = {name: told.fault for name, told in named if told.fault is not None}
    if failed:
        raise PartsError(failed, len(tasks) - len(failed), kept=False)
    return {name: told.answer for name, told in named}
