"""A conversation as a Word document: questions as headings, sources with their words under each answer."""

import io
import re
from typing import TYPE_CHECKING

from core.assistants.stored import checks_of
from core.conversations.told import Exchange, Sentence, Source, Told

if TYPE_CHECKING:
    from docx.document import Document

NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def as_docx(told: Told) -> bytes:
    """The file's bytes."""
    import docx

    document = docx.Document()
    document.core_properties.title = _clean(told.title)
    document.core_properties.author = "Triptych"
    document.add_heading(_clean(told.title), 0)
    document.add_paragraph(_clean(told.where_and_when))
    for exchange in told.exchanges:
        _exchange(document, exchange)
    document.add_paragraph().add_run(_clean(told.disclaimer)).italic = True
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _exchange(document: "Document", exchange: Exchange) -> None:
    document.add_heading(_clean(" ".join(exchange.question.split())), 1)
    answer = exchange.message
    if answer is None:
        return
    if answer.searched_for:
        document.add_paragraph().add_run(_clean(f"Searched for: {answer.searched_for}")).italic = True
    _answer(document, exchange.sentences)
    for line in checks_of(answer).lines:
        document.add_paragraph().add_run(_clean(line)).italic = True
    if answer.status != "done":
        document.add_paragraph(_clean(f"({answer.status}{': ' + answer.error if answer.error else ''})"))
    for heading, sources in (("Sources", exchange.sources), ("The closest passages", exchange.closest)):
        if sources:
            document.add_heading(heading, 2)
        for source in sources:
            _source(document, source)
    document.add_paragraph().add_run(
        _clean(f"{answer.mode}, {answer.base_model}, {answer.created_at:%Y-%m-%d %H:%M} UTC")
    ).italic = True


def _answer(document: "Document", sentences: tuple[Sentence, ...]) -> None:
    """One paragraph a line of the answer; the source's number stands raised behind its sentence."""
    paragraph = document.add_paragraph()
    for sentence in sentences:
        first, *others = _clean(("~ " if sentence.claims else "") + sentence.text).split("\n")
        paragraph.add_run(first)
        for line in others:
            paragraph = document.add_paragraph(line) if line.strip() else paragraph
        if sentence.source is not None:
            paragraph.add_run(f"[{sentence.source}]").font.superscript = True
    if any(sentence.claims for sentence in sentences):
        document.add_paragraph().add_run("~ no source: from the model").italic = True


def _source(document: "Document", source: Source) -> None:
    document.add_paragraph().add_run(_clean(f"[{source.number}] {source.place}")).bold = True
    for quote in source.quotes:
        document.add_paragraph(_clean(quote), style="Quote")


def _clean(text: str) -> str:
    return NOT_XML.sub("", text)
