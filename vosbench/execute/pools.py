"""Where workers run: processes here (loky), a dask or ray cluster, or jobs of SLURM."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from vosbench.errors import UsageError
from vosbench.execute.shares import Pool, Share, ShareResult, work
from vosbench.machine import Machine, ask_machine, read_machine

Backend = Literal["loky", "dask", "ray", "slurm"]
BACKENDS: tuple[Backend, ...] = ("loky", "dask", "ray", "slurm")

LOOK = 0.5
"""Seconds between looks at jobs of SLURM."""


@contextlib.contextmanager
def open_pool(backend: Backend, workers: int, *, cluster: str, cards: bool, folder: Path) -> Iterator[Pool]:
    """Gives back a pool of at most ``workers`` workers, and ends it.

    ``cluster`` is the address of a scheduler (dask, ray) or the parameters of jobs (slurm); without it dask and ray
    start one here. With ``cards`` each worker is given a card of its own, by the scheduler's own count. ``folder`` is
    where SLURM's jobs keep their files, which every machine must see. Raises `UsageError` for a backend that is not
    installed, or has no place for a worker.
    """
    if backend == "loky" and cluster:
        raise UsageError("--cluster is for --backend dask, ray and slurm", fix="leave it out")
    with contextlib.ExitStack() as opened:
        if backend == "loky":
            pool: Pool = LokyPool(workers)
        elif backend == "dask":
            pool = opened.enter_context(_dask_pool(workers, cluster, cards=cards))
        elif backend == "ray":
            pool = opened.enter_context(_ray_pool(workers, cluster, cards=cards))
        else:
            pool = SlurmPool(workers, cluster, cards=cards, folder=folder)
        if pool.workers < 1:
            raise UsageError(
                f"the {backend} cluster has no worker with {'a card' if cards else 'a free core'}",
                fix="start workers; of dask with --resources GPU=1, one per card" if cards else "start workers",
            )
        yield pool


class LokyPool:
    """Processes on this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def machine(self, interpreter: str = "") -> Machine:
        """Gives back this machine."""
        return look_at_machine(interpreter)

    def run(self, shares: Sequence[Share]) -> list[ShareResult]:
        """Gives back what the shares could not do; nothing of all of them when a worker died."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        try:
            return _by_joblib(shares, "loky")
        except TerminatedWorkerError:
            return []

    def stop(self) -> None:
        """Kill the processes; the cells that they run die with them."""
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=False, kill_workers=True)


class DaskPool:
    """The workers of a dask cluster; with ``cards`` those that offer the resource GPU, as ``GPU=1`` per worker."""

    def __init__(self, client: Any, workers: int, *, cards: bool) -> None:
        self._client = client
        self._resources = {"GPU": 1} if cards else {}
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        slots = [int(worker["resources"].get("GPU", 0)) if cards else 1 for worker in known]
        self.workers = min(workers, sum(slots))

    def machine(self, interpreter: str = "") -> Machine:
        """Gives back the machine of one worker."""
        machine: Machine = self._client.submit(look_at_machine, interpreter, pure=False, **self._asked()).result()
        return machine

    def run(self, shares: Sequence[Share]) -> list[ShareResult]:
        """Gives back what the shares could not do; nothing of all of them when workers died over and over."""
        from distributed.scheduler import KilledWorker

        try:
            return _by_joblib(shares, "dask", client=self._client, **self._asked())
        except KilledWorker:
            return []

    def stop(self) -> None:
        """Give every worker up, with the cells that it runs."""
        self._client.restart(wait_for_workers=False)

    def _asked(self) -> dict[str, Any]:
        return {"resources": self._resources} if self._resources else {}


class RayPool:
    """The slots of a ray cluster, as many as it has: with more workers than slots, ray waits for ever."""

    def __init__(self, ray: Any, workers: int, *, cards: bool) -> None:
        self._ray = ray
        self._options = {"num_cpus": 1, "num_gpus": 1} if cards else {"num_cpus": 1}
        self.workers = min(workers, int(ray.cluster_resources().get("GPU" if cards else "CPU", 0)))

    def machine(self, interpreter: str = "") -> Machine:
        """Gives back the machine of one worker."""
        machine: Machine = self._ray.get(self._ray.remote(**self._options)(look_at_machine).remote(interpreter))
        return machine

    def run(self, shares: Sequence[Share]) -> list[ShareResult]:
        """Gives back what the shares could not do; nothing of all of them when a worker died."""
        from ray.util.joblib import register_ray

        register_ray()
        try:
            return _by_joblib(shares, "ray", ray_remote_args=self._options)
        except self._ray.exceptions.RayError:
            return []

    def stop(self) -> None:
        """Leave the cluster, which ends the workers and the cells that they run."""
        self._ray.shutdown()


class SlurmPool:
    """Jobs of SLURM through submitit.

    ``parameters`` are submitit's, as ``partition=gpu,timeout_min=600``; ``cluster=local`` runs them as processes here.
    A job with a card asks for one; a job without has its machine for itself, because its cells are timed.
    """

    def __init__(self, workers: int, parameters: str, *, cards: bool, folder: Path) -> None:
        submitit = _installed("submitit", "slurm")
        self.workers = workers
        chosen = _parameters(parameters)
        kind = chosen.pop("cluster", None)
        self._executor = submitit.AutoExecutor(folder=folder / ".slurm", cluster=kind)
        alone: dict[str, Any] = {"gpus_per_node": 1} if cards else {"slurm_exclusive": True}
        self._executor.update_parameters(**{"timeout_min": 24 * 60, "name": "vosbench", **alone, **chosen})
        self._failed = submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError
        self._jobs: list[Any] = []

    def machine(self, interpreter: str = "") -> Machine:
        """Gives back the machine that a job is given; it waits in the queue like any other."""
        machine: Machine = self._executor.submit(look_at_machine, interpreter).result()
        return machine

    def run(self, shares: Sequence[Share]) -> list[ShareResult]:
        """Gives back what the shares could not do; nothing of a job that was ended or died."""
        self._jobs = [self._executor.submit(work, share) for share in shares]
        while not all(job.done() for job in self._jobs):
            time.sleep(LOOK)
        results: list[ShareResult] = []
        for job in self._jobs:
            with contextlib.suppress(*self._failed):
                results.append(job.result())
        return results

    def stop(self) -> None:
        """Cancel the jobs."""
        for job in self._jobs:
            job.cancel(check=False)


def look_at_machine(interpreter: str) -> Machine:
    """Gives back the machine that this runs on, as ``interpreter`` sees it; '' stands for this process."""
    return ask_machine(interpreter) if interpreter else read_machine()


def _by_joblib(shares: Sequence[Share], backend: str, **options: Any) -> list[ShareResult]:
    import joblib

    with joblib.parallel_config(backend=backend, n_jobs=len(shares), **options):
        found = joblib.Parallel(batch_size=1, pre_dispatch="all")(joblib.delayed(work)(share) for share in shares)
    return [result for result in found if isinstance(result, ShareResult)]


@contextlib.contextmanager
def _dask_pool(workers: int, address: str, *, cards: bool) -> Iterator[DaskPool]:
    distributed = _installed("distributed", "dask")
    with contextlib.ExitStack() as opened:
        if not address:
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                resources={"GPU": 1} if cards else None,
            )
            opened.enter_context(cluster)
        client = opened.enter_context(distributed.Client(address or cluster))
        yield DaskPool(client, workers, cards=cards)


@contextlib.contextmanager
def _ray_pool(workers: int, address: str, *, cards: bool) -> Iterator[RayPool]:
    ray = _installed("ray", "ray")
    if address:
        ray.init(address=address, log_to_driver=False)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        yield RayPool(ray, workers, cards=cards)
    finally:
        ray.shutdown()


def _installed(module: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"--backend {extra} needs {module}", fix=f"pip install 'vosbench[{extra}]'") from error


def _parameters(text: str) -> dict[str, Any]:
    """Gives back ``partition=gpu,timeout_min=600`` as names and values; whole numbers are numbers."""
    found: dict[str, Any] = {}
    for word in text.split(",") if text else ():
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--cluster {text}: '{word}' is not understood", fix="write partition=gpu,timeout_min=600")
        found[name.strip()] = int(value) if value.strip().isdecimal() else value.strip()
    return found
