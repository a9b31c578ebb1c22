"""Stand-ins for other packages' interfaces; it may import any room."""

from __future__ import annotations

__all__ = ["install_as_pycocotools"]


def install_as_pycocotools() -> None:
    """Let ``COCO`` and ``COCOeval`` of pycocotools be detmetrics' own, for code that cannot change.

    Call it before that code is imported: what was imported by name before keeps the other ones.
    Where another package took over the name ``pycocotools``, as
    ``faster_coco_eval.init_as_pycocotools()`` does, pycocotools gets its name back first.

    Raises:
        ImportError: pycocotools is not installed, whose classes it takes the place of.

    ::

        detmetrics.compat.install_as_pycocotools()
        from pycocotools.cocoeval import COCOeval  # detmetrics' own from here on
    """
    from detmetrics.foundation.originals import original, reinstate

    reinstate()
    from detmetrics.compat.pycocotools import COCO, COCOeval

    original("coco").COCO = COCO  # type: ignore[attr-defined]
    original("cocoeval").COCOeval = COCOeval  # type: ignore[attr-defined]
