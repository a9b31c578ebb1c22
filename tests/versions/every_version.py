"""The core tests with the lowest and the newest versions that ``pyproject.toml`` allows.

``python tests/versions/every_version.py --uv build/uv/bin/uv``, on each Python of the machine.
Environments are made in ``build/versions``. All of them are run, also after one that fails; exit
status 1 if any did. ``--corners`` runs all core tests with the lowest versions on the oldest Python
and with the newest on the newest, and a sample of them with the others.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "versions"
MINORS = range(11, 16)
EXTRAS = ("html", "parquet", "plots")  # the optional packages that the core tests use
TOOLS = ("hypothesis", "pytest", "pytest-xdist")  # always the newest
LEFT_OUT = (
    # searches for faults, what needs a framework or a browser, and what does not depend on versions
    *("engines", "fuzz", "proof", "peers", "plugins", "versions", "report/test_report_browser.py"),
    *("test_docs.py", "test_bounds.py", "test_further_files.py", "test_words.py"),
    # slow, and run no function of another package that the rest does not run
    *("test_reconcile.py", "test_reconcile_real.py", "test_misreadings.py", "test_figures.py"),
    *("test_misreadings_real.py", "test_tangles.py", "test_copies.py", "formats/test_registry.py"),
    *("formats/test_listed_images.py", "property/test_converted.py"),
    *("parity/test_programs.py", "parity/test_taken_over.py"),
)
SAMPLE = ("formats", "overlap", "parity", "property")  # what every package is needed for
HERE = "make test ran with the very same ones"
# Old releases use what newer ones deprecate, and new ones deprecate what the locked ones do not.
OLD = ("-W", "ignore::DeprecationWarning")


class Python(NamedTuple):
    """An interpreter: its version, such as ``3.12.1``, and where it is."""

    version: str
    path: str

    @property
    def minor(self) -> str:
        return self.version.rpartition(".")[0]


class Skipped(NamedTuple):
    """An interpreter, or versions on it, that are not tried, and why."""

    what: str
    reason: str


class Run(NamedTuple):
    """Tests with the lowest or the newest versions, by package, on one Python."""

    python: Python
    which: str
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"Python {self.python.version} with the {self.which} versions"


def interpreters() -> Iterator[Python | Skipped]:
    """Every Python that detmetrics supports, in the order of versions."""
    for minor in (f"3.{one}" for one in MINORS):
        started = (Python(_version(path), path) for path in _candidates(minor))
        yield next((one for one in started if one.version), Skipped(minor, "not found"))


def _candidates(minor: str) -> Iterator[str]:
    """On the path, and among those that pyenv keeps, whose commands run the chosen one alone."""
    if _own() == minor:
        yield sys.executable
    if found := shutil.which(f"python{minor}"):
        yield found
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for path in sorted(kept.glob(f"{minor}.*/bin/python{minor}"), reverse=True):
        yield str(path)


def _own() -> str:
    return "{}.{}".format(*sys.version_info)


def _version(path: str) -> str:
    """Empty where it does not start."""
    asked = [path, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def bounds() -> dict[str, str]:
    """The lowest version of each package that the core tests use, as ``pyproject.toml`` has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for extra in EXTRAS for one in extras[extra])]
    # Behind a comma are releases that are left out.
    parts = (one.partition(",")[0].partition(">=") for one in asked)
    return {_key(name): bound for name, _, bound in parts}


def resolved(uv: str, python: Python, which: str) -> dict[str, str]:
    """The version of each package, of those with a wheel for this Python.

    Raises:
        LookupError: no versions fit together.
    """
    listed = subprocess.run(
        [
            *(uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--upgrade"),
            *("--resolution", {"lowest": "lowest-direct", "newest": "highest"}[which]),
            *("--only-binary", ":all:", "--python", python.path),
            *(f"--extra={extra}" for extra in EXTRAS),
            str(ROOT / "pyproject.toml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise LookupError(" ".join(listed.stderr.split()))
    return dict(line.split("==") for line in listed.stdout.split())


def raised(versions: Mapping[str, str]) -> Iterator[str]:
    """Packages of which the lowest version that is allowed has no wheel for a Python."""
    for name, bound in bounds().items():
        if _release(versions[name]) != _release(bound):
            yield f"{name} {versions[name]} (pyproject.toml allows {bound})"


def same_as_here(run: Run) -> bool:
    """Whether this Python's own environment, which make test used, has the very versions."""
    return run.python.minor == _own() and all(
        _installed(name) == version for name, version in run.versions.items()
    )


def _key(name: str) -> str:
    """The name as uv writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _release(version: str) -> list[int]:
    """Its numbers, without zeros at the end: 2.0 is 2.0.0."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def tested(uv: str, run: Run, *, sample: bool) -> bool:
    """Whether the tests pass, in an environment of its own; sample: only those of SAMPLE."""
    folder = FOLDER / f"{run.which}-{run.python.minor}"
    pinned = FOLDER / f"{folder.name}.txt"
    pinned.write_text("".join(f"{name}=={at}\n" for name, at in run.versions.items()))
    python = str(folder / "bin" / "python")
    quiet = ("--quiet", "--python", python)
    tests = [f"--ignore=tests/{name}" for name in LEFT_OUT]
    tests += [f"tests/{folder}" for folder in SAMPLE] if sample else []
    steps = [
        (uv, "venv", "--quiet", "--clear", "--python", run.python.path, str(folder)),
        (uv, "pip", "install", *quiet, "--only-binary", ":all:", "--requirement", str(pinned)),
        (uv, "pip", "install", *quiet, "--upgrade", "--constraint", str(pinned), *TOOLS),
        (uv, "pip", "install", *quiet, "--no-deps", "--editable", str(ROOT)),
        (
            *(python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *OLD),
            *("--hypothesis-profile=versions", "--numprocesses", "2", "--dist", "worksteal"),
            *tests,
        ),
    ]
    return all(not subprocess.run(step, cwd=ROOT, check=False).returncode for step in steps)


def runs(uv: str, python: Python) -> Iterator[Run | Skipped]:
    """What is tested with one Python."""
    for which in ("lowest", "newest"):
        try:
            run = Run(python, which, resolved(uv, python, which))
        except LookupError as error:
            yield Skipped(f"{python.minor} with the {which} versions", str(error))
            continue
        if which == "newest" and same_as_here(run):
            yield Skipped(f"{python.minor} with the newest versions", HERE)
        else:
            yield run


def described(run: Run) -> Iterator[str]:
    """What is installed, and where that is not what one would expect."""
    yield f"--- {run.name}: {', '.join(map(' '.join, run.versions.items()))}"
    if run.which == "lowest" and (higher := [*raised(run.versions)]):
        yield f"    lowest with a wheel for Python {run.python.minor}: {', '.join(higher)}"


def spent(start: os.times_result, end: os.times_result) -> str:
    """How long it took, and how long a processor worked, which is less noisy."""
    work = end.children_user + end.children_system - start.children_user - start.children_system
    return f"--- {(end.elapsed - start.elapsed) / 60:.1f} minutes, {work / 60:.1f} of a processor"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv", help="the uv that resolves and installs")
    parser.add_argument("--corners", action="store_true", help="a sample of tests between them")
    asked = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    passed: list[str] = []
    failed: list[str] = []
    found = [
        one
        for python in interpreters()
        for one in ([python] if isinstance(python, Skipped) else runs(asked.uv, python))
    ]
    skipped = [one for one in found if isinstance(one, Skipped)]
    tried = [one for one in found if isinstance(one, Run)]
    for run in tried:
        print(*described(run), sep="\n", flush=True)
        start = os.times()
        sample = asked.corners and run not in (tried[0], tried[-1])
        (passed if tested(asked.uv, run, sample=sample) else failed).append(run.name)
        print(spent(start, os.times()), flush=True)
    for one in skipped:
        print(f"not tried: Python {one.what}: {one.reason}")
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(passed)} of {len(passed) + len(failed)} sets of versions pass")
    return int(bool(failed) or not passed)


if __name__ == "__main__":
    sys.exit(main())
