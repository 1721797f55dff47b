"""The tests reach no machine but this one: what tries to is refused, and the run is told."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import blocking
import pytest

ELSEWHERE = ("192.0.2.1", 80)  # TEST-NET-1: no machine has it (RFC 5737)
TRY = f"import socket; socket.create_connection({ELSEWHERE}, 5)"


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's own attempts are written down, so that they are no fault of the run."""
    monkeypatch.setenv(blocking.NOTES, str(tmp_path / "called-out"))
    return tmp_path / "called-out"


def test_a_connection_to_another_machine_is_refused_and_told(noted: Path) -> None:
    with pytest.raises(blocking.CalledOut, match="no other machine"):
        socket.create_connection(ELSEWHERE, 5)
    assert "192.0.2.1" in noted.read_text()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_datagrams_to_another_machine_are_refused(noted: Path, family: socket.AddressFamily) -> None:
    address = ("192.0.2.1", 53) if family == socket.AF_INET else ("2001:db8::1", 53)
    with socket.socket(family, socket.SOCK_DGRAM) as asked, pytest.raises(blocking.CalledOut):
        asked.sendto(b"who?", address)
    assert noted.exists()


def test_no_name_of_another_machine_is_looked_up(noted: Path) -> None:
    with pytest.raises(blocking.CalledOut):
        socket.getaddrinfo("example.org", 443)
    assert "example.org" in noted.read_text()


def test_a_child_is_refused_as_well(noted: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True)
    assert done.returncode == 1
    assert "CalledOut" in done.stderr
    assert "192.0.2.1" in noted.read_text()


def test_a_grandchild_and_a_child_of_a_changed_environment_are_refused(noted: Path) -> None:
    again = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {TRY!r}]).returncode)"
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", blocking.NOTES) if key in os.environ}
    done = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, env=kept)
    assert "CalledOut" in done.stderr


def test_this_machine_itself_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        socket.create_connection(listening.getsockname(), 5).close()
        socket.create_connection(("localhost", listening.getsockname()[1]), 5).close()


def test_programs_that_are_not_python_are_alone_as_well(alone: bool) -> None:
    if not alone:
        pytest.skip("a network namespace is not allowed here: programs that are not Python were not held back")
    names = {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}
    assert names == {"lo"}
