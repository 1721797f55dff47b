"""One process, one port: the pages, the JSON routes and the job dispatcher start and stop together.

    socket -> workspace (its owner) -> uvicorn -> st.App: guard, routes, pages
                                        lifespan: dispatcher, watch, retraining, models warmed in the background

Knows nothing of what the pages show. Streamlit's settings come from `.streamlit/config.toml` of the
project, wherever the command is started.
"""

import errno
import gc
import logging
import socket
import threading
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from anyio import to_thread
from starlette.middleware import Middleware
from streamlit.web import bootstrap

from core import memory
from core.errors import TriptychError
from core.settings import Settings
from core.tracing import keep_messages_out
from core.workspace import Workspace
from dashboard import api, resources
from dashboard.guard import Guard
from storage.audit import usually

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / ".streamlit" / "config.toml"
OPTIONS: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "ws": "websockets-sansio",
    "ws_max_size": 200 * 1024 * 1024,  # bytes of one message, as Streamlit's own server allows
    "timeout_graceful_shutdown": 3,
}

log = logging.getLogger(__name__)


class PortBusy(TriptychError):
    """The port cannot be listened on."""


def serve(settings: Settings) -> None:
    """Open the workspace and serve it until interrupted.

    Raises:
        PortBusy: something else listens there.
        WorkspaceLocked: another process has the workspace open; the message names it.
        BadInput, StoreDown: jobs are to go to a Ray cluster, and it cannot be used.
    """
    configure(settings)
    keep_messages_out()
    with closing(listen(settings.host, settings.port)) as listening:
        usually("dashboard")
        workspace = Workspace.open(settings, serving=True)
        runner = uvicorn.Server(uvicorn.Config(create_app(workspace), **OPTIONS))
        port = listening.getsockname()[1]
        try:
            workspace.dispatcher  # noqa: B018  a cluster that cannot be used is told before anybody is served
            if workspace.lock is not None:
                workspace.lock.announce(settings.host, port)
            print(f"Triptych: {url(settings.host, port)}   (workspace {settings.home}; Ctrl+C stops it)", flush=True)
            runner.run(sockets=[listening])
        except KeyboardInterrupt:
            pass  # uvicorn has shut down in order and passes the interrupt on
        finally:
            if not runner.started:
                workspace.close()


def create_app(workspace: Workspace) -> st.App:
    """The ASGI application over an open workspace; it closes the workspace when it ends."""
    resources.hold(workspace)

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
        workspace.dispatcher.start()
        workspace.watch.start()
        workspace.retraining.start()
        stopping = threading.Event()
        threading.Thread(target=warm, args=(workspace, stopping), name="warm", daemon=True).start()
        try:
            yield {"workspace": workspace}
        finally:
            # Here and not after the server: a terminated process gets no further than this.
            stopping.set()
            resources.hold(None)
            await to_thread.run_sync(workspace.close)

    return st.App(
        HERE / "app.py",
        lifespan=lifespan,
        routes=api.routes(workspace),
        middleware=[Middleware(Guard)],
    )


def url(host: str, port: int) -> str:
    """Where a browser finds it."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def warm(workspace: Workspace, stopping: threading.Event) -> None:
    """Load the models, and start the reader of files and pages, before someone asks; a failure is shown again then."""
    embedder = workspace.embedder
    for load in (
        embedder.load,
        lambda: workspace.sandbox,  # a process of its own, which imports on another core
        lambda: import_module("pandas"),  # Streamlit's own components ask for it when the first of them is drawn
        workspace.engine.warm,  # the longest, several seconds, and mostly in a process of its own
        lambda: embedder.load("int8"),
        settled,
    ):
        try:
            load()
        except Exception:
            if stopping.is_set():
                return  # the workspace was closed while it loaded
            log.warning("something could not be made ready ahead of the first question", exc_info=True)


def settled() -> None:
    """What is loaded now stays: collecting garbage need not look at it again (a third of a second each time)."""
    gc.collect()
    gc.freeze()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything is loaded, so that a busy port is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        remedy = f"Choose another port: --port {port + 1}, or TRIPTYCH_PORT={port + 1}."
        raise PortBusy(f"{host}:{port} {reason}.", remedy) from error
    return listening


def configure(settings: Settings) -> None:
    """Give Streamlit the project's settings, before it builds anything from them, and the process few heaps."""
    memory.few_heaps()
    values = tomllib.loads(CONFIG.read_text("utf-8")) if CONFIG.is_file() else {}
    chosen = {"server.address": settings.host, "server.port": settings.port, "client.disableDataExport": True}
    bootstrap.load_config_options({**dict(flat(values)), **chosen})


def flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """`{"theme": {"light": {"textColor": x}}}` as `theme.light.textColor`, x."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
