"""What a threshold is chosen for: the best F-beta, or the best of one number under a bound.

==================  ===========================================================
``f1`` ``f2`` ...   the highest F-beta; beta weighs recall against precision
``precision:0.9``   the highest recall at a precision of 0.9 or more
``recall:0.8``      the highest precision at a recall of 0.8 or more
``fppi:0.1``        the highest recall at 0.1 false positives an image or fewer
==================  ===========================================================

Of several equal ones the highest threshold is taken. A cut above which nothing is right serves
no objective. Source: C. van Rijsbergen, Information Retrieval (1979), chapter 7, for F-beta;
Dollár et al., Pedestrian Detection (2012), for false positives an image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError

__all__ = ["Cuts", "Objective"]

Kind = Literal["f", "precision", "recall", "fppi"]
EXPECTED = "f1, f2, f0.5, precision:0.9, recall:0.8 or fppi:0.1"


class Cuts(Protocol):
    """Numbers at every cut of the score, highest first; at least one cut."""

    @property
    def thresholds(self) -> Floats: ...  # noqa: D102
    @property
    def true_positives(self) -> Ints: ...  # noqa: D102
    @property
    def precision(self) -> Floats: ...  # noqa: D102
    @property
    def recall(self) -> Floats: ...  # noqa: D102
    @property
    def fp_an_image(self) -> Floats: ...  # noqa: D102
    def f(self, beta: float = 1.0) -> Floats: ...  # noqa: D102


LARGEST_BETA = 1e6  # beyond it F is recall, and its square overflows in the end


@dataclass(frozen=True, slots=True)
class Objective:
    """kind: what is bounded or, for ``"f"``, best; value: the bound, or beta."""

    kind: Kind
    value: float

    @classmethod
    def parse(cls, text: str) -> Objective:
        """From its text.

        Raises:
            InputError: it is none.

        >>> Objective.parse("precision:0.9")
        Objective(kind='precision', value=0.9)
        """
        kind, _, number = text.strip().partition(":")
        if kind[:1].lower() == "f" and not number:
            kind, number = "f", kind[1:]
        try:
            value = math.nan if "_" in number else float(number)
        except ValueError:
            value = math.nan
        within = {
            "f": 0 < value < LARGEST_BETA,
            "precision": 0 < value <= 1,
            "recall": 0 < value <= 1,
            "fppi": 0 <= value < math.inf,
        }
        if not within.get(kind):
            raise InputError(f"objective: expected {EXPECTED}, got {text!r}")
        return cls(kind, value)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """As :meth:`parse` reads it."""
        number = f"{self.value!r}".removesuffix(".0")
        return f"f{number}" if self.kind == "f" else f"{self.kind}:{number}"

    @property
    def words(self) -> str:
        """What is sought.

        >>> Objective("fppi", 0.1).words
        'the most recall at 0.1 false positives an image or fewer'
        """
        return {
            "f": f"the best F{self.value:g}",
            "precision": f"the most recall at a precision of {self.value:g} or more",
            "recall": f"the most precision at a recall of {self.value:g} or more",
            "fppi": f"the most recall at {self.value:g} false positives an image or fewer",
        }[self.kind]

    @property
    def beta(self) -> float:
        """Of the F-beta that is best, 1 where a bound is asked for."""
        return self.value if self.kind == "f" else 1.0

    def best(self, cuts: Cuts) -> tuple[int | None, str]:
        """The index of the cut to take, or None and why there is none."""
        wanted, within = self._wanted(cuts)
        within = within & (cuts.true_positives > 0)
        if not within.any():
            return None, self._unreached(cuts)
        # Thresholds fall, so the first of equal ones is the highest.
        return int(np.argmax(np.where(within, wanted, -1.0))), ""

    def _wanted(self, cuts: Cuts) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """(S,) what should be high, and where the bound is kept."""
        match self.kind:
            case "f":
                return cuts.f(self.value), np.ones(len(cuts.thresholds), bool)
            case "precision":
                return cuts.recall, cuts.precision >= self.value
            case "recall":
                return cuts.precision, cuts.recall >= self.value
            case "fppi":
                return cuts.recall, cuts.fp_an_image <= self.value

    def _unreached(self, cuts: Cuts) -> str:
        if not (cuts.true_positives > 0).any():
            return "no detection is right"
        if self.kind == "fppi":
            least = int(np.argmax(cuts.true_positives > 0))
            return (
                f"not reached: {self._short(cuts.fp_an_image[least])} false positives an image "
                f"down to the first that is right, at {cuts.thresholds[least].item()!r}"
            )
        values = cuts.precision if self.kind == "precision" else cuts.recall
        most = int(np.nanargmax(values))
        at = cuts.thresholds[most].item()
        return f"not reached: {self.kind} is {self._short(values[most])} at most, at {at!r}"

    def _short(self, value: float) -> str:
        """Not so short that it would seem to keep the bound."""
        text = f"{value:.4g}"
        same = float(text) >= self.value if self.kind != "fppi" else float(text) <= self.value
        return repr(float(value)) if same else text
