"""The *Test* button: is a base model there, what does it offer, how fast is it, how much does it read."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_core.messages import HumanMessage, SystemMessage

from core.errors import TriptychError
from core.generation.engine import Engine

if TYPE_CHECKING:
    from core.generation.endpoint import EndpointChat, Offered
    from core.workspace import Workspace

ASKED = "In two sentences, what is a contract?"
WORDS = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """How one test went; what was not reached is None or empty.

    Attributes:
        problem, remedy: why it failed; "" when it answered.
        offered: base models at an endpoint.
        window: tokens it says it reads; 0 when it does not say.
        load_s: seconds until it was loaded.
        first_word_s: seconds from the question to the first word.
        tokens_per_s: how fast the answer came after its first word.
        answer: what it wrote.
    """

    problem: str = ""
    remedy: str = ""
    offered: "tuple[Offered, ...]" = ()
    window: int = 0
    load_s: float | None = None
    first_word_s: float | None = None
    tokens_per_s: float | None = None
    answer: str = ""


def try_out(workspace: "Workspace", base_model_id: int | None) -> Trial:
    """Load a base model, ask it one short question, and say how it did. Never raises for its mistakes."""
    from core.generation.endpoint import EndpointChat

    offered: tuple[Offered, ...] = ()
    window = 0
    try:
        engine = workspace.engines.of(base_model_id)
        if isinstance(engine, EndpointChat):
            offered = tuple(engine.offered())
            window = _endpoint_window(engine, offered)
        began = time.perf_counter()
        engine.warm()
        load_s = time.perf_counter() - began
        return asked(engine, offered, window, load_s)
    except TriptychError as error:
        return Trial(problem=error.message, remedy=error.remedy, offered=offered, window=window)


def _endpoint_window(engine: "EndpointChat", offered: "tuple[Offered, ...]") -> int:
    told = next((each.window for each in offered if each.model == engine.model), 0)
    return told or engine.asked_window()


def asked(engine: Engine, offered: "tuple[Offered, ...]" = (), window: int = 0, load_s: float | None = None) -> Trial:
    """Ask one short question and say how it went; raises as the engine does."""
    began, first, answer, tokens = time.perf_counter(), None, "", 0
    messages = [SystemMessage("You are a helpful assistant."), HumanMessage(ASKED)]
    for chunk in engine.stream(messages, max_tokens=WORDS):
        if chunk.text:
            first = first if first is not None else time.perf_counter()
            answer += str(chunk.text)
        usage = getattr(chunk, "usage_metadata", None)
        tokens = usage["output_tokens"] if usage else tokens
    if first is None:
        return Trial("It answered with nothing.", "Test it again, or choose another model.", offered, window, load_s)
    writing = time.perf_counter() - first
    return Trial(
        offered=offered,
        window=window or engine.window,
        load_s=load_s,
        first_word_s=first - began,
        tokens_per_s=(tokens - 1) / writing if tokens > 1 and writing > 0 else None,
        answer=answer.strip(),
    )
