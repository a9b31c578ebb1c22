"""What the package shows to the world, and what importing it costs."""

from __future__ import annotations

import inspect
import os
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import detmetrics as dm

ROOT = Path(__file__).parent.parent
EXAMPLE = "'fixtures/ground_truth.json', 'fixtures/detections.json'"


def test_all_is_sorted_and_complete():
    assert dm.__all__ == sorted(dm.__all__)
    assert all(hasattr(dm, name) for name in dm.__all__)
    assert set(dir(dm)) == set(dm.__all__)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="attribute mAP"):
        _ = dm.mAP


@pytest.mark.parametrize("name", [n for n in dm.__all__ if not n.startswith("__")])
def test_every_public_name_is_documented(name):
    value = getattr(dm, name)
    if value is dm.RULE_SETS or isinstance(value, dm.Rules):
        return  # a constant has no docstring of its own; tests/test_rules_command.py has theirs
    assert inspect.getdoc(value)
    examples = [inspect.getdoc(member) or "" for _, member in inspect.getmembers(value)]
    assert ">>> " in "".join([inspect.getdoc(value), *examples])


def test_public_methods_are_documented():
    for kind in (dm.Evaluation, dm.Detections, dm.GroundTruth, dm.Catalog, dm.Rules, dm.Curve):
        for name, member in inspect.getmembers(kind):
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(member), f"{kind.__name__}.{name}"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import detmetrics", "msgspec pandas pycocotools matplotlib torch rich click"),
        (
            "import detmetrics; detmetrics.evaluate",
            "pandas pycocotools matplotlib torch rich click",
        ),
        (
            "import detmetrics; detmetrics.History; detmetrics.EarlyStopping",
            "msgspec pandas pycocotools matplotlib torch rich click",
        ),
        ("import detmetrics.cli", "msgspec pandas pycocotools matplotlib torch rich"),
        (
            f"import detmetrics as dm; dm.evaluate({EXAMPLE}).to_dict()",
            "pandas pycocotools rich click",
        ),
    ],
)
def test_imports_bring_only_what_is_used(statement, absent):
    code = f"import sys; {statement}; print(*set(sys.modules) & set({absent.split()!r}))"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == ""


def test_no_module_hides_a_public_name():
    modules = {module.name for module in pkgutil.iter_modules(dm.__path__)}
    assert not modules & set(dm.__all__)


def test_names_may_be_imported_eagerly():
    """What ``lazy_loader`` does where ``EAGER_IMPORT`` is set, as its documentation advises CI."""
    ran = subprocess.run(
        [sys.executable, "-c", "import detmetrics, detmetrics.analysis, detmetrics.formats"],
        env={**os.environ, "EAGER_IMPORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""


def test_no_class_name_is_there_twice():
    """One class name, one idea; a callback that stops a training is the same in two frameworks."""
    names = Counter(
        found
        for path in (ROOT / "detmetrics").rglob("*.py")
        for found in re.findall(r"^class (\w+)", path.read_text(), re.M)
    )
    assert {name for name, count in names.items() if count > 1} == {"StopEarly"}
