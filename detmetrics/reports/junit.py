"""JUnit XML, which the test reports of CI systems show: a test suite per candidate.

A line that is worse and a floor that is not reached are failures, and so is a line that cannot tell
where that stops a model; else it is skipped, as an undefined one is. What deserves attention is the
output of the last suite. Source of the elements and
attributes: https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Iterator

from detmetrics.analysis.gating.records import Gate, GateCandidate, GateFloor, GateLine
from detmetrics.foundation.messages import printable
from detmetrics.reports.gate import attention_of

__all__ = ["to_junit"]

MARKS = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))


def to_junit(gate: Gate) -> str:
    """The whole document."""
    suites = [line for one in gate.candidates for line in _suite(one, gate)]
    if told := [*attention_of(gate)]:
        said = "\n".join(map(_escaped, told))
        suites.insert(-1, f"    <system-out>{said}</system-out>")
    cases = [case for one in gate.candidates for case in _cases(one)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites{_attributes(name='detmetrics gate', **_counts(cases, gate))}>",
            *suites,
            "</testsuites>\n",
        ]
    )


def _cases(one: GateCandidate) -> list[GateLine | GateFloor]:
    return [*one.lines, *one.floors]


def _suite(one: GateCandidate, gate: Gate) -> Iterator[str]:
    cases = _cases(one)
    yield f"  <testsuite{_attributes(name=one.name, **_counts(cases, gate))}>"
    for case in cases:
        kind = "floors" if isinstance(case, GateFloor) else KINDS[case.scope]
        attributes = _attributes(classname=f"gate.{kind}", name=case.title)
        tag = _tag(case, gate)
        if tag is None:
            yield f"    <testcase{attributes}/>"
        else:
            what = case.verdict if isinstance(case, GateLine) else "below its floor"
            said = {"type": what} if tag == "failure" else {}
            yield f"    <testcase{attributes}>"
            yield f"      <{tag}{_attributes(message=case.reason, **said)}/>"
            yield "    </testcase>"
    yield "  </testsuite>"


KINDS = {"all": "metrics", "class": "classes", "slice": "slices"}


def _tag(case: GateLine | GateFloor, gate: Gate) -> str | None:
    """The element that says what became of it; None where it passed."""
    if isinstance(case, GateFloor):
        return None if case.holds else "failure"
    stops = gate.settings.fail_undecided
    tags = {"worse": "failure", "undefined": "skipped"}
    tags["cannot tell"] = "failure" if stops else "skipped"
    return tags.get(case.verdict)


def _counts(cases: list[GateLine | GateFloor], gate: Gate) -> dict[str, str]:
    tags = [_tag(case, gate) for case in cases]
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": "0",
        "skipped": str(tags.count("skipped")),
    }


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(text: str) -> str:
    """Text for an attribute; XML has no place for control characters, so they are spelled."""
    text = printable(text)
    for mark, name in MARKS:
        text = text.replace(mark, name)
    return text
