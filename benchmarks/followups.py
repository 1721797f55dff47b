"""Are follow-up questions understood? Whether retrieval finds the gold document, with and without rewriting.

    python -m benchmarks.followups                       30 conversations of ours, and doc2dial's later turns (test)
    python -m benchmarks.followups --split train         doc2dial's training questions, to choose rules by

A third part asks each gold question of the samples after one about another document: it stands alone, and must be
found as if nothing had been asked before. With `--split train` these are the samples' training pairs.

Ours are in `questions/followups.jsonl`: what was asked before, the follow-up, the document that answers it. Of
doc2dial only later turns count whose dialogue has an earlier question in the same split; the data has no others,
and keeps only questions that can stand alone, so there rewriting can hardly win and must not lose. The earlier
questions are answered first (quotation only, no base model), as in a chat. Found: among the first five passages.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answering import SETS, arguments, gold, opened, questions, sample_corpora, set_corpus, train
from benchmarks.report import table, write
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.assistants.followup import Turn, standalone
from core.assistants.reading import SMALL
from core.assistants.words import content_words
from core.workspace import Workspace

OURS = Path(__file__).with_name("questions") / "followups.jsonl"
FIRST = 5
Rewrite = Callable[[str, Sequence[Turn]], str]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question, what was asked before it, and the documents that answer it."""

    key: str
    corpus_id: int
    before: tuple[str, ...]
    question: str
    documents: tuple[str, ...]


def typed(question: str, history: Sequence[Turn]) -> str:
    """No rewriting."""
    return question


def appended(question: str, history: Sequence[Turn]) -> str:
    """The control: the last question's content words are added always."""
    asked = [turn.text for turn in history if turn.role == "user"]
    return f"{question} {' '.join(word.text for word in content_words(asked[-1]))}"


WAYS: dict[str, Rewrite] = {
    "as typed": typed,
    "the last question's words always added": appended,
    "**the product**": standalone,
}


def ours(ws: Workspace) -> list[FollowUp]:
    corpora = sample_corpora(ws)
    rows = [json.loads(line) for line in OURS.read_text("utf-8").splitlines()]
    return [FollowUp(r["id"], corpora[r["domain"]], tuple(r["before"]), r["question"], (r["document"],)) for r in rows]


def doc2dial(ws: Workspace, data: Path, split: str) -> list[FollowUp]:
    """Later turns with the earlier questions of their dialogue, as far as the split has them."""
    corpus_id = set_corpus(ws, "doc2dial", data)
    dialogues: dict[str, list[tuple[int, str]]] = {}
    found = []
    rows = questions(data / "data" / SETS["doc2dial"][0] / f"{split}.jsonl")
    for row in sorted(rows, key=lambda each: int(each.id.rpartition("-")[2])):
        dialogue, _, turn = row.id.rpartition("-")
        before = dialogues.setdefault(dialogue, [])
        if before and row.meta["qtype"] == "later_turn":
            asked = tuple(text for _, text in before)
            found.append(FollowUp(row.id, corpus_id, asked, row.question, row.doc_ids))
        before.append((int(turn), row.question))
    return found


def unrelated(ws: Workspace, split: str) -> list[FollowUp]:
    """Questions of the samples that stand alone, each after the next one that is about another document."""
    found = []
    for name, corpus_id in sample_corpora(ws).items():
        rows = [row for row in (gold(name) if split == "test" else train(name)) if row.answer is not None]
        for at, row in enumerate(rows):
            others = (each for each in rows[at + 1 :] + rows[:at] if not set(each.doc_ids) & set(row.doc_ids))
            before = next(others).question
            found.append(FollowUp(row.id, corpus_id, (before,), row.question, row.doc_ids))
    return found


def history(assistant: Assistant, before: Sequence[str]) -> list[Turn]:
    """The conversation so far, answered by the product with quotations alone."""
    turns: list[Turn] = []
    for question in before:
        *_, answer = assistant.ask(question, history=turns)
        assert isinstance(answer, Answer)
        titles = {p.document_id: p.title or p.document for p in answer.passages}
        about = dict.fromkeys(titles[c.document_id] for c in answer.citations if c.document_id in titles)
        turns.append(Turn("user", question, standalone(question, turns)))
        turns.append(Turn("assistant", answer.text, about=tuple(about)))
    return turns


def measure(ws: Workspace, asked: Sequence[FollowUp]) -> tuple[list[list[object]], list[list[object]]]:
    """A row per way of rewriting, and a row per follow-up that the product misses."""
    places: dict[str, list[int]] = {way: [] for way in WAYS}
    missed: list[list[object]] = []
    for each in asked:
        turns = history(Assistant.of(ws, each.corpus_id, SMALL), each.before)
        for way, rewrite in WAYS.items():
            found = [p.document for p in ws.retriever.search(each.corpus_id, rewrite(each.question, turns), FIRST)]
            places[way].append(next((at for at, name in enumerate(found, 1) if name in each.documents), 0))
        if not places["**the product**"][-1]:
            missed.append([each.key, each.question, standalone(each.question, turns)])
    rows = [
        [way, len(asked), sum(at > 0 for at in found), sum(at == 1 for at in found)] for way, found in places.items()
    ]
    return rows, missed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--split", default="test", choices=("train", "test"))
    options = parser.parse_args()
    head = ("searched for", "questions", f"gold document in first {FIRST}", "first")
    parts = []
    with opened(options.workspace) as ws:
        sets = {"Ours": ours(ws), f"doc2dial, {options.split}": doc2dial(ws, options.data, options.split)}
        sets["The samples' questions, each after one about something else"] = unrelated(ws, options.split)
        for name, asked in sets.items():
            rows, missed = measure(ws, asked)
            lost = table(("missed by the product", "asked", "searched for"), missed) if missed else "Nothing missed."
            parts.append(f"## {name}\n\n{table(head, rows)}\n\n{lost}")
    name = "followups" if options.split == "test" else "followups-train"
    write(name, "Follow-up questions: is the gold document found", "\n\n".join(parts))


if __name__ == "__main__":
    main()
