"""A real OpenAI-compatible server over any engine of ours, and the ways such servers fail, by model name."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.generation.engine import Engine

KEY = "sk-test-0123456789"
Events = list[dict[str, Any]]
KINDS = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


class OpenAIServer:
    """Attributes: seen, the bodies of all chat requests; reading and broken_off, what became of the model "slow".

    `adapters`: as vLLM lists its LoRA modules, each name with its base model's and the engine that answers for it.
    `models`: what is listed beside them; None where the server has no list. `own`: by path, what its own routes say
    (Ollama, LM Studio, llama.cpp); it has no others. `events`: by model, what is streamed word for word, or what makes
    that of a request. `refuses`: by model, the settings that it does not take, as reasoning models in clouds.
    """

    def __init__(self, engine: Engine, key: str = KEY) -> None:
        self.engine, self.key = engine, key
        self.adapters: dict[str, tuple[str, Engine]] = {}
        self.models: list[dict[str, Any]] | None = [{"id": "tiny", "max_model_len": 2048}, {"id": "other"}]
        self.own: dict[str, Any] = {"/api/show": {"model_info": {"llama.context_length": 1234}}}
        self.events: dict[str, Events | Callable[[dict[str, Any]], Events]] = {}
        self.refuses: dict[str, tuple[str, ...]] = {}
        self.seen: list[dict[str, Any]] = []
        self.reading = threading.Event()
        self.broken_off = threading.Event()
        self.refusals = 1
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/{path:path}", self._own, methods=["GET", "POST"]),
        ]
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()  # whoever asks before the thread serves waits, and is not refused
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _refused(self, request: Request) -> Response | None:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            given = request.headers.get("authorization", "no key")
            return JSONResponse({"error": {"message": f"Incorrect API key provided: {given}"}}, 401)
        return None

    async def _models(self, request: Request) -> Response:
        if self.models is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        models = self.models + [{"id": name, "parent": base} for name, (base, _) in self.adapters.items()]
        return self._refused(request) or JSONResponse({"object": "list", "data": models})

    async def _own(self, request: Request) -> Response:
        said = self.own.get(request.url.path, {"detail": "Not Found"})
        return JSONResponse(said, 200 if request.url.path in self.own else 404)

    async def _chat(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        body = await request.json()
        self.seen.append(body)
        match body["model"]:
            case "busy":
                return JSONResponse({"error": {"message": "slow down"}}, 429, headers={"retry-after": "77"})
            case "busy-once" if self.refusals:
                self.refusals -= 1
                return JSONResponse({"error": {"message": "slow down"}}, 429, headers={"retry-after": "0"})
            case "picky":
                message = f"maximum context length is 10 tokens, key {self.key}"
                return JSONResponse({"error": {"message": message}}, 400)
            case "broken":
                return Response("Internal Server Error", 500)
            case "moved":
                return Response(status_code=307, headers={"location": "http://127.0.0.1:9/v1/chat/completions"})
            case "unknown":
                return JSONResponse({"error": {"message": "model not found"}}, 404)
        for name in self.refuses.get(body["model"], ()):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return JSONResponse({"error": {"message": message, "param": name}}, 400)
        if given := self.events.get(body["model"]):
            events = given(body) if callable(given) else given
            return StreamingResponse((_event(each) for each in events), media_type="text/event-stream")
        if not body.get("stream"):
            return JSONResponse(_whole(body))
        return StreamingResponse(self._stream(body), media_type="text/event-stream")

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        try:
            if body["model"] == "slow":
                self.reading.set()
                await asyncio.sleep(600)
            messages: list[BaseMessage] = [KINDS[m["role"]](m["content"]) for m in body["messages"]]
            _, engine = self.adapters.get(body["model"], ("", self.engine))
            chunks = engine.stream(messages, stop=body.get("stop"), max_tokens=body.get("max_tokens", 99))
            async for chunk in iterate_in_threadpool(chunks):
                if chunk.text:
                    yield _event({"choices": [{"index": 0, "delta": {"content": chunk.text}, "finish_reason": None}]})
                if body["model"] == "cut":
                    return
                if body["model"] == "errs":
                    yield _event({"error": {"message": "out of memory"}})
                    return
                if usage := chunk.usage_metadata:
                    finish = chunk.response_metadata["finish_reason"]
                    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
                    counts = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
                    yield _event({"choices": [], "usage": counts})
            yield "data: [DONE]\n\n"
        except asyncio.CancelledError:
            self.broken_off.set()
            raise


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    """An answer in one piece; the model "scores" says how probable each word of the prompt was, as vLLM does."""
    said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "."}, "finish_reason": "length"}]}
    if body["model"] != "scores" or "prompt_logprobs" not in body:
        return said
    words = [f" {word}" for message in body["messages"] for word in message["content"].split()]
    given = [{str(n): {"logprob": -n / 10, "rank": 1, "decoded_token": word}} for n, word in enumerate(words)]
    return said | {"prompt_logprobs": [None, *given]}


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body)}\n\n"


@contextlib.contextmanager
def serving(engine: Engine, key: str = KEY) -> Iterator[OpenAIServer]:
    server = OpenAIServer(engine, key)
    try:
        yield server
    finally:
        server.close()
