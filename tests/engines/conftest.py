"""What the tests of engines share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from parts.part_files import data_set

from engines.installed import needed

if find_spec("distributed") is None and find_spec("ray") is None:
    # Processes alone are killed in tests/parts; make test-engines has the others.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(params=["dask", "ray"])
def engine(request: pytest.FixtureRequest) -> str:
    """An engine that is installed."""
    return needed(request.param)


@pytest.fixture(params=["processes", "dask", "ray"])
def any_engine(request: pytest.FixtureRequest) -> str:
    """The same, or processes of this machine."""
    return needed(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set in three parts."""
    data_set(3).write(tmp_path)
    return tmp_path


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where engines write, under a short name: Ray has sockets there."""
    place = tempfile.mkdtemp(prefix="dm")
    for name in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.setenv(name, place)
    yield Path(place)
    shutil.rmtree(place, ignore_errors=True)
