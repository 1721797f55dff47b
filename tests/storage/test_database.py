import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.database import MIGRATIONS, Database
from storage.errors import Locked, NotFound, Unreachable, Unstorable
from storage.jobs import Jobs
from storage.postgres import Ownership
from storage.tables import Corpus, Document, Table
from tests.postgres_server import end_owner


def test_migrating_from_nothing_gives_the_tables_as_they_are_declared(database: Database) -> None:
    with database.engine.connect() as connection:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in Table.metadata.tables}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Table.metadata) == []


def test_its_clock_goes_on_within_a_transaction_and_knows_its_zone(database: Database) -> None:
    before = datetime.now(UTC)
    assert before <= database.clock() <= database.clock() <= datetime.now(UTC)  # a server of this machine


def test_every_connection_is_set_up_to_survive_a_kill(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    with database.read() as session:
        values = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "secure_delete", "busy_timeout")
        }
    assert values == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 2,
        "secure_delete": 1,
        "busy_timeout": 15_000,
    }
    database.close()


def test_an_exception_in_a_write_takes_everything_back(database: Database) -> None:
    insert = text("INSERT INTO corpora (name, domain, sample, created_at) VALUES ('a', 'legal', false, '2026-01-01')")
    with pytest.raises(IntegrityError), database.write() as session:  # noqa: PT012
        session.execute(insert)
        session.execute(insert)
    assert Corpora(database).list() == []


def test_who_adds_to_what_was_deleted_meanwhile_is_told_so(database: Database) -> None:
    corpus = Corpora(database).create("gone", "legal").id
    with database.write() as session:
        session.delete(session.get(Corpus, corpus))
    with pytest.raises(NotFound, match="deleted meanwhile"):
        Jobs(database).enqueue("index", corpus)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        Conversations(database).create(corpus)
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM jobs")).scalar() == 0


def test_a_read_sees_one_state_while_others_write(database: Database) -> None:
    corpora = Corpora(database)
    with database.read() as session:
        before = session.execute(text("SELECT count(*) FROM corpora")).scalar()
        corpora.create("later", "legal")
        assert session.execute(text("SELECT count(*) FROM corpora")).scalar() == before
    assert len(corpora.list()) == 1


def test_a_write_inside_a_write_is_an_error_and_no_deadlock(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="inside another"), database.write():
        pass


def test_threads_that_write_hard_never_find_the_database_locked(database: Database) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        corpora = Corpora(database)
        try:
            for number in range(60):
                corpus = corpora.create(f"{name}-{number}", "legal")
                corpora.rename(corpus.id, f"{name}-{number}-renamed")
                corpora.list()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"thread{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(Corpora(database).list()) == 240


ROOT = Path(__file__).resolve().parents[2]
OPEN_AND_WRITE = """
import sys
from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.database import Database

database = Database.open(sys.argv[1])
for number in range(20):
    Corpora(database).create(f"{sys.argv[2]}-{number}", "legal")
database.close()
"""


def test_processes_that_open_a_new_database_at_once_migrate_it_once(empty_url: str) -> None:
    url = empty_url
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_WRITE, url, f"process{number}"], cwd=ROOT)
        for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    database = Database.open(url)
    assert len(Corpora(database).list()) == 60
    database.close()


def test_conversations_of_the_first_version_become_one_path_each(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'rows.db'}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement, values in OLD_ROWS:
            connection.exec_driver_sql(statement, values)
    database.close()
    opened = Database.open(f"sqlite:///{tmp_path / 'rows.db'}")
    talks = Conversations(opened)
    assert [message.id for message in talks.path(1)] == [1, 2, 4]
    assert [message.parent_id for message in talks.path(1)] == [None, 1, 2]
    assert [each.conversation.id for each in talks.search(1, "rent")] == [1]
    assert len(talks.citations(2)) == 1
    opened.close()


WHEN = "2026-01-01 00:00:00"
MESSAGE = (
    "INSERT INTO messages (id, conversation_id, role, text, status, mode, refused, quoted_until, base_model, "
    "error, timings, context, created_at) "
    f"VALUES (?, 1, 'user', 'rent', 'done', '', 0, 0, '', '', '{{}}', '{{}}', '{WHEN}')"
)
OLD_ROWS: tuple[tuple[str, tuple[int, ...]], ...] = (
    (f"INSERT INTO corpora (id, name, domain, sample, created_at) VALUES (1, 'a', 'legal', 0, '{WHEN}')", ()),
    (
        "INSERT INTO conversations (id, corpus_id, title, mode, created_at, updated_at) "
        f"VALUES (1, 1, 'old', 'rag', '{WHEN}', '{WHEN}')",
        (),
    ),
    *((MESSAGE, (number,)) for number in (1, 2, 4)),
    ("INSERT INTO message_citations (message_id, sentence_start, sentence_end, support) VALUES (2, 0, 1, 0.5)", ()),
)


def test_what_a_write_read_cannot_change_before_it_writes(database: Database) -> None:
    """Threads that each read a number and write the next one never write the same."""
    corpora = Corpora(database)

    def add_next(_: int) -> None:
        with database.write() as session:
            count = session.execute(text("SELECT count(*) FROM corpora")).scalar()
            session.add(Corpus(name=f"number {count}", domain="legal"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_next, range(40)))
    assert {row.name for row in corpora.list()} == {f"number {count}" for count in range(40)}


def test_text_with_a_zero_byte_keeps_its_length(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    corpus = Corpora(database).create("a", "legal").id
    with database.write() as session:
        session.add(Document(corpus_id=corpus, name="a", title="a\0b", content_sha256="", size_bytes=0))
    with database.read() as session:
        assert session.scalar(select(Document.title)) == "a\ufffdb"
    database.close()


def test_what_a_person_types_with_a_zero_byte_is_refused_and_not_stored_as_something_else(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    with pytest.raises(Unstorable):
        Corpora(database).create("a\0b", "legal")
    assert Corpora(database).list() == []
    assert Corpora(database).by_name("a\0b") is None  # looked for all the same
    database.close()


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_a_server_that_does_not_answer_is_named_without_its_password(prefix: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9") as raised:
        Database.open(f"{prefix}someone:secret@127.0.0.1:9/rows")
    assert "secret" not in str(raised.value)


def test_one_process_owns_a_database(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    first, second = Ownership(database.engine), Ownership(database.engine)
    first.acquire()
    with pytest.raises(Locked, match="another"):
        second.acquire(patience_s=0)
    with pytest.raises(Locked, match="another"):
        second.keep()
    first.release()
    second.acquire(patience_s=0)  # at once: who has released it need not be waited for
    second.release()
    database.close()


def test_an_owner_that_was_killed_is_followed_without_an_error(postgres_url: str) -> None:
    said = "import sys; from storage.database import Database; d = Database(sys.argv[1]); d.own(); print(); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", said, postgres_url], stdin=pipe, stdout=pipe) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"\n"
        owner.kill()
    database = Database.open(postgres_url)
    database.own()
    database.close()


def test_who_lost_the_connection_owns_the_database_again_unless_another_does_meanwhile(postgres_url: str) -> None:
    database, other = Database.open(postgres_url), Database.open(postgres_url)

    database.own()
    database.keep_own()
    end_owner(other)
    database.keep_own()
    with pytest.raises(Locked):
        Ownership(other.engine).acquire(patience_s=0)
    end_owner(other)
    other.own()
    for _ in range(2):
        with pytest.raises(Locked):
            database.keep_own()
    other.close()
    database.keep_own()
    database.close()
