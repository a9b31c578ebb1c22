"""A training's history: rows, where they came from, and the questions that they answer."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from detmetrics.foundation.errors import DetmetricsWarning, FormatError, InputError, OutputError
from detmetrics.foundation.messages import counted, few, printable, shown
from detmetrics.training.history.choosing import Best, best_of, found_column, usual_metric
from detmetrics.training.history.course import Course, course_of
from detmetrics.training.history.epoch_rows import PARTS, Row, named_role, named_run, row_of
from detmetrics.training.history.journal import append_line, line_of, read_lines
from detmetrics.training.history.logs import found_log, read_log
from detmetrics.training.history.losses import VALIDATION_LOSS
from detmetrics.training.history.metric_names import lower_is_better
from detmetrics.training.history.runs import Edges, latest, named_apart, runs_of, shown_run
from detmetrics.training.history.verdict import Verdict, verdict_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["History"]


class History:
    """Epochs with their losses and metrics, in the order in which they were written.

    ``History(path)`` is a journal: every row is added to the file and lies on disk before
    ``append`` returns; rows that are there already are read. ``History()`` keeps rows in memory.
    ``History.read(path)`` reads the log of a framework, or a journal, and writes nothing.

    A journal may hold several trainings. ``History(path, run="name")`` names the one whose rows are
    added; without a name, a training that begins from its first epoch again gets one, and a warning
    says so. What is asked of a history (``best``, ``verdict``, ...) is answered for one run, the
    last; ``of_run`` gives another one.

    Attributes:
        source: the file, as it was named; ``history`` where there is none.
        kind, title: of the log, in one word and for people.
        rows: of :class:`~detmetrics.training.history.epoch_rows.Row`, of all runs.
        runs, run: how the runs are called, and the one that is asked and added to.

    Raises:
        InputError: the name of the run is none.
        FormatError: the file is there, and is no journal.
        OutputError: the folder of the file does not exist.

    >>> history = History()
    >>> for epoch, (loss, ap) in enumerate([(0.9, 0.21), (0.7, 0.36), (0.6, 0.35)]):
    ...     history.append(epoch, train={"loss": loss}, metrics={"AP": ap})
    >>> history.best("AP").epoch, len(history)
    (1, 3)
    >>> print(history.verdict())
    too short
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, run: str | None = None
    ) -> None:
        self._run = None if run is None else named_run(run)
        self._path = None if path is None else os.fspath(path)
        self._rows: list[Row] = []
        self._said: tuple[str, ...] = ()
        self._edges, self._reopened = Edges(), False
        self.source = "history" if self._path is None else self._path
        self.kind, self.title = "journal", "a journal of dm.History"
        if self._path is None:
            return
        folder = os.path.dirname(os.path.abspath(self._path))
        if not os.path.isdir(folder):
            raise OutputError(f"{self._path}: rows could not be added: its folder does not exist")
        if os.path.exists(self._path):
            self._resume(self._path)
        if self._run is not None:
            self._run = latest(self._run, runs_of(self._rows))
        self._edges = Edges(self._asked())
        self._reopened = True

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, role: str | None = None) -> Self:
        """The history that a log holds: its kind is recognised from the content.

        path: of the log, or of a folder that holds one, where it is found by its name and content.
        role: of the data that were measured, where the log names another one: DETR's ``log.txt``
        calls its validation data "test".

        Raises:
            FormatError: it cannot be read, or is no log that is known.
            InputError: the role is unknown, or the log itself tells several kinds of data apart.
        """
        history = cls()
        given = os.fspath(path)
        found = found_log(given)
        history.source = found[0] if len(found) == 1 else given
        log, parsed = read_log(history.source)
        history.kind, history.title = log.name, log.title
        history._rows = _renamed(parsed.rows, role, history.source)
        history._said = parsed.notes
        return history

    @classmethod
    def of(cls, rows: Iterable[Row], source: str = "history") -> Self:
        """A history in memory of rows that are there; source: what messages call it."""
        history = cls()
        history.source = source
        history._rows = [*rows]
        return history

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in the order in which they were written."""
        return tuple(self._rows)

    @property
    def runs(self) -> tuple[str, ...]:
        """The trainings whose rows are here, in order of appearance."""
        runs = runs_of(self._rows)
        return tuple(shown_run(run, runs) for run in runs)

    @property
    def run(self) -> str:
        """The training that is asked and added to: the one that was named, or the last."""
        return shown_run(self.current_run, runs_of(self._rows))

    @property
    def current_run(self) -> str:
        """The same, as its rows have it: empty where they have no name."""
        if self._run is not None:
            return self._run
        return self._rows[-1].run if self._rows else ""

    def of_run(self, run: str) -> History:
        """The rows of one training, in memory.

        Raises:
            InputError: there is none of this name.
        """
        if run not in self.runs:
            raise InputError(
                f"{self.source}: no run {shown(run)}; the runs are {few(self.runs) or 'none'}"
            )
        own = next(name for name, shown_as in zip(runs_of(self._rows), self.runs, strict=True)
                   if shown_as == run)  # fmt: skip
        found = History.of((row for row in self._rows if row.run == own), f"{self.source} ({run})")
        found.kind, found.title = self.kind, self.title
        return found

    def by_run(self) -> list[History]:
        """A history for each training; itself where there is no more than one."""
        if len(self.runs) < 2:
            return [self]
        apart = [self.of_run(run) for run in self.runs]
        apart[0]._said = self._said
        return apart

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the log, sentence by sentence."""
        said = self._said
        if len(self.runs) > 1:
            several = f"{counted(len(self.runs), 'run')} in one file ({few(self.runs)})"
            said += (f"{several}: best and verdict are those of {printable(self.run)}",)
        tests = sum(row.role == "test" for row in self._asked())
        if tests < 2:
            return said
        looked = f"{counted(tests, 'row')} of role test: the test set should be looked at once"
        return (*said, looked)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<History {printable(self.source)}: {counted(len(self), 'row')}>"

    def append(
        self,
        epoch: Any,
        *,
        train: Mapping[str, Any] | None = None,
        val: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        role: str = "val",
        step: Any = None,
    ) -> None:
        """Add a row: train losses, and losses and metrics of the data that ``role`` names.

        train, val: losses by name; metrics: what ``result.scalars()`` gives; role: ``"train"``,
        ``"val"`` or ``"test"``; step: of the optimizer, where epochs are long. Of several processes
        one should append.

        Where a journal holds the training already, and this row begins it from its first epoch
        again, a :class:`~detmetrics.DetmetricsWarning` says so, and the row is the first of a run
        with a name of its own.

        Raises:
            InputError: something is no number, or the role is unknown; nothing was added.
            OutputError: the row cannot be written; nothing was added.
        """
        row = row_of(epoch, train, val, metrics, role=role, step=step, run=self.current_run or None)
        note = ""
        if self._path is not None:
            row, note = self._apart(row, self._path)
            append_line(self._path, line_of(row))
            self._edges.add(row)
            self._reopened = False
        self._rows.append(row)
        if note:
            warnings.warn(note, DetmetricsWarning, stacklevel=2)

    def _apart(self, row: Row, path: str) -> tuple[Row, str]:
        """The row under the name of a new run, and what to say, where it begins one."""
        if not self._edges.starts_over(row, reopened=self._reopened):
            return row, ""
        before, runs = self.run, runs_of(self._rows)
        name = named_apart(row.run, runs)
        self._edges = Edges()
        if self._run is not None:
            self._run = name
        place = f"epoch {row.epoch:,} comes after epoch {self._rows[-1].epoch:,} of {before}"
        return replace(row, run=name), (
            f"{path}: {printable(place)}, so a new run begins, named {printable(name)}: best, "
            "verdict and early stopping look at its rows only. "
            f"Name it yourself with History({path!r}, run='NAME')"
        )

    def names(self, part: str) -> tuple[str, ...]:
        """The columns of ``train``, ``val`` or ``metrics``, in order of appearance.

        Raises:
            InputError: there is no such part.
        """
        if part not in PARTS:
            raise InputError(f"part: expected {', '.join(PARTS)}, got {shown(part)}")
        return tuple(dict.fromkeys(name for row in self._rows for name in getattr(row, part)))

    def best(self, metric: str = "AP", *, lower_is_better: bool | None = None) -> Best:
        """The best epoch by a metric or a validation loss, by its own name or a usual one.

        lower_is_better: as the name of the metric tells, unless given.

        Raises:
            InputError: it is not there, or only on test data, which may not choose.

        >>> history = History()
        >>> for epoch, ap in enumerate((0.30, 0.36, 0.36)):
        ...     history.append(epoch, metrics={"AP": ap, "AP_low": ap - 0.04, "AP_high": ap + 0.04})
        >>> print(history.best("AP"))
        best AP 0.3600 at epoch 1, the same at epoch 2, 2 epochs are within one standard error \
(0.0204) of the best, the first of them 1
        """
        return best_of(self._asked(), metric, self.source, lower=lower_is_better)

    def course(self, metric: str | None = None) -> Course:
        """The curves that are judged and drawn; metric: AP, or what is there, unless given.

        Raises:
            InputError: the metric is not there, or only test data were measured.
        """
        return course_of(self._asked(), self._column(metric))

    def verdict(self, metric: str | None = None) -> Verdict:
        """Whether it is still learning, with evidence; see
        :mod:`detmetrics.training.history.verdict`.

        Raises:
            InputError: the metric is not there, or only test data were measured.
        """
        course = self.course(metric)
        lower = course.column is not None and bool(lower_is_better(course.column))
        return verdict_of(course, lower=lower)

    def usual_metric(self) -> str | None:
        """What is chosen by where nobody says: AP, AP50, oLRP, MR, the first metric that is there,
        or ``validation loss``; None where nothing was measured on validation data.

        Raises:
            InputError: only test data were measured, which may not choose.
        """
        rows = self._asked()
        if not any(row.role != "train" for row in rows):
            return None
        return usual_metric(rows, self.source)

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: ``epoch``, ``role``, ``step``, ``train:NAME``, ``val:NAME``, metrics."""
        import pandas as pd

        return pd.DataFrame([_flat(row) for row in self._rows])

    def _column(self, metric: str | None) -> str | None:
        wanted = self.usual_metric() if metric is None else metric
        if wanted is None:
            return None
        column = found_column(self._asked(), wanted, self.source)
        return None if column == VALIDATION_LOSS else column

    def _asked(self) -> list[Row]:
        """The rows of the run that questions are about."""
        run = self.current_run
        return [row for row in self._rows if row.run == run]

    def _resume(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                text = file.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise FormatError(path, [f"cannot be read as a journal: {reason}"]) from None
        self._rows, self._said = read_lines(text, path)


def _flat(row: Row) -> dict[str, Any]:
    cells: dict[str, Any] = {"epoch": row.epoch, "role": row.role, "step": row.step}
    cells |= {"run": row.run} if row.run else {}
    cells |= {f"train:{name}": value for name, value in row.train.items()}
    cells |= {f"val:{name}": value for name, value in row.val.items()}
    return cells | dict(row.metrics)


def _renamed(rows: Iterable[Row], role: str | None, source: str) -> list[Row]:
    """The rows with the role that is said, where the log names no more than one."""
    if role is None:
        return [*rows]
    new = named_role(role)
    given = [*rows]
    named = sorted({row.role for row in given if row.role != "train"})
    if len(named) > 1:
        raise InputError(
            f"{source}: the log tells {' and '.join(named)} data apart itself: role is for logs "
            "that name one of them"
        )
    return [row if row.role == "train" else replace(row, role=new) for row in given]
