"""A Chroma server of the tests' own: `chroma run`, from the package that is installed anyway."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


class Chroma:
    """A running server; every name in `url` is a database of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        program = Path(sys.executable).parent / "chroma"
        command = [str(program), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(self._port)]
        environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(600):
            assert self._process.poll() is None, "the Chroma server did not start"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v2/heartbeat", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the Chroma server does not answer")

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"http://127.0.0.1:{self._port}/{database}"

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
