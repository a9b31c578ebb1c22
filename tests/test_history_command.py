"""``detmetrics history``: the table, the evidence, JSON, figures, and what it refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import training_logs as logs
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.reports.charts import Line, chart, spark
from detmetrics.reports.figures import figure_bytes, suffix_of
from detmetrics.reports.figures.history import draw_metric, histories_figure, history_figure
from detmetrics.training.history.comparing import TrainingStanding


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a log of every kind."""
    for name, content in logs.LOGS.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **options):
    return CliRunner().invoke(cli, ["history", *arguments], **options)


class TestText:
    """Results on standard output, talk on standard error, nothing that steers a terminal."""

    def test_one_log(self, folder):
        ran = run("yolov8")
        assert ran.exit_code == 0
        assert ran.stderr == "yolov8: read as results.csv of YOLOv5 or YOLOv8\n"
        lines = ran.stdout.splitlines()
        assert lines[2].split() == [
            *["yolov8", "metrics/mAP50-95(B)", "0.3100", "2", "0.3000", "too", "short"]
        ]
        assert "yolov8, 3 rows: too short" in lines
        assert any(line.startswith("train loss") and " █▄▁ " in line for line in lines)
        assert any("▲ best, epoch 2" in line for line in lines)
        assert "\x1b" not in ran.stdout

    def test_quiet(self, folder):
        assert run("yolov8", "--quiet").stderr == ""

    def test_several_logs_are_compared(self, folder):
        ran = run("yolov8", "yolov5", "trainer", "-q")
        assert [line.split()[0] for line in ran.stdout.splitlines()[2:5]] == [
            *["yolov8", "yolov5", "trainer"]
        ]
        assert "not comparable" not in ran.stdout
        assert "not comparable: yolov8 is judged by" in run("yolov8", "detectron2").stdout or (
            "not comparable: detectron2 in percent, the others not"
            in run("yolov8", "detectron2").stdout
        )

    def test_another_metric(self, folder):
        assert "metrics/mAP50(B)   0.5500" in run("yolov8", "--metric", "AP50").stdout
        assert "val/box_loss" in run("yolov8", "--metric", "val/box_loss").stdout

    def test_losses_alone(self, folder):
        (folder / "log").write_text("epoch,train/a_loss,val/a_loss\n0,2,3\n1,1,2\n")
        assert "validation loss   2.0000" in run("log").stdout

    def test_standard_input(self):
        ran = run("-", input=logs.YOLOV8)
        assert ran.exit_code == 0
        assert "metrics/mAP50-95(B)" in ran.stdout

    def test_a_journal_without_rows(self, folder):
        (folder / "log").write_text('{"detmetrics.history":1,"epo')
        ran = run("log")
        assert ran.exit_code == 0
        assert "0 rows: too short" in ran.stdout
        assert "1 line breaks off" in ran.stdout

    def test_names_from_files_do_not_steer_the_terminal(self, folder):
        (folder / "log").write_text("epoch,train/\x1b[31m_loss,metrics/\x1b[31mAP\n0,2,3\n1,1,2\n")
        ran = run("log", "--metric", "metrics/\x1b[31mAP")
        assert ran.exit_code == 0
        assert "\x1b" not in ran.stdout

    def test_as_a_process_that_is_piped(self, folder):
        ran = subprocess.run(
            [sys.executable, "-m", "detmetrics", "history", "lightning"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={"PYTHONPATH": str(Path(dm.__file__).parent.parent), "PYTHONUTF8": "1"},
        )
        assert ran.returncode == 0
        assert "lightning, 2 rows: too short" in ran.stdout


class TestRefusals:
    """Exit code 1 for bad input, 2 for wrong usage."""

    def test_test_data(self, folder):
        ran = run("detr")
        assert ran.exit_code == 1
        assert "3 rows of role test, none of role val: the test set neither" in ran.stderr
        assert "--role val" in ran.stderr
        assert run("detr", "--role", "val").exit_code == 0

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["none.csv"], 1, "error: none.csv: no such file"),
            (["yolov8", "--metric", "F1"], 1, "no metric or validation loss 'F1'; there are"),
            ([], 2, "Missing argument"),
            (["-", "-"], 2, "standard input can be one of the files"),
            (["yolov8", "--role", "train"], 2, "Invalid value for '--role'"),
            (["yolov8", "--plot", "a.gif"], 2, "expected a name that ends in .png, .svg, .pdf"),
            (["yolov8", "--plot", "-"], 2, "expected a name that ends in"),
            (["yolov8", "--json", ""], 2, "--json: the name of the file is empty"),
            (["yolov8", "--json", "yolov8"], 2, "would write to the same file as an input"),
            (["yolov8", "--json", "a.svg", "--plot", "a.svg"], 2, "the same file as --plot"),
            (["yolov8", "--plot", "none/a.svg"], 1, "its folder does not exist"),
        ],
    )
    def test_says_what_is_wrong(self, folder, arguments, code, said):
        ran = run(*arguments)
        assert ran.exit_code == code
        assert said in ran.stderr

    def test_writes_all_or_nothing(self, folder):
        assert run("yolov8", "--json", "a.json", "--plot", "none/a.svg").exit_code == 1
        assert not (folder / "a.json").exists()

    def test_without_matplotlib(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        ran = run("yolov8", "--plot", "a.svg")
        assert ran.exit_code == 1
        assert "pip install 'detmetrics[plots]'" in ran.stderr
        assert run("yolov8").exit_code == 0

    def test_matplotlib_is_not_loaded_for_text(self, folder):
        code = (
            "import sys\n"
            "from detmetrics.cli import cli\n"
            "cli(['history', 'yolov8', '--json', 'a.json'], standalone_mode=False)\n"
            "sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)\n"
        )
        path = str(Path(dm.__file__).parent.parent)
        assert (
            subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}).returncode == 0
        )


class TestJson:
    """Everything, with null for what is undefined."""

    def test_one_log(self, folder):
        document = json.loads(run("yolov5", "-q", "--json", "-").stdout, parse_constant=pytest.fail)
        assert (document["schema"], document["not_comparable"]) == (1, [])
        (found,) = document["histories"]
        assert found["best"]["column"] == "metrics/mAP_0.5:0.95"
        assert (found["best"]["epoch"], found["best"]["value"]) == (1, 0.03)
        assert found["best"]["standard_error"] is None
        assert found["best"]["within"] is None
        assert (found["verdict"], found["since"]) == ("too short", None)
        assert found["curves"]["epoch"] == [0, 1]
        assert found["curves"]["val_loss"][1] is None
        assert found["kind"] == "ultralytics"

    def test_the_contract_lists_every_key(self, folder):
        root = Path(__file__).parent.parent
        page = (root / "docs/json.md").read_text()
        document = json.loads(run("yolov5", "-q", "--json", "-").stdout)
        (found,) = document["histories"]
        for key in (*document, *found, *found["best"], *found["curves"]):
            assert f"`{key}`" in page or f'"{key}"' in page, key


class TestCharts:
    """A line of blocks a curve."""

    def test_has_a_block_an_epoch_until_there_is_no_room(self):
        assert spark(np.array([1.0, math.nan, 3.0])) == "▁ █"
        assert spark(np.full(3, 2.0)) == "▁▁▁"
        assert spark(np.full(3, math.nan)) == "   "
        assert len(spark(np.arange(1000.0))) == 60

    @pytest.mark.parametrize("count", [2, 5, 60, 61, 1000])
    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_points_at_the_best(self, count, share):
        at = round(share * (count - 1))
        values = np.zeros(count)
        values[at] = 1
        line, pointer = chart([Line("AP", values)], at, "best")
        assert pointer.index("▲") == line.index("█")

    def test_leaves_out_what_is_nowhere_finite(self):
        assert chart([Line("AP", np.full(3, math.nan))], None) == []


class TestFigures:
    """Losses above, the metric below, the best epoch marked."""

    @pytest.fixture
    def history(self):
        return logs.history([0.1, 0.3, 0.2], [3.0, 2.0, 1.0], [3.0, 2.5, 2.7])

    @pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
    def test_is_written_as_its_suffix_asks(self, folder, suffix, start):
        assert run("yolov8", "-q", "--plot", f"a.{suffix}").exit_code == 0
        assert (folder / f"a.{suffix}").read_bytes().startswith(start)

    def test_says_what_it_shows(self, folder):
        assert run("yolov8", "yolov5", "-q", "--plot", "a.SVG").exit_code == 0
        text = (folder / "a.SVG").read_text()
        for words in ("train", "validation", "best 0.3100, epoch 2", "yolov5", "too short"):
            assert words in text

    def test_has_the_curves(self, history):
        losses, metric = history_figure(history).axes
        train, val, best = losses.get_lines()
        assert train.get_ydata().tolist() == [3.0, 2.0, 1.0]
        assert val.get_ydata().tolist() == [3.0, 2.5, 2.7]
        assert [*best.get_xdata()] == [1, 1]
        assert metric.get_lines()[0].get_ydata().tolist() == [0.1, 0.3, 0.2]
        assert metric.get_ylabel() == "AP"

    def test_is_the_same_each_time(self, history):
        first, second = (figure_bytes(history_figure(history), "svg") for _ in range(2))
        assert first == second

    def test_draws_on_axes_that_are_there(self, history):
        from matplotlib.figure import Figure

        axes = Figure().subplots()
        draw_metric(axes, history.course("AP"), history.best("AP"))
        assert len(axes.get_lines()) == 3

    @pytest.mark.parametrize(
        "curves",
        [
            ([math.nan] * 3, [1.0] * 3),
            (None, [1.0]),
            (None, [1e300, 1e-300, 0.0], [math.nan, 1.0, -1.0]),
            ([0.5] * 2,),
        ],
    )
    def test_of_odd_curves(self, curves):
        assert figure_bytes(history_figure(logs.history(*curves)), "svg")

    def test_names_that_look_like_formulas(self):
        history = dm.History.of(logs.history([0.1, 0.2]).rows, source="a_$x^$\x1b.csv 漢")
        assert figure_bytes(history_figure(history), "png")

    def test_too_many_are_refused(self, history):
        standings = [TrainingStanding(history, "AP")] * 37
        with pytest.raises(dm.InputError, match="a figure shows 1 to 36 histories, got 37"):
            histories_figure(standings)

    def test_other_suffixes_are_refused(self):
        with pytest.raises(dm.InputError, match=r"a\.gif: expected a name that ends in .png"):
            suffix_of("a.gif")


class TestReal:
    """The command on four trainings of other people."""

    def test_all_at_once(self, shared, tmp_path):
        paths = sorted(map(str, (shared / "training_logs").glob("*.csv")))
        ran = run(*paths, "-q", "--json", str(tmp_path / "a.json"), "--plot", f"{tmp_path}/a.png")
        assert ran.exit_code == 0
        found = json.loads((tmp_path / "a.json").read_text())["histories"]
        assert [(each["verdict"], each["since"]) for each in found] == [
            ("still improving", None),
            ("collapsed", 9),
            ("converged", None),
            ("overfitting", 2),
        ]
