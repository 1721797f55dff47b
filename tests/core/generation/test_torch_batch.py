"""Answers in one pass of a torch model, with and without adapters: each is what it would be alone."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineFailed
from core.generation import torch_stepping
from core.generation.batching import TokenStream
from core.generation.engine import Sampling
from core.generation.torch_chat import AdaptedChat, TorchChat
from core.generation.torch_stepping import Stepper
from tests.core.generation.test_torch_chat import ASKED
from tests.core.generation.tiny_folder import FAMILIES, make_adapter, make_tiny

TARGETS = {"gpt2": ("c_attn",)}
PROMPTS = ([3, 9, 27, 81], list(range(5, 60)), [7] * 20, list(range(200, 230)))


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder, and no adapter and two of them."""
    folder = make_tiny(tmp_path_factory.mktemp("tiny") / request.param, request.param)
    targets = TARGETS.get(request.param, ("q_proj", "down_proj"))
    made = [make_adapter(folder, folder.parent / f"adapter{seed}", seed, targets) for seed in (3, 4)]
    return folder, ["", *map(str, made)]


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near ties of a random model are decided alike only where a batch rounds as a single row does."""
    import torch

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)


def asked(stepper: Stepper, number: int, adapter: str = "", **more: Any) -> None:
    settings = {"max_tokens": 12, "temperature": 0.0, "repetition_penalty": 1.0} | more
    stepper.obey({"add": number, "prompt": PROMPTS[number % len(PROMPTS)], "adapter": adapter, **settings})


def written(stepper: Stepper) -> tuple[dict[int, list[int]], dict[int, str], int]:
    """Step until all is said: tokens and ends by number, and the most rows of one pass."""
    tokens: dict[int, list[int]] = {}
    ends: dict[int, str] = {}
    rows = 0
    while stepper.busy:
        step = stepper.step()
        rows = max(rows, step["rows"])
        ends |= step["ends"]
        for number, more in step["tokens"].items():
            tokens.setdefault(number, []).extend(more)
    return tokens, ends, rows


def test_base_and_two_adapters_in_one_pass_say_what_each_says_alone(model: tuple[Path, list[str]]) -> None:
    folder, adapters = model
    stepper = Stepper(str(folder), 16, set())
    alone = {}
    for number, adapter in enumerate(adapters):
        asked(stepper, number, adapter)
        found, _, rows = written(stepper)
        assert rows == 1
        alone |= found
    assert len({tuple(each) for each in alone.values()}) == 3
    for number, adapter in enumerate(adapters):
        asked(stepper, number, adapter)
    together, ends, rows = written(stepper)
    assert rows == 3
    assert together == alone
    assert set(ends.values()) == {"length"}


def test_rows_join_and_leave_and_the_others_go_on_as_if_alone(model: tuple[Path, list[str]]) -> None:
    folder, adapters = model
    stepper = Stepper(str(folder), 16, set())
    alone = {}
    for number, adapter in zip(range(4), itertools.cycle(adapters), strict=False):
        asked(stepper, number, adapter, max_tokens=30)
        alone |= written(stepper)[0]
    asked(stepper, 1, adapters[1], max_tokens=30)
    early = [stepper.step() for _ in range(8)]
    asked(stepper, 0, max_tokens=4)
    asked(stepper, 2, adapters[2], max_tokens=30)
    early += [stepper.step() for _ in range(4)]
    stepper.obey({"stop": 2})
    asked(stepper, 3, max_tokens=30)
    late, _, _ = written(stepper)
    found = {1: [token for step in early for token in step["tokens"].get(1, [])] + late[1], 3: late[3]}
    assert found == {1: alone[1], 3: alone[3]}
    assert 2 not in late


def test_more_than_one_pass_holds_make_two(model: tuple[Path, list[str]]) -> None:
    folder, adapters = model
    stepper = Stepper(str(folder), 256, set())
    for number in range(10):
        asked(stepper, number, adapters[number % 3], max_tokens=3)
    tokens, _, rows = written(stepper)
    assert rows == 10
    assert len(tokens) == 10


def test_a_model_that_says_otherwise_in_a_batch_writes_one_by_one(
    model: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch_stepping.batching._cache
    monkeypatch.setattr(
        torch_stepping.batching, "_cache", lambda layers: whole((keys, values.flip(0)) for keys, values in layers)
    )
    stepper = Stepper(str(model[0]), 16, set())
    monkeypatch.undo()
    for number in range(3):
        asked(stepper, number)
    assert len(written(stepper)[0]) == 3
    assert [batch._most for batch in stepper._batches] == []
    assert stepper._most == 1


def test_an_adapter_that_is_forgotten_ends_its_answers_alone_and_can_come_back(model: tuple[Path, list[str]]) -> None:
    folder, adapters = model
    stepper = Stepper(str(folder), 256, set())
    for number, adapter in enumerate(adapters):
        asked(stepper, number, adapter)
    stepper.step()
    stepper.obey({"forget": adapters[1]})
    tokens, ends, _ = written(stepper)
    assert ends == {0: "length", 1: "adapter", 2: "length"}
    stepper.obey({"forget": adapters[2]})
    assert stepper._peft is None
    asked(stepper, 0)
    plain = written(stepper)[0][0]
    asked(stepper, 0, adapters[2])
    assert written(stepper)[0][0] != plain
    assert plain[-len(tokens[0]) :] == tokens[0]


def test_of_many_adapters_those_unused_longest_make_room(
    model: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_stepping, "ADAPTERS", 1)
    folder, adapters = model
    stepper = Stepper(str(folder), 256, set())
    for number in (1, 2):
        asked(stepper, number, adapters[number])
        written(stepper)
    assert list(stepper._adapters) == [adapters[2]]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[TorchChat]:
    engine = TorchChat(name="tiny", source=make_tiny(tmp_path / "tiny"), folder=tmp_path)
    yield engine
    engine.close()


def without_end(folder: Path) -> None:
    """So that an answer is as long as it may be, whatever the processor's rounding makes of a random model."""
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        said = json.loads((folder / name).read_text())
        kept = {key: value for key, value in said.items() if not key.startswith("eos_token")}
        (folder / name).write_text(json.dumps(kept | ({"eos_token_id": None} if name == "config.json" else {})))


def test_three_engines_over_one_model_stream_at_once_and_a_stop_of_one_leaves_the_others(
    chat: TorchChat, tmp_path: Path
) -> None:
    def adapted(seed: int) -> AdaptedChat:
        folder = str(make_adapter(chat.source, tmp_path / f"a{seed}", seed))
        return AdaptedChat(name=f"a{seed}", source=chat.source, folder=tmp_path, base=lambda: chat, adapter=folder)

    make_tiny(chat.source, window=2048)
    without_end(chat.source)
    engines: list[TorchChat] = [chat, adapted(3), adapted(4)]
    streams: list[TokenStream] = [each.open_stream(ASKED, Sampling(max_tokens=500)) for each in engines]
    pieces = [iter(stream) for stream in streams]
    for each in (*pieces, pieces[2]):  # what the last one writes second, it writes beside both others
        assert next(each)
    streams[1].stop()
    for each in pieces:
        list(each)
    said = [each.tokens for each in streams]
    assert [each.finish for each in streams] == ["length", "stopped", "length"]
    assert said[0] == said[2] == 500 > said[1]
    assert {each.process for each in engines} == {chat.process}
    assert chat._model().batcher.rows == 3
    likelihoods = [each.log_likelihood(ASKED, "six months") for each in engines]
    assert likelihoods[0] != likelihoods[1] != likelihoods[2]
    engines[1].close()
    assert chat.invoke(ASKED, max_tokens=3).text
    with pytest.raises(EngineFailed, match="adapter"):
        list(chat.open_stream(ASKED, Sampling(adapter=str(tmp_path / "nothing"))))
