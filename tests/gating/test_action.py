"""The steps of ``action.yml`` gate models: once passing, once failing, once undecided."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from action_steps import FOUND, ROOT, TRUTH, Action, Ran, models

import detmetrics as dm
from detmetrics.analysis import baseline_bytes

QUICK = "--resamples 40"


@pytest.fixture
def action(tmp_path) -> Action:
    """With the environment of these tests where the action installs its own."""
    action = Action(tmp_path)
    (action.temp / "detmetrics").mkdir()
    (action.temp / "detmetrics" / "bin").symlink_to(Path(sys.executable).parent)
    return action


def gated(action: Action, **inputs: object) -> Ran:
    given = {"ground_truth": TRUTH, "baseline": FOUND, "candidate": FOUND, "options": QUICK}
    return action.run(skip=("Install",), **{**given, **inputs})


class TestGate:
    """Its exit code, its outputs, and what the job's summary says."""

    def test_passing(self, action):
        ran = gated(action)
        assert ran.code == 0, ran.said
        assert ran.outputs == {
            "outcome": "pass",
            "json": "detmetrics-gate/gate.json",
            "markdown": "detmetrics-gate/gate.md",
            "junit": "detmetrics-gate/gate.xml",
        }
        assert ran.summary.startswith("### Pass: ")
        for path in [*ran.outputs.values()][1:]:
            assert (action.folder / path).read_text()

    def test_failing(self, action, tmp_path):
        ran = gated(action, candidate=models(tmp_path)[1])
        assert ran.code == 3, ran.said
        assert ran.outputs["outcome"] == "fail"
        assert ran.summary.startswith("### Fail: ")

    @pytest.mark.parametrize(("strict", "code"), [("true", 5), ("false", 0)])
    def test_undecided(self, action, tmp_path, strict, code):
        options = f"{QUICK} --metrics APl"
        fewer = models(tmp_path)[1]
        ran = gated(action, candidate=fewer, options=options, fail_undecided=strict)
        assert ran.code == code, ran.said
        assert ran.outputs["outcome"] == "cannot tell"
        assert ran.summary.startswith("### Cannot tell: ")

    def test_a_baseline_file_and_a_config(self, action, tmp_path):
        baseline = tmp_path / "released model.detm"
        baseline.write_bytes(baseline_bytes(dm.evaluate(TRUTH, FOUND)))
        config = tmp_path / "gate.toml"
        config.write_text('metrics = ["AP50"]\n[floors]\nAP50 = 0.9\n')
        ran = gated(action, baseline=baseline, config=config)
        assert ran.code == 3, ran.said
        document = json.loads((action.folder / ran.outputs["json"]).read_text())
        assert document["metrics"] == ["AP50"]

    def test_what_is_refused_leaves_no_outputs_of_before(self, action, tmp_path):
        assert gated(action).code == 0
        ran = gated(action, candidate=tmp_path / "nowhere.json")
        assert ran.code == 1
        assert "nowhere.json: no such file" in ran.said
        assert ran.outputs == {}
        assert ran.summary == ""
        assert not (action.folder / "detmetrics-gate" / "gate.json").exists()

    def test_options_with_blanks_and_broken_quotes(self, action):
        ran = gated(action, options=f"{QUICK} --slices-by-pattern '(street) ?_'")
        assert ran.code == 0, ran.said
        ran = gated(action, options="--metrics 'AP")
        assert ran.code != 0
        assert "No closing quotation" in ran.said


class TestInputs:
    """What an input is named runs nothing, and is no option."""

    @pytest.mark.parametrize("given", ["ground_truth", "candidate", "config", "options"])
    def test_nothing_is_run(self, action, given):
        ran = gated(action, **{given: '$(touch owned) `touch owned` "; touch owned; "'})
        assert ran.code != 0
        assert not (action.folder / "owned").exists()

    def test_a_path_is_no_option(self, action):
        ran = gated(action, candidate="--save=owned")
        assert ran.code == 1
        assert "--save=owned: no such file" in ran.said

    def test_scripts_have_no_expressions(self):
        steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
        assert all("${{" not in step["run"] for step in steps)


@pytest.mark.heavy
def test_in_an_environment_that_it_installs():
    """Needs a package index; the three models of the script."""
    ran = subprocess.run(
        [sys.executable, ROOT / "tests" / "action_steps.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Could not find a version" in ran.stdout + ran.stderr or "NewConnectionError" in ran.stdout:
        pytest.skip("needs a package index, to install what the action installs")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("'outcome'") == 3
