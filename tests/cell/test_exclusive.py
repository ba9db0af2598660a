"""The lock of the machine and of its cards: what is timed shares neither with another cell."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vosbench.cell import exclusive as module
from vosbench.cell.exclusive import FOLDER_VARIABLE, exclusive
from vosbench.errors import StoreError


@pytest.fixture(autouse=True)
def _locks(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "locks"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(module, "TELL_EVERY", 0.05)


@pytest.fixture
def cards(machine):
    """A machine with two cards of one kind and one of another."""
    return dataclasses.replace(machine, gpus=("A", "A", "B"), gpu_uuids=("GPU-a0", "GPU-a1", "GPU-b0"))


def _never():
    pytest.fail("nobody else holds it")


class Taken(Exception):
    """Raised by a waiting that does not want to wait."""


def _give_up():
    raise Taken


def test_a_cell_on_the_cpu_has_the_machine_for_itself(machine):
    with exclusive("cpu", machine, spread=False, waiting=_never) as uuid:
        assert "" == uuid
        with pytest.raises(Taken), exclusive("cpu", machine, spread=False, waiting=_give_up):
            pass
    with exclusive("cpu", machine, spread=False, waiting=_never):
        pass


def test_others_may_lock_what_a_user_with_a_strict_umask_made(machine, tmp_path):
    before = os.umask(0o077)
    try:
        with exclusive("cpu", machine, spread=False, waiting=_never):
            pass
    finally:
        os.umask(before)
    assert 0o644 == stat.S_IMODE((tmp_path / "locks" / "machine.lock").stat().st_mode)


def test_two_cards_are_two_cells_and_one_card_is_one(cards):
    with exclusive("cuda:0", cards, spread=False, waiting=_never) as first:
        with exclusive("cuda:1", cards, spread=False, waiting=_never) as second:
            assert ("GPU-a0", "GPU-a1") == (first, second)
        with pytest.raises(Taken), exclusive("cuda:0", cards, spread=False, waiting=_give_up):
            pass


def test_a_cell_on_the_cpu_and_one_on_a_card_wait_for_each_other(cards):
    with (
        exclusive("cuda:0", cards, spread=False, waiting=_never),
        pytest.raises(Taken),
        exclusive("cpu", cards, spread=False, waiting=_give_up),
    ):
        pass
    with (
        exclusive("cpu", cards, spread=False, waiting=_never),
        pytest.raises(Taken),
        exclusive("cuda:2", cards, spread=False, waiting=_give_up),
    ):
        pass


def test_workers_spread_over_the_cards_of_one_kind_only(cards, monkeypatch):
    with exclusive("cuda:0", cards, spread=True, waiting=_never) as first:
        assert "CUDA_VISIBLE_DEVICES" not in os.environ
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")  # put back afterwards
        with exclusive("cuda:0", cards, spread=True, waiting=_never) as second:
            assert ("GPU-a0", "GPU-a1") == (first, second)
            assert "GPU-a1" == os.environ["CUDA_VISIBLE_DEVICES"]
            with pytest.raises(Taken), exclusive("cuda:0", cards, spread=True, waiting=_give_up):
                pass


def test_who_waits_says_so_and_goes_on_when_it_is_free(machine):
    told = threading.Event()
    got = threading.Event()

    def wait():
        with exclusive("cpu", machine, spread=False, waiting=told.set):
            got.set()

    with exclusive("cpu", machine, spread=False, waiting=_never):
        thread = threading.Thread(target=wait)
        thread.start()
        assert told.wait(20)
        assert not got.is_set()
    assert got.wait(20)
    thread.join()


HOLDER = """\
import os, sys
from vosbench.cell.exclusive import exclusive
from vosbench.machine import read_machine
with exclusive("cpu", read_machine(), spread=False, waiting=lambda: None):
    if os.fork() == 0:
        print("held", flush=True)
    sys.stdin.read()
"""


def test_the_system_gives_back_what_a_killed_cell_held_while_a_child_of_it_lives(machine):
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert "held" == holder.stdout.readline().strip()
        with pytest.raises(Taken), exclusive("cpu", machine, spread=False, waiting=_give_up):
            pass
        holder.kill()
        holder.wait()
        with exclusive("cpu", machine, spread=False, waiting=_give_up):
            pass
        holder.stdin.close()  # now the child ends


def test_a_folder_that_cannot_be_written_is_said(machine, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(Path(tmp_path / "file" / "locks")))
    with (
        pytest.raises(StoreError, match="the machine cannot be locked"),
        exclusive("cpu", machine, spread=False, waiting=_never),
    ):
        pass
