"""What a model at an endpoint does otherwise than most, learned from what it answers; kept while this process runs.

Reasoning models in clouds refuse `max_tokens` (they want `max_completion_tokens`) and any `temperature`; some servers
refuse `stream_options`. Which is which can only be found out by asking. Knows the settings; asking is `wire`'s.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

REPLACED = {"max_tokens": "max_completion_tokens", "temperature": "", "stream_options": ""}
"""Settings that can be done without, and what is sent instead of them."""
NAMED = re.compile(rf"\b({'|'.join(REPLACED)})\b")


@dataclass
class Habits:
    """Attributes:
    refused: settings of `REPLACED` that it does not take.
    thinks: it has used up an answer's tokens by thinking, and needs room for that.
    """

    refused: frozenset[str] = frozenset()
    thinks: bool = False


_known: dict[tuple[str, str], Habits] = {}


def of(url: str, model: str) -> Habits:
    """What is known of a model by now; the same object for all who ask."""
    return _known.setdefault((url, model), Habits())


def without(body: dict[str, Any], refused: frozenset[str]) -> dict[str, Any]:
    """A request without the settings that are refused, or with those that stand for them."""
    kept = {name: value for name, value in body.items() if name not in refused}
    return kept | {REPLACED[name]: body[name] for name in refused if REPLACED[name] and name in body}


def refused_in(status: int, text: str) -> frozenset[str]:
    """Settings that an error body names as the reason: its `param` says so, or else its words do."""
    if status not in (400, 422):
        return frozenset()
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    error = said.get("error") if isinstance(said, dict) else None
    named = error.get("param") if isinstance(error, dict) else None
    return frozenset(NAMED.findall(named if isinstance(named, str) and named else text))
