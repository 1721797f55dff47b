"""What does not come back in its time is left behind, and Chroma's folder is opened anew after a failed write."""

import threading
from pathlib import Path

import numpy as np
import pytest

from storage.errors import Stuck
from storage.patience import within
from storage.vectors import Vectors

ONE = np.eye(1, 8, dtype=np.float32)


def test_work_gives_what_it_gives_and_raises_what_it_raises() -> None:
    assert within(60, lambda: 7) == 7
    assert within(60, lambda: None) is None
    with pytest.raises(KeyError):
        within(60, lambda: {}["nothing"])


def test_work_that_does_not_come_back_is_left_behind() -> None:
    never = threading.Event()
    with pytest.raises(Stuck):
        within(0.05, never.wait)
    never.set()


def test_a_write_that_does_not_come_back_is_told_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, never = Vectors(tmp_path / "vectors"), threading.Event()
    vectors.upsert("corpus-1", [1], ONE)
    monkeypatch.setattr(vectors._collection("corpus-1"), "upsert", lambda **_: never.wait())
    patient = vectors._patience_s
    vectors._patience_s = 0.1
    with pytest.raises(Stuck):
        vectors.upsert("corpus-1", [2], ONE)
    vectors._patience_s = patient
    vectors.upsert("corpus-1", [2], ONE)
    assert vectors.count("corpus-1") == 2
    assert {hit.chunk_id for hit in vectors.search("corpus-1", ONE[0], 5)} == {1, 2}
    never.set()
    vectors.close()


def test_after_a_write_that_failed_the_folder_is_opened_anew(tmp_path: Path) -> None:
    vectors = Vectors(tmp_path / "vectors")
    vectors.upsert("corpus-1", [1], ONE)
    first = vectors._client
    with pytest.raises(Exception, match="dimension"):
        vectors.upsert("corpus-1", [2], np.eye(1, 9, dtype=np.float32))
    assert vectors._client is None
    assert vectors.count("corpus-1") == 1
    assert vectors._client is not first
    vectors.close()
