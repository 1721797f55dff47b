"""What adapters that serve really learned is held against the gold questions; what nobody knows is said."""

import json
from collections.abc import Sequence

import pytest

from core.evaluation import known
from core.evaluation.held_out import held_out
from core.finetuning import forgetting, planning, registry
from core.ingestion import intake
from core.workspace import Workspace
from storage.examples import ExampleDraft, Filter
from storage.gold import GoldDraft
from storage.rows import AdapterRow

ASKED = [f"What does clause {number} of the lease say about notice?" for number in range(12)]
LEARNED = "What does clause 3 of the lease say about notice"  # without its question mark, and in other letters
GOLD = GoldDraft("what does Clause 3 of the lease say about notice?", "Six months")


@pytest.fixture
def corpus_id(ws: Workspace) -> int:
    return intake.create_corpus(ws, "Leases", "legal").id


def accepted(ws: Workspace, corpus_id: int, questions: Sequence[str]) -> None:
    drafts = [ExampleDraft(question, "Six months.", f"d{n}.md") for n, question in enumerate(questions)]
    ws.examples.add(corpus_id, drafts)


def trained(ws: Workspace, corpus_id: int, kind: str = "grounded") -> AdapterRow:
    """A promoted adapter with the folder that a training leaves."""
    job = ws.jobs.enqueue("finetune", corpus_id, {})
    ws.jobs.request_cancel(job.id)
    row = ws.adapters.begin(corpus_id, kind, job.id, "SmolLM2")
    parts = planning.split(planning.chosen_examples(ws, corpus_id), 1)
    folder = ws.serving.folder(row)
    folder.mkdir(parents=True)
    planning._examples(folder / "examples.jsonl", parts)
    result = {"examples": len(parts.train), "held_out": len(parts.held_out)}
    ws.adapters.change(row.id, status="candidate", result=result)
    ws.adapters.promote(row.id)
    return ws.adapters.get(row.id)


def reject(ws: Workspace, corpus_id: int, question: str) -> None:
    rows = ws.examples.list(corpus_id, Filter(status="accepted"))
    ws.examples.set_status([row.id for row in rows if row.question == question], "rejected")


def test_rejecting_examples_takes_nothing_out_of_the_adapter_that_was_trained_with_them(
    ws: Workspace, corpus_id: int
) -> None:
    accepted(ws, corpus_id, ASKED)
    row = trained(ws, corpus_id)
    lines = (ws.serving.folder(row) / "examples.jsonl").read_text().splitlines()
    of_part = {each["part"]: str(each["question"]) for each in map(json.loads, lines)}
    for number, question in enumerate((of_part["train"], of_part["held-out"]), 1):
        ws.gold.add(corpus_id, GoldDraft(question.lower().rstrip("?"), "Six months"))
        reject(ws, corpus_id, question)
        assert held_out(ws, corpus_id).left_out == 0
        assert known.facts(ws, corpus_id).leaks == number


def test_what_is_learned_twice_leaks_once_and_what_does_not_serve_leaks_nothing(ws: Workspace, corpus_id: int) -> None:
    accepted(ws, corpus_id, ASKED)
    rows = [trained(ws, corpus_id, kind) for kind in ("grounded", "closed-book")]
    ws.gold.add(corpus_id, GOLD)
    found = held_out(ws, corpus_id)
    assert [found.learned[f"{row.kind} v1"].leaks for row in rows] == [frozenset([ASKED[3]])] * 2
    assert (found.leaks, found.unknown) == (1, {})
    for row in rows:
        registry.withdraw(ws, row.id)
    assert held_out(ws, corpus_id).leaks == 0


def test_an_example_that_nearly_asks_a_gold_question_is_not_learned_and_is_counted(
    ws: Workspace, corpus_id: int
) -> None:
    accepted(ws, corpus_id, [*ASKED[:3], LEARNED, *ASKED[4:]])
    ws.gold.add(corpus_id, GOLD)
    trained(ws, corpus_id)
    found = held_out(ws, corpus_id)
    assert (found.accepted, found.left_out, found.leaks) == (12, 1, 0)
    assert found.learned["grounded v1"].examples == 11
    assert known.facts(ws, corpus_id).leaks == 0


def test_what_an_adapter_from_elsewhere_learned_is_not_known(ws: Workspace, corpus_id: int) -> None:
    ws.gold.add(corpus_id, GOLD)
    results = {"grounded": {"imported": True}, "closed-book": {"imported": True, "served_as": "lease-lora"}}
    for kind, result in results.items():
        row = ws.adapters.take_in(
            corpus_id, kind, "SmolLM2", f"imported-{kind}", base_sha256="a" * 64, recipe={}, result=result
        )
        ws.adapters.promote(row.id)
    unknown = held_out(ws, corpus_id).unknown
    assert "imported" in unknown["grounded v1"]
    assert "endpoint serves it" in unknown["closed-book v1"]


def test_once_what_it_learned_was_deleted_it_is_not_known_any_more(ws: Workspace, corpus_id: int) -> None:
    accepted(ws, corpus_id, ASKED)
    row = trained(ws, corpus_id)
    ws.gold.add(corpus_id, GOLD)
    (learned,) = [each.id for each in ws.examples.list(corpus_id) if each.question == ASKED[3]]
    forgetting.forget(ws, corpus_id, (), [learned])
    ws.examples.delete([learned])
    found = held_out(ws, corpus_id)
    assert (found.leaks, found.learned["grounded v1"].examples) == (0, 11)
    assert found.unknown == {"grounded v1": "1 of the examples that it learned was deleted since"}
    (ws.serving.folder(row) / "examples.jsonl").unlink()
    assert held_out(ws, corpus_id).unknown == {"grounded v1": "the examples that it learned are not there any more"}
