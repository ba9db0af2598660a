"""Entry point: ``python -m vosbench.cell FD PARENT``.

The job comes in on standard input; events go out on the file descriptor, so that nothing an adapter prints can be
mistaken for one.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback

from vosbench.cell.worker import Worker
from vosbench.errors import VosbenchError
from vosbench.plain import from_plain, to_plain
from vosbench.records import Event, Job
from vosbench.store.atomic import DiskFullError


def main() -> int:
    """Run the job on standard input; gives back the process's exit status."""
    _die_with_parent(int(sys.argv[2]))
    events = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    job = from_plain(Job, json.load(sys.stdin))

    def tell(event: Event) -> None:
        events.write(json.dumps(to_plain(event)) + "\n")

    try:
        Worker(job, tell).run()
    except DiskFullError as error:
        tell(Event(kind="disk full", text=str(error)))
    except VosbenchError as error:
        tell(Event(kind="failed", text=str(error)))
    except BrokenPipeError:
        os._exit(1)  # the parent is gone; nobody is left to tell
    except Exception as error:  # noqa: BLE001 - the cell boundary; what an adapter does while it loads is told in full
        tell(Event(kind="failed", text=f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))
    return 0


def _die_with_parent(parent: int) -> None:
    """On Linux a cell must not go on computing when the run that wanted it was killed (prctl PR_SET_PDEATHSIG = 1)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    STATUS = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STATUS)  # all is published; a thread that an adapter left running must not hold the run up
