"""How ``make fuzz MINUTES=60`` deals its minutes, and what it says where something was found."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("fuzz_run", Path(__file__).with_name("run.py"))
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)


@pytest.mark.parametrize("minutes", [1.0, 10.0, 60.0])
def test_all_minutes_are_dealt(minutes):
    parts = fuzz.parts(minutes, "python")
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert all(Path(fuzz.ROOT, part.argv[1]).exists() for part in parts if part.argv[1] != "-m")


@pytest.mark.parametrize(("broken", "status"), [("", 0), ("mutations.py", 1)])
def test_every_part_runs_whatever_the_others_find(monkeypatch, capsys, broken, status):
    ran = []

    def run(argv, **_):
        ran.append(argv)
        found = bool(broken) and broken in argv[1]
        return subprocess.CompletedProcess(argv, int(found))

    monkeypatch.setattr(subprocess, "run", run)
    assert fuzz.main(["--minutes", "10"]) == status
    assert len(ran) == len(fuzz.parts(10, ""))
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == ("found something: broken files" if broken else "found nothing")
