"""Killed at random moments, the server loses nothing that it acknowledged: a sample of `make torture`."""

import os
from pathlib import Path

import pytest

from tests.core.ingestion.small_model import small_model
from tests.torture.killing import Torture

KILLS, SEED = 20 if "TRIPTYCH_TORTURE" in os.environ else 3, 11


@pytest.mark.timeout(900)
def test_what_was_acknowledged_is_there_once_and_whole_after_every_kill(tmp_path: Path) -> None:
    torture = Torture(tmp_path, SEED, None, small_model(tmp_path / "small"))
    try:
        torture.run(KILLS)
    finally:
        torture.finish()
    assert torture.told.wrong == [], torture.said()[-2_000:]
    assert torture.told.kills.total() >= KILLS  # one while it is starting comes after one that has it start
    assert torture.told.acts.total() > 0
    assert torture.told.whole == 1
