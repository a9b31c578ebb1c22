"""Whole numbers divided by powers of ten, rounded once, where no float holds the whole number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Floats

__all__ = ["LARGEST_WHOLE", "quotients"]

LARGEST_WHOLE = 9 * 10**18
"""Whole numbers below it, rounded to a float, are whole numbers of 64 bits still."""
SPLIT = float((1 << 27) + 1)
NEAR = 2.0**-30
"""How near to a tie, in units of the last place, is left in doubt; errors are some 2**-49."""


def quotients(whole: NDArray[np.uint64], power: Floats) -> tuple[Floats, Bools]:
    """(n,) ``whole / power`` as exact fractions rounded to the nearest float; (n,) in doubt.

    whole: below ``LARGEST_WHOLE``; power: powers of ten up to the 22nd, which floats hold.

    >>> quotients(np.array([30000000000000004], np.uint64), np.array([1e17]))[0].tolist()
    [0.30000000000000004]
    """
    # whole = high + low; first = round(high / power) leaves an exact remainder:
    #     whole / power = first + (high - first * power + low) / power
    # The second term is a few units of the last place of the first, and known to 50 bits of its
    # own. Their sum rounds as the exact one does, unless it lies next to a tie of two floats.
    number = whole.view(np.int64)
    high = number.astype(np.float64)
    low = number - high.astype(np.int64)
    first = high / power
    product, rest = _product(first, power)
    second = (((high - product) - rest) + low) / power
    found = first + second
    missed = np.abs((first - found) + second) / np.spacing(found)
    # Below a power of two the next float is half as far, and so is the tie.
    doubt = (np.abs(missed - 0.5) < NEAR) | (np.abs(missed - 0.25) < NEAR)
    return found, doubt


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The product, rounded, and what rounding took; their sum is exact.

    Source: T. J. Dekker, A Floating-Point Technique for Extending the Available Precision,
    Numerische Mathematik 18 (1971), 224-242.
    """
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    rest = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, rest


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """A number as a sum of two of 26 bits."""
    scaled = SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high
