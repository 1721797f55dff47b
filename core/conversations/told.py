"""A conversation made ready to be written down: the path that is shown, with numbered sources under each answer.

What a document deleted since said is gone here too. Knows no file format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from storage.rows import CitationRow, MessageRow, PassageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

CLOSEST = 3
"""Passages that are shown under a refusal."""
GONE = "a document that was deleted since"
UNDONE = "edited when it was cited, undone since"
Key = tuple[int | None, int | None, bool]
"""What is one source: a document, one of its pages, and whether a person's words were quoted in place of the page's."""


@dataclass(frozen=True, slots=True)
class Source:
    """A cited page: its number in the answer, name and page as people say them, and the words quoted from it.

    `edited`: the words quoted were a person's and not the page's.
    """

    number: int
    document: str
    page: str
    quotes: tuple[str, ...]
    edited: bool = False

    @property
    def place(self) -> str:
        """The source on one line, without its number."""
        place = f"{self.document}, {self.page}" if self.page else self.document
        if not self.edited or not self.page:
            return place
        return f"{place} ({'edited' if self.quotes else UNDONE})"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of an answer; `source` None with `claims` set is a sentence that nothing supports."""

    text: str
    source: int | None = None
    claims: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer; `message` is None while nobody answered.

    `closest`: under a refusal the passages that came closest, best first, numbered by that.
    """

    question: str
    message: MessageRow | None
    sentences: tuple[Sentence, ...] = ()
    sources: tuple[Source, ...] = ()
    closest: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A whole conversation, as it was shown at `written`."""

    id: int
    title: str
    corpus: str
    domain: str
    disclaimer: str
    began: datetime
    written: datetime
    exchanges: tuple[Exchange, ...]

    @property
    def where_and_when(self) -> str:
        """The line below the title."""
        when = f"begun {self.began:%Y-%m-%d}, written down {self.written:%Y-%m-%d %H:%M} UTC"
        return f"{self.corpus} ({self.domain}), {when}"


def told(ws: "Workspace", conversation_id: int, written: datetime) -> Told:
    """Read a conversation; raises storage's NotFound."""
    conversation = ws.conversations.get(conversation_id)
    corpus = ws.corpora.get(conversation.corpus_id)
    about = ws.domains.get(corpus.domain)
    messages = ws.conversations.path(conversation_id)
    answers = {message.parent_id: message for message in messages if message.role == "assistant"}
    return Told(
        id=conversation.id,
        title=conversation.title or "Conversation",
        corpus=corpus.name,
        domain=about.title,
        disclaimer=about.disclaimer,
        began=conversation.created_at,
        written=written,
        exchanges=tuple(_exchange(ws, each, answers.get(each.id)) for each in messages if each.role == "user"),
    )


def _exchange(ws: "Workspace", question: MessageRow, answer: MessageRow | None) -> Exchange:
    if answer is None:
        return Exchange(question.text, None)
    citations = ws.conversations.citations(answer.id)
    sources = numbered(citations)
    near = closest(ws.conversations.passages(answer.id)) if answer.refused else []
    return Exchange(question.text, answer, tuple(sentences(answer, citations)), tuple(sources), tuple(near))


def closest(passages: Sequence[PassageRow]) -> list[Source]:
    """The first few passages whose documents are still there, with their words."""
    return [
        Source(row.rank, row.document, row.page_label or f"page {row.page}", (" ".join(row.text.split()),), row.edited)
        for row in [row for row in passages if row.document][:CLOSEST]
    ]


def numbered(citations: Sequence[CitationRow]) -> list[Source]:
    """The cited pages in the order in which the answer first names them, each with every quote from it.

    The words of a page and what a person had put in the place of some are two sources, as they are on the page.
    """
    pages: dict[Key, list[CitationRow]] = {}
    for cited in citations:
        if cited.passage_rank is not None:
            pages.setdefault(_key(cited), []).append(cited)
    return [
        Source(
            number,
            rows[0].document or GONE,
            (rows[0].page_label or f"page {rows[0].page}") if rows[0].document else "",
            tuple(dict.fromkeys(" ".join(row.quote.split()) for row in rows if row.quote)),
            rows[0].edited,
        )
        for number, rows in enumerate(pages.values(), 1)
    ]


def sentences(answer: MessageRow, citations: Sequence[CitationRow]) -> list[Sentence]:
    """The answer's text cut at its sentences; put together again it is the text."""
    numbers: dict[Key, int] = {}
    found: list[Sentence] = []
    at = 0
    for cited in citations:
        if cited.sentence_start < at:
            continue
        if cited.sentence_start > at:
            found.append(Sentence(answer.text[at : cited.sentence_start]))
        supported = cited.passage_rank is not None
        number = numbers.setdefault(_key(cited), len(numbers) + 1) if supported else None
        claims = not supported and not answer.refused and cited.sentence_start >= answer.quoted_until
        found.append(Sentence(answer.text[cited.sentence_start : cited.sentence_end], number, claims))
        at = cited.sentence_end
    return [*found, Sentence(answer.text[at:])] if at < len(answer.text) else found


def _key(cited: CitationRow) -> Key:
    return cited.document_id, cited.page, cited.edited
