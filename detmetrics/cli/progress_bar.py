"""A progress bar on standard error, for work that takes longer than a second on a terminal."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Patience"]

DELAY = 1.0


class Patience:
    """Call it with a phase and the share that is done; it draws once a second has passed.

    time_left: estimate it, for work that takes minutes.
    """

    def __init__(self, *, quiet: bool, time_left: bool = False) -> None:
        self._time_left = time_left
        watched = sys.stderr is not None and sys.stderr.isatty() and not quiet
        self._timer = threading.Timer(DELAY, self._show) if watched else None
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._phase: str = "starting"
        self._share: float | None = None

    def __call__(self, phase: str, share: float | None) -> None:
        """share: from 0 to 1, None where it cannot be known."""
        with self._lock:
            self._phase, self._share = phase, share
            self._draw()

    def __enter__(self) -> Patience:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        left = [TextColumn("left"), TimeRemainingColumn()] if self._time_left else []
        with self._lock:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                *left,
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._phase)
            self._draw()
            self._bar.start()

    def _draw(self) -> None:
        if self._bar is not None and self._task is not None:
            total = None if self._share is None else 1.0
            self._bar.update(
                self._task, description=self._phase, completed=self._share or 0.0, total=total
            )
