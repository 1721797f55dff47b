"""The same questions asked of a running server, when it owns the workspace."""

import json
import urllib.error
import urllib.request
from typing import Any

from core.errors import BadInput, NotFound, TriptychError, WorkspaceLocked
from storage.lock import Owner

LONGEST_S = 600.0


class Server:
    """A running dashboard's HTTP routes."""

    def __init__(self, owner: Owner) -> None:
        """Raises WorkspaceLocked when the owner is no server that could be asked."""
        if not owner.port:
            message = f"Process {owner.pid} ({owner.command}) has the workspace open."
            raise WorkspaceLocked(message, "Wait until it has ended, or stop it.")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(owner.host, owner.host)
        self.url = f"http://[{host}]:{owner.port}" if ":" in host else f"http://{host}:{owner.port}"

    def search(self, corpus: str, question: str, top: int) -> list[dict[str, Any]]:
        """What retrieval finds, as in `triptych search`."""
        found: list[dict[str, Any]] = self._post("search", {"corpus": corpus, "question": question, "top": top})[
            "results"
        ]
        return found

    def ask(self, corpus: str, question: str, mode: str) -> dict[str, Any]:
        """An answer, as in `triptych ask --json`."""
        return self._post("ask", {"corpus": corpus, "question": question, "mode": mode})

    def _post(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/api/{route}", json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        # The server is on this machine: a proxy from the environment must not be asked.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=LONGEST_S) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise _refused(error) from error
        except (OSError, ValueError) as error:
            raise TriptychError(f"The server at {self.url} did not answer: {error}.", "Restart it.") from error


def _refused(error: urllib.error.HTTPError) -> TriptychError:
    kind = {400: BadInput, 404: NotFound, 422: BadInput}.get(error.code, TriptychError)
    try:
        body = json.load(error)
        return kind(str(body["error"]), str(body.get("remedy", "")))
    except (ValueError, KeyError, TypeError):
        return TriptychError(f"The server refused the question ({error.code}).", "See its log.")
