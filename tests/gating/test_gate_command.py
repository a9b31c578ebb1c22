"""``detmetrics gate``: exit codes, views, baseline files, and what is refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import defusedxml.ElementTree as ElementTree
import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.analysis import GateSettings, gate
from detmetrics.analysis.gating.gate_files import read_gate_file
from detmetrics.cli import cli

ROOT = Path(__file__).parents[2]
TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
FEW = ("--resamples", "40", "--quiet")


def run(*arguments) -> tuple[int, str, str]:
    told = CliRunner().invoke(cli, [str(one) for one in arguments])
    return told.exit_code, told.stdout, told.stderr


@pytest.fixture
def third(tmp_path) -> str:
    """Two thirds of the detections."""
    rows = json.loads(Path(FOUND).read_text())
    path = tmp_path / "third.json"
    path.write_text(json.dumps([row for n, row in enumerate(rows) if n % 3]))
    return str(path)


@pytest.fixture
def baseline(tmp_path) -> str:
    path = str(tmp_path / "baseline.detm")
    assert run("gate", "--save", path, TRUTH, FOUND)[0] == 0
    return path


class TestExitCodes:
    """0 passes, 3 fails, 5 cannot tell where that must not pass, 1 refused, 2 wrong usage."""

    def test_passes(self, baseline):
        code, text, said = run("gate", TRUTH, baseline, FOUND, *FEW)
        assert (code, said) == (0, "")
        assert "passes: 12 lines better or not worse" in text
        assert "Gate: pass" in text

    def test_fails(self, baseline, third):
        code, text, _ = run("gate", TRUTH, baseline, third, "--metrics", "AP", *FEW)
        assert code == 3
        assert re.search(r"^AP +0\.3635 +0\.2331 +-0\.1305 .* worse$", text, re.M)
        assert "fails: AP is worse, -0.1305 [" in text

    def test_cannot_tell(self, baseline, third):
        code, text, _ = run("gate", TRUTH, baseline, third, "--metrics", "APl", *FEW)
        assert code == 0
        assert "images would settle it" in text
        assert "a line that cannot tell does not fail the gate; with --fail-undecided" in text
        strict = ("--metrics", "APl", "--fail-undecided")
        code, text, _ = run("gate", TRUTH, baseline, third, *strict, *FEW)
        assert code == 5
        assert "does not fail the gate" not in text

    def test_worse_comes_before_undecided(self, baseline, third):
        strict = ("--metrics", "AP,APl", "--fail-undecided")
        assert run("gate", TRUTH, baseline, third, *strict, *FEW)[0] == 3

    def test_a_margin_lets_it_pass(self, baseline, third):
        for margin in ("AP=0.9", "0.9"):
            options = ("--metrics", "AP", "--margin", margin)
            assert run("gate", TRUTH, baseline, third, *options, *FEW)[0] == 0

    def test_a_floor_fails_it(self, baseline):
        options = ("--metrics", "AP", "--floor")
        assert run("gate", TRUTH, baseline, FOUND, *options, "AP50=0.57", *FEW)[0] == 0
        code, text, _ = run("gate", TRUTH, baseline, FOUND, *options, "AP50=0.58", *FEW)
        assert code == 3
        assert re.search(r"AP50 is 0\.570\d+, below its floor 0\.58", text)
        lower = ("AP50=0.57", "--floor-on", "lower")
        code, text, _ = run("gate", TRUTH, baseline, FOUND, *options, *lower, *FEW)
        assert code == 3
        assert re.search(r"the lower end of AP50 is 0\.[45]\d*, below its floor 0\.57", text)

    def test_of_several_candidates_one_that_fails(self, baseline, third):
        code, text, _ = run("gate", TRUTH, baseline, FOUND, third, "--metrics", "AP", *FEW)
        assert code == 3
        assert text.count(f"against {FOUND}") == 2

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--rules", "voc2012"), r"rules: coco in the baseline, voc2012 here \(--rules\)"),
            (
                ("--images", "street_000,street_001"),
                r"images: 24 in the baseline, 2 here",
            ),
            (("--classes", "dog"), r"classes: 5 in the baseline, 1 here \(--classes\)"),
            (("--only-detected-images",), r"images: 24 in the baseline, 2\d here"),
        ],
    )
    def test_other_inputs_are_refused(self, baseline, third, options, message):
        if options == ("--only-detected-images",):
            rows = [row for row in json.loads(Path(third).read_text()) if row["image_id"] > 120]
            Path(third).write_text(json.dumps(rows))
            message = message.replace("2\\d", "\\d+")
        code, _, said = run("gate", TRUTH, baseline, third, *options, *FEW)
        assert code == 1
        assert re.search(message, said)
        assert f"{baseline}: the baseline was saved with other inputs" in said

    def test_a_candidate_that_is_a_baseline_is_refused(self, baseline):
        code, _, said = run("gate", TRUTH, FOUND, baseline, *FEW)
        assert code == 1
        assert "expected detections as a candidate, got a baseline file" in said

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "expected GROUND_TRUTH, BASELINE and at least one CANDIDATE"),
            ((TRUTH, FOUND), "expected GROUND_TRUTH, BASELINE and at least one CANDIDATE"),
            ((TRUTH, "-", "-"), "standard input can be one of the files"),
            ((TRUTH, FOUND, FOUND, "--metrics", "mAP"), "metrics: no metric 'mAP'"),
            ((TRUTH, FOUND, FOUND, "--margin", "AP=-1"), "--margin"),
            ((TRUTH, FOUND, FOUND, "--margin", "much"), "expected a number from 0 on"),
            ((TRUTH, FOUND, FOUND, "--floor", "0.3"), "expected a metric and a number"),
            ((TRUTH, FOUND, FOUND, "--metrics", "AP,AP"), "expected each name once"),
            (
                (TRUTH, FOUND, FOUND, "--json", "-", "--junit", "-"),
                "only one of --json, --markdown, --junit and --save",
            ),
            ((TRUTH, FOUND, FOUND, "--junit", FOUND), "would write to the same file as an input"),
            ((TRUTH, FOUND, FOUND, "--config", "x.toml", "--json", "./x.toml"), "as an input"),
            ((TRUTH, FOUND, "--save", TRUTH), "--save would write to the same file as an input"),
            ((TRUTH, FOUND, FOUND, "--save", "x.detm"), "--save FILE takes GROUND_TRUTH and DET"),
            ((TRUTH, FOUND, "--save", "x.detm", "--seed", "3"), "--seed has no effect with --save"),
            ((TRUTH, FOUND, "--save", "x.detm", "--junit", "a"), "--junit has no effect with --sa"),
            ((TRUTH, FOUND, FOUND, "--slices-by", "x"), "--slices-by: expected FILE:COLUMN"),
        ],
    )
    def test_wrong_usage(self, arguments, message, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
        (tmp_path / "x.toml").write_text("seed = 3")
        code, _, said = run("gate", *arguments)
        assert code == 2
        assert message in " ".join(said.split())


class TestViews:
    """The same verdicts in every view."""

    def test_json(self, baseline, third):
        options = ("--per-class", "--seed", "3", *FEW)
        code, text, said = run("gate", TRUTH, baseline, third, "--json", "-", *options)
        assert (code, said) == (3, "")
        document = json.loads(text)
        asked = document.pop("gate_toml")
        truth = dm.read_ground_truth(TRUTH)
        settings = GateSettings(per_class=True, seed=3, resamples=40)
        made = gate(*(dm.evaluate(truth, path) for path in (FOUND, third)), settings)
        assert document == json.loads(json.dumps(made.to_dict()))
        assert "per_class = true" in asked

    def test_what_fails_is_said_where_the_text_is_elsewhere(self, baseline, third):
        options = ("--metrics", "AP", "--resamples", "40", "--json", "-")
        _, _, said = run("gate", TRUTH, baseline, third, *options)
        assert f"{third}: fails: AP is worse" in said

    def test_markdown_is_short(self, baseline, third, tmp_path):
        path = tmp_path / "gate.md"
        run("gate", TRUTH, baseline, third, "--per-class", "--markdown", path, *FEW)
        text = path.read_text()
        assert text.startswith(f"### Fail: {re.escape(third)}".replace("\\", "")[:9])
        assert "| AP of class bus |" not in text
        (losses,) = re.findall(r"^classes with the largest loss of AP: (.*)$", text, re.M)
        assert re.findall(r"(\w+) -0\.\d{4} \(", losses) == ["bicycle", "person", "car"]

    def test_junit(self, baseline, third, tmp_path):
        path = tmp_path / "gate.xml"
        options = ("--metrics", "AP,APl", "--per-class", "--floor", "AP=0.9", "--junit", path)
        run("gate", TRUTH, baseline, FOUND, third, *options, *FEW)
        root = ElementTree.fromstring(path.read_text())
        suites = root.findall("testsuite")
        assert [suite.get("name") for suite in suites] == [FOUND, third]
        assert suites[0].get("failures") == "1"
        for suite in [root, *suites]:
            cases = suite.findall(".//testcase")
            assert int(suite.get("tests")) == len(cases)
            assert int(suite.get("failures")) == len(suite.findall(".//failure"))
            assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))
        of = {case.get("name"): case for case in suites[1].findall("testcase")}
        assert of["AP of class bus"].find("skipped") is not None
        assert of["APl"].find("skipped").get("message").startswith("APl -0.0026 [")
        assert of["AP"].find("failure").get("message").startswith("AP is 0.233")
        strict = (*options, "--fail-undecided")
        run("gate", TRUTH, baseline, third, *strict, *FEW)
        undecided = ElementTree.fromstring(path.read_text()).find(".//testcase[@name='APl']")
        assert undecided.find("failure").get("type") == "cannot tell"

    @pytest.mark.parametrize(
        "name", ["a\"&<b>'", "\x1b[31m", "\x00\x0b", "|*`", "\u202e", "\ufffe"]
    )
    def test_names_from_files(self, tmp_path, name):
        document = json.loads(Path(TRUTH).read_text())
        document["categories"][0]["name"] = name
        truth = tmp_path / "gt.json"
        truth.write_text(json.dumps(document))
        xml, markdown = tmp_path / "gate.xml", tmp_path / "gate.md"
        outputs = ("--junit", xml, "--markdown", markdown, "--per-class", "--resamples", "9")
        code, text, said = run("gate", truth, FOUND, FOUND, *outputs)
        assert code == 0
        for shown in (text, said, markdown.read_text(), xml.read_text()):
            assert all(c.isprintable() or c == "\n" for c in shown)
        cases = ElementTree.fromstring(xml.read_text()).findall(".//testcase")
        assert len(cases) == 17

    def test_slices(self, baseline, third, tmp_path):
        images = dm.read_ground_truth(TRUTH).catalog.image_names
        table = tmp_path / "images.csv"
        rows = (f"{image},{'day' if n % 2 else 'night'}" for n, image in enumerate(images))
        table.write_text("image,light\n" + "\n".join(rows))
        options = ("--slices-by", f"{table}:light", "--metrics", "AP", "--json", "-")
        _, text, _ = run("gate", TRUTH, baseline, third, *options, *FEW)
        document = json.loads(text)
        assert document["slices_by"] == "light"
        lines = document["candidates"][0]["lines"]
        assert [(one["scope"], one["name"]) for one in lines[1:]] == [
            ("slice", "day"),
            ("slice", "night"),
        ]


class TestBaseline:
    """What ``--save`` writes."""

    def test_as_the_detections_themselves(self, baseline, third):
        texts = [
            run("gate", TRUTH, one, third, "--json", "-", *FEW)[1] for one in (baseline, FOUND)
        ]
        assert texts[0] == texts[1]

    def test_says_what_it_wrote(self, tmp_path):
        path = tmp_path / "b.detm"
        code, text, said = run("gate", "--save", path, TRUTH, FOUND)
        assert (code, text) == (0, "")
        assert f"{path}: 136 detections on 24 images, 4.33 KiB" in said

    def test_of_rules_and_a_selection_from_the_file(self, tmp_path):
        config = tmp_path / "gate.toml"
        config.write_text('rules = "voc2012"\nclasses = ["person", "car"]\nresamples = 20')
        path = tmp_path / "b.detm"
        assert run("gate", "--save", path, TRUTH, FOUND, "--config", config)[0] == 0
        assert run("gate", TRUTH, path, FOUND, "-q")[0] == 1
        code, text, _ = run("gate", TRUTH, path, FOUND, "--config", config, "--json", "-", "-q")
        assert code == 0
        document = json.loads(text)
        assert document["signature"].startswith("voc2012|")
        assert {one["class"] for one in document["candidates"][0]["classes"]} == {"person", "car"}

    def test_a_damaged_one(self, baseline):
        data = Path(baseline).read_bytes()
        Path(baseline).write_bytes(data[:-1])
        code, _, said = run("gate", TRUTH, baseline, FOUND)
        assert code == 1
        assert f"{baseline}: no baseline file: the bytes are damaged" in said


class TestConfig:
    """``gate.toml``, under the options."""

    @pytest.fixture
    def config(self, tmp_path) -> str:
        path = tmp_path / "gate.toml"
        path.write_text(
            'metrics = ["AP", "AP50"]\nseed = 5\nresamples = 30\nper_class = true\n'
            "[margins]\nAP = 0.01\nclasses = { person = 0.02 }\n[floors]\nAP = 0.2\n"
        )
        return str(path)

    def test_is_heeded(self, baseline, config):
        text = run("gate", TRUTH, baseline, FOUND, "--config", config, "--json", "-", "-q")[1]
        settings = json.loads(text)["settings"]
        assert (settings["seed"], settings["metrics"]) == (5, ["AP", "AP50"])
        assert settings["margins"] == {"AP": 0.01, "classes": {"person": 0.02}}

    def test_options_come_before_it(self, baseline, config):
        options = ("--seed", "6", "--margin", "AP=0.5", "--floor", "AP50=0.1", "--metrics", "AP")
        arguments = ("--config", config, *options, "--json", "-", "-q")
        settings = json.loads(run("gate", TRUTH, baseline, FOUND, *arguments)[1])["settings"]
        assert (settings["seed"], settings["resamples"]) == (6, 30)
        assert settings["metrics"] == ["AP"]
        assert settings["margins"]["AP"] == 0.5
        assert settings["floors"] == {"AP": 0.2, "AP50": 0.1}

    def test_is_printed_back(self, config, tmp_path):
        code, text, _ = run("gate", "--config", config, "--show-config", "--seed", "9")
        assert code == 0
        again = tmp_path / "again.toml"
        again.write_text(text)
        expected = read_gate_file(config)
        assert read_gate_file(again).settings.to_dict() == {
            **expected.settings.to_dict(),
            "seed": 9,
        }

    def test_its_faults_are_bad_input(self, baseline, config):
        Path(config).write_text("metrics = ['mAP']")
        code, _, said = run("gate", TRUTH, baseline, FOUND, "--config", config)
        assert code == 1
        assert "metrics: no metric 'mAP'" in said
        Path(config).write_text("metric = ['AP']")
        code, _, said = run("gate", TRUTH, baseline, FOUND, "--config", config)
        assert code == 1
        assert f"{config}: no setting 'metric' (do you mean metrics?)" in said


def test_nothing_is_written_where_it_fails(tmp_path):
    outputs = ("--json", tmp_path / "a.json", "--junit", tmp_path / "no" / "a.xml")
    assert run("gate", TRUTH, FOUND, FOUND, *outputs, *FEW)[0] == 1
    assert os.listdir(tmp_path) == []


class TestLooks:
    """In the ledger is every model whose numbers are shown, and no look that showed none."""

    def looks(self, path: Path) -> list[list[str]]:
        if not path.exists():
            return []
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [[one["sha256"] for one in line["models"]] for line in lines]

    @pytest.fixture
    def sure(self, tmp_path) -> str:
        rows = [row for row in json.loads(Path(FOUND).read_text()) if row["score"] > 0.4]
        path = tmp_path / "sure.json"
        path.write_text(json.dumps(rows))
        return str(path)

    def test_a_baseline_file_is_a_model(self, tmp_path, sure):
        ledger, kept = tmp_path / "looks", tmp_path / "b.detm"
        role = ("--role", "test", "--ledger", str(ledger), "--resamples", "20")
        assert run("gate", "--save", str(kept), TRUTH, FOUND)[0] == 0
        code, text, _ = run("gate", TRUTH, str(kept), sure, *role, "--json", "-")
        assert code in (0, 3)
        (models,) = self.looks(ledger)
        assert len(set(models)) == 2
        assert any("choosing on the test set" in note for note in json.loads(text)["notes"])
        run("gate", TRUTH, FOUND, sure, *role)
        assert self.looks(ledger) == [models, models]

    def test_what_is_refused_is_no_look(self, tmp_path, sure):
        ledger, kept = tmp_path / "looks", tmp_path / "b.detm"
        assert run("gate", "--save", str(kept), TRUTH, FOUND)[0] == 0
        role = ("--role", "test", "--ledger", str(ledger), "--resamples", "20")
        assert run("gate", TRUTH, str(kept), sure, "--rules", "voc2012", *role)[0] == 1
        assert self.looks(ledger) == []

    @pytest.mark.parametrize(
        "more", [("--role", "test", "--ledger", "looks"), ("--slices-bins", "3")]
    )
    def test_saving_takes_none_of_it(self, tmp_path, more):
        code, _, said = run("gate", "--save", str(tmp_path / "b.detm"), TRUTH, FOUND, *more)
        assert code == 2
        assert "has no effect with --save" in " ".join(said.split())

    def test_bins_without_slices(self, sure):
        code, _, said = run("gate", TRUTH, FOUND, sure, "--slices-bins", "3")
        assert code == 2
        assert "--slices-bins needs --slices-by" in " ".join(said.split())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rules = 'cocoo'", "rules: no rule set 'cocoo'"),
        ("margins = { APX = 0.1 }", "no metric 'APX'"),
    ],
)
def test_what_is_wrong_in_the_file_names_it(tmp_path, content, says):
    path = tmp_path / "gate.toml"
    path.write_text(content)
    code, _, said = run("gate", TRUTH, FOUND, FOUND, "--config", str(path))
    assert code == 1
    assert f"error: {path}: " in said
    assert says in said
