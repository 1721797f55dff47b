"""Two corpora never see each other: 2,000 attempts to reach from one into the other, each looking for its canaries."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.assistants import comparing, live
from core.commands.shapes import answer_json
from core.conversations import export, files
from core.errors import NotFound, TriptychError
from core.evaluation import running
from core.evaluation.questions import of_rows
from core.evaluation.report import report
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.retrieval.explaining import explain
from core.settings import Settings
from core.workspace import Workspace
from dashboard import api
from storage.errors import NotFound as NoRow
from storage.examples import ExampleDraft, Filter
from storage.gold import GoldDraft

ATTEMPTS = 2_000
SIDES = ("left", "right")
WORDS = {"left": "zqlefthandcanary", "right": "zqrighthandcanary"}


def said(messages: list[Any]) -> str:
    """What the base model says: all that it was shown, so whatever reaches it is seen."""
    return " ".join(str(message.content) for message in messages)[-3_000:]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    settings = Settings.load(tmp_path_factory.mktemp("two") / "home")
    with Workspace.open(settings, given={"engine": ScriptedChat(answers=said)}) as opened:
        yield opened


@pytest.fixture(scope="module")
def sides(ws: Workspace) -> dict[str, dict[str, Any]]:
    """Both corpora with everything a corpus can have, every text with its side's canary; by side, the ids."""
    return {side: made(ws, side, WORDS[side]) for side in SIDES}


def made(ws: Workspace, side: str, word: str) -> dict[str, Any]:
    corpus = intake.create_corpus(ws, f"The {side} one", "legal").id
    # The same questions fit both, so that whatever is shared between them would answer with the other's words.
    texts = {
        f"{word}-{n}.md": f"# Lease {n}\n\nThe rent of unit {n} is {n}00 euro, says {word}. Its notice is {n} months."
        for n in range(4)
    }
    took = intake.add_files(ws, corpus, [(name, text.encode()) for name, text in texts.items()])
    ws.dispatcher.run_one()
    talk = ws.conversations.create(corpus).id
    answer = answered(ws, talk, f"What is the rent of unit 2? {word}")
    files.attach(ws, talk, [(f"{word}-attached.md", f"Attached: the key of unit 2, {word}.".encode())])
    ws.dispatcher.run_one()
    ws.conversations.give_feedback(answer, "down", f"It should say {word}.")
    ws.gold.add(corpus, GoldDraft("What is the rent of unit 2?", f"200 euro, {word}", evidence=word))
    ws.examples.add(corpus, [ExampleDraft(f"What is unit 3, {word}?", f"A unit, {word}.", document=f"{word}-3.md")])
    compared = comparing.start(ws, corpus, f"Which notice has unit 1? {word}", ["base", "rag"])
    for panel in compared.panels:
        list(live.follow(ws, ws.conversations.messages(panel.conversation_id)[-1].id))
    evaluation = running.start(ws, corpus, of_rows(ws.gold.list(corpus)), ["base", "quote", "rag"], f"run {word}")
    ws.dispatcher.run_one()
    adapter = ws.adapters.begin(corpus, "closed-book", took.job_id or 0, "base")
    ws.adapters.change(adapter.id, status="candidate", note=word, documents={f"{word}-1.md": "0" * 64})
    ws.adapters.promote(adapter.id)
    ws.sources.add(corpus, "folder", {"path": f"/nowhere/{word}"})
    return {"corpus": corpus, "talk": talk, "answer": answer, "evaluation": evaluation.id, "comparison": compared.id,
            "documents": ws.corpora.document_ids(corpus)}  # fmt: skip


def answered(ws: Workspace, talk: int, question: str) -> int:
    answer = live.start(ws, talk, question, "rag")
    list(live.follow(ws, answer))
    return answer


@pytest.fixture(scope="module")
def client(ws: Workspace) -> TestClient:
    return TestClient(Starlette(routes=api.routes(ws)), base_url="http://127.0.0.1")


Attempt = Callable[[Workspace, dict[str, Any], str, random.Random], object]
"""Looks from a side (its ids) for the other side's canary; returns everything that was seen."""


def asked_of_search(ws: Workspace, mine: dict[str, Any], word: str, chance: random.Random) -> object:
    question = chance.choice((word, f"What is the rent of unit 2, {word}?", f"{word}-1.md", f"notice {word} {word}"))
    return [passage for passage in ws.retriever.search(mine["corpus"], question, 20) if word in str(passage)]


def asked_of_words(ws: Workspace, mine: dict[str, Any], word: str, _chance: random.Random) -> object:
    # A quote of the query language must not widen it.
    wanted = _chance.choice((word, f'{word}" OR corpus:"c1', f"corpus : {word}", f"{word} NOT x", f'c2" {word}'))
    return ws.corpora.chunks_by_ids(hit.chunk_id for hit in ws.lexical.search(mine["corpus"], wanted, 50))


def nearest(ws: Workspace, mine: dict[str, Any], word: str, _chance: random.Random) -> object:
    return ws.corpora.chunks_by_ids(hit.chunk_id for hit in ws.retriever.by_meaning(mine["corpus"], word))


def explained(ws: Workspace, mine: dict[str, Any], word: str, _chance: random.Random) -> object:
    found = explain(ws, mine["corpus"], word)
    return [each.chunk for each in (*found.by_words, *found.by_meaning)]


def filtered(ws: Workspace, mine: dict[str, Any], word: str, chance: random.Random) -> object:
    search = chance.choice((word, "", "%", "_", "' OR 1=1 --", ".md"))
    corpus = mine["corpus"]
    return [
        ws.corpora.documents(corpus, search=search),
        ws.corpora.contents(corpus),
        ws.gold.list(corpus, search=search),
        ws.examples.list(corpus, Filter(search=search)),
        ws.examples.by_document(corpus),
        ws.conversations.search(corpus, search),
    ]


def listed(ws: Workspace, mine: dict[str, Any], _word: str, _chance: random.Random) -> object:
    corpus = mine["corpus"]
    return [
        ws.conversations.list(corpus),
        ws.comparisons.list(corpus),
        ws.evaluations.list(corpus),
        ws.adapters.list(corpus),
        ws.adapters.promoted(corpus, "closed-book"),
        ws.sources.list(corpus),
        ws.jobs.list(corpus),
        ws.comparisons.votes(corpus),
        ws.assistants.of(corpus),
    ]


def exported(ws: Workspace, mine: dict[str, Any], _word: str, chance: random.Random) -> object:
    chosen = chance.choice(export.FORMATS)
    data = export.export(ws, mine["talk"], chosen)
    if chosen.ending == "docx":
        from io import BytesIO

        from docx import Document

        return "\n".join(paragraph.text for paragraph in Document(BytesIO(data)).paragraphs)
    return data.decode()


def reported(ws: Workspace, mine: dict[str, Any], _word: str, _chance: random.Random) -> object:
    return json.dumps(report(ws, ws.evaluations.get(mine["evaluation"])), default=str)


def followed_up(ws: Workspace, mine: dict[str, Any], _word: str, chance: random.Random) -> object:
    """The same question on both sides, so that a cache that forgot the corpus would answer with the other's words."""
    found = ws.assistant(mine["corpus"]).ask(f"What is the rent of unit {chance.randrange(4)}?", "rag", [])
    return answer_json(list(found)[-1], "")  # type: ignore[arg-type]


ATTEMPTED: dict[Attempt, int] = {
    asked_of_search: 12, asked_of_words: 25, nearest: 12, explained: 4, filtered: 20, listed: 15, exported: 6,
    reported: 4, followed_up: 4,
}  # fmt: skip


def test_two_thousand_attempts_from_one_corpus_show_nothing_of_the_other(
    ws: Workspace, sides: dict[str, dict[str, Any]]
) -> None:
    chance, tried, seen = random.Random(6), Counter[str](), []
    for _ in range(ATTEMPTS):
        attempt = chance.choices(list(ATTEMPTED), list(ATTEMPTED.values()))[0]
        mine, other = chance.sample(SIDES, 2)
        found = str(attempt(ws, sides[mine], WORDS[other], chance))
        tried[attempt.__name__] += 1
        if WORDS[other] in found:
            seen.append(
                f"{attempt.__name__} from the {mine}: ...{found[max(0, found.find(WORDS[other]) - 80) :][:200]}"
            )
    assert seen == []
    assert sum(tried.values()) == ATTEMPTS
    assert len(tried) == len(ATTEMPTED)


def test_each_side_does_see_its_own(ws: Workspace, sides: dict[str, dict[str, Any]]) -> None:
    """Else the attempts above would prove nothing."""
    chance = random.Random(1)
    for attempt in ATTEMPTED:
        for side in SIDES:
            tries = [str(attempt(ws, sides[side], WORDS[side], chance)) for _ in range(8)]
            assert any(WORDS[side] in found for found in tries), attempt.__name__


@pytest.mark.parametrize(("mine", "other"), [SIDES, SIDES[::-1]])
def test_the_routes_answer_from_the_corpus_that_was_named(
    ws: Workspace, sides: dict[str, dict[str, Any]], client: TestClient, mine: str, other: str
) -> None:
    for name in (f"The {mine} one", f"The {mine} one' OR '1'='1", f"the {mine} one", "", "%", f"{WORDS[other]}"):
        asked = {"corpus": name, "question": f"What is the rent of unit 2? {WORDS[other]}", "top": 20}
        answer = client.post("/api/search", json=asked)
        assert answer.status_code in (200, 400, 404)
        assert WORDS[other] not in answer.text.replace(asked["question"], "").replace(repr(name), "")
        told = client.post("/api/ask", json={key: asked[key] for key in ("corpus", "question")} | {"mode": "rag"})
        shown = [source for key in ("passages", "citations") for source in told.json().get(key, [])]
        # A sentence may repeat the question; where it was read may not be the other one's.
        sources = json.dumps([{**source, "sentence": ""} for source in shown])
        assert WORDS[other] not in sources


def test_what_is_asked_of_the_other_ones_ids_is_refused_or_harmless(
    ws: Workspace, sides: dict[str, dict[str, Any]]
) -> None:
    left, right = sides["left"], sides["right"]
    before = ws.corpora.contents(right["corpus"])
    assert intake.retry_all(ws, left["corpus"], right["documents"]) == 0
    with pytest.raises((TriptychError, NoRow)):
        ws.gold.add(999_999, GoldDraft("x", "y"))
    with pytest.raises(NotFound):
        live.start(ws, 999_999, "Anything?", "rag")
    assert ws.corpora.contents(right["corpus"]) == before


def test_deleting_one_corpus_leaves_the_other_as_it_was(ws: Workspace, sides: dict[str, dict[str, Any]]) -> None:
    """Last: it takes the left side away."""
    right = sides["right"]
    before = ws.corpora.contents(right["corpus"]), ws.conversations.messages(right["talk"])
    intake.delete_corpus(ws, sides["left"]["corpus"])
    assert (ws.corpora.contents(right["corpus"]), ws.conversations.messages(right["talk"])) == before
    assert (
        ws.retriever.search(right["corpus"], "What is the rent of unit 2?", 1)[0].document == f"{WORDS['right']}-2.md"
    )
    rows = ws.database.file.read_bytes() + b"".join(
        path.read_bytes() for path in Path(ws.home / "vectors").rglob("*") if path.is_file()
    )
    assert WORDS["left"].encode() not in rows
