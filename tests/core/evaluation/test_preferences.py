from datetime import UTC, datetime

import numpy as np
import pytest

from core.evaluation.preferences import preferences, strengths
from storage.rows import VoteRow

MODES = ("rag", "finetuned", "hybrid")


def vote(choice: str) -> VoteRow:
    return VoteRow("q", choice, MODES, False, datetime.now(UTC))


def test_without_votes_nothing_is_said() -> None:
    assert preferences([]).rates == ()
    assert preferences([vote("bad")]).bad == 1


def test_who_wins_more_is_stronger_and_shares_sum_to_one() -> None:
    found = preferences([vote("hybrid")] * 12 + [vote("rag")] * 6 + [vote("finetuned")] * 2)
    assert [rate.mode for rate in found.rates] == ["hybrid", "rag", "finetuned"]
    assert sum(rate.share for rate in found.rates) == pytest.approx(1)
    assert all(rate.low <= rate.share <= rate.high for rate in found.rates)
    assert [rate.best for rate in found.rates] == [12, 6, 2]


def test_ties_alone_leave_all_equal() -> None:
    found = preferences([vote("tie")] * 5)
    assert [rate.share for rate in found.rates] == pytest.approx([1 / 3] * 3)
    assert found.ties == 5


def test_two_modes_come_out_at_their_share_of_wins() -> None:
    table = np.array([[0.0, 300.0], [100.0, 0.0]])
    assert strengths(table)[0] == pytest.approx(0.75, abs=0.01)
