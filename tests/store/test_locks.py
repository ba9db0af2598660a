"""Locks that end with the process that took them."""

from __future__ import annotations

import fcntl
import subprocess
import sys

HOLDER = """\
import fcntl, os, sys
from vosbench.store.locks import own

stream = own(open(sys.argv[1], "wb"))
fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
if os.fork() == 0:
    print("forked", flush=True)
sys.stdin.read()
"""


def _is_free(path):
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_a_child_that_outlives_a_killed_process_does_not_hold_its_lock(tmp_path):
    path = tmp_path / "one.lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert b"forked\n" == holder.stdout.readline()
        assert not _is_free(path)  # a fork does not give it back
        holder.kill()
        holder.wait()
        assert _is_free(path)
        holder.stdin.close()  # now the child ends
