"""Who may speak to the server: pages it served itself, and programs on this machine.

A web page someone visits can send requests to 127.0.0.1 too, or point a host name of its own at it
(DNS rebinding). So every request and every WebSocket must name the server by an address or a name of
this machine (`Host`), and one that comes from a web page (`Origin`) must come from the server's own.
Knows nothing of users: who is logged in is a later matter.
"""

import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected

log = logging.getLogger(__name__)
REFUSED = "Requests from other web sites are refused."


class Guard:
    """ASGI middleware; refuses foreign hosts and origins with 403 before anything else sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.names = own_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] in ("http", "websocket") and not allowed(Headers(scope=scope), self.names):
            return await refuse(scope, receive, send)
        try:
            await self.app(scope, receive, send)
        except WebSocketDisconnected:
            log.debug("a browser went away without closing its connection")


def allowed(headers: Headers, names: frozenset[str]) -> bool:
    """Whether the request names this machine and, if a page sent it, one of this server's pages."""
    host = headers.get("host", "")
    if not is_own(host, names):
        return False
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == host
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin") or is_navigation(headers)


def is_own(host: str, names: frozenset[str]) -> bool:
    """An IP address cannot be rebound, and a name of this machine is not a foreign site's."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_navigation(headers: Headers) -> bool:
    """Following a link from elsewhere to a page of ours is fine; it reads nothing back."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def own_names() -> frozenset[str]:
    """What this machine is called, in lower case."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, name.split(".")[0]})


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 403 (a WebSocket is closed before it opens)."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": REFUSED})
        return
    await JSONResponse({"error": REFUSED}, status_code=403)(scope, receive, send)
