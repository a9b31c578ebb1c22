"""The result for machines: the contract of ``docs/json.md``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from detmetrics.evaluation.measurement import Measurement

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import Intervals
    from detmetrics.analysis.crosschecking import Crosscheck

__all__ = ["to_json"]


def to_json(
    result: Measurement,
    crosscheck: Crosscheck | None = None,
    intervals: Intervals | None = None,
) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    document = result.to_dict()
    if intervals is not None:
        document["intervals"] = intervals.to_dict()
    if crosscheck is not None:
        document["crosscheck"] = {
            "agrees": crosscheck.agrees,
            "cells": crosscheck.cells,
            "different": crosscheck.different,
            "differences": list(crosscheck.differences),
            "known": list(crosscheck.known),
            "pycocotools": crosscheck.version,
        }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"
