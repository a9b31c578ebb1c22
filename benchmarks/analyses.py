"""What the analyses cost beside hotcoco's: check, errors, confusion, calibration, resamples.

As a child, ``analyses.py TOOL MODE GROUND_TRUTH DETECTIONS``, one tool in a fresh process prints
its line of JSON as ``child.py`` does. Otherwise the section of the report.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from child import Phases, phase, profiled
from measure import Case, Run, alternately, figure, median, paired, spread_of
from targets import Target, lines_of

HEADING = "## Analyses"
PACKAGES = ("detmetrics", "numpy", "msgspec", "hotcoco")
SAMPLES = 1_000
ABOUT = f"""\
The files of *Files to all twelve numbers*, and of *Real data* where it says VOC2007. Seconds are of
the analysis itself, after `evaluate`; *check* reads and checks, as hotcoco's `COCO`, `load_res` and
`healthcheck` do. *errors* is `dm.analysis.error_types` beside `tide_errors`, *confusion*
`confusion_matrix` on both sides, *calibration* `calibration` on both; *resamples* are {SAMPLES:,}
samples with intervals of all metrics: `confidence_intervals` of one model, and half of hotcoco's
`compare(a, b, n_bootstrap={SAMPLES})`, which samples two."""
MODES = {"check": 1.5, "errors": 1.0, "confusion": 0.85, "calibration": 0.5, "resamples": 1 / 6}
"""The ratio to hotcoco that is wanted."""

CALLS: dict[str, tuple[str, tuple[float, ...]]] = {
    "errors": ("error_types", ()),
    "confusion": ("confusion_matrix", (0.0,)),
    "calibration": ("calibration", ()),
    "resamples": ("confidence_intervals", (SAMPLES,)),
}

# --- a tool in a process of its own --------------------------------------------------------------


def detmetrics(phases: Phases, mode: str, truth: str, found: str) -> None:
    """Run one analysis."""
    import detmetrics as dm
    from detmetrics import analysis

    if mode == "check":
        check = dm.check
        with phase(phases, mode):
            check(truth, found)
        return
    gt = dm.read_ground_truth(truth)
    dt = dm.read_detections(found, gt)
    result = dm.evaluate(gt, dt)
    _ = result.summary
    name, more = CALLS[mode]
    function = getattr(analysis, name)
    with phase(phases, mode):
        function(result, *more)


def hotcoco(phases: Phases, mode: str, truth: str, found: str) -> None:
    """The same by the usual calls of hotcoco."""
    import hotcoco as peer

    if mode == "check":
        with phase(phases, mode):
            gt = peer.COCO(truth)
            gt.healthcheck(gt.load_res(found))
        return
    gt = peer.COCO(truth)

    def evaluated() -> Any:
        evaluation = peer.COCOeval(gt, gt.load_res(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        return evaluation

    first = evaluated()
    second = evaluated() if mode == "resamples" else first
    runs: dict[str, Callable[[], object]] = {
        "errors": first.tide_errors,
        "confusion": first.confusion_matrix,
        "calibration": first.calibration,
        "resamples": lambda: peer.compare(first, second, n_bootstrap=SAMPLES),
    }
    with phase(phases, mode):
        runs[mode]()
    if mode == "resamples":  # of two models
        phases[mode] /= 2


# --- the section of the report -------------------------------------------------------------------


def section(machine: str, sources: dict[str, tuple[Path, Path]], *, quick: bool) -> str:
    """Measure both tools; sources: files by the name of their data set, the first for all modes."""
    first = next(iter(sources))
    wanted = [(mode, first) for mode in MODES]
    wanted += [("check", name) for name in sources if name != first]
    found = {key: _runs(key[0], sources[key[1]], quick) for key in wanted}
    rounds = ["**`--quick`: one round. For development only.**"] * quick
    texts = [HEADING, machine, *rounds, ABOUT, _table(found), lines_of(_targets(found))]
    return "\n\n".join([*texts, *_profiles(found)]) + "\n"


def _runs(mode: str, paths: tuple[Path, Path], quick: bool) -> dict[Case, list[Run]]:
    # hotcoco takes some minutes for the samples of two models.
    rounds = 1 if quick or mode == "resamples" else 5
    tools = ("detmetrics", "hotcoco")
    return alternately(
        [Case(tool, mode, *map(str, paths), rounds, "analyses.py") for tool in tools]
    )


Found = dict[tuple[str, str], dict[Case, list[Run]]]


def _table(found: Found) -> str:
    lines = [
        "| analysis | data | detmetrics | hotcoco | paired | runs |",
        "|---|---|---|---|---|---|",
    ]
    for (mode, data), runs in found.items():
        ours, theirs = runs.values()
        cells = [spread_of(figure(side, mode), " s") for side in (ours, theirs)]
        ratio = spread_of(paired(ours, theirs, mode))
        lines.append(f"| {mode} | {data} | {' | '.join(cells)} | {ratio} | {len(ours)} |")
    return "\n".join(lines)


def _targets(found: Found) -> list[Target]:
    targets = []
    for (mode, data), runs in found.items():
        ours, theirs = runs.values()
        ratio = median(ours, mode) / median(theirs, mode)
        if mode == "resamples":
            what = f"{SAMPLES:,} samples, one model: times faster than hotcoco"
            targets.append(Target(what, 1 / ratio, least=6, profile_of=mode))
        else:
            what = f"{mode}, {data}: ratio to hotcoco"
            targets.append(Target(what, ratio, most=MODES[mode], profile_of=mode))
    return targets


def _profiles(found: Found) -> list[str]:
    """Of what was missed, on the first data."""
    from measure import profile

    missed = {target.profile_of for target in _targets(found) if target.reached is False}
    cases = {mode: next(iter(runs)) for (mode, _), runs in reversed(found.items())}
    return [
        f"### Profile: {mode}\n\nA target of it is missed.\n\n```\n{profile(cases[mode])}\n```"
        for mode in MODES
        if mode in missed
    ]


def main() -> None:
    """Run one tool as a child of ``run.py``."""
    tool, mode, truth, found = sys.argv[1:5]
    warnings.simplefilter("ignore")
    phases: Phases = {}
    run = {"detmetrics": detmetrics, "hotcoco": hotcoco}[tool]
    with contextlib.redirect_stdout(io.StringIO()):
        if sys.argv[5:] == ["--profile"]:
            told = {"profile": profiled(lambda: run(phases, mode, truth, found))}
        else:
            run(phases, mode, truth, found)
            told = {"numbers": [], "phases": phases}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
