"""The base model that was chosen for a corpus answers; when it is down, nothing that was asked is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.assistants import live
from core.assistants.reading import LARGE, SMALL, WORDED, reading_for
from core.generation import catalogue
from core.generation.catalogue import Described
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import MessageRow
from tests.core.generation.openai_server import KEY, serving

LEASE = b"# Lease\n\nThe tenant may end this lease by giving the landlord six months' written notice.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "ws")) as opened:
        yield opened


@pytest.fixture
def corpus(workspace: Workspace) -> int:
    corpus = intake.create_corpus(workspace, "Leases", "legal").id
    intake.add_files(workspace, corpus, [("lease.md", LEASE)])
    workspace.dispatcher.run_one()
    return corpus


def answer(workspace: Workspace, corpus: int) -> MessageRow:
    talk = workspace.conversations.create(corpus).id
    message = live.start(workspace, talk, "How much notice must the tenant give to end the lease?")
    list(live.follow(workspace, message))
    question, answered = workspace.conversations.messages(talk)
    assert question.text == "How much notice must the tenant give to end the lease?"
    return answered


def test_the_chosen_endpoint_writes_the_answer_from_whole_passages(workspace: Workspace, corpus: int) -> None:
    with serving(ScriptedChat(answers=["The tenant must give six months' written notice."])) as server:
        row = catalogue.add(workspace, Described("Office 7B", "endpoint", server.url, "tiny", key=KEY))
        catalogue.use(workspace, corpus, row.id)
        answered = answer(workspace, corpus)
    assert (answered.status, answered.base_model) == ("done", "Office 7B")
    assert answered.text == "The tenant must give six months' written notice."
    assert answered.quoted_until == 0
    assert "six months' written notice" in server.seen[0]["messages"][-1]["content"]


def test_an_answer_tells_that_the_endpoint_cut_its_prompt(workspace: Workspace, corpus: int) -> None:
    clauses = [f"{n}. Notice to end the lease of house {n} is given by the tenant in writing. " * 8 for n in range(40)]
    intake.add_files(workspace, corpus, [("houses.md", "\n\n".join(clauses).encode())])
    workspace.dispatcher.run_one()
    with serving(ScriptedChat(answers=["-"])) as server:
        ends = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1024}}
        server.events["tiny"] = [{"choices": [{"delta": {"content": "In writing."}}]}, ends]
        row = catalogue.add(workspace, Described("Office 7B", "endpoint", server.url, "tiny", key=KEY))
        catalogue.use(workspace, corpus, row.id)
        answered = answer(workspace, corpus)
    assert answered.context["prompt_tokens"] > 1024
    assert answered.context["cut_to"] == 1024


def test_a_base_model_that_only_thinks_fails_the_answer_with_the_reason(workspace: Workspace, corpus: int) -> None:
    with serving(ScriptedChat(answers=["-"])) as server:
        server.events["tiny"] = [
            {"choices": [{"delta": {"content": "<think>Let me see"}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        ]
        row = catalogue.add(workspace, Described("Office 7B", "endpoint", server.url, "tiny", key=KEY))
        catalogue.use(workspace, corpus, row.id)
        answered = answer(workspace, corpus)
    assert answered.status == "failed"
    assert "used up its tokens by thinking" in answered.error


def test_an_endpoint_that_is_down_keeps_the_question_and_says_what_to_do(workspace: Workspace, corpus: int) -> None:
    with serving(ScriptedChat(answers=["ok"])) as server:
        url = server.url
    row = catalogue.add(workspace, Described("Office 7B", "endpoint", url, "tiny"))
    catalogue.use(workspace, corpus, row.id)
    answered = answer(workspace, corpus)
    assert answered.status == "failed"
    assert "Office 7B cannot be reached at 127.0.0.1" in answered.error
    assert "then ask again" in answered.error


def test_a_key_that_cannot_be_read_keeps_the_question_too(workspace: Workspace, corpus: int) -> None:
    row = catalogue.add(
        workspace, Described("Office 7B", "endpoint", "http://127.0.0.1:9/v1", "tiny", variable="NO_SUCH_KEY")
    )
    catalogue.use(workspace, corpus, row.id)
    assert "NO_SUCH_KEY is not set" in answer(workspace, corpus).error


@pytest.mark.parametrize(
    ("name", "chosen", "reading"),
    [
        ("SmolLM2-135M-Instruct, Q8_0", "auto", SMALL),
        ("Qwen2.5-0.5B", "auto", SMALL),
        ("Qwen2.5-1.5B", "auto", LARGE),
        ("gpt-large", "auto", LARGE),
        ("SmolLM2-135M", "passages", LARGE),
        ("llama-70b", "quote", SMALL),
        ("llama-70b", "words", WORDED),
    ],
)
def test_how_evidence_is_shown_goes_by_size_unless_it_was_chosen(name: str, chosen: str, reading: object) -> None:
    assert reading_for(name, chosen) is reading
