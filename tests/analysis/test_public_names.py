"""What ``detmetrics.analysis`` shows to the world."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys

import pytest

from detmetrics import analysis


def test_all_is_sorted_and_complete():
    assert analysis.__all__ == sorted(analysis.__all__)
    assert set(dir(analysis)) == set(analysis.__all__)
    with pytest.raises(AttributeError, match="attribute mAP"):
        _ = analysis.mAP


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_name_is_documented_with_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(analysis, name))


def test_no_module_hides_a_name():
    modules = {module.name for module in pkgutil.iter_modules(analysis.__path__)}
    assert not modules & set(analysis.__all__)


def test_asking_costs_only_what_is_used():
    asked = (
        "import sys, detmetrics as dm; from detmetrics import analysis; "
        "r = dm.evaluate('fixtures/ground_truth.json', 'fixtures/detections.json'); "
        "analysis.operating_points(r); analysis.calibration(r); analysis.by_bins(r); "
        "print(*set(sys.modules) & {'pandas', 'matplotlib', 'rich', 'click', 'yaml'})"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", asked], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == ""
