"""What stands above its user: bound by name at the top of the package, loaded when asked for.

Imports point downwards. Where a room below must reach one above (a result its figures, rules the
names of metrics), ``detmetrics/__init__.py`` binds what it reaches, since it knows both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["bind", "bound"]

_loaders: dict[str, Callable[[], Any]] = {}


def bind(name: str, load: Callable[[], Any]) -> None:
    """Say what loads the thing of this name; it is called each time the thing is asked for."""
    _loaders[name] = load


def bound(name: str) -> Any:
    """The thing of this name."""
    return _loaders[name]()
