"""What an engine gives, and how it says that it cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, TypeAlias

from detmetrics.foundation.errors import InputError

__all__ = ["RETRIES", "Each", "NamedEngine", "connecting", "missing"]

RETRIES = 3
"""How often a task is given to another worker when its own dies."""

Each: TypeAlias = Callable[[Callable[[Any], Any], Any], list[Any]]
"""Has every worker call a function with a task."""


class NamedEngine(Executor):
    """An executor; workers: how many there are to be checked; each: see :data:`Each`."""

    def __init__(
        self, submit: Callable[..., Future[Any]], workers: int, each: Each | None = None
    ) -> None:
        self._submit = submit
        self.workers = workers
        self.each = each

    def submit(self, function: Any, /, *args: Any, **more: Any) -> Future[Any]:
        """The answer to come of a function of a module."""
        return self._submit(function, *args, **more)


def missing(name: str, error: ImportError) -> InputError:
    """That the package of an engine is not installed, or broken."""
    return InputError(
        f"engine {name}: its package cannot be imported ({error}). Fix: pip install "
        f"'detmetrics[{name}]'"
    )


@contextmanager
def connecting(name: str, address: str | None) -> Iterator[None]:
    """Whatever an engine raises where nobody answers, as one error.

    Raises:
        InputError: it raised.
    """
    try:
        yield
    except Exception as error:
        place = "on this machine" if address is None else f"at {address}"
        raise InputError(
            f"engine {name}: no workers {place} ({type(error).__name__}: {error}). Fix: start the "
            "cluster first, and give the address of its scheduler"
        ) from error
