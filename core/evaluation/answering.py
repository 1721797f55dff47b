"""One question asked in several modes for an evaluation: the same retrieval, the same path as in chat, timed fairly.

What retrieval and the scoring of its sentences cost is measured once a question, for the mode that reads most of it,
and counted in every mode that retrieves, whichever happened to ask first. Several questions are asked at once, so
seconds tell modes apart and are not what one person alone would wait.
"""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]

from core.assistants.answer import ADAPTED, Answer, Citation, Mode
from core.assistants.ask import Assistant
from core.assistants.reading import QUOTE
from core.errors import BadInput
from core.evaluation import fingerprints
from core.evaluation.questions import Gold
from core.evaluation.scoring import Scores, likelihood, score
from core.evaluation.summary import Outcome
from core.retrieval.passages import Passage
from storage.rows import EvaluationAnswerRow

if TYPE_CHECKING:
    from core.workspace import Workspace


class Asked:
    """Asks one corpus in all modes; safe to share between threads."""

    def __init__(self, ws: "Workspace", corpus_id: int, modes: Iterable[str], likelihood: bool = False) -> None:
        """Raises BadInput when one of the modes has no adapter."""
        self._modes = tuple(modes)
        self._likelihood = likelihood
        self._states = fingerprints.of_modes(ws, corpus_id, self._modes)
        self._assistant = ws.assistant(corpus_id).with_shared_search()
        # The control reads the very passages that retrieval reads.
        quoting = replace(QUOTE, passages=self._assistant.reading.passages)
        self._quoting = self._assistant.with_reading(quoting)
        read = {self._who(mode).voice(_how(mode)).reading.passages for mode in self._modes if mode != "base"}
        self._tops = sorted(read, reverse=True)
        self._prepared: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load all that answers, so that no mode's seconds hold the loading; may raise EngineFailed."""
        self._assistant.find("warm")
        for mode in self._modes:
            if mode != "quote":
                self._who(mode).voice(_how(mode)).engine().warm()

    def memory(self) -> dict[str, int]:
        """Bytes that the processes take which hold the models here, by mode; nothing for those elsewhere."""
        found = {}
        for mode in (mode for mode in self._modes if mode != "quote"):
            engine = self._who(mode).voice(_how(mode)).engine()
            if engine.ready and isinstance(pid := getattr(engine, "process", None), int):
                with suppress(psutil.Error):
                    found[mode] = int(psutil.Process(pid).memory_info().rss)
        return found

    def answer(self, gold: Gold, mode: str) -> EvaluationAnswerRow:
        """One answer with its scores; raises BadInput when the mode has lost its adapter, EngineFailed."""
        shared = 0.0 if mode == "base" else self._prepare(gold.question)
        events = self._who(mode).ask(gold.question, _how(mode))
        found = next(event for event in events if isinstance(event, Answer))
        row = stored(found, gold, mode, shared)
        scores = row.scores | (self._probable(gold, mode) if self._likelihood else {})
        return replace(row, fingerprint=self.fingerprint(gold, mode), scores=scores)

    def _probable(self, gold: Gold, mode: str) -> Scores:
        """How probable the gold answer was to whoever answered; nothing where that is not given."""
        if mode == "quote" or not gold.answerable:
            return {}
        who, how = self._who(mode), _how(mode)
        given = who.voice(how).engine().log_likelihood(who.prompted(gold.question, how), gold.answer)
        return likelihood(given) if given else {}

    def fingerprint(self, gold: Gold, mode: str) -> str:
        """What an answer depends on, as it was when this was made."""
        return fingerprints.of_answer(self._states[mode], gold, self._likelihood)

    def _who(self, mode: str) -> Assistant:
        return self._quoting if mode == "quote" else self._assistant

    def _prepare(self, question: str) -> float:
        """Retrieve and score the sentences once for all modes; returns the seconds of the largest retrieval."""
        with self._lock:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._prepared:
                began = time.perf_counter()
                for number, top in enumerate(self._tops):
                    self._assistant.find(question, top)
                    if number == 0:
                        self._prepared[question] = time.perf_counter() - began
            return self._prepared[question]


def _how(mode: str) -> Mode:
    return "rag" if mode == "quote" else mode  # type: ignore[return-value]


def missing(ws: "Workspace", corpus_id: int, modes: tuple[str, ...]) -> dict[str, str]:
    """The modes that cannot answer for a corpus now, and why."""
    found: dict[str, str] = {}
    for mode in (mode for mode in modes if mode in ADAPTED):
        try:
            ws.serving.voice(corpus_id, _how(mode))
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
        answerability=answer.answerability,
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


def _citation(each: Citation) -> dict[str, Any]:
    names = ("sentence_start", "sentence_end", "passage", "document_id", "document", "page", "quote_start", "quote_end")
    return {name: getattr(each, name) for name in names} | ({"edited": True} if each.edited else {})


def _passage(each: Passage) -> dict[str, Any]:
    names = ("rank", "document_id", "document", "page", "start", "end")
    return {name: getattr(each, name) for name in names} | ({"edited": True} if each.edited else {})
