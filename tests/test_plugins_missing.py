"""A plug-in whose framework is not there says what to install."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "detmetrics/plugins"
NAMES = sorted(path.stem for path in PLUGINS.glob("[a-z]*.py"))


def test_there_are_plugins():
    assert {"lightning", "torchmetrics", "transformers"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_to_install_is_named(name, monkeypatch):
    absent = ("torch", "pytorch_lightning", "lightning.pytorch", name)
    for module in absent:
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, f"detmetrics.plugins.{name}", raising=False)
    with pytest.raises(
        ImportError, match=rf"detmetrics\.plugins\.{name} needs .*pip install .*{name}"
    ):
        importlib.import_module(f"detmetrics.plugins.{name}")
