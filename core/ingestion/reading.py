"""Reads the documents of a job ahead of the embedding: parse, chunk, and say what went wrong.

Uploads are parsed in the sandbox's children, several at once, while this process embeds what came
before. Knows nothing of databases: documents go in, their content or their failure comes out.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace

from core import room
from core.domains import Domain
from core.errors import NoRoom, PersonalData, TriptychError
from core.ingestion import flags, personal, scanned
from core.ingestion.chunking import chunk
from core.ingestion.cutting import packed
from core.ingestion.parsed import ParsedDocument
from core.tracing import where
from storage.contents import ChunkText, Content, PageText
from storage.rows import DocumentRow

log = logging.getLogger(__name__)
AT_ONCE = 2
AHEAD = 16
"""Documents read but not embedded yet: enough for small ones to share a batch, few enough to hold in memory."""
GROUP_CHUNKS = 256
"""Small documents share transactions and calls of the embedding model until they have this many chunks."""
SHOWN = 200
"""Characters that are kept of something that was left out; personal data is looked for in all of it."""
REDACTED = "personal data was replaced ({}); no original is kept, so pages are shown as text"
PATIENCE_S = 0.02
"""How long a group waits for one more document before it goes on without."""


@dataclass(frozen=True, slots=True)
class Read:
    """A document on its way: its `content`, or the `failure`, or neither when it had been stored before.

    `refused`: it holds what the domain does not take, so its file is not kept.
    """

    document: DocumentRow
    content: Content | None = None
    failure: TriptychError | None = None
    refused: bool = False

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return len(self.content.chunks) if self.content else self.document.progress_total


def groups(
    documents: Sequence[DocumentRow], parse: Callable[[DocumentRow], ParsedDocument], domain: Domain, cut: int = 0
) -> Iterator[list[Read]]:
    """Read documents in order and hand them out in groups that are worth embedding together.

    `cut` is the number of the cut that `domain.chunking` makes in their corpus.

    A group closes when it has `GROUP_CHUNKS` or when its next document is not read yet, so that a few
    small files never wait for a big one.
    """
    group: list[Read] = []
    reads = _ahead(documents, lambda document: read(document, parse, domain, cut))
    for future in reads:
        if group and not wait([future], PATIENCE_S).done:
            yield group
            group = []
        item = future.result()
        if group and sum(member.chunks for member in group) + item.chunks > GROUP_CHUNKS:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def read(document: DocumentRow, parse: Callable[[DocumentRow], ParsedDocument], domain: Domain, cut: int = 0) -> Read:
    """Parse and chunk one document as its domain wants it, unless an earlier attempt did.

    Raises nothing but what the disk did: that is no fault of the file, which is read when the job goes on.
    """
    if document.status == "embedding":
        return Read(document)
    try:
        return Read(document, content=_content(document, parse(document), domain, cut))
    except PersonalData as error:
        return Read(document, failure=error, refused=True)
    except NoRoom:
        raise
    except TriptychError as error:
        return Read(document, failure=error)
    except FileNotFoundError as error:
        # Deleted while it waited, as a rule; then its row is gone too and nobody is told.
        log.warning("the upload of document %d is gone: %s", document.id, where(error))
        return Read(document, failure=TriptychError("The uploaded file is not there any more.", "Add it again."))
    except Exception as error:
        if room.told(error) is not None:
            raise
        # Logged without its message, which may quote the file.
        log.error("reading document %d: %s", document.id, where(error))
        return Read(document, failure=TriptychError("This file tripped a defect of ours.", "Please report it."))


def _ahead(documents: Sequence[DocumentRow], do: Callable[[DocumentRow], Read]) -> Iterator["Future[Read]"]:
    waiting = deque(documents)
    under_way: deque[Future[Read]] = deque()
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reading")
    try:
        while waiting or under_way:
            while waiting and len(under_way) < AHEAD:
                under_way.append(pool.submit(do, waiting.popleft()))
            yield under_way.popleft()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a file that takes long must not hold up a stop


def _content(document: DocumentRow, parsed: ParsedDocument, domain: Domain, cut: int) -> Content:
    """What is stored of a document.

    Raises:
        PersonalData: it holds some, and the domain refuses such documents.
    """
    titled = replace(parsed, title=document.title or parsed.title)  # a corpus.jsonl line brings its own
    counts = personal.counted(titled) if domain.personal != "off" else {}
    if counts and domain.personal == "refuse":
        raise PersonalData(
            f"It seems to hold personal data: {personal.told(counts)}. Its file was not kept.",
            "Take it out and add the file again, or have the domain mark or replace it.",
        )
    redacted = bool(counts) and domain.personal == "redact"
    if redacted:
        parsed = personal.redacted(titled)
    drafts = chunk(parsed, domain.chunking)
    found = flags.personal(titled) if counts and not redacted else []
    return Content(
        document_id=document.id,
        title=parsed.title,
        media_type=parsed.media_type,
        pages=[
            PageText(page.number, page.label, page.text, packed(page.blocks), scanned.packed(page.scanned))
            for page in parsed.pages
        ],
        chunks=[ChunkText(**asdict(draft), cut=cut) for draft in drafts],
        notes=[*parsed.notes, *([REDACTED.format(personal.told(counts))] if redacted else [])],
        dropped=[asdict(item) | {"what": item.what[:SHOWN]} for item in parsed.dropped],
        flags=[asdict(flag) for flag in [*flags.suspicious(drafts), *found]],
        redacted=redacted,
    )
