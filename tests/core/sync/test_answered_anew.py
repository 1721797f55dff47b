"""A followed file that changed is answered from in every mode with passages, by whom the assistant itself asks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.assistants.answer import Answer, Mode
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.sync import sources
from core.sync.watching import look_once
from core.workspace import Workspace
from tests.core.sync.conftest import put, work
from tests.core.two_sides import adapter

LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is {} euro, due on the fifth day.\n"
MODES: tuple[Mode, ...] = ("rag", "hybrid")


def rent(messages: list[Any]) -> str:
    """What a model says that reads: the sums in the passages that it is shown, whatever they are."""
    found = re.findall(
        r"rent for the warehouse in Tallinn is [\d,]+ euro", " ".join(str(each.content) for each in messages)
    )
    return f"The monthly {', the '.join(dict.fromkeys(found))}." if found else "I cannot tell."


@pytest.fixture
def ws(settings: Settings, embedder: Embedder) -> Iterator[Workspace]:
    """As the other tests', with a base model that says what it reads."""
    with Workspace.open(settings, given={"embedder": embedder, "engine": ScriptedChat(answers=rent)}) as opened:
        yield opened


def asked(ws: Workspace, corpus: int, mode: Mode) -> Answer:
    *_, answer = ws.assistant(corpus).ask("What is the monthly rent for the warehouse in Tallinn?", mode)
    assert isinstance(answer, Answer)
    return answer


def test_a_changed_file_is_answered_from_by_retrieval_and_by_an_adapter_with_passages(
    ws: Workspace, folder: Path
) -> None:
    corpus = intake.create_corpus(ws, "contracts", "legal").id
    put(folder, "lease.md", LEASE.format("4,200"))
    put(folder, "notice.md", "# Notice\n\nEither party may end the agreement with ninety days' notice in writing.\n")
    source = sources.add_folder(ws, corpus, folder)
    job = sources.sync_now(ws, source.id)
    work(ws)
    grounded = adapter(ws, corpus, "grounded", "rent", job)
    ws.serving._engines[grounded] = ScriptedChat(answers=rent)
    for mode in MODES:
        assert "4,200 euro" in asked(ws, corpus, mode).text, mode
    put(folder, "lease.md", LEASE.format("5,100"), age_s=30)
    look_once(ws, ws.sources.get(source.id))
    assert work(ws) == ["sync", "index"]
    (lease,) = (row for row in ws.corpora.documents(corpus) if "lease" in row.name)
    for mode in MODES:
        answer = asked(ws, corpus, mode)
        assert "5,100 euro" in answer.text, mode
        assert "4,200" not in answer.text + "".join(passage.text for passage in answer.passages), mode
        assert not answer.refused, mode
        assert lease.id in {passage.document_id for passage in answer.passages}, mode
    assert asked(ws, corpus, "hybrid").base_model != asked(ws, corpus, "rag").base_model
