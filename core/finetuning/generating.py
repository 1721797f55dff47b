"""The job that proposes examples from a corpus's own documents, with rules and our retriever, no other model.

A document at a time: facts are found in its chunks (`finding`), some of each kind are taken, and a question stays
only if it finds its own chunk, no other question of the corpus is the same, and no gold question asks it. Safe to do
again from any document: pairs that are known are not added twice. Knows nothing of how examples are learned.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from core.assistants.words import stems
from core.errors import BadInput, TriptychError
from core.evaluation.metrics import normalise
from core.finetuning.checks import near
from core.finetuning.finding import Asked, Fact, Part, facts
from storage.examples import ExampleDraft
from storage.rows import ChunkRow, DocumentRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

MOST = 40
"""Facts taken from one document: more of a long one would drown the others."""
FIRST = 3
"""A question must find its own chunk among this many passages."""
EVERY = 20_000
Kept = Callable[[Fact, Asked], bool]


def start(ws: "Workspace", corpus_id: int, most: int = MOST) -> JobRow:
    """Queue the proposing of examples; returns the job, the one there is if it has not ended.

    Raises:
        BadInput: the corpus has no document that is ready.
    """
    from storage.jobs import OPEN

    if not ws.corpora.count_documents(corpus_id, status="ready"):
        raise BadInput("There is no document yet to make examples from.", "Add documents on the Corpus page.")
    for job in ws.jobs.list(corpus_id, OPEN):
        if job.kind == "examples":
            return job
    job = ws.jobs.enqueue("examples", corpus_id, {"most": most})
    ws.wake()
    return job


def run(ws: "Workspace", lease: "Lease") -> None:
    """Propose examples from all documents of a claimed job's corpus, going on after the last whole one."""
    job = lease.job
    if job.corpus_id is None:
        raise TriptychError("The corpus of this job is gone.")
    documents = sorted(ws.corpora.documents(job.corpus_id, status="ready", limit=EVERY), key=lambda row: row.id)
    done = job.progress_done if job.progress_total == len(documents) else 0
    for number, document in enumerate(documents[done:], done + 1):
        ws.jobs.say(job, f"document {number} of {len(documents)}")
        drafts = proposals(ws, document, int(job.payload.get("most", MOST)), lease.check)
        ws.examples.add(job.corpus_id, drafts)
        ws.jobs.progress(job, number, len(documents), f"{number} of {len(documents)} documents read")


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Nothing is left half done: what was proposed so far can be reviewed."""


def proposals(
    ws: "Workspace", document: DocumentRow, most: int = MOST, check: Callable[[], None] = lambda: None
) -> list[ExampleDraft]:
    """What a document's facts lead to after all filters, as proposed examples.

    Args:
        most: facts that are taken at most.
        check: called before each search; may raise to end the work.
    """
    chunks = [chunk for chunk in ws.corpora.chunks(document.id) if not chunk.switched_off]
    found = taken(facts([part_of(document, chunk) for chunk in chunks]), most)
    known = {normalise(row.question) for row in ws.examples.list(document.corpus_id)}
    gold = [row.question for row in ws.gold.list(document.corpus_id)]

    def finds_itself(fact: Fact, asked: Asked) -> bool:
        check()
        return round_trip(ws, document.corpus_id, asked.question, fact.part.chunk_id)

    return [draft(document.name, fact, asked) for fact, asked in kept(found, known, gold, finds_itself)]


def part_of(document: DocumentRow, chunk: ChunkRow) -> Part:
    """A chunk as facts are looked for in it: in a person's words where somebody edited it."""
    title = document.title or document.name
    text = chunk.text if chunk.edited is None else chunk.edited
    return Part(title, chunk.page, text, chunk.heading, chunk.header, chunk.id)


def taken(found: Iterable[Fact], most: int) -> list[Fact]:
    """At most `most` facts: the kinds take turns, and each kind's are spread over the document."""
    kinds: dict[str, list[Fact]] = defaultdict(list)
    for fact in found:
        kinds[fact.kind].append(fact)
    turns = chain.from_iterable(zip_longest(*(_spread(each) for each in kinds.values())))
    return [fact for fact in turns if fact is not None][:most]


def _spread(each: Sequence[Fact]) -> list[Fact]:
    """The same facts in an order of which every beginning is spread evenly: the bits of a place, read backwards."""
    width = max(1, (len(each) - 1).bit_length())
    order = sorted(range(len(each)), key=lambda place: int(f"{place:0{width}b}"[::-1], 2))
    return [each[place] for place in order]


def kept(
    found: Iterable[Fact], known: set[str], gold: Iterable[str], finds_itself: Kept
) -> Iterator[tuple[Fact, Asked]]:
    """Questions that are new, are nobody's gold and find their own chunk; `known` (normalised) is added to."""
    said = [stems(question) for question in gold]
    for fact in found:
        for asked in fact.asked:
            name = normalise(asked.question)
            if name in known or near(stems(asked.question), said) or not finds_itself(fact, asked):
                continue
            known.add(name)
            yield fact, asked


def round_trip(ws: "Workspace", corpus_id: int, question: str, chunk_id: int) -> bool:
    """Whether a question finds the chunk it was made from among the first passages."""
    return any(chunk_id in passage.chunk_ids for passage in ws.retriever.search(corpus_id, question, FIRST))


def draft(document: str, fact: Fact, asked: Asked) -> ExampleDraft:
    """A proposed example with its source."""
    return ExampleDraft(
        asked.question,
        asked.answer,
        document=document,
        page=fact.part.page,
        evidence=fact.evidence,
        form=asked.form,
        origin="generated",
        status="proposed",
        meta={"kind": fact.kind},
    )
