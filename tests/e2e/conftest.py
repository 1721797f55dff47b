"""The real server, the real models and a real browser, on a workspace of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PATIENCE_MS = 300_000
"""For everything a person would wait for; a busy machine is no failure."""


class Server:
    """`python -m dashboard` on a free port; can be stopped and started again on the same workspace."""

    module = "dashboard"

    def arguments(self) -> list[str]:
        """What follows the module's name."""
        return ["--workspace", str(self.home), "--port", str(self.port)]

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (home.parent / "server.log").open("a")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", self.module, *self.arguments()]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])}
        self._process = subprocess.Popen(
            command, cwd=self.home.parent, env=environment, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log
        )
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            try:
                httpx.get(f"{self.url}/api/health").raise_for_status()
                return
            except httpx.HTTPError:
                assert self._process.poll() is None, self.said()
                time.sleep(0.2)
        raise AssertionError(self.said())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def said(self) -> str:
        """What it wrote to the terminal."""
        return (self.home.parent / "server.log").read_text("utf-8")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("e2e") / "workspace")
    # Converting the base model is not what is tried here, and takes a while: it is kept between runs.
    kept, models = request.config.cache.mkdir("models"), running.home / "models"
    shutil.copytree(kept, models)
    running.start()
    yield running
    running.stop()
    shutil.copytree(models, kept, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


def launched(playwright: Playwright) -> Browser:
    """Debian's Chromium where there is one, else the one Playwright brings."""
    try:
        return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    except Error as error:
        reason = f"NO BROWSER, SO NOTHING OF THE DASHBOARD WAS TRIED END TO END: {error.message.splitlines()[0]}"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with alone(browser, server, viewport={"width": 1440, "height": 900}) as opened:
        yield opened


@contextmanager
def alone(browser: Browser, server: Server, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, made with these options, that may ask no other server."""
    context = browser.new_context(base_url=server.url, **options)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = context.new_page()
    foreign: list[str] = []
    opened.on("request", lambda request: foreign.append(request.url) if is_foreign(request.url, server) else None)
    yield opened
    context.close()
    assert not foreign, f"the page asked other servers: {foreign}"


def is_foreign(url: str, server: Server) -> bool:
    """Whether a request leaves this server."""
    return url.startswith("http") and not url.startswith(server.url)
