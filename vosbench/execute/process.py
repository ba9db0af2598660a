"""One cell process: started with its job, listened to with a limit on silence, ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vosbench.errors import UsageError
from vosbench.plain import from_plain, to_plain
from vosbench.records import Event, Job
from vosbench.store.atomic import storing

LAST_WORDS = 20
"""Lines of a dead process's log that an error quotes."""


LOOK = 1.0
"""Seconds between looks whether a silent process still lives."""


class SilenceError(Exception):
    """A process said nothing for longer than its limit; ``seconds`` is that limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class CellProcess:
    """A running ``python -m vosbench.cell`` with whatever it starts. What they print goes to ``log``.

    Raises `UsageError` for an interpreter that cannot be started, `StoreError` for a log that cannot be written.
    """

    def __init__(self, job: Job, log: Path, interpreter: str = sys.executable) -> None:
        with storing(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            printed = log.open("ab")
        self._log = log
        self._log_began = log.stat().st_size
        threads = str(job.cells[0].runtime.threads)
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        limits["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # cards are counted as the driver counts them
        self._events, writing = os.pipe()
        try:
            with printed:
                self._process = subprocess.Popen(
                    [interpreter, "-P", "-m", "vosbench.cell", str(writing), str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    pass_fds=(writing,),
                    env=os.environ | limits,
                    start_new_session=True,  # a group of its own, so that what an adapter starts ends with it
                )
        except OSError as error:
            os.close(self._events)
            raise UsageError(f"{interpreter} cannot be started: {error.strerror}", fix="name a Python") from error
        finally:
            os.close(writing)
        self._send(json.dumps(to_plain(job)).encode())

    def events(self, first_limit: float, frame_limit: float) -> Iterator[Event]:
        """Yields events until the process ends.

        Raises `SilenceError` when nothing comes for ``frame_limit`` seconds between two frames, or for
        ``first_limit`` until the first one (imports, weights, warm-up and the first frame).
        """
        pending = b""
        limit = first_limit
        with selectors.DefaultSelector() as selector:
            selector.register(self._events, selectors.EVENT_READ)
            while True:
                data = os.read(self._events, 1 << 16) if self._says_something(selector, limit) else b""
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    event = from_plain(Event, json.loads(line))
                    limit = frame_limit if event.kind == "frame" else first_limit
                    yield event

    def _says_something(self, selector: selectors.BaseSelector, limit: float) -> bool:
        """Waits for something to read; False where the process ended without a last word.

        The pipe's end does not tell: a child that an adapter forked and left behind may hold it open.
        """
        deadline = time.monotonic() + limit
        while not selector.select(min(LOOK, max(0.0, deadline - time.monotonic()))):
            if self._process.poll() is not None and not selector.select(0):
                return False
            if time.monotonic() >= deadline:
                raise SilenceError(limit)
        return True

    def end(self) -> int:
        """End the process, if it has not ended by itself; gives back its exit status, negative for a signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        return self.kill()

    def kill(self) -> int:
        """Kill the process and whatever it started, and wait for it; gives back its exit status."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        if self._events >= 0:
            os.close(self._events)
            self._events = -1
        return status

    def last_words(self) -> str:
        """Gives back the end of what the process printed."""
        with self._log.open("rb") as stream:
            stream.seek(self._log_began)
            lines = stream.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_WORDS:])

    def _send(self, data: bytes) -> None:
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            stdin.write(data)
            stdin.close()
        except BrokenPipeError:
            return  # it died at once; the empty event stream tells
