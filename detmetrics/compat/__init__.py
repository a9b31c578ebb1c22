"""Stand-ins for other packages' interfaces; it may import any room."""

from __future__ import annotations

__all__ = [
    "install_as_faster_coco_eval",
    "install_as_hotcoco",
    "install_as_pycocotools",
    "install_as_ultrafast_pycocotools",
]


def install_as_pycocotools() -> None:
    """Let ``COCO`` and ``COCOeval`` of pycocotools be detmetrics' own, for code that cannot change.

    Call it before that code is imported: what was imported by name before keeps the other ones.
    Where another package took over the name ``pycocotools``, as
    ``faster_coco_eval.init_as_pycocotools()`` does, pycocotools gets its name back first.

    Raises:
        ImportError: pycocotools is not installed, whose classes it takes the place of.

    ::

        from detmetrics.compat import install_as_pycocotools

        install_as_pycocotools()
        from pycocotools.cocoeval import COCOeval  # detmetrics' own from here on
    """
    from detmetrics.foundation.originals import original, reinstate

    reinstate()
    from detmetrics.compat.pycocotools import COCO, COCOeval

    original("coco").COCO = COCO  # type: ignore[attr-defined]
    original("cocoeval").COCOeval = COCOeval  # type: ignore[attr-defined]


def install_as_faster_coco_eval() -> None:
    """Let ``faster_coco_eval`` be detmetrics' stand-in, whether it is installed or not.

    Call it before the code that imports it. What is there and what is not: ``docs/training.md``.

    Raises:
        ImportError: pycocotools is not installed.

    ::

        from detmetrics.compat import install_as_faster_coco_eval

        install_as_faster_coco_eval()
        from faster_coco_eval import COCO, COCOeval_faster  # detmetrics' own from here on
    """
    from detmetrics.compat.faster_coco_eval import install

    install()


def install_as_hotcoco() -> None:
    """Let ``hotcoco`` be detmetrics' stand-in, whether it is installed or not.

    Call it before the code that imports it. What is there and what is not: ``docs/training.md``.

    Raises:
        ImportError: pycocotools is not installed.
    """
    from detmetrics.compat.hotcoco import install

    install()


def install_as_ultrafast_pycocotools() -> None:
    """Let ``ultrafast_pycocotools`` be detmetrics' stand-in, whether it is installed or not.

    Call it before the code that imports it. What is there and what is not: ``docs/training.md``.

    Raises:
        ImportError: pycocotools is not installed.
    """
    from detmetrics.compat.ultrafast_pycocotools import install

    install()
