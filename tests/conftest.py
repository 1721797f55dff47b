"""Every test gets a workspace of its own; none may touch the person's.

A test of anything that lives in the database asks for `database_url` (or a fixture made from it) and runs
twice, on SQLite and on PostgreSQL. A new table needs nothing more: the migrations run on both, and
`tests/storage/test_database.py` compares what they made with `storage/tables.py` on both.
What only SQLite does is tested with `sqlite_url`.

No test reaches another machine, nor does anything that one starts: see `tests/offline/blocking.py`.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import blocking
import pytest
from chroma_server import Chroma
from postgres_server import Server, programs

from storage.database import Database

os.environ.setdefault("HF_HUB_OFFLINE", "1")

# First of all: nothing that is imported or started later comes before it.
ALONE = blocking.alone()
WORKER = "PYTEST_XDIST_WORKER" in os.environ  # one of several that run the tests: the one that started it tells
CALLED_OUT = Path(tempfile.gettempdir()) / f"triptych-called-out-{os.getpid()}"
if WORKER:
    CALLED_OUT = Path(os.environ[blocking.NOTES])
os.environ[blocking.NOTES] = str(CALLED_OUT)
BRINGS = {"sqlite_url", "database_url", "empty_url"}  # a test with one of these chooses its database itself
blocking.block()


def pytest_report_header() -> str:
    """How the network is kept away."""
    return f"network: none but this machine's own ({'namespace and audit hook' if ALONE else 'audit hook'})"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which anything wanted another machine has failed, whatever became of the error."""
    if CALLED_OUT.exists() and not WORKER:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what wanted another machine."""
    if CALLED_OUT.exists():
        terminalreporter.section("CALLED OUT: refused, and a failure of this run", red=True)
        terminalreporter.write(CALLED_OUT.read_text("utf-8"))
        CALLED_OUT.unlink()


@pytest.fixture(scope="session")
def alone() -> bool:
    """Whether programs that are not Python are kept from the network as well."""
    return ALONE


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--larger`: the same tests, with the rows in PostgreSQL and the vectors on a Chroma server."""
    parser.addoption("--larger", action="store_true", help="every workspace is of the larger form")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about files of the embedded form, or brings its own stores, when all is of the larger."""
    if not config.getoption("--larger"):
        return
    left_out = [item for item in items if _embedded_only(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _embedded_only(item: pytest.Item) -> bool:
    return item.get_closest_marker("embedded") is not None or bool(BRINGS.intersection(item.fixturenames))  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _own_workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "workspace"))
    if request.config.getoption("--larger"):  # whatever opens a workspace, in this process or in a child, is told so
        monkeypatch.setenv("TRIPTYCH_DATABASE_URL", request.getfixturevalue("postgres_url"))
        monkeypatch.setenv("TRIPTYCH_CHROMA_URL", request.getfixturevalue("chroma_url"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared evaluation data (`data/`, `files/`, `hostile/`): TRIPTYCH_DATA, or beside the project."""
    folder = Path(os.environ.get("TRIPTYCH_DATA", Path(__file__).resolve().parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the shared evaluation data is not at {folder}; set TRIPTYCH_DATA")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The tests' own PostgreSQL server, started when the first test needs it."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: its driver is missing (the extra `postgres`)")
    if programs() is None:
        pytest.skip("PostgreSQL is not tested: install it (`apt-get install postgresql`)")
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite file begins as a copy of one that the migrations made, as a database on the tests' server does."""
    made = tmp_path_factory.mktemp("migrated") / "rows.db"
    Database.open(f"sqlite:///{made}").close()
    upgrade = Database._upgrade

    def copied(database: Database, to: str) -> None:
        if to == "head" and database.dialect == "sqlite" and not database.file.exists():
            copy = Path(shutil.copy(made, tempfile.mkdtemp(dir=database.file.parent)))
            with contextlib.suppress(FileExistsError):  # another thread was first
                database.file.hardlink_to(copy)
            shutil.rmtree(copy.parent)
        upgrade(database, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_upgrade", copied)
        yield


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'home' / 'triptych.db'}"


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """A PostgreSQL database with all tables."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind in turn."""
    kind = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of each kind in turn that has no table yet."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.create(empty=True)
    yield url
    server.drop(url)


@pytest.fixture(scope="session")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroma]:
    """The tests' own Chroma server, started when the first test needs it."""
    server = Chroma(tmp_path_factory.mktemp("chroma"))
    yield server
    server.stop()


@pytest.fixture
def chroma_url(chroma: Chroma, request: pytest.FixtureRequest) -> str:
    """A database on it that no other test uses."""
    return chroma.url(f"test-{abs(hash(request.node.nodeid))}")
