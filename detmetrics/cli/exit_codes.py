"""What the exit status of every command means: the one table, which each help refers to."""

from __future__ import annotations

__all__ = [
    "BAD_INPUT",
    "BELOW_BOUND",
    "CLOSED_PIPE",
    "CROSSCHECK_DIFFERS",
    "DONE",
    "INTERRUPTED",
    "MEANINGS",
    "SOME_FAILED",
    "TERMINATED",
    "UNDECIDED",
    "WRONG_USAGE",
    "exit_codes",
]

DONE, BAD_INPUT, WRONG_USAGE, BELOW_BOUND, CROSSCHECK_DIFFERS, UNDECIDED, SOME_FAILED = range(7)
INTERRUPTED, CLOSED_PIPE, TERMINATED = 130, 141, 143
"""As shells have it: 128 and the number of the signal."""

MEANINGS = {
    DONE: "done",
    BAD_INPUT: "bad input",
    WRONG_USAGE: "wrong usage",
    BELOW_BOUND: "below a bound or a gate",
    CROSSCHECK_DIFFERS: "the cross-check differs",
    UNDECIDED: "undecided",
    SOME_FAILED: "some parts failed",
    INTERRUPTED: "interrupted",
    CLOSED_PIPE: "the reader of the output has gone",
    TERMINATED: "terminated",
}
ALWAYS = (DONE, BAD_INPUT, WRONG_USAGE)
PAGE = "docs/command-line.md"


def exit_codes(*more: int) -> str:
    r"""The paragraph for the help of a command; more: codes that only some commands have.

    >>> print(exit_codes(BELOW_BOUND).removeprefix("\b\n"))
    Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 below a bound or a gate,
    130 interrupted. See docs/command-line.md.
    """
    told = [f"{code} {MEANINGS[code]}" for code in (*ALWAYS, *more, INTERRUPTED)]
    lines = [f"Exit codes: {', '.join(told[:3])}"]
    for part in told[3:]:
        if len(lines[-1]) + len(part) < 74:
            lines[-1] += f", {part}"
        else:
            lines[-1] += ","
            lines.append(part)
    return "\b\n" + "\n".join(lines) + f". See {PAGE}."
