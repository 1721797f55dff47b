"""Those who share are there together; who is alone is alone, and is not kept out by a stream of others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from storage.errors import Stuck
from storage.turns import Turns

PATIENCE_S = 60


def test_two_share_at_the_same_time() -> None:
    turns, both = Turns(), threading.Barrier(2)

    def share() -> None:
        with turns.shared():
            both.wait(PATIENCE_S)

    with ThreadPoolExecutor(2) as two:
        for done in [two.submit(share), two.submit(share)]:
            done.result()


def test_nobody_is_there_while_one_is_alone_and_those_who_wait_come_after() -> None:
    turns, ended, there = Turns(), threading.Event(), threading.Semaphore(0)
    seen: list[str] = []

    def share() -> None:
        while not ended.is_set():
            with turns.shared():
                there.release()
                seen.append("in")
                seen.append("out")

    with ThreadPoolExecutor(3) as many:
        sharing = [many.submit(share) for _ in range(3)]
        for _ in range(50):
            there.acquire(timeout=PATIENCE_S)
            with turns.alone(PATIENCE_S):
                before = list(seen)
                assert before.count("in") == before.count("out")
                assert seen == before
        ended.set()
        for each in sharing:
            each.result()


def test_who_waits_too_long_to_be_alone_is_told_and_holds_nobody_up() -> None:
    turns = Turns()
    with turns.shared(), pytest.raises(Stuck, match="in use"), turns.alone(0.01):
        raise AssertionError("somebody was there")
    with turns.shared():
        pass
    with suppress(KeyError), turns.alone(PATIENCE_S):
        raise KeyError
    with turns.shared():
        pass
