"""``detmetrics errors`` from the outside: every view shows the numbers of the library."""

from __future__ import annotations

import csv
import io
import json

import builders
import pytest
from builders import annotation, category, detection, document, write
from click.testing import CliRunner, Result

import detmetrics as dm
from detmetrics.analysis import blind_spots, confusion_matrix, error_types
from detmetrics.analysis.error_kinds import ERROR_KINDS, MENDED_TOGETHER
from detmetrics.cli import cli, command_of
from detmetrics.reports.error_kinds import class_error_table, confusion_table

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
KINDS = (*ERROR_KINDS, *MENDED_TOGETHER)


@pytest.fixture(scope="module")
def result() -> dm.Evaluation:
    return dm.evaluate(*FIXTURES)


def run(*arguments: object) -> Result:
    ran = CliRunner().invoke(cli, ["errors", *map(str, arguments)])
    ran.stderr_bytes = builders.without_formats(ran.stderr_bytes)
    return ran


def done(*arguments: object) -> str:
    ran = run(*arguments)
    assert ran.exit_code == 0, (ran.stderr, ran.exception)
    return ran.stdout


def test_text_shows_kinds_with_their_numbers(result):
    errors = error_types(result)
    lines = done(*FIXTURES).splitlines()
    for line, kind in zip(lines[2:], KINDS, strict=False):
        assert line.startswith(kind)
        count, dap, *_ = line.removeprefix(kind).split()
        assert (int(count), dap) == (errors.counts[kind], f"{errors.dap[kind]:.4f}")
    assert errors.signature in lines
    assert "there, found as" not in "\n".join(lines)
    assert max(map(len, lines)) <= 100


def test_classes_and_matrix_where_asked_for(result):
    text = done(*FIXTURES, "--per-class", "--confusion")
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    dog = confusion_matrix(result).frame().loc["dog"]
    assert rows["dog"] == [str(count) for count in dog]
    assert "confusion at confidence 0.25 and IoU 0.5 or more (greedy), 5 set aside" in text
    text = done(*FIXTURES, "--confusion", "--definition", "ultralytics", "--confidence", 0.5)
    assert "confidence 0.5 and IoU 0.45 exceeded (ultralytics), 0 set aside" in text


def test_json_is_what_the_library_says(result):
    document = json.loads(done(*FIXTURES, "--json", "-", "--confusion", "--iou", 0.75))
    assert document["schema"] == 1
    assert document["errors"] == error_types(result, 0.75).to_dict()
    assert document["confusion"] == confusion_matrix(result).to_dict()
    assert document["blind_spots"] == blind_spots(result).to_dict()
    assert document["attention"] == list(result.attention)
    assert "confusion" not in json.loads(done(*FIXTURES, "--json", "-"))


def test_csv_has_all_classes_and_then_each(result):
    rows = list(csv.DictReader(io.StringIO(done(*FIXTURES, "--csv", "-"))))
    errors = error_types(result)
    assert [row["scope"] for row in rows] == ["all"] + ["class"] * 5
    assert {kind: int(rows[0][kind]) for kind in KINDS} == errors.counts
    assert {kind: float(rows[0][f"{kind} dAP"]) for kind in KINDS} == errors.dap
    assert rows[4]["class"] == "bus"
    assert rows[4]["AP"] == ""


def test_markdown_and_text_at_once(tmp_path, result):
    target = tmp_path / "errors.md"
    text = done(*FIXTURES, "--markdown", target, "--per-class", "--confusion")
    assert text.startswith("error ")
    markdown = target.read_text()
    assert "| localisation | 8 | 0.0618 |" in markdown
    assert "| dog | 1 | 0 | 0 | 0 | 2 | 4 |" in markdown


def test_undefined_has_its_reason(tmp_path):
    truth = document()
    truth["annotations"] = []
    files = write(tmp_path, truth, [detection(1, 1, 0.9)])
    text = done(*files)
    assert "undefined: no class is left once they are mended" in text


def test_a_large_matrix_shows_the_classes_most_confused(tmp_path):
    truth = document()
    truth["categories"] = [category(k, f"kind of thing {k}") for k in range(1, 41)]
    truth["annotations"] = [
        annotation(k, category_id=k, bbox=[20 * k, 0, 10, 10]) for k in range(1, 41)
    ]
    found = [detection(1, k, 0.9, bbox=[20 * k, 0, 10, 10]) for k in range(1, 39)]
    found += [
        detection(1, 39, 0.9, bbox=[800, 0, 10, 10]),
        detection(1, 40, 0.9, bbox=[780, 0, 10, 10]),
    ]
    files = write(tmp_path, truth, found)
    text = done(*files, "--confusion")
    assert "kind of thing 39" in text
    assert "others" in text
    assert max(map(len, text.splitlines())) <= 100
    matrix = confusion_matrix(dm.evaluate(*files))
    table = confusion_table(matrix, 100)
    assert table.columns[-2:] == ("37 others", "background")
    assert {"kind of thing 39", "kind of thing 40"} <= set(table.columns)
    assert sum(sum(row[1:]) for row in table.rows) == matrix.counts.sum()
    assert len(confusion_table(matrix).rows) == 41


def test_names_are_tamed(tmp_path):
    truth = document()
    truth["categories"][0]["name"] = "cat\x1b[31m|<b>"
    files = write(tmp_path, truth, [detection(1, 1, 0.9)])
    assert "\x1b" not in done(*files, "--per-class", "--confusion")
    markdown = done(*files, "--markdown", "-", "--per-class", "--confusion")
    assert "\x1b" not in markdown
    assert "<b>" not in markdown


def test_the_table_of_classes_has_every_kind(result):
    table = class_error_table(error_types(result))
    assert table.columns == ("class", "AP", *KINDS, *(f"{kind} dAP" for kind in KINDS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--iou", "0.1", "--background", "0.1"], "--background must be smaller than --iou"),
        (["--iou", "0"], "Invalid value for '--iou'"),
        (["--iou", "nan"], "--background must be smaller than --iou"),
        (["--image-limit", "0"], "Invalid value for '--image-limit'"),
        (["--rules", "cocoa"], "no rule set 'cocoa'"),
        (["--definition", "coco"], "Invalid value for '--definition'"),
        (["--json", "-", "--csv", "-"], "only one of --json, --csv and --markdown"),
    ],
)
def test_wrong_usage(arguments, message):
    ran = run(*FIXTURES, *arguments)
    assert ran.exit_code == 2
    assert message in ran.stderr
    assert ran.stdout == ""


def test_attention_is_said_unless_quiet():
    assert "11 detections in 1 class without ground truth" in run(*FIXTURES).stderr
    assert run(*FIXTURES, "--quiet").stderr == ""


def test_every_option_has_its_help():
    shown = run("--help").stdout
    for option in command_of("errors").params:
        if option.param_type_name == "option":
            assert option.opts[0] in shown
            assert option.help
