"""``detmetrics report``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from report_pages import FOUND, TRUTH, example, parsed, write_pictures

from detmetrics.cli import cli
from detmetrics.reports import html


def run(*arguments: str):
    return CliRunner().invoke(cli, ["report", TRUTH, FOUND, *map(str, arguments)])


def test_everything_at_once(tmp_path):
    page, numbers, text = (tmp_path / f"report.{kind}" for kind in ("html", "json", "md"))
    ran = run(
        *("-o", page, "--json", numbers, "--markdown", text, "--resamples", 20, "--compare", FOUND),
        *(
            "--slices-by-pattern",
            "street_0([01])",
            "--image-dir",
            write_pictures(tmp_path / "images"),
        ),
    )
    assert ran.exit_code == 0, ran.output
    assert f"{page}: 0." in ran.stderr
    assert "in the gallery" in ran.stderr
    assert ran.stdout == ""
    document = json.loads(numbers.read_text())
    assert document["slices"]["by"] == "street_0([01])"
    assert document["comparison"]["metrics"]["AP"]["b_better"] == 0.5
    assert document["intervals"]["resamples"] == 20
    assert {"comparison-1", "slices"} <= set(parsed(page.read_text()).tables)
    assert "### What to fix first" in text.read_text()


def test_the_page_of_the_library_is_the_page_of_the_command(tmp_path):
    page = tmp_path / "report.html"
    assert run("-o", page, "--no-ci", "-q").exit_code == 0
    assert page.read_text() == html.to_html(html.report_of(example(), resamples=0))


def test_some_images_and_classes(tmp_path):
    ran = run(
        *("-o", "-", "--json", tmp_path / "a.json", "--no-ci", "-q"),
        *("--images", "street_000.jpg,street_001.jpg", "--classes", "person,car"),
    )
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("<!doctype html>")
    assert json.loads((tmp_path / "a.json").read_text())["counts"]["images"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resamples", "1"], "1 is not in the range x>=2"),
        (["--images", "."], "the folder of pictures is --image-dir"),
        (["--slices-bins", "3"], "--slices-bins needs --slices-by"),
        (["--slices-by", "images.csv"], "--slices-by: expected FILE:COLUMN, got 'images.csv'"),
        (
            ["--slices-by-field", "a", "--slices-by-pattern", "b"],
            "expected one of --slices-by FILE:COLUMN, --slices-by-field and --slices-by-pattern",
        ),
        (["-o", FOUND], "--output would write to the same file as an input"),
        (["--compare", "a.json", "-o", "a.json"], "the same file as an input"),
        (["-o", "-", "--json", "-"], "can be standard output"),
    ],
)
def test_wrong_usage(arguments, message):
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert message in " ".join(ran.stderr.split()).replace("│ ", "")


def test_nothing_is_written_where_one_of_the_files_cannot_be(tmp_path):
    page = tmp_path / "report.html"
    ran = run("-o", page, "--json", tmp_path / "none" / "a.json", "--no-ci")
    assert ran.exit_code == 1
    assert "cannot be written" in ran.stderr
    assert not page.exists()
