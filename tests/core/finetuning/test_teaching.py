"""Examples become lessons: the prompts that the modes send, told as they are made, in the order of the examples."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from core import models
from core.assistants.ask import Voice
from core.assistants.reading import GROUNDED
from core.finetuning import planning, teaching
from core.finetuning.base import Base
from core.finetuning.planning import Split
from core.finetuning.recipe import Recipe
from core.generation.embedded import turns
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.rows import ExampleRow

LEASE = """# Lease of Unit 7

The rent of Unit 7 is 286,200 pounds a year, payable quarterly in advance.

The deposit is 71,550 pounds, held in a separate account by the landlord.

The tenant may end this lease early by giving six months' notice in writing.
"""
HANDBOOK = """# Handbook

Dogs are welcome in the courtyard, but never inside the building or in the lifts.

The reception desk opens at seven and closes at nineteen hours on working days.
"""
PAIRS = [
    ("What is the rent of Unit 7?", "286,200 pounds a year", "lease.md", "The rent of Unit 7 is 286,200 pounds a year"),
    ("Where are dogs welcome?", "in the courtyard", "handbook.md", "Dogs are welcome in the courtyard"),
    ("How large is the deposit?", "71,550 pounds", "lease.md", "The deposit is 71,550 pounds"),
    ("When does the reception desk open?", "at seven", "handbook.md", "The reception desk opens at seven"),
]


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    corpus_id = intake.create_corpus(ws, "Leases", "legal").id
    intake.add_files(ws, corpus_id, [("lease.md", LEASE.encode()), ("handbook.md", HANDBOOK.encode())])
    while ws.dispatcher.run_one():
        pass
    ws.examples.add(corpus_id, [ExampleDraft(q, a, document=d, evidence=e) for q, a, d, e in PAIRS])
    return corpus_id


@pytest.fixture
def base() -> Base:
    return Base(Path(), "", 0, models.packaged_gguf())


def rows(ws: Workspace, corpus: int) -> tuple[ExampleRow, ...]:
    """The examples, often enough for a training."""
    found = ws.examples.list(corpus)
    return tuple(replace(row, id=row.id + 100 * times) for times in range(3) for row in found)


def test_a_grounded_lesson_is_the_prompt_that_hybrid_mode_sends(
    ws: Workspace, corpus: int, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "MISSING", 0.0)
    monkeypatch.setattr(teaching, "SHUFFLED", 0.0)
    examples = rows(ws, corpus)
    _, taught = planning.teach(ws, corpus, "grounded", Split(examples, ()), Recipe(), base)
    sent: list[list[BaseMessage]] = []
    engine = ScriptedChat(answers=lambda messages: sent.append(messages) or "yes")
    assistant = ws.assistant(corpus).with_voice(lambda mode: Voice(lambda: engine, GROUNDED, "x"))
    list(assistant.ask(examples[0].question, "hybrid"))
    tokens = planning.speaks(base)
    assert taught.train[0].prompt == tuple(tokens.encode(tokens.prompt(turns(sent[0]))))
    assert taught.train[0].answer == (*tokens.encode(examples[0].answer), tokens.end)


def test_lessons_come_in_the_order_of_the_examples_and_each_is_told(ws: Workspace, corpus: int, base: Base) -> None:
    examples = rows(ws, corpus)
    heard: list[tuple[int, int]] = []
    _, taught = planning.teach(
        ws, corpus, "grounded", Split(examples, ()), Recipe(), base, lambda done, total: heard.append((done, total))
    )
    assert [lesson.example for lesson in taught.train] == [example.id for example in examples]
    assert heard == [(number, len(examples)) for number in range(len(examples))]


def test_who_listens_can_end_it(ws: Workspace, corpus: int, base: Base) -> None:
    def cancelled(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        planning.teach(ws, corpus, "closed-book", Split(rows(ws, corpus), ()), Recipe(), base, cancelled)
