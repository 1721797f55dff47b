"""One question asked in several modes for an evaluation: the same retrieval, the same path as in chat, timed fairly.

What retrieval and the scoring of its sentences cost is measured once a question and counted in every mode that
retrieves, whichever happened to ask first. Several questions are asked at once, so seconds tell modes apart and are
not what one person alone would wait.
"""

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.assistants.answer import Answer, Mode
from core.assistants.ask import Assistant
from core.assistants.reading import QUOTE
from core.errors import BadInput
from core.evaluation.questions import Gold
from core.evaluation.scoring import score
from core.evaluation.summary import Outcome
from storage.rows import EvaluationAnswerRow

if TYPE_CHECKING:
    from core.workspace import Workspace


class Asked:
    """Asks one corpus in all modes; safe to share between threads."""

    def __init__(self, ws: "Workspace", corpus_id: int) -> None:
        assistant = ws.assistant(corpus_id).with_shared_search()
        self._assistants: dict[str, Assistant] = {"quote": assistant.with_reading(QUOTE)}
        self._assistant = assistant
        self._prepared: dict[tuple[str, int], float] = {}
        self._locks: dict[tuple[str, int], threading.Lock] = {}
        self._lock = threading.Lock()

    def answer(self, gold: Gold, mode: str) -> EvaluationAnswerRow:
        """One answer with its scores; raises BadInput when the mode has lost its adapter, EngineFailed."""
        how: Mode = "rag" if mode == "quote" else mode  # type: ignore[assignment]
        who = self._assistants.get(mode, self._assistant)
        shared = 0.0 if mode == "base" else self._prepare(gold.question, who.voice(how).reading.passages)
        found = next(event for event in who.ask(gold.question, how) if isinstance(event, Answer))
        return stored(found, gold, mode, shared)

    def _prepare(self, question: str, top: int) -> float:
        """Retrieve and score the sentences for all modes that read `top` passages; returns its seconds."""
        key = (question, top)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._prepared:
                began = time.perf_counter()
                self._assistant.find(question, top)
                self._prepared[key] = time.perf_counter() - began
            return self._prepared[key]


def missing(ws: "Workspace", corpus_id: int, modes: tuple[str, ...]) -> dict[str, str]:
    """The modes that cannot answer for a corpus now, and why."""
    found: dict[str, str] = {}
    assistant = ws.assistant(corpus_id)
    for mode in modes:
        try:
            assistant.voice("rag" if mode == "quote" else mode)  # type: ignore[arg-type]
        except BadInput as reason:
            found[mode] = str(reason)
    return found


def stored(answer: Answer, gold: Gold, mode: str, shared_s: float) -> EvaluationAnswerRow:
    """An answer as a row: places, not words."""
    return EvaluationAnswerRow(
        question_id=gold.id,
        mode=mode,
        text=answer.text,
        refused=answer.refused,
        base_model="" if mode == "quote" else answer.base_model,
        citations=[_citation(each) for each in answer.citations],
        passages=[_passage(each) for each in answer.passages],
        timings=_timings(answer, shared_s),
        scores=dict(score(answer, gold)),
    )


def outcome(row: EvaluationAnswerRow) -> Outcome:
    """What a stored answer counts as."""
    return Outcome(row.question_id, row.mode, row.scores, float(row.timings.get("total_s") or 0.0))


def _timings(answer: Answer, shared_s: float) -> dict[str, Any]:
    found = asdict(answer.timings)
    first = found["first_token_s"]
    found["first_token_s"] = None if first is None else first + shared_s
    found["total_s"] += shared_s
    found["retrieve_s"] = max(found["retrieve_s"], shared_s)
    return found


def _citation(each: Any) -> dict[str, Any]:
    names = ("sentence_start", "sentence_end", "passage", "document_id", "document", "page", "quote_start", "quote_end")
    return {name: getattr(each, name) for name in names}


def _passage(each: Any) -> dict[str, Any]:
    return {name: getattr(each, name) for name in ("rank", "document_id", "document", "page", "start", "end")}
