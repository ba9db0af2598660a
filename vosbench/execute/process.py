"""One cell process: started with its job, listened to with a limit on silence, ended for good."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vosbench.plain import from_plain, to_plain
from vosbench.records import Event, Job

LAST_WORDS = 20
"""Lines of a dead process's log that an error quotes."""


class SilenceError(Exception):
    """A process said nothing for longer than its limit; ``seconds`` is that limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class CellProcess:
    """A running ``python -m vosbench.cell``. What it prints goes to ``log``."""

    def __init__(self, job: Job, log: Path, interpreter: str = sys.executable) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._log_began = log.stat().st_size if log.is_file() else 0
        self._events, writing = os.pipe()
        threads = str(job.cells[0].runtime.threads)
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [interpreter, "-P", "-m", "vosbench.cell", str(writing), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                env=os.environ | limits,
            )
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
                if not selector.select(limit):
                    raise SilenceError(limit)
                data = os.read(self._events, 1 << 16)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    event = from_plain(Event, json.loads(line))
                    limit = frame_limit if event.kind == "frame" else first_limit
                    yield event

    def end(self) -> int:
        """End the process, if it has not ended by itself; gives back its exit status, negative for a signal."""
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.kill()

    def kill(self) -> int:
        """Kill the process and wait for it; gives back its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
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
