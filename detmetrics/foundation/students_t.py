"""Student's t distribution: how likely a ratio to a standard error is by chance.

The tail is half of the regularised incomplete beta function I_x(v / 2, 1 / 2) at x = v / (v + t^2),
taken as a continued fraction. Source: M. Abramowitz, I. Stegun, Handbook of Mathematical Functions
(1964), 26.5.8 (the fraction) and 26.5.27 (the tail); W. Lentz, Applied Optics 15 (1976), for how it
is evaluated.
"""

from __future__ import annotations

import math

__all__ = ["quantile", "upper_tail"]

TINY = 1e-300
STEPS = 10_000


def upper_tail(t: float, freedom: float) -> float:
    """The probability of a value above t; freedom: degrees of it, any number above 0.

    >>> round(upper_tail(2.228, 10), 4), upper_tail(0.0, 3), round(upper_tail(-12.706, 1), 3)
    (0.025, 0.5, 0.975)
    """
    if math.isnan(t) or math.isnan(freedom):
        return math.nan
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    # x and 1 - x each from t, as their difference from 1 would lose the digits of small ones.
    square = t * t
    whole = freedom + square
    beyond = _beta(freedom / 2, 0.5, freedom / whole, square / whole) / 2
    return beyond if t >= 0 else 1 - beyond


def quantile(share: float, freedom: float) -> float:
    """The value that is exceeded with the probability ``1 - share``, by halving; share: in (0, 1).

    >>> round(quantile(0.975, 4), 3), quantile(0.5, 4)
    (2.776, 0.0)
    """
    if share < 0.5:
        return -quantile(1 - share, freedom)
    low, high, tail = 0.0, 1.0, 1 - share
    while upper_tail(high, freedom) > tail and high < 1e300:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if upper_tail(middle, freedom) > tail else (low, middle)
    return 0.0 if share == 0.5 else (low + high) / 2


def _beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function; rest: 1 - x."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log + a * math.log(x) + b * math.log(rest))
    # The fraction converges fast below this point; above it the other tail is taken.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    up, down = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    found = down
    for m in range(1, STEPS):
        before = found
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            down = 1 / _kept(1 + term * down)
            up = _kept(1 + term / up)
            found *= up * down
        if abs(found - before) <= 1e-15 * abs(found):
            break
    return found


def _kept(value: float) -> float:
    """Away from 0, through which the fraction is divided."""
    return value if abs(value) > TINY else TINY
