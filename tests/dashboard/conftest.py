"""The pages over a real workspace; only the base model is the scripted one."""

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from dashboard import resources
from storage.rows import CorpusRow

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
LEASE = """# Lease of Unit 7

## 4. Break

The tenant may end this lease on 1 March 2027 by giving the landlord six months' written notice.

## 5. Rent

The rent is 2,400 pounds a month, payable on the first day of each month.
"""


class ScriptedWorkspace(Workspace):
    """A workspace whose base model says what it was told to say."""

    @property
    def engine(self) -> ScriptedChat:
        return self._part("engine", lambda: ScriptedChat(answers=["The tenant must give six months' notice."]))


@pytest.fixture(scope="session", autouse=True)
def _packages_looked_through_once() -> Iterator[None]:
    """Each AppTest looks through all installed packages for components, for half a second; a server does it once."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _main_module_stays() -> Iterator[None]:
    """AppTest makes the page the program's main module, which a process spawned by a later test would run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = ScriptedWorkspace.open(Settings.load(tmp_path / "workspace"))
    resources.hold(opened)
    yield opened
    resources.hold(None)
    opened.close()


@pytest.fixture
def corpus(workspace: Workspace) -> CorpusRow:
    return intake.create_corpus(workspace, "Leases", "legal")


@pytest.fixture
def indexed(workspace: Workspace, corpus: CorpusRow) -> CorpusRow:
    intake.add_files(workspace, corpus.id, [("lease.md", LEASE.encode())])
    workspace.dispatcher.run_one()
    return corpus


@pytest.fixture
def open_page(workspace: Workspace) -> Callable[..., AppTest]:
    def opened(page: str = "", /, **query: object) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        for name, value in query.items():
            app.query_params[name] = str(value)
        return app.switch_page(f"app_pages/{page}.py").run() if page else app

    return opened


def words(app: AppTest) -> str:
    """Everything the page says outside of components, as one text without escapes."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "info", "warning", "error", "success")
    said = [element.value for kind in kinds for element in app.get(kind)]
    said += [element.label for element in app.button]
    return "\n".join(str(each) for each in said).replace("\\", "")
