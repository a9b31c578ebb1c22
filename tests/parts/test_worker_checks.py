"""Before the work, workers are asked what they are and what they see; and what engines say."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from parts.part_files import in_parts

import detmetrics as dm
from detmetrics.foundation import parallel
from detmetrics.parts import workers
from detmetrics.parts.mapping import mapper_of
from detmetrics.parts.storage import STORAGE
from detmetrics.parts.workers import PathsTask, TokenTask, read_paths, signed

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def run(folder: Path, **asked: object) -> dm.PartsEvaluation:
    return in_parts(folder, "coco", **({"shape": "box"} | asked))


def nothing_was_matched(folder: Path) -> bool:
    return not [*(folder / "state").glob("parts/*")]


def nothing_is_left(folder: Path) -> bool:
    return {path.name for path in (folder / "state").iterdir()} == {"state.json", "parts", "index"}


class TestChecks:
    def test_leave_nothing(self, folder):
        run(folder, engine=lambda function, tasks: [*map(function, tasks)], workers=3)
        assert nothing_is_left(folder)

    def test_each_worker_is_asked(self, folder):
        asked: list[int] = []

        def engine(function: Callable, tasks: Sequence) -> list:
            asked.append(len(tasks))
            return [*map(function, tasks)]

        run(folder, engine=engine, workers=4)
        assert asked == [4, 4, 4, 3, 1]  # release, inputs, state, parts, classes

    def test_this_process_and_its_own_are_not_asked(self, folder, monkeypatch):
        monkeypatch.setattr("detmetrics.parts.mapping.Mapper.releases", None)
        run(folder)
        run(folder, workers=2)

    def test_another_release(self, folder, monkeypatch):
        def engine(function: Callable, tasks: Sequence) -> list:
            with monkeypatch.context() as there:
                there.setattr("detmetrics.foundation.version.__version__", "9.8.7")
                return [function(one) for one in tasks]

        told = (
            rf"engine: workers have detmetrics 9\.8\.7, and this is {dm.__version__}, which may .*"
        )
        with pytest.raises(dm.InputError, match=rf"{told}Fix: install detmetrics {dm.__version__}"):
            run(folder, engine=engine)
        assert not (folder / "state").exists()

    def test_another_release_of_a_worker_that_came_later(self, folder, monkeypatch):
        def engine(function: Callable, tasks: Sequence) -> list:
            with monkeypatch.context() as there:
                there.setattr(workers, "__version__", "9.8.7")
                return [function(one) for one in tasks]

        told = (
            rf"a worker on .+ has detmetrics 9\.8\.7, and this is {dm.__version__}, which may .*"
            rf"Fix: install detmetrics {dm.__version__} for all workers"
        )
        with pytest.raises(dm.InputError, match=told):
            run(folder, engine=engine)
        assert not (folder / "state").exists()

    @pytest.mark.parametrize("place", ["{side}/part-0.parquet", "{side}/part=0/rows.parquet"])
    def test_parquet_that_a_worker_cannot_read(self, tmp_path, monkeypatch, place):
        for side in ("gt", "detections"):
            path = tmp_path / place.format(side=side)
            path.parent.mkdir(parents=True)
            path.write_bytes(b"PAR1")
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
        told = r"Parquet needs pyarrow, which a worker on .+ lacks\. Fix: pip install 'detmetrics\["
        with pytest.raises(dm.InputError, match=told):
            run(tmp_path, engine=lambda function, tasks: [*map(function, tasks)])
        assert not (tmp_path / "state").exists()

    def test_inputs_that_a_worker_does_not_see(self, folder):
        def engine(function: Callable, tasks: Sequence) -> list:
            if not isinstance(tasks[0], PathsTask):
                return [*map(function, tasks)]
            here, there = str(folder), str(folder / "nowhere")
            moved = tuple(path.replace(here, there) for path in tasks[0].paths)
            return [function(replace(tasks[0], paths=moved))]

        told = r"nowhere/gt: a worker on .+ cannot read it: No such file .*Fix: give a path that"
        with pytest.raises(dm.InputError, match=told):
            run(folder, engine=engine)
        assert not (folder / "state").exists()

    def test_files_that_settings_name(self, folder):
        (folder / "list.txt").write_text("1\n")
        seen: list[str] = []

        def engine(function: Callable, tasks: Sequence) -> list:
            if not isinstance(tasks[0], PathsTask):
                return [*map(function, tasks)]
            seen.extend(tasks[0].paths)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(folder, engine=engine, image_list=folder / "list.txt")
        names = [os.path.relpath(path, folder) for path in seen]
        assert names == ["gt", "detections", *(f"{n}/part-000.json" for n in names[:2]), "list.txt"]

    @pytest.mark.parametrize(
        ("there", "told"),
        [
            (lambda task: replace(task, path="/nowhere/token"), "/nowhere: a worker on .+ cannot"),
            (lambda task: replace(task, content="x"), "state: is another folder for a worker on"),
        ],
    )
    def test_a_state_that_a_worker_does_not_see(self, folder, there, told):
        def engine(function: Callable, tasks: Sequence) -> list:
            own = isinstance(tasks[0], TokenTask)
            return [function(there(one) if own else one) for one in tasks]

        with pytest.raises(
            dm.InputError, match=rf"{told}.*Fix: give a state folder that all workers"
        ):
            run(folder, engine=engine)
        assert nothing_was_matched(folder)
        assert nothing_is_left(folder)

    def test_a_worker_that_writes_to_another_folder(self, folder):
        def engine(function: Callable, tasks: Sequence) -> list:
            answers = [function(one) for one in tasks]
            for answer in answers:
                if getattr(answer, "written", ""):
                    os.unlink(answer.written)
            return answers

        with pytest.raises(dm.InputError, match=r"state: a worker on .+ writes to another folder"):
            run(folder, engine=engine)
        assert nothing_was_matched(folder)

    def test_a_worker_that_cannot_run_detmetrics(self, folder):
        def engine(function: Callable, tasks: Sequence) -> list:
            raise ModuleNotFoundError("No module named 'detmetrics'")

        told = (
            rf"engine: a worker cannot run detmetrics {dm.__version__} \(ModuleNotFoundError: No .*"
            "Fix: install detmetrics"
        )
        with pytest.raises(dm.InputError, match=told):
            run(folder, engine=engine)

    def test_what_a_worker_answers(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert read_paths(PathsTask((str(tmp_path), str(tmp_path / "file")), STORAGE)).fault == ""
        token = TokenTask(str(tmp_path / "token"), "abc", STORAGE)
        assert "No such file" in signed(token).fault
        (tmp_path / "token").write_text("abc")
        assert Path(signed(token).written).read_text() == "abc"


class TestNamedEngines:
    def test_processes(self, folder):
        assert run(folder, engine="processes", workers=2).summary == run(folder).summary

    def test_others(self, folder):
        with pytest.raises(dm.InputError, match=r"no engine 'rayy' \(do you mean ray\?\); there"):
            run(folder, engine="rayy")

    @pytest.mark.parametrize("engine", [None, "processes", map])
    def test_that_have_no_address(self, folder, engine):
        with pytest.raises(dm.InputError, match="address: "):
            run(folder, engine=engine, address="tcp://head:8786")

    @pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
    def test_that_are_not_installed(self, folder, monkeypatch, name, package):
        monkeypatch.setitem(sys.modules, package, None)
        told = rf"engine {name}: its package cannot be .*pip install 'detmetrics\[{name}\]'"
        with pytest.raises(dm.InputError, match=told):
            run(folder, engine=name)


def threads(_: int) -> int:
    return parallel.WORKERS


def test_workers_have_one_thread_and_this_process_keeps_its_own():
    own = parallel.WORKERS
    with mapper_of("processes", 2) as mapper:
        assert mapper(threads, [0]) == [1]
    with mapper_of(map, 1) as mapper:
        assert mapper(threads, [0]) == [own]
