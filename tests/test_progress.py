"""The progress bar: on a terminal only, only after a second, and gone when done."""

from __future__ import annotations

import io
import time

import pytest

import detmetrics as dm
from detmetrics.cli import progress_bar as progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, *, quiet: bool, seconds: float, terminal: bool) -> str:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "DELAY", 0.02)
    with progress.Patience(quiet=quiet) as patience:
        patience("reading", 0.5)
        time.sleep(seconds)
        patience("pycocotools", None)
        time.sleep(seconds)
    return stream.getvalue()


def test_long_work_on_a_terminal_is_shown(monkeypatch):
    text = shown(monkeypatch, quiet=False, seconds=0.4, terminal=True)
    assert "reading" in text
    assert "pycocotools" in text


@pytest.mark.parametrize(
    ("quiet", "seconds", "terminal"), [(True, 0.1, True), (False, 0.0, True), (False, 0.1, False)]
)
def test_nothing_else_is(monkeypatch, quiet, seconds, terminal):
    assert shown(monkeypatch, quiet=quiet, seconds=seconds, terminal=terminal) == ""


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
