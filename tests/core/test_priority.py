"""What works in the background gives way, and what it is started from does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import priority

WAITS = "input()"
GIVES_WAY = "from core import priority; priority.give_way(); print(flush=True); input()"


def started(program: str, alone: bool) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, start_new_session=alone)


def can_be_said() -> bool:
    """Whether this system shares its cores between sessions, and lets one say how."""
    with started(WAITS, alone=True) as other:
        try:
            Path(f"/proc/{other.pid}/autogroup").write_text("1")
        except BlockingIOError:  # too soon after another
            pass
        except OSError:
            return False
        finally:
            other.kill()
    return True


sessions = pytest.mark.skipif(not can_be_said(), reason="this system does not share its cores between sessions")


def test_where_it_cannot_be_said_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    with started(WAITS, alone=True) as other:
        with priority.giving_way(other.pid):
            pass
        other.kill()


def test_a_session_that_says_nothing_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_: "")
    assert priority.of_session(os.getpid()) is None


@sessions
def test_a_process_gives_way_for_the_length_of_a_block() -> None:
    with started(WAITS, alone=True) as other:
        assert priority.of_session(other.pid) == 0
        with priority.giving_way(other.pid):
            assert priority.of_session(other.pid) == priority.BACKGROUND
        assert priority.of_session(other.pid) == 0
        other.kill()
    with priority.giving_way(other.pid):  # it is gone
        pass


@sessions
@pytest.mark.parametrize("alone", [True, False])
def test_a_process_gives_way_for_good_and_a_terminal_it_shares_with_others_does_not(alone: bool) -> None:
    before = priority.of_session(os.getpid())
    with started(GIVES_WAY, alone) as other:
        assert other.stdout is not None
        other.stdout.readline()
        nice = min(os.getpriority(os.PRIO_PROCESS, 0) + priority.BACKGROUND, 19)
        assert os.getpriority(os.PRIO_PROCESS, other.pid) == nice
        assert priority.of_session(other.pid) == (priority.BACKGROUND if alone else before)
        other.kill()
    assert priority.of_session(os.getpid()) == before
