"""The lock fits ``pyproject.toml``, every dependency is explained, and what the scripts report."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import defaultdict

import audit
import every_version
import pytest
from every_version import ROOT, Python, Run, Skipped
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements-dev.lock").read_text()


def locked() -> dict[str, list[Requirement]]:
    """What the lock pins, by package; some are there once for each of several Pythons."""
    found = defaultdict(list)
    for line in re.findall(r"^(\w.*?)\s*\\$", LOCK, re.M):
        pin = Requirement(line)
        found[canonicalize_name(pin.name)].append(pin)
    return found


class TestLock:
    @pytest.mark.parametrize("text", [*PROJECT["dependencies"], *EXTRAS["dev"]])
    def test_has_what_pyproject_asks_for(self, text):
        wanted = Requirement(text)
        pins = locked()[canonicalize_name(wanted.name)]
        assert any(pin.marker is None or pin.marker.evaluate() for pin in pins)
        for pin in pins:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert wanted.specifier.contains(exact.version), "run make lock"

    def test_every_pin_has_hashes(self):
        pins = re.split(r"\n(?=\w)", LOCK)
        assert len(pins) == sum(map(len, locked().values()))
        assert all("--hash=sha256:" in pin for pin in pins)

    def test_names_no_place(self):
        assert "://" not in LOCK
        assert not re.search(r"^\s*(#|-i|--(extra-)?index|--find)", LOCK, re.M)


def test_every_dependency_is_explained():
    asked = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    wanted = {canonicalize_name(Requirement(one).name) for one in asked}
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|$", table, re.M)
    named = [canonicalize_name(one) for row in rows for one in re.findall(r"`(.*?)`", row[0])]
    assert sorted(named) == sorted(wanted)


class TestInterpreters:
    def test_the_one_that_runs_this_is_found(self):
        found = {one.minor: one for one in every_version.interpreters() if isinstance(one, Python)}
        here = found["{}.{}".format(*sys.version_info)]
        assert here == Python(sys.version.split()[0], sys.executable)

    def test_those_that_are_missing_or_broken_are_named(self, tmp_path, monkeypatch):
        broken = tmp_path / "python3.14"
        broken.write_text("#!/bin/sh\nexit 127\n")
        broken.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
        monkeypatch.setattr(sys, "version_info", (3, 99))
        assert [*every_version.interpreters()] == [
            Skipped(f"3.{minor}", "not found") for minor in every_version.MINORS
        ]

    def test_pyenv_is_asked_where_its_commands_do_not_start(self, tmp_path, monkeypatch):
        kept = tmp_path / "versions" / "3.14.2" / "bin" / "python3.14"
        kept.parent.mkdir(parents=True)
        kept.write_text("#!/bin/sh\necho 3.14.2\n")
        kept.chmod(0o755)
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
        assert Python("3.14.2", str(kept)) in [*every_version.interpreters()]


class TestRuns:
    PYTHON = Python(sys.version.split()[0], sys.executable)

    def test_versions_above_the_bound_are_named(self, monkeypatch):
        monkeypatch.setattr(every_version, "bounds", lambda: {"numpy": "1.26", "rich": "13.4"})
        run = Run(self.PYTHON, "lowest", {"numpy": "2.1.0", "rich": "13.4.0"})
        minor = self.PYTHON.minor
        assert [*every_version.described(run)] == [
            f"--- Python {self.PYTHON.version} with the lowest versions: numpy 2.1.0, rich 13.4.0",
            f"    lowest with a wheel for Python {minor}: numpy 2.1.0 (pyproject.toml allows 1.26)",
        ]

    def test_bounds_are_those_of_the_core_and_of_its_extras(self):
        bounds = every_version.bounds()
        assert {"numpy", "lazy-loader", "pillow", "pyarrow"} <= {*bounds}
        assert all(re.fullmatch(r"[\d.]+", bound) for bound in bounds.values())

    @pytest.mark.parametrize("corners", [[], ["--corners"]])
    @pytest.mark.parametrize(("passes", "status"), [(True, 0), (False, 1)])
    def test_all_are_run_and_the_rest_is_named(self, monkeypatch, capsys, passes, status, corners):
        other = Python("3.14.2", "elsewhere")
        tried = [self.PYTHON, other, Skipped("3.15", "not found")]
        monkeypatch.setattr(every_version, "interpreters", lambda: tried)
        own = {"pytest": every_version._installed("pytest")}
        monkeypatch.setattr(
            every_version, "resolved", lambda _, python, which: {**own, "detmetrics": "0"}
            if which == "lowest" else own
        )  # fmt: skip
        monkeypatch.setattr(every_version, "bounds", dict)
        ran = []
        monkeypatch.setattr(
            every_version, "tested", lambda _, run, sample: ran.append((run, sample)) or passes
        )
        assert every_version.main(corners) == status
        assert [(run.python, run.which, sample) for run, sample in ran] == [
            (self.PYTHON, "lowest", False),
            (other, "lowest", bool(corners)),
            (other, "newest", False),
        ]  # fmt: skip
        out = capsys.readouterr().out
        here = f"not tried: Python {self.PYTHON.minor} with the newest versions: make test ran"
        assert here in out
        assert "not tried: Python 3.15: not found\n" in out
        assert out.endswith(f"{3 * passes} of 3 sets of versions pass\n")

    def test_nothing_that_could_be_run_is_a_failure(self, monkeypatch, capsys):
        def resolved(*_):
            raise LookupError("no network")

        monkeypatch.setattr(every_version, "interpreters", lambda: [self.PYTHON])
        monkeypatch.setattr(every_version, "resolved", resolved)
        assert every_version.main([]) == 1
        assert "with the lowest versions: no network" in capsys.readouterr().out


KNOWN = {"name": "click", "version": "8.2.1", "vulns": []}
FOUND = {"name": "rich", "version": "13", "vulns": [{"id": "CVE-1", "fix_versions": ["14"]}]}
UNKNOWN = {"name": "numpy", "skip_reason": "could not be audited"}


class TestAudit:
    @pytest.mark.parametrize(
        ("packages", "status", "words"),
        [
            ([KNOWN], 0, "known vulnerabilities: 0"),
            ([KNOWN, FOUND], 1, "rich 13: CVE-1, fixed in 14"),
            ([KNOWN, UNKNOWN], 2, "1 of 2 packages could not be looked up (first: numpy)"),
            ([FOUND, UNKNOWN], 2, "CVE-1"),
        ],
    )
    def test_answers(self, packages, status, words):
        found, lines = audit.judged(json.dumps({"dependencies": packages}), "")
        assert found == status
        assert words in "\n".join(lines)

    def test_no_answer(self):
        status, (line,) = audit.judged("", "Traceback\nConnectionError: no such host\n")
        assert status == 2
        assert line.startswith("pip-audit gave no answer: ConnectionError: no such host. Fix: ")
