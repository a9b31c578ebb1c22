"""``gate.toml``: read with all faults, written so that it reads back equal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.analysis import GateSettings
from detmetrics.analysis.gating.gate_files import (
    MEASURED,
    SETTINGS,
    GateFile,
    gate_toml,
    read_gate_file,
)
from detmetrics.analysis.gating.settings import Bounds

numbers = st.floats(0, 1, exclude_max=True)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in ("every", "classes", "slices")
)
bounds = st.builds(
    Bounds,
    metrics=st.dictionaries(names, numbers, max_size=3),
    every_class=st.none() | numbers,
    classes=st.dictionaries(names, numbers, max_size=3),
    slices=st.dictionaries(names, numbers, max_size=3),
)


@pytest.fixture
def file(tmp_path):
    """Write text or bytes, and give the path."""

    def written(content: str | bytes) -> str:
        path = tmp_path / "gate.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return written


class TestReading:
    """What the file says, and the usual for all else."""

    def test_of_nothing(self, file):
        assert read_gate_file(file("# nothing")) == GateFile()

    def test_of_everything(self, file, tmp_path):
        (tmp_path / "val.txt").write_text("a.jpg\nb.jpg\n")
        (tmp_path / "mine.toml").write_text("pixel = 1")
        found = read_gate_file(
            file(
                'rules = "mine.toml"\nimages = "val.txt"\nclasses = ["person", 3]\n'
                'metrics = ["AP", "AP50"]\nper_class = true\nfloor_on = "lower"\n'
                "fail_undecided = true\nlevel = 0.9\nresamples = 200\nseed = 7\n"
                "[margins]\nevery = 0.005\nAP = 0.002\nclasses = { every = 0.02, person = 0 }\n"
                "[margins.slices]\nnight = 0.03\n"
                "[floors]\nAP = 0.4\nclasses = 0.1\n"
            )
        )
        assert dm.rule_set(found.rules).pixel == 1
        assert (found.images, found.classes) == (("a.jpg", "b.jpg"), ("person", 3))
        margins = Bounds(
            every=0.005,
            metrics={"AP": 0.002},
            every_class=0.02,
            classes={"person": 0.0},
            slices={"night": 0.03},
        )
        assert found.settings == GateSettings(
            metrics=("AP", "AP50"),
            margins=margins,
            floors=Bounds(metrics={"AP": 0.4}, every_class=0.1),
            floor_on="lower",
            per_class=True,
            fail_undecided=True,
            level=0.9,
            resamples=200,
            seed=7,
        )

    def test_one_margin_for_all(self, file):
        assert read_gate_file(file("margins = 0.01")).settings.margin("all", "", "AP50") == 0.01

    def test_the_name_of_a_rule_set_stays(self, file):
        assert read_gate_file(file('rules = "VOC-2007"')).rules == "VOC-2007"

    @given(
        st.builds(
            GateFile,
            rules=st.none() | st.just("coco"),
            images=st.none() | st.lists(names | st.integers(0, 9), min_size=1).map(tuple),
            classes=st.none() | st.lists(names, min_size=1).map(tuple),
            settings=st.builds(
                GateSettings,
                metrics=st.lists(names, unique=True, max_size=3).map(tuple),
                margins=bounds,
                floors=bounds,
                floor_on=st.sampled_from(["value", "lower"]),
                per_class=st.just(True),
                fail_undecided=st.booleans(),
                level=st.floats(0.5, 0.999),
                seed=st.integers(0, 2**40),
            ),
        )
    )
    def test_what_is_written_reads_back_equal(self, tmp_path_factory, gate):
        path = tmp_path_factory.mktemp("gate") / "gate.toml"
        path.write_text(gate_toml(gate), "utf-8")
        assert read_gate_file(path) == gate


class TestDocumentation:
    """What ``docs/ci.md`` shows is read."""

    PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()

    def test_the_gate(self, tmp_path):
        (tmp_path / "val.txt").write_text("a.jpg\n")
        (block,) = re.findall(r"^```toml\n(.*?)^```", self.PAGE, re.M | re.S)
        path = tmp_path / "gate.toml"
        path.write_text(block)
        read = read_gate_file(path)
        assert read.settings.margin("class", "person", "AP") == 0.01
        assert {*re.findall(r"^(\w+) = ", block.partition("[margins]")[0], re.M)} == {
            *MEASURED,
            *SETTINGS,
        } - {"margins", "floors"}

    def test_the_workflows(self):
        blocks = re.findall(r"^```yaml\n(.*?)^```", self.PAGE, re.M | re.S)
        jobs = yaml.safe_load(blocks[0])["jobs"]
        (action,) = [
            step for step in jobs["gate"]["steps"] if "detmetrics@" in step.get("uses", "")
        ]
        known = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text())["inputs"]
        assert {*action["with"]} <= {*known}
        assert "junit" in yaml.safe_load(blocks[2])["gate"]["artifacts"]["reports"]
        for name in known:
            assert f"`{name}`" in self.PAGE


class TestFaults:
    """Every one names the file, the key, what was expected and what was found."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("margin = 0.1", r"no setting 'margin' \(do you mean margins\?\); there are rules, im"),
            ("[gate]\nseed = 1", "no setting 'gate'"),
            ("metrics = 'AP'", "metrics: expected a list of names, got 'AP'"),
            ("metrics = [1]", r"metrics: expected a list of names, got \[1\]"),
            ("margins = 'much'", "margins: expected a finite number, got 'much'"),
            (
                "margins = -1",
                "margins: every: expected a number from 0 to below 1",
            ),
            ("[margins]\nAP = inf", "margins: AP: expected a finite number, got inf"),
            ("[margins.classes]\na = -1", "margins: a: expected a number from 0 to below 1"),
            ("[margins]\nclasses = [1]", r"margins\.classes: expected a finite number, got \[1\]"),
            ("floors = 0.4", "floors: expected a floor by metric"),
            ("floor_on = 'upper'", "floor_on: expected 'value' or 'lower', got 'upper'"),
            ("per_class = 'yes'", "per_class: expected true or false, got 'yes'"),
            ("seed = -1", "seed: expected a whole number from 0, got -1"),
            ("seed = 1.5", "seed: expected a whole number from 0"),
            ("level = 95", "level: expected a share such as 0.95"),
            ("level = '0.95'", "expected numbers as resamples, level and seed"),
            ("resamples = 1000000", "expected at most 100,000 resamples"),
            ("rules = 3", "rules: expected the name of a rule set or a file of rules, got 3"),
            ("classes = 'person'", "classes: expected a list of names or ids, got 'person'"),
            ("classes = []", r"classes: expected a list of names or ids, got \[\]"),
            ("images = [1.5]", "images: expected a list of names or ids, or a file, got"),
            ("images = 'nowhere.txt'", "nowhere.txt: no such file"),
            ("[margins.classes]\na = 0.1", "margins: those of classes have no effect"),
            ("seed = ", "expected TOML: "),
            (b"\xff", "expected TOML, got what is no UTF-8 text"),
        ],
    )
    def test_message(self, file, text, message):
        path = file(text)
        with pytest.raises(dm.FormatError, match=message) as told:
            read_gate_file(path)
        assert str(told.value).startswith(path)

    def test_all_at_once(self, file):
        with pytest.raises(dm.FormatError, match="3 faults"):
            read_gate_file(file("seed = -1\nclasses = 3\nmargn = 1"))

    def test_a_large_file_is_none(self, file):
        with pytest.raises(dm.FormatError, match="expected the settings of a gate, got a file of"):
            read_gate_file(file("#" * (1 << 21)))
