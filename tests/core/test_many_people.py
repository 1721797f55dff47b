"""Ten people ask, one of them in two tabs, while files come and go and a model learns: nothing is lost or mixed up."""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from core.assistants import live
from core.errors import BadInput
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.retrieval.explaining import explain
from core.settings import Settings
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from tests.torture import acts
from tests.torture.deeds import AT_LEAST, LETTERS
from tests.torture.tiny import tiny_gguf

PEOPLE, QUESTIONS, UPLOADS = 10, 6, 8
MARK = re.compile(r"\bzq[a-z]+")


def said(messages: list[Any]) -> str:
    """What the base model says: every mark that it was shown, whoever's it is."""
    return " ".join(MARK.findall(" ".join(str(message.content) for message in messages)))


@pytest.fixture
def ws(tmp_path: Path, database_url: str) -> Iterator[Workspace]:
    settings = Settings(tmp_path / "home", database_url)
    engine = ScriptedChat(answers=said, pause_s=0.005)
    with Workspace.open(settings, serving=True, given={"engine": engine}) as opened:
        opened.dispatcher.start()
        yield opened


def mark(person: int) -> str:
    """A word that only this person says."""
    return f"zq{LETTERS[person]}{LETTERS[person + 1]}"


def ask(ws: Workspace, talk: int, question: str, mode: str) -> int:
    """Ask as soon as the conversation is free, as a page lets one; returns the answer's id once it is there."""
    while True:
        try:
            answer = live.start(ws, talk, question, mode)  # type: ignore[arg-type]
        except BadInput:  # the other tab's answer is under way
            time.sleep(0.01)
            continue
        list(live.follow(ws, answer))
        return answer


def person(ws: Workspace, corpus: int, number: int, talk: int) -> None:
    """Ask, judge, correct, and write questions and examples."""
    for each in range(QUESTIONS):
        answer = ask(ws, talk, f"What is {each} to {mark(number)}?", ("rag", "base")[each % 2])
        ws.conversations.give_feedback(answer, "down", f"To {mark(number)} it is {each}.")
        ws.gold.add(corpus, GoldDraft(f"{number}: what is {each}?", mark(number)))
        ws.examples.add(corpus, [ExampleDraft(f"{number}: what was {each}?", mark(number))])


def come_and_go(ws: Workspace, corpus: int) -> None:
    """Two files come, one of them goes again, and so on."""
    for each in range(UPLOADS):
        text = f"# Note {each}\n\nItem zd{LETTERS[each]} costs {each} euro."
        acts.upload(ws, print, corpus, {f"stays-{each}.md": text, f"goes-{each}.md": text + " It goes."})
        acts.delete(ws, print, corpus, [f"goes-{each}.md"])


def test_ten_people_ask_while_files_come_and_go_and_a_model_learns(
    ws: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = intake.create_corpus(ws, "Everybody's", "legal").id
    learning = acts.corpus(ws, print, "Learning", str(tiny_gguf(tmp_path / "tiny.gguf")))["id"]
    pairs = {f"Which colour has room {number}?": f"Colour {number * 7}." for number in range(AT_LEAST)}
    acts.examples(ws, print, learning, pairs)
    talks = {number: ws.conversations.create(corpus).id for number in range(PEOPLE)}
    at_work: list[Callable[[], object]] = [
        *(lambda number=number: person(ws, corpus, number, talks[number]) for number in range(PEOPLE)),
        lambda: person(ws, corpus, PEOPLE, talks[0]),  # the first one's second tab
        lambda: come_and_go(ws, corpus),
        lambda: acts.train(ws, print, learning),
        *(lambda name=name: ws.conversations.rename(talks[1], name) for name in ("One name", "Another name")),
    ]
    together = Barrier(len(at_work))

    def begin(work: Callable[[], object]) -> None:
        together.wait()
        work()

    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(len(at_work)) as pool:
        list(pool.map(begin, at_work))
        while ws.jobs.waiting():
            time.sleep(0.05)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "locked" not in caplog.text

    for number, talk in talks.items():
        own = {mark(number), mark(PEOPLE)} if number == 0 else {mark(number)}
        messages = ws.conversations.messages(talk)
        asked = Counter(message.text for message in messages if message.role == "user")
        expected = [f"What is {each} to {word}?" for word in own for each in range(QUESTIONS)]
        assert asked == Counter(expected)
        answers = [message for message in messages if message.role == "assistant"]
        assert {message.status for message in answers} == {"done"}
        assert {word for message in answers for word in MARK.findall(message.text)} == own
        for message in answers:
            given = ws.conversations.feedback(message.id)
            assert given is not None
            assert any(word in given.corrected_answer for word in own)
    assert ws.conversations.get(talks[1]).title in ("One name", "Another name")
    assert ws.gold.count(corpus) == ws.examples.count(corpus) == (PEOPLE + 1) * QUESTIONS
    rows = ws.corpora.documents(corpus, limit=1_000)
    assert {row.name: row.status for row in rows} == {f"stays-{each}.md": "ready" for each in range(UPLOADS)}
    for each in range(UPLOADS):
        found = explain(ws, corpus, f"What does item zd{LETTERS[each]} cost?")
        assert found.by_words[0].document == f"stays-{each}.md"
    assert [row.status for row in ws.adapters.list(learning)] == ["candidate"]
