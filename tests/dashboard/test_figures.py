"""Numbers and times read as people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from core.assistants.answer import ContextUse, Timings
from dashboard.components import figures

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 KB"), (3_100_000, "3.1 MB"), (250_000_000, "250 MB")],
)
def test_sizes(number: int, said: str) -> None:
    assert figures.size(number) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=2), "on 2 Mar 2026"),
    ],
)
def test_ages(passed: timedelta, said: str) -> None:
    assert figures.ago(NOON - passed, NOON) == said


def test_counts_agree_with_their_noun() -> None:
    assert figures.count(1, "corpus", "corpora") == "1 corpus"
    assert figures.count(2318, "chunk") == "2,318 chunks"


def test_what_was_cut_from_the_prompt_is_said() -> None:
    assert figures.fit(ContextUse(retrieved=5, fitted=3), sentences=False) == "3 of 5 passages read, 2 did not fit"
    assert figures.fit(ContextUse(retrieved=1, fitted=1), sentences=False) == "1 of 1 passage read"
    assert figures.fit(ContextUse(retrieved=5), sentences=False) == "5 passages searched"
    assert figures.fit(ContextUse(), sentences=True) == "nothing found"


def test_a_small_base_model_is_said_to_read_sentences_rather_than_to_lose_passages() -> None:
    said = figures.fit(ContextUse(retrieved=5, fitted=2), sentences=True)
    assert said == "best sentences from 2 of 5 passages read"


def test_speeds_that_were_not_measured_are_left_out() -> None:
    assert figures.cost(Timings()) == []
    assert figures.cost(Timings(first_token_s=0.61, tokens_per_s=58.2)) == ["0.6 s to first word", "58 tok/s"]
