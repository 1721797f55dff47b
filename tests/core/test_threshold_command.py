"""`triptych threshold`: what serves, what it declines, and another one chosen."""

import json
from pathlib import Path

import pytest

from core.cli import main
from core.commands.threshold import readable, threshold
from core.errors import BadInput, NotFound
from core.evaluation import running
from core.evaluation.questions import of_rows
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft

LEASE = b"# Lease of Unit 7\n\nThe rent is 2,400 pounds a month, payable on the first day of each month.\n"
GOLD = [
    GoldDraft("What is the rent of Unit 7 a month?", "2,400 pounds", documents=["lease.md"]),
    GoldDraft("Which team won the football cup?", answerable=False),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A workspace with a corpus that was evaluated."""
    found = Settings.load(tmp_path / "workspace")
    with Workspace.open(found, given={"engine": ScriptedChat(answers=["The rent is 2,400 pounds."])}) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal")
        intake.add_files(ws, corpus.id, [("lease.md", LEASE)])
        ws.dispatcher.run_one()
        ws.gold.add_many(corpus.id, GOLD)
        running.start(ws, corpus.id, of_rows(ws.gold.list(corpus.id)), ["rag"])
        ws.dispatcher.run_one()
    return found


def test_it_says_what_serves_and_what_that_declines(settings: Settings) -> None:
    found = threshold(settings, "Leases", choose=None, as_domain=False)
    assert (found["own"], found["threshold"]) == (False, found["domain"])
    assert found["declined"] == {"rightly": 1, "absent": 1, "wrongly": 0, "present": 1}
    assert 0 < found["suggested"] <= found["domain"]
    said = readable(found)
    assert f"Answers what is at least {found['domain']:.2f} probable (its domain's)." in said
    assert "declines 1 of 1 that the documents do not answer, and 0 of 1 that they do." in said


def test_another_is_chosen_and_given_back(settings: Settings) -> None:
    found = threshold(settings, "Leases", choose=1.0, as_domain=False)
    assert (found["own"], found["threshold"]) == (True, 1.0)
    assert found["declined"]["wrongly"] == 1
    assert "the corpus's own; its domain says" in readable(found)
    assert not threshold(settings, "Leases", choose=None, as_domain=True)["own"]


def test_without_an_evaluation_it_says_so(settings: Settings) -> None:
    with Workspace.open(settings) as ws:
        intake.create_corpus(ws, "Empty", "legal")
    found = threshold(settings, "Empty", choose=None, as_domain=False)
    assert (found["declined"], found["suggested"]) == (None, None)
    assert "No evaluation says" in readable(found)


def test_what_is_no_corpus_or_no_probability_is_refused(settings: Settings) -> None:
    with pytest.raises(NotFound, match="no corpus 'Nowhere'"):
        threshold(settings, "Nowhere", choose=None, as_domain=False)
    with pytest.raises(BadInput, match="not between 0 and 1"):
        threshold(settings, "Leases", choose=7.0, as_domain=False)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--at", "0.4"], 0), (["--at", "3"], 2), (["--at", "0.4", "--domain"], 2)]
)
def test_the_command_prints_json_and_ends_with_the_usual_codes(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
) -> None:
    command = ["triptych", "threshold", "--corpus", "Leases", "--workspace", str(settings.home), "--json", *arguments]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code or 0) == code
    if code == 0:
        assert json.loads(capsys.readouterr().out)["threshold"] == 0.4
