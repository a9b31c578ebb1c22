"""Running out is refused before the work, or ends in one sentence."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.analysis.bootstrap import confidence_intervals
from detmetrics.cli import cli
from detmetrics.foundation import inputs, parallel

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
GIB = 1 << 30


def command(*arguments: object, memory: int | None = None, given: object = None, **more: object):
    """The command in a process of its own; memory: bytes of address space that it may have."""

    def limited() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.run(
        [sys.executable, "-m", "detmetrics", *map(str, arguments)],
        stdin=given or subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=limited,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        **more,
    )


def one_sentence(ran: subprocess.CompletedProcess[str], words: str, code: int = 1) -> None:
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert words in ran.stderr
    assert ran.stdout == ""


class TestGrids:
    """Thresholds times recall points times classes times ranges."""

    RULES = (
        "iou_thresholds = { start = 0.0001, stop = 1.0, count = 10000 }\n"
        "recall_points = { start = 0.0, stop = 1.0, count = 10000 }\n"
    )

    def test_the_product_is_named_and_refused(self, tmp_path):
        rules = tmp_path / "rules.toml"
        rules.write_text(self.RULES)
        ran = command("evaluate", TRUTH, FOUND, "--rules", rules, memory=4 * GIB)
        one_sentence(ran, "10,000 IoU thresholds x 10,000 recall points x 5 classes x 4 area")
        assert "14.9 GiB" in ran.stderr
        assert "ask for fewer thresholds" in ran.stderr

    def test_large_grids_of_one_kind_are_measured(self):
        points = [at / 5_000 for at in range(5_001)]
        rules = dm.COCO.replace(recall_points=points)
        assert dm.evaluate(TRUTH, FOUND, rules).summary["AP50"] > 0.5


class TestResamples:
    @pytest.mark.parametrize("resamples", [100_001, 2_000_000_000, 10**30])
    def test_have_a_maximum_with_the_memory_named(self, resamples):
        with pytest.raises(dm.InputError, match=r"at most 100,000 resamples, .* seeds alone take"):
            confidence_intervals(dm.evaluate(TRUTH, FOUND), resamples=resamples)

    def test_of_the_command(self):
        ran = command("evaluate", TRUTH, FOUND, "--ci", "--resamples", 2_000_000_000)
        one_sentence(ran, "at most 100,000 resamples")


class TestEndlessInput:
    @pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom", "/dev/full"])
    def test_devices_are_refused(self, path):
        if not os.path.exists(path):
            pytest.skip(f"needs {path}")
        one_sentence(command("evaluate", path, FOUND), f"{path}: expected a file or a pipe")
        one_sentence(command("evaluate", TRUTH, path), f"{path}: expected a file or a pipe")

    def test_as_standard_input(self):
        with open("/dev/zero", "rb") as zero:
            one_sentence(command("evaluate", TRUTH, "-", given=zero), "expected a file or a pipe")

    def test_sockets_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("found.json")
            with pytest.raises(dm.FormatError, match=r"found\.json: .*got a socket"):
                inputs.read_input("found.json")

    def test_an_endless_pipe(self, tmp_path):
        pipe = f'"{sys.executable}" -m detmetrics evaluate {TRUTH} - --pipe-limit 2MiB'
        ran = subprocess.run(
            ["bash", "-c", f"yes '[' | {pipe}"], capture_output=True, text=True, check=False
        )
        one_sentence(ran, "more than 2 MiB through a pipe")
        assert "--pipe-limit 4 MiB" in ran.stderr

    @pytest.mark.parametrize("how", ["<(cat {})", "/dev/stdin", "/dev/fd/0", "-"])
    def test_pipes_with_an_end_are_read(self, how):
        run = f'cat {FOUND} | "{sys.executable}" -m detmetrics evaluate {TRUTH} {how} --json -'
        ran = subprocess.run(
            ["bash", "-c", run.format(FOUND)], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        expected = dm.evaluate(TRUTH, FOUND).summary["AP"]
        assert json.loads(ran.stdout)["metrics"]["AP"] == pytest.approx(expected)

    def test_nothing_is_no_device(self):
        one_sentence(command("evaluate", TRUTH, "/dev/null"), "/dev/null: the file is empty")

    def test_output_may_go_to_nowhere(self):
        ran = command("evaluate", TRUTH, FOUND, "--json", "/dev/null", "--csv", "/dev/null")
        assert ran.returncode == 0, ran.stderr


class TestMemoryAndThreads:
    def test_out_of_memory_is_one_sentence(self, monkeypatch):
        def exhausted(*_: object) -> None:
            np.zeros(1 << 55)

        monkeypatch.setattr("detmetrics.evaluation.evaluation.match", exhausted)
        ran = CliRunner().invoke(cli, ["evaluate", TRUTH, FOUND])
        assert ran.exit_code == 1
        assert "error: out of memory (Unable to allocate 256. PiB" in ran.stderr
        assert "Fix: divide the data set with detmetrics partition" in ran.stderr

    def test_no_threads_are_no_error(self, monkeypatch):
        expected = dm.evaluate(TRUTH, FOUND)

        def none(_: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(parallel.threading.Thread, "start", none)
        result = dm.evaluate(TRUTH, FOUND)
        assert result.summary == pytest.approx(expected.summary, nan_ok=True)
        assert [one.sha256 for one in result.inputs] == [one.sha256 for one in expected.inputs]


class TestGzip:
    def test_what_unpacks_to_far_more_is_refused_before_it_fills_the_memory(self, tmp_path):
        packed = tmp_path / "bomb.json.gz"
        make = f"(head -c {GIB // 4} /dev/zero | tr '\\0' ' '; cat {TRUTH}) | gzip -9 > {packed}"
        subprocess.run(["bash", "-c", make], check=True)
        ran = command("evaluate", packed, FOUND, memory=GIB)
        one_sentence(ran, "of gzip data unpack to more than")
        assert "gunzip" in ran.stderr


class TestManyFaults:
    """Those that are shown are made, the others are counted."""

    @pytest.mark.parametrize("rows", [11, 3_000])
    def test_every_fault_counts(self, tmp_path, rows):
        found = tmp_path / "found.json"
        found.write_text(json.dumps([0] * rows))
        with pytest.raises(dm.FormatError) as refused:
            dm.read_detections(found, dm.read_ground_truth(TRUTH))
        assert refused.value.count == rows
        assert len(refused.value.faults) == 10

    def test_in_several_sections(self, tmp_path):
        truth = tmp_path / "truth.json"
        parts = {"images": [0] * 7, "annotations": [0] * 8, "categories": 1}
        truth.write_text(json.dumps(parts))
        with pytest.raises(dm.FormatError) as refused:
            dm.read_ground_truth(truth, dm.Reading(gt_format="coco"))
        assert refused.value.count == 16
        assert len(refused.value.faults) == 10


@pytest.mark.filterwarnings("ignore:.*score outside")
def test_rounding_leaves_numbers_that_are_too_large_for_it():
    catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], catalog=catalog
    )
    found = dm.Detections.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], scores=[1e308], catalog=catalog
    )
    result = dm.evaluate(truth, found, dm.COCO.replace(score_decimals=1, box_decimals=1))
    assert result.detections.scores.tolist() == [1e308]
    assert result.summary["AP"] == pytest.approx(1)
