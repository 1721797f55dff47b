"""A lease in a workspace whose base model says what it was told to say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.evaluation.questions import Gold
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import CorpusRow

LEASE = b"""# Lease of Unit 7

## 4. Break

The tenant may end this lease on 1 March 2027 by giving the landlord six months' written notice.

## 5. Rent

The rent is 2,400 pounds a month, payable on the first day of each month.
"""
ASKED = [
    Gold("rent", "What is the monthly rent?", "2,400 pounds a month", documents=("lease.md",)),
    Gold("end", "When may the tenant end the lease?", "On 1 March 2027", documents=("lease.md",)),
]


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    engine = ScriptedChat(answers=["The rent is 2,400 pounds a month."])
    with Workspace.open(Settings.load(tmp_path / "workspace"), given={"engine": engine}) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> CorpusRow:
    found = intake.create_corpus(ws, "Leases", "legal")
    intake.add_files(ws, found.id, [("lease.md", LEASE)])
    ws.dispatcher.run_one()
    return found
