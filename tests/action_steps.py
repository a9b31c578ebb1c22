"""Runs the steps of ``action.yml`` as a runner of GitHub does, without one.

Only what the action uses is known: steps of bash, expressions in ``env``, and the files that a step
writes its outputs and its summary to. ``python tests/action_steps.py`` gates three models in an
environment that the action installs itself: one that passes, one that fails, one that is undecided.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TRUTH, FOUND = ROOT / "fixtures/ground_truth.json", ROOT / "fixtures/detections.json"
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class Ran:
    """What a run of all steps gave; code: of the step that failed, 0 where none did."""

    code: int
    said: str
    summary: str
    outputs: dict[str, str]


class Action:
    """The action with a folder of its own, as a job has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.definition = yaml.safe_load((ROOT / "action.yml").read_text())
        self.temp = folder / "temp"
        self.temp.mkdir()

    def run(self, skip: tuple[str, ...] = (), **inputs: object) -> Ran:
        """All steps but those named, until one fails; inputs: with _ for -."""
        given = {name: one.get("default") for name, one in self.definition["inputs"].items()}
        given |= {name.replace("_", "-"): str(value) for name, value in inputs.items()}
        missing = [name for name, value in given.items() if value is None]
        assert not missing, missing
        known = {f"inputs.{name}": value for name, value in given.items()}
        known["github.action_path"] = str(ROOT)
        files = {}
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            files[name] = self.folder / name
            files[name].write_text("")
        code, said = 0, ""
        for step in self.definition["runs"]["steps"]:
            if step["name"] not in skip and code == 0:
                code, text = self._step(step, known, files)
                said += text
        outputs = dict(
            line.partition("=")[::2] for line in files["GITHUB_OUTPUT"].read_text().splitlines()
        )
        return Ran(code, said, files["GITHUB_STEP_SUMMARY"].read_text(), outputs)

    def _step(self, step: dict, known: dict[str, str], files: dict[str, Path]) -> tuple[int, str]:
        assert step["shell"] == "bash"
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        asked = {
            name: EXPRESSION.sub(lambda found: known[found[1]], str(value))
            for name, value in step["env"].items()
        }
        own = {name: str(path) for name, path in files.items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.folder,
            env={**os.environ, **own, "RUNNER_TEMP": str(self.temp), **asked},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout


def models(folder: Path) -> tuple[Path, Path]:
    """The example's detections without every third: AP is worse, AP of large objects is open."""
    rows = json.loads(FOUND.read_text())
    fewer = folder / "fewer.json"
    fewer.write_text(json.dumps([row for n, row in enumerate(rows) if n % 3]))
    return FOUND, fewer


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        action, (same, fewer) = Action(folder), models(folder)
        both = {"ground_truth": TRUTH, "baseline": FOUND, "python": sys.executable}
        for candidate, metric, code in ((same, "AP", 0), (fewer, "AP", 3), (fewer, "APl", 5)):
            ran = action.run(
                skip=() if candidate is same else ("Install",),
                **both,
                candidate=candidate,
                options=f"--metrics {metric} --resamples 100",
                fail_undecided="true",
            )
            print(ran.said, ran.summary, ran.outputs, sep="\n")
            if ran.code != code:
                sys.exit(f"expected exit code {code}, got {ran.code}")


if __name__ == "__main__":
    main()
