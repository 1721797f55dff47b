"""Votes are counted for a corpus, for its domain, and for each topic that has enough of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.evaluation import preferred, topics
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import VoteRow

RENT = [f"How much is the rent of {place} a month?" for place in ("unit 7", "the mill", "the barn", "the shop")] * 3
MILK = [f"How much milk goes into a {drink}?" for drink in ("latte", "cappuccino", "flat white", "mocha")] * 3


def vote(question: str, choice: str, modes: tuple[str, ...] = ("rag", "hybrid")) -> VoteRow:
    return VoteRow(question, choice, modes, False, None, {}, 1)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


def given(ws: Workspace, corpus_id: int, votes: list[VoteRow]) -> None:
    for each in votes:
        row = ws.comparisons.begin(corpus_id, each.question, [(mode, "", "") for mode in each.modes], False)
        ws.comparisons.vote(row.id, each.choice)


def test_questions_about_the_same_thing_are_one_topic_named_by_their_words(ws: Workspace) -> None:
    votes = [vote(each, "rag") for each in RENT] + [vote(each, "hybrid") for each in MILK]
    found = preferred.by_topic(ws, votes)
    assert [topic.found.votes for topic in found] == [12, 12]
    assert [topic.name.split(", ")[0] for topic in found] == ["rent", "milk"]
    assert [topic.found.rates[0].mode for topic in found] == ["rag", "hybrid"]


def test_a_topic_with_too_few_votes_is_left_out_and_bad_ones_do_not_count(ws: Workspace) -> None:
    few = [vote(each, "hybrid") for each in MILK[:7]] + [vote(MILK[0], "bad")] * 5
    (found,) = preferred.by_topic(ws, [vote(each, "rag") for each in RENT] + few)
    assert "rent" in found.name
    assert preferred.by_topic(ws, few) == []


def test_a_domain_counts_the_votes_of_all_its_corpora_without_variants(ws: Workspace) -> None:
    one, two, other = (ws.corpora.create(f"c{at}", name).id for at, name in enumerate(("legal", "legal", "finance")))
    given(ws, one, [vote("When?", "rag"), vote("Why?", "tie")])
    assert preferred.of_domain(ws, one) is None
    given(ws, other, [vote("Where?", "hybrid")])
    assert preferred.of_domain(ws, one) is None
    given(ws, two, [vote("Who?", "hybrid"), vote("What?", "bad")])
    row = ws.comparisons.begin(two, "Which?", [("rag", "", ""), ("rag", "m0", "embedded")], False)
    ws.comparisons.vote(row.id, "rag#m0")
    found = preferred.of_domain(ws, one)
    assert found is not None
    assert (found.corpora, found.found.votes, found.found.ties, found.found.bad) == (2, 4, 1, 1)
    assert {rate.mode: rate.best for rate in found.found.rates} == {"rag": 1, "hybrid": 1}


def test_groups_are_those_of_average_linkage() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage

    draw = np.random.default_rng(4)
    for _ in range(20):
        vectors = draw.normal(size=(40, 6)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        labels = fcluster(linkage(vectors, "average", "cosine"), 1 - topics.NEAR, "distance")
        expected = {frozenset(np.flatnonzero(labels == each)) for each in set(labels)}
        assert {frozenset(group) for group in topics.groups(vectors)} == expected


def test_no_questions_have_no_topics() -> None:
    assert topics.groups(np.zeros((0, 3), np.float32)) == []
    assert topics.groups(np.ones((1, 1), np.float32)) == [[0]]
