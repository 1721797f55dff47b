"""What a job needed and freed is given back to the system."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core import memory


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the allocator does so itself")
def test_what_threads_freed_is_given_back() -> None:
    kept: list[bytearray] = []

    def work() -> None:  # small pieces, a few of which stay: so the heap is not given back by itself
        pieces = [bytearray(30_000) for _ in range(2_000)]
        kept.extend(pieces[::100])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = resident()
    memory.give_back()
    assert resident() < before - (20 << 20)
    assert len(kept) == 80


MANY_THREADS = """
import ctypes, sys, threading
from core import memory
if sys.argv[1] == "few":
    assert memory.few_heaps()
here = threading.Barrier(30)
def work():
    kept = [bytes(1000 + each) for each in range(500)]
    here.wait()
threads = [threading.Thread(target=work) for _ in range(30)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="heaps are glibc's")
def test_a_program_with_few_heaps_has_one_a_core_however_many_threads() -> None:
    heaps = {}
    for how in ("few", "many"):
        done = subprocess.run([sys.executable, "-c", MANY_THREADS, how], capture_output=True, text=True, check=True)
        heaps[how] = done.stdout.count("<heap nr=")
    cores = os.cpu_count() or 1
    assert heaps["few"] <= max(2, cores)
    assert heaps["many"] > heaps["few"]
