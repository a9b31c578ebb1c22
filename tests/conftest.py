"""Where the real data lies, and what was skipped for which reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import profiles  # noqa: F401 (Hypothesis learns of them)
import pytest
from builders import unpacked
from hypothesis import settings
from real_data import real_data

from detmetrics.foundation.parallel import limit_threads

ROOT = Path(__file__).parent.parent

# Not tests, and in need of torch: pytest would import them to look for examples.
collect_ignore = ["torchvision_operators.py", "plugins/detector.py"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Workers of pytest-xdist use all processors: threads of ours beside them cost a fifth more.

    make deep has them, and the tests of threads.
    """
    usual = settings.default is settings.get_profile("default")
    if usual and hasattr(session.config, "workerinput"):
        limit_threads(1)


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples name the fixtures from the root of the repository."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def shared() -> Path:
    """The folder of real data, which is not part of the project."""
    return real_data()


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VOC2007 test, unpacked: XML, a folder of comp4 files a detector, and their known numbers."""
    packed = real_data("voc2007")
    root = unpacked(packed / "annotations_test.tar.gz", tmp_path_factory.mktemp("voc"))
    for archive in (packed / "detections").glob("*.tar.gz"):
        folder = root / archive.name.partition(".")[0]
        folder.mkdir()
        unpacked(archive, folder)
    (root / "reference.json").write_bytes((packed / "reference.json").read_bytes())
    return root


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per reason why tests were skipped; a reason is a kind, not an instance."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {report.nodeid: report.longrepr[2].removeprefix("Skipped: ") for report in skipped}
    for reason, count in Counter(reasons.values()).most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")
