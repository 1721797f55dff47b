"""What a job needed and freed is given back to the system."""

import sys
import threading
from pathlib import Path

import pytest

from core.jobs import memory


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
