"""How engines say that a worker was lost; by name, so that none of them need be installed."""

from __future__ import annotations

__all__ = ["is_lost", "raised_by_task"]

LOST = {
    ("concurrent", "BrokenExecutor"),
    ("concurrent", "CancelledError"),  # the scheduler forgot the task, as when it ended itself
    ("asyncio", "CancelledError"),
    ("distributed", "KilledWorker"),
    ("distributed", "CommClosedError"),
    ("ray", "RayError"),  # all but what a task raised: a worker, a node or the cluster is gone
}


def is_lost(error: BaseException) -> bool:
    """Whether an engine lost a worker, rather than that a task failed."""
    return not LOST.isdisjoint(_kinds(error))


def raised_by_task(error: BaseException) -> BaseException:
    """The error of a task as the task raised it: Ray wraps it, with the traceback as its text."""
    if ("ray", "RayTaskError") not in _kinds(error):
        return error
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, BaseException) else error


def _kinds(error: BaseException) -> set[tuple[str, str]]:
    """Package and name of the class of an error and of all that it is derived from."""
    return {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
