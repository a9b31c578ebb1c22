"""Evaluation on engines by name: the numbers of the whole, and clear errors before the work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from parts.part_files import in_parts
from parts.sameness import assert_equal

import detmetrics as dm
from engines.installed import needed

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("scratch")]


def test_the_numbers_are_those_of_the_whole(engine, folder, capfd):
    whole = dm.evaluate(folder / "gt.json", folder / "detections.json", "coco", shape="box")
    shares: list[float] = []
    ours = in_parts(
        folder,
        shape="box",
        engine=engine,
        workers=2,
        progress=lambda phase, share: shares.append(share),
    )
    assert capfd.readouterr().out == ""
    assert shares == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert len(ours.fresh) == 3
    assert_equal(ours, whole)


class TestDask:
    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        needed("dask")

    @contextmanager
    def cluster(self, workers: int) -> Iterator[str]:
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            yield cluster.scheduler_address

    def test_a_cluster_that_is_given_stays(self, folder):
        with self.cluster(2) as address:
            first = in_parts(folder, engine="dask", address=address)
            again = in_parts(folder, engine="dask", address=address)
        assert len(first.fresh) == 3
        assert again.fresh == ()
        assert again.summary == first.summary

    def test_its_executor(self, folder):
        from distributed import Client

        whole = dm.evaluate(folder / "gt.json", folder / "detections.json", "coco", shape="box")
        with self.cluster(1) as address, Client(address) as client:
            executor = client.get_executor(pure=False)
            assert_equal(in_parts(folder, shape="box", engine=executor), whole)

    def test_workers_keep_the_memory_that_they_free(self):
        """As the memory of this process, whatever Dask sets for its own."""
        from detmetrics.parts.engines.named import named_engine
        from detmetrics.parts.workers import InWorker

        with named_engine("dask", 1) as executor:
            told = executor.submit(InWorker(_trimmed), 0).result()
        assert told == ("MALLOC_TRIM_THRESHOLD_", True, 1)

    def test_nobody_at_the_address(self, folder):
        import dask

        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(dm.InputError, match=r"engine dask: no workers at tcp://127\.0\.0\.1:9 "),
        ):
            in_parts(folder, engine="dask", address="tcp://127.0.0.1:9")

    def test_workers_without_detmetrics(self, folder, tmp_path):
        with self.cluster(0) as address:
            command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
            worker = subprocess.Popen(
                [*command, "--no-dashboard", "--no-nanny", "--nworkers", "1"],
                env=os.environ | {"PYTHONPATH": without_detmetrics(tmp_path)},
                stderr=subprocess.DEVNULL,
            )
            try:
                with pytest.raises(dm.InputError, match="engine: a worker cannot run detmetrics"):
                    in_parts(folder, engine="dask", address=address)
            finally:
                worker.terminate()
                worker.wait()
        assert not (folder / "state").exists()


class TestRay:
    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        needed("ray")

    @contextmanager
    def started(self, **more: object) -> Iterator[None]:
        import ray

        ray.init(
            "local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 << 20,
            log_to_driver=False,
            **more,
        )
        try:
            yield
        finally:
            ray.shutdown()

    def test_one_that_is_initialized_is_used_and_stays(self, folder):
        import ray

        with self.started():
            assert len(in_parts(folder, engine="ray").fresh) == 3
            assert ray.is_initialized()
            with pytest.raises(dm.InputError, match="address: Ray is initialized in this process"):
                in_parts(folder, engine="ray", address="auto")

    def test_a_cluster_that_is_given_stays(self, folder):
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80 << 20}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            first = in_parts(folder, engine="ray", address=cluster.address)
            again = in_parts(folder, engine="ray", address=cluster.address)
        finally:
            cluster.shutdown()
        whole = dm.evaluate(folder / "gt.json", folder / "detections.json")
        assert len(first.fresh) == 3
        assert again.fresh == ()
        assert again.summary == first.summary == whole.summary

    def test_nobody_at_the_address(self, folder):
        with pytest.raises(dm.InputError, match=r"engine ray: no workers at 127\.0\.0\.1:9 \(Conn"):
            in_parts(folder, engine="ray", address="127.0.0.1:9")

    def test_workers_without_detmetrics(self, folder, tmp_path):
        told = {"env_vars": {"PYTHONPATH": without_detmetrics(tmp_path)}}
        with (
            self.started(runtime_env=told),
            pytest.raises(dm.InputError, match="engine: a worker cannot run detmetrics"),
        ):
            in_parts(folder, engine="ray")
        assert not (folder / "state").exists()


def without_detmetrics(folder: Path) -> str:
    """A path with which Python starts as if the package were not installed."""
    (folder / "start").mkdir()
    code = "import sys\nsys.modules['detmetrics'] = None\n"
    (folder / "start" / "sitecustomize.py").write_text(code)
    return str(folder / "start")


def _trimmed(_: int) -> tuple[str, bool, int]:
    """In a worker: what Dask sets, whether memory that is freed is kept, and the threads."""
    import numpy as np

    from detmetrics.foundation import parallel

    name = next((name for name in os.environ if name.startswith("MALLOC_TRIM")), "")
    blocks = [np.ones(1 << 20) for _ in range(16)]  # of 8 MiB each
    before = _resident()
    del blocks
    return name, before - _resident() < 32 << 20, parallel.WORKERS


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
