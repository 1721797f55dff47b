"""The gate: who is promoted, and when an adapter learns to give way to the quotation."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.assistants.answer import Answer, ContextUse, Timings
from core.assistants.reading import GROUNDED
from core.finetuning import gate
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import AdapterRow

ANSWERED = Answer("", "hybrid", False, (), (), Timings(), ContextUse(), "x")
QUOTED = "The rent of Unit 7 is 286,200 pounds a year, payable quarterly in advance."
GOLD = "286,200 pounds"


def own(*said: tuple[str, float]) -> list[Answer]:
    return [replace(ANSWERED, text=text, sureness=sureness) for text, sureness in said]


def quoting(number: int) -> list[Answer]:
    return [replace(ANSWERED, mode="rag", text=QUOTED, quoted_until=len(QUOTED))] * number


def test_an_adapter_that_is_right_answers_itself() -> None:
    manner, shown = gate.best_manner(own((GOLD, -0.9), (GOLD, -0.1)), quoting(2), [GOLD, GOLD], GROUNDED)
    assert manner == gate.MANNERS[0]
    assert shown == [GOLD, GOLD]


def test_one_that_is_wrong_when_it_is_unsure_gives_way_then() -> None:
    said = own(("71,550 pounds", -0.9), ("one pound sterling", -0.1))
    manner, shown = gate.best_manner(said, quoting(2), [GOLD, "one pound sterling"], GROUNDED)
    assert manner == gate.MANNERS[2]
    assert shown == [QUOTED, "one pound sterling"]


def test_one_that_is_wrong_whenever_the_quotation_has_not_its_words_gives_way_then() -> None:
    said = own(("71,550 pounds", -0.1), (GOLD, -0.1))
    manner, shown = gate.best_manner(said, quoting(2), [GOLD, GOLD], GROUNDED)
    assert manner == gate.MANNERS[3]
    assert shown == [QUOTED, GOLD]


def test_a_yes_or_no_is_not_lost_to_a_quotation_that_says_neither() -> None:
    gold = f"Yes. {QUOTED}"
    said = own(("Yes. The rent is 286,200 pounds a year.", -0.9))
    manner, shown = gate.best_manner(said, quoting(1), [gold], GROUNDED)
    assert manner["writes"] == "lead"
    assert shown == [gold]


def test_where_the_documents_words_are_the_answer_it_writes_nothing() -> None:
    said = own(("Something else.", -0.1), ("Something else.", -0.9))
    manner, shown = gate.best_manner(said, quoting(2), [QUOTED, QUOTED], GROUNDED)
    assert manner["writes"] == "none"
    assert shown == [QUOTED, QUOTED]


def test_what_it_declines_is_not_quoted_over() -> None:
    declined = [replace(each, refused=True) for each in own(("The documents do not say.", -0.9))]
    for manner in (gate.MANNERS[0], gate.MANNERS[2], gate.MANNERS[3]):
        assert gate._shown(declined[0], quoting(1)[0], replace(GROUNDED, **manner)) == ""  # not scored


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    base = ScriptedChat(name="Scripted-135M", answers=["Nobody knows."])  # a size that leads with quotations
    with Workspace.open(Settings.load(tmp_path / "workspace"), given={"engine": base}) as opened:
        yield opened


def trained(ws: Workspace, says: str, sureness: float) -> AdapterRow:
    """An adapter with ten held-out questions, whose engine says always the same."""
    corpus_id = intake.create_corpus(ws, "Leases", "legal").id
    units = [f"The rent of Unit {number} is {number}00 pounds a year, payable in advance." for number in range(1, 11)]
    intake.add_files(ws, corpus_id, [("lease.md", "\n\n".join(units).encode())])
    while ws.dispatcher.run_one():
        pass
    job = ws.jobs.enqueue("finetune", corpus_id, {"kinds": ["grounded"]})
    adapter = ws.adapters.begin(corpus_id, "grounded", job.id, "SmolLM2-135M")
    folder = ws.serving.folder(adapter)
    folder.mkdir(parents=True)
    held = [
        {"question": f"What is the rent of Unit {number}?", "answer": f"{number}00 pounds a year", "part": "held-out"}
        for number in range(1, 11)
    ]
    (folder / "examples.jsonl").write_text("\n".join(map(json.dumps, held)))
    ws.serving._engines[adapter.id] = ScriptedChat(answers=[says], mean_logprob=sureness)
    return ws.adapters.get(adapter.id)


def test_an_adapter_that_only_ever_guesses_is_made_to_quote_and_is_not_promoted(ws: Workspace) -> None:
    judged = gate.judge(ws, trained(ws, "yellow", -2.0), lambda: None)
    assert judged.status == "candidate"
    assert ws.serving.reading(judged).writes == "none"
    assert judged.gate["means"]["new"]["token_f1"] > 0
    assert judged.gate["words"].endswith("It answers in the documents' own words alone.")


def test_an_adapter_that_answers_short_and_right_is_promoted(ws: Workspace) -> None:
    adapter = trained(ws, "", -0.1)
    said = [f"{number}00 pounds a year" for number in range(1, 11)]
    ws.serving._engines[adapter.id] = ScriptedChat(
        answers=lambda messages: next(s for n, s in enumerate(said, 1) if f"Unit {n}?" in messages[-1].text)
    )
    judged = gate.judge(ws, adapter, lambda: None)
    assert judged.status == "promoted"
    assert ws.serving.reading(judged).agrees is False
    assert judged.gate["comparisons"][0]["low"] > 0
