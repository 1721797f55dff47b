"""`triptych search` and `triptych ask`: in this process, or by the server that owns the workspace."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.assistants.answer import Answer
from core.commands.following import Line
from core.commands.questions import Question, Results, read_questions
from core.commands.remote import Server
from core.commands.shapes import answer_json, results_json
from core.commands.terminal import say
from core.errors import BadInput, NotFound, WorkspaceLocked
from core.settings import Settings

if TYPE_CHECKING:
    from core.workspace import Workspace

Ask = Callable[[str], dict[str, Any]]
"""A question in, the JSON of what was found or answered out."""


@contextmanager
def searching(settings: Settings, corpus: str, top: int) -> Iterator[Ask]:
    """What finds passages: `{"results": [...]}`. Raises NotFound when there is no such corpus."""
    try:
        opened = _opened(settings)
    except WorkspaceLocked:
        server = _server(settings)
        yield lambda question: {"results": server.search(corpus, question, top)}
        return
    with opened as ws:
        corpus_id = _corpus_id(ws, corpus)
        yield lambda question: {"results": results_json(ws.retriever.search(corpus_id, question, top))}


@contextmanager
def answering(settings: Settings, corpus: str, mode: Any) -> Iterator[Ask]:
    """What answers questions, each on its own. Raises NotFound when there is no such corpus."""
    try:
        opened = _opened(settings)
    except WorkspaceLocked:
        server = _server(settings)
        yield lambda question: server.ask(corpus, question, mode)
        return
    with opened as ws:
        assistant = ws.assistant(_corpus_id(ws, corpus))
        yield lambda question: answer_json(_whole(assistant.ask(question, mode)), assistant.domain.disclaimer)


@dataclass(frozen=True, slots=True)
class Request:
    """One question, or a file of them; and where the results go (stdout when `out` is None)."""

    question: str | None
    questions: tuple[Question, ...]
    out: Path | None
    as_json: bool

    @classmethod
    def of(cls, question: str | None, questions: Path | None, out: Path | None, as_json: bool) -> "Request":
        """Raises BadInput: neither or both were given, or a line of the file is malformed."""
        if (question is None) == (questions is None):
            raise BadInput("Give one question, or a file of them.", 'Like "When is it due?", or --questions FILE.')
        if question is not None and (out is not None or not question.strip()):
            raise BadInput("The question is empty, or --out has no file of questions.", "See --help.")
        return cls(question, tuple(read_questions(questions)) if questions else (), out, as_json)

    def put(self, ask: Ask, readable: Callable[[dict[str, Any]], str], resume: bool) -> None:
        """Put the question(s); with `resume`, those whose results are in `out` already are left out."""
        if self.question is not None:
            found = ask(self.question)
            say(_json(found) if self.as_json else readable(found))
        elif self.out is None:
            for question in self.questions:
                say(_json({"id": question.id} | ask(question.text)), flush=True)
        else:
            self._put_all(ask, self.out, resume)

    def _put_all(self, ask: Ask, out: Path, resume: bool) -> None:
        place = out if resume else out.with_name(f".{out.name}.part")
        if not resume:
            place.unlink(missing_ok=True)
        shown = Line()
        results = Results(place)
        for number, question in enumerate(self.questions, 1):
            if question.id not in results.done:
                results.add({"id": question.id} | ask(question.text))
            shown.show(f"{number} of {len(self.questions)} questions")
        results.close()
        shown.end()
        if not resume:
            place.replace(out)


def readable_answer(answer: dict[str, Any]) -> str:
    """An answer for people: the text, where its sentences come from, what its domain checked and what it says of it."""
    sources = [f"  {c['document']}, page {c['page']}: {' '.join(c['quote'].split())}" for c in answer["citations"]]
    checks = [" ".join(line.split()) for line in answer.get("checks", ())]
    below = " ".join(answer.get("disclaimer", "").split())  # a server of an older version says none
    return "\n".join(
        [
            answer["answer"],
            *(["", "Sources:"] if sources else []),
            *dict.fromkeys(sources),
            *(["", *checks] if checks else []),
            *(["", below] if below else []),
        ]
    )


def readable_results(found: dict[str, Any]) -> str:
    """What was found, for people: one passage a paragraph."""
    results = found["results"]
    lines = [f"{p['rank']}. {p['document']}, page {p['page']}\n   {' '.join(p['text'].split())}" for p in results]
    return "\n".join(lines) or "Nothing was found."


def _opened(settings: Settings) -> "Workspace":
    """The workspace as its owner or, when that is on another machine and the vectors on a server, beside it."""
    from core.workspace import Workspace
    from storage.lock import WorkspaceLock

    try:
        return Workspace.open(settings)
    except WorkspaceLocked:
        if not settings.chroma_url or WorkspaceLock(settings.home).owner() is not None:
            raise
        return Workspace.open(settings, owner=False)


def _whole(events: Iterator[Any]) -> Answer:
    return next(event for event in events if isinstance(event, Answer))


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _corpus_id(ws: Any, name: str) -> int:
    corpus = ws.corpora.by_name(name)
    if corpus is None:
        names = ", ".join(row.name for row in ws.corpora.list()) or "none yet"
        raise NotFound(f"There is no corpus {name!r}.", f"There are: {names}.")
    return int(corpus.id)


def _server(settings: Settings) -> Server:
    from storage.lock import WorkspaceLock

    owner = WorkspaceLock(settings.home).owner()
    if owner is None:
        raise WorkspaceLocked("Another process has just begun to use the workspace.", "Try again.")
    return Server(owner)
