"""Whether the tools give the same twelve numbers: detmetrics to the last bit, others within 1e-9.

Every run counts, not only the first. pycocotools says -1 where detmetrics says nan (undefined).
"""

from __future__ import annotations

import math

from measure import Case, Run

CLOSE = 1e-9
OURS = ("detmetrics", "detmetrics evaluate")

Results = dict[Case, list[Run]]


def differences(results: dict[str, Results]) -> list[str]:
    """A line for each tool and mode that disagrees."""
    lines = []
    for mode, cases in results.items():
        for tool, apart in _apart(cases).items():
            if not _agrees(tool, apart):
                lines.append(f"{mode}: {tool} by up to {apart:.3g} from {_reference(cases)}")
    return lines


def sentence(cases: Results) -> str:
    """How each tool's numbers stand to the reference."""
    words = []
    for tool, apart in _apart(cases).items():
        if apart == 0:
            words.append(f"{tool} equal")
        elif _agrees(tool, apart):
            words.append(f"{tool} within {CLOSE:g}")
        else:
            words.append(f"**{tool} DIFFERS by up to {apart:.3g}**")
    return f"The twelve numbers of every run beside {_reference(cases)}'s: {', '.join(words)}."


def _agrees(tool: str, apart: float) -> bool:
    return apart == 0 if tool in OURS else apart <= CLOSE


def _reference(cases: Results) -> str:
    tools = {case.tool for case, runs in cases.items() if runs[0].numbers}
    return "pycocotools" if "pycocotools" in tools else "hotcoco"


def _apart(cases: Results) -> dict[str, float]:
    """The largest difference of each tool from the reference, over all of its runs.

    Cases without numbers (imports) and modes without a reference (growth) have none.
    """
    numbers = {
        case.tool: [_defined(run.numbers) for run in runs]
        for case, runs in cases.items()
        if runs[0].numbers
    }
    if _reference(cases) not in numbers:
        return {}
    reference = numbers[_reference(cases)][0]
    return {
        tool: max(abs(a - b) for values in told for a, b in zip(values, reference, strict=True))
        for tool, told in numbers.items()
    }


def _defined(numbers: list[float]) -> list[float]:
    return [-1.0 if value is None or math.isnan(value) else value for value in numbers]
