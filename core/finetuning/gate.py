"""The gate: a new adapter serves only if it wins on questions about documents it never saw.

A closed-book adapter is held against the base model alone, a grounded one against retrieval alone, both also
against what is promoted now. Each held-out question is answered by all of them; an adapter wins when the 95 %
interval of the mean difference in token F1, question by question (paired bootstrap), lies above zero. One can
overrule; that is recorded.

Before that, a grounded adapter on a small base model learns how much it says itself and when the documents' own words
are the answer: of `MANNERS` the one that serves its held-out questions best. Choosing among five on the questions that
judge it flatters it a little.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from core.assistants.answer import Answer, Mode
from core.assistants.ask import Assistant, Voice
from core.assistants.reading import Reading, lead, stands
from core.errors import BadInput
from core.evaluation.matching import choice_match
from core.evaluation.metrics import answer_recall, bootstrap_interval, token_f1
from storage.rows import AdapterRow

if TYPE_CHECKING:
    from core.workspace import Workspace

AGAINST: dict[str, Mode] = {"closed-book": "base", "grounded": "rag"}
BY_ADAPTER: dict[str, Mode] = {"closed-book": "finetuned", "grounded": "hybrid"}
MANNERS: tuple[dict[str, Any], ...] = (
    {"writes": "all", "sure": None, "agrees": False},
    {"writes": "none", "sure": None, "agrees": False},
    {"writes": "all", "sure": -0.5, "agrees": False},
    {"writes": "all", "sure": -0.5, "agrees": True},
    {"writes": "lead", "sure": None, "agrees": False},
)
"""Fields of `Reading`: it always answers itself; never, the documents' words are the answer; when it is sure; when it
is sure and the documents' words have its own; or it says yes or no before them. Of two alike the first is taken."""
ENOUGH = 8
"""Held-out questions below which nothing can be said."""
MOST = 40
AT_ONCE = 6
NAMES = {"base": "the base model alone", "rag": "retrieval alone", "promoted": "the adapter that serves now"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new adapter less another: mean difference of token F1 with its 95 % interval, in points of 100."""

    other: str
    questions: int
    mean: float
    low: float
    high: float

    @property
    def won(self) -> bool:
        """Whether it is better with confidence."""
        return self.low > 0


def judge(ws: "Workspace", adapter: AdapterRow, check: Callable[[], None]) -> AdapterRow:
    """Put a trained adapter before the gate, promote it if it wins, and record why; `check` may end it early."""
    held = _held_out(ws, adapter)[:MOST]
    if len(held) < ENOUGH:
        words = f"Only {len(held)} held-out questions: not enough to tell. Add examples from more documents."
        return _recorded(ws, adapter, [], {}, promoted=False, words=words)
    mode, against = BY_ADAPTER[adapter.kind], AGAINST[adapter.kind]
    assistant = ws.assistant(adapter.corpus_id)
    voice = ws.serving.voice_of(adapter)
    own, documents = (_with_manner(assistant, voice, how) for how in MANNERS[:2])
    runs: dict[str, tuple[Assistant, Mode]] = {"new": (own, mode), against: (assistant, against)}
    before = ws.adapters.promoted(adapter.corpus_id, adapter.kind)
    if before is not None and before.id != adapter.id:
        runs["promoted"] = (assistant, mode)
    gold = [answer for _, answer in held]
    said = {name: _answers(who, how, [question for question, _ in held], check) for name, (who, how) in runs.items()}
    texts = {name: [_text(answer) for answer in answers] for name, answers in said.items()}
    if adapter.kind == "grounded" and assistant.reading.quote_first:
        taken = _answers(documents, mode, [question for question, _ in held], check)
        manner, texts["new"] = best_manner(said["new"], taken, gold, voice.reading)
        adapter = _mannered(ws, adapter, manner)
    scores = {name: _points(token_f1, answers, gold) for name, answers in texts.items()}
    recalls = {name: _points(answer_recall, answers, gold) for name, answers in texts.items()}
    compared = [compare(scores["new"], scores[name], name) for name in runs if name != "new"]
    won = all(comparison.won for comparison in compared)
    words = f"{_words(compared, won)} {manner_words(ws.serving.reading(adapter))}".strip()
    means = {name: {"token_f1": _mean(scores[name]), "answer_recall": _mean(recalls[name])} for name in runs}
    return _recorded(ws, adapter, compared, means, promoted=won, words=words)


def _with_manner(assistant: Assistant, voice: Voice, manner: dict[str, Any]) -> Assistant:
    return assistant.with_voice(lambda _: replace(voice, reading=replace(voice.reading, **manner)))


def best_manner(
    own: Sequence[Answer], quoting: Sequence[Answer], gold: Sequence[str], reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """How much an adapter says itself: the manner with the best token F1 and answer recall together.

    Where yes, no or maybe is asked for, whether it is the right one counts as well: a quotation says neither.

    Args:
        own: what the adapter answers when it never gives way.
        quoting: what it answers to the same questions when it only takes from the documents.

    Returns:
        that manner, and the answers it leads to.
    """
    found: list[tuple[float, dict[str, Any], list[str]]] = []
    for manner in MANNERS:
        how = replace(reading, **manner)
        shown = [_shown(answer, quote, how) for answer, quote in zip(own, quoting, strict=True)]
        worth = sum(_mean(_points(metric, shown, gold)) for metric in (token_f1, answer_recall, _chosen))
        found.append((worth, manner, shown))
    _, manner, shown = max(found, key=lambda one: one[0])
    return manner, shown


def manner_words(reading: Reading) -> str:
    """How much of its answers an adapter says itself, for people; "" when all of it."""
    if reading.writes == "none":
        return "It answers in the documents' own words alone."
    if reading.writes == "lead":
        return "It says yes, no or maybe itself; what follows are the documents' own words."
    if reading.agrees:
        return "Where it is not sure, or the most relevant sentences do not have its words, they are quoted instead."
    return "Where it is not sure, the most relevant sentences are quoted instead." if reading.sure is not None else ""


def _shown(answer: Answer, quoting: Answer, reading: Reading) -> str:
    """As `Assistant.ask` decides it."""
    quotation = quoting.text[: quoting.quoted_until]
    if not quotation:
        return _text(answer)
    if reading.writes != "all":
        return (lead(answer.text, quotation) if reading.writes == "lead" else "") + quotation
    return _text(answer) if answer.refused or stands(answer.text, answer.sureness, quotation, reading) else quotation


def _text(answer: Answer) -> str:
    """What is scored, as in an evaluation: nothing of a refusal, which names words of the question."""
    return "" if answer.refused else answer.text


def _chosen(answer: str, gold: str) -> float:
    return choice_match(answer, gold) or 0.0


def _mannered(ws: "Workspace", adapter: AdapterRow, manner: dict[str, Any]) -> AdapterRow:
    """Write down how an adapter answers from now on."""
    reading = asdict(ws.serving.reading(adapter)) | manner
    now = ws.adapters.get(adapter.id).result  # names in it may have changed meanwhile
    ws.adapters.change(adapter.id, result=now | {"reading": reading})
    return ws.adapters.get(adapter.id)


def compare(new: Sequence[float], other: Sequence[float], name: str) -> Comparison:
    """Paired, question by question."""
    differences = [a - b for a, b in zip(new, other, strict=True)]
    low, high = bootstrap_interval(differences)
    return Comparison(name, len(differences), _mean(differences), low, high)


def overrule(ws: "Workspace", adapter_id: int, by: str = "") -> AdapterRow:
    """Promote an adapter whatever the gate said; it is recorded that somebody did.

    Raises:
        BadInput: it has not been trained to its end.
    """
    adapter = ws.adapters.get(adapter_id)
    if adapter.status in ("training", "failed"):
        raise BadInput("That adapter is not finished.", "Wait until it is, or train it again.")
    if not adapter.gate.get("passed"):
        ws.adapters.change(adapter_id, gate=adapter.gate | {"overruled": True, "overruled_by": by})
    ws.adapters.promote(adapter_id, "gate" if adapter.gate.get("passed") else "overruled")
    return ws.adapters.get(adapter_id)


def _answers(who: Assistant, mode: Mode, questions: Sequence[str], check: Callable[[], None]) -> list[Answer]:
    """Ask several at once: the engine writes them together."""

    def ask(question: str) -> Answer:
        check()
        return next(event for event in who.ask(question, mode) if isinstance(event, Answer))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, questions))


def _held_out(ws: "Workspace", adapter: AdapterRow) -> list[tuple[str, str]]:
    """(question, gold answer) of the frozen held-out part."""
    file = ws.serving.folder(adapter) / "examples.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [(row["question"], row["answer"]) for row in rows if row["part"] == "held-out"]


def _recorded(
    ws: "Workspace",
    adapter: AdapterRow,
    compared: Sequence[Comparison],
    means: dict[str, Any],
    *,
    promoted: bool,
    words: str,
) -> AdapterRow:
    record = {"passed": promoted, "words": words, "means": means, "comparisons": [asdict(one) for one in compared]}
    ws.adapters.change(adapter.id, gate=record, status="candidate")
    if promoted:
        ws.adapters.promote(adapter.id, "gate")
    return ws.adapters.get(adapter.id)


def _words(compared: Sequence[Comparison], won: bool) -> str:
    said = [
        f"{c.mean:+z.0f} points of F1 against {NAMES[c.other]} "
        f"(95 %: {c.low:.0f} to {c.high:.0f}, {c.questions} questions)"
        for c in compared
    ]
    return ("Promoted: " if won else "Kept as a candidate, no sure win: ") + "; ".join(said) + "."


def _points(metric: Callable[[str, str], float], answers: Sequence[str], gold: Sequence[str]) -> list[float]:
    return [100 * metric(answer, each) for answer, each in zip(answers, gold, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
