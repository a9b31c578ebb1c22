"""Profiles of Hypothesis, and where the real data lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import unpacked
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"

# Not tests, and in need of torch: pytest would import them to look for examples.
collect_ignore = ["torchvision_operators.py", "plugins/detector.py"]

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("default", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=5_000, deadline=None, suppress_health_check=slow)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples name the fixtures from the root of the repository."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def shared() -> Path:
    """The folder of real data, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data sets, which lie in ../shared/data and are not shipped")
    return SHARED


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VOC2007 test, unpacked: XML, a folder of comp4 files a detector, and their known numbers."""
    packed = SHARED / "voc2007"
    if not packed.is_dir():
        pytest.skip("needs the real data sets, which lie in ../shared/data and are not shipped")
    root = unpacked(packed / "annotations_test.tar.gz", tmp_path_factory.mktemp("voc"))
    for archive in (packed / "detections").glob("*.tar.gz"):
        folder = root / archive.name.partition(".")[0]
        folder.mkdir()
        unpacked(archive, folder)
    (root / "reference.json").write_bytes((packed / "reference.json").read_bytes())
    return root
