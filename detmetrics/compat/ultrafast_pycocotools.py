"""``ultrafast_pycocotools`` as its clients use it, matched by detmetrics.

pycocotools' classes and summary, ``run()`` and ``stats_as_dict``. Source:
``ultrafast_pycocotools/cocoeval.py``, 0.1.14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detmetrics.compat import install_as_pycocotools
from detmetrics.compat.extended import (
    ExtendedEvaluator,
    ExtendedIndex,
    detection_numbers,
    printed_by,
    refuse,
)
from detmetrics.compat.names import mask_module, register
from detmetrics.compat.pycocotools import Params

__all__ = ["UltrafastEvaluator", "UltrafastIndex", "install"]

PACKAGE = "ultrafast_pycocotools"
SETTINGS = {
    "lvis_style": (False, "use detmetrics.evaluate(..., rules='lvis')"),
    "use_area": (True, "give each object an area"),
}
ALIASES = {
    "AP_all": "AP",
    "AP50": "AP_50",
    "AP75": "AP_75",
    "APs": "AP_small",
    "APm": "AP_medium",
    "APl": "AP_large",
}
KEYPOINTS = (
    *("AP", "AP_50", "AP_75", "AP_medium", "AP_large"),
    *("AR", "AR_50", "AR_75", "AR_medium", "AR_large"),
)


class UltrafastIndex(ExtendedIndex):
    """An index of annotations: of a path, or of a mapping."""

    def __init__(self, annotation_file: Any = None, *, verbose: bool = True) -> None:
        self.print_function = print if verbose else _silent
        super().__init__(annotation_file)


class UltrafastEvaluator(ExtendedEvaluator):
    """The evaluator; what detmetrics has no way for is refused.

    Raises:
        NotImplementedError: an argument that is not available here, with the way round it.
    """

    def __init__(
        self,
        cocoGt: Any = None,  # noqa: N803
        cocoDt: Any = None,  # noqa: N803
        iouType: str = "segm",  # noqa: N803
        *,
        store_eval_imgs: bool = False,  # noqa: ARG002 - records are made when they are asked for
        lvis_style: bool = False,
        lvis_protocol: str = "official",  # noqa: ARG002 - of LVIS, which is refused
        kpt_oks_sigmas: Any = None,
        use_area: bool = True,
        boundary_dilation_ratio: float = 0.02,  # noqa: ARG002 - of boundaries, which are refused
        print_function: Callable[[str], Any] = print,
    ) -> None:
        given = {"lvis_style": lvis_style, "use_area": use_area}
        refuse(PACKAGE, given, SETTINGS)
        super().__init__(cocoGt, cocoDt, iouType)
        self.print_function = print_function
        if kpt_oks_sigmas is not None:
            self.params.kpt_oks_sigmas = np.asarray(kpt_oks_sigmas, np.float64)

    def summarize(self) -> None:
        """Set ``stats`` as pycocotools does, and print them."""
        with printed_by(self.print_function):
            super().summarize()

    @property
    def stats_as_dict(self) -> dict[str, float]:
        """The numbers by name, of the last ``summarize()``."""
        names: list[str] = list(KEYPOINTS)
        if self.params.iouType != "keypoints":
            asked = detection_numbers(self.params)
            names = ["AP" if name == "AP_all" else name for name in asked]
        values = {name: float(value) for name, value in zip(names, self.stats, strict=False)}
        values |= {alias: values[name] for alias, name in ALIASES.items() if name in values}
        limits = [name for name in values if name.startswith("AR_") and name[3:].isdigit()]
        if self.params.iouType != "keypoints":
            values |= {name.replace("AR_", "AR@"): values[name] for name in limits}
        return values


def _silent(_: str) -> None:
    """Print nothing."""


def install() -> None:
    """Register the modules, see :func:`detmetrics.compat.install_as_ultrafast_pycocotools`."""
    evaluator = {"COCOeval": UltrafastEvaluator, "Params": Params}
    register(
        {
            PACKAGE: {
                "COCO": UltrafastIndex,
                **evaluator,
                "init_as_pycocotools": install_as_pycocotools,
            },
            f"{PACKAGE}.coco": {"COCO": UltrafastIndex},
            f"{PACKAGE}.cocoeval": evaluator,
            f"{PACKAGE}.mask": mask_module(),
        },
        {"metrics": "use detmetrics.DetectionMetric"},
    )
