"""Tasks that kill: once or each time, their worker or the process that asked for them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parts.processes import descendants, name_of

from detmetrics.parts.matching_parts import MatchedPart, MatchTask
from detmetrics.parts.measuring import ClassesTask

PART, CATEGORY = "part-001", 2
FAMILY, MATCHED = "family.json", "matched.txt"

AGENTS = ("ray::DashboardA", "ray::RuntimeEnv")
"""Ray's own, which do nothing of ours, and end by themselves some 65 seconds after its head."""


@dataclass(frozen=True)
class Plan:
    """Whom a task of a map kills, when, and how often at most.

    folder: takes the marks of kills, the processes of the run, and the names of matched parts.
    """

    folder: str
    victim: str = "nobody"
    map: str = "matching"
    when: str = "before"
    times: int = 1

    def concerns(self, task: Any) -> bool:
        if self.map == "matching":
            return isinstance(task, MatchTask) and task.paths.name == PART
        return isinstance(task, ClassesTask) and CATEGORY in task.categories


class Killing(Executor):
    """An executor of which one task kills."""

    def __init__(self, executor: Executor, plan: Plan) -> None:
        self._executor, self._plan = executor, plan

    def submit(self, function: Any, /, *args: Any, **more: Any) -> Future[Any]:
        return self._executor.submit(_Watched(function, self._plan, os.getpid()), *args, **more)


@dataclass(frozen=True)
class _Watched:
    function: Callable[[Any], Any]
    plan: Plan
    driver: int

    def __call__(self, task: Any) -> Any:
        mine = self.plan.concerns(task)
        if mine and self.plan.when == "before":
            self._strike()
        answer = self.function(task)
        if isinstance(answer, MatchedPart) and answer.fresh:
            with open(Path(self.plan.folder) / MATCHED, "a") as file:
                file.write(f"{task.paths.name}\n")
        if mine and self.plan.when == "after":
            self._strike()
        return answer

    def _strike(self) -> None:
        if self.plan.victim == "nobody" or not self._is_due():
            return
        if self.plan.victim == "driver":
            family = [one for one in descendants(self.driver) if name_of(one) not in AGENTS]
            (Path(self.plan.folder) / FAMILY).write_text(json.dumps([self.driver, *family]))
            os.kill(self.driver, signal.SIGKILL)
            time.sleep(600)  # it is for the engine to end this worker
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_due(self) -> bool:
        for number in range(self.plan.times):
            try:
                (Path(self.plan.folder) / f"killed-{number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            return True
        return False
