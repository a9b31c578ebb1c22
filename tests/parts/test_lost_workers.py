"""What engines raise where a worker is lost is one error of ours; what a task raises is its own."""

from __future__ import annotations

from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool

import pytest

import detmetrics as dm
from detmetrics.parts.mapping import mapper_of


class Finishing(Executor):
    """An executor whose tasks are done at once, and which the last one leaves with an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def submit(self, function: object, /, *args: object, **_: object) -> Future:
        future: Future = Future()
        if args == (3,):
            future.set_exception(self.error)
        else:
            future.set_result(function(*args))
        return future


def of(module: str, name: str, *bases: type) -> type:
    """A class of errors of another package."""
    return type(name, bases or (Exception,), {"__module__": module})


RAY = of("ray.exceptions", "RayError")
LOST = [
    BrokenProcessPool("gone"),
    CancelledError(),
    of("asyncio.exceptions", "CancelledError", BaseException)(),
    of("distributed.scheduler", "KilledWorker")("task", "worker"),
    of("distributed.comm.core", "CommClosedError", OSError)(),
    of("ray.exceptions", "WorkerCrashedError", RAY)(),
    of("ray.exceptions", "OutOfMemoryError", RAY)(),
    of("ray.exceptions", "NodeDiedError", RAY)(),
]


@pytest.mark.parametrize("error", LOST, ids=lambda one: type(one).__name__)
def test_lost_workers(error):
    told = (
        rf"a worker process ended before its task was done \({type(error).__name__}\), after [0-2] "
        "of 3 tasks: was it killed, or out of memory"
    )
    with mapper_of(Finishing(error), 1) as mapper, pytest.raises(dm.WorkerError, match=told):
        mapper(abs, [-1, -2, 3])


@pytest.mark.parametrize("error", [KeyError("a"), dm.InputError("b"), KeyboardInterrupt()])
def test_errors_of_tasks(error):
    with mapper_of(Finishing(error), 1) as mapper, pytest.raises(type(error)) as caught:
        mapper(abs, [-1, -2, 3])
    assert caught.value is error


def test_errors_of_tasks_that_ray_wraps():
    error = of("ray.exceptions", "RayTaskError", RAY, dm.InputError)("a traceback")
    error.cause = dm.InputError("b")
    with mapper_of(Finishing(error), 1) as mapper, pytest.raises(dm.InputError) as caught:
        mapper(abs, [3])
    assert caught.value is error.cause


def test_answers_are_in_the_order_of_tasks_and_progress_moves_as_they_finish():
    shares: list[float] = []

    class Late(Executor):
        """The last task is done first."""

        def submit(self, function: object, /, *args: object, **_: object) -> Future:
            import threading

            future: Future = Future()
            delay = 0.1 * (4 - abs(args[0]))
            threading.Timer(delay, lambda: future.set_result(function(*args))).start()
            return future

    with mapper_of(Late(), 1) as mapper:
        assert mapper(abs, [-1, -2, -3], shares.append) == [1, 2, 3]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
