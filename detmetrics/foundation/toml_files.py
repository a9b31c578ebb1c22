"""TOML in and out: documents of settings, and texts as TOML writes them."""

from __future__ import annotations

import os
from typing import Any

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input

__all__ = ["quoted", "read_toml"]

LARGEST = 1 << 20


def read_toml(path: str, what: str) -> dict[str, Any]:
    """The tables of a file; what: it should hold, for messages.

    Raises:
        FormatError: it cannot be read, is too large for settings, or is not TOML.
    """
    import tomllib

    if os.path.isfile(path) and (size := os.path.getsize(path)) > LARGEST:
        raise FormatError(path, [f"expected {what}, got a file of {size:,} bytes"])
    data, _ = read_input(path)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FormatError(path, ["expected TOML, got what is no UTF-8 text"]) from None
    except RecursionError:
        raise FormatError(path, ["expected TOML, got brackets nested too deeply"]) from None
    except ValueError as error:  # among them integers of more digits than Python reads
        raise FormatError(path, [f"expected TOML: {error}"]) from None


def quoted(text: str) -> str:
    r"""A text, or a key, in quotation marks.

    >>> print(quoted('a"b'))
    "a\U00000022b"
    """
    plain = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(plain)}"'
