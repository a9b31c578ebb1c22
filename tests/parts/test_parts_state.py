"""What is done stays done: when a part is matched again, and when a state is refused."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from parts.part_files import in_parts

import detmetrics as dm
from detmetrics.parts import matching_parts
from detmetrics.parts.matching_parts import MatchTask
from detmetrics.parts.measuring import ClassesTask
from detmetrics.parts.storage import LocalFiles

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def run(folder: Path, rules: object = "coco", **asked: object) -> dm.PartsEvaluation:
    return in_parts(folder, rules, **({"shape": "box"} | asked))


def condensed(folder: Path) -> list[Path]:
    return sorted((folder / "state" / "parts").iterdir())


def test_parts_that_did_not_change_are_taken_from_the_state(folder):
    first = run(folder)
    assert first.fresh == first.parts == ("part-000", "part-001", "part-002")
    again = run(folder)
    assert again.fresh == ()
    assert again.to_dict() == first.to_dict()


def test_only_a_part_that_changed_is_matched_again(folder):
    run(folder)
    path = folder / "detections" / "part-001.json"
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))
    result = run(folder)
    assert result.fresh == ("part-001",)
    fresh = run(folder, state=folder / "other")
    assert result.to_dict() == fresh.to_dict()


@pytest.mark.parametrize("how", ["gone", "cut", "empty", "other", "head"])
def test_a_condensed_part_that_is_damaged_is_made_again(folder, how):
    expected = run(folder).to_dict()
    path = condensed(folder)[0]
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        bad = {"cut": whole[:-1], "empty": b"", "other": b"x" * 99}
        path.write_bytes(bad.get(how, whole[:80] + b"[" + whole[81:]))
    shutil.rmtree(folder / "state" / "index")
    again = run(folder)
    assert len(again.fresh) == 1
    assert again.to_dict() == expected
    assert path.read_bytes() == whole


def test_a_condensed_part_under_the_name_of_another_is_made_again(folder):
    """That of an earlier content of the part too, which nothing else in the file tells."""
    run(folder)
    (old,) = (path for path in condensed(folder) if b'"part": "part-001"' in path.read_bytes())
    kept = old.read_bytes()
    changed = folder / "detections" / "part-001.json"
    changed.write_text(json.dumps(json.loads(changed.read_text())[1:]))
    expected = run(folder).to_dict()
    for path in condensed(folder):
        path.write_bytes(kept)
    again = run(folder)
    assert len(again.fresh) == 3
    assert again.to_dict() == expected


def test_a_folder_in_the_place_of_a_condensed_part(folder):
    run(folder)
    path = condensed(folder)[0]
    path.unlink()
    path.mkdir()
    with pytest.raises(dm.PartsError, match=rf"{path}: Is a directory"):
        run(folder)


def test_a_state_may_move(folder):
    expected = run(folder).to_dict()
    (folder / "state").rename(folder / "moved")
    moved = run(folder, state=folder / "moved")
    assert moved.fresh == ()
    assert moved.to_dict() == expected


def test_what_decides_how_files_are_read_decides_the_part(folder):
    run(folder)
    assert len(run(folder, class_list=["a", "new"]).fresh) == 3
    assert len(run(folder, reading=dm.Reading(pixels="inclusive")).fresh) == 3


def test_other_rules_are_refused(folder):
    run(folder)
    with pytest.raises(dm.RulesError, match=r"state\.json: the state was made under other rules"):
        run(folder, dm.COCO.replace(max_detections=(300,)))
    with pytest.raises(dm.RulesError, match=r"\(found coco\|.*, expected voc2012\|.*\)\. Fix: giv"):
        run(folder, "voc2012")


def test_another_release_is_refused(folder):
    run(folder)
    told = folder / "state" / "state.json"
    told.write_text(told.read_text().replace(f'"{dm.__version__}"', '"9.8.7"'))
    with pytest.raises(dm.InputError, match=r"made by detmetrics 9\.8\.7, and this is"):
        run(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": 1}'])
def test_what_is_no_state_is_refused(folder, content):
    run(folder)
    (folder / "state" / "state.json").write_text(content)
    with pytest.raises(dm.InputError, match="expected the state of a run, found something else"):
        run(folder)


def test_a_folder_of_other_things_is_refused_untouched(folder):
    with pytest.raises(dm.InputError, match=r"expected a state folder or a new one, found detect"):
        run(folder, state=folder)
    assert not (folder / "parts").exists()


def test_a_state_that_cannot_be_written_is_an_error_with_its_place(folder):
    (folder / "file").write_text("")
    for state in ("file/state", "file"):
        with pytest.raises(dm.OutputError, match=f"{state}: cannot be written: Not a directory"):
            run(folder, state=folder / state)


class TestFailures:
    """A part that fails does not lose the others."""

    def test_which_are_named_and_the_next_run_goes_on(self, folder):
        path = folder / "detections" / "part-001.json"
        good = path.read_text()
        path.write_text(good[:-5])
        with pytest.raises(
            dm.PartsError, match=r"1 part of 3 failed; .*\n  part-001: .*part-001.json"
        ):
            run(folder)
        assert len(condensed(folder)) == 2
        path.write_text(good)
        result = run(folder)
        assert result.fresh == ("part-001",)
        assert result.summary == run(folder, state=folder / "other").summary

    def test_of_many_the_first_are_shown(self):
        error = dm.PartsError({f"p{number}": "no such file" for number in range(12)}, 3)
        assert str(error).splitlines()[0].startswith("12 parts of 15 failed; ")
        assert str(error).splitlines()[-1] == "  ... and 2 more"

    def test_of_the_code_are_named_with_their_kind(self, folder, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise KeyError("oops")

        monkeypatch.setattr(matching_parts, "evaluate", broken)
        with pytest.raises(dm.PartsError, match=r"part-000: KeyError: 'oops'") as caught:
            run(folder)
        assert len(caught.value.failed) == 3

    def test_a_worker_that_is_killed_is_told_and_the_state_is_good(self, folder):
        expected = run(folder, state=folder / "other").to_dict()
        with (
            ProcessPoolExecutor(1) as pool,
            pytest.raises(dm.WorkerError, match=r"after 1 of 3 tasks: was it killed"),
        ):
            run(folder, engine=_Killing(pool))
        result = run(folder)
        assert 0 < len(result.fresh) < 3
        assert result.to_dict() == expected

    def test_a_full_disk_is_one_error(self, folder, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(dm.OutputError, match=r"state\.json: cannot be written: No space left"):
            run(folder)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_disk_that_fills_up_is_one_error_and_the_state_is_good(
        self, folder, monkeypatch, workers
    ):
        """Later parts are not matched in vain."""
        expected, matched = run(folder, state=folder / "other").to_dict(), []
        write = LocalFiles.write

        def fill(self: object, path: str, content: bytes) -> None:
            if path.endswith(".part"):
                matched.append(path)
                if len(matched) > 1:
                    raise dm.OutputError(f"{path}: cannot be written: No space left on device")
            write(self, path, content)

        with monkeypatch.context() as full:
            full.setattr(LocalFiles, "write", fill)
            told = r"\.part: cannot be written: No space left on device\. Parts that were finished"
            with pytest.raises(dm.OutputError, match=told), ThreadPoolExecutor(1) as pool:
                run(folder, engine=pool if workers == 2 else None)
        assert len(matched) == 2 or workers == 2  # where one was begun already
        assert len(condensed(folder)) == 1
        again = run(folder)
        assert len(again.fresh) == 2
        assert again.to_dict() == expected


class _Killing:
    """An executor whose worker dies in the second part."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def map(self, function: object, tasks: list) -> object:
        if len(tasks) < 3:
            return self._pool.map(function, tasks)
        futures = [self._pool.submit(function, tasks[0])]
        futures[0].result()
        futures += [self._pool.submit(os._exit, 1), self._pool.submit(function, tasks[2])]
        return (future.result() for future in futures)


def test_a_worker_that_does_not_see_the_state_says_so(folder):
    def without_index(function: object, tasks: list) -> list:
        if isinstance(tasks[0], ClassesTask):
            shutil.rmtree(folder / "state" / "index")
        return [function(one) for one in tasks]

    with pytest.raises(
        dm.InputError, match=r"index: the state cannot be read by a worker: No such"
    ):
        run(folder, engine=without_index)


def test_an_engine_that_wrote_elsewhere_is_told(folder):
    def without_parts(function: object, tasks: list) -> list:
        answers = [function(one) for one in tasks]
        if isinstance(tasks[0], MatchTask):
            shutil.rmtree(folder / "state" / "parts")
        return answers

    told = r"condensed part part-000 cannot be read: No such file(?s:.*)workers must write to a"
    with pytest.raises(dm.FormatError, match=told):
        run(folder, engine=without_parts)


@pytest.mark.parametrize("back", [1, 40, 200])
def test_a_condensed_part_that_is_damaged_behind_its_head(folder, back):
    expected = run(folder).summary
    path = next((folder / "state" / "parts").iterdir())
    data = bytearray(path.read_bytes())
    data[-back] ^= 1
    path.write_bytes(data)
    with pytest.raises(dm.InputError, match=rf"{path.name}: the condensed part is damaged: a"):
        run(folder)
    path.unlink()
    assert run(folder).summary == expected
