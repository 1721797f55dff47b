"""The only wiring point: opens one workspace folder and hands out everything that works on it.

    workspace/
      triptych.db     rows: the truth             files/     uploads by content hash
      vectors/        Chroma: look-ups            models/    converted base models
      vectors.seal    hashes of vectors/ at an orderly end
      audit.seal      the newest entry of the audit log
      owner.lock      who has it open             scratch/   one folder a process, emptied at its end

One process owns a workspace; it alone opens Chroma, runs jobs and loads models. Others may open it with
`owner=False` to read and write rows, and with a Chroma server to search as well. Costly parts are made when
first asked for.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from core import stores
from core.domains.known import KnownDomains
from core.errors import Conflict, WorkspaceLocked
from core.generation.secrets import Secrets
from core.repairs import Repair
from core.settings import Settings
from core.tracing import where
from storage import seal
from storage.adapters import Adapters
from storage.assistants import Assistants
from storage.audit import Audit
from storage.base_models import BaseModels
from storage.comparisons import Comparisons
from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.cuts import Cuts
from storage.database import Database
from storage.documents import Documents
from storage.domains import Domains
from storage.edits import ChunkEdits
from storage.errors import Locked, Newer
from storage.evaluations import Evaluations
from storage.examples import Examples
from storage.gold import GoldQuestions
from storage.index_changes import IndexChanges
from storage.indexes import Indexes
from storage.jobs import Jobs
from storage.lexical import lexical
from storage.lock import WorkspaceLock
from storage.shared_files import files
from storage.sources import Sources

if TYPE_CHECKING:
    from core.assistants.ask import Assistant
    from core.assistants.live import LiveAnswers
    from core.finetuning.retraining import Retraining
    from core.finetuning.serving import Serving
    from core.generation.engine import Engine
    from core.generation.engines import Engines
    from core.ingestion.embedders import Embedders
    from core.ingestion.embedding import Embedder
    from core.ingestion.pictures import Pictures
    from core.ingestion.sandbox import Sandbox
    from core.jobs.dispatcher import Dispatcher
    from core.retrieval.retriever import Retriever
    from core.sync.watching import Watch
    from storage.files import Files
    from storage.vectors import Vectors

log = logging.getLogger(__name__)
Part = TypeVar("Part")
CLOSED_IN_ORDER = {
    "watch": "stop",
    "retraining": "stop",
    "dispatcher": "stop",
    "live": "close",
    "serving": "close",
    "engines": "close",
    "engine": "close",
    "sandbox": "close",
    "vectors": "close",
}
"""Parts and how each is closed; whatever uses another comes before it."""


class Workspace:
    """Everything that works on one folder. Use `open`; safe to share between threads."""

    def __init__(
        self, settings: Settings, database: Database, lock: WorkspaceLock | None, given: Mapping[str, object]
    ) -> None:
        self.settings = settings
        self.home = settings.home
        self.lock = lock
        self.database = database
        database.seal = self.home / seal.FILE
        self.files = _files(settings)
        self.lexical = lexical(database)
        self.domains = KnownDomains(Domains(database))
        self.corpora = Corpora(database)
        self.documents = Documents(database, self.lexical, self.files)
        self.edits = ChunkEdits(database, self.lexical)
        self.indexes = Indexes(database)
        self.index_changes = IndexChanges(database)
        self.cuts = Cuts(database, self.lexical)
        self.conversations = Conversations(database)
        self.comparisons = Comparisons(database)
        self.gold = GoldQuestions(database)
        self.examples = Examples(database)
        self.adapters = Adapters(database)
        self.evaluations = Evaluations(database)
        self.jobs = Jobs(database)
        self.audit = Audit(database)
        self.base_models = BaseModels(database)
        self.secrets = Secrets(self.home)
        self.assistants = Assistants(database)
        self.sources = Sources(database, self.lexical)
        self.scratch = self.home / "scratch" / str(os.getpid())
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._parts: dict[str, Any] = dict(given)
        self._given = frozenset(given)
        self.owing = threading.Event()  # Chroma was not told of something that is in the rows
        self.repaired: list[Repair] = []
        self.unmended: set[str] = set()
        """Full texts that could not be made anew: not tried again before the next start."""
        self._closed = False
        self._making = threading.RLock()

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        owner: bool = True,
        serving: bool = False,
        given: Mapping[str, object] | None = None,
    ) -> "Workspace":
        """Open a workspace, creating the folder when there is none.

        Args:
            owner: become its owner, and put in order what the last one may have left behind.
            serving: jobs will be run here, so what takes long of that can wait for the dispatcher.
            given: parts by attribute name ("engine", "embedder") to use instead of making them; whoever gives
                them closes them.

        Raises:
            WorkspaceLocked: another process owns it (or its database, on whatever machine); the message names it.
            StoreDown: a server that it is to use does not answer.
        """
        lock = _locked(settings) if owner else None
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
            ws = cls(settings, _database(settings, owner), lock, given or {})
            if owner:
                from core.repair import after_start

                after_start(ws, serving)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return ws

    @property
    def embedder(self) -> "Embedder":
        """The embedding model, loaded on its first text."""
        from core.ingestion.embedding import Embedder

        return self._part("embedder", Embedder)

    @property
    def embedders(self) -> "Embedders":
        """The embedding models of all indexes, the packaged one among them."""
        from core.ingestion.embedders import Embedders

        return self._part("embedders", lambda: Embedders(lambda: self.embedder))

    @property
    def sandbox(self) -> "Sandbox":
        """Where uploads are parsed."""
        from core.ingestion.sandbox import Sandbox

        return self._part("sandbox", lambda: Sandbox(scratch=self.scratch))

    @property
    def pictures(self) -> "Pictures":
        """Pages as pictures."""
        from core.ingestion.pictures import Pictures

        return self._part("pictures", lambda: Pictures(self.files, self.sandbox, self.corpora))

    @property
    def vectors(self) -> "Vectors":
        """Chroma. Raises WorkspaceLocked for who is not the owner (a server is for all), StoreDown when it is down."""
        from storage.vectors import Vectors

        if not self.settings.chroma_url:
            self._owned("search by meaning")
        with stores.reached(stores.VECTORS):
            return self._part("vectors", lambda: Vectors(self.settings.chroma_url or self.home / "vectors"))

    @property
    def retriever(self) -> "Retriever":
        """Finds passages."""
        from core.retrieval.retriever import Retriever

        return self._part(
            "retriever",
            lambda: Retriever(
                self.corpora,
                self.lexical,
                self.vectors,
                self.embedders.of,
                self.indexes.nearest,
                lambda corpus_id: self.domains.get(self.corpora.get(corpus_id).domain).terms,
            ),
        )

    @property
    def engine(self) -> "Engine":
        """The embedded engine, which is always there; loaded at its first use."""
        from core.generation.embedded import EmbeddedChat
        from core.models import packaged_gguf

        return self._part("engine", lambda: EmbeddedChat(source=packaged_gguf(), folder=self.home / "models"))

    @property
    def engines(self) -> "Engines":
        """The engines of all base models, the embedded one among them."""
        import psutil  # type: ignore[import-untyped]

        from core.generation.engines import Engines
        from core.generation.making import engine_of

        def make() -> Engines:
            return Engines(
                self.base_models,
                self.assistants,
                embedded=lambda: self.engine,
                make=lambda row: engine_of(row, self.home / "models", self.secrets),
                available=lambda: int(psutil.virtual_memory().available),
            )

        return self._part("engines", make)

    @property
    def serving(self) -> "Serving":
        """The engines of adapters."""
        from core.finetuning.serving import Serving

        return self._part("serving", lambda: Serving(self))

    def engine_for(self, corpus_id: int) -> "Engine":
        """The engine that answers for a corpus; loaded at its first use."""
        return self.engines.for_corpus(corpus_id)

    @property
    def live(self) -> "LiveAnswers":
        """Answers under way in this process."""
        from core.assistants.live import LiveAnswers

        return self._part("live", lambda: LiveAnswers(self))

    @property
    def dispatcher(self) -> "Dispatcher":
        """Runs jobs once it is started."""
        from core.jobs.dispatcher import Dispatcher

        self._owned("run jobs")
        return self._part("dispatcher", lambda: Dispatcher(self))

    @property
    def watch(self) -> "Watch":
        """Looks after the sources of all corpora once it is started."""
        from core.sync.watching import Watch

        self._owned("watch sources")
        return self._part("watch", lambda: Watch(self))

    @property
    def retraining(self) -> "Retraining":
        """Has adapters trained again on time, once it is started."""
        from core.finetuning.retraining import Retraining

        self._owned("train adapters again")
        return self._part("retraining", lambda: Retraining(self))

    @property
    def running(self) -> bool:
        """Whether jobs are run in this process."""
        return "dispatcher" in self._parts

    @contextmanager
    def owing_vectors(self) -> Iterator[None]:
        """Rows are written and Chroma is told now: when that fails, it is made good by the dispatcher."""
        try:
            yield
        except BaseException:
            self.owing.set()
            raise

    def wake(self) -> None:
        """Have a job that was just queued seen at once, when jobs are run here."""
        if self.running:
            self.dispatcher.wake()

    def assistant(self, corpus_id: int) -> "Assistant":
        """Who answers questions on a corpus; raises NotFound."""
        from core.assistants.ask import Assistant

        return Assistant.of(self, corpus_id)

    def close(self) -> None:
        """Stop what is under way and let go of everything; whatever uses a part is closed before it."""
        self._closed = True
        for name, stop in CLOSED_IN_ORDER.items():
            part = self._parts.get(name)
            if part is not None and name not in self._given:
                _quietly(name, getattr(part, stop))
        if self.lock is not None and self.database.damaged:  # met after the start, where nothing looks after it
            from core.repair import mend_words

            _quietly("full text", lambda: mend_words(self))
        if self.lock is not None and "vectors" in self._parts and not self.settings.chroma_url:
            from core.repair import seal_vectors

            _quietly("seal of the vectors", lambda: seal_vectors(self))
        self._parts.clear()
        self.database.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        if self.lock is not None:
            self.lock.release()

    def __enter__(self) -> "Workspace":
        """The workspace, closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _part(self, name: str, make: Callable[[], Part]) -> Part:
        with self._making:
            if name not in self._parts:
                if self._closed:
                    raise RuntimeError("the workspace is closed")
                self._parts[name] = make()
            return cast("Part", self._parts[name])

    def _owned(self, to_do: str) -> None:
        if self.lock is None:
            owner = WorkspaceLock(self.home).owner()
            who = f"process {owner.pid} ({owner.command})" if owner else "nobody"
            raise WorkspaceLocked(f"Only the owner of the workspace can {to_do}; that is {who}.", "Ask it, or stop it.")


def _locked(settings: Settings) -> WorkspaceLock:
    lock = WorkspaceLock(settings.home)
    try:
        lock.acquire()
    except Locked as error:
        message = f"The workspace {settings.home} is in use: {error}."
        raise WorkspaceLocked(message, "Use that one, or stop it first.") from error
    return lock


def _files(settings: Settings) -> "Files":
    with stores.reached(stores.FILES):
        return files(settings.home / "files", settings.files_url)


def _database(settings: Settings, owner: bool) -> Database:
    try:
        with stores.reached(stores.DATABASE):
            database = Database.open(settings.database_url)
    except Newer as error:
        message = f"A newer version of Triptych has opened this workspace ({error}); nothing was changed."
        raise Conflict(message, "Use that version, or restore a backup from before into a new workspace.") from error
    try:
        if owner:
            database.own()
    except Locked as error:
        database.close()
        message = f"The workspace {settings.home} cannot be opened: {error}."
        raise WorkspaceLocked(message, "One dashboard serves a database: use that one, or stop it first.") from error
    return database


def _quietly(name: str, stop: Callable[[], object]) -> None:
    try:
        stop()
    except Exception as error:  # noqa: BLE001  the others are to be closed as well
        log.error("closing the %s: %s", name, where(error))
