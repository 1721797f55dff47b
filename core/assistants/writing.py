"""What the base model adds in its own words, streamed, and kept only as far as the reading says.

Builds the prompt from what was found, lets the engine write, and (for small base models) lets through only
sentences that the passages support and that neither the quotation nor an earlier one says already.
Knows nothing of rows.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from core.assistants.answer import ContextUse
from core.assistants.citing import Quoted, cite
from core.assistants.followup import Turn, asked_before
from core.assistants.kinds import misses
from core.assistants.quotation import Quotation, choose
from core.assistants.quoting import Embeds, Scored
from core.assistants.reading import Reading
from core.assistants.sentences import split
from core.assistants.words import repeats
from core.domains import Domain
from core.errors import EngineFailed
from core.generation.deltas import ONLY_THOUGHT
from core.generation.prompt import NOT_THERE, NOT_THERE_IN_WORDS, RULES, Count, Evidence, Prompt, build
from core.retrieval.passages import Passage

if TYPE_CHECKING:
    from core.generation.engine import Engine

WIDE = 16_384
"""Tokens of a window from which the whole conversation is shown, as far as it fits."""
REMEMBERED = 6
"""Messages that are shown in a smaller one, where every token read is waited for."""
BRIEF = "Answer in one short sentence."
LEARNED = {True: "Answer from the documents.", False: "Answer from what you have learned."}
"""All that an adapter is told, with evidence and without: who answers and how is in its weights."""


class Writer:
    """Writes one answer's own words.

    Attributes:
        lead: what stands before the quotation, with the gap; whoever composes sets it.
        quoted: the words of the documents; whoever quotes sets it.
        text: what was let through, with the gap to the quotation before it.
        tokens, seconds: what the engine wrote, and how long it took, sentences that were dropped included.
        sureness: the mean log-probability of those tokens; None where the engine does not tell it.
        context: what of the evidence fitted into the prompt.
    """

    def __init__(self, domain: Domain, reading: Reading, embedder: Embeds, stop: threading.Event) -> None:
        self.lead = ""
        self.text = ""
        self.quoted = Quotation("", ())
        self.tokens = 0
        self.seconds = 0.0
        self.sureness: float | None = None
        self.context = ContextUse()
        self._domain = domain
        self._reading = reading
        self._embedder = embedder
        self._stop = stop

    @property
    def whole(self) -> str:
        """The answer as it is shown."""
        return self.lead + self.quoted.text + self.text

    @property
    def quoted_until(self) -> int:
        """Characters at its start that are quoted; none where something stands before the quotation."""
        return 0 if self.lead else len(self.quoted.text)

    @property
    def pieces(self) -> tuple[Quoted, ...]:
        """Where in the whole the quoted stretches stand."""
        by = len(self.lead)
        return tuple(replace(piece, start=piece.start + by, end=piece.end + by) for piece in self.quoted.pieces)

    @property
    def tokens_per_s(self) -> float | None:
        """How fast the engine wrote; None when it wrote nothing."""
        return self.tokens / self.seconds if self.tokens and self.seconds > 0 else None

    def write(
        self,
        engine: "Engine",
        question: str,
        passages: Sequence[Passage],
        scored: Scored | None,
        history: Sequence[Turn],
    ) -> Iterator[str]:
        """The pieces of text that are let through, as they arrive."""
        prompt = self.prompt(engine, question, passages, scored, history)
        self.context = ContextUse(
            fitted=_passages_fitted(prompt.fitted, self._reading, passages, scored),
            prompt_tokens=prompt.tokens,
            window=engine.window,
            persona=prompt.persona,
            evidence=prompt.evidence,
            conversation=prompt.conversation,
            question=prompt.question,
            room=self._reading.max_new_tokens,
            turns=prompt.turns,
            turns_before=asked_before(history),
            shown=self._reading.shown,
        )
        pieces = self._generate(engine, prompt.messages)
        if passages and self._reading.own_words == "supported":
            pieces = self._supported(pieces, question, passages)
        for piece in pieces:
            joined = piece if self.text or not self.quoted.text else f"\n\n{piece.lstrip()}"
            self.text += joined
            yield joined

    def prompt(
        self,
        engine: "Engine",
        question: str,
        passages: Sequence[Passage],
        scored: Scored | None,
        history: Sequence[Turn],
    ) -> Prompt:
        """What the engine is asked; raises BadInput when it does not fit its window."""
        latest = history if engine.window >= WIDE else history[-REMEMBERED:]
        turns = [_message(turn) for turn in latest] if self._reading.shown == "passages" or not passages else []
        return prompt_of(
            self._domain,
            self._reading,
            question,
            evidence(passages, scored, self._reading),
            turns,
            engine.window - self._reading.max_new_tokens,
            engine.count_tokens,
        )

    def _generate(self, engine: "Engine", messages: list[BaseMessage]) -> Iterator[str]:
        began = time.perf_counter()
        for chunk in engine.stream(messages, stopping=self._stop, max_tokens=self._reading.max_new_tokens):
            usage = getattr(chunk, "usage_metadata", None)
            self.tokens = usage["output_tokens"] if usage else self.tokens
            self.sureness = chunk.response_metadata.get("mean_logprob", self.sureness)
            if cut_to := chunk.response_metadata.get("prompt_cut_to"):
                self.context = replace(self.context, cut_to=cut_to)
            self.seconds = time.perf_counter() - began
            if text := str(chunk.text):
                yield text
            if chunk.response_metadata.get("only_thought") and not self.quoted.text:
                raise EngineFailed(*ONLY_THOUGHT)

    def _supported(self, pieces: Iterator[str], question: str, passages: Sequence[Passage]) -> Iterator[str]:
        """Whole sentences only: those that a passage supports, that are of the kind asked for and repeat nothing."""
        written, passed = "", 0
        for piece in pieces:
            written += piece
            done = split(written)[:-1]
            yield from self._let_through([s.text for s in done[passed:]], question, passages)
            passed = max(passed, len(done))
        if not self._stop.is_set():
            yield from self._let_through(
                [s.text for s in split(written)[passed:] if _ended(s.text)], question, passages
            )

    def _let_through(self, sentences: list[str], question: str, passages: Sequence[Passage]) -> Iterator[str]:
        for sentence in sentences:
            if misses(question, sentence):
                continue
            if not repeats(sentence, f"{self.quoted.text}\n{self.text}") and _holds(sentence, passages, self._embedder):
                yield sentence if not self.text else f" {sentence}"


def prompt_of(
    domain: Domain,
    reading: Reading,
    question: str,
    shown: Sequence[Evidence],
    history: Sequence[BaseMessage],
    budget_tokens: int,
    count_tokens: Count,
) -> Prompt:
    """The prompt of every mode, and so of every lesson an adapter learns from; raises BadInput as `build` does."""
    if not reading.briefed:
        told = LEARNED[bool(shown)]
        return build(told, question, shown, history, budget_tokens, count_tokens, style=reading.shown, rules="")
    persona = domain.persona + (f" {BRIEF}" if reading.quote_first and shown else "")
    missing = NOT_THERE if reading.quote_first else NOT_THERE_IN_WORDS.format(sentence=domain.refusal.sentence)
    rules = f"{RULES} {missing}"
    return build(persona, question, shown, history, budget_tokens, count_tokens, style=reading.shown, rules=rules)


def evidence(passages: Sequence[Passage], scored: Scored | None, reading: Reading) -> list[Evidence]:
    """What the prompt shows: the relevant sentences as they would be quoted, or the passages; best first."""
    if reading.shown == "sentences" and scored is not None:
        return [
            Evidence(c.sentence.readable, c.passage.document, c.passage.page_label or str(c.passage.page))
            for c in choose(scored.candidates, reading)
        ]
    return [Evidence(_readable(p), p.document, p.page_label or str(p.page)) for p in passages]


def _readable(passage: Passage) -> str:
    above = (passage.heading, passage.header)
    return "\n".join([*(line for line in above if line and line not in passage.text), passage.text])


def _passages_fitted(pieces: int, reading: Reading, passages: Sequence[Passage], scored: Scored | None) -> int:
    """How many passages are in the prompt, wholly or by a sentence: the rank of the last one shown."""
    if reading.shown == "passages" or scored is None:
        return pieces
    ranks = [candidate.passage.rank for candidate in choose(scored.candidates, reading)[:pieces]]
    return len(set(ranks)) if passages else 0


def _holds(sentence: str, passages: Sequence[Passage], embedder: Embeds) -> bool:
    return all(citation.supported for citation in cite(sentence, passages, embedder))


def _ended(sentence: str) -> bool:
    return sentence.rstrip("\"'”’)")[-1:] in (".", "!", "?")


def _message(turn: Turn) -> BaseMessage:
    return HumanMessage(turn.text) if turn.role == "user" else AIMessage(turn.text)
