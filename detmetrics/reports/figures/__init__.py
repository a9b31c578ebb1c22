"""Figures, drawn with matplotlib's objects: no window, no state, colours that all people tell."""

from __future__ import annotations

import importlib
import io
import os
import warnings
from typing import TYPE_CHECKING, Any

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "FORMATS", "figure_bytes", "matplotlib_module", "suffix_of"]

FORMATS = ("png", "svg", "pdf")
COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "brown": "#7A4B1E",
}
"""Of Okabe and Ito (2008), which people with any kind of colour vision tell apart; their yellow,
which is hardly seen on white, is left out for a brown."""

DOTS_AN_INCH = 150
PLAIN = {"svg.hashsalt": "detmetrics", "svg.fonttype": "none", "pdf.fonttype": 42}


def matplotlib_module(name: str) -> Any:
    """A module of matplotlib.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(f"matplotlib{'.' if name else ''}{name}")
    except ImportError:
        raise InputError(
            "figures need matplotlib, which is not installed: pip install 'detmetrics[plots]'"
        ) from None


def suffix_of(path: str) -> str:
    """The kind of figure that a name asks for.

    Raises:
        InputError: none of those that can be written.
    """
    suffix = os.path.splitext(path)[1].lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise InputError(f"{path}: expected a name that ends in {known}, got {shown(suffix)}")
    return suffix


def figure_bytes(figure: Figure, suffix: str) -> bytes:
    """A figure as a file holds it: the same bytes each time."""
    out = io.BytesIO()
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    with matplotlib_module("").rc_context(PLAIN), warnings.catch_warnings():
        # A box is drawn for a letter that the font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        warnings.filterwarnings("ignore", "Matplotlib currently does not support", UserWarning)
        figure.savefig(out, format=suffix, dpi=DOTS_AN_INCH, metadata=dated)
    return out.getvalue()
