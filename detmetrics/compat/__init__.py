"""Stand-ins for other packages' interfaces; it may import any room."""

from __future__ import annotations

__all__ = ["install_as_pycocotools"]


def install_as_pycocotools() -> None:
    """Let ``pycocotools.cocoeval.COCOeval`` be detmetrics' own, for code that cannot change.

    Call it before that code is imported: what was imported by name before keeps the other one.

    Raises:
        ImportError: pycocotools is not installed, whose classes it takes the place of.

    ::

        detmetrics.compat.install_as_pycocotools()
        from pycocotools.cocoeval import COCOeval  # detmetrics' own from here on
    """
    import pycocotools.cocoeval

    from detmetrics.compat.pycocotools import COCOeval

    pycocotools.cocoeval.COCOeval = COCOeval
