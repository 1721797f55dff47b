"""The server starts with one line, or says in one line why it cannot."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from core.errors import BadInput
from core.settings import Settings
from core.workspace import Workspace
from dashboard.server import flat, listen, url

ROOT = Path(__file__).resolve().parents[2]


def start(home: Path, port: int, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dashboard", "--workspace", str(home), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=cwd, env=environment, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_serves_from_any_folder_and_ends_in_order(tmp_path: Path) -> None:
    port = free_port()
    server = start(tmp_path / "home", port, tmp_path)
    try:
        assert server.stdout is not None
        assert f"http://127.0.0.1:{port}" in server.stdout.readline()
        health = httpx.Client(transport=httpx.HTTPTransport(retries=20))
        for _ in range(200):
            try:
                assert health.get(f"http://127.0.0.1:{port}/api/health").json()["status"] == "ok"
                break
            except httpx.TransportError:
                time.sleep(0.1)
        config = health.get(f"http://127.0.0.1:{port}/_stcore/host-config").status_code
        assert config == 200
        foreign = health.get(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"})
        assert foreign.status_code == 403
    finally:
        server.send_signal(signal.SIGTERM)
        _, complained = server.communicate(timeout=60)
    assert complained == ""
    Workspace.open(Settings.load(tmp_path / "home")).close()


def test_a_locked_workspace_is_one_line_that_names_its_owner(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "home")):
        server = start(tmp_path / "home", free_port(), tmp_path)
        _, complained = server.communicate(timeout=120)
    assert server.returncode == 2
    assert len(complained.strip().splitlines()) == 1
    assert str(os.getpid()) in complained


def test_a_busy_port_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        server = start(tmp_path / "home", port, tmp_path)
        _, complained = server.communicate(timeout=120)
    assert server.returncode == 2
    assert complained.strip() == (
        f"127.0.0.1:{port} is in use. Choose another port: --port {port + 1}, or TRIPTYCH_PORT={port + 1}."
    )


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("TRIPTYCH_RAY_ADDRESS", "127.0.0.1:9", "A Ray cluster cannot reach what is on this machine alone"),
        ("TRIPTYCH_TRAIN_WORKERS", "two", "TRIPTYCH_TRAIN_WORKERS cannot be used: 'two' is not a whole number from 1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    server = start(tmp_path / "home", free_port(), tmp_path)
    said, complained = server.communicate(timeout=120)
    assert (server.returncode, said) == (2, "")
    assert complained.startswith(why)
    assert len(complained.strip().splitlines()) == 1
    monkeypatch.delenv(variable)
    Workspace.open(Settings.load(tmp_path / "home")).close()  # it was left in order


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRIPTYCH_TRAIN_WORKERS", "0"),
        ("TRIPTYCH_TRAIN_WORKERS", "1.5"),
        ("TRIPTYCH_PORT", "http"),
        ("TRIPTYCH_PORT", "65536"),
        ("TRIPTYCH_PORT", "-1"),
    ],
)
def test_a_number_that_cannot_be_used_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=rf"{variable}.* cannot be used: '{value}' is not a whole number"):
        Settings.load(tmp_path)
    monkeypatch.setenv(variable, "")
    assert (Settings.load(tmp_path).port, Settings.load(tmp_path).train_workers) == (8501, 1)
    with pytest.raises(BadInput, match="--port"):
        Settings.load(tmp_path, port=99999)


def test_settings_are_flattened_to_their_dotted_names() -> None:
    assert dict(flat({"theme": {"light": {"a": 1}, "b": [2]}})) == {"theme.light.a": 1, "theme.b": [2]}


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://localhost:1"), ("::1", "http://[::1]:1")],
)
def test_the_address_shown_can_be_opened(host: str, shown: str) -> None:
    assert url(host, 1) == shown


def test_no_table_offers_a_csv_with_formulas_in_it(tmp_path: Path) -> None:
    """Streamlit's own download of a table leaves them as they are; asked in a process of its own, which it changes."""
    code = (
        "from pathlib import Path; from core.settings import Settings; from dashboard.server import configure; "
        "from streamlit import config; configure(Settings.load(Path('w'))); "
        "print(config.get_option('client.disableDataExport'))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["True"]
