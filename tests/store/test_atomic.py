"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vosbench.errors import StoreError
from vosbench.store import atomic
from vosbench.store.atomic import DiskFullError, flush_folder, storing, write_whole


def test_a_file_and_its_folders_appear(tmp_path):
    write_whole(tmp_path / "a" / "b" / "c.json", b"whole")
    assert b"whole" == (tmp_path / "a" / "b" / "c.json").read_bytes()
    assert ["c.json"] == [path.name for path in (tmp_path / "a" / "b").iterdir()]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    write_whole(path, b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(DiskFullError, match="the disk is full") as caught:
        write_whole(path, b"new")
    assert "every finished cell is safe" in caught.value.fix
    assert (b"old", [path]) == (path.read_bytes(), list(tmp_path.iterdir()))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_and_a_full_quota_are_one_error(tmp_path, number):
    with pytest.raises(DiskFullError), storing(tmp_path):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO])
def test_whatever_else_the_system_refuses_says_where_and_what_to_do(tmp_path, number):
    with pytest.raises(StoreError, match=f"cannot write: {os.strerror(number)}") as caught, storing(tmp_path):
        raise OSError(number, os.strerror(number))
    assert not isinstance(caught.value, DiskFullError)
    assert (str(tmp_path), "choose another folder with --out") == (caught.value.where, caught.value.fix)


def test_a_file_where_a_folder_should_be_is_such_a_refusal(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_whole(tmp_path / "run" / "a.json", b"")


def test_a_folder_that_cannot_be_flushed_is_let_be(tmp_path):
    assert flush_folder(tmp_path / "absent") is None
    assert flush_folder(tmp_path) is None


def test_every_file_below_is_flushed_where_the_system_cannot_do_it_at_once(tmp_path, monkeypatch):
    (tmp_path / "masks").mkdir()
    for name in ("masks/00000.png", "masks/00001.png", "frames.parquet"):
        (tmp_path / name).write_bytes(b"x")
    flushed = []
    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda _: object())
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: flushed.append(Path(f"/proc/self/fd/{handle}").readlink()))
    atomic.flush_files(tmp_path)
    expected = {tmp_path / name for name in ("masks", "masks/00000.png", "masks/00001.png", "frames.parquet")}
    assert expected == set(flushed)


def test_a_folder_is_flushed_at_once_where_the_system_can(tmp_path, monkeypatch):
    (tmp_path / "frames.parquet").write_bytes(b"x")
    monkeypatch.setattr(atomic.os, "fsync", lambda _: pytest.fail("flushed one by one"))
    atomic.flush_files(tmp_path)
    atomic.flush_files(tmp_path / "nowhere")
    assert b"x" == (tmp_path / "frames.parquet").read_bytes()
