"""A workspace in which unique words were put into every place that can hold words, and the search for them.

`PAPER` stands in a document (its text and its name) and in all that was made of it, `TALK` in a conversation, `OWN` in
a file attached to that conversation, `SIDE` in a comparison, `OTHER` in what must survive.
"""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.assistants import comparing
from core.conversations import files
from core.evaluation import kept
from core.evaluation.questions import of_rows
from core.finetuning import cards, corrections, exporting, planning
from core.finetuning import lessons as lesson_files
from core.finetuning.base import Base
from core.finetuning.lessons import Lesson
from core.finetuning.recipe import preset
from core.ingestion import intake
from core.models import packaged_gguf
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import AdapterRow, CitationRow, EvaluationAnswerRow, FindingRow, PassageRow
from storage.words import Stemmer

PAPER, TALK, OWN, OTHER, SIDE = "qzvaxilon", "wrumpetkov", "xylgorbant", "jubblefrost", "zepflumgart"
ACCENT = {PAPER: "qöžvalwick", TALK: "wößtrumnik", OWN: "xéłgorwen", OTHER: "jüßbalfin", SIDE: "zäßpflorin"}
FILLERS = 12


@dataclass(frozen=True, slots=True)
class Made:
    """Ids of what holds the words."""

    corpus: int
    paper: int
    talk: int
    comparison: int
    vectors: bytes


def words(canary: str) -> str:
    return f"{canary} {ACCENT[canary]}"


def paper(canary: str) -> bytes:
    body = "\n\n".join(
        f"## Part {n} of {canary}\n\nThe {words(canary)} tariff of part {n} is {n}00 crowns, due on day {n}."
        for n in range(1, 13)
    )
    return f"# {words(canary).title()}\n\n{body}\n".encode()


def fill(ws: Workspace) -> Made:
    """Put the words everywhere."""
    corpus = intake.create_corpus(ws, "Tariffs", "legal").id
    fillers = [(f"note{n}.md", f"# Note {n}\n\nThe fee of unit {n} is {n} crowns.".encode()) for n in range(FILLERS)]
    mine = [(f"{words(PAPER)}.md", paper(PAPER)), (f"{words(OTHER)}.md", paper(OTHER))]
    intake.add_files(ws, corpus, [*fillers[:6], *mine, *fillers[6:]])
    ws.dispatcher.run_one()
    documents = {row.name: row.id for row in ws.corpora.documents(corpus, limit=99)}
    document = documents[f"{words(PAPER)}.md"]
    chunk = ws.corpora.chunks(document)[0]
    from core.ingestion import editing

    editing.edit(ws, chunk.id, f"{words(PAPER)} in other words")
    learn(ws, corpus, documents)
    talk = talk_about(ws, corpus, document)
    side = compare(ws, corpus)
    measure(ws, corpus, document)
    vector = np.concatenate([vectors for _, vectors in ws.indexes.of_documents(ws.corpora.indexes()[0].id, [document])])
    return Made(corpus, document, talk, side, vector.astype("<f4").tobytes())


def learn(ws: Workspace, corpus: int, documents: dict[str, int]) -> None:
    """Examples uploaded and generated, gold questions, and an adapter with all that a training leaves."""
    drafts = []
    for name in documents:
        word = next((word for word in (PAPER, OTHER) if word in name), "")
        for n in range(1, 4) if word else (int(name[4:-3]),):
            fact = f"The {words(word)} tariff of part {n} is {n}00 crowns" if word else f"The fee of unit {n}"
            origin = "upload" if n == 1 else "generated"
            asked = f"What is {fact[4:]}?"
            drafts.append(ExampleDraft(asked, fact, name, 1, fact, origin=origin))
    ws.examples.add(corpus, drafts)
    for word in (PAPER, OTHER):
        name = f"{words(word)}.md"
        ws.gold.add(corpus, GoldDraft(f"Tariff of {words(word)}?", words(word), True, (name,), 1, words(word)))
    job = ws.jobs.enqueue("finetune", corpus, {"kinds": [], "preset": "quick", "changes": {}, "by": ""})
    row = ws.adapters.begin(corpus, "grounded", job.id, "embedded")
    folder = ws.serving.folder(row)
    plan = prepare(ws, corpus, folder)
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    ws.adapters.change(
        row.id, status="candidate", documents=plan["documents"], result={"corpus": plan["corpus"]}, trained_at=None
    )
    for form in exporting.FORMS:
        export(ws, ws.adapters.get(row.id), form)


def export(ws: Workspace, row: AdapterRow, form: exporting.Form) -> None:
    """A zip with the card that `exporting.write` writes; merging half a gigabyte would show nothing more here."""
    target = exporting.target(ws, row, form)
    target.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("README.md", cards.card(row, "Tariffs", "", form, "it answers as the adapter does"))
        packed.writestr("adapter.bin", b"weights")


def prepare(ws: Workspace, corpus: int, folder: Path) -> dict[str, Any]:
    """The folder of a run, without the half gigabyte that the base model is unpacked to."""
    base = Base(folder, "", 0, gguf=packaged_gguf())
    parts = planning.split(planning.chosen_examples(ws, corpus), 1)
    _, taught = planning.teach(ws, corpus, "closed-book", parts, preset("quick", "closed-book", 0), base)
    tokens = planning.speaks(base)
    shown = Lesson(tuple(tokens.encode(f"Passage: the {words(PAPER)} tariff")), (1, 2), 1)  # as a grounded one has
    folder.mkdir(parents=True)
    planning._examples(folder / "examples.jsonl", parts)
    for name in ("lessons.jsonl", "held_out.jsonl", "samples.jsonl"):
        lesson_files.write(folder / name, [*taught.train, *taught.held_out, shown])
    written = [tokens.encode(f"It is {words(PAPER)}")]
    (folder / "progress.jsonl").write_text(json.dumps({"look": 1, "samples": written}) + "\n")
    plan = {
        "corpus": sorted(ws.corpora.contents(corpus)),
        "documents": planning.documents(ws, corpus, [*parts.train, *parts.held_out]),
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    return plan


def measure(ws: Workspace, corpus: int, document: int) -> None:
    """An evaluation on the gold questions, with an answer each."""
    questions = of_rows(ws.gold.list(corpus))
    run = ws.evaluations.begin(corpus, ["rag"], [each.json() for each in questions], {}, name="all")
    job = ws.jobs.claim("test", 60, planning_now(), ["evaluate"])
    assert job is not None
    for each in questions:
        place = {"document_id": document, "document": each.documents[0], "page": 1} if PAPER in each.answer else {}
        places = [place] if place else []
        if TALK in each.answer or SIDE in each.answer:
            judged = {"question": each.id, "first": "rag", "second": "base", "verdict": "first", "said": [each.answer]}
            ws.evaluations.find(job, run.id, FindingRow("judgement", f"{each.id}|rag|base", judged))
        answer = EvaluationAnswerRow(each.id, "rag", f"It is {each.answer}", False, "", places, places, {}, {})
        ws.evaluations.keep(job, run.id, answer)
    probe = {"question": words(PAPER), "document": words(PAPER) + ".md", "old": PAPER, "new": PAPER}
    said = {"question": "1", "first": "rag", "second": "base", "verdict": "first", "said": [words(PAPER), "B"]}
    for kind, content in (
        (
            "fresh",
            probe | {"answer": words(PAPER), "mode": "rag", "outcome": "old", "real": True, "places": [document]},
        ),
        ("probes", {"probes": [probe]}),
        ("judgement", said),
    ):
        ws.evaluations.find(job, run.id, FindingRow(kind, "", content))
    for side in ws.comparisons.list(corpus):
        voted = {"comparison": side.id, "first": "rag", "second": "base", "person": "first", "verdict": "first"}
        ws.evaluations.find(job, run.id, FindingRow("vote", str(side.id), voted | {"said": [words(SIDE)]}))
    ws.jobs.finish(job)


def planning_now() -> Any:
    from storage.tables import now

    return now()


def talk_about(ws: Workspace, corpus: int, document: int) -> int:
    """A conversation with a file of its own, an answer that quotes the document, and another that was corrected.

    The correction is an example and a gold question.
    """
    talk = ws.conversations.create(corpus).id
    files.attach(ws, talk, [(f"{words(OWN)}.md", paper(OWN))])
    while (job := ws.dispatcher.run_one()) is not None:
        assert job.kind != "index" or job.status == "done"
    ws.conversations.add_question(talk, f"What about {words(TALK)}?", title=words(TALK))
    answer = ws.conversations.begin_answer(talk, "rag", "model")
    passage = PassageRow(1, document, 1, 0, 40, "", 1.0, True)
    cited = CitationRow(0, 20, 1, document, 1, 0, 20, 0.9)
    said = f"The {words(PAPER)} tariff is 100 crowns."
    found = {"checks": {"carried": ["figures"], "found": [{"check": "figures", "said": words(PAPER)}]}}
    how = {"passages": [passage], "citations": [cited], "searched_for": words(PAPER), "context": found}
    ws.conversations.finish_answer(answer.id, said, **how)
    ws.conversations.add_question(talk, f"And {words(TALK)} again?")
    other = ws.conversations.begin_answer(talk, "rag", "model")
    ws.conversations.finish_answer(other.id, f"Nothing but {words(TALK)}.")
    corrections.correct(ws, other.id, f"It should have been {words(TALK)} indeed.")
    ws.examples.update(ws.examples.list(corpus)[-1].id, status="accepted")
    kept.keep(ws, other.id, kept.draft(ws, other.id))
    return talk


def compare(ws: Workspace, corpus: int) -> int:
    """A comparison with a vote, of which an example was proposed, and a gold question out of another panel."""
    row = ws.comparisons.begin(corpus, f"Which {words(SIDE)}?", [("rag", "", ""), ("base", "", "")], False)
    for panel in row.panels:
        ws.conversations.add_question(panel.conversation_id, row.question, title=row.question)
        answer = ws.conversations.begin_answer(panel.conversation_id, panel.mode, "model")
        ws.conversations.finish_answer(answer.id, f"It is {words(SIDE)} by {panel.mode}.")
    comparing.vote(ws, row.id, "rag")
    gold = kept.draft(ws, answer.id)
    kept.keep(ws, answer.id, replace(gold, question=f"Say: {words(SIDE)} or another house, and of which tariff?"))
    return row.id


def found(home: Path, canary: str) -> set[str]:
    """The files of a workspace, closed or open, in which any form of the words stands."""
    return {path.relative_to(home).as_posix() for path in _all(home) if _holds(path, canary)}


def holds_vectors(home: Path, vectors: bytes) -> set[str]:
    """The files that hold any of these vectors: some numbers of one in a row, wherever it begins."""
    each = np.frombuffer(vectors, "<f4").reshape(-1, 384)
    return {path.relative_to(home).as_posix() for path in _all(home) if _has_any(path.read_bytes(), each)}


def _all(home: Path) -> Iterator[Path]:
    return (path for path in home.rglob("*") if path.is_file())


def _has_any(data: bytes, vectors: "np.ndarray[Any, Any]") -> bool:
    """Chroma scales vectors anew, so last digits may differ: three numbers in a row are compared within a millionth."""
    for start in range(4):
        numbers = np.frombuffer(data[start : start + (len(data) - start) // 4 * 4], "<f4")
        for vector in vectors:
            with np.errstate(invalid="ignore"):
                at = np.flatnonzero(np.abs(numbers[:-2] - vector[10]) < 1e-6)
                if np.any(
                    (np.abs(numbers[at + 1] - vector[11]) < 1e-6) & (np.abs(numbers[at + 2] - vector[12]) < 1e-6)
                ):
                    return True
    return False


def _holds(path: Path, canary: str) -> bool:
    data = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            data += b"\n".join(packed.read(name) for name in packed.namelist())
    needles = set(_needles(canary))
    lower = data.lower()
    return any(needle in data or needle in lower for needle in needles) or _tokens_hold(path, data, canary)


def _needles(canary: str) -> Iterator[bytes]:
    """Full text keeps the first letters of a word apart that it shares with the word before: they are left out."""
    stems = Stemmer().sequences([words(canary)])[0]
    for word in {canary, ACCENT[canary], *stems}:
        for form in (word[3:], word[3:].upper()):
            yield from (form.encode(), form.encode("utf-16-le"), form.encode("utf-16-be"))
            yield json.dumps(form).strip('"').encode()


def _tokens_hold(path: Path, data: bytes, canary: str) -> bool:
    """Whether token numbers in a file of JSON lines spell the words."""
    if path.suffix != ".jsonl":
        return False
    return any(canary[3:] in text or ACCENT[canary][3:] in text for text in map(_spelt, _lists(data)))


def _lists(data: bytes) -> Iterator[list[int]]:
    waiting: list[Any] = [json.loads(line) for line in data.splitlines()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list) and value and all(isinstance(each, int) for each in value):
            yield value
        elif isinstance(value, list):
            waiting += value


def _spelt(tokens: list[int]) -> str:
    return str(_speaks().decode(tokens))


_known: list[Any] = []


def _speaks() -> Any:
    from core.generation import gguf
    from core.generation.tokens import Tokens

    if not _known:
        _known.append(Tokens(gguf.metadata(packaged_gguf())))
    return _known[0]


def rows_hold(home: Path, canary: str) -> set[str]:
    """The tables of the workspace's database of which a row holds the words: says where to look."""
    with sqlite3.connect(home / "triptych.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"')
            if any(canary in str(value).lower() or ACCENT[canary] in str(value) for value in row)
        }
