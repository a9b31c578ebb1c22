"""Values that options take, each read into what the library wants."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from detmetrics.foundation.errors import FormatError

__all__ = [
    "AREAS",
    "DIFFERENCES",
    "IMAGES",
    "LIMITS",
    "MARGIN",
    "METRICS",
    "MINIMUM",
    "NAMES",
    "OBJECTIVE",
    "RATIOS",
    "SIZE",
    "THRESHOLDS",
]


MOST = 10_000
LIST_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".parquet")


if TYPE_CHECKING:
    _Typed = click.ParamType[Any]
else:
    _Typed = click.ParamType  # which releases before click 8.4 do not let subscribe


class _Parsed(_Typed):
    """An option whose text a function reads; what it cannot read is wrong usage."""

    def __init__(self, name: str, read: Callable[[str], Any], expected: str) -> None:
        self.name = name
        self._read = read
        self._expected = expected

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value)
        except FormatError:  # of a file that the option names: bad input, no wrong usage
            raise
        except (ValueError, OverflowError):
            self.fail(f"expected {self._expected}, got {value!r}", param, ctx)


def _thresholds(text: str) -> tuple[float, ...]:
    if ":" not in text:
        return tuple(float(part) for part in text.split(","))
    start, stop, step = (float(part) for part in text.split(":"))
    if not 0 < step < math.inf or not 0 <= stop - start < MOST * step:
        raise ValueError
    count = round((stop - start) / step) + 1
    if abs(start + (count - 1) * step - stop) > 1e-9:
        raise ValueError  # the steps miss the end
    # linspace, not steps: 0.5 + 8 * 0.05 is not the 0.9 that everyone else uses.
    return tuple(np.linspace(start, stop, count).tolist())


def _limits(text: str) -> tuple[float, ...]:
    parts = (part.strip() for part in text.split(","))
    return tuple(math.inf if part == "inf" else int(part) for part in parts)


def _areas(text: str) -> tuple[tuple[Any, ...], ...]:
    def area(part: str) -> tuple[Any, ...]:
        name, low, high, *of = part.split(":")
        return name, float(low), float(high), *of

    return tuple(area(part) for part in text.split(","))


def _minimum(text: str) -> tuple[str, float]:
    name, value = text.split("=")
    if math.isnan(least := float(value)):
        raise ValueError
    return name.strip(), least


def _margin(text: str) -> tuple[str, float]:
    """A metric and its margin; no metric stands for all."""
    name, value = _minimum(text if "=" in text else f"={text}")
    if not 0 <= value < math.inf:
        raise ValueError
    return name, value


def _metrics(text: str) -> tuple[str, ...]:
    return _stripped(text.split(","))


def _names(text: str) -> tuple[str, ...]:
    """Names separated by commas, or the lines of a file of that name."""
    if os.path.isfile(text):
        with open(text, encoding="utf-8-sig") as file:
            return _stripped(file)
    return _stripped(text.split(","))


def _images(text: str) -> tuple[Any, ...]:
    """Names separated by commas, or the images that a file of that name lists."""
    if os.path.isdir(text):
        raise click.BadParameter(
            f"{text!r} is a folder: the folder of pictures is --image-dir; --images takes names, "
            "or a file that lists them"
        )
    if not os.path.isfile(text):
        if text.lower().endswith(LIST_SUFFIXES) and "," not in text:
            raise click.BadParameter(f"{text!r}: no such file")
        return _stripped(text.split(","))
    from detmetrics.formats.metadata.image_lists import read_image_list

    return read_image_list(text)


def _stripped(parts: Iterable[str]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in parts if part.strip())
    if not names:
        raise ValueError
    return names


def _ratios(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(":"))
    if not 2 <= len(values) <= 3 or not all(0 < value < math.inf for value in values):
        raise ValueError
    return values


def _objective(text: str) -> str:
    from detmetrics.analysis.objectives import Objective

    return str(Objective.parse(text))


def _size(text: str) -> int:
    """A number of bytes, with a unit of powers of 1024."""
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    shift = {"k": 10, "m": 20, "g": 30, "t": 40}.get(number[-1:], 0)
    value = float(number[:-1] if shift else number) * (1 << shift)
    if not 1 <= value < math.inf:
        raise ValueError
    return int(value)


def _differences(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(","))
    if not all(0 < value < math.inf for value in values):
        raise ValueError
    return values


SIZE = _Parsed("size", _size, "a number of bytes such as 500MiB or 2GiB")
DIFFERENCES = _Parsed("d,d,...", _differences, "numbers above 0 such as 0.005,0.01")
OBJECTIVE = _Parsed("objective", _objective, "f1, f2, f0.5, precision:P, recall:R or fppi:F")
RATIOS = _Parsed("a:b:c", _ratios, "two or three numbers above 0 such as 6:2:2 or 8:2")
THRESHOLDS = _Parsed("t,t,... or start:stop:step", _thresholds, "0.5,0.75 or 0.5:0.95:0.05")
LIMITS = _Parsed("n,n,...", _limits, "whole numbers such as 1,10,100, or inf")
AREAS = _Parsed("name:low:high,...", _areas, "ranges such as small:0:1024,large:1024:1e10")
MARGIN = _Parsed("[metric=]value", _margin, "a number from 0 on such as 0.005 or AP=0.005")
METRICS = _Parsed("metric,...", _metrics, "metrics such as AP,AP50")
MINIMUM = _Parsed("metric=value", _minimum, "a metric and a number such as AP=0.40")
IMAGES = _Parsed("names or file", _images, "names separated by commas, or a file that lists images")
NAMES = _Parsed("names or file", _names, "names separated by commas, or a file with one a line")
