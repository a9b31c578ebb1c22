"""Makes ``example.json``: pycocotools' value of every cell for the example in ``fixtures/``.

Run with ``python tests/golden/make.py``; it uses pycocotools alone, nothing of detmetrics.
"""

import contextlib
import gzip
import io
import json
from importlib.metadata import version
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

HERE = Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures"


def main() -> None:
    """Write the golden file."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(FIXTURES / "ground_truth.json"))
        evaluator = COCOeval(truth, truth.loadRes(str(FIXTURES / "detections.json")), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    document = {
        "made_by": f"pycocotools {version('pycocotools')}, tests/golden/make.py",
        "stats": evaluator.stats.tolist(),
        **{name: evaluator.eval[name].tolist() for name in ("precision", "recall", "scores")},
    }
    text = json.dumps(document).encode()
    (HERE / "example.json.gz").write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()
