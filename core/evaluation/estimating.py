"""What an evaluation will take, told before it begins: seconds of each mode, from the nearest thing that was measured.

The last runs on this corpus; else those on other corpora with the same base model; else answers in chat by it; else
figures of another machine, which are rough and said to be. Runs of another machine or with another base model do not
count. Knows nothing of what is measured beside the answers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from core.assistants.reading import reading_for
from core.evaluation import fingerprints
from core.evaluation.beside import TITLES
from core.evaluation.summary import ORDER

if TYPE_CHECKING:
    from core.workspace import Workspace

Basis = Literal["here", "elsewhere", "chats", "rough"]
SAID: Mapping[Basis, str] = {
    "here": "measured here",
    "elsewhere": "measured on another corpus",
    "chats": "measured in chats",
    "rough": "rough: not measured yet",
}
"""From the surest to the least sure."""

ROUGH_S: dict[str, float] = {"base": 0.5, "quote": 0.1, "rag": 0.65, "finetuned": 0.8, "hybrid": 0.45}
"""Seconds an answer adds to a run: the slower of two sets in benchmarks/results/evaluating.md over the six that are
asked at once (2 cores, the embedded model, *rag* with words of its own). *Quote* is not measured there: it searches and
scores sentences, and writes nothing, as *rag* does where the quotation is the answer. Another machine or base model may
well take ten times as long, or a tenth."""

ALONE = 3.0
"""How much longer an answer takes that is asked alone, as in chat, than it adds to a run: three asked side by side took
what one of them takes alone (benchmarks/results/comparing.md)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Attributes:
    answers: how many are asked for.
    seconds: what all of them take.
    bases: what the seconds of each mode come from.
    """

    answers: int
    seconds: float
    bases: Mapping[str, Basis]

    @property
    def said(self) -> str:
        """`about 3 minutes (measured here)`; which modes, where they were not all measured alike."""
        return f"about {span(self.seconds)} ({self._from()})"

    def _from(self) -> str:
        found = [basis for basis in SAID if basis in self.bases.values()]
        if len(found) == 1:
            return SAID[found[0]]
        return "; ".join(
            f"{', '.join(TITLES[mode] for mode, basis in self.bases.items() if basis == each)} {SAID[each]}"
            for each in found
        )


def estimate(ws: "Workspace", corpus_id: int, questions: int, modes: Sequence[str]) -> Estimate:
    """What so many questions will take in these modes; never without a figure."""
    chosen = ws.assistants.of(corpus_id)
    model = ws.engines.name(chosen.base_model_id)
    quotes = reading_for(model, chosen.reading).own_words == "none"
    asked = [mode for mode in ORDER if mode in modes]
    looks: tuple[tuple[Basis, Callable[[], Mapping[str, float]]], ...] = (
        ("here", lambda: _runs(ws.evaluations.measured(corpus_id), model)),
        ("elsewhere", lambda: _runs(ws.evaluations.measured(), model)),
        ("chats", lambda: _chats(ws, model)),
        ("rough", lambda: ROUGH_S | ({"rag": ROUGH_S["quote"]} if quotes else {})),
    )
    known: dict[str, tuple[float, Basis]] = {}
    for basis, look in looks:  # the surest first; nobody looks further once every mode is known
        if any(mode not in known for mode in asked):
            known = {mode: (seconds, basis) for mode, seconds in look().items()} | known
    seconds = questions * sum(known[mode][0] for mode in asked)
    return Estimate(questions * len(asked), seconds, {mode: known[mode][1] for mode in asked})


def span(seconds: float) -> str:
    """`40 seconds`, `3 minutes`, `2.5 hours`."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second{'' if whole == 1 else 's'}"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _runs(rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]], model: str) -> dict[str, float]:
    """Seconds an answer adds by mode, of the newest run that has it; the control has no base model."""
    found: dict[str, float] = {}
    here = fingerprints.machine()
    for depended, summary in rows:
        if depended.get("machine") == here:
            for mode, seconds in summary.get("wall_s", {}).items():
                if mode == "quote" or depended.get("base_model") == model:
                    found.setdefault(mode, float(seconds))
    return found


def _chats(ws: "Workspace", model: str) -> dict[str, float]:
    """Seconds that an answer would add by mode, of the newest answers in chat by this base model or its adapters."""
    spent: dict[str, list[float]] = {}
    for mode, author, timings in ws.conversations.timed():
        if author == model or author.startswith(f"{model} + "):
            spent.setdefault(mode, []).append(float(timings["total_s"]))
            if mode in ("rag", "hybrid"):
                spent.setdefault("quote", []).append(float(timings.get("retrieve_s") or 0.0))
    return {mode: median(values) / ALONE for mode, values in spent.items()}
