import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import Locked
from storage.lock import WorkspaceLock

HOLD = """
import sys, time
from pathlib import Path
from storage.lock import WorkspaceLock
lock = WorkspaceLock(Path(sys.argv[1]))
lock.acquire()
lock.announce("127.0.0.1", 8501)
print("held", flush=True)
time.sleep(600)
"""


def hold(home: Path) -> "subprocess.Popen[str]":
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_opener_is_told_who_the_first_is(tmp_path: Path) -> None:
    process = hold(tmp_path)
    with pytest.raises(Locked, match=rf"process {process.pid} .*http://127.0.0.1:8501"):
        WorkspaceLock(tmp_path).acquire()
    process.kill()
    process.communicate()


def test_a_killed_owner_leaves_the_lock_free_and_is_noticed(tmp_path: Path) -> None:
    process = hold(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    lock = WorkspaceLock(tmp_path)
    lock.acquire()
    assert lock.unclean
    lock.release()


def test_an_owner_that_closed_in_order_leaves_no_name(tmp_path: Path) -> None:
    first, second = WorkspaceLock(tmp_path), WorkspaceLock(tmp_path)
    first.acquire()
    first.release()
    assert second.owner() is None
    second.acquire()
    assert not second.unclean
    second.release()


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fsync"])
def test_an_opening_that_the_disk_cut_short_stands_in_nobodys_way(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock was held until the process ended: whoever tried again was told that it is in use."""
    lock = WorkspaceLock(tmp_path)
    with monkeypatch.context() as failing:
        failing.setattr(os, call, fails)
        with pytest.raises(OSError, match="Input/output error"):
            lock.acquire()
    again = WorkspaceLock(tmp_path)
    again.acquire()
    with monkeypatch.context() as failing:
        failing.setattr(os, "ftruncate", fails)
        with pytest.raises(OSError, match="Input/output error"):
            again.release()
    lock.acquire()
    assert lock.unclean
    lock.release()


def fails(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_one_process_cannot_own_a_workspace_twice(tmp_path: Path) -> None:
    first = WorkspaceLock(tmp_path)
    first.acquire()
    with pytest.raises(Locked, match=str(os.getpid())):
        WorkspaceLock(tmp_path).acquire()
    first.release()
