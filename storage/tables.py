"""The nouns of the product, one table each: read this first.

SQL is the truth. Chunk text and embedding vectors are rows; the full-text index and Chroma are
look-ups that can be rebuilt from them. Nothing here is particular to one database.

    Corpus 1-* Document 1-* Page
                        1-* Chunk 1-* Embedding *-1 Index *-1 Corpus
    Corpus 1-* ChunkEdit, by a document's name and the words it changes
    Corpus 1-* Conversation 1-* Message 1-* MessagePassage / MessageCitation
                                        1-* Feedback
    Corpus 1-* Comparison 1-* Conversation
    Corpus 1-* GoldQuestion
    Corpus 1-1 Assistant *-1 BaseModel
    Corpus 1-* Source 1-* SourceItem *-1 Document
    Corpus 1-* Example
    Corpus 1-* Adapter
    Corpus 1-* Evaluation 1-* EvaluationAnswer / EvaluationFinding
    Corpus 1-* Consideration
    Job: queued work, with a lease and a fencing token
    AuditEntry: what was done, chained
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, LargeBinary, MetaData, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from storage import postgres


def now() -> datetime:
    """The current time in UTC; every time stored is UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. SQLite forgets time zones, so they are put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Read back as UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Typed(TypeDecorator[str]):
    """What a person typed: kept as it is, or refused.

    PostgreSQL's text cannot hold a zero byte, which in what a document or a model said becomes U+FFFD (`postgres`).
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Raise Unstorable for what would be stored as something else."""
        if value and dialect.name != "sqlite":
            postgres.refuse_zero(value)
        return value

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """What it is compared with need not be storable: it is only looked for."""
        return Text()


class Table(DeclarativeBase):
    """Base of all rows. Ids are never reused (AUTOINCREMENT), so a stale reference finds nothing."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, str: Text, bytes: LargeBinary}  # noqa: RUF012
    __table_args__: Any = {"sqlite_autoincrement": True}  # noqa: RUF012


class Corpus(Table):
    """A named set of documents in one domain.

    `hidden`: it holds the files of one conversation (`Conversation.files_corpus_id`) and stands in no list.
    """

    __tablename__ = "corpora"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Typed, unique=True)
    domain: Mapped[str]
    sample: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=now)


class Domain(Table):
    """A domain somebody added; the four built-in ones are data files and need no row.

    `toml` is what `core/domains/written.py` reads; `name` and `title` are copies of its own.
    """

    __tablename__ = "domains"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    toml: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class BaseModel(Table):
    """A base model somebody added; the embedded one is always there and needs no row.

    `kind`: gguf, transformers, endpoint. `location` is a path, a hub id or a base URL; `model` its name at an
    endpoint. `window` 0 means: as the model itself says. `secret` is an encrypted key or the name of an
    environment variable (`core/generation/secrets.py`), never a key in the clear.
    """

    __tablename__ = "base_models"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Typed, unique=True)
    kind: Mapped[str]
    location: Mapped[str] = mapped_column(Typed)
    model: Mapped[str] = mapped_column(Typed, default="")
    window: Mapped[int] = mapped_column(default=0)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secret: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Assistant(Table):
    """How a corpus is answered; without a row, with the defaults. No `base_model_id` is the embedded one.

    `reading`: auto, quote, words, passages (`core/assistants/reading.py`). `refuse_below` is the answerability below
    which it refuses, where that is not its domain's (`core/assistants/strictness.py`). Its adapters learn again after
    `retrain_days`, and once `retrain_share` percent of the documents changed; 0 is off
    (`core/finetuning/retraining.py`).
    """

    __tablename__ = "assistants"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), unique=True)
    base_model_id: Mapped[int | None] = mapped_column(ForeignKey("base_models.id", ondelete="SET NULL"), index=True)
    mode: Mapped[str] = mapped_column(default="rag")
    reading: Mapped[str] = mapped_column(default="auto")
    refuse_below: Mapped[float | None]
    retrain_days: Mapped[int] = mapped_column(default=0, server_default="0")
    retrain_share: Mapped[int] = mapped_column(default=0, server_default="0")


class Document(Table):
    """One uploaded file, or one line of a corpus.jsonl.

    `name` is what it is cited by and what makes it the same document when it comes again: a file's
    path below what was dropped, or a corpus.jsonl id. While a changed file is being indexed, the old
    row serves and the new one names it in `replaces_id`; the swap is one transaction. `job_id` is the
    index job whose batch it belongs to. `flags`: places a person should look at (`core/ingestion/flags.py`).
    `original_removed`: personal data was replaced in it, or it was refused for it, so its file is not kept, and
    `content_sha256` is a keyed hash (`storage.recognising`).

    `status`: queued, parsing, embedding, ready, failed, cancelled.
    """

    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    media_type: Mapped[str] = mapped_column(default="")
    content_sha256: Mapped[str] = mapped_column(index=True)
    size_bytes: Mapped[int]
    status: Mapped[str] = mapped_column(default="queued", index=True)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    remedy: Mapped[str] = mapped_column(default="")
    notes: Mapped[list[str]] = mapped_column(JSON, default=list)
    dropped: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    flags: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    original_removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    page_count: Mapped[int] = mapped_column(default=0)
    chunk_count: Mapped[int] = mapped_column(default=0)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="SET NULL"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    added_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    indexed_at: Mapped[datetime | None]


class Page(Table):
    """The text of one page, slide or sheet, exactly as chunks and citations slice it.

    `blocks` is what parsing said of each stretch of it (`core/ingestion/cutting.py`), so that it can be cut anew
    without its file; null for pages stored before that was kept. `scanned` is what OCR read off the page's picture and
    where it stands there (`core/ingestion/scanned.py`); null for pages that were not read so.
    """

    __tablename__ = "pages"
    __table_args__ = (UniqueConstraint("document_id", "number"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    label: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    blocks: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    scanned: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class Chunk(Table):
    """A stored slice of one page: `text == page.text[start:end]`.

    `heading` is the path of headings above it and `header` the table header that a row lost when it
    was cut from its table; both are searched together with the text. `edited` are the words that a person put
    in place of the text (null: none), `switched_off` keeps it from being found: both follow from `chunk_edits`.
    `unfed` is set while Chroma may not know of such a change yet. `cut` says by which cutting of its corpus it was
    made: only the chunks of the serving index's cut are shown and found.
    """

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_id", "cut", "ordinal"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    ordinal: Mapped[int]
    page: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    kind: Mapped[str]
    heading: Mapped[str] = mapped_column(default="")
    header: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    edited: Mapped[str | None] = mapped_column(Typed)
    switched_off: Mapped[bool] = mapped_column(default=False, server_default=false())
    unfed: Mapped[bool] = mapped_column(default=False, server_default=false(), index=True)
    cut: Mapped[int] = mapped_column(default=0, server_default="0")


class ChunkEdit(Table):
    """What a person made of the words of a chunk: other words (`text`, null for the same), or `off`: not searched.

    It belongs to the words `original` of the document of that name, not to a row of `chunks`: versions and cuts
    of a document come and go. `page`, `start` and `end` are where the words stood last.
    """

    __tablename__ = "chunk_edits"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    document_name: Mapped[str] = mapped_column(index=True)
    page: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    original: Mapped[str]
    text: Mapped[str | None] = mapped_column(Typed)
    off: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Index(Table):
    """A way of searching one corpus: embedding model, dimension and chunker, named by their fingerprint.

    `active` is the one that serves; its vectors are in the Chroma collection `collection`. `embedder` says how
    its embedding model is reached (`core/ingestion/embedders.py`); empty for the packaged one. Indexes with the same
    chunker share the chunks of one `cut`, a number within the corpus.
    """

    __tablename__ = "indexes"
    __table_args__ = (UniqueConstraint("corpus_id", "fingerprint"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[str]
    embedding_model: Mapped[str]
    dimension: Mapped[int]
    chunker: Mapped[str]
    collection: Mapped[str] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    embedder: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cut: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Embedding(Table):
    """One chunk's vector: `dimension` little-endian float32, unit length."""

    __tablename__ = "embeddings"
    __table_args__ = ()
    chunk_id: Mapped[int] = mapped_column(ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True)
    index_id: Mapped[int] = mapped_column(ForeignKey("indexes.id", ondelete="CASCADE"), primary_key=True, index=True)
    vector: Mapped[bytes]


class Conversation(Table):
    """Questions and answers of one corpus: a tree, of which one path is shown.

    `leaf_id` is the message at the end of that path. `files_corpus_id` is the hidden corpus with the files
    that were attached to this conversation alone. `comparison_id` is the comparison whose panel this is, `variant` and
    `variant_name` who answers there if not what serves (`core/assistants/contestants.py`).
    """

    __tablename__ = "conversations"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(Typed, default="")
    mode: Mapped[str] = mapped_column(default="rag")
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    leaf_id: Mapped[int | None]
    files_corpus_id: Mapped[int | None] = mapped_column(index=True)
    comparison_id: Mapped[int | None] = mapped_column(index=True)
    variant: Mapped[str] = mapped_column(default="", server_default="")
    variant_name: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Comparison(Table):
    """One question answered in several ways side by side; each panel is a conversation.

    `choice` is the vote: the key of a panel (a mode, or "hybrid#a7"), "tie", "bad", or "" before there is one. `blind`:
    names were hidden until then.
    """

    __tablename__ = "comparisons"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Typed)
    blind: Mapped[bool] = mapped_column(default=False)
    choice: Mapped[str] = mapped_column(default="")
    voted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Message(Table):
    """A question (`role` user) or an answer (`role` assistant).

    `parent_id` is the message before it, None for a first question: an edited question and an answer written
    anew stand beside the old ones, under the same parent. `searched_for` is what an answer looked for, when
    that is not the question as it was typed.

    `status` of an answer: streaming, done, stopped, failed, interrupted (the server went away in
    mid-answer; what had arrived is kept). `timings` and `context` are the fields of
    `core.assistants.answer.Timings` and `ContextUse`, `context` with what the domain's checks found (`checks`).
    """

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(index=True)
    role: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    searched_for: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(default="done")
    mode: Mapped[str] = mapped_column(default="")
    refused: Mapped[bool] = mapped_column(default=False)
    quoted_until: Mapped[int] = mapped_column(default=0)
    base_model: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    timings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    context: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class MessagePassage(Table):
    """What was retrieved for an answer, by reference: deleting the document takes its words along."""

    __tablename__ = "message_passages"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    rank: Mapped[int]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="SET NULL"), index=True)
    page: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    heading: Mapped[str] = mapped_column(default="")
    score: Mapped[float]
    in_prompt: Mapped[bool]


class MessageCitation(Table):
    """One sentence of an answer and the place that supports it, by reference; no place, no support.

    `edited`: the words quoted were a person's; the place is what they stand for on the page.
    """

    __tablename__ = "message_citations"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    sentence_start: Mapped[int]
    sentence_end: Mapped[int]
    passage_rank: Mapped[int | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="SET NULL"), index=True)
    page: Mapped[int | None]
    quote_start: Mapped[int | None]
    quote_end: Mapped[int | None]
    support: Mapped[float] = mapped_column(default=0.0)
    edited: Mapped[bool] = mapped_column(default=False, server_default=false())


class Feedback(Table):
    """What a person thought of an answer: thumbs, and the answer it should have been."""

    __tablename__ = "feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    verdict: Mapped[str]  # up | down
    corrected_answer: Mapped[str] = mapped_column(Typed, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class GoldQuestion(Table):
    """A question whose answer is known: what retrieval and the modes are measured by, never trained on.

    `documents` are names of the documents that hold the answer (a name outlives a newer version, an id does
    not), `page` and `evidence` where and in which words. Not `answerable`: the documents do not hold it, and
    saying so is the right answer. `origin`: retrieval test, written, chat, upload, sample.
    """

    __tablename__ = "gold_questions"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Typed)
    answer: Mapped[str] = mapped_column(Typed, default="")
    answerable: Mapped[bool] = mapped_column(default=True)
    documents: Mapped[list[str]] = mapped_column(JSON, default=list)
    page: Mapped[int | None]
    evidence: Mapped[str] = mapped_column(default="")
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    origin: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Example(Table):
    """One training pair: a question and the answer to learn, and where in the corpus it stands.

    `origin`: upload, generated, sample, corrected (in chat), vote. `status`: proposed, accepted, rejected.
    `digest` names question and answer without regard to case and white space: a corpus holds each pair once.
    `document` is the name it is cited by ("" when it comes from none); pairs of one document are all in the training
    part or all in the held-out part.
    """

    __tablename__ = "examples"
    __table_args__ = (UniqueConstraint("corpus_id", "digest"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Typed)
    answer: Mapped[str] = mapped_column(Typed)
    document: Mapped[str] = mapped_column(default="", index=True)
    page: Mapped[int | None]
    evidence: Mapped[str] = mapped_column(default="")
    form: Mapped[str] = mapped_column(default="")
    origin: Mapped[str]
    status: Mapped[str] = mapped_column(default="accepted", index=True)
    digest: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Adapter(Table):
    """One trained adapter of a corpus, with all it came from.

    `kind`: closed-book, grounded; `version` counts per corpus and kind. `status`: training, candidate, promoted,
    retired (it was promoted before), failed. A corpus has at most one promoted adapter of a kind. `folder` is below
    `adapters/` of the workspace and holds the run, the frozen examples and the peft folder; `files` are the hashes of
    the latter. `documents` maps the names it learned from to the hashes of their content then.
    """

    __tablename__ = "adapters"
    __table_args__ = (UniqueConstraint("corpus_id", "kind", "version"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    kind: Mapped[str]
    version: Mapped[int]
    status: Mapped[str] = mapped_column(default="training", index=True)
    base_model: Mapped[str]
    base_sha256: Mapped[str] = mapped_column(default="")
    prompt_sha256: Mapped[str] = mapped_column(default="")
    examples_sha256: Mapped[str] = mapped_column(default="")
    recipe: Mapped[dict[str, Any]] = mapped_column(default=dict)
    estimate: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    gate: Mapped[dict[str, Any]] = mapped_column(default=dict)
    documents: Mapped[dict[str, Any]] = mapped_column(default=dict)
    files: Mapped[dict[str, Any]] = mapped_column(default=dict)
    folder: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(Typed, default="")
    created_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    trained_at: Mapped[datetime | None]
    promoted_at: Mapped[datetime | None]


class Evaluation(Table):
    """One comparison of modes on gold questions, as they were when it began.

    `questions` is a list of `core.evaluation.questions.Gold` as JSON; `left_out` says of each mode that was asked
    for and could not answer why. `fingerprints` name all that the answers depend on. `summary` is empty until there are
    answers; its job says how far it is. `options` are those of `core/evaluation/options.py`.
    """

    __tablename__ = "evaluations"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(Typed, default="")
    modes: Mapped[list[str]] = mapped_column(JSON, default=list)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    left_out: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fingerprints: Mapped[dict[str, Any]] = mapped_column(default=dict)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class EvaluationAnswer(Table):
    """What one mode answered to one question of an evaluation, and what it scored.

    `citations` and `passages` are places (document, page, offsets), not words: a deleted document takes its words
    along. `timings` are the fields of `core.assistants.answer.Timings`, the retrieval that the modes share counted in.
    `fingerprint` names all that the answer depends on; `taken_from` is the evaluation that it was taken over from.
    `answerability`: how probable it seemed that the documents hold the answer, 0..1; none where none were searched.
    """

    __tablename__ = "evaluation_answers"
    __table_args__ = (UniqueConstraint("evaluation_id", "question_id", "mode"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"), index=True)
    question_id: Mapped[str]
    mode: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    refused: Mapped[bool] = mapped_column(default=False)
    base_model: Mapped[str] = mapped_column(default="")
    citations: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    passages: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    timings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    scores: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answerability: Mapped[float | None]
    fingerprint: Mapped[str] = mapped_column(default="", server_default="", index=True)
    taken_from: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class EvaluationFinding(Table):
    """What an evaluation measured beside its answers.

    `kind`: judgement (a judge model on two answers to one question), vote (the same on a comparison that people voted
    on), fresh (a changed fact asked in one mode), general (a general question asked of the base model or an adapter).
    `key` is its place among those of its kind; `content` is what the module of that kind writes and reads.
    """

    __tablename__ = "evaluation_findings"
    __table_args__ = (UniqueConstraint("evaluation_id", "kind", "key"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    key: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Consideration(Table):
    """What a person said about a corpus that no measurement says: one of the guide's five questions and its answer."""

    __tablename__ = "considerations"
    __table_args__ = (UniqueConstraint("corpus_id", "topic"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    topic: Mapped[str]
    answer: Mapped[str]


class Job(Table):
    """Queued work that survives whoever does it.

    A worker claims a job by raising `attempt` and taking a lease; every later write names that
    attempt (the fencing token) and is refused when another worker has claimed the job since.
    A lease that ran out makes the job claimable again: at least once, so steps are idempotent.
    `stalled` counts the claims since anything was last achieved; too many, and the job is given up.

    Jobs are taken in the order of `place`, then of their ids.

    `status`: queued, running, paused, done, failed, cancelled.
    """

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    corpus_id: Mapped[int | None] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(default="queued", index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    stalled: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    pause_requested: Mapped[bool] = mapped_column(default=False, server_default=false())
    place: Mapped[int] = mapped_column(default=0, server_default="0")
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AuditEntry(Table):
    """Who did what to which thing, and when; never a word of it. Rows are only ever added (`storage/audit.py`).

    Nothing refers to other tables: an entry outlives what it is about. `subject_id` is the id of a `subject`;
    `name_sha256` the hash of what that was called, since a name would outlive its deletion. `through`: dashboard,
    command line, job. `previous` and `sha256` chain the entries.
    """

    __tablename__ = "audit"
    __table_args__ = ()
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    through: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int | None]
    corpus_id: Mapped[int | None]
    name_sha256: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous: Mapped[str]
    sha256: Mapped[str]


class Source(Table):
    """Where a corpus's documents come from and are kept up with: a folder, or a list of web addresses.

    `location` is `{"path": ...}` or `{"urls": [...]}`. `label` is what its documents' names begin with
    (a folder's name; empty for addresses). `on_removal`: what becomes of a document whose file is gone,
    keep or remove. Not `enabled` means paused, or new and not agreed to yet; `last_run_at` is the last
    time that something was found to do, and `last_error` stands until a look succeeds.
    """

    __tablename__ = "sources"
    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]  # folder | urls
    label: Mapped[str] = mapped_column(default="")
    location: Mapped[dict[str, Any]] = mapped_column(default=dict)
    on_removal: Mapped[str] = mapped_column(default="keep")  # keep | remove | erase
    every_minutes: Mapped[int] = mapped_column(default=10)
    enabled: Mapped[bool] = mapped_column(default=False)
    added_by: Mapped[str] = mapped_column(default="")
    last_run_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
    last_remedy: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class SourceItem(Table):
    """One file or web address of a source as it was last taken.

    `size`, `mtime_ns`, `etag` and `last_modified` tell without reading it whether it may have changed;
    `content_sha256` tells for sure. `document_id` is the document that holds its content: null when it
    was not taken (`problem` says why) or when a person deleted the document, which a sync respects. Of a document
    without its original, both have a keyed hash (`storage.recognising`).
    """

    __tablename__ = "source_items"
    __table_args__ = (UniqueConstraint("source_id", "path"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), index=True)
    path: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    mtime_ns: Mapped[int] = mapped_column(BigInteger, default=0)
    etag: Mapped[str] = mapped_column(default="")
    last_modified: Mapped[str] = mapped_column(default="")
    content_sha256: Mapped[str] = mapped_column(default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="SET NULL"), index=True)
    problem: Mapped[str] = mapped_column(default="")
