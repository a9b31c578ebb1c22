"""What the tests of parts share."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts.part_files import data_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set in three parts."""
    data_set(3).write(tmp_path)
    return tmp_path
