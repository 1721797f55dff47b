"""The endpoint engine against a real server over HTTP; what that server says is the scripted engine's."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import SecretStr

from core.errors import BadInput, EngineFailed, TriptychError
from core.generation import habits
from core.generation.endpoint import EndpointChat, _end_of
from core.generation.reach import Reach
from core.generation.scripted import ScriptedChat
from tests.core.generation.openai_server import KEY, OpenAIServer, serving

ASKED = [SystemMessage("Be brief."), HumanMessage("What is the notice period?")]
Asks = Callable[..., EndpointChat]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(ScriptedChat(answers=["Six months' written notice is needed."])) as running:
        yield running


@pytest.fixture
def asks(server: OpenAIServer) -> Asks:
    def made(model: str = "tiny", key: str = KEY, url: str = "") -> EndpointChat:
        return EndpointChat(name="the cloud", base_url=url or server.url, model=model, key=SecretStr(key))

    return made


def test_an_answer_streams_in_pieces_and_ends_with_the_endpoint_s_own_counts(asks: Asks, server: OpenAIServer) -> None:
    chunks = list(asks().stream(ASKED, max_tokens=50))
    assert "".join(str(chunk.text) for chunk in chunks) == "Six months' written notice is needed."
    assert len(chunks) > 4
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata["output_tokens"] == 6
    assert chunks[-1].response_metadata["finish_reason"] == "stop"
    assert server.seen[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert server.seen[0]["max_tokens"] == 50


def test_an_answer_can_be_stopped_while_the_endpoint_still_reads_the_prompt(asks: Asks, server: OpenAIServer) -> None:
    stopping = threading.Event()

    def stop_once_it_reads() -> None:
        assert server.reading.wait(60), "the request never arrived"
        stopping.set()

    threading.Thread(target=stop_once_it_reads).start()
    chunks = list(asks("slow").stream(ASKED, stopping=stopping))
    assert chunks[-1].response_metadata["finish_reason"] == "stopped"
    assert server.broken_off.wait(30), "the endpoint goes on writing for nobody"


def test_an_endpoint_that_is_down_is_named_with_its_address(asks: Asks) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EngineFailed, match=r"cannot be reached at 127\.0\.0\.1") as failed:
            list(asks(url=url).stream(ASKED))
    assert "Start it" in failed.value.remedy


@pytest.mark.parametrize(
    ("model", "kind", "said"),
    [
        ("unknown", EngineFailed, "no base model called 'unknown'"),
        ("busy", EngineFailed, "Ask again in 77 s"),
        ("broken", EngineFailed, r"failed \(500\)"),
        ("picky", BadInput, "maximum context length is 10 tokens"),
        ("cut", EngineFailed, "was cut. What arrived is kept"),
        ("errs", EngineFailed, "out of memory"),
        ("moved", EngineFailed, r"failed \(307\)"),
    ],
)
def test_what_goes_wrong_is_said_with_its_remedy(asks: Asks, model: str, kind: type[TriptychError], said: str) -> None:
    with pytest.raises(kind, match=said) as failed:
        list(asks(model).stream(ASKED))
    assert failed.value.remedy


def test_what_arrived_before_a_cut_is_kept(asks: Asks) -> None:
    chunks = asks("cut").stream(ASKED)
    assert str(next(chunks).text) == "Six"
    with pytest.raises(EngineFailed, match="was cut"):
        list(chunks)


def test_a_busy_endpoint_that_says_when_is_asked_again(asks: Asks, server: OpenAIServer) -> None:
    assert "notice" in str(asks("busy-once").invoke(ASKED).text)
    assert len(server.seen) == 2


def test_something_else_at_the_address_is_said_to_be_no_endpoint(asks: Asks, server: OpenAIServer) -> None:
    with pytest.raises(EngineFailed, match="nothing at this address"):
        asks(url=server.url.removesuffix("/v1")).offered()


def test_the_key_is_in_no_message_no_repr_and_no_log(
    asks: Asks, server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors = []
    for engine in (asks("picky"), asks(key="sk-wrong-987654321")):
        with pytest.raises(TriptychError) as failed:
            list(engine.stream(ASKED))
        errors.append(f"{failed.value!r} {failed.value} {engine!r} {engine._identifying_params}")
    list(asks().stream(ASKED))
    everything = "\n".join([*errors, caplog.text])
    assert "does not accept the key (401)" in everything
    assert KEY not in everything
    assert "sk-wrong-987654321" not in everything


def test_it_tells_what_is_offered_and_how_much_each_reads(asks: Asks) -> None:
    assert [(each.model, each.window) for each in asks().offered()] == [("tiny", 2048), ("other", 0)]
    assert asks("other").reach() == Reach(0, made_for=1234)


def test_tokens_are_estimated_rather_too_high(asks: Asks) -> None:
    text = "The tenant may end this lease on 1 March 2027 by giving six months' written notice. " * 20
    assert 20 * 19 <= asks().count_tokens(text) <= 2 * 20 * 19
    assert asks().count_tokens(ASKED) > asks().count_tokens(ASKED[1].text)


def test_the_likelihood_of_an_answer_is_read_from_the_end_of_the_prompt() -> None:
    def token(text: str, score: float) -> dict[str, Any]:
        return {"7": {"logprob": score, "rank": 1, "decoded_token": text}}

    prompt = [None, token("user", -9.0), token(" six", -1.5), token(" months", -0.5)]
    assert _end_of(prompt, "six months") == [-1.5, -0.5]
    assert _end_of(prompt, "seven months") is None
    assert _end_of([None], "six") is None
    assert _end_of(None, "six") is None


def test_an_endpoint_that_does_not_give_likelihoods_says_nothing(asks: Asks) -> None:
    assert asks("picky").log_likelihood([HumanMessage("How long?")], "six months") is None
    assert asks("tiny").log_likelihood([HumanMessage("How long?")], "six months") is None


def test_an_endpoint_that_scores_prompts_gives_the_likelihood_of_the_answer_alone(
    asks: Asks, server: OpenAIServer
) -> None:
    assert asks("scores").log_likelihood([HumanMessage("How long?")], "six months") == [-0.2, -0.3]
    asked = server.seen[-1]
    assert asked["messages"][-1] == {"role": "assistant", "content": "six months"}
    assert (asked["continue_final_message"], asked["add_generation_prompt"]) == (True, False)


@pytest.mark.parametrize(
    ("counted", "said"),
    [(2048, 2048), (2047, 0), (1500, 1500), (0, 0), (40, 0)],
    ids=["as much as a server holds", "as many as there were", "far too few", "not said", "all but those it knew"],
)
def test_a_prompt_that_the_endpoint_has_cut_is_noticed(
    asks: Asks, server: OpenAIServer, counted: int, said: int
) -> None:
    ends = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": counted}}
    server.events["cuts"] = [{"choices": [{"delta": {"content": "Six months."}}]}, ends]
    words = 5000 if counted == 1500 else 1500
    *_, last = asks("cuts").stream([HumanMessage("notice " * words)])
    assert last.response_metadata["prompt_cut_to"] == said


def test_a_short_prompt_is_never_said_to_be_cut(asks: Asks, server: OpenAIServer) -> None:
    *_, last = asks().stream(ASKED)
    assert last.response_metadata["prompt_cut_to"] == 0


def test_settings_that_a_model_refuses_are_left_out_from_then_on(asks: Asks, server: OpenAIServer) -> None:
    server.refuses["o9"] = ("max_tokens", "temperature", "stream_options")
    for _ in range(2):
        assert "notice" in str(asks("o9").invoke(ASKED, max_tokens=50).text)
    assert len(server.seen) == 5, "three refusals, and never again"
    assert server.seen[-1]["max_completion_tokens"] == 50
    assert not {"max_tokens", "temperature", "stream_options"} & set(server.seen[-1])
    assert "notice" in str(asks("tiny").invoke(ASKED).text)
    assert "temperature" in server.seen[-1], "another model has its own habits"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"error": {"message": "Use \'max_completion_tokens\' instead of max_tokens", "param": null}}', "max_tokens"),
        ('{"error": {"message": "no", "param": "temperature"}}', "temperature"),
        ('{"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}', "stream_options"),
        ("max_completion_tokens is too large", ""),
        ('{"error": {"message": "the temperature is wrong", "param": "messages"}}', ""),
        ("[]", ""),
    ],
)
def test_what_a_refusal_names_is_its_param_or_else_in_its_words(text: str, named: str) -> None:
    assert habits.refused_in(400, text) == frozenset({named} - {""})
    assert habits.refused_in(500, text) == frozenset()


def test_a_refusal_that_stays_is_said_and_not_remembered(asks: Asks, server: OpenAIServer) -> None:
    server.refuses["full"] = ("max_tokens", "max_completion_tokens")
    with pytest.raises(BadInput, match="max_completion_tokens"):
        asks("full").invoke(ASKED)
    assert habits.of(server.url, "full").refused == frozenset()


def _said(content: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"error": None, "choices": [{"delta": {"content": content, **more}, "finish_reason": finish}]}


@pytest.mark.parametrize("cut", [1, 3, 7, 999])
@pytest.mark.parametrize(
    ("whole", "answer"),
    [
        ("<think>hidden musing</think>The rent is 5.", "The rent is 5."),
        ("\n<think>\n\n</think>\n\nThe rent < 6.", "The rent < 6."),
        ("[THINK]a </think> b[/THINK] Five.", "Five."),
        ("<thinking>a</thinking>Five.", "Five."),
        ("<the> rent</think> is 5.", "<the> rent</think> is 5."),
        ("The <think>rent</think> is 5.", "The <think>rent</think> is 5."),
        ("<th", "<th"),
    ],
)
def test_a_block_of_thinking_is_no_part_of_the_answer(
    asks: Asks, server: OpenAIServer, whole: str, answer: str, cut: int
) -> None:
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    server.events["thinks"] = [_said(role="assistant"), *(_said(piece) for piece in pieces), _said(finish="stop")]
    chunks = list(asks("thinks").stream(ASKED))
    assert "".join(str(chunk.text) for chunk in chunks) == answer
    assert not chunks[-1].response_metadata["only_thought"]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_a_model_that_thinks_until_its_tokens_are_used_up_gets_room_for_that(
    asks: Asks, server: OpenAIServer, name: str
) -> None:
    def events(body: dict[str, Any]) -> list[dict[str, Any]]:
        thinking = [_said(**{name: "Let me think."})] * 3
        done = [_said("Six "), _said("months."), _said("More."), _said(finish="stop")]
        return [*thinking, *(done if body["max_tokens"] > 1000 else [_said(finish="length")])]

    server.events["thinks"] = events
    chunks = list(asks("thinks").stream(ASKED, max_tokens=2))
    assert "".join(str(chunk.text) for chunk in chunks) == "Six months.", "the room is for thinking, not for more text"
    assert chunks[-1].response_metadata["thinking_s"] > 0
    list(asks("thinks").stream(ASKED, max_tokens=2))
    assert [each["max_tokens"] > 1000 for each in server.seen] == [False, True, True]


def test_a_block_that_is_never_closed_is_no_answer(asks: Asks, server: OpenAIServer) -> None:
    server.events["thinks"] = [_said("<think>Let me"), _said(" see"), _said(finish="stop")]
    chunks = list(asks("thinks").stream(ASKED))
    assert [str(chunk.text) for chunk in chunks] == [""]
    assert chunks[-1].response_metadata["only_thought"]
