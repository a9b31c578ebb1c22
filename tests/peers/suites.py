"""The peers' own suites, run with our stand-ins in their place: ``make peer-suites``.

Fetches from the package index, so that no test that has to hold calls it. Of the packages that are
followed here, faster-coco-eval alone ships its tests in its source distribution: those of
pycocotools, torchmetrics, hotcoco and globox have none of their evaluator, those of supervision and
sahi none that run without their repositories; what these ask is rebuilt as cases of our own
(``tests/parity``, ``tests/plugins``).

A test counts as tried where it passes with the package itself here; the others need data that the
distribution lacks. One that then does not pass with the stand-in differs: each of those has its
reason below, and one without fails the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "peer-suites"
PACKAGE, VERSION = "faster_coco_eval", "1.8.0"
WANTED = f"{PACKAGE.replace('_', '-')}=={VERSION}"
SUITE = f"{PACKAGE}-{VERSION}"

PLUGIN = """
import os, sys
from pathlib import Path
import torchvision_operators
if os.environ["PEER_STAND_IN"]:
    from detmetrics.compat import install_as_faster_coco_eval
    install_as_faster_coco_eval()
    # What the stand-in has no module for, such as its compiled parts, stays the package's own.
    for name, module in list(sys.modules.items()):
        folder = Path(os.environ["PEER_SITE"], *name.split("."))
        if name.split(".")[0] == "faster_coco_eval" and folder.is_dir():
            module.__path__ = [str(folder)]
"""

ID_ZERO = "objects numbered from 0: it counts id 0 as unmatched, the stand-in as matched"
ABSENT = "tests what the stand-in does not have (docs/training.md)"
INSIDE = "tests its own inner functions and settings of threads"
REASONS = (
    (r"extensive_pycocotools_comparison", ID_ZERO),
    (r"annotation_id_zero", ID_ZERO),
    (r"rle_iou|sparse_iou|accumulation_is_determ|math_matches|one_pass|all_gather", INSIDE),
    (r"pytorch_coco_eval", INSIDE),
    (r"auc|extra_metrics|extra_curves|extended_metrics|test_basic|boundary|separate_fn", ABSENT),
    (r"dump_round_trips|SegmToRle", ABSENT),
    (r"reject|invalid_core_iou|nan_detection", "other words or another type of an error"),
    (r"not_shared_mutable", "its index is pycocotools' own, with its default arguments"),
    (r"init_pycocotools", "the name pycocotools leads to detmetrics, not to the package"),
)


NUMBERED = "test_extensive_pycocotools_comparison.py"
"""Its tests that compare numbers with pycocotools', on objects numbered from 0."""


def fetched() -> tuple[Path, Path]:
    """The folder of its tests, and one in which the package itself is installed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    site, tests = BUILD / "site", BUILD / "run" / "tests"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    if not (site / PACKAGE).is_dir():
        _do(*pip, "install", "--quiet", "--no-deps", "--target", site, WANTED, "parameterized")
    if not tests.is_dir():
        options = ("--quiet", "--no-deps", "--no-binary", PACKAGE, "--dest", BUILD)
        _do(*pip, "download", *options, WANTED)
        with tarfile.open(BUILD / f"{SUITE}.tar.gz") as archive:
            archive.extractall(BUILD / "unpacked", filter="data")
        tests.parent.mkdir(exist_ok=True)
        (BUILD / "unpacked" / SUITE / "tests").rename(tests)
    (BUILD / "peer_plugin.py").write_text(PLUGIN)
    return tests, site


def renumbered(tests: Path) -> Path:
    """A folder with its comparison of numbers, on the same objects numbered from 1."""
    folder = tests.parent / "renumbered"
    folder.mkdir(exist_ok=True)
    text, count = re.subn(r"ann_id = 0\b", "ann_id = 1", (tests / NUMBERED).read_text())
    assert count, "objects are numbered in another way"
    (folder / NUMBERED).write_text(text)
    return folder


def outcomes(tests: Path, site: Path, *, stand_in: bool) -> dict[str, bool]:
    """Which tests pass; those that are skipped are not among them."""
    report = BUILD / f"{'ours' if stand_in else 'theirs'}-{tests.name}.xml"
    paths = [ROOT, ROOT / "tests", BUILD, site]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PEER_STAND_IN": "yes" if stand_in else "",
        "PEER_SITE": str(site),
        "OMP_NUM_THREADS": "1",
    }
    options = (
        "-q",
        "-p",
        "peer_plugin",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        "-W",
        "ignore",
    )
    more = ("--continue-on-collection-errors", f"--rootdir={tests.parent}", f"--junitxml={report}")
    command = (sys.executable, "-m", "pytest", *options, *more, tests)
    log = BUILD / f"{report.stem}.log"
    with log.open("w") as file:
        # Failures are what is counted; what pytest itself ends with otherwise is a fault here.
        code = subprocess.run(
            [*map(str, command)], cwd=tests.parent, env=environment, stdout=file, stderr=file
        ).returncode
    if code not in (0, 1, 2):
        raise SystemExit(f"{log}: pytest ended with {code}")
    cases = ElementTree.parse(report).iter("testcase")
    return {
        f"{one.get('classname')}::{one.get('name')}": one.find("failure") is None
        and one.find("error") is None
        for one in cases
        if one.find("skipped") is None
    }


def reason(test: str) -> str | None:
    """Why a test differs, None where nobody knows."""
    return next((text for pattern, text in REASONS if re.search(pattern, test)), None)


def main() -> int:
    """Print the table; 1 where a test differs without a reason."""
    tests, site = fetched()
    theirs = outcomes(tests, site, stand_in=False)
    ours = outcomes(tests, site, stand_in=True)
    tried = sorted(test for test, passed in theirs.items() if passed)
    differ = {test: reason(test) for test in tried if not ours.get(test, False)}
    print(f"{WANTED}: {len(theirs)} tests, {len(theirs) - len(tried)} of which need other data\n")
    print(f"tried {len(tried)}, equal {len(tried) - len(differ)}, differ {len(differ)}\n")
    for text, count in Counter(differ.values()).most_common():
        print(f"{count:5}  {text or 'NO REASON KNOWN'}")
    again = outcomes(renumbered(tests), site, stand_in=True)
    print(
        f"\nnumbered from 1 {sum(again.values())} of {len(again)} comparisons of numbers are equal"
    )
    unknown = [test for test, text in differ.items() if text is None]
    print("".join(f"\n{test}" for test in unknown))
    return 1 if unknown or not all(again.values()) else 0


def _do(*command: object) -> None:
    subprocess.run([*map(str, command)], check=True)


if __name__ == "__main__":
    sys.exit(main())
