"""Break real files, and read them with every command: so many minutes, or so many inputs.

``python tests/fuzz/mutations.py --minutes 10``. A finding is a file with the inputs, the command
and what happened; ``--again FILE`` runs it once more. Exit status 1 if there is a finding.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import forkserver  # noqa: E402
from inputs import Input, inputs  # noqa: E402
from samples import mutate  # noqa: E402

MOST = 5  # findings of one kind; more of them say nothing new
EXTREMES = (
    *(b"0", b"-0.0", b"1e308", b"-1e308", b"5e-324", b"1e15", b"1e16", b"-1", b"0.5", b"NaN"),
    *(b"Infinity", b"2147483648", b"-9223372036854775809", b"18446744073709551616", b"1e999"),
    *(b"9" * 400, b"0." + b"0" * 400 + b"1", b"null", b"true", b'""', b"[]", b"{}", b"1_0"),
)
DIGITS = b"0123456789+-.eE"


def broken(content: bytes, chance: random.Random) -> bytes:
    """The same with some accidents, of which one may be wild."""
    wild = chance.choice([_nothing, _number, _swapped, _nested, _repeated, _cut, _number])
    return mutate(wild(content, chance), chance, chance.choice([0, 1, 1, 2, 5]))


def _nothing(content: bytes, chance: random.Random) -> bytes:
    return content


def _number(content: bytes, chance: random.Random) -> bytes:
    """A number replaced by an extreme one; now and then many of them by the same."""
    spans = _spans(content)
    if not spans:
        return content
    value = chance.choice(EXTREMES)
    count = chance.choice([1, 1, 1, 3, len(spans)])
    for start, end in sorted(chance.sample(spans, min(count, len(spans))), reverse=True):
        content = content[:start] + value + content[end:]
    return content


def _spans(content: bytes) -> list[tuple[int, int]]:
    spans, start = [], None
    for at, byte in enumerate(content[:20_000] + b" "):
        if byte in DIGITS and start is None:
            start = at
        elif byte not in DIGITS and start is not None:
            if any(chr(one).isdigit() for one in content[start:at]):
                spans.append((start, at))
            start = None
    return spans


def _swapped(content: bytes, chance: random.Random) -> bytes:
    """Two spans change places."""
    if len(content) < 8:
        return content
    a, b, c, d = sorted(chance.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _nested(content: bytes, chance: random.Random) -> bytes:
    """Brackets within brackets, closed or not."""
    depth = chance.choice([3, 300, 3_000, 100_000])
    opening, closing = chance.choice(
        [(b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b"")]
    )
    at = chance.randrange(len(content) + 1)
    inner = opening * depth + b"1" + chance.choice([closing * depth, b""])
    return content[:at] + inner + content[at:]


def _repeated(content: bytes, chance: random.Random) -> bytes:
    """A line, or any span, many times."""
    if not content:
        return content
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice([1, 10, 100, 1000]))
    if chance.random() < 0.5 and b"\n" in content:
        lines = content.splitlines(keepends=True)
        at = chance.randrange(len(lines))
        start, end = sum(map(len, lines[:at])), sum(map(len, lines[: at + 1]))
    times = min(chance.choice([2, 30, 3000]), 1 + (1 << 18) // max(1, end - start))
    return content[:end] + content[start:end] * times + content[end:]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


class Finding(Exception):
    """A command that did what none may do."""

    def __init__(self, told: Mapping[str, object]) -> None:
        super().__init__(str(told["said"]))
        self.told = told

    def write(self, folder: Path) -> Path:
        """The file that ``--again`` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"mutation-{self.told['seed']}.json"
        path.write_text(json.dumps(self.told, indent=1) + "\n")
        return path


def once(known: Sequence[Input], seed: int, folder: Path) -> None:
    """Break one input by a seed and run its command.

    Raises:
        Finding: the command does what none may do.
    """
    chance = random.Random(seed)
    one = chance.choice(known)
    files = dict(one.files)
    for name in chance.sample(one.broken, min(len(one.broken), chance.choice([1, 1, 1, 2]))):
        files[name] = broken(files[name], chance)
    if said := _judged(folder, files, one.argv):
        coded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        raise Finding(
            {"seed": seed, "name": one.name, "argv": one.argv, "said": said, "files": coded}
        )


def _judged(folder: Path, files: Mapping[str, bytes], argv: Sequence[str]) -> str | None:
    reported = ("out/r.json",) if argv[0] == "check" else ()
    return forkserver.judged(folder, files, forkserver.command(argv), reported)


def search(
    seed: int, step: int, minutes: float, count: int | None = None
) -> tuple[int, list[Finding]]:
    """How many inputs were tried until the time was over, and what was found."""
    forkserver.prepare()
    known, found, kinds, tried = inputs(), [], Counter[str](), 0
    until = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "here")
        while time.monotonic() < until and tried != count:
            try:
                once(known, seed + step * tried, folder)
            except Finding as finding:
                kinds[kind := _kind(finding)] += 1
                found += [finding] if kinds[kind] <= MOST else []
            tried += 1
    return tried, found


def _kind(finding: Finding) -> str:
    """The last line of a traceback without its numbers, or the first words."""
    last = str(finding).strip().rsplit("\n", 1)[-1]
    return "".join(c for c in str(finding)[:11] + last if not c.isdigit())[:60]


def _searched(seed: int, step: int, minutes: float, count: int | None) -> tuple[int, list[dict]]:
    tried, found = search(seed, step, minutes, count)
    return tried, [dict(finding.told) for finding in found]


def again(path: Path) -> int:
    """Whether the finding of a file is still one."""
    told = json.loads(path.read_text())
    files = {name: base64.b64decode(data) for name, data in told["files"].items()}
    forkserver.prepare()
    with tempfile.TemporaryDirectory() as scratch:
        said = _judged(Path(scratch, "here"), files, told["argv"])
    print(" ".join(told["argv"]), said or "no finding", sep="\n")
    return int(said is not None)


def parser_of() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--inputs", type=int, help="end after so many in each process")
    parser.add_argument(
        "--seed", type=int, help="of the first input; another one each time if left"
    )
    parser.add_argument("--findings", type=Path, default=Path("build/findings"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", type=Path, help="a file of a finding")
    parser.add_argument("--sound", action="store_true", help="run every input once, unbroken")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    asked = parser_of().parse_args(arguments)
    if asked.sound:
        return sound()
    if asked.again:
        return again(asked.again)
    seed = time.time_ns() // 1000 % 10**12 if asked.seed is None else asked.seed
    print(
        f"seeds from {seed} on, {asked.processes} processes, {asked.minutes:g} minutes", flush=True
    )
    shares = [
        (seed + place, asked.processes, asked.minutes, asked.inputs)
        for place in range(asked.processes)
    ]
    results = _all(shares)
    found = [Finding(told) for _, part in results for told in part]
    for finding in found:
        path = finding.write(asked.findings)
        print(f"FINDING {path}: {finding.told['name']}: {str(finding).strip()[-300:]}")
    print(f"broke {sum(tried for tried, _ in results):,} inputs of {len(inputs())} kinds: "
          f"{len(found):,} findings")  # fmt: skip
    return int(bool(found))


def sound() -> int:
    """Whether every command takes its input unbroken, with the exit code 0."""
    forkserver.prepare()
    known, refused = inputs(), 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "here")
        for one in known:
            forkserver.lay(folder, one.files)
            status, _ = forkserver.forked(folder, forkserver.command(one.argv))
            if status:
                said = Path(scratch, "stderr").read_text()[-300:]
                print(f"REFUSED {one.name}: {' '.join(one.argv)}\n{said}")
                refused += 1
    print(f"{len(known)} inputs: {refused} refused")
    return int(refused > 0)


def _all(shares: Sequence[tuple]) -> list[tuple[int, list[dict]]]:
    if len(shares) == 1:
        return [_searched(*shares[0])]
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        return pool.starmap(_searched, shares)


if __name__ == "__main__":
    sys.exit(main())
