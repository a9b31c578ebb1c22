"""One broken input per child of an interpreter that has imported everything, and what it may do.

A child ends by itself, in bounded time and memory, with a known exit code and no traceback; it
leaves its inputs alone, and where it fails nothing in the folder that it was to write to.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a child has none of the threads of its parent
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others reserve a gigabyte

__all__ = ["command", "judged", "prepare"]

SECONDS = 20  # of the processor; sound inputs of this size take less than two
WAIT = 120  # seconds of the clock, for what sleeps or waits
MEMORY = 1 << 30  # bytes beyond what the parent has
OUTPUT = 64 << 20  # bytes of one file
ALLOWED = (0, 1, 2, 3, 130)
NEEDED = (
    *("pandas", "matplotlib.pyplot", "shapely", "yaml", "defusedxml.ElementTree"),
    *("pyarrow.parquet", "jinja2", "PIL.Image", "rich.console"),
)


def prepare() -> None:
    """Import all that children need, once."""
    import detmetrics

    for module in pkgutil.walk_packages(detmetrics.__path__, "detmetrics."):
        if not module.name.startswith(("detmetrics.plugins", "detmetrics.__main__")):
            importlib.import_module(module.name)
    for name in NEEDED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def command(argv: Sequence[str]) -> Callable[[], None]:
    """The command line, as a child runs it."""

    def run() -> None:
        from detmetrics.__main__ import main

        sys.argv = ["detmetrics", *argv]
        main()

    return run


def judged(
    folder: Path,
    files: Mapping[str, bytes],
    run: Callable[[], None],
    reported: tuple[str, ...] = (),
) -> str | None:
    """What is wrong with how a child takes these files; None where nothing is.

    reported: what is written where the exit code says that the inputs are faulty, as check does.
    """
    lay(folder, files)
    status, hangs = forked(folder, run)
    said = (folder.parent / "stderr").read_text(errors="replace")
    return _ended_badly(status, said, hangs=hangs) or _left_badly(
        folder, {**files, **dict.fromkeys(reported)}, status, said
    )


def lay(folder: Path, files: Mapping[str, bytes]) -> None:
    """The folder with these files and an empty one to write to."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def forked(folder: Path, run: Callable[[], None]) -> tuple[int, bool]:
    """The status that a child ended with, and whether it had to be ended."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _child(folder, run)
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status, False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1], True


def _child(folder: Path, run: Callable[[], None]) -> None:
    code = 70  # which no command has
    try:
        os.chdir(folder)
        for number, path in enumerate((os.devnull, "../stdout", "../stderr")):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags, 0o600), number)
        # Whatever took their place in the parent, as pytest's capture does.
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        _bound()
        code = _code(run)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _code(run: Callable[[], None]) -> int:
    """As the interpreter ends: with its traceback where nobody caught the error."""
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _bound() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, used + SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _ended_badly(status: int, said: str, *, hangs: bool) -> str | None:
    if hangs:
        return f"hangs: more than {WAIT} s"
    if os.WIFSIGNALED(status):
        return f"killed: {signal.Signals(os.WTERMSIG(status)).name} {said[-500:]}"
    if "Traceback (most recent call last)" in said:
        return f"traceback: {said[-1500:]}"
    if (code := os.WEXITSTATUS(status)) not in ALLOWED:
        return f"exit code {code}: {said[-500:]}"
    return None


def _left_badly(
    folder: Path, files: Mapping[str, bytes | None], status: int, said: str
) -> str | None:
    changed = [name for name, content in files.items() if not _holds(folder / name, content)]
    if changed:
        return f"input changed: {', '.join(changed)}"
    code = os.WEXITSTATUS(status)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    left = sorted(name for name in there - files.keys() if code in (1, 2) or _is_stray(name))
    return f"left behind: {', '.join(left)}, exit code {code}: {said[-300:]}" if left else None


def _holds(path: Path, content: bytes | None) -> bool:
    return content is None or (path.is_file() and path.read_bytes() == content)


def _is_stray(name: str) -> bool:
    """Beside the folder of outputs, or hidden in it, as files are that were not renamed yet."""
    return not name.startswith("out/") or "/." in name
