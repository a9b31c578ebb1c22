"""Which engines are there."""

from __future__ import annotations

import pytest

PACKAGES = {"dask": "distributed", "ray": "ray"}


def needed(name: str) -> str:
    """The name of an engine; a test is skipped where it is not installed."""
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"needs {name}: make test-engines")
    return name
