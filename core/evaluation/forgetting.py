"""Whether training cost the base model what it knew: plain general questions, before (the base model) and after.

The questions of `core.finetuning.general`, which nothing was ever trained on, are asked of the engines themselves,
without documents. Scored by the telling words of the known answer (those that the question does not give away), and by
how probable that answer is where the engine says so. Twelve questions show a collapse, not a shade.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.assistants.words import stems
from core.evaluation.scoring import likelihood
from core.evaluation.summary import DIFFERENCES, SCORES, Interval
from core.finetuning.general import GENERAL
from storage.rows import FindingRow

if TYPE_CHECKING:
    from core.generation.engine import Engine

KIND = "general"
BEFORE = "base"
TOKENS = 48


def ask(engine: "Engine", question: str, wanted: str) -> dict[str, Any]:
    """One answer of an engine with its score, and the likelihood of the known answer if it is given."""
    from langchain_core.messages import HumanMessage

    messages = [HumanMessage(question)]
    answer = str(engine.invoke(messages, max_tokens=TOKENS, temperature=0.0).text).strip()
    given = engine.log_likelihood(messages, wanted)
    probable = likelihood(given)["gold_likelihood"] if given else None
    return {"answer": answer, "score": score(answer, question, wanted), "likelihood": probable}


def score(answer: str, question: str, wanted: str) -> float:
    """The share of the telling words that the answer has, 0..1."""
    telling = stems(wanted) - stems(question)
    return len(telling & stems(answer)) / len(telling) if telling else float(stems(wanted) <= stems(answer))


def summary(findings: Sequence[FindingRow]) -> dict[str, Any]:
    """By who answered: mean score, mean likelihood, and the differences from the base model, question by question."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for each in findings:
        for name in ("score", "likelihood"):
            if each.content[name] is not None:
                scores.setdefault(each.content["mode"], {}).setdefault(name, {})[each.content["question"]] = (
                    each.content[name]
                )
    if not scores:
        return {}
    return {
        "questions": len(GENERAL),
        "modes": {mode: {name: _mean(values) for name, values in found.items()} for mode, found in scores.items()},
        "lost": {
            mode: {name: _difference(values, scores.get(BEFORE, {}).get(name, {})) for name, values in found.items()}
            for mode, found in scores.items()
            if mode != BEFORE
        },
    }


def _mean(values: dict[str, float]) -> dict[str, Any]:
    return Interval.of(list(values.values()), SCORES).json()


def _difference(after: dict[str, float], before: dict[str, float]) -> dict[str, Any] | None:
    shared = [after[key] - before[key] for key in after if key in before]
    return Interval.of(shared, DIFFERENCES).json() if shared else None
