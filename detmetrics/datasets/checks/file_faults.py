"""What is wrong with a file as a whole, before anything in it is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator

from detmetrics.datasets.checks.findings import Finding, finding
from detmetrics.formats.json.keys_once import keys_are_once
from detmetrics.formats.json.parsing import matters
from detmetrics.formats.json.repeated_keys import repeated_keys
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input

__all__ = ["of_file"]


def of_file(path: str) -> Iterator[Finding]:
    """Keys that objects of a JSON file have twice; a stream is not read for it."""
    if not os.path.isfile(path):
        return
    try:
        data, _ = read_input(path)
    except FormatError:
        return  # which the reader says
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return
    if keys_are_once(data):
        return
    repeated = repeated_keys(data)
    for code, decides in (("D004", True), ("D005", False)):
        found = [one for one in repeated if matters(one) == decides]
        if found:
            yield finding(code, path, len(found), map(str, found))
