"""Adapters at an OpenAI-compatible endpoint, asked for by name: a real server over HTTP, over real adapters."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from core.assistants.reading import CLOSED_BOOK
from core.errors import BadInput, EngineFailed
from core.finetuning import exporting, gate, registry, served
from core.generation.endpoint import EndpointChat
from core.generation.torch_chat import AdaptedChat, TorchChat
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import AdapterRow
from tests.core.generation.openai_server import KEY, OpenAIServer, serving
from tests.core.generation.tiny_folder import make_adapter, make_tiny


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenAIServer]:
    """As vLLM: a base model "tiny", an adapter of it by its own name, an adapter of another, one that is not put on."""
    folder = make_tiny(tmp_path / "served")
    base = TorchChat(name="tiny", source=folder, folder=folder)
    adapter = str(make_adapter(folder, tmp_path / "there", 3))
    adapted = AdaptedChat(name="leases", source=folder, folder=folder, base=lambda: base, adapter=adapter)
    with serving(base) as running:
        running.adapters = {"leases": ("tiny", adapted), "foreign": ("other", base), "silent": ("tiny", base)}
        yield running
    base.close()


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace, server: OpenAIServer) -> int:
    made = ws.corpora.create("The Leases", "legal").id
    row = ws.base_models.create("Office vLLM", "endpoint", server.url, model="tiny", secret=ws.secrets.seal(KEY))
    ws.assistants.choose_base_model(made, row.id)
    return made


def test_its_mode_asks_the_endpoint_for_the_adapter_by_its_name(
    ws: Workspace, corpus: int, server: OpenAIServer
) -> None:
    assert [each.model for each in served.offered(ws, corpus)] == ["leases", "silent", "other"]
    row = served.choose(ws, corpus, "closed-book", "leases")
    assert (row.status, row.base_model) == ("candidate", "Office vLLM")
    assert ws.audit.newest(1)[0].action == "imported"
    gate.overrule(ws, row.id)
    voice = ws.serving.voice(corpus, "finetuned")
    engine = voice.engine()
    assert isinstance(engine, EndpointChat)
    assert voice.name == engine.name == "Office vLLM + closed-book v1"
    said = engine.invoke("What is the notice period?").text
    assert server.seen[-1]["model"] == "leases"
    assert said == server.adapters["leases"][1].invoke("What is the notice period?", max_tokens=512).text
    assert said != ws.engine_for(corpus).invoke("What is the notice period?").text
    registry.withdraw(ws, row.id)
    registry.delete(ws, row.id)
    assert not ws.serving.folder(row).exists()


def test_the_test_tells_speed_and_whether_it_is_on_at_all(ws: Workspace, corpus: int) -> None:
    trial, words = served.try_name(ws, corpus, "leases")
    assert trial.problem == ""
    assert trial.answer
    assert words == served.OTHERWISE
    row = served.choose(ws, corpus, "grounded", "silent")
    assert served.try_out(ws, row.id)[1] == served.ALIKE
    trial, words = served.try_name(ws, corpus, "gone")
    assert "offers no model called gone" in trial.problem
    assert words == ""


def test_what_the_endpoint_does_not_offer_as_its_adapter_is_refused(ws: Workspace, corpus: int) -> None:
    for model, why in (
        ("tiny", "is the base model itself"),
        ("gone", "offers no model called gone"),
        ("foreign", "is an adapter of other"),
    ):
        with pytest.raises(BadInput, match=why):
            served.choose(ws, corpus, "grounded", model)
    with pytest.raises(BadInput, match="no kind of adapter"):
        served.choose(ws, corpus, "sparse", "leases")
    ws.assistants.choose_base_model(corpus, None)
    with pytest.raises(BadInput, match="Only an endpoint"):
        served.choose(ws, corpus, "grounded", "leases")
    assert ws.adapters.list(corpus) == []
    assert not list((ws.home / "adapters").glob("*"))


def test_one_whose_endpoint_answers_no_more_says_so_and_has_no_files_here(ws: Workspace, corpus: int) -> None:
    row = served.choose(ws, corpus, "grounded", "leases")
    with pytest.raises(BadInput, match="is served by Office vLLM as leases: its files are there"):
        exporting.start(ws, row.id, "peft")
    ws.assistants.choose_base_model(corpus, None)
    with pytest.raises(BadInput, match="which does not answer here"):
        ws.serving.engine(row.id)
    other = ws.base_models.create("Down", "endpoint", "http://127.0.0.1:9/v1", model="tiny")
    ws.assistants.choose_base_model(corpus, other.id)
    with pytest.raises(EngineFailed, match="cannot be reached"):
        served.offered(ws, corpus)


def local(ws: Workspace, corpus: int, folder: Path, rank: int = 12) -> AdapterRow:
    """An adapter of a folder as a training leaves it."""
    row = ws.adapters.take_in(
        corpus, "grounded", "Tiny", "trained", recipe={"rank": rank}, files={"x": "y"}, documents={"lease.md": "a"},
        result={"reading": asdict(CLOSED_BOOK), "answer_tokens": 77, "corpus": []},
    )  # fmt: skip
    made = ws.serving.folder(row)
    made.mkdir(parents=True, exist_ok=True)
    (made / "plan.json").write_text(json.dumps({"base": str(folder)}))
    make_adapter(folder, made / "adapter", 5)
    return row


def test_vllm_is_started_with_what_was_trained_here_and_what_it_learned_goes_along(
    ws: Workspace, corpus: int, tmp_path: Path
) -> None:
    folder = make_tiny(tmp_path / "base model")
    row = local(ws, corpus, folder)
    words = shlex.split(served.command(ws, [row]))
    assert words == [
        *("vllm", "serve", str(folder), "--enable-lora", "--max-lora-rank", "16", "--lora-modules"),
        f"the-leases-grounded-v1={ws.serving.folder(row) / 'adapter'}",
    ]
    there = served.choose(ws, corpus, "grounded", "leases", row.id)
    assert there.note == "grounded v1, served as leases."
    assert there.documents == {"lease.md": "a"}
    assert ws.serving.reading(there) == ws.serving.reading(row)
    with pytest.raises(BadInput, match="another corpus or kind"):
        served.choose(ws, corpus, "closed-book", "leases", row.id)
    with pytest.raises(BadInput, match="are at the endpoint"):
        served.command(ws, [there])
    (ws.serving.folder(row) / "plan.json").write_text('{"base": "/nowhere"}')
    with pytest.raises(BadInput, match="The folder of Tiny is not there"):
        served.command(ws, [row])
