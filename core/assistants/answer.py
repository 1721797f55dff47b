"""What an answer is: text, what it stands on, and what it cost. Pure data, the CLI's JSON and the page's source."""

from dataclasses import dataclass
from typing import Literal

from core.errors import BadInput
from core.retrieval.passages import Passage

Mode = Literal["base", "rag", "finetuned", "hybrid"]
ADAPTED: tuple[Mode, ...] = ("finetuned", "hybrid")
"""Modes that answer by an adapter."""


def check_asked(question: str, mode: Mode) -> None:
    """Raises BadInput: nothing was asked, or in no mode."""
    if not question.strip():
        raise BadInput("The question is empty.", "Type a question.")
    if mode not in ("base", "rag", *ADAPTED):
        raise BadInput(f"There is no mode called {mode!r}.", "Choose base, rag, finetuned or hybrid.")


@dataclass(frozen=True, slots=True)
class Citation:
    """One sentence of the answer and the place that supports it.

    Attributes:
        sentence_start, sentence_end: offsets of the sentence in the answer's text.
        sentence: that slice.
        passage: rank of the supporting passage; None when nothing supports the sentence.
        document_id, document, page, page_label: where it points; None / "" without support.
        quote: the supporting words as they stand on the page; "" without support.
        quote_start, quote_end: offsets of the quote in the page's text; None without support.
        support: 0..1, how well the quote supports the sentence.
        edited: the quote is a person's words; quote_start and quote_end are what they stand for on the page.
    """

    sentence_start: int
    sentence_end: int
    sentence: str
    passage: int | None
    document_id: int | None
    document: str
    page: int | None
    page_label: str
    quote: str
    quote_start: int | None
    quote_end: int | None
    support: float
    edited: bool = False

    @property
    def supported(self) -> bool:
        """Whether a place was found that holds what the sentence says."""
        return self.passage is not None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds on the wall clock; `tokens` counts what the engine wrote, not quotations."""

    retrieve_s: float = 0.0
    first_token_s: float | None = None
    total_s: float = 0.0
    tokens: int = 0
    tokens_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How the prompt's budget was spent, in tokens of the base model.

    `fitted` passages of `retrieved` are in the prompt; the rest were cut. `window` is the most the
    base model may read and write together. `persona`, `evidence`, `conversation` and `question` add up to
    `prompt_tokens`; `room` is what the answer may have. `turns` earlier questions of `turns_before` are in it.
    `shown` is what of the passages is in it: relevant "sentences" or whole "passages"; "" in answers from before it
    was kept.
    `cut_to`: the tokens that an endpoint counted, where they are so few that it must have cut the prompt; else 0.
    """

    retrieved: int = 0
    fitted: int = 0
    prompt_tokens: int = 0
    window: int = 0
    persona: int = 0
    evidence: int = 0
    conversation: int = 0
    question: int = 0
    room: int = 0
    turns: int = 0
    turns_before: int = 0
    shown: str = ""
    cut_to: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: which check, and one sentence for people without its full stop."""

    check: str
    said: str


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a domain that were carried out on an answer, by name, and what they found."""

    carried: tuple[str, ...] = ()
    found: tuple[Finding, ...] = ()

    @property
    def failed(self) -> set[str]:
        """The checks that found something."""
        return {each.check for each in self.found}

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, each as a line to show."""
        return tuple(f"Check: {each.said}." for each in self.found)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished (or stopped) answer.

    Attributes:
        text: what is shown; when `refused`, the sentence that says the documents do not hold it.
        quoted_until: characters at the start of `text` that are quoted word for word from a passage.
        outcome: done, or stopped by a person.
        searched_for: what was looked for, when the question leant on the conversation; else "".
        sureness: the mean log-probability of what the engine wrote, shown or not; None where it does not tell.
        answerability: how probable it was that the documents hold the answer, 0..1; None where none were searched.
        checks: what the domain's checks say of it; none are carried out on a refusal.
    """

    text: str
    mode: Mode
    refused: bool
    passages: tuple[Passage, ...]
    citations: tuple[Citation, ...]
    timings: Timings
    context: ContextUse
    base_model: str
    quoted_until: int = 0
    outcome: Literal["done", "stopped"] = "done"
    searched_for: str = ""
    sureness: float | None = None
    answerability: float | None = None
    checks: Checks = Checks()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text, as it arrives."""

    text: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What would be made of a question, without an answer being written.

    Attributes:
        passages: what would be read.
        probability: how probable it is that they hold the answer, 0..1; below `threshold` the question is refused.
        quoted: ranks of the passages that would be quoted.
    """

    passages: tuple[Passage, ...]
    probability: float
    threshold: float
    quoted: tuple[int, ...]

    @property
    def refused(self) -> bool:
        """Whether it would be said that the documents do not hold the answer."""
        return self.probability < self.threshold
