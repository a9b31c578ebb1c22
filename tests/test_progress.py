"""The progress bar: on a terminal only, only after a second, and gone when done."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from guards import eventually

import detmetrics as dm
from detmetrics.cli import progress_bar as progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def standard_error(monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO]) -> io.StringIO:
    """Standard error of that kind, which can be drawn on if it is a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", stream := kind())
    return stream


class Clock:
    """In place of ``threading.Timer``: its time is over when the test says so."""

    made: list[Clock]

    def __init__(self, delay: float, work: Callable[[], None]) -> None:
        self.delay, self.work = delay, work
        self.runs = False
        self.made.append(self)

    def start(self) -> None:
        self.runs = True

    def cancel(self) -> None:
        self.runs = False


@pytest.fixture
def clocks(monkeypatch) -> list[Clock]:
    monkeypatch.setattr(Clock, "made", [], raising=False)
    monkeypatch.setattr("threading.Timer", Clock)
    return Clock.made


def test_long_work_on_a_terminal_is_shown(monkeypatch, clocks):
    stream = standard_error(monkeypatch, Terminal)
    with progress.Patience(quiet=False) as patience:
        patience("reading", 0.5)
        (clock,) = clocks
        assert (clock.delay, clock.runs) == (1.0, True)
        clock.work()
        assert "reading" in stream.getvalue()
        patience("pycocotools", None)
    assert "pycocotools" in stream.getvalue()


def test_short_work_is_not(monkeypatch, clocks):
    stream = standard_error(monkeypatch, Terminal)
    with progress.Patience(quiet=False) as patience:
        patience("reading", 0.5)
    assert [clock.runs for clock in clocks] == [False]
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("quiet", "kind"), [(True, Terminal), (False, io.StringIO)])
def test_nothing_is_shown_where_nobody_watches(monkeypatch, clocks, quiet, kind):
    standard_error(monkeypatch, kind)
    with progress.Patience(quiet=quiet):
        assert clocks == []


def test_the_time_ends_by_itself(monkeypatch):
    stream = standard_error(monkeypatch, Terminal)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with progress.Patience(quiet=False) as patience:
        patience("reading", 0.5)
        assert eventually(lambda: "reading" in stream.getvalue())


def test_the_library_reports_phases_and_shares():
    seen: list[tuple[str, float]] = []
    dm.evaluate(
        "fixtures/ground_truth.json",
        "fixtures/detections.json",
        progress=lambda phase, share: seen.append((phase, share)),
    )
    assert [phase for phase, _ in seen] == [
        "reading ground truth",
        "reading detections",
        "matching",
    ]
    assert all(0 < share <= 1 for _, share in seen)
