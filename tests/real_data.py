"""Where the real data sets lie, which are not part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[2] / "shared" / "data"


def real_data(name: str = "") -> Path:
    """A file or folder among them; the test is skipped where it is missing."""
    path = _FOLDER / name
    if not path.exists():
        pytest.skip("needs the real data sets, which lie in ../shared/data and are not shipped")
    return path
