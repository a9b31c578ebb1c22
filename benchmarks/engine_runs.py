"""One evaluation in parts on an engine, measured: seconds, peaks of driver and workers, state."""

from __future__ import annotations

import concurrent.futures
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detmetrics.parts.engines.named import named_engine


class Metered(Executor):
    """An executor whose tasks tell what they cost; workers: the most of each process."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.cpu, self.peak = 0.0, 0

    def submit(self, function: Any, /, *args: Any, **more: Any) -> Future[Any]:
        """The answer alone; what it cost is added up."""
        inner, outer = self._executor.submit(_Measured(function), *args, **more), Future[Any]()
        inner.add_done_callback(lambda done: self._hand_on(done, outer))
        return outer

    def _hand_on(self, done: Future[Any], outer: Future[Any]) -> None:
        if (error := done.exception()) is not None:
            outer.set_exception(error)
            return
        answer, cpu, peak = done.result()
        self.cpu += cpu
        self.peak = max(self.peak, peak)
        outer.set_result(answer)


@dataclass(frozen=True)
class _Measured:
    function: Callable[[Any], Any]

    def __call__(self, task: Any) -> tuple[Any, float, int]:
        start = time.process_time()
        answer = self.function(task)
        return answer, time.process_time() - start, peak_in_mib()


def _begin(seconds: float) -> None:
    """Start a worker, and stay in it until the others have started too."""
    import detmetrics.parts.evaluation  # noqa: F401 (the first task would wait for it)

    time.sleep(seconds)


def peak_in_mib() -> int:
    """The most memory that this process held; not ru_maxrss, which begins at that of the process
    that started it.
    """
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) >> 10


def run(engine: str, workers: int, evaluate: Callable[..., Any]) -> dict[str, Any]:
    """What an evaluation costs once the engine is there; evaluate: takes an engine.

    CPU is that of this process and of the tasks, without what engines do beside them.
    """
    start = time.perf_counter()
    with named_engine(engine, workers) as executor:
        waiting = [executor.submit(_begin, 0.5) for _ in range(workers)]
        concurrent.futures.wait(waiting)
        begun, before = time.perf_counter(), _own_cpu()
        metered = Metered(executor)
        result = evaluate(metered)
        wall, own = time.perf_counter() - begun, _own_cpu() - before
    return {
        "start": begun - start,
        "wall": wall,
        "cpu": own + metered.cpu,
        "own": peak_in_mib(),
        "workers": metered.peak,
        "result": result,
    }


def state_in_mb(state: str | os.PathLike[str]) -> int:
    """Megabytes of all files of a state."""
    return sum(file.stat().st_size for file in Path(state).rglob("*") if file.is_file()) // 10**6


def _own_cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
