"""Many workers on one run: real processes here, and real clusters where their libraries are installed."""

from __future__ import annotations

import importlib.util
from collections import Counter

import pytest

from vosbench.errors import StoreError, UsageError
from vosbench.execute.pools import BACKENDS, open_pool
from vosbench.execute.shares import Share, SharedRun, ShareResult, work
from vosbench.execute.supervisor import Limits
from vosbench.store.run import Run

MODULES = {"loky": "joblib", "dask": "distributed", "ray": "ray", "slurm": "submitit"}
LIMITS = Limits(first_frame=60.0, frame=60.0)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


@pytest.fixture
def steps_of_all(steps):
    """How often each frame was answered."""
    return lambda: Counter(line for line in steps() if not line.endswith("closed"))


class Here:
    """A pool whose workers are this process; ``lost`` of them die without a word."""

    def __init__(self, workers=2, lost=0):
        self.workers = workers
        self.lost = lost
        self.stopped = False
        self.rounds = 0

    def machine(self, interpreter=""):
        raise NotImplementedError

    def run(self, shares):
        self.rounds += 1
        kept, self.lost = shares[self.lost :], 0
        return [work(share) for share in kept]

    def stop(self):
        self.stopped = True


@pytest.fixture
def shared(run, machine, told, monkeypatch):
    monkeypatch.setattr("vosbench.execute.shares.PATIENCE", 0.05)

    def go(cells, pool):
        return SharedRun(run, machine, told, pool, limits=LIMITS).execute(cells)

    return go


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_workers_of_a_real_backend_share_the_cells(
    run, machine, told, plan_cells, write_adapter, backend, tmp_path
):
    if importlib.util.find_spec(MODULES[backend]) is None:
        pytest.skip(f"{MODULES[backend]} is not installed: pip install 'vosbench[{backend}]'")
    cells = plan_cells(write_adapter(), write_adapter("other"))
    cluster = "cluster=local,timeout_min=5" if backend == "slurm" else ""
    with open_pool(backend, 2, cluster=cluster, cards=False, folder=tmp_path / "run") as pool:
        assert 2 == pool.workers
        assert pool.machine().fingerprint("cpu", 1) == machine.fingerprint("cpu", 1)
        result = SharedRun(run, machine, told, pool, limits=LIMITS).execute(cells)
    assert {spec.key for spec in cells} == set(result.records)
    assert {"ok"} == {record.outcome.status for record in result.records.values()}
    assert ({}, (4, 0), 4) == (result.failures, told.begun, len(told.outcomes))


def test_every_frame_is_answered_once_however_many_workers_there_are(shared, plan_cells, write_adapter, steps_of_all):
    cells = plan_cells(write_adapter(), repeats=2)
    shared(cells, Here(3))
    assert {2} == set(steps_of_all().values())
    assert 12 == len(steps_of_all())


def test_what_is_finished_is_told_once_and_not_run_again(shared, plan_cells, write_adapter, told, steps_of_all):
    cells = plan_cells(write_adapter())
    shared(cells[:1], Here())
    shared(cells, Here())
    assert ((2, 1), {1}) == (told.begun, set(steps_of_all().values()))


def test_a_worker_that_is_lost_costs_nothing_but_its_time(shared, plan_cells, write_adapter):
    cells = plan_cells(write_adapter())
    pool = Here(2, lost=1)
    result = shared(cells, pool)
    assert {spec.key for spec in cells} == set(result.records)


def test_workers_that_achieve_nothing_end_the_run_with_a_reason(shared, plan_cells, write_adapter):
    pool = Here(2, lost=2)
    with pytest.raises(StoreError, match="the workers ended without a result"):
        shared(plan_cells(write_adapter()), pool)
    assert pool.stopped


def test_a_method_that_no_worker_can_start_is_named_once(shared, plan_cells, write_adapter, told):
    cells = plan_cells(write_adapter("broken", "load raises"), write_adapter("other"), videos=("aa",))
    result = shared(cells, Here())
    assert [cells[0].method_key] == list(result.failures)
    assert 1 == len(told.failures)
    assert [cells[1].key] == list(result.records)


def test_a_full_disk_on_a_worker_ends_the_run(shared, plan_cells, write_adapter):
    class Full(Here):
        def run(self, shares):
            return [ShareResult(broke_off="the disk is full")]

    with pytest.raises(StoreError, match="the disk is full"):
        shared(plan_cells(write_adapter()), Full())


def test_workers_begin_at_different_cells(run, machine, plan_cells, write_adapter, monkeypatch):
    begun = []

    class Watched:
        def __init__(self, *_, **__):
            self.failures = {}

        def execute(self, cells):
            begun.append(cells[0].video)
            return self

    monkeypatch.setattr("vosbench.execute.shares.Supervisor", Watched)
    cells = plan_cells(write_adapter())
    for index in range(2):
        work(Share(run=run.path, cells=cells, machine=machine, limits=LIMITS, interpreters={}, index=index, count=2))
    assert ["aa", "bb"] == begun


def test_what_a_backend_cannot_do_is_said_before_anything_runs(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="--cluster is for"), open_pool("loky", 2, cluster="x", cards=False,
                                                                        folder=tmp_path):  # fmt: skip
        pass
    monkeypatch.setattr("importlib.import_module", _missing)
    for backend in ("dask", "ray", "slurm"):
        with (
            pytest.raises(UsageError, match=f"--backend {backend} needs") as caught,
            open_pool(backend, 2, cluster="", cards=False, folder=tmp_path),
        ):
            pass
        assert f"vosbench[{backend}]" in caught.value.fix


def _missing(name):
    raise ModuleNotFoundError(name)
