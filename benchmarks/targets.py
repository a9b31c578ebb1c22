"""What was to be reached, what was measured, and the profile of what was missed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from measure import Case, Run, figure, median, profile

Results = dict[Case, list[Run]]


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
    rows = [*_speed(results), *_growth(results["growth"], sizes), *_rest(results)]
    lines = ["| what | wanted | measured | reached |", "|---|---|---|---|"]
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:.3g}"
        reached = {None: "", True: "yes", False: "**no**"}[row.reached]
        lines.append(f"| {row.what} | {row.wanted} | {value} | {reached} |")
    missed = dict.fromkeys(row.profile_of for row in rows if row.reached is False)
    return "\n\n".join(["\n".join(lines), *(_profile(results, mode) for mode in missed)])


def _speed(results: dict[str, Results]) -> list[Target]:
    arrays, files = results["arrays"], results["files"]

    def ratio(cases: Results, ours: tuple[str, str], theirs: tuple[str, str]) -> float | None:
        mine, other = _of(cases, *ours), _of(cases, *theirs)
        return None if mine is None or other is None else mine / other

    both, alone = ("detmetrics", "build+evaluate"), ("detmetrics", "evaluate")
    return [
        Target(
            "arrays to numbers, tables included: times faster than pycocotools' evaluate + "
            "accumulate",
            ratio(arrays, ("pycocotools", "evaluate"), both),
            least=100,
            profile_of="arrays",
        ),
        Target(
            "arrays to numbers, tables included: ratio to hotcoco's evaluate + accumulate",
            ratio(arrays, both, ("hotcoco", "evaluate")),
            most=1,
            profile_of="arrays",
        ),
        Target("the same without tables", ratio(arrays, alone, ("hotcoco", "evaluate"))),
        Target(
            "the same with tables, and with hotcoco's objects",
            ratio(arrays, both, ("hotcoco", "build+evaluate")),
        ),
        Target(
            "files to numbers, whole process: times faster than pycocotools",
            ratio(files, ("pycocotools", "wall"), ("detmetrics", "wall")),
            least=40,
            profile_of="files",
        ),
        Target(
            "files to numbers, whole process: ratio to hotcoco",
            ratio(files, ("detmetrics", "wall"), ("hotcoco", "wall")),
            most=1.5,
            profile_of="files",
        ),
        Target(
            "the command `detmetrics evaluate`: ratio to hotcoco's library",
            ratio(files, ("detmetrics evaluate", "wall"), ("hotcoco", "wall")),
        ),
    ]


def _growth(cases: Results, sizes: dict[str, int]) -> list[Target]:
    each = {
        Path(case.truth).stem: median(runs, "evaluate") / sizes[Path(case.truth).stem]
        for case, runs in cases.items()
    }

    def ratio(small: str) -> float | None:
        return each["5M"] / each[small] if "5M" in each else None

    return [
        Target(
            "time a detection at 5,000,000 to that at 50,000",
            ratio("50k"),
            most=1.5,
            profile_of="growth",
        ),
        Target("the same to that at 500,000, where fixed costs weigh less", ratio("500k")),
    ]


def _rest(results: dict[str, Results]) -> list[Target]:
    imports = results["import"]
    memory = max(
        max(figure(runs, "memory"))
        for mode in ("arrays", "files")
        for case, runs in results[mode].items()
        if case.tool.startswith("detmetrics")
    )

    def ratio(tool: str, name: str) -> float | None:
        mine, numpy = _of(imports, tool, name), _of(imports, "numpy", name)
        return None if mine is None or numpy is None else mine / numpy

    return [
        Target(
            "largest peak memory of any run of detmetrics at 500,000, MiB",
            memory,
            most=350,
            profile_of="files",
        ),
        Target(
            "`import detmetrics` to `import numpy`, inside",
            ratio("detmetrics", "import"),
            most=1.5,
            profile_of="import",
        ),
        Target("the same, whole process", ratio("detmetrics", "wall")),
        Target(
            "`import detmetrics; detmetrics.evaluate` to `import numpy`, inside",
            ratio("detmetrics.evaluate", "import"),
        ),
    ]


def _of(cases: Results, tool: str, name: str) -> float | None:
    """The median of a tool's figure, None where the tool did not run."""
    return next((median(runs, name) for case, runs in cases.items() if case.tool == tool), None)


def _profile(results: dict[str, Results], mode: str) -> str:
    """The profile of detmetrics in a mode; of the growth series, its last and largest case."""
    case = [case for case in results[mode] if case.tool == "detmetrics"][-1]
    return f"### Profile: {mode}\n\nA target of this mode is missed.\n\n```\n{profile(case)}\n```"
