"""Changing the embedding model and the chunks of 10,000 chunks while five people ask in chat, a kill -9 in the middle.

    python -m benchmarks.reembedding [--chunks 10000] [--people 5]

As `reindexing`, where people only search, with the whole answering path: each question is asked in a conversation
through `core.assistants.live` and answered by the embedded base model, leading with a quotation or, for half of the
time, written from whole passages. Of each answer it is told whether it ended well, and from which index it was made.

The product has a search serve from one index: words of its cut, vectors of its collection (`Retriever`). A stored
passage does not say which that was, but it begins and ends where chunks do; the old index's chunks lie across the new
one's, so no place of one can be the other's. An answer is of no one index if neither holds all its passages. The texts
are made up and the old vectors random; so this measures whether it holds, not how well it answers.
"""

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.reindexing import PER_DOCUMENT, arguments, filled, killed, started
from benchmarks.report import table, write
from core.assistants import live
from core.assistants.reading import READINGS
from core.domains import ChunkingPolicy
from core.ingestion import reindexing
from core.ingestion.embedders import Choice
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import MessageRow, PassageRow
from storage.tables import Chunk
from tests.core.ingestion.small_model import small_model

SAID = (
    "Device {document}-{line}: fault F{line} shows as a lamp that blinks, and it is mended by part {part}, which is "
    "changed with the power off. The test that follows takes {line} minutes."
)
ASKED = "By which part is fault F{line} of device {document}-{line} mended?"
SHIFT = len("Device ")
POLICY = ChunkingPolicy("section", 200, 300)
"""About a line of a document."""
READING_S = 10.0
SWAPS = 11
PATIENCE_S = 300.0
"""For that many answers as there are people, from one swap to the next."""
Ends = dict[tuple[int, int], tuple[set[int], set[int]]]
"""For each document and page where chunks begin, and where they end."""


def main() -> None:
    """Fill a workspace, change its index, look at every answer, write results/reembedding.md."""
    chosen = arguments(__doc__)
    if chosen.child:
        child(chosen.child, chosen.people)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "workspace"
        with Workspace.open(Settings.load(home)) as ws:
            corpus_id = filled(ws, chosen.chunks, SAID, SHIFT)
            probed = ws.embedders.probe(Choice("folder", str(small_model(Path(folder) / "small"))))
            index = reindexing.begin(ws, corpus_id, probed, POLICY)
            ws.engine.warm()  # writes its model anew, once
        began = time.perf_counter()
        killed_at = killed(home, index, chosen.people, "benchmarks.reembedding")
        process = started(home, chosen.people, "benchmarks.reembedding")
        said: dict[str, Any] = json.loads(process.communicate()[0].splitlines()[-1])
        seconds = time.perf_counter() - began
        with Workspace.open(Settings.load(home), owner=False) as ws:
            found = looked_at(ws, corpus_id)
    rows = [
        ("vectors there when it was killed", killed_at),
        ("vectors that were lost by it", killed_at - said["kept"]),
        ("attempts of the job", said["attempts"]),
        ("swaps", said["swaps"]),
        ("chunks in the new index: rows, vectors", f"{said['rows']}, {said['vectors']}"),
        *found.items(),
        ("questions that were not taken", len(said["failures"])),
        ("seconds from the beginning, the kill and a second start among them", f"{seconds:.0f}"),
    ]
    note = "".join(f"\n- {failure}" for failure in sorted(set(said["failures"])))
    write("reembedding", "Changing embedding model and chunks while people ask", table(("what", "figure"), rows) + note)


def child(home: Path, people: int) -> None:
    """Run the job while people ask, then swap some times; prints what happened as JSON."""
    with Workspace.open(Settings.load(home)) as ws:
        (corpus,) = ws.corpora.list()
        before, other = ws.corpora.active_index(corpus.id), ws.index_changes.other(corpus.id)
        assert before is not None
        assert other is not None
        kept = ws.indexes.count_ready(other.id)
        over, failures, ended = threading.Event(), list[str](), [0] * people
        threads = [threading.Thread(target=person, args=(ws, corpus.id, number, over, failures, ended))
                   for number in range(people)]  # fmt: skip
        threads.append(threading.Thread(target=changes_reading, args=(ws, corpus.id, over)))
        for thread in threads:
            thread.start()
        job = ws.dispatcher.run_one()
        for turn in range(SWAPS):
            reindexing.swap(ws, (before if turn % 2 else other).id)
            wanted, until = sum(ended) + people, time.monotonic() + PATIENCE_S
            while sum(ended) < wanted and time.monotonic() < until:
                time.sleep(0.1)
        over.set()
        for thread in threads:
            thread.join()
        said = {"kept": kept, "swaps": SWAPS, "attempts": job.attempt if job else 0, "failures": failures}
        said |= {"rows": ws.indexes.count_ready(other.id), "vectors": ws.vectors.count(other.collection)}
        print(json.dumps(said), flush=True)


def person(
    ws: Workspace, corpus_id: int, number: int, over: threading.Event, failures: list[str], ended: list[int]
) -> None:
    """Asks one question after the other, each in a new conversation, and reads each answer to its end."""
    turn, documents = number, ws.corpora.statistics(corpus_id).ready
    while not over.is_set():
        question = ASKED.format(document=turn % documents, line=turn * 7 % PER_DOCUMENT)
        turn += 11
        try:
            for _ in live.follow(ws, live.start(ws, ws.conversations.create(corpus_id).id, question)):
                pass
            ended[number] += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what we look for)
            failures.append(f"{type(error).__name__}: {error}")


def changes_reading(ws: Workspace, corpus_id: int, over: threading.Event) -> None:
    """Has answers lead with quotations and be written from whole passages, in turns."""
    for reading in cycle(READINGS):
        ws.assistants.choose_reading(corpus_id, reading)
        if over.wait(READING_S):
            return


def looked_at(ws: Workspace, corpus_id: int) -> dict[str, int]:
    """What became of every answer, and of which index those that read passages were made."""
    talks = ws.conversations.list(corpus_id)
    answers = [each for talk in talks for each in ws.conversations.messages(talk.id) if each.role == "assistant"]
    ended = Counter(each.status for each in answers)
    cuts = [ends_of(ws, corpus_id, cut) for cut in sorted(_cuts(ws, corpus_id))]
    of = Counter(_whose(ws, each, cuts) for each in answers if each.status == "done")
    return {
        "questions": len(answers),
        "answered: with a quotation first": sum(each.status == "done" and each.quoted_until > 0 for each in answers),
        "answered: written": sum(
            each.status == "done" and not each.quoted_until and not each.refused for each in answers
        ),
        "refused": sum(each.refused for each in answers),
        "cut off by the kill": ended["interrupted"],
        "failed": ended["failed"],
        "with passages of the old index": of[(0,)],
        "with passages of the new index": of[(1,)],
        "with passages of which either may have been": of[(0, 1)],
        "**with passages of more than one index, or of none**": of[()],
        "without passages": of[None],
    }


def _whose(ws: Workspace, answer: MessageRow, cuts: list[Ends]) -> tuple[int, ...] | None:
    """Which cuts hold all passages of an answer and all that it cites; None of an answer without any."""
    passages = ws.conversations.passages(answer.id)
    cited = {each.passage_rank for each in ws.conversations.citations(answer.id)} - {None}
    assert cited <= {each.rank for each in passages}
    return tuple(at for at, ends in enumerate(cuts) if _held(passages, ends)) if passages else None


def _held(passages: Iterable[PassageRow], ends: Ends) -> bool:
    """Whether each passage begins where a chunk does and ends where one does."""
    for each in passages:
        starts, stops = ends.get((each.document_id or 0, each.page), (set[int](), set[int]()))
        if each.start not in starts or each.end not in stops:
            return False
    return True


def ends_of(ws: Workspace, corpus_id: int, cut: int) -> Ends:
    """Where the chunks of one cut lie."""
    columns = Chunk.document_id, Chunk.page, Chunk.start, Chunk.end
    found: Ends = {}
    with ws.database.read() as session:
        for row in session.execute(select(*columns).where(Chunk.corpus_id == corpus_id, Chunk.cut == cut)):
            starts, stops = found.setdefault((row[0], row[1]), (set(), set()))
            starts.add(row[2])
            stops.add(row[3])
    return found


def _cuts(ws: Workspace, corpus_id: int) -> Collection[int]:
    with ws.database.read() as session:
        return set(session.scalars(select(Chunk.cut).where(Chunk.corpus_id == corpus_id).distinct()))


if __name__ == "__main__":
    main()
