"""Processes that share a batch on a CPU: each has one thread, and their gradients are averaged."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from vosbench.errors import VosbenchError

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: while the first one scores held-back clips or writes, they wait."""


class Peers(Protocol):
    """The processes of one training, of which this is number ``rank`` of ``count``."""

    rank: int
    count: int

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put the mean over the processes into every tensor."""


class Alone:
    """One process does it all."""

    rank = 0
    count = 1

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Nothing to do."""


class Gloo:
    """Processes on one machine; ``meeting`` is a path of a file that they all see."""

    def __init__(self, meeting: Path, rank: int, count: int) -> None:
        distributed: Any = importlib.import_module("torch.distributed")  # its types leave out what is used here
        self.rank = rank
        self.count = count
        options = distributed.ProcessGroupGloo._Options()
        options._devices = [distributed.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
        options._timeout = PATIENCE
        store = distributed.FileStore(str(meeting), count)
        self._group: Any = distributed.ProcessGroupGloo(store, rank, count, options)
        self._buffer = torch.empty(0)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put the mean over the processes into every tensor, by one exchange.

        Raises `VosbenchError` where another process has ended.
        """
        sizes = [tensor.numel() for tensor in tensors]
        if self._buffer.numel() != sum(sizes):
            self._buffer = torch.empty(sum(sizes))
        torch.cat([tensor.reshape(-1).float() for tensor in tensors], out=self._buffer)
        try:
            self._group.allreduce([self._buffer]).wait()
        except RuntimeError as error:
            raise VosbenchError(
                f"a process of this training has ended: {error}",
                where=f"process {self.rank} of {self.count}",
                fix="look for its own message above; memory may have run out. Go on with --resume",
            ) from error
        self._buffer /= self.count
        for tensor, piece in zip(tensors, torch.split(self._buffer, sizes), strict=True):
            tensor.copy_(piece.view_as(tensor))


@contextlib.contextmanager
def peers(count: int, work: Callable[[Any, Peers], None], job: Any) -> Iterator[Peers]:
    """Gives this process's place among ``count``: it is the first, the others run ``work(job, peers)``.

    The others end with the block: they are waited for where it ended well, and stopped where it did not.
    """
    if count == 1:
        yield Alone()
        return
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="vosbench-train-") as folder:
        meeting = Path(folder) / "meeting"
        others = [
            context.Process(target=_other, args=(work, job, meeting, rank, count), daemon=True)
            for rank in range(1, count)
        ]
        for process in others:
            process.start()
        try:
            yield Gloo(meeting, 0, count)
            for process in others:
                process.join(60)
        finally:
            for process in others:
                process.terminate()
                process.join()


def _other(work: Callable[[Any, Peers], None], job: Any, meeting: Path, rank: int, count: int) -> None:
    torch.set_num_threads(1)
    with contextlib.suppress(VosbenchError, KeyboardInterrupt):  # the first process meets the same and says so
        work(job, Gloo(meeting, rank, count))
