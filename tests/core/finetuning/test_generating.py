"""Examples from a corpus's own documents: what facts are found, and that only sound questions are kept."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domains import domain
from core.finetuning import generating
from core.finetuning.finding import Part, facts
from core.ingestion import intake
from core.ingestion.chunking import chunk
from core.ingestion.parsing import parse
from core.jobs.runner import run
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft

LEASE = """# Lease of Unit 7

## 1. Definitions

1.1 "Service Charge Year" means the year ending on 31 December.

1.2 This lease was signed by both parties on 11 September 2024.

## 2. Particulars

| Item | Amount | Due |
|---|---|---|
| Rent | 286,200 pounds | Quarterly |
| Deposit | 71,550 pounds | On signing |
| Sums above are exclusive of VAT. | | |
| Something | else | here |

## 3. Break

The tenant may end this lease early by giving the landlord six months' notice in writing at its head office.
"""
RULES = """# House rules

## May I keep a dog?

Dogs are welcome in the courtyard, but never inside the building or in the lifts.
"""


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    corpus_id = intake.create_corpus(ws, "Leases", "legal").id
    intake.add_files(ws, corpus_id, [("lease.md", LEASE.encode()), ("rules.md", RULES.encode())])
    ws.dispatcher.run_one()
    return corpus_id


def asked(name: str, text: str, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    parsed = parse(path, name)
    parts = [Part(parsed.title, c.page, c.text, c.heading, c.header) for c in chunk(parsed, domain("legal").chunking)]
    return {one.question: one.answer for fact in facts(parts) for one in fact.asked}


def test_definitions_dates_clauses_cells_and_blanks_become_questions(tmp_path: Path) -> None:
    found = asked("lease.md", LEASE, tmp_path)
    assert found['What does "Service Charge Year" mean in "Lease of Unit 7"?'] == "the year ending on 31 December"
    assert found['What does clause 1.1 of "Lease of Unit 7" say?'].startswith('"Service Charge Year" means')
    assert found['What does "Lease of Unit 7" give as "Due" for "Deposit"?'] == "On signing"
    assert found['In "Lease of Unit 7", which entry has "Quarterly" under "Due"?'] == "Rent"
    blank = "The tenant may end this lease early by giving the landlord ____' notice in writing at its head office."
    assert found[f'Fill in the blank from "Lease of Unit 7": {blank}'] == "six months"


def test_a_remark_ends_a_table_and_this_is_nobodys_subject(tmp_path: Path) -> None:
    questions = "\n".join(asked("lease.md", LEASE, tmp_path))
    assert '"Something"' not in questions
    assert "When was this lease" not in questions


def test_a_question_in_a_document_keeps_its_answer(tmp_path: Path) -> None:
    found = asked("rules.md", RULES, tmp_path)
    assert found["May I keep a dog?"] == (
        "Dogs are welcome in the courtyard, but never inside the building or in the lifts."
    )


@pytest.mark.parametrize("name", ["legal", "finance"])
def test_every_answer_stands_in_its_source_and_not_in_its_question(name: str) -> None:
    sample = Path(domain(name).train_file).parent / "sample"
    for path in sorted(sample.glob("*.[mhx][dtl]*")):
        parsed = parse(path, path.name)
        parts = [Part(parsed.title, c.page, c.text, c.heading, c.header) for c in chunk(parsed, domain(name).chunking)]
        found = facts(parts)
        assert found, path.name
        for fact in found:
            for one in fact.asked:
                assert " ".join(one.answer.split()) in " ".join(fact.part.text.split())
                assert f" {one.answer.casefold()} " not in f" {one.question.casefold()} "


def test_facts_that_are_taken_are_of_all_kinds_and_of_the_whole_document() -> None:
    part = Part("T", 1, "text")
    many = [generating.Fact("cell", part, str(n), ()) for n in range(64)] + [generating.Fact("date", part, "d", ())]
    chosen = generating.taken(many, 9)
    assert [fact.kind for fact in chosen].count("date") == 1
    assert sorted(int(fact.evidence) for fact in chosen if fact.kind == "cell") == [0, 8, 16, 24, 32, 40, 48, 56]


def test_the_job_proposes_each_question_once_and_never_gold(ws: Workspace, corpus: int) -> None:
    ws.gold.add(corpus, GoldDraft("May I keep a dog?", "In the courtyard only."))
    generating.start(ws, corpus)
    ws.dispatcher.run_one()
    rows = ws.examples.list(corpus)
    assert {row.document for row in rows} == {"lease.md", "rules.md"}
    assert {(row.status, row.origin) for row in rows} == {("proposed", "generated")}
    assert {"question", "reworded", "masked"} <= {row.form for row in rows}
    assert all(row.page and row.evidence and row.meta["kind"] for row in rows)
    questions = [row.question for row in rows]
    assert len(questions) == len(set(questions))
    assert "May I keep a dog?" not in questions
    generating.start(ws, corpus)
    ws.dispatcher.run_one()
    assert [row.id for row in ws.examples.list(corpus)] == [row.id for row in rows]


def test_what_does_not_find_its_own_passage_is_not_proposed(ws: Workspace, corpus: int) -> None:
    chunks = [c for row in ws.corpora.documents(corpus) for c in ws.corpora.chunks(row.id)]
    dogs = next(each for each in chunks if "Dogs are welcome" in each.text)
    assert generating.round_trip(ws, corpus, "Are dogs welcome in the courtyard?", dogs.id)
    assert not generating.round_trip(ws, corpus, "Are dogs welcome in the courtyard?", dogs.id + 1_000)


def test_a_cancelled_job_keeps_what_it_proposed_and_the_next_one_goes_on(ws: Workspace, corpus: int) -> None:
    job = generating.start(ws, corpus)
    claimed = ws.jobs.claim("test", 60, datetime.now(UTC), ["examples"])
    assert claimed is not None
    ws.jobs.progress(claimed, 1, 2, "")
    ws.jobs.release(claimed)
    claimed = ws.jobs.claim("test", 60, datetime.now(UTC), ["examples"])
    assert claimed is not None
    run(ws, claimed, threading.Event())
    assert ws.jobs.get(job.id).status == "done"
    last = max(ws.corpora.documents(corpus), key=lambda row: row.id)
    assert {row.document for row in ws.examples.list(corpus)} == {last.name}
