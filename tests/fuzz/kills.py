"""Commands that are killed at every file event, or that find the disk full, over older outputs.

``python tests/fuzz/kills.py --minutes 6``. Whatever the moment: each output is the old one or the
new one, whole; the same command, run again, ends as if nothing had been, and leaves nothing beside
its outputs. Four writers of one journal lose no row, also where some of them are killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import forkserver

FIXTURES = Path(__file__).parents[2] / "fixtures"
# What Python tells of before it does it; the bytes in between are cut by a limit on their number.
EVENTS = {
    *("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate"),
    *("os.scandir", "os.listdir", "os.utime", "os.link", "os.symlink", "ctypes.dlsym"),
    *("tempfile.mkstemp", "tempfile.mkdtemp", "shutil.rmtree", "shutil.move"),
}
TRUTH, FOUND = "ground_truth.json", "detections.json"
VIEWS = ("--json", "out/r.json", "--csv", "out/r.csv", "--markdown", "out/r.md")
OLD = ("--classes", "person")


class Writing(NamedTuple):
    """A command that writes; older: what it is run with before, so that its outputs are there."""

    argv: tuple[str, ...]
    older: tuple[str, ...] = OLD
    exchanges: bool = True  # whether the system can exchange two names in one step

    def __str__(self) -> str:
        return " ".join(self.argv) + ("" if self.exchanges else " (no exchange)")


GATED = ("--json", "out/g.json", "--markdown", "out/g.md", "--junit", "out/g.xml")
SPLIT = ("split", TRUTH, "-o", "out/parts", "--force")
YOLO = ("convert", TRUTH, "out/labels", "--to", "yolo", "--force")
COMMANDS = (
    Writing(("evaluate", TRUTH, FOUND, *VIEWS)),
    Writing(("errors", TRUTH, FOUND, *VIEWS)),
    Writing(("compare", TRUTH, FOUND, FOUND, "--resamples", "9", *VIEWS)),
    Writing(("gate", TRUTH, FOUND, FOUND, "--resamples", "9", *GATED), ("--metrics", "AP50")),
    Writing(("gate", TRUTH, FOUND, "--save", "out/b.detm"), ("--images", "100,107")),
    Writing(("report", TRUTH, FOUND, "-o", "out/r.html", "--no-ci")),
    Writing(("plot", TRUTH, FOUND, "--kind", "pr", "-o", "out/pr.svg")),
    Writing(("thresholds", TRUTH, FOUND, "-o", "out/t.json", "--json", "out/r.json")),
    Writing(("check", TRUTH, FOUND, "--json", "out/r.json"), ("--ignore", "D")),
    Writing(("convert", TRUTH, "out/t.csv", "--to", "csv", "--force"), ("--images", "100,107")),
    Writing(YOLO, ("--images", "100,107")),
    Writing(YOLO, ("--images", "100,107"), exchanges=False),
    Writing(SPLIT, ("--seed", "7")),
    Writing(SPLIT, ("--seed", "7"), exchanges=False),
)


class Files(dict[str, bytes]):
    """What is in a folder, by path."""

    @classmethod
    def of(cls, folder: Path) -> Files:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return cls((str(path.relative_to(folder)), path.read_bytes()) for path in paths)

    def targets(self) -> dict[str, dict[str, bytes]]:
        """What is replaced as one: a file, or a folder with all that is in it."""
        found: dict[str, dict[str, bytes]] = {}
        for path, content in self.items():
            found.setdefault(path.split("/")[0], {})[path] = content
        return found


class Scene:
    """A command with its inputs, and what it writes before and after."""

    def __init__(self, writing: Writing, scratch: Path) -> None:
        self.writing, self.folder = writing, scratch / "here"
        self.inputs = {name: (FIXTURES / name).read_bytes() for name in (TRUTH, FOUND)}
        self.lay({})
        self.run(*writing.older)
        self.old = Files.of(self.out)
        self.run()
        self.new = Files.of(self.out)
        self.check_scene()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def lay(self, outputs: Mapping[str, bytes]) -> None:
        forkserver.lay(self.folder, {**self.inputs, **{f"out/{k}": v for k, v in outputs.items()}})

    def run(self, *more: str, before: Callable[[], None] = lambda: None) -> int:
        """The status of the command, before which a child does something."""
        command = forkserver.command([*self.writing.argv, *more])

        def child() -> None:
            if not self.writing.exchanges:
                from detmetrics.foundation import replacing

                replacing._renameat2 = lambda: None
            before()
            command()

        return forkserver.forked(self.folder, child)[0]

    def check_scene(self) -> None:
        """That a mixture could be seen at all, and that each run writes the same."""
        said = (self.folder.parent / "stderr").read_text()
        assert self.new, f"{self.writing}: writes nothing: {said}"
        same = [name for name, one in self.old.targets().items() if one == self.new.targets()[name]]
        assert not same, f"{self.writing}: old and new are alike: {same}; {said}"
        self.lay(self.old)
        self.run()
        assert Files.of(self.out) == self.new, f"{self.writing}: not the same twice"

    def events(self) -> int:
        """How many file events the command has."""
        path = self.folder.parent / "events"

        def count() -> None:
            seen = [0]

            def hook(event: str, _: object) -> None:
                if event in EVENTS:
                    seen[0] += 1
                    os.pwrite(counter, str(seen[0]).encode(), 0)

            counter = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            sys.addaudithook(hook)

        self.lay(self.old)
        self.run(before=count)
        return int(path.read_text())

    def killed_at(self, place: int) -> str | None:
        """What is wrong after a kill at an event."""

        def arm() -> None:
            left = [place]

            def hook(event: str, _: object) -> None:
                if event in EVENTS:
                    left[0] -= 1
                    if left[0] < 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)

        self.lay(self.old)
        status = self.run(before=arm)
        if status != signal.SIGKILL:
            return f"was to be killed, and ended with {status}"
        return self.torn() or self.again()

    def cut_at(self, size: int, *, killed: bool) -> str | None:
        """What is wrong where no file can have more bytes: the process is killed, or told so."""

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        self.lay(self.old)
        status = self.run(before=limit)
        if killed:
            return self.torn() or self.again()
        if status == 0:  # all of it had a place
            return None if Files.of(self.out) == self.new else "ended well with other outputs"
        said = (self.folder.parent / "stderr").read_text()
        told = "error: " in said or len(said.encode()) >= size  # which had no place either
        if os.waitstatus_to_exitcode(status) != 1 or not told:
            return f"disk full: ended with {status}: {said[-300:]}"
        return None if Files.of(self.out) == self.old else "disk full: something was changed"

    def torn(self) -> str | None:
        """Which output is neither the old one nor the new one."""
        there, old, new = (one.targets() for one in (Files.of(self.out), self.old, self.new))
        for name in old.keys() | new.keys():
            if there.get(name) in (old.get(name), new.get(name)):
                continue
            aside = [one for one in there if one.startswith(".detmetrics-")]
            if name not in there and any(f"{one}/README.txt" in there[one] for one in aside):
                continue  # taken away, with a note that says how to get it back
            return f"{name} is neither the old one nor the new one"
        return None

    def again(self) -> str | None:
        """What is wrong with a second run, which nobody kills."""
        status = self.run()
        if status:
            return f"run again, it ended with {status}"
        there = Files.of(self.out)
        if there != self.new:
            differ = {
                name for name in there.keys() | self.new if there.get(name) != self.new.get(name)
            }
            return f"run again, it left {', '.join(sorted(differ))}"
        return None


def moments(
    scene: Scene, few: int | None, chance: random.Random
) -> Iterator[tuple[str, str | None]]:
    """Every moment, or a few of them, and what is wrong then."""

    def some(numbers: Sequence[int]) -> list[int]:
        return [*numbers] if few is None else sorted(chance.sample(numbers, min(few, len(numbers))))

    for place in some(range(scene.events())):
        yield f"killed at event {place}", scene.killed_at(place)
    largest = max(map(len, scene.new.values()))
    sizes = sorted({0, 1, 4096, largest - 1, *(chance.randrange(largest) for _ in range(8))})
    for size in some([size for size in sizes if size < largest]):
        yield f"killed at byte {size}", scene.cut_at(size, killed=True)
        yield f"disk full at byte {size}", scene.cut_at(size, killed=False)


def journal(scratch: Path, rows: int, chance: random.Random) -> str | None:
    """What is wrong with a journal that four processes write, two of which are killed."""
    import detmetrics as dm

    path = scratch / "journal.jsonl"
    path.unlink(missing_ok=True)
    children, doomed = [], []
    for writer in range(4):
        child = os.fork()
        if child == 0:
            try:
                history = dm.History(path)
                for row in range(rows):
                    history.append(row, metrics={"writer": writer, "row": row})
            finally:
                os._exit(0)
        (children if writer < 2 else doomed).append(child)
    for child in doomed:
        time.sleep(chance.random() * 0.05)
        os.kill(child, signal.SIGKILL)
    for child in (*children, *doomed):
        os.waitpid(child, 0)
    # A writer that sees half a row of another one begins a line of its own: a blank one is no row.
    lines = [line for line in path.read_text().splitlines() if line]
    told = [json.loads(line)["metrics"] for line in lines]
    for writer in range(4):
        own = [one["row"] for one in told if one["writer"] == writer]
        whole = rows if writer < 2 else len(own)
        if own != [*range(whole)]:
            return f"journal: writer {writer} has rows {own[:9]}... of {rows}"
    return None


def searched(minutes: float, commands: int, few: int | None, seed: int) -> tuple[int, list[str]]:
    """How many moments of how many commands were tried, and what is wrong in some of them."""
    forkserver.prepare()
    until, chance = time.monotonic() + 60 * minutes, random.Random(seed)
    tried, found = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        for writing in chance.sample(COMMANDS, commands):
            scene = Scene(writing, Path(scratch))
            before = tried
            for moment, said in moments(scene, few, chance):
                tried += 1
                if said:
                    found.append(f"{writing}: {moment}: {said}")
                if time.monotonic() > until:
                    break
            print(f"{writing}: {tried - before} moments", flush=True)
        rounds = 1 if few else 20
        for _ in range(rounds):
            tried += 1
            if said := journal(Path(scratch), 100, chance):
                found.append(said)
    return tried, found


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--few", type=int, help="so many moments of each kind and command")
    parser.add_argument("--commands", type=int, default=len(COMMANDS), help="so many of them")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    tried, found = searched(asked.minutes, asked.commands, asked.few, asked.seed)
    for said in found:
        print(f"FINDING {said}")
    print(f"{tried:,} moments of {asked.commands} commands and a journal: {len(found):,} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
