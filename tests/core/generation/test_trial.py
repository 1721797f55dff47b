"""The *Test* button against a real server that answers as Ollama, LM Studio, llama.cpp, vLLM and clouds do."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineFailed
from core.generation import catalogue
from core.generation.catalogue import Described
from core.generation.endpoint import EndpointChat
from core.generation.scripted import ScriptedChat
from core.generation.trial import Trial, try_out
from core.settings import Settings
from core.workspace import Workspace
from tests.core.generation.openai_server import KEY, OpenAIServer, serving

Tests = Callable[..., Trial]
ANSWER = "A contract binds two parties."


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "ws")) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(ScriptedChat(answers=[ANSWER])) as running:
        yield running


@pytest.fixture
def tested(workspace: Workspace, server: OpenAIServer) -> Tests:
    """Adds a model at the server and tests it."""

    def made(model: str = "tiny", url: str = "", window: int = 0, key: str = KEY) -> Trial:
        described = Described(model, "endpoint", url or server.url, model, window, key)
        return try_out(workspace, catalogue.add(workspace, described).id)

    return made


def test_an_endpoint_that_lists_no_models_is_tested_all_the_same(tested: Tests, server: OpenAIServer) -> None:
    server.models = None
    trial = tested()
    assert (trial.problem, trial.answer) == ("", ANSWER)
    assert trial.unlisted
    assert trial.offered == ()


def test_with_neither_a_list_nor_a_model_it_is_the_address_that_is_wrong(tested: Tests, server: OpenAIServer) -> None:
    trial = tested(url=server.url.removesuffix("/v1"))
    assert "nothing at this address (404)" in trial.problem
    assert "/v1" in trial.remedy
    assert "test" not in trial.remedy.lower(), "this was the test"


def test_a_model_that_is_not_there_is_to_be_chosen_from_those_that_are(tested: Tests) -> None:
    trial = tested("unknown")
    assert "no base model called 'unknown'" in trial.problem
    assert [each.model for each in trial.offered] == ["tiny", "other"]
    assert trial.remedy == "Choose one that is offered there."


@pytest.mark.parametrize("facts", [None, {"llama.context_length": None}, "many", {"llama.context_length": "4k"}])
def test_facts_that_are_none_or_nonsense_do_not_stop_a_test(tested: Tests, server: OpenAIServer, facts: object) -> None:
    server.own["/api/show"] = {"model_info": facts}
    assert tested("other").answer == ANSWER


def test_a_time_out_names_the_time_that_was_waited(tested: Tests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.generation.wire.SHORT_S", 1.0)
    monkeypatch.setattr("core.generation.wire.READ_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(EngineFailed, match="has not said anything for 1 s"):
            EndpointChat(base_url=url, model="tiny").offered()
        assert "has not said anything for 2 s" in tested(url=url).problem


LOADED: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "ollama says what it is loaded with": (
        {
            "/api/ps": {"models": [{"model": "other:latest", "context_length": 4096}]},
            "/api/show": {"model_info": {"qwen2.context_length": 131072}},
        },
        (4096, 131072),
    ),
    "an older ollama says what the model's file asks for": (
        {
            "/api/ps": {"models": [{"name": "other:latest"}]},
            "/api/show": {"model_info": {"a.context_length": 131072}, "parameters": 'stop "x"\nnum_ctx      8192'},
        },
        (8192, 131072),
    ),
    "an older ollama whose model's file asks for nothing": (
        {"/api/ps": {"models": []}, "/api/show": {"model_info": {"a.context_length": 131072}, "parameters": None}},
        (0, 131072),
    ),
    "lm studio": (
        {"/api/v0/models": {"data": [{"id": "other", "loaded_context_length": 4096, "max_context_length": 32768}]}},
        (4096, 32768),
    ),
    "llama.cpp": ({"/props": {"default_generation_settings": {"n_ctx": 16384}}}, (16384, 0)),
    "nonsense": (
        {"/props": {"default_generation_settings": None}, "/api/ps": [], "/api/v0/models": {"data": 3}},
        (0, 0),
    ),
    "nothing": ({}, (0, 0)),
}


@pytest.mark.parametrize("case", LOADED)
def test_what_a_model_is_loaded_with_counts_and_not_what_it_was_made_for(
    tested: Tests, server: OpenAIServer, case: str
) -> None:
    server.own, found = LOADED[case]
    trial = tested("other")
    assert (trial.window, trial.made_for) == found
    assert trial.answer == ANSWER


def test_what_a_list_says_counts_where_there_is_nothing_better(tested: Tests, server: OpenAIServer) -> None:
    server.own = {}
    assert tested().window == 2048


def test_what_was_entered_is_not_said_to_be_the_endpoint_s_word(tested: Tests, server: OpenAIServer) -> None:
    server.own = {}
    assert tested("other", window=8192).window == 0


def test_a_model_that_only_thinks_is_said_to(tested: Tests, server: OpenAIServer) -> None:
    thinking = {"choices": [{"delta": {"reasoning_content": "Let me think."}}]}
    server.events["tiny"] = [thinking, {"choices": [{"delta": {}, "finish_reason": "length"}]}]
    trial = tested()
    assert "used up its tokens by thinking" in trial.problem
    assert "choose another model" in trial.remedy


def test_a_key_in_the_environment_that_can_be_none_is_said_in_a_line(
    workspace: Workspace, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURLY", "\u201csk-secret\u201d")
    row = catalogue.add(workspace, Described("m", "endpoint", server.url, "tiny", variable="CURLY"))
    trial = try_out(workspace, row.id)
    assert "environment variable CURLY" in trial.problem
    assert "sk-secret" not in f"{trial}"


def test_a_defect_of_ours_is_a_line_too_and_keeps_its_traceback_in_the_log(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_: int) -> None:
        raise KeyError("x")

    monkeypatch.setattr(workspace.engines, "of", breaks)
    trial = try_out(workspace, 1)
    assert "not foreseen (KeyError)" in trial.problem
    assert "Traceback" in caplog.text
