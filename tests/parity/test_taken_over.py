"""Hooks by patches, and pycocotools' name in the hands of another package."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import detmetrics.compat.pycocotools as ours

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"


def precision(kind, change=lambda made: None):
    with contextlib.redirect_stdout(io.StringIO()):
        index = ours.COCO(TRUTH)
        made = kind(index, index.loadRes(FOUND), "bbox")
        change(made)
        made.evaluate()
        made.accumulate()
    return made.eval["precision"]


def halved(method):
    def hook(self, *given):
        made = method(self, *given)
        return made / 2 if len(made) else made

    return hook


@pytest.mark.parametrize("patched", [ours.COCOeval, ours.Original])
def test_a_patch_of_either_class_is_a_hook(patched, monkeypatch):
    plain = precision(ours.COCOeval)
    monkeypatch.setattr(patched, "computeIoU", halved(ours.Original.computeIoU))
    found = precision(ours.COCOeval)
    monkeypatch.setattr(ours.Original, "computeIoU", halved(ours.THEIRS["computeIoU"]))
    np.testing.assert_array_equal(found, precision(ours.Original))
    assert not np.array_equal(found, plain)


def test_a_patch_of_what_matches_is_a_hook(monkeypatch):
    monkeypatch.setattr(ours.Original, "evaluateImg", lambda self, *given: None)
    assert (precision(ours.COCOeval) == -1).all()


def test_a_patch_from_before_the_import_is_a_hook(monkeypatch):
    def patch(self, *given):
        return ours.Original.computeIoU(self, *given)

    monkeypatch.setitem(ours.THEIRS, "computeIoU", patch)
    monkeypatch.setattr(ours.Original, "computeIoU", patch)
    assert not ours.is_own("computeIoU")
    assert ours.overridden(ours.COCOeval())


def test_without_hooks_columns_are_used(monkeypatch):
    monkeypatch.setattr(ours.Original, "evaluate", lambda self: pytest.fail("went the slow way"))
    assert precision(ours.COCOeval).max() > 0


TAKEN = """
    import sys, types

    other = types.ModuleType("other_evaluator")
    other.COCOeval = type("COCOeval", (), {"__module__": "other_evaluator"})
    other.COCO = other.COCOeval
    for name in ("pycocotools", "pycocotools.coco", "pycocotools.cocoeval", "pycocotools.mask"):
        sys.modules[name] = other
"""
COMPARED = """
    import contextlib, io
    import detmetrics as dm
    from detmetrics.compat.pycocotools import COCO, COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        index = COCO("fixtures/ground_truth.json")
        made = COCOeval(index, index.loadRes("fixtures/detections.json"), "bbox")
        made.evaluate(); made.accumulate(); made.summarize()
    result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    assert made.stats[0] == result.summary["AP"]
    assert dm.crosscheck(result).agrees
    from detmetrics.foundation.originals import original
    assert original("mask").__name__ == "pycocotools.mask"
"""


def run(*parts: str) -> str:
    program = "\n".join(textwrap.dedent(part) for part in parts)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", ["", "import pycocotools.coco, pycocotools.cocoeval"])
def test_everything_works_where_another_package_has_the_name(first):
    run(first, TAKEN, COMPARED, "assert sys.modules['pycocotools.coco'] is other")


def test_installing_takes_the_name_back():
    run(
        TAKEN,
        """
        from detmetrics.compat import install_as_pycocotools
        install_as_pycocotools()
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
        from pycocotools import mask
        assert COCO.__module__ == COCOeval.__module__ == "detmetrics.compat.pycocotools"
        assert mask.__name__ == "pycocotools.mask"
        """,
        COMPARED,
    )


def test_installing_takes_a_class_back():
    run(
        """
        import pycocotools.cocoeval
        pycocotools.cocoeval.COCOeval = type("COCOeval", (), {})
        from detmetrics.compat import install_as_pycocotools
        install_as_pycocotools()
        from pycocotools.cocoeval import COCOeval
        assert COCOeval.__module__ == "detmetrics.compat.pycocotools"
        """,
        COMPARED,
    )


def test_a_class_in_the_place_of_theirs_is_named():
    told = run(
        """
        import pycocotools.cocoeval
        pycocotools.cocoeval.COCOeval = type("COCOeval", (), {"__module__": "other_evaluator"})
        try:
            import detmetrics.compat.pycocotools
        except ImportError as error:
            print(error)
        """
    )
    assert "detmetrics.compat.pycocotools needs pycocotools itself, got other_evaluator" in told


@pytest.mark.parametrize("name", ["faster_coco_eval", "hotcoco", "ultrafast_pycocotools"])
def test_after_the_stand_ins_that_there_are(name):
    pytest.importorskip(name, reason=f"needs {name}")
    run(f"import {name}, sys\n{name}.init_as_pycocotools()", COMPARED)


def test_the_name_taken_and_pycocotools_not_there():
    told = run(
        TAKEN,
        """
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "pycocotools":
                    raise ModuleNotFoundError(f"No module named {name!r}")

        sys.meta_path.insert(0, Blocked())
        import detmetrics as dm
        from detmetrics.compat import install_as_pycocotools
        from detmetrics.foundation.originals import original
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        checks = lambda: original("mask"), install_as_pycocotools, lambda: dm.crosscheck(result)
        for call in checks:
            try:
                call()
            except (ImportError, dm.InputError) as error:
                print(type(error).__name__, error)
        """,
    ).splitlines()
    assert [line.partition(" ")[0] for line in told] == ["ImportError", "ImportError", "InputError"]
    for line in told:
        assert "other_evaluator took over the name pycocotools, and pycocotools itself" in line
        assert line.endswith("Fix: pip install pycocotools")
