"""HTTP with an OpenAI-compatible endpoint: one streamed exchange at a time, and its mistakes in words.

A request runs in a thread with an event loop of its own, so that it can be cancelled at any point, also while the
endpoint is still reading the prompt. Redirects are not followed: the key goes where it was meant to go, nowhere
else. Knows HTTP and server-sent events; messages and LangChain are `endpoint`'s.
"""

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.errors import BadInput, EngineFailed
from core.generation import habits
from core.generation.engine import is_set

if TYPE_CHECKING:
    import httpx

CONNECT_S, READ_S, SHORT_S = 10.0, 180.0, 30.0
"""Longest waits: for a connection, for the next piece (a long prompt on a slow machine takes minutes), and for what
takes no writing."""

RETRY_AT_MOST_S = 15.0
"""A busy endpoint that names a time up to this is asked again, once; a longer one is the person's to decide."""

LISTEN_S = 0.1
SHOWN = 200
REPEATED = 20
"""Characters in a row that an endpoint's message may not have in common with what was asked: it goes into rows."""


class NothingThere(EngineFailed):
    """The endpoint has nothing at that address, or no model of that name (404)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is.

    Attributes:
        url: base URL, such as http://localhost:11434/v1.
        name: what people call it.
    """

    url: str
    name: str

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


class Wire:
    """Requests to one endpoint; safe in any number of threads.

    `known`: how the model there wants to be asked; what is learned of that is kept in it.
    """

    def __init__(self, address: Address, key: str, known: habits.Habits | None = None) -> None:
        self._address = address
        self._habits = known or habits.Habits()
        self._key = key
        self._sent = ""

    def get(
        self, path: str, *, root: bool = False, body: dict[str, Any] | None = None, wait_s: float | None = None
    ) -> Any:
        """JSON of one short request (POST when there is a body).

        Args:
            root: leave out the /v1 at the base URL's end.
            wait_s: the longest wait, in seconds; `SHORT_S` unless it is given.

        Raises:
            EngineFailed, BadInput: in the words of `_problem`.
        """
        import httpx

        base, wait_s = self._address.url.rstrip("/"), wait_s or SHORT_S
        url = (base.removesuffix("/v1") if root else base) + path
        try:
            with httpx.Client(timeout=httpx.Timeout(wait_s, connect=CONNECT_S)) as client:
                response = client.request("POST" if body else "GET", url, json=body, headers=self._headers())
                if response.status_code != 200:
                    raise self._problem(response.status_code, response.headers, response.text, "")
                return response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unreachable(error, wait_s) from error

    def events(self, body: dict[str, Any], stopping: threading.Event | None) -> Iterator[dict[str, Any]]:
        """The events of one streamed answer; ends early when `stopping` is set or the iterator is closed.

        Raises:
            EngineFailed: it is down, refuses, or the stream breaks off before its end.
            BadInput: it refuses what was asked.
        """
        self._sent = " ".join(str(each.get("content")) for each in body.get("messages", ()))
        exchange = _Exchange(lambda: self._events(body))
        try:
            while not is_set(stopping):
                item = exchange.take()
                if isinstance(item, BaseException):
                    raise item
                if item == {}:
                    return
                if item:
                    yield item
        finally:
            exchange.cancel()

    async def _events(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Ask; once more where it is busy for a moment, and without the settings that it refuses."""
        import httpx

        limits = httpx.Timeout(READ_S, connect=CONNECT_S)
        url, headers = f"{self._address.url.rstrip('/')}/chat/completions", self._headers()
        refused, waited = self._habits.refused, False
        try:
            async with httpx.AsyncClient(timeout=limits) as client:
                while True:
                    asked = habits.without(body, refused)
                    async with client.stream("POST", url, json=asked, headers=headers) as response:
                        if response.status_code == 200:
                            self._habits.refused |= refused
                            async for event in self._read(response):
                                yield event
                            return
                        text = (await response.aread()).decode("utf-8", "replace")
                        more = habits.refused_in(response.status_code, text) - refused
                        wait = 0.0 if more else _wait(response, waited)
                        if wait is None:
                            raise self._problem(response.status_code, response.headers, text, body["model"])
                    refused, waited = refused | more, waited or not more
                    await asyncio.sleep(wait)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error, READ_S) from error

    async def _read(self, response: "httpx.Response") -> AsyncIterator[dict[str, Any]]:
        """Server-sent events; a stream without its end mark or a finish reason was cut."""
        ended = False
        async for line in response.aiter_lines():
            if not line.startswith("data:"):
                continue
            data = line[5:].strip()
            if data == "[DONE]":
                return
            event = _event(data)
            if event is None or event.get("error"):
                raise EngineFailed(f"{self._address.name} broke off: {self._clean(data)}", "Ask again.")
            ended = ended or any(choice.get("finish_reason") for choice in event.get("choices") or [])
            if event:
                yield event
        if not ended:
            raise EngineFailed(f"The connection to {self._address.name} was cut.", "What arrived is kept; ask again.")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def _unreachable(self, error: Exception, waited_s: float) -> EngineFailed:
        import httpx

        name, host = self._address.name, self._address.host
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return EngineFailed(f"{name} cannot be reached at {host}.", "Start it or mend its address, then ask again.")
        if isinstance(error, httpx.TimeoutException):
            message = f"{name} has not said anything for {waited_s:.0f} s."
            return EngineFailed(message, "Ask again, or look at its log.")
        if isinstance(error, ValueError | httpx.InvalidURL | httpx.UnsupportedProtocol):
            return EngineFailed(f"{host} does not answer like an OpenAI-compatible endpoint.", "Check its address.")
        return EngineFailed(f"The connection to {name} was cut.", "What arrived is kept; ask again.")

    def _problem(self, status: int, headers: "httpx.Headers", text: str, model: str) -> EngineFailed | BadInput:
        name = self._address.name
        if status in (401, 403):
            return EngineFailed(f"{name} does not accept the key ({status}).", "Enter another key in Settings.")
        if status == 404:
            what = f"has no base model called {model!r}" if model else "has nothing at this address"
            remedy = (
                "Mend its name or address in Settings: addresses usually end in /v1, and a test lists what is offered."
            )
            return NothingThere(f"{name} {what} (404).", remedy)
        if status == 429:
            wait = _retry_after(headers)
            remedy = f"Ask again in {wait:.0f} s." if wait is not None else "Ask again later, or check your plan."
            return EngineFailed(f"{name} takes no more requests at the moment (429).", remedy)
        if status in (400, 413, 422):
            return BadInput(f"{name} refuses the request: {self._clean(_message(text))}", "Check it in Settings.")
        return EngineFailed(f"{name} failed ({status}): {self._clean(_message(text))}", "Ask again, or see its log.")

    def _clean(self, text: str) -> str:
        """One line, short, and without the key or what was asked should the endpoint repeat it."""
        line = " ".join((text.replace(self._key, "…") if self._key else text).split())
        sent = " ".join(self._sent.split())
        if any(line[at : at + REPEATED] in sent for at in range(len(line) - REPEATED + 1)):
            return "its message repeats what was asked, and is not shown"
        return line[:SHOWN]


class _Exchange:
    """One request in a thread with its own event loop, and what it has brought so far."""

    def __init__(self, events: Any) -> None:
        self._arrived: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()
        self._events = events
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        threading.Thread(target=self._run, name="triptych-endpoint", daemon=True).start()

    def take(self) -> dict[str, Any] | BaseException | None:
        """The next event; {} at the end, an error when it failed, None when nothing came for a moment."""
        try:
            return self._arrived.get(timeout=LISTEN_S)
        except queue.Empty:
            return None

    def cancel(self) -> None:
        """Break the request off; harmless when it is over."""
        self._cancelled = True
        if not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:  # it closed this very moment
                return

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._pump())
        except asyncio.CancelledError:
            return

    async def _pump(self) -> None:
        self._task = asyncio.current_task()
        if self._cancelled:
            return
        try:
            async for event in self._events():
                self._arrived.put(event)
            self._arrived.put({})
        except Exception as error:  # noqa: BLE001  raised again in the thread that listens
            self._arrived.put(error)


def _event(data: str) -> dict[str, Any] | None:
    try:
        event = json.loads(data)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _wait(response: "httpx.Response", waited: bool) -> float | None:
    """Seconds after which a busy endpoint is asked again; None when it is not, or was already."""
    wait = _retry_after(response.headers) if response.status_code == 429 and not waited else None
    return None if wait is None or wait > RETRY_AT_MOST_S else wait


def _retry_after(headers: "httpx.Headers") -> float | None:
    """Seconds; a date, which the header may be as well, counts as unknown."""
    value = headers.get("retry-after", "")
    return float(value) if value.replace(".", "", 1).isdigit() else None


def _message(text: str) -> str:
    """The sentence inside an error body, or the body."""
    body = _event(text)
    inner = (body or {}).get("error", text)
    return str(inner.get("message", inner) if isinstance(inner, dict) else inner)
