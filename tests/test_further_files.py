"""A metric and an analysis are a file and a row each: those of CONTRIBUTING.md, added to a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ("fixtures/ground_truth.json", "fixtures/detections.json")
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)


def block(word: str) -> str:
    (found,) = [one for one in BLOCKS if word in one]
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with the two files, and with a row in each of the two tables."""
    root = tmp_path_factory.mktemp("copy")
    package = root / "detmetrics"
    shutil.copytree(ROOT / "detmetrics", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "metrics" / "f2.py").write_text(block("def best_f2"))
    groups = package / "metrics" / "registry.py"
    text = groups.read_text().replace("import average_precision,", "import average_precision, f2,")
    groups.write_text(text.replace("    jaccard.GROUP,\n", "    jaccard.GROUP,\n    f2.GROUP,\n"))
    (package / "analysis" / "separation.py").write_text(block("def score_separation"))
    with (package / "analysis" / "__init__.pyi").open("a") as stub:
        stub.write("from .separation import score_separation as score_separation\n")
    (root / "f2.toml").write_text('name = "mine"\nmetrics = ["ap", "f2"]\n')
    return root


def run(copy: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-P", *arguments],
        env={**os.environ, "PYTHONPATH": str(copy)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


# The best F2 of every class by a loop over confidences, with the copy's own matches.
SLOW = f"""
import json, numpy as np, detmetrics as dm
assert "{{copy}}" in dm.__file__
rules = dm.COCO.replace(metrics=["ap", "f2"])
result = dm.evaluate({EXAMPLE[0]!r}, {EXAMPLE[1]!r}, rules)
table = result.matches(iou=0.5)
best = {{{{}}}}
for name, rows in table.groupby("category"):
    positives = (rows.verdict.isin(["true positive", "missed"])).sum()
    if not positives:
        continue
    of_cut = [0.0]
    for cut in rows.score.dropna().unique():
        kept = rows[rows.score >= cut]
        tp = int((kept.verdict == "true positive").sum())
        fp = int((kept.verdict == "false positive").sum())
        p, r = tp / max(tp + fp, 1), tp / positives
        of_cut.append(5 * p * r / (4 * p + r) if tp else 0.0)
    best[name] = max(of_cut)
print(json.dumps([best, result.per_class()["F2"].dropna().to_dict(), result.summary["F2"]]))
"""


def test_the_metric_is_what_it_is_defined_as(copy):
    slow, fast, mean = json.loads(run(copy, "-c", SLOW.format(copy=copy)))
    assert fast == pytest.approx(slow)
    assert len(fast) == 4
    assert mean == pytest.approx(sum(slow.values()) / len(slow))


def test_the_metric_is_in_every_view(copy, tmp_path):
    out, page = str(tmp_path / "out.json"), str(tmp_path / "page.html")
    options = ("--rules", str(copy / "f2.toml"), "--per-class", "--ci", "--resamples", "20")
    table = run(copy, "-m", "detmetrics", "evaluate", *EXAMPLE, *options, "--json", out)
    document = json.loads(Path(out).read_text())
    value = document["metrics"]["F2"]
    assert 0 < value < 1
    assert re.search(rf"^F2 +{value:.4f} .*F2 at its best confidence", table, re.M)
    assert re.search(r"^class .* F2$", table, re.M)
    assert set(document["per_class"]["person"]) >= {"AP", "F2"}
    low, high = (document["intervals"]["metrics"]["F2"][end] for end in ("low", "high"))
    assert low < value < high
    run(copy, "-m", "detmetrics", "report", *EXAMPLE, *options[:2], "--output", page)
    assert "F2 at its best confidence" in Path(page).read_text()


def test_the_rules_know_its_name(copy):
    ask = "import detmetrics as dm; print(dm.COCO.replace(metrics=['f2', 'ap']).metrics)"
    assert run(copy, "-c", ask) == "('ap', 'f2')\n"


def test_the_analysis_is_asked_like_any_other(copy):
    ask = (
        "import detmetrics as dm, numpy as np; from detmetrics import analysis; "
        f"result = dm.evaluate({EXAMPLE[0]!r}, {EXAMPLE[1]!r}); "
        "got = analysis.score_separation(result).classes; "
        "rows = result.matches(iou=0.5).query('category == \"person\"'); "
        "right, wrong = (rows[rows.verdict == v].score.to_numpy() "
        "for v in ('true positive', 'false positive')); "
        "pairs = (right[:, None] > wrong) + (right[:, None] == wrong) / 2; "
        "assert 'score_separation' in analysis.__all__; "
        "print(np.isnan(got['bus']), got['person'] == pairs.mean())"
    )
    assert run(copy, "-c", ask) == "True True\n"


def test_the_package_itself_has_neither():
    assert not (ROOT / "detmetrics" / "metrics" / "f2.py").exists()
    assert not (ROOT / "detmetrics" / "analysis" / "separation.py").exists()
