"""An answer on the page: its sentences, the citations one can press, and the list of sources.

Cuts the text into parts that the browser component shows as plain text; knows nothing of conversations
and never touches Markdown or HTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import streamlit as st

from dashboard.components.browser_files import script, sheet
from storage.rows import CitationRow

UNSUPPORTED = "from the model, no source"
QUOTED = "Quoted from the document"
ONLY_HERE = "only in this answer"

_component = st.components.v2.component(
    "triptych_answer",
    html='<div id="answer" role="article"></div>',
    css=sheet("table_text", "answer"),
    js=script("table_text", "answer"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the answer.

    Attributes:
        kind: plain (white space, headings, text still streaming), supported or unsupported.
        quoted: part of the word-for-word quotation the answer opens with.
        number, where, citation: the source's number, its name and page, and which citation to open.
        marks: stretches of `text` that are marked as said by no other answer.
    """

    text: str
    kind: Literal["plain", "supported", "unsupported"]
    quoted: bool = False
    number: int | None = None
    where: str = ""
    citation: int = -1
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One cited page, numbered in the order of the answer; `citation` is the first that points there."""

    number: int
    where: str
    citation: int


def show(
    text: str,
    citations: Sequence[CitationRow],
    *,
    key: str,
    quoted_until: int = 0,
    refused: bool = False,
    streaming: bool = False,
    focus: bool = False,
    marks: Sequence[tuple[int, int]] = (),
    on_cited: Callable[[str], None],
) -> None:
    """Show an answer; `on_cited(key)` is called when a citation is pressed (see `pressed`).

    `focus`: a link leads here, so it is brought into view once. `marks`: stretches of the text that only this answer of
    several has.
    """
    numbered = sources(citations)
    shown = with_marks(parts(text, citations, numbered, quoted_until, refused), marks)
    _component(
        key=key,
        data={
            "parts": [asdict(part) for part in shown],
            "sources": [asdict(source) for source in numbered],
            "refused": refused,
            "streaming": streaming,
            "focus": focus,
            "words": {"unsupported": UNSUPPORTED, "quoted": QUOTED, "onlyHere": ONLY_HERE},
        },
        on_cited_change=lambda: on_cited(key),
    )


def pressed(key: str) -> int | None:
    """Which citation was pressed just now, as an index into the citations shown."""
    index = getattr(st.session_state.get(key), "cited", None)
    return int(index) if isinstance(index, int | float) else None


def sources(citations: Sequence[CitationRow]) -> list[Source]:
    """The cited pages in the order in which the answer first names them."""
    found: dict[tuple[int | None, int | None, bool], Source] = {}
    for index, citation in enumerate(citations):
        place = (citation.document_id, citation.page, citation.edited)
        if supported(citation) and place not in found:
            found[place] = Source(len(found) + 1, where(citation), index)
    return list(found.values())


def supported(citation: CitationRow) -> bool:
    """Whether a place was found that holds what the sentence says."""
    return citation.passage_rank is not None


def where(citation: CitationRow) -> str:
    """What a source is called: its name and page, as people say it."""
    if not citation.document:
        return "a document that was deleted since"
    place = f"{citation.document}, {citation.page_label or f'page {citation.page}'}"
    return f"{place} (edited by you)" if citation.edited else place


def parts(
    text: str, citations: Sequence[CitationRow], numbered: Sequence[Source], quoted_until: int, refused: bool
) -> list[Part]:
    """Cut the answer at its sentences; what lies between them is plain."""
    numbers = {source.where: source.number for source in numbered}
    cut: list[Part] = []
    at = 0
    for index, citation in enumerate(citations):
        if citation.sentence_start < at:
            continue
        cut += _plain(text, at, citation.sentence_start, quoted_until)
        cut.append(_sentence(text, index, citation, numbers, quoted_until, refused))
        at = citation.sentence_end
    return cut + _plain(text, at, len(text), quoted_until)


def with_marks(cut: Sequence[Part], marks: Sequence[tuple[int, int]]) -> list[Part]:
    """The same parts, each with those stretches of the whole text that lie in it."""
    found, at = [], 0
    for part in cut:
        end = at + len(part.text)
        own = tuple((max(a, at) - at, min(b, end) - at) for a, b in marks if a < end and b > at)
        found.append(replace(part, marks=own) if own else part)
        at = end
    return found


def _plain(text: str, start: int, end: int, quoted_until: int) -> list[Part]:
    """Text without a citation, cut where the quotation ends."""
    middle = min(max(quoted_until, start), end)
    stretches = [(start, middle, True), (middle, end, False)]
    return [Part(text[first:last], "plain", quoted) for first, last, quoted in stretches if first < last]


def _sentence(
    text: str, index: int, citation: CitationRow, numbers: dict[str, int], quoted_until: int, refused: bool
) -> Part:
    words = text[citation.sentence_start : citation.sentence_end]
    quoted = citation.sentence_start < quoted_until
    if supported(citation):
        return Part(words, "supported", quoted, numbers[where(citation)], where(citation), index)
    return Part(words, "plain" if refused or quoted else "unsupported", quoted)
