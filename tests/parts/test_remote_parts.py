"""Parts and state in an object store: the numbers of files, few requests, and no secrets told."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="needs fsspec, as the extra remote has it")

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from parts.part_files import data_set, write_table
from parts.remote_store import ODD, ROOT, emptied, most_of_a_block, recorded, run, uploaded
from parts.test_evaluate_parts import assert_equal

import detmetrics as dm
from detmetrics.foundation.replacing import staging_prefix
from detmetrics.parts import ranges

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


@pytest.fixture
def store():
    yield emptied()
    emptied()


@pytest.fixture
def whole(store, tmp_path):
    """Three parts in the store; gives both files of the whole."""
    return uploaded(data_set(3), tmp_path)


def paths_in(store: MemoryFileSystem, folder: str) -> list[str]:
    return sorted(path for path in store.store if path.startswith(f"/bucket/run7/{folder}/"))


class TestNumbers:
    """They are those of local paths and of the whole, in every bit."""

    @pytest.mark.parametrize("rules", ["coco", "voc2012", "olrp"])
    @pytest.mark.parametrize("seed", [3, 4, 5])
    def test_of_boxes(self, store, tmp_path, rules, seed):
        files = uploaded(data_set(seed), tmp_path)
        named = dm.RULE_SETS[rules].replace(ties="file")
        ours = run(named)
        assert_equal(ours, dm.evaluate(*files, named, shape="box"))
        local = dm.evaluate_parts(
            tmp_path / "gt", tmp_path / "detections", named, state=tmp_path / "s", shape="box"
        )
        told, expected = ours.to_dict(), local.to_dict()
        assert [one.pop("path") for one in told["inputs"]] == [f"{ROOT}/gt", f"{ROOT}/detections"]
        assert [Path(one.pop("path")).name for one in expected["inputs"]] == ["gt", "detections"]
        expected["attention"] = [
            text.replace(str(tmp_path), ROOT) for text in expected["attention"]
        ]
        assert told == expected

    def test_of_masks_and_text_ids(self, store, tmp_path):
        files = uploaded(data_set(7, masks=True, text=True), tmp_path)
        assert_equal(run("coco-segm", shape="auto"), dm.evaluate(*files, "coco-segm"))

    def test_in_batches(self, whole, monkeypatch):
        """Where no two tables fit into what is asked for at once."""
        monkeypatch.setattr(ranges, "AT_ONCE", 1)
        assert_equal(run("olrp"), dm.evaluate(*whole, "olrp", shape="box"))

    def test_where_the_rules_are_chosen_by_the_first_part(self, whole):
        assert run(None, shape="auto").summary == dm.evaluate(*whole, "coco").summary

    def test_of_parts_with_odd_names(self, store, tmp_path):
        files = data_set(3).write(tmp_path)
        for side in ("gt", "detections"):
            for path, name in zip(sorted((tmp_path / side).iterdir()), ODD, strict=True):
                store.pipe_file(f"/bucket/{side}/{name}.json", path.read_bytes())
        ours = run()
        assert ours.parts == tuple(sorted(ODD))
        assert_equal(ours, dm.evaluate(*files, "coco", shape="box"))

    def test_by_threads(self, whole):
        with ThreadPoolExecutor(4) as pool:
            ours = run("olrp", engine=pool)
        assert_equal(ours, dm.evaluate(*whole, "olrp", shape="box"))

    def test_with_some_paths_in_the_store(self, whole, tmp_path):
        for sides in (
            (f"{ROOT}/gt", tmp_path / "detections"),
            (tmp_path / "gt", ROOT + "/detections"),
        ):
            ours = dm.evaluate_parts(*sides, "coco", state=tmp_path / "s", shape="box")
            assert_equal(ours, dm.evaluate(*whole, "coco", shape="box"))

    def test_of_a_file_system_with_real_folders(self, whole, tmp_path):
        """Such as ``sftp://``: folders of the state are made."""
        ours = dm.evaluate_parts(
            f"file://{tmp_path}/gt",
            f"file://{tmp_path}/detections/",
            "coco",
            state=f"file://{tmp_path}/run7",
            shape="box",
        )
        assert_equal(ours, dm.evaluate(*whole, "coco", shape="box"))
        assert (tmp_path / "run7" / "state.json").is_file()


class TestState:
    def test_is_resumed_without_reading_a_part(self, whole, monkeypatch):
        first = run()
        requests = recorded(monkeypatch)
        again = run()
        assert again.fresh == ()
        assert again.to_dict() == first.to_dict()
        assert not [one for one in requests if one.what == "get_file"]
        assert not [one for one in requests if one.what == "cat_file" and "/run7/" not in one.path]

    def test_only_a_part_that_changed_is_matched_again(self, whole, store):
        run()
        path = "/bucket/detections/part-001.json"
        store.pipe_file(path, store.cat_file(path) + b"\n")
        assert run().fresh == ("part-001",)

    @pytest.mark.parametrize("how", ["gone", "cut", "empty", "other"])
    def test_a_condensed_part_that_is_damaged_is_made_again(self, whole, store, how):
        expected = run().to_dict()
        path = paths_in(store, "parts")[0]
        good = store.cat_file(path)
        if how == "gone":
            store.rm_file(path)
        else:
            store.pipe_file(path, {"cut": good[:-1], "empty": b"", "other": b"x" * 99}[how])
        again = run()
        assert len(again.fresh) == 1
        assert again.to_dict() == expected
        assert store.cat_file(path) == good

    def test_what_is_no_state_is_refused(self, whole, store):
        with pytest.raises(
            dm.InputError, match=r"bucket: expected a state folder or a new one, fo"
        ):
            run(state=ROOT)
        store.pipe_file("/bucket/run7/state.json", b"{}")
        with pytest.raises(dm.InputError, match=r"run7/state\.json: expected the state of a run"):
            run()

    def test_of_other_rules_is_refused(self, whole):
        run()
        with pytest.raises(
            dm.RulesError, match=r"memory://bucket/run7/state\.json: the state was m"
        ):
            run("voc2012")

    def test_that_is_a_file(self, whole, store):
        store.pipe_file("/bucket/file", b"x")
        with pytest.raises(
            dm.OutputError, match=r"bucket/file: cannot be written: Not a directory"
        ):
            run(state=f"{ROOT}/file")

    def test_that_is_gone(self, whole, store):
        result = run()
        for path in paths_in(store, "parts"):
            store.rm_file(path)
        told = r"memory://bucket/run7/parts/\w+\.part: the state cannot be read any more: no such"
        with pytest.raises(dm.InputError, match=told):
            result.arrays()

    def test_files_can_be_deleted(self, whole, store):
        files = dm.parts.storage.STORAGE.of(ROOT)
        run()
        files.delete(f"memory:/{paths_in(store, 'parts')[0]}")
        assert len(run().fresh) == 1


class TestRequests:
    """Few: time and money go by their number."""

    @pytest.mark.parametrize("rules", ["coco", "olrp", "ultralytics"])
    @pytest.mark.parametrize(("room", "most"), [(16 << 20, 1), (1, 2)])
    def test_of_a_class_in_a_part(self, whole, monkeypatch, rules, room, most):
        monkeypatch.setattr(ranges, "AT_ONCE", room)
        requests = recorded(monkeypatch)
        result = run(rules)
        assert most_of_a_block(result.index, requests) == most
        for asked in (result.arrays, lambda: result.curve("z")):
            requests.clear()
            asked()
            assert 0 < most_of_a_block(result.index, requests) <= most

    def test_of_heads_and_folders(self, whole, monkeypatch):
        requests = recorded(monkeypatch)
        result = run()
        listed = [one.path for one in requests if one.what in ("ls", "find")]
        assert sorted(listed) == ["/bucket/detections"] * 2 + ["/bucket/gt"] * 2 + ["/bucket/run7"]
        for part in result.index.parts:
            heads = [one for one in requests if part.path.endswith(one.path) and one.start == 0]
            assert len(heads) == 2  # by this process, and by this process as a worker

    def test_of_a_long_head_are_two(self, whole, monkeypatch):
        expected = run().to_dict()
        monkeypatch.setattr("detmetrics.parts.condensed_file.FIRST", 100)
        requests = recorded(monkeypatch)
        again = run()
        assert again.fresh == ()
        assert again.to_dict() == expected
        path = again.index.parts[0].path.removeprefix("memory:/")
        reads = [(one.start, one.end) for one in requests if one.path == path]
        start = again.index.parts[0].start
        # To know whether it is whole, and to join it; the index was read before.
        assert reads.count((0, 100)) == reads.count((100, start)) == 2

    def test_of_a_part_are_one_for_each_file(self, whole, monkeypatch):
        requests = recorded(monkeypatch)
        run()
        fetched = [one.path for one in requests if one.what == "get_file"]
        assert len(fetched) == len({*fetched}) == 6


class TestCopies:
    @pytest.fixture
    def temporary(self, tmp_path, monkeypatch):
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        return folder

    def test_are_deleted(self, whole, temporary):
        run()
        assert [*temporary.iterdir()] == []

    def test_that_a_killed_worker_left_are_deleted(self, whole, temporary):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        name = staging_prefix().replace(f"-{os.getpid()}-", f"-{gone.pid}-")
        for left in (f"{name}copy-x", f"{name}y", f"{staging_prefix()}copy-z"):
            (temporary / left / "0").mkdir(parents=True)
        run()
        kept = [f"{name}y", f"{staging_prefix()}copy-z"]
        assert sorted(path.name for path in temporary.iterdir()) == sorted(kept)

    def test_of_parts_that_fail_are_deleted_and_named_by_their_url(self, whole, store, temporary):
        store.pipe_file("/bucket/gt/part-001.json", b"{")
        with pytest.raises(dm.PartsError, match="1 part of 3 failed") as caught:
            run()
        assert f"{ROOT}/gt/part-001.json" in caught.value.failed["part-001"]
        assert str(temporary) not in str(caught.value)
        assert [*temporary.iterdir()] == []

    def test_are_named_by_their_url_in_notes(self, whole, store, temporary):
        rows = "image,class,score,xmin,ymin,xmax,ymax\n"
        truth = "image,class,xmin,ymin,xmax,ymax\na.jpg,cat,1,1,9,9\n"
        store.rm("/bucket/gt", recursive=True)
        store.rm("/bucket/detections", recursive=True)
        store.pipe_file("/bucket/gt/a.csv", truth.encode())
        store.pipe_file("/bucket/detections/a.csv", (rows + "a.jpg,cat,.5,1,1,9,9\n").encode())
        result = run()
        assert str(temporary) not in str([part.head for part in result.index.parts])
        assert str(temporary) not in str(result.to_dict())

    def test_of_folders(self, store, tmp_path, temporary):
        """A part may be a folder of labels, or one with a table in it."""
        box = {"x": 0, "y": 0, "w": 9, "h": 9}
        for part in ("part=1", "part=2"):
            rows = [{"image": f"{name}.jpg", "class": "c"} | box for name in (part, f"{part}-x")]
            write_table(tmp_path / "gt" / part / "data.csv", rows, [*rows[0]])
            (tmp_path / "detections" / part / "more").mkdir(parents=True)
            for image in (part, f"more/{part}-x"):
                path = tmp_path / "detections" / part / f"{image}.txt"
                path.write_text("c 0.5 0 0 9 9\n")
        for path in tmp_path.rglob("*.*"):
            if path.suffix in (".csv", ".txt"):
                store.pipe_file(f"/bucket/{path.relative_to(tmp_path)}", path.read_bytes())
        asked = {"rules": "coco", "shape": "box"}
        asked["reading"] = dm.Reading(columns="class score x y w h")
        ours = dm.evaluate_parts(f"{ROOT}/gt", f"{ROOT}/detections", state=f"{ROOT}/run7", **asked)
        local = dm.evaluate_parts(
            tmp_path / "gt", tmp_path / "detections", state=tmp_path / "run7", **asked
        )
        assert ours.summary == local.summary
        assert ours.counts == local.counts
        assert run("coco", reading=asked["reading"]).fresh == ()

    def test_a_key_does_not_lead_out_of_its_folder(self, whole, store, tmp_path):
        for side in ("gt", "detections"):
            store.pipe_file(f"/bucket/{side}/part-9/a.txt", b"c 0 0 9 9\n")
        store.store["/bucket/gt/part-9/../../odd.txt"] = store.store["/bucket/gt/part-9/a.txt"]
        with pytest.raises(
            dm.PartsError, match=r"gt/part-9: \.\./\.\./odd\.txt: expected the name"
        ):
            run()


class TestLists:
    @pytest.mark.parametrize("how", ["argument", "beside"])
    def test_of_images(self, store, tmp_path, how):
        row = {"image": "a", "class": "c", "x": 0, "y": 0, "w": 9, "h": 9}
        for side, more in (("gt", {}), ("detections", {"score": 0.5})):
            write_table(tmp_path / side / "p.csv", [row | more], [*row, *more])
            store.pipe_file(f"/bucket/{side}/p.csv", (tmp_path / side / "p.csv").read_bytes())
        path = "/bucket/gt/images.txt" if how == "beside" else "/bucket/names.txt"
        asked = {} if how == "beside" else {"image_list": f"memory:/{path}"}
        for count, names in ((3, b"a\nb\nc\n"), (4, b"a\nb\nc\nd\n")):
            store.pipe_file(path, names)
            assert run(**asked).counts["images"] == count

    def test_that_are_not_there(self, whole):
        with pytest.raises(
            dm.PartsError, match=r"memory://bucket/no\.txt: cannot be read: no such"
        ):
            run(image_list=f"{ROOT}/no.txt")


def test_a_local_list_that_changed_is_read_again(tmp_path):
    row = {"image": "a", "class": "c", "x": 0, "y": 0, "w": 9, "h": 9}
    write_table(tmp_path / "gt" / "p.csv", [row], [*row])
    write_table(tmp_path / "detections" / "p.csv", [row | {"score": 0.5}], [*row, "score"])
    for count, names in ((3, "a\nb\nc\n"), (4, "a\nb\nc\nd\n")):
        (tmp_path / "images.txt").write_text(names)
        sides = tmp_path / "gt", tmp_path / "detections"
        asked = {"state": tmp_path / "s", "image_list": tmp_path / "images.txt", "shape": "box"}
        assert dm.evaluate_parts(*sides, "coco", **asked).counts["images"] == count


class _Forgetful(MemoryFileSystem):
    """A store that tells nothing of the content of an object but its size."""

    protocol = "forgetful"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("forgetful://", "memory://"))

    def info(self, path: str, **asked: object) -> dict:
        told = super().info(path, **asked)
        return {name: told[name] for name in ("name", "size", "type")}


def test_contents_are_hashed_where_a_store_tells_nothing_of_them(whole, store):
    fsspec.register_implementation("forgetful", _Forgetful, clobber=True)
    sides = "forgetful://bucket/gt", "forgetful://bucket/detections"
    asked = {"state": f"{ROOT}/run7", "shape": "box"}
    assert len(dm.evaluate_parts(*sides, "coco", **asked).fresh) == 3
    assert dm.evaluate_parts(*sides, "coco", **asked).fresh == ()
    path = "/bucket/detections/part-001.json"
    store.pipe_file(path, store.cat_file(path).replace(b"0.5", b"0.4"))
    assert dm.evaluate_parts(*sides, "coco", **asked).fresh == ("part-001",)


def test_files_need_no_fsspec(tmp_path):
    data_set(3).write(tmp_path)
    code = (
        "import sys, detmetrics as dm\n"
        f"dm.evaluate_parts({str(tmp_path / 'gt')!r}, {str(tmp_path / 'detections')!r}, 'coco', "
        f"state={str(tmp_path / 's')!r}, shape='box')\n"
        "assert 'fsspec' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
