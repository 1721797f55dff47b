"""The HTTP routes beside the pages: the same core calls as the command line, answered in the same JSON.

    GET  /api/health                                     is it up, and with what
    POST /api/search  {corpus, question, top}            -> {results}
                      {corpus, questions: [{id, question}], top} -> {questions: [{id, results}]}
    POST /api/ask     {corpus, question, mode}           -> an answer; `Accept: text/event-stream` streams it
    GET  /api/answers/<id>/events                        an answer of the chat as it is written (event stream)

Who may call is `dashboard/guard.py`'s business, what is understood `dashboard/api_requests.py`'s. Work that
blocks runs in threads of its own, so that pages stay responsive while it does.
"""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core.assistants import live
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.commands.shapes import answer_json, results_json
from core.errors import NotFound, TriptychError
from core.workspace import Workspace
from dashboard.api_requests import AskRequest, SearchRequest, body, refusal

AT_ONCE = 8
"""Searches and answers worked on at the same time; the others wait their turn."""
FOLLOWERS = 200
"""Tabs that can follow answers at the same time; others see them by the slower way."""
EVENTS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Result = TypeVar("Result")


def routes(workspace: Workspace) -> list[BaseRoute]:
    """The routes over an open workspace."""
    here = Api(workspace)
    return [
        Route("/api/health", here.health),
        Route("/api/search", here.search, methods=["POST"]),
        Route("/api/ask", here.ask, methods=["POST"]),
        Route("/api/answers/{message_id:int}/events", here.events),
    ]


class Api:
    """One method a route."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._work = CapacityLimiter(AT_ONCE)
        self._followers = CapacityLimiter(FOLLOWERS)

    async def health(self, _request: Request) -> Response:
        """How many corpora there are and how many jobs are not over."""
        corpora = await self._run(self._workspace.corpora.list)
        waiting = await self._run(self._workspace.jobs.waiting)
        return JSONResponse({"status": "ok", "corpora": len(corpora), "jobs": waiting})

    async def search(self, request: Request) -> Response:
        """What retrieval finds; no base model is asked."""
        try:
            wanted = SearchRequest.read(await body(request))
            found = await self._run(lambda: self._search(wanted))
        except TriptychError as error:
            return refusal(error)
        if wanted.single:
            return JSONResponse({"results": found[0]["results"]})
        return JSONResponse({"questions": found})

    def _search(self, wanted: SearchRequest) -> list[dict[str, Any]]:
        corpus = self._corpus(wanted.corpus)
        search = self._workspace.retriever.search
        return [
            {"id": key, "results": results_json(search(corpus, text, wanted.top))} for key, text in wanted.questions
        ]

    async def ask(self, request: Request) -> Response:
        """One answer, whole or as it is written."""
        try:
            wanted = AskRequest.read(await body(request))
            corpus = await self._run(lambda: self._corpus(wanted.corpus))
        except TriptychError as error:
            return refusal(error)
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(self._told(corpus, wanted), media_type="text/event-stream", headers=EVENTS)
        try:
            return JSONResponse(await self._run(lambda: list(self._answer(corpus, wanted, threading.Event()))[-1]))
        except TriptychError as error:
            return refusal(error)

    def _answer(self, corpus: int, wanted: AskRequest, stop: threading.Event) -> Iterator[Any]:
        """Pieces of text, then the answer as JSON."""
        assistant = Assistant.of(self._workspace, corpus)
        for event in assistant.ask(wanted.question, wanted.mode, [], stop):
            yield answer_json(event, assistant.domain.disclaimer) if isinstance(event, Answer) else event.text

    async def _told(self, corpus: int, wanted: AskRequest) -> AsyncIterator[str]:
        with stopped_at_end() as stop:
            events = self._answer(corpus, wanted, stop)
            try:
                while (event := await to_thread.run_sync(next, events, None, limiter=self._work)) is not None:
                    yield told(event, "delta" if isinstance(event, str) else "answer")
            except TriptychError as error:
                yield told({"error": error.message, "remedy": error.remedy}, "failed")

    async def events(self, request: Request) -> Response:
        """Pieces of an answer as JSON strings from its beginning; then an `end` event."""
        pieces = live.follow(self._workspace, request.path_params["message_id"])
        return StreamingResponse(self._followed(pieces), media_type="text/event-stream", headers=EVENTS)

    async def _followed(self, pieces: Iterator[str]) -> AsyncIterator[str]:
        try:
            while (piece := await to_thread.run_sync(next, pieces, None, limiter=self._followers)) is not None:
                yield told(piece)
        except NotFound:
            pass  # deleted while it was followed: the page will say so
        yield told({}, "end")

    def _corpus(self, name: str) -> int:
        corpus = self._workspace.corpora.by_name(name)
        if corpus is None:
            raise NotFound(f"There is no corpus called {name!r}.", "See the names on the Home page.")
        return corpus.id

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await to_thread.run_sync(work, limiter=self._work)


def told(value: object, event: str = "") -> str:
    """One event of an event stream."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(value, ensure_ascii=False)}\n\n"


@contextmanager
def stopped_at_end() -> Iterator[threading.Event]:
    """A stop switch that is set when the listener has gone, however it went."""
    stop = threading.Event()
    try:
        yield stop
    finally:
        stop.set()
