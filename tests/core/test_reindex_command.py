"""`triptych reindex` has a corpus cut anew, and goes back to what was before."""

import json
from pathlib import Path

import pytest

from core.commands.index import index
from core.commands.reindex import Wanted, readable, reindex
from core.errors import BadInput, Conflict, NotFound, WorkspaceLocked
from core.settings import Settings
from core.workspace import Workspace

TEXT = "# Lease\n\n" + " ".join(f"Fee number {n} is {n} euro a month." for n in range(60))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "lease.md"
    file.write_text(TEXT)
    settings = Settings.load(tmp_path / "home")
    assert index(settings, "contracts", "legal", [file]) == 0
    return settings


def test_a_corpus_is_cut_anew_and_as_its_domain_says_again(settings: Settings) -> None:
    would = reindex(settings, "contracts", Wanted(usual=200, longest=300), dry_run=True)
    assert not would["swapped"]
    assert "Nothing was changed" in readable(would)
    done = reindex(settings, "contracts", Wanted(usual=200, longest=300), dry_run=False)
    assert (done["swapped"], done["chunks"]) == (True, would["chunks"])
    assert done["chunker"].endswith(" 200 300")
    json.dumps(done)
    with Workspace.open(settings) as ws:
        corpus = ws.corpora.by_name("contracts")
        assert corpus is not None
        (document,) = ws.corpora.documents(corpus.id)
        assert document.chunk_count == len(ws.corpora.chunks(document.id)) == done["chunks"]
        with pytest.raises(WorkspaceLocked):
            reindex(settings, "contracts", Wanted(as_domain=True), dry_run=False)
    back = reindex(settings, "contracts", Wanted(as_domain=True), dry_run=False)
    assert back["swapped"]
    assert back["chunks"] < done["chunks"]


def test_what_cannot_be_done_is_told_in_a_line(settings: Settings) -> None:
    with pytest.raises(Conflict, match="its chunks are like that"):
        reindex(settings, "contracts", Wanted(as_domain=True), dry_run=False)
    with pytest.raises(BadInput, match="cannot be cut at 'verse'"):
        reindex(settings, "contracts", Wanted(structure="verse"), dry_run=False)
    with pytest.raises(NotFound, match="no corpus"):
        reindex(settings, "nothing", Wanted(usual=200), dry_run=False)
