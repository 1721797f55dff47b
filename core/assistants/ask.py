"""The one answering path: retrieve, refuse or quote, let the base model write, cite, answer.

Modes are two switches: whether passages are retrieved, and whether an adapter is on. What is streamed is
what is stored: the text of an `Answer` is the text of all its deltas. Knows nothing of pages, rows
of conversations or job queues.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from core.assistants.amending import changing
from core.assistants.answer import ADAPTED, Answer, ContextUse, Delta, Mode, Timings, Trial, check_asked
from core.assistants.answerability import answerable
from core.assistants.checking import checked
from core.assistants.citing import cite
from core.assistants.extracting import MOST, Extractor
from core.assistants.followup import Turn, asked_before, standalone
from core.assistants.lists import quoted, with_amendments
from core.assistants.quotation import Quotation
from core.assistants.quoting import Embeds, Scored, relevant
from core.assistants.reading import SMALL, WIDEST, Reading, lead, reading_for, stands
from core.assistants.refusing import beside, is_all, searched
from core.assistants.remembered import remembering
from core.assistants.searching import Searches, Shared
from core.assistants.strictness import strict
from core.assistants.synonyms import Idf, Synonyms, rarities
from core.assistants.writing import Writer
from core.domains import Domain
from core.errors import BadInput, NotFound
from core.retrieval.passages import Passage
from core.retrieval.terms import Same
from storage.errors import NotFound as RowNotFound
from storage.rows import AssistantRow

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from core.assistants.runnable import AnswerRunnable
    from core.generation.engine import Engine
    from core.workspace import Workspace

NOTHING = Quotation("", ())
LONGEST_AIM = 1000  # characters that are searched for


@dataclass(frozen=True, slots=True)
class Found:
    """What was retrieved for a question and made of it."""

    passages: tuple[Passage, ...] = ()
    scored: Scored | None = None
    probability: float = 1.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Who writes in a mode.

    Attributes:
        engine: made when it is called.
        reading: how it is shown evidence, and what of its words counts.
        name: as people see it.
        extractor: what it learned to take from the documents; None where the packaged quotation serves.
    """

    engine: Callable[[], "Engine"]
    reading: Reading
    name: str
    extractor: Extractor | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """One question as it is answered: as it was typed, as it stands alone, and by whom."""

    question: str
    alone: str
    mode: Mode
    history: Sequence[Turn]
    voice: Voice
    stop: threading.Event


class Assistant:
    """Who answers questions on one corpus; safe to share between threads."""

    def __init__(
        self,
        corpus_id: int,
        domain: Domain,
        retriever: Searches,
        embedder: Embeds,
        idf: Idf,
        engine: Callable[[], "Engine"],
        documents: Callable[[], int],
        base_model: str,
        reading: Reading | None = None,
        adapted: Callable[[Mode], Voice] | None = None,
        also: Sequence[int] = (),
        same: Callable[[str], Sequence[Same]] = lambda _: (),
    ) -> None:
        """`idf` gives the rarity of words in the corpus; `engine` is called when there is something to write.

        `adapted` gives the voice of a mode that answers by an adapter; it raises BadInput without one. `also`
        are corpora that are searched together with this one: the files of one conversation. `same` says what
        means the same in the corpus as words of a question.
        """
        self.corpus_id = corpus_id
        self.domain = domain
        self.base_model = base_model
        self.reading = reading or reading_for(base_model)
        self._retriever = retriever
        self._embedder = embedder
        self._idf = idf
        self._engine = engine
        self._documents = documents
        self._adapted = adapted or _no_adapter
        self._also = tuple(also)
        self._same = same
        self._shared: Shared[Found] | None = None

    @classmethod
    def of(
        cls,
        workspace: "Workspace",
        corpus_id: int,
        reading: Reading | None = None,
        also: Sequence[int] = (),
        answered: AssistantRow | None = None,
    ) -> "Assistant":
        """The assistant of a corpus, `answered` in another way than was chosen for it if given; raises NotFound."""
        try:
            corpus = workspace.corpora.get(corpus_id)
        except RowNotFound as error:
            raise NotFound("That corpus does not exist any more.", "Choose another one.") from error
        chosen = answered or workspace.assistants.of(corpus_id)
        name = workspace.engines.name(chosen.base_model_id)
        return cls(
            corpus_id,
            strict(workspace.domains.get(corpus.domain), chosen),
            workspace.retriever,
            remembering(workspace.embedder),
            lambda words: workspace.lexical.idf(corpus_id, words),
            lambda: workspace.engines.of(chosen.base_model_id),
            lambda: sum(workspace.corpora.statistics(each).ready for each in (corpus_id, *also)),
            name,
            reading or reading_for(name, chosen.reading),
            lambda mode: workspace.serving.voice(corpus_id, mode),
            also,
            partial(workspace.retriever.same, corpus_id),
        )

    def ask(
        self, question: str, mode: Mode = "rag", history: Sequence[Turn] = (), stop: threading.Event | None = None
    ) -> Iterator[Delta | Answer]:
        """Answer a question: deltas as they arrive, at the end the whole answer.

        Args:
            question: in a person's words.
            mode: "rag" retrieves, "base" asks the base model alone, "finetuned" asks the closed-book adapter, and
                "hybrid" retrieves for the grounded adapter.
            history: earlier questions and answers, oldest first.
            stop: when set, what has arrived becomes the answer.

        Raises:
            BadInput: the question is empty, or the mode needs an adapter that the corpus does not have.
            EngineFailed: the engine could not start or stopped working.
        """
        check_asked(question, mode)
        began, stop = time.perf_counter(), stop or threading.Event()
        voice = self.voice(mode)
        alone = question if mode == "base" else standalone(question, history)
        searched_for = alone if alone != question else ""
        found = Found() if mode == "base" else self.find(alone, voice.reading.passages)
        if mode != "base" and found.probability < self.domain.refusal.threshold:
            yield from self._refuse(alone, searched_for, found, mode, voice, began)
            return
        writer = Writer(self.domain, voice.reading, self._embedder, stop)
        first = None
        for piece in self._said(Asking(question, alone, mode, history, voice, stop), found, writer):
            first = first if first is not None else time.perf_counter() - began
            yield Delta(piece)
        text = writer.whole
        passages = self._checked_against(alone, text, voice) if mode == "finetuned" else found.passages
        refused = self._refused(text, mode)
        citations = () if refused else tuple(cite(text, passages, self._embedder, writer.pieces))
        if refused and mode != "finetuned" and not stop.is_set():  # which searches afterwards, for its own words
            looked = beside(text, self._looked(alone, found))
            text += looked
            yield Delta(looked)
        timings = Timings(found.seconds, first, time.perf_counter() - began, writer.tokens, writer.tokens_per_s)
        answer = Answer(
            text=text,
            mode=mode,
            refused=refused,
            passages=passages,
            citations=citations,
            timings=timings,
            context=replace(writer.context, retrieved=len(passages), turns_before=asked_before(history)),
            base_model=voice.name,
            quoted_until=writer.quoted_until,
            outcome="stopped" if stop.is_set() else "done",
            searched_for=searched_for,
            sureness=writer.sureness,
            answerability=None if mode == "base" else found.probability,
        )
        yield checked(answer, self.domain.checks, f"{question}\n{alone}")

    def _said(self, asking: Asking, found: Found, writer: Writer) -> Iterator[str]:
        """The answer's pieces as they come; the writer knows afterwards which of them are a quotation."""
        mode, reading = asking.mode, asking.voice.reading
        if mode == "rag" and reading.quote_first:
            writer.quoted = self._quote(found, reading)
        if writer.quoted.text:
            yield writer.quoted.text
        if mode == "rag" and (reading.own_words == "none" or writer.quoted.whole):
            return
        shown = found if mode in ("rag", "hybrid") else Found()
        # Where the conversation is not in the prompt, the question has to stand alone there too.
        alone = mode in ADAPTED or (mode == "rag" and reading.shown == "sentences")
        question = asking.alone if alone else asking.question
        before = () if mode in ADAPTED else asking.history

        def own() -> Iterator[str]:
            return writer.write(asking.voice.engine(), question, shown.passages, shown.scored, before)

        yield from self._together(own, writer, found, asking) if mode == "hybrid" else own()

    def trial(self, question: str) -> Trial:
        """What would be made of a question in retrieval mode, without writing anything."""
        found = self.find(question)
        threshold = self.domain.refusal.threshold
        pieces = self._quote(found, self.reading).pieces if found.probability >= threshold else ()
        quoted = tuple(dict.fromkeys(piece.passage.rank for piece in pieces))
        return Trial(found.passages, found.probability, threshold, quoted)

    def prompted(self, question: str, mode: Mode) -> "list[BaseMessage]":
        """The messages that the base model of a mode would answer; raises as `ask` does."""
        voice = self.voice(mode)
        found = Found() if mode in ("base", "finetuned") else self.find(question, voice.reading.passages)
        writer = Writer(self.domain, voice.reading, self._embedder, threading.Event())
        return writer.prompt(voice.engine(), question, found.passages, found.scored, ()).messages

    def as_runnable(self) -> "AnswerRunnable":
        """This assistant as a LangChain Runnable: a question in, an `Answer` out, deltas when streamed."""
        from core.assistants.runnable import AnswerRunnable

        return AnswerRunnable(self)

    def with_voice(self, adapted: Callable[[Mode], Voice]) -> "Assistant":
        """The same assistant answering by another adapter: a candidate, or an older version."""
        other = copy(self)
        other._adapted = adapted
        return other

    def with_reading(self, reading: Reading) -> "Assistant":
        """The same assistant putting answers together in another way."""
        other = copy(self)
        other.reading = reading
        return other

    def with_shared_search(self, shared: Shared[Found] | None = None) -> "Assistant":
        """The same assistant searching for each question once, whichever mode, or whoever shares it, asks first."""
        other = copy(self)
        other._shared = shared or Shared(WIDEST)
        return other

    def with_search(self, wrapped: Callable[[Searches], Searches]) -> "Assistant":
        """The same assistant searching through something of the caller's."""
        other = copy(self)
        other._retriever, other._shared = wrapped(self._retriever), None
        return other

    def voice(self, mode: Mode) -> Voice:
        """Who writes in a mode; raises BadInput when the mode needs an adapter that the corpus does not have."""
        if mode in ADAPTED:
            return self._adapted(mode)
        return Voice(self._engine, self.reading, self.base_model)

    def find(self, question: str, top: int | None = None) -> Found:
        """Retrieve `top` passages, score every sentence, and judge whether the answer is there."""
        count, shared, key = top or self.reading.passages, self._shared, (self.corpus_id, question, self._also)
        if shared is None:
            return self._complete(question, *self._timed(question, count))
        return shared.found.get(
            (*key, count),
            lambda: self._complete(question, *shared.first(key, count, lambda most: self._timed(question, most))),
        )

    def _complete(self, question: str, passages: tuple[Passage, ...], seconds: float) -> Found:
        """What was found, with one passage more where that changes the clause which answers best."""
        found = self.judged(question, passages, seconds)
        change = changing(found.scored, passages, partial(self._search, top=self.reading.passages))
        if change is None:
            return found
        return replace(self.judged(question, (*passages, change), seconds), probability=found.probability)

    def _timed(self, question: str, top: int) -> tuple[tuple[Passage, ...], float]:
        began = time.perf_counter()
        passages = self._search(question, top)
        return passages, time.perf_counter() - began

    def _search(self, question: str, top: int) -> tuple[Passage, ...]:
        return tuple(self._retriever.search(self.corpus_id, question, top, self._also))

    def judged(self, question: str, passages: tuple[Passage, ...], seconds: float = 0.0) -> Found:
        """The same of passages that are given; `seconds` is what finding them took."""
        same = self._same(question)
        asked, rarest = rarities(question, self._idf, same)
        scored = relevant(question, passages, self._embedder, asked, Synonyms.of(question, same))
        return Found(passages, scored, answerable(question, passages, scored, asked, rarest), seconds)

    def _together(
        self, own: Callable[[], Iterator[str]], writer: Writer, found: Found, asking: Asking
    ) -> Iterator[str]:
        """What an adapter and the documents say together, by what the gate found to serve best."""
        reading = asking.voice.reading
        documents = self._documents_say(found, asking)
        alone = reading.writes == "all" and reading.sure is None and not reading.agrees
        if not documents.text or (alone and not documents.amended):
            yield from own()
            return
        pieces = list(own()) if reading.writes != "none" and not documents.amended else []
        kept = asking.stop.is_set() or self._declines(writer.text)
        kept = kept or stands(writer.text, writer.sureness, documents.text, reading)
        if reading.writes == "all" and kept and not documents.amended:
            yield from pieces
            return
        writer.lead = lead(writer.text, documents.text) if reading.writes == "lead" else ""
        writer.text, writer.quoted = "", documents
        yield writer.whole

    def _documents_say(self, found: Found, asking: Asking) -> Quotation:
        """What is quoted where an adapter gives way: as it learned to, or else as retrieval mode would."""
        extractor = asking.voice.extractor
        if extractor is None or found.scored is None:
            return self._quote(found, self.reading if self.reading.quote_first else SMALL)
        return with_amendments(extractor.choose(asking.alone, found.scored), found.scored, MOST)

    def _quote(self, found: Found, reading: Reading) -> Quotation:
        return quoted(found.scored, reading) if found.scored else NOTHING

    def _checked_against(self, question: str, text: str, voice: Voice) -> tuple[Passage, ...]:
        """The passages nearest to an answer that was written from memory: what its sentences are checked against."""
        aim = f"{question} {text}"[:LONGEST_AIM]
        return self._search(aim, voice.reading.passages)

    def _declines(self, text: str) -> bool:
        """Whether an adapter wrote what it learned to say when the documents do not hold the answer."""
        return text.strip().startswith(self.domain.refusal.sentence)

    def _refused(self, text: str, mode: Mode) -> bool:
        """Whether an answer says that the documents do not hold it: as an adapter learned to, or as the prompt asks."""
        if mode in ADAPTED:
            return self._declines(text)
        return mode == "rag" and is_all(self.domain.refusal.sentence, text)

    def _looked(self, asked: str, found: Found) -> str:
        """Where an answer was looked for, and by which words."""
        rarity, highest = rarities(asked, self._idf)
        nowhere = {stem for stem, rare in rarity.items() if rare >= highest}
        return searched(asked, found.passages, self._documents(), nowhere)

    def _refuse(
        self, asked: str, searched_for: str, found: Found, mode: Mode, voice: Voice, began: float
    ) -> Iterator[Delta | Answer]:
        """Say that the documents do not hold it, where it was looked for and by which words."""
        text = f"{self.domain.refusal.sentence} {self._looked(asked, found)}"
        first = time.perf_counter() - began
        yield Delta(text)
        yield Answer(
            text=text,
            mode=mode,
            refused=True,
            passages=found.passages,
            citations=(),
            timings=Timings(found.seconds, first, time.perf_counter() - began),
            context=ContextUse(retrieved=len(found.passages)),
            base_model=voice.name,
            searched_for=searched_for,
            answerability=found.probability,
        )


def _no_adapter(mode: Mode) -> Voice:
    raise BadInput("This corpus has no adapter yet.", "Train one on the Fine-tune page, or ask in retrieval mode.")
