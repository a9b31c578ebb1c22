"""What was to be reached, what was measured, and the profile of what was missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Case, Run, figure, median, profile

Results = dict[Case, list[Run]]
PEERS = ("hotcoco", "ultrafast-pycocotools")


@dataclass(frozen=True)
class Target:
    """A bound on a figure; ``profile_of`` is the mode to profile where it is missed.

    Without a bound the figure is told for its own sake. A value of None was not measured.
    """

    what: str
    value: float | None
    most: float | None = None
    least: float | None = None
    profile_of: str = ""

    @property
    def wanted(self) -> str:
        """The bound in words."""
        if self.least is not None:
            return f"at least {self.least:g}"
        return "" if self.most is None else f"at most {self.most:g}"

    @property
    def reached(self) -> bool | None:
        """Whether the figure keeps the bound; None where one of them is missing."""
        if self.value is None or (self.least is None and self.most is None):
            return None
        return self.value >= self.least if self.least is not None else self.value <= self.most


def write(results: dict[str, Results], sizes: dict[str, int]) -> str:
    """The table of targets, then the profiles of the modes that missed one."""
    rows = [*_arrays(results["arrays"]), *_files(results), *_start(results["start"])]
    rows += _growth(results["growth"], sizes)
    missed = dict.fromkeys(row.profile_of for row in rows if row.reached is False)
    return "\n\n".join([lines_of(rows), *(_profile(results, mode) for mode in missed)])


def lines_of(rows: Sequence[Target]) -> str:
    """A table of targets."""
    lines = ["| what | wanted | measured | reached |", "|---|---|---|---|"]
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:.3g}"
        reached = {None: "", True: "yes", False: "**no**"}[row.reached]
        lines.append(f"| {row.what} | {row.wanted} | {value} | {reached} |")
    return "\n".join(lines)


def _arrays(cases: Results) -> Iterator[Target]:
    both = "build+evaluate"
    yield Target(
        "arrays to numbers, tables included: times faster than pycocotools' evaluate + accumulate",
        _ratio(cases, ("pycocotools", "evaluate"), ("detmetrics", both)),
        least=100,
        profile_of="arrays",
    )
    for peer in PEERS:
        yield Target(
            f"arrays to numbers, building counted on both sides: ratio to {peer}",
            _ratio(cases, ("detmetrics", both), (peer, both)),
            most=0.75,
            profile_of="arrays",
        )
    alone = _ratio(cases, ("detmetrics", "evaluate"), ("hotcoco", "evaluate"))
    yield Target("the same without building: ratio to hotcoco", alone)


def _files(results: dict[str, Results]) -> Iterator[Target]:
    yield Target(
        "files to numbers, whole process: times faster than pycocotools",
        _ratio(results["files"], ("pycocotools", "wall"), ("detmetrics", "wall")),
        least=40,
        profile_of="files",
    )
    for mode, name, library, command in (
        ("files", "500,000 detections", (1.0, 1.0), 1.1),
        ("fewer", "150,000", (1.1, 1.15), 1.25),
        ("voc", "VOC2007", (1.1, 1.15), 1.25),
    ):
        for peer, most in zip(PEERS, library, strict=True):
            yield Target(
                f"files to numbers, {name}, whole process: ratio to {peer}",
                _ratio(results.get(mode, {}), ("detmetrics", "wall"), (peer, "wall")),
                most=most,
                profile_of=mode,
            )
            yield Target(
                f"the same, the command with its report: ratio to {peer}",
                _ratio(results.get(mode, {}), ("detmetrics evaluate", "wall"), (peer, "wall")),
                most=command,
                profile_of=mode,
            )
    runs = next(runs for case, runs in results["files"].items() if case.tool == "detmetrics")
    yield Target(
        "largest peak memory at 500,000 from files, MiB",
        max(figure(runs, "memory")),
        most=160,
        profile_of="files",
    )


def _start(cases: Results) -> Iterator[Target]:
    for what, tool, most in (
        ("evaluating the fixtures, CPU", "detmetrics", 1.7),
        ("the same by the command", "detmetrics evaluate", 2.1),
        ("`import detmetrics`", "import detmetrics", None),
        ("evaluating the fixtures with ultrafast-pycocotools", "ultrafast-pycocotools", None),
    ):
        value = _ratio(cases, (tool, "cpu"), ("numpy", "cpu"))
        yield Target(f"{what}: ratio to importing NumPy", value, most=most, profile_of="start")


def _growth(cases: Results, sizes: dict[str, int]) -> list[Target]:
    each = {
        Path(case.truth).stem: median(runs, "evaluate") / sizes[Path(case.truth).stem]
        for case, runs in cases.items()
    }
    memory = {Path(case.truth).stem: max(figure(runs, "memory")) for case, runs in cases.items()}
    largest = memory["5M"] * 2**20 / sizes["5M"] if "5M" in memory else None

    def ratio(small: str) -> float | None:
        return each["5M"] / each[small] if "5M" in each else None

    return [
        Target(
            "time a detection at 5,000,000 to that at 500,000",
            ratio("500k"),
            most=1.1,
            profile_of="growth",
        ),
        Target("the same to that at 50,000", ratio("50k")),
        Target(
            "peak memory at 5,000,000, bytes a detection", largest, most=250, profile_of="growth"
        ),
    ]


def _ratio(cases: Results, ours: tuple[str, str], theirs: tuple[str, str]) -> float | None:
    """Of the medians of two figures; None where one of the tools did not run."""
    mine, other = _of(cases, *ours), _of(cases, *theirs)
    return None if mine is None or other is None else mine / other


def _of(cases: Results, tool: str, name: str) -> float | None:
    """The median of a tool's figure, None where the tool did not run."""
    return next((median(runs, name) for case, runs in cases.items() if case.tool == tool), None)


def _profile(results: dict[str, Results], mode: str) -> str:
    """The profile of detmetrics in a mode; of the growth series, its last and largest case."""
    case = [case for case in results[mode] if case.tool == "detmetrics"][-1]
    return f"### Profile: {mode}\n\nA target of this mode is missed.\n\n```\n{profile(case)}\n```"
