"""How much an endpoint really reads, asked of the routes that Ollama, LM Studio and llama.cpp have beside OpenAI's.

What a model was made for is not what it is loaded with: Ollama serves 4,096 tokens of a model made for 131,072 unless
it is told otherwise, and cuts a longer prompt from its beginning without a word. So ask after the first answer, when
the model is loaded. Knows those routes; what is done with the figures is `trial`'s.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput, EngineFailed
from core.generation.wire import Wire

ASKED_S = 5.0
"""A server that has such a route answers at once; others may not answer at all."""

NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)\s*$", re.MULTILINE)

ROUND = frozenset(1024 * 2**power for power in range(9))
"""Context lengths that servers are started with: a prompt that fills one to the token was cut there."""
CHECKED = 1000
"""Estimated tokens below which no prompt was cut: no server is started with so little."""
BYTES_OF_A_TOKEN_AT_MOST = 10
"""No tokenizer does with fewer tokens for text: Hindi has up to 9 bytes in one, English 5."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Attributes:
    window: tokens that it reads and writes together as it is loaded now; 0 when it does not say.
    made_for: the most that the model was made for; 0 when it does not say.
    """

    window: int = 0
    made_for: int = 0


def reach(wire: Wire, model: str) -> Reach:
    """What the endpoint's own routes say of a model; nothing where it has none of them."""
    for ask in (_ollama, _lm_studio, _llama_cpp):
        if found := ask(wire, model):
            return found
    return Reach()


def cut_to(counted: int, estimated: int, bytes_per_token: int) -> int:
    """Tokens of a prompt that were read, where it has probably been cut; 0 where nothing speaks for that.

    Args:
        counted: tokens of the prompt as the endpoint counts them; 0 when it does not.
        estimated: our own estimate of what was sent, rather too high, at `bytes_per_token`.
    """
    if counted < CHECKED or estimated <= counted:
        return 0
    few = counted * BYTES_OF_A_TOKEN_AT_MOST < estimated * bytes_per_token
    return counted if few or counted in ROUND else 0


def _ollama(wire: Wire, model: str) -> Reach | None:
    """`/api/ps` has what is loaded (newer versions say with how much), `/api/show` what the model's file asks for."""
    shown = _told(wire, "/api/show", {"model": model})
    running = _told(wire, "/api/ps").get("models")
    facts = shown.get("model_info")
    if not isinstance(running, list) and not isinstance(facts, dict):
        return None
    made_for = _first(value for key, value in _items(facts) if key.endswith(".context_length"))
    names = (model, f"{model}:latest")
    loaded = _first(row.get("context_length") for row in _rows(running) if row.get("model", row.get("name")) in names)
    asked = NUM_CTX.search(str(shown.get("parameters") or ""))
    window = loaded or (int(asked[1]) if asked else 0)
    return Reach(min(window, made_for or window), made_for)


def _lm_studio(wire: Wire, model: str) -> Reach | None:
    rows = [row for row in _rows(_told(wire, "/api/v0/models").get("data")) if row.get("id") == model]
    window, made_for = (_first(row.get(key) for row in rows) for key in ("loaded_context_length", "max_context_length"))
    return Reach(window, made_for) if rows else None


def _llama_cpp(wire: Wire, _model: str) -> Reach | None:
    """Of one slot: what one answer may have where several share the cache."""
    settings = _told(wire, "/props").get("default_generation_settings")
    window = _count(settings.get("n_ctx")) if isinstance(settings, dict) else 0
    return Reach(window) if window else None


def _told(wire: Wire, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a route says; nothing where there is none."""
    try:
        said = wire.get(path, root=True, body=body, wait_s=ASKED_S)
    except (EngineFailed, BadInput):
        return {}
    return said if isinstance(said, dict) else {}


def _rows(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _items(found: Any) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, dict) else []


def _first(found: Iterable[Any]) -> int:
    return next((count for each in found if (count := _count(each))), 0)


def _count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    return value if type(value) is int and value > 0 else 0
