"""Two corpora in one workspace with everything a corpus can have, every text with its side's canary."""

import json
from dataclasses import dataclass
from typing import get_args

from core.assistants import comparing, live
from core.conversations import files
from core.evaluation import running
from core.evaluation.questions import of_rows
from core.finetuning.recipe import Kind
from core.generation.scripted import ScriptedChat
from core.ingestion import editing, intake
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft

SIDES = ("left", "right")
WORDS = {"left": "zqlefthandcanary", "right": "zqrighthandcanary"}


@dataclass(frozen=True)
class Side:
    """What one side has, by id; `word` stands in all of it and nowhere else.

    Attributes:
        files: the hidden corpus with the files of its conversation, and `attached` the document there.
        panels: the conversations of its comparison.
        adapters: by kind, those that serve.
        fingerprints: of the answers of its evaluation.
    """

    word: str
    corpus: int
    talk: int
    answer: int
    files: int
    attached: int
    comparison: int
    panels: tuple[int, ...]
    evaluation: int
    fingerprints: tuple[str, ...]
    source: int
    documents: tuple[int, ...]
    names: tuple[str, ...]
    chunks: tuple[int, ...]
    examples: tuple[int, ...]
    jobs: tuple[int, ...]
    adapters: dict[Kind, int]


def made(ws: Workspace, side: str) -> Side:
    """Make one side, and all that can be made of its documents."""
    word = WORDS[side]
    corpus = intake.create_corpus(ws, f"The {side} one", "legal").id
    # The same questions fit both, so that whatever is shared between them would answer with the other's words.
    texts = {
        f"{word}-{n}.md": f"# Lease {n}\n\nThe rent of unit {n} is {n}00 euro, says {word}. Its notice is {n} months."
        for n in range(4)
    }
    took = intake.add_files(ws, corpus, [(name, text.encode()) for name, text in texts.items()])
    ws.dispatcher.run_one()
    documents = ws.corpora.document_ids(corpus)
    talk = ws.conversations.create(corpus).id
    answer = live.start(ws, talk, f"What is the rent of unit 2? {word}", "rag")
    list(live.follow(ws, answer))
    files.attach(ws, talk, [(f"{word}-attached.md", f"Attached: the key of unit 2, {word}.".encode())])
    ws.dispatcher.run_one()
    hidden = ws.conversations.get(talk).files_corpus_id
    assert hidden is not None
    ws.conversations.give_feedback(answer, "down", f"It should say {word}.")
    ws.gold.add(corpus, GoldDraft("What is the rent of unit 2?", f"200 euro, {word}", evidence=word))
    ws.examples.add(corpus, [ExampleDraft(f"What is unit 3, {word}?", f"A unit, {word}.", document=f"{word}-3.md")])
    compared = comparing.start(ws, corpus, f"Which notice has unit 1? {word}", ["base", "rag"])
    panels = tuple(panel.conversation_id for panel in compared.panels)
    for panel in panels:
        list(live.follow(ws, ws.conversations.messages(panel)[-1].id))
    ws.comparisons.vote(compared.id, "rag")
    chunks = tuple(chunk.id for each in documents for chunk in ws.corpora.chunks(each))
    editing.edit(ws, chunks[0], f"The rent of unit 0 was waived, says {word}.")
    evaluation = running.start(ws, corpus, of_rows(ws.gold.list(corpus)), ["base", "quote", "rag"], f"run {word}").id
    ws.dispatcher.run_one()
    source = source_that_is_not_there(ws, corpus, word)
    return Side(
        word=word,
        corpus=corpus,
        talk=talk,
        answer=answer,
        files=hidden,
        attached=ws.corpora.document_ids(hidden)[0],
        comparison=compared.id,
        panels=panels,
        evaluation=evaluation,
        fingerprints=tuple(each.fingerprint for each in ws.evaluations.answers(evaluation)),
        source=source,
        documents=tuple(documents),
        names=tuple(texts),
        chunks=chunks,
        examples=tuple(ws.examples.ids(corpus)),
        adapters={kind: adapter(ws, corpus, kind, word, took.job_id or 0) for kind in get_args(Kind)},
        jobs=tuple(sorted(job.id for job in ws.jobs.list(corpus))),
    )


def source_that_is_not_there(ws: Workspace, corpus: int, word: str) -> int:
    """A folder that is followed: its job names it."""
    source = ws.sources.add(corpus, "folder", {"path": f"/nowhere/{word}"}).id
    job = ws.jobs.get(ws.sources.request(source))
    ws.dispatcher.run_one()
    assert word in ws.jobs.get(job.id).message
    return source


def adapter(ws: Workspace, corpus: int, kind: Kind, word: str, job: int) -> int:
    """An adapter that serves: what it learned lies in its folder, and it says so whatever it is asked."""
    row = ws.adapters.begin(corpus, kind, job, "base")
    ws.adapters.change(row.id, status="candidate", note=f"of {word}", documents={f"{word}-1.md": "0" * 64})
    ws.adapters.promote(row.id)
    ws.serving._engines[row.id] = ScriptedChat(answers=[f"The {kind} adapter learned {word}."])
    folder = ws.serving.folder(row)
    folder.mkdir(parents=True, exist_ok=True)
    frozen = [{"id": each, "question": word, "answer": word, "part": "train"} for each in ws.examples.ids(corpus)]
    (folder / "examples.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in frozen), "utf-8")
    return row.id
