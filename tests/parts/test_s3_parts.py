"""Parts and state in a local S3 server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("s3fs", reason="needs s3fs, as the extra stores has it")
pytest.importorskip("moto.server", reason="needs moto[server], as the extra stores has it")

import s3fs
from moto.server import ThreadedMotoServer
from parts.part_files import data_set
from parts.remote_store import ODD
from parts.test_evaluate_parts import assert_equal

import detmetrics as dm

# Those of packages that the server and the client are made of.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
]
KEY = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
    running.stop()


@pytest.fixture
def options(server, monkeypatch, tmp_path):
    """What reaches the server, and nothing of this machine's own."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = {"endpoint_url": server, "region_name": "eu-west-1"}
    return {"key": KEY, "secret": "a-secret-for-tests", "client_kwargs": client}


@pytest.fixture
def bucket(options, tmp_path):
    """Three parts in a new bucket; gives its URL."""
    data_set(3).write(tmp_path)
    name = tmp_path.name.replace("_", "-").lower()
    fs = s3fs.S3FileSystem(**options)
    fs.mkdir(name)
    for side in ("gt", "detections"):
        fs.pipe_file(f"{name}/{side}/", b"")  # the mark of a folder, as consoles make it
        for path in (tmp_path / side).iterdir():
            fs.pipe_file(f"{name}/{side}/{path.name}", path.read_bytes())
    return f"s3://{name}"


def run(bucket: str, options: object, **asked: object) -> dm.PartsEvaluation:
    asked = {"state": f"{bucket}/run7", "shape": "box", "storage_options": options} | asked
    return dm.evaluate_parts(f"{bucket}/gt", f"{bucket}/detections", "coco", **asked)


def test_processes_give_the_numbers_of_the_whole(bucket, options, tmp_path):
    ours = run(bucket, options, workers=2)
    whole = dm.evaluate(tmp_path / "gt.json", tmp_path / "detections.json", "coco", shape="box")
    assert_equal(ours, whole)
    assert run(bucket, options, workers=2).fresh == ()


def test_credentials_of_the_environment_are_enough(bucket, options, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret"])
    assert len(run(bucket, {"client_kwargs": options["client_kwargs"]}).fresh) == 3


def test_what_another_client_wrote_is_seen(bucket, options):
    """Though s3fs keeps listings, which this process has seen."""
    assert len(run(bucket, options).fresh) == 3
    other = s3fs.S3FileSystem(**options, skip_instance_cache=True, use_listings_cache=False)
    path = f"{bucket}/detections/part-001.json"
    other.pipe_file(path, other.cat_file(path) + b" ")
    assert run(bucket, options).fresh == ("part-001",)
    for side in ("gt", "detections"):
        other.rm_file(f"{bucket}/{side}/part-002.json")
    assert run(bucket, options).parts == ("part-000", "part-001")


def test_parts_may_have_odd_names(bucket, options):
    fs = s3fs.S3FileSystem(**options)
    for side in ("gt", "detections"):
        for number, name in enumerate(ODD):
            path = f"{bucket}/{side}/part-{number:03}.json"
            fs.pipe_file(f"{bucket}/{side}/{name}.json", fs.cat_file(path))
            fs.rm_file(path)
    assert run(bucket, options).parts == tuple(sorted(ODD))


def test_requests_are_few(bucket, options, monkeypatch):
    asked: list[tuple[str, str, str]] = []
    real = s3fs.S3FileSystem._call_s3

    async def noted(self: object, method: str, *args: object, **named: object) -> object:
        told = {**(args[0] if args and isinstance(args[0], dict) else {}), **named}
        key = told.get("Key", told.get("Prefix", ""))
        asked.append((method, key, told.get("Range", "")))
        return await real(self, method, *args, **named)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", noted)
    result = run(bucket, options)
    written = [(method, key) for method, key, _ in asked if method.startswith("put")]
    assert len(written) == len({*written}) == 5
    inputs = [key for method, key, _ in asked if method == "get_object" and "run7" not in key]
    assert len(inputs) == len({*inputs}) == 6
    for part in result.index.parts:
        reads = [where for _, key, where in asked if part.path.endswith(key) and where]
        assert reads.count("bytes=0-131071") <= 2
        for category in range(len(part.head.detections)):
            anchors, ranked = part.ranges(category)
            expected = int(ranked.end > anchors.start)
            assert reads.count(f"bytes={anchors.start}-{ranked.end - 1}") == expected
    asked.clear()
    assert run(bucket, options).fresh == ()
    assert not [key for method, key, _ in asked if method == "get_object" and "run7" not in key]
    assert [method for method, *_ in asked].count("put_object") == 1  # the index
    listed = [key for method, key, _ in asked if method.startswith("list")]
    assert len(listed) <= 6


def test_a_bucket_that_is_not_there_is_named_and_not_made(bucket, options):
    told = r"^s3://no-such-bucket/gt: expected a folder of parts: no such file or folder, or no su"
    with pytest.raises(dm.FormatError, match=told):
        dm.evaluate_parts(
            "s3://no-such-bucket/gt", bucket, "coco", state=f"{bucket}/s", storage_options=options
        )
    for state in ("s3://no-such-bucket/run7", "s3://no-such-bucket"):
        with pytest.raises(
            dm.OutputError, match=r"state\.json: cannot be written: no such file or"
        ):
            run(bucket, options, state=state)
    assert not s3fs.S3FileSystem(**options).exists("no-such-bucket")


def test_without_credentials(bucket, options):
    s3fs.S3FileSystem.clear_instance_cache()  # which has those of the environment of before
    with pytest.raises(dm.FormatError, match="no credentials were found: set them in the environ"):
        run(bucket, {"client_kwargs": options["client_kwargs"]})


def test_without_a_server(bucket, options):
    client = {**options["client_kwargs"], "endpoint_url": "http://127.0.0.1:1"}
    with pytest.raises(dm.FormatError, match=r"gt: expected a folder of parts: Endpoint") as caught:
        run(bucket, {**options, "client_kwargs": client})
    assert KEY not in str(caught.value)
