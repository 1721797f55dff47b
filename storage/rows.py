"""What storage hands out: frozen copies of rows, detached from any database session.

They know nothing of how they are stored. Field meanings are those of `storage/tables.py`; fields
that no table has are explained here.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """A named set of documents in one domain."""

    id: int
    name: str
    domain: str
    sample: bool
    created_at: datetime
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain somebody added; `toml` is what it says."""

    id: int
    name: str
    title: str
    toml: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BaseModelRow:
    """A base model somebody added. `secret` stays out of its `repr`, encrypted though it is."""

    id: int
    name: str
    kind: str
    location: str
    model: str
    window: int
    options: dict[str, Any]
    secret: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AssistantRow:
    """How a corpus is answered; no `base_model_id` is the embedded one, no `refuse_below` its domain's threshold."""

    corpus_id: int
    base_model_id: int | None = None
    mode: str = "rag"
    reading: str = "auto"
    refuse_below: float | None = None
    retrain_days: int = 0
    retrain_share: int = 0


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One uploaded file or corpus.jsonl line; `dropped` holds `page`, `what` and `why` of each omission.

    `flags` holds `kind`, `what`, `page`, `start` and `end` of each place that a person should look at.
    """

    id: int
    corpus_id: int
    name: str
    title: str
    source: str
    media_type: str
    content_sha256: str
    size_bytes: int
    status: str
    progress_done: int
    progress_total: int
    error: str
    remedy: str
    notes: list[str]
    dropped: list[dict[str, Any]]
    page_count: int
    chunk_count: int
    replaces_id: int | None
    job_id: int | None
    added_by: str
    created_at: datetime
    indexed_at: datetime | None
    flags: list[dict[str, Any]] = field(default_factory=list)
    original_removed: bool = False


@dataclass(frozen=True, slots=True)
class PageRow:
    """The text of one page, slide or sheet."""

    id: int
    document_id: int
    number: int
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A stored slice of one page: `text == page.text[start:end]`."""

    id: int
    corpus_id: int
    document_id: int
    ordinal: int
    page: int
    start: int
    end: int
    kind: str
    heading: str
    header: str
    text: str
    edited: str | None = None
    switched_off: bool = False
    cut: int = 0

    @property
    def said(self) -> str:
        """The words that are searched and quoted: a person's where there are any, else the page's."""
        return self.text if self.edited is None else self.edited


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A way of searching one corpus; its vectors are in the Chroma collection `collection`."""

    id: int
    corpus_id: int
    fingerprint: str
    embedding_model: str
    dimension: int
    chunker: str
    collection: str
    active: bool
    embedder: dict[str, Any]
    created_at: datetime
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """A corpus in numbers; `pending` documents are queued or under way, `indexed_at` is the latest."""

    documents: int
    ready: int
    failed: int
    pending: int
    pages: int
    chunks: int
    indexed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """Questions and answers of one corpus; `leaf_id` ends the path that is shown."""

    id: int
    corpus_id: int
    title: str
    mode: str
    pinned: bool
    leaf_id: int | None
    files_corpus_id: int | None
    created_at: datetime
    updated_at: datetime
    variant: str = ""
    comparison_id: int | None = None


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One panel of a comparison: a mode as it serves, or the `variant` of it that people know as `name`."""

    conversation_id: int
    mode: str
    variant: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """What a vote names it by."""
        return f"{self.mode}#{self.variant}" if self.variant else self.mode


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One question in several modes, with its panels in the order in which they are shown."""

    id: int
    corpus_id: int
    question: str
    blind: bool
    choice: str
    voted_at: datetime | None
    created_at: datetime
    panels: tuple[PanelRow, ...]


@dataclass(frozen=True, slots=True)
class VoteRow:
    """What a person preferred: one of `modes` (keys of panels), "tie" or "bad"; `names` are those of variants."""

    question: str
    choice: str
    modes: tuple[str, ...]
    blind: bool
    voted_at: datetime | None
    names: dict[str, str] = field(default_factory=dict)
    comparison_id: int = 0


@dataclass(frozen=True, slots=True)
class FoundTalk:
    """A conversation that a search found; `excerpt` is "" and `message_id` None when its title alone matched."""

    conversation: ConversationRow
    message_id: int | None
    excerpt: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A question (`role` user) or an answer (`role` assistant); `parent_id` is the message before it."""

    id: int
    conversation_id: int
    parent_id: int | None
    role: str
    text: str
    searched_for: str
    status: str
    mode: str
    refused: bool
    quoted_until: int
    base_model: str
    error: str
    timings: dict[str, Any]
    context: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PassageRow:
    """What was retrieved for an answer.

    `document`, `title`, `page_label` and `text` are looked up when it is read, and empty once the
    document is deleted; they are ignored when it is written. So is `edited`: the words are a person's.
    """

    rank: int
    document_id: int | None
    page: int
    start: int
    end: int
    heading: str
    score: float
    in_prompt: bool
    document: str = ""
    title: str = ""
    page_label: str = ""
    text: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class CitationRow:
    """One sentence of an answer and the place that supports it.

    `document`, `page_label` and `quote` are looked up when it is read, and empty once the document is
    deleted; they are ignored when it is written. `edited`: the words quoted were a person's; `quote` is what the
    person's words are now, "" once the edit was undone.
    """

    sentence_start: int
    sentence_end: int
    passage_rank: int | None
    document_id: int | None
    page: int | None
    quote_start: int | None
    quote_end: int | None
    support: float
    document: str = ""
    page_label: str = ""
    quote: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """What a person thought of an answer; `verdict` is up or down."""

    id: int
    message_id: int
    verdict: str
    corrected_answer: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GoldRow:
    """A question whose answer is known; `documents` are names, `page` is where the answer stands."""

    id: int
    corpus_id: int
    question: str
    answer: str
    answerable: bool
    documents: list[str]
    page: int | None
    evidence: str
    meta: dict[str, Any]
    origin: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One training pair."""

    id: int
    corpus_id: int
    question: str
    answer: str
    document: str
    page: int | None
    evidence: str
    form: str
    origin: str
    status: str
    meta: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """One trained adapter and all it came from."""

    id: int
    corpus_id: int
    job_id: int | None
    kind: str
    version: int
    status: str
    base_model: str
    base_sha256: str
    prompt_sha256: str
    examples_sha256: str
    recipe: dict[str, Any]
    estimate: dict[str, Any]
    result: dict[str, Any]
    gate: dict[str, Any]
    documents: dict[str, Any]
    files: dict[str, Any]
    folder: str
    note: str
    created_by: str
    created_at: datetime
    trained_at: datetime | None
    promoted_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One comparison of modes on gold questions."""

    id: int
    corpus_id: int
    job_id: int | None
    name: str
    modes: list[str]
    questions: list[dict[str, Any]]
    left_out: dict[str, Any]
    fingerprints: dict[str, Any]
    summary: dict[str, Any]
    created_by: str
    created_at: datetime
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvaluationAnswerRow:
    """What one mode answered to one question of an evaluation, and what it scored.

    `taken_from` is the evaluation it was taken over from; `answerability` how probable it seemed that the documents
    hold the answer, 0..1.
    """

    question_id: str
    mode: str
    text: str
    refused: bool
    base_model: str
    citations: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    timings: dict[str, Any]
    scores: dict[str, Any]
    fingerprint: str = ""
    taken_from: int | None = None
    answerability: float | None = None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """What was measured beside the answers of an evaluation."""

    kind: str
    key: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobRow:
    """Queued work as it stood when it was read; `attempt` is the fencing token of whoever claimed it."""

    id: int
    kind: str
    corpus_id: int | None
    payload: dict[str, Any]
    status: str
    attempt: int
    stalled: int
    worker: str
    lease_until: datetime | None
    heartbeat_at: datetime | None
    cancel_requested: bool
    pause_requested: bool
    progress_done: int
    progress_total: int
    message: str
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A folder or a list of web addresses that a corpus keeps up with."""

    id: int
    corpus_id: int
    kind: str
    label: str
    location: dict[str, Any]
    on_removal: str
    every_minutes: int
    enabled: bool
    added_by: str
    last_run_at: datetime | None
    last_error: str
    last_remedy: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SourceItemRow:
    """One file or web address of a source as it was last taken."""

    id: int
    source_id: int
    path: str
    size: int
    mtime_ns: int
    etag: str
    last_modified: str
    content_sha256: str
    document_id: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit log."""

    number: int
    at: datetime
    actor: str
    through: str
    action: str
    subject: str
    subject_id: int | None
    corpus_id: int | None
    name_sha256: str
    detail: dict[str, Any]
    previous: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NamedRow:
    """What a document is called."""

    id: int
    name: str
    title: str


def copied(kind: type[Row], record: object, **extra: object) -> Row:
    """A detached copy of an ORM record: every field of `kind` from `extra`, or else from the attribute of its name."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    known = {name: getattr(record, name) for name in names if name not in extra and hasattr(record, name)}
    return kind(**known, **extra)
