"""Box files, a file or folder per format: files to sheets, and tables to files; it imports tables.

``lines/``, ``json/``, ``tabular/``, ``metadata/`` and ``writing/`` are what several formats share.
No format imports another. A package adds one with an
entry point of the group ``detmetrics.formats``; see ``docs/formats.md`` for a complete example.
"""

from __future__ import annotations

import lazy_loader

# Names and modules stand in __init__.pyi; each is imported when it is first asked for.
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
