"""The words of the command line: one word means one thing in every command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import COMMANDS, cli, command_of
from detmetrics.cli.exit_codes import MEANINGS
from detmetrics.formats.metadata.image_lists import read_image_list
from detmetrics.tables.catalog import id_array
from detmetrics.tables.image_lookup import ImageLookup
from tests import scenes

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
READERS = [name for name in COMMANDS if name not in ("formats", "history", "rules")]
MEASURING = (
    "compare",
    "errors",
    "evaluate",
    "gate",
    "plan",
    "plot",
    "report",
    "slices",
    "thresholds",
)


def run(*arguments):
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def options_of(name):
    params = command_of(name).params
    return {word: p for p in params if isinstance(p, click.Option) for word in p.opts}


class TestWords:
    """Old spellings are gone, and each option is there in every command that it concerns."""

    @pytest.mark.parametrize("name", COMMANDS)
    @pytest.mark.parametrize("old", ["--part", "--only-images", "--by", "--by-field", "--bins"])
    def test_old_spellings_are_gone(self, name, old):
        assert old not in options_of(name)

    @pytest.mark.parametrize("name", READERS)
    def test_how_files_are_read_is_asked_alike(self, name):
        words = options_of(name)
        for option in ("--image-dir", "--split", "--image-sizes", "--columns"):
            assert words[option].help == options_of("evaluate")[option].help

    @pytest.mark.parametrize("name", [*MEASURING, "convert", "reconcile"])
    def test_images_restricts(self, name):
        assert options_of(name)["--images"].help == options_of("evaluate")["--images"].help

    @pytest.mark.parametrize("name", [*MEASURING, "reconcile"])
    def test_classes_restricts(self, name):
        assert options_of(name)["--classes"].help == options_of("evaluate")["--classes"].help

    @pytest.mark.parametrize("name", [*MEASURING, "check", "convert", "reconcile"])
    def test_unknown_images_are_refused_or_dropped(self, name):
        asked = options_of(name)["--unknown-images"]
        assert asked.help == options_of("evaluate")["--unknown-images"].help
        assert asked.default == "error"

    @pytest.mark.parametrize("name", ["report", "slices"])
    def test_another_count_of_resamples_is_explained(self, name):
        own, usual = options_of(name)["--resamples"], options_of("evaluate")["--resamples"]
        assert own.default == usual.default or "fewer than" in own.help

    @pytest.mark.parametrize("name", ["evaluate", "plot", "report", "slices"])
    def test_ci_is_a_flag(self, name):
        assert options_of(name)["--ci"].is_flag

    @pytest.mark.parametrize("name", ["compare", "evaluate", "gate", "plan", "report", "slices"])
    def test_resamples_is_the_count(self, name):
        assert options_of(name)["--resamples"].type.min == 2

    def test_slices_are_asked_for_in_the_same_words(self):
        words = [word for word in options_of("slices") if word.startswith("--slices-")]
        assert len(words) == 4
        assert {word: options_of("report")[word].help for word in words} == {
            word: options_of("slices")[word].help for word in words
        }

    def test_every_reading_option_is_in_python_too(self):
        fields = dm.Reading.__dataclass_fields__
        from detmetrics.cli.reading_options import NAMES

        assert {*NAMES} <= {*fields}
        assert {*NAMES} == {*fields} - {"catalog", "on_progress", "on_message", "used", "beside"}


class TestPart:
    """The same part of the images and classes in every command."""

    def test_convert_writes_these_images(self, tmp_path):
        for source, out in ((TRUTH, "gt.json"), (FOUND, "dt.json")):
            more = ("--ground-truth", TRUTH) if source == FOUND else ()
            chosen = ("--images", ",".join(self.images()), *more)
            ran = run("convert", source, tmp_path / out, "--to", "coco", *chosen)
            assert ran.exit_code == 0, ran.output
        part = dm.evaluate(tmp_path / "gt.json", tmp_path / "dt.json")
        assert len(part.ground_truth.catalog.image_ids) == 3
        whole = dm.evaluate(TRUTH, FOUND, images=self.images())
        assert part.summary["AP"] == whole.summary["AP"]

    def images(self):
        return [*map(str, dm.read_ground_truth(TRUTH).catalog.image_ids.tolist()[:3])]

    def test_convert_refuses_images_that_are_not_there(self, tmp_path):
        ran = run("convert", TRUTH, tmp_path / "out", "--to", "yolo", "--images", "nowhere")
        assert ran.exit_code == 1
        assert not (tmp_path / "out").exists()

    def test_reconcile_measures_these_classes(self, tmp_path):
        ran = run("reconcile", TRUTH, FOUND, "--classes", "car,dog", "--json", "-", "-q")
        assert ran.exit_code == 0, ran.output
        made = dm.reconcile(TRUTH, FOUND, classes=["car", "dog"])
        assert made.ground_truth.catalog.category_names == ("car", "dog")
        coco = next(one for one in made.standings if one.rules.name == "coco")
        alone = dm.evaluate(TRUTH, FOUND, classes=["car", "dog"])
        assert coco.result.summary["AP"] == alone.summary["AP"]

    @pytest.mark.parametrize(
        ("column", "value", "option"),
        [("image_id", 10**6, "--unknown-images"), ("category_id", 99, "--unknown-categories")],
    )
    def test_check_takes_what_is_dropped_as_no_fault(self, tmp_path, column, value, option):
        rows = json.loads(Path(FOUND).read_text())
        rows[0][column] = value
        path = tmp_path / "dt.json"
        path.write_text(json.dumps(rows))
        assert run("check", TRUTH, path).exit_code == 1
        ran = run("check", TRUTH, path, option, "drop")
        assert ran.exit_code == 0, ran.output


class TestExitCodes:
    """One table, in the documentation and in every help."""

    def test_the_table_is_in_the_documentation(self):
        page = Path("docs/command-line.md").read_text()
        for code, meaning in MEANINGS.items():
            assert f"| {code} | {meaning}" in page

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_help_refers_to_the_table(self, name):
        assert "130 interrupted. See docs/command-line.md." in " ".join(
            run(name, "--help").stdout.split()
        )

    @pytest.mark.parametrize(
        "name", [*MEASURING, "check", "convert", "reconcile", "split", "stats"]
    )
    def test_a_file_that_is_not_there_is_bad_input(self, name, tmp_path):
        sources = {"compare": 3, "gate": 3, "plan": 3, "split": 1, "stats": 1, "convert": 1}.get(
            name, 2
        )
        more = {
            "convert": [tmp_path / "out.json", "--to", "coco"],
            "plot": ["--kind", "pr", "-o", tmp_path / "a.svg"],
            "report": ["-o", tmp_path / "a.html"],
            "slices": ["--slices-by-pattern", "a"],
            "split": ["-o", tmp_path / "parts"],
        }.get(name, [])
        ran = run(name, *["nowhere.json"] * sources, *more)
        assert ran.exit_code == 1, ran.output
        assert "no such file" in ran.stdout + ran.stderr

    def test_a_log_that_is_not_there_is_bad_input(self):
        assert run("history", "nowhere.csv").exit_code == 1

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
    def test_an_interrupt(self, tmp_path):
        os.mkfifo(tmp_path / "truth.json")
        code = "import detmetrics.__main__ as c; print('ready', flush=True); c.main()"
        with subprocess.Popen(
            [sys.executable, "-c", code, "evaluate", tmp_path / "truth.json", FOUND],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as ran:
            assert ran.stdout.readline() == b"ready\n"
            writer = os.open(tmp_path / "truth.json", os.O_WRONLY)  # waits until it is being read
            time.sleep(0.05)
            ran.send_signal(signal.SIGINT)
            _, said = ran.communicate()
            os.close(writer)
        assert (ran.returncode, said) == (130, b"interrupted\n")


class TestImages:
    """``--images``: by id, file name, stem or the end of a path; or a file that lists them."""

    @pytest.fixture
    def lookup(self):
        names = ("cam1/0001.jpg", "cam2/0001.jpg", "cam2/0002.jpg", "9.jpg")
        return ImageLookup(id_array([5, 6, 7, 8]), names)

    @pytest.mark.parametrize(
        ("key", "rows"),
        [
            (5, (0,)),
            ("6", (1,)),
            ("cam1/0001.jpg", (0,)),
            ("0002", (2,)),
            ("./0002.png", (2,)),
            ("/data/images/cam2/0001.jpg", (1,)),
            ("cam1\\0001.jpg", (0,)),
            ("elsewhere/9.jpeg", (3,)),
            ("0001.jpg", (0, 1)),
            ("cam3/0001.jpg", (0, 1)),
            (9, ()),
            ("0003", ()),
        ],
    )
    def test_lookup(self, lookup, key, rows):
        assert lookup.rows(key) == rows

    @pytest.mark.parametrize(
        ("name", "content", "images"),
        [
            ("a.txt", "a.jpg\r\n\r\n b.jpg \n", ("a.jpg", "b.jpg")),
            ("a.txt", "\ufeffa b.jpg\nc, d.jpg\n", ("a b.jpg", "c, d.jpg")),
            ("dog_test.txt", "000001 -1\n000002  1\n000003  0\n", ("000001", "000002", "000003")),
            ("a.csv", "weather,image\nsun,a.jpg\nrain,b.jpg\nfog,a.jpg\n", ("a.jpg", "b.jpg")),
            ("a.tsv", "file_name\twidth\na.jpg\t5\n", ("a.jpg",)),
            ("a.csv", "filename\na.jpg\n", ("a.jpg",)),
            ("a.json", '{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2}]}', ("a.jpg", 2)),
            ("a.json", '["a.jpg", 3]', ("a.jpg", 3)),
        ],
    )
    def test_lists(self, tmp_path, name, content, images):
        (tmp_path / name).write_bytes(content.encode())
        assert read_image_list(tmp_path / name) == images

    @pytest.mark.parametrize("content", ["\n", '{"images": []}', '{"annotations": []}', "[[1]]"])
    def test_lists_of_nothing(self, tmp_path, content):
        (tmp_path / "a.txt").write_text(content)
        with pytest.raises(dm.FormatError, match=r"a\.txt"):
            read_image_list(tmp_path / "a.txt")

    def test_unknown_names_are_counted(self):
        with pytest.raises(
            dm.InputError,
            match=r"no image 'a' in .* \(2 of 3 names given are unknown, first 'a', 7777",
        ):
            dm.evaluate(TRUTH, FOUND, images=["a", "street_000", 7777])

    def test_a_list_that_is_not_there(self):
        ran = run("evaluate", TRUTH, FOUND, "--images", "nowhere.txt")
        assert ran.exit_code == 2
        assert "'nowhere.txt': no such file" in ran.stderr

    def test_several_images_of_one_name(self):
        catalog = dm.Catalog.from_ids(
            images=[1, 2], categories=["cat"], image_names=["cam1/a.jpg", "cam2/a.jpg"]
        )
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1, 2], categories=["cat"] * 2, boxes=[[0, 0, 9, 9]] * 2, catalog=catalog
        )
        found = dm.Detections.from_arrays(
            image_ids=[1], categories=["cat"], boxes=[[0, 0, 9, 9]], scores=[1.0], catalog=catalog
        )
        assert dm.evaluate(truth, found, images=["x/cam1/a"]).counts["images"] == 1
        with pytest.raises(dm.InputError, match=r"could be 2 images .* cam1/a\.jpg, cam2/a\.jpg"):
            dm.evaluate(truth, found, images=["a.jpg"])

    @pytest.mark.parametrize("to", ["coco", "csv", "voc", "yolo"])
    def test_what_split_writes_is_accepted(self, tmp_path, to):
        truth = str(tmp_path / {"coco": "truth.json", "csv": "truth.csv"}.get(to, "labels"))
        assert run("convert", TRUTH, truth, "--to", to, "-q").exit_code == 0
        pictures = []
        if to == "yolo":
            (tmp_path / "images").mkdir()
            for at, name in enumerate(dm.read_ground_truth(TRUTH).catalog.image_names):
                (tmp_path / "images" / name).write_bytes(scenes.png(640 + at, 480))
            pictures = ["--image-dir", tmp_path / "images"]
        ran = run("split", truth, "-o", tmp_path / "parts", *pictures, "-q")
        assert ran.exit_code == 0, ran.output
        counts = []
        for part in ("train", "val", "test"):
            listed = tmp_path / "parts" / (f"{part}.json" if to == "coco" else f"{part}.txt")
            ran = run(
                *("evaluate", truth, FOUND if to == "coco" else found_in(tmp_path)),
                *("--images", listed, "--json", "-", "-q"),
                *("--unknown-categories", "drop"),
            )
            assert ran.exit_code == 0, ran.output
            counts.append(json.loads(ran.stdout)["counts"]["images"])
        assert sum(counts) == 24
        assert min(counts) > 3


def found_in(folder):
    """The detections of the fixtures, by names of images and classes."""
    path = str(folder / "found.csv")
    if not os.path.exists(path):
        ran = run("convert", FOUND, path, "--to", "csv", "--ground-truth", TRUTH, "-q")
        assert ran.exit_code == 0, ran.output
    return path


UNUSED = "has no effect on these files: it is for"
CSV_TRUTH = "image,label,xmin,ymin,xmax,ymax\na.jpg,cat,1,1,9,9\nb.jpg,cat,1,1,9,9\n"
CSV_FOUND = "image,name,score,xmin,ymin,xmax,ymax\na.jpg,cat,.9,1,1,9,9\n"


class TestUnused:
    """An option on how files are read that decides nothing is wrong usage."""

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--class-numbers", "index0"),
            ("--columns", "image=nowhere"),
            ("--columns", "class score xmin ymin xmax ymax"),
            ("--angle", "degrees-clockwise"),
            ("--gt-angle", "degrees-clockwise"),
            ("--det-angle", "degrees-clockwise"),
            ("--split", "val"),
            ("--pixels", "continuous"),
            ("--pixels", "inclusive"),
        ],
    )
    @pytest.mark.parametrize("command", ["evaluate", "compare", "stats", "convert", "check"])
    def test_options_that_decide_nothing(self, tmp_path, command, option, value):
        (tmp_path / "truth.csv").write_text(CSV_TRUTH)
        (tmp_path / "found.csv").write_text(CSV_FOUND)
        truth, found = tmp_path / "truth.csv", tmp_path / "found.csv"
        files = {
            "compare": [truth, found, found, "--resamples", "20"],
            "gate": [truth, found, found, "--resamples", "20"],
            "plan": [truth, found, found, "--resamples", "20"],
            "stats": [truth],
            "convert": [truth, tmp_path / "out.json", "--to", "coco"],
        }.get(command, [truth, found])
        ran = run(command, *files, option, value)
        assert ran.exit_code == 2, ran.output
        shown = f"{option} {value}" if option == "--columns" else option
        assert f"{shown} {UNUSED}" in ran.stderr
        assert ran.stdout == ""
        assert not (tmp_path / "out.json").exists()
        assert run(command, *files).exit_code == 0

    def test_each_name_of_a_column_must_be_there(self, tmp_path):
        (tmp_path / "truth.csv").write_text(CSV_TRUTH)
        (tmp_path / "found.csv").write_text(CSV_FOUND)
        files = ("evaluate", tmp_path / "truth.csv", tmp_path / "found.csv")
        assert run(*files, "--columns", "class=label,score=score").exit_code == 0
        ran = run(*files, "--columns", "class=label,class=nmae")
        assert ran.exit_code == 2
        assert f"--columns class=nmae {UNUSED}" in ran.stderr

    def test_one_side_is_enough(self, tmp_path):
        labels, found = tmp_path / "labels", tmp_path / "found"
        for folder, line in ((labels, "cat 1 1 9 9\n"), (found, "cat .9 1 1 9 9\n")):
            folder.mkdir()
            (folder / "a.txt").write_text(line)
        order = ["--columns", "class xmin ymin xmax ymax"]
        scored = ["--columns", "class score xmin ymin xmax ymax"]
        assert run("evaluate", labels, found, *order, *scored).exit_code == 0
        ran = run("stats", labels, *order, *scored)
        assert ran.exit_code == 2
        assert "--columns class score xmin" in ran.stderr

    def test_policies_may_decide_nothing(self):
        for policy in ("--unknown-images", "--unknown-categories"):
            assert run("evaluate", TRUTH, FOUND, policy, "drop").exit_code == 0

    def test_readings_of_python_are_not_asked(self):
        reading = dm.Reading(pixels="inclusive", angle="radians-clockwise")
        assert dm.evaluate(TRUTH, FOUND, reading=reading).counts["images"] == 24
        assert reading.used == set()


class TestWarnings:
    """``--warnings error``: any warning ends a command with exit code 1 and its sentence."""

    @pytest.fixture
    def doubtful(self, tmp_path):
        (tmp_path / "truth.csv").write_text(CSV_TRUTH + "b.jpg,cat,5,5,5,9\n")
        (tmp_path / "found.csv").write_text(CSV_FOUND)
        return tmp_path / "truth.csv", tmp_path / "found.csv"

    @pytest.mark.parametrize("name", [name for name in READERS if name != "check"])
    def test_warnings_of_tables(self, doubtful, tmp_path, name):
        truth, found = doubtful
        files = {
            "compare": [truth, found, found, "--resamples", "20"],
            "gate": [truth, found, found, "--resamples", "20"],
            "plan": [truth, found, found, "--resamples", "20"],
            "stats": [truth],
            "split": [truth, "-o", tmp_path / "parts"],
            "partition": [truth, found, "--into", "1", "-o", tmp_path / "parts"],
            "convert": [truth, tmp_path / "out.json", "--to", "coco"],
            "plot": [truth, found, "--kind", "pr", "-o", tmp_path / "a.svg"],
            "report": [truth, found, "-o", tmp_path / "a.html"],
            "slices": [truth, found, "--slices-by-pattern", "(.)"],
        }.get(name, [truth, found])
        ran = run(name, *files, "--warnings", "error", "-q")
        assert ran.exit_code == 1, ran.output
        assert ran.stdout == ""
        assert "1 box of zero size, first at line 4: xmin ymin xmax ymax" in ran.stderr
        assert "--warnings error: a warning ends the command" in ran.stderr
        assert len([*tmp_path.iterdir()]) == 2
        assert run(name, *files, "-q").exit_code == 0

    def test_warnings_of_check(self, doubtful):
        assert run("check", *doubtful).exit_code == 0
        ran = run("check", *doubtful, "--warnings", "error")
        assert ran.exit_code == 1
        assert "warning" in ran.stdout

    def test_warnings_of_a_result(self, tmp_path):
        (tmp_path / "truth.csv").write_text(CSV_TRUTH)
        (tmp_path / "found.csv").write_text(CSV_FOUND + CSV_FOUND.splitlines()[1])
        files = ("evaluate", tmp_path / "truth.csv", tmp_path / "found.csv")
        assert run(*files).exit_code == 0
        ran = run(*files, "--warnings", "error")
        assert ran.exit_code == 1
        assert "1 detection repeat another one exactly" in ran.stderr

    def test_notes_are_no_warnings(self):
        assert run("evaluate", TRUTH, FOUND, "--warnings", "error").exit_code == 0
        assert dm.evaluate(TRUTH, FOUND).warnings == ()
