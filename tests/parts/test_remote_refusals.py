"""What goes wrong with an object store is one error with URL, reason and next step; no secrets."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="needs fsspec, as the extra remote has it")

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from parts.part_files import data_set
from parts.remote_store import ROOT, emptied, run, uploaded

import detmetrics as dm
from detmetrics.parts.matching_parts import MatchTask
from detmetrics.parts.measuring import ClassesTask
from detmetrics.parts.storage import Storage

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

SECRET = "hunter2-and-more"


class Guarded(MemoryFileSystem):
    """A store that asks for a token, and shows it in what it raises where that is wrong."""

    protocol = "guarded"

    def __init__(self, token: str = "", limits: object = None, **asked: object) -> None:
        super().__init__(**asked)
        self.token = token

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("guarded://", "memory://"))

    def ls(self, path: str, detail: bool = True, **asked: object) -> list:
        if self.token != SECRET:
            raise OSError(f"the token {self.token} is wrong")
        return super().ls(path, detail, **asked)


class NoCredentialsError(Exception):
    """As botocore's."""


@pytest.fixture
def store(tmp_path):
    fs = emptied()
    uploaded(data_set(3), tmp_path)
    fsspec.register_implementation("guarded", Guarded, clobber=True)
    yield fs
    emptied()


def guarded(token: str = SECRET, **asked: object) -> dm.PartsEvaluation:
    options = {"token": token, "limits": {"keys": [SECRET]}}
    return dm.evaluate_parts(
        "guarded://bucket/gt",
        "guarded://bucket/detections",
        "coco",
        **{"state": "guarded://bucket/run7", "shape": "box", "storage_options": options} | asked,
    )


class TestOptions:
    def test_reach_the_store_and_are_in_no_file_name_or_message(self, store):
        tasks = []

        def engine(function: object, given: list) -> list:
            tasks.extend(given)
            return [function(pickle.loads(pickle.dumps(one))) for one in given]

        result = guarded(engine=engine)
        texts = [repr(tasks), repr(result), repr(result.index.parts), str(result.to_dict())]
        assert not [text for text in texts if SECRET in text]
        written = {name: file.getvalue() for name, file in store.store.items() if "run7" in name}
        assert len(written) == 5
        assert not [name for name, data in written.items() if SECRET.encode() in data]
        expected = guarded(state=f"{ROOT}/other", storage_options={"token": SECRET})
        assert expected.to_dict() == result.to_dict()
        names = {path for path in store.store if "/other/parts/" in path}
        assert names == {path.replace("run7", "other") for path in written if "/parts/" in path}

    def test_are_not_told_where_the_store_tells_them(self, store):
        with pytest.raises(dm.FormatError, match=r"OSError: the token \*\*\* is wrong") as caught:
            guarded("not-the-token")
        assert "not-the-token" not in str(caught.value)

    def test_that_a_store_does_not_take(self, store, monkeypatch):
        def refuse(self: object, token: str = "", **_: object) -> None:
            raise ValueError(f"no region in {token}")

        monkeypatch.setattr(Guarded, "__init__", refuse)
        told = r"bucket/gt: fsspec cannot use this URL with these storage_options \(Val.*\*\*"
        with pytest.raises(dm.InputError, match=told):
            guarded("some-other-token")

    def test_of_a_later_call_are_used_in_its_place(self, store):
        """An index that is in memory is not read with options of before."""
        assert Storage({"token": "a"}) != Storage({"token": "b"})
        assert hash(Storage({"token": ["a"]})) == hash(Storage({}))

    def test_are_a_mapping(self, store):
        with pytest.raises(dm.InputError, match=r"storage_options: expected options .* got str"):
            run(storage_options=SECRET)


class TestUrls:
    def test_with_a_password(self):
        told = (
            r"^ftp://me:\.\.\.@host/gt: the URL has a password or a query .* Fix: give it in stor"
        )
        for secret in ("hunter2", "hun/ter2", "hun@ter2"):  # as keys of stores have them
            with pytest.raises(dm.InputError, match=told) as caught:
                dm.evaluate_parts(f"ftp://me:{secret}@host/gt", "d", "coco", state="s")
            assert "ter2" not in str(caught.value)

    def test_with_a_query_that_may_sign_a_request(self):
        with pytest.raises(dm.InputError, match=r"^https://host/gt\?\.\.\.: the URL has") as caught:
            dm.evaluate_parts("https://host/gt?sig=hunter2", "d", "coco", state="s")
        assert "hunter2" not in str(caught.value)

    def test_partition_shows_no_password_either(self):
        with pytest.raises(dm.InputError, match=r"^s3://me:\.\.\.@b/gt: partition reads"):
            dm.partition("s3://me:hun/ter2@b/gt", "d", "out", into=2)

    def test_that_lost_a_slash(self):
        with pytest.raises(
            dm.InputError, match=r"^s3:/b/gt: pathlib takes .* Fix: give text, not a"
        ):
            dm.evaluate_parts(Path("s3://b/gt"), "d", "coco", state="s")

    def test_of_an_unknown_kind(self):
        with pytest.raises(
            dm.InputError, match=r"nowhere://b/gt: fsspec cannot .*not known: nowhere"
        ):
            dm.evaluate_parts("nowhere://b/gt", "d", "coco", state="s")

    def test_without_fsspec(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        with pytest.raises(
            dm.InputError, match=r"s3://b/gt: .*: pip install 'detmetrics\[remote\]'"
        ):
            dm.evaluate_parts("s3://b/gt", "d", "coco", state="s")

    def test_without_the_package_of_the_store(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "s3fs", None)
        loaded = sys.modules["fsspec.registry"]._registry
        monkeypatch.delitem(loaded, "s3", raising=False)
        with pytest.raises(
            dm.InputError, match=r"s3://b/gt: Install s3fs .*Fix: pip install s3fs,"
        ):
            dm.evaluate_parts("s3://b/gt", "d", "coco", state="s")


class TestAccess:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (PermissionError("Forbidden"), r"access denied: do the credentials \(storage_options="),
            (NoCredentialsError("none"), "no credentials were found: set them in the environment"),
            (FileNotFoundError("b"), "no such file or folder, or no such bucket"),
            (ConnectionError("no\nroute"), "ConnectionError: no route"),
        ],
    )
    def test_to_folders(self, store, monkeypatch, error, told):
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(MemoryFileSystem, "ls", fail)
        with pytest.raises(dm.FormatError, match=f"^{ROOT}/gt: expected a folder of parts: {told}"):
            run()

    def test_to_the_state(self, store, monkeypatch):
        def fail(*_: object, **__: object) -> None:
            raise PermissionError

        monkeypatch.setattr(MemoryFileSystem, "pipe_file", fail)
        told = f"^{ROOT}/run7/state.json: cannot be written: access denied"
        with pytest.raises(dm.OutputError, match=told):
            run()

    def test_to_a_bucket_that_is_not_there(self, store, monkeypatch):
        """It is not made."""

        def fail(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(MemoryFileSystem, "pipe_file", fail)
        with pytest.raises(dm.OutputError, match=r"state\.json: cannot be written: no such file"):
            run(state="memory://nowhere")
        assert "/nowhere" not in store.pseudo_dirs

    def test_to_a_disk_that_is_full(self, store, monkeypatch):
        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(MemoryFileSystem, "get", fail)
        with pytest.raises(dm.PartsError, match=r"no space left for its copy in .* \(TMPDIR\)"):
            run()

    def test_to_folders_that_are_files(self, store):
        with pytest.raises(dm.FormatError, match="expected a folder of parts: Not a directory"):
            dm.evaluate_parts(f"{ROOT}/gt/part-000.json", f"{ROOT}/detections", state=f"{ROOT}/s")

    def test_to_a_part_that_vanished(self, store):
        def engine(function: object, tasks: list) -> list:
            if "/bucket/gt/part-001.json" in store.store:
                store.rm_file("/bucket/gt/part-001.json")
            return [function(one) for one in tasks]

        told = f"part-001: {ROOT}/gt/part-001.json: cannot be read: no such file or folder"
        with pytest.raises(dm.PartsError, match=told):
            run(engine=engine)

    def test_to_a_part_that_changed_while_it_was_read(self, store, monkeypatch):
        def get(self: object, theirs: list, mine: list) -> None:
            real(self, theirs, mine)
            if theirs == ["/bucket/gt/part-001.json"]:
                store.pipe_file(theirs[0], store.cat_file(theirs[0]) + b" ")

        real = MemoryFileSystem.get
        monkeypatch.setattr(MemoryFileSystem, "get", get)
        with pytest.raises(dm.PartsError, match=r"part-001\.json: changed while they were read"):
            run()
        monkeypatch.setattr(MemoryFileSystem, "get", real)
        assert run().fresh == ("part-001",)

    def test_of_a_worker_to_the_state(self, store):
        def without_index(function: object, tasks: list) -> list:
            if isinstance(tasks[0], ClassesTask):
                store.rm("/bucket/run7/index", recursive=True)
            return [function(one) for one in tasks]

        told = rf"^{ROOT}/run7/index/\w+\.index: the state cannot be read by a worker: no such file"
        with pytest.raises(dm.InputError, match=told):
            run(engine=without_index)

    def test_of_a_worker_to_a_condensed_part(self, store):
        def without_parts(function: object, tasks: list) -> list:
            if isinstance(tasks[0], ClassesTask):
                store.rm("/bucket/run7/parts", recursive=True)
            return [function(one) for one in tasks]

        told = rf"^{ROOT}/run7/parts/\w+\.part: the state cannot be read by a worker: no such file"
        with pytest.raises(dm.InputError, match=told):
            run(engine=without_parts)

    def test_of_this_process_to_what_workers_wrote(self, store):
        def elsewhere(function: object, tasks: list) -> list:
            answers = [function(one) for one in tasks]
            if isinstance(tasks[0], MatchTask):
                store.rm("/bucket/run7/parts", recursive=True)
            return answers

        told = (
            r"\.part: condensed part part-000 cannot be read: no such(?s:.*)workers must write to"
        )
        with pytest.raises(dm.FormatError, match=told):
            run(engine=elsewhere)
