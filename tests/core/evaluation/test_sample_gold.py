"""A sample's gold questions become rows, once, and only for the sample."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domains import all_domains
from core.errors import BadInput
from core.evaluation.gold import load_sample
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.mark.parametrize("name", [each.name for each in all_domains()])
def test_the_questions_of_a_domain_are_loaded_into_its_sample_once(workspace: Workspace, name: str) -> None:
    corpus = intake.create_corpus(workspace, "Sample", name, sample=True)
    assert load_sample(workspace, corpus.id) == 40
    assert load_sample(workspace, corpus.id) == 0
    rows = workspace.gold.list(corpus.id)
    assert {row.origin for row in rows} == {"sample"}
    answerable = [row for row in rows if row.answerable]
    assert all(row.answer and row.documents and row.evidence for row in answerable)
    assert len(answerable) == 34
    assert all(not row.answer and not row.documents for row in rows if not row.answerable)


def test_a_corpus_of_ones_own_does_not_get_the_samples_questions(workspace: Workspace) -> None:
    corpus = intake.create_corpus(workspace, "Mine", "legal")
    with pytest.raises(BadInput, match="sample documents"):
        load_sample(workspace, corpus.id)
    assert workspace.gold.count(corpus.id) == 0
