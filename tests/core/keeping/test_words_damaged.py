"""Damage of a full text is noticed, takes nothing down, loses nothing, and is made good from the rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.ingestion import intake
from core.keeping.doctor import Finding, examine
from core.repair import FULL_TEXT, TALK
from core.workspace import Workspace
from storage.conversations import Conversations
from storage.errors import Damaged
from tests.core.keeping.conftest import QUESTION, settings
from tests.core.keeping.test_commands_of_keeping import triptych

pytestmark = pytest.mark.embedded  # SQLite's own tables are damaged
PARTS = ("data", "idx", "content", "docsize", "config")
DAMAGES = {
    "averages": "DELETE FROM {table}_data WHERE id = 1",
    "structure": "DELETE FROM {table}_data WHERE id = 10",
    "leaves": "DELETE FROM {table}_data WHERE id > 10",
    "structure cut": "UPDATE {table}_data SET block = x'00' WHERE id = 10",
    **{f"{part} emptied": f"DELETE FROM {{table}}_{part}" for part in PARTS},
    **{f"{part} gone": f"DROP TABLE {{table}}_{part}" for part in PARTS},
}
ZEROED = "UPDATE {table}_data SET block = zeroblob(length(block)) WHERE id > 10"
WORDS = "vermilion"


def damage(ws: Workspace, table: str, statement: str) -> None:
    """From outside, as a disk does it: no connection of the workspace's knows."""
    with closing(sqlite3.connect(ws.database.file)) as outside, outside:
        outside.execute(statement.format(table=table))


def top(ws: Workspace) -> list[tuple[int, ...]]:
    """What a question finds, by words and meaning together."""
    return [passage.chunk_ids for passage in ws.retriever.search(ws.corpora.list()[0].id, QUESTION)]


def scores(ws: Workspace) -> list[tuple[int, float]]:
    """What the words of a question find."""
    return [(hit.chunk_id, hit.score) for hit in ws.lexical.search(ws.corpora.list()[0].id, QUESTION, 10)]


def found(ws: Workspace, what: str, repair: bool = False) -> Finding:
    return next(each for each in examine(ws, repair) if each.what == what)


def asked(ws: Workspace) -> int:
    """A conversation with a question in it."""
    talk = ws.conversations.create(ws.corpora.list()[0].id).id
    ws.conversations.add_question(talk, f"Which {WORDS} door?")
    return talk


def finding(conversations: Conversations, corpus_id: int, words: str) -> list[int | None]:
    return [each.message_id for each in conversations.search(corpus_id, words)]


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_server_starts_and_answers_over_a_damaged_full_text_and_makes_it_anew(home: Path, kind: str) -> None:
    with Workspace.open(settings(home)) as ws:
        before, by_words = top(ws), scores(ws)
        damage(ws, "chunk_text", DAMAGES[kind])
    with Workspace.open(settings(home), serving=True) as ws:
        assert ws.database.damaged == {"chunk_text"}
        assert set(top(ws)) == set(before), "meaning finds meanwhile"
        corpus = ws.corpora.list()[0].id
        rarity = ws.lexical.idf(corpus, ["rent", "unheard"])
        assert rarity["rent"] < rarity["unheard"]
        dispatcher = ws.dispatcher
        said = found(ws, FULL_TEXT)
        assert (said.state, "is being made anew" in said.words) == ("repaired", True)
        dispatcher.run_one()
        assert ws.database.damaged == set()
        assert (top(ws), scores(ws)) == (before, by_words)
        said = found(ws, FULL_TEXT)
        assert (said.state, "was made anew" in said.words) == ("repaired", True)
        assert ws.lexical.in_step()


@pytest.mark.parametrize("kind", [*DAMAGES, "zeroed"])
def test_the_doctor_tells_of_a_damaged_full_text_and_repairs_it(home: Path, kind: str) -> None:
    with Workspace.open(settings(home)) as ws:
        before = scores(ws)
        damage(ws, "chunk_text", DAMAGES.get(kind, ZEROED))
        assert found(ws, FULL_TEXT).state == "decide"
        assert found(ws, FULL_TEXT, repair=True).state == "repaired"
        assert found(ws, FULL_TEXT).state == "healthy"
        assert scores(ws) == before


def test_the_command_says_what_its_own_start_repaired(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        asked(ws)
        damage(ws, "chunk_text", DAMAGES["structure"])
        damage(ws, "message_text", DAMAGES["config emptied"])
    done = triptych("doctor", "--workspace", home)
    assert done.returncode == 0, done.stdout + done.stderr
    for what in (FULL_TEXT, TALK):
        (line,) = (line for line in done.stdout.splitlines() if f" {what}: " in line)
        assert line.startswith("repaired")
        assert "was made anew" in line
    again = triptych("doctor", "--workspace", home)
    assert f"healthy       {FULL_TEXT}" in again.stdout


@pytest.mark.parametrize("kind", ["structure", "leaves", "docsize emptied"])
def test_damage_that_a_question_meets_while_serving_is_made_good_and_fails_no_question(home: Path, kind: str) -> None:
    with Workspace.open(settings(home), serving=True) as ws:
        before, by_words = top(ws), scores(ws)
        damage(ws, "chunk_text", DAMAGES[kind])
        with pytest.raises(Damaged):
            scores(ws)
        corpus = ws.corpora.list()[0].id
        assert list(ws.assistant(corpus).find(QUESTION).passages)
        ws.dispatcher.run_one()
        assert (top(ws), scores(ws)) == (before, by_words)


def test_a_question_that_is_asked_by_a_command_leaves_no_damage_behind(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        damage(ws, "chunk_text", DAMAGES["leaves"])
        assert top(ws)
    with Workspace.open(settings(home)) as ws:
        assert ws.repaired == []
        assert ws.lexical.in_step()


@pytest.mark.parametrize("kind", DAMAGES)
def test_documents_come_and_go_over_a_damaged_full_text_and_their_words_with_them(home: Path, kind: str) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        first, second = (row.id for row in ws.corpora.documents(corpus))
        damage(ws, "chunk_text", DAMAGES[kind])
        ws.documents.delete([first])
        damage(ws, "chunk_text", DAMAGES[kind])
        ws.documents.delete([second])
        assert ws.lexical.in_step()
        assert scores(ws) == []


@pytest.mark.parametrize("kind", ["structure", "averages", "data gone"])
def test_a_document_is_indexed_over_a_damaged_full_text_and_found(home: Path, kind: str) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        before = len(scores(ws))
        damage(ws, "chunk_text", DAMAGES[kind])
        intake.add_files(ws, corpus, [("late.md", f"# Late\n\nThe {WORDS} warehouse pays a fee.".encode())])
        job = ws.dispatcher.run_one()
        assert job is not None
        assert job.status == "done"
        assert ws.lexical.in_step()
        assert len(ws.lexical.search(corpus, WORDS, 10)) == 1
        assert len(scores(ws)) == before + 1, "what was there before is found as well"


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_question_is_stored_and_found_whatever_the_full_text_of_conversations_has_suffered(
    home: Path, kind: str
) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        first = asked(ws)
        damage(ws, "message_text", DAMAGES[kind])
        ws.conversations.search(corpus, WORDS)
        ws.conversations.add_question(first, f"And the {WORDS} window?")
        assert [row.text for row in ws.conversations.messages(first)][-1] == f"And the {WORDS} window?"
        damage(ws, "message_text", DAMAGES[kind])
    with Workspace.open(settings(home), serving=True) as ws:
        second = asked(ws)
        ws.dispatcher.run_one()
        assert {row.conversation.id for row in ws.conversations.search(corpus, WORDS)} == {first, second}
        damage(ws, "message_text", DAMAGES[kind])
        ws.conversations.delete(first)
        ws.dispatcher.run_one()
        assert ws.conversations.words_in_step()


@pytest.mark.parametrize("kind", [*DAMAGES, "zeroed"])
def test_the_doctor_tells_of_a_damaged_full_text_of_conversations(home: Path, kind: str) -> None:
    with Workspace.open(settings(home)) as ws:
        asked(ws)
        assert found(ws, TALK).state == "healthy"
        damage(ws, "message_text", DAMAGES.get(kind, ZEROED))
        assert found(ws, TALK).state == "decide"
        assert found(ws, TALK, repair=True).state == "repaired"
        assert found(ws, TALK).state == "healthy"
        assert finding(ws.conversations, ws.corpora.list()[0].id, WORDS)[0] is not None


def test_a_full_text_that_cannot_be_made_anew_is_told_and_stops_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the pages of the file are damaged: then a table cannot even be taken away."""

    def refused(*_: object) -> None:
        raise Damaged("chunk_text")

    with Workspace.open(settings(home)) as ws:
        damage(ws, "chunk_text", DAMAGES["structure"])
    monkeypatch.setattr("storage.fts5.drop", refused)
    with Workspace.open(settings(home), serving=True) as ws:
        assert ws.dispatcher.run_one() is None
        assert ws.dispatcher.run_one() is None
        assert top(ws)
        said = found(ws, FULL_TEXT, repair=True)
        assert (said.state, said.remedy) == ("decide", "Restore the newest backup.")
