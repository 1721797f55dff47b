"""What a training says while its examples are prepared: the time left is that of the examples, not of loading."""

from types import SimpleNamespace

import pytest

from core.finetuning import tuning


def test_what_the_first_example_waits_for_is_not_taken_for_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    jobs = SimpleNamespace(say=lambda _job, words: said.append(words.partition(": ")[2]))
    lease = SimpleNamespace(job=None, check=lambda: None)
    clock = [100.0]
    monkeypatch.setattr("core.finetuning.tuning.time.monotonic", lambda: clock[0])
    heard = tuning._heard(SimpleNamespace(jobs=jobs), lease, "grounded adapter")  # type: ignore[arg-type]
    heard(0, 161)
    for done, seconds in enumerate((30.0, 1.0, 1.0, 0.1), 1):  # models are loaded before the first is done
        clock[0] += seconds
        heard(done, 161)
    assert said == [
        "finding passages for example 1 of 161",
        "finding passages for example 2 of 161, 3 min left",
        "finding passages for example 3 of 161, 3 min left",
    ]
