"""Files that are whole or not there, as every part of the harness writes them."""

from __future__ import annotations

import errno
import os

import pytest

from vosbench.whole import write_beside


def test_a_file_replaces_the_one_before_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.png"
    write_beside(path, b"old")
    write_beside(path, b"new", flush=True)
    assert (b"new", [path]) == (path.read_bytes(), list(tmp_path.iterdir()))


def test_a_system_that_writes_little_by_little_is_asked_again(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:2]))
    write_beside(tmp_path / "a", b"a whole file")
    assert b"a whole file" == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_beside(path, b"new", flush=True)
    assert (b"old", [path]) == (path.read_bytes(), list(tmp_path.iterdir()))
