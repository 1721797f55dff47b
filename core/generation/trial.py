"""The *Test* button: is a base model there, what does it offer, how fast is it, how much does it read."""

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage, SystemMessage

from core.errors import TriptychError
from core.generation.deltas import ONLY_THOUGHT
from core.generation.engine import Engine
from core.generation.wire import NothingThere

if TYPE_CHECKING:
    from core.generation.endpoint import EndpointChat, Offered
    from core.workspace import Workspace

log = logging.getLogger(__name__)

ASKED = "In two sentences, what is a contract?"
WORDS = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """How one test went; what was not reached is None or empty.

    Attributes:
        problem, remedy: why it failed; "" when it answered.
        offered: base models at an endpoint.
        unlisted: whether it is an endpoint that does not say what it offers; it may answer all the same.
        window: tokens it says it reads; 0 when it does not say.
        made_for: the most an endpoint's model was made for, which it may be served with less than; 0 is unknown.
        load_s: seconds until it was loaded.
        first_word_s: seconds from the question to the first word.
        tokens_per_s: how fast the answer came after its first word.
        answer: what it wrote.
        thinks: it thought first; its first word came after that.
    """

    problem: str = ""
    remedy: str = ""
    offered: "tuple[Offered, ...]" = ()
    unlisted: bool = False
    window: int = 0
    made_for: int = 0
    load_s: float | None = None
    first_word_s: float | None = None
    tokens_per_s: float | None = None
    answer: str = ""
    thinks: bool = False


def try_out(workspace: "Workspace", base_model_id: int | None) -> Trial:
    """Load a base model, ask it one short question, and say how it did. Never raises."""
    from core.generation.endpoint import EndpointChat

    known, why = Trial(), None
    try:
        engine = workspace.engines.of(base_model_id)
        if isinstance(engine, EndpointChat):
            offered, why = _offered(engine)
            known = Trial(offered=offered, unlisted=why is not None)
        began = time.perf_counter()
        engine.warm()
        load_s = time.perf_counter() - began
        found = asked(engine)
        if isinstance(engine, EndpointChat):
            found = _with_reach(found, engine, known.offered)
        return replace(found, offered=known.offered, unlisted=known.unlisted, load_s=load_s)
    except TriptychError as error:
        message, remedy = _in_words(error, known, why)
        return replace(known, problem=message, remedy=remedy)
    except Exception as error:
        log.exception("the test of base model %s failed", base_model_id)
        problem = f"The test failed in a way that is not foreseen ({type(error).__name__})."
        return replace(known, problem=problem, remedy="The log has the particulars.")


def asked(engine: Engine) -> Trial:
    """Ask one short question and say how it went; raises as the engine does.

    What an endpoint reads is not known by this: its engine only has what was entered, or a guess.
    """
    from core.generation.endpoint import EndpointChat

    began, first, answer, tokens, facts = time.perf_counter(), None, "", 0, dict[str, Any]()
    messages = [SystemMessage("You are a helpful assistant."), HumanMessage(ASKED)]
    for chunk in engine.stream(messages, max_tokens=WORDS):
        if chunk.text:
            first = first if first is not None else time.perf_counter()
            answer += str(chunk.text)
        usage = getattr(chunk, "usage_metadata", None)
        tokens = usage["output_tokens"] if usage else tokens
        facts |= chunk.response_metadata
    if facts.get("only_thought"):
        return Trial(*ONLY_THOUGHT, thinks=True)
    if first is None:
        return Trial("It answered with nothing.", "Test it again, or choose another model.")
    thought_s = facts.get("thinking_s", 0.0)
    writing = time.perf_counter() - first + thought_s  # its tokens count as well
    return Trial(
        window=0 if isinstance(engine, EndpointChat) else engine.window,
        first_word_s=first - began,
        tokens_per_s=(tokens - 1) / writing if tokens > 1 and writing > 0 else None,
        answer=answer.strip(),
        thinks=thought_s > 0,
    )


def _offered(engine: "EndpointChat") -> "tuple[tuple[Offered, ...], TriptychError | None]":
    """What an endpoint offers, or why it does not say: not all have a list, and it can answer without one."""
    try:
        return tuple(engine.offered()), None
    except TriptychError as error:
        return (), error


def _with_reach(found: Trial, engine: "EndpointChat", offered: "tuple[Offered, ...]") -> Trial:
    """How much it reads as it is loaded now; where its own routes do not say, what its list says."""
    told = engine.reach()
    listed = next((each.window for each in offered if each.model == engine.model), 0)
    served = told.window or (listed if listed != told.made_for else 0)
    return replace(found, window=served, made_for=told.made_for)


def _in_words(error: TriptychError, known: Trial, why: TriptychError | None) -> tuple[str, str]:
    """A problem and its remedy, by what else the test has found."""
    if not isinstance(error, NothingThere):
        return error.message, error.remedy
    if isinstance(why, NothingThere):  # neither a list nor a model: it is the address
        return why.message, "Mend its address: it usually ends in /v1."
    return error.message, "Choose one that is offered there." if known.offered else "Mend the model's name."
