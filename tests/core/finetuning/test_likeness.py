"""Who answers like an adapter and who does not: the adapter loaded anew does, one turned round or left out does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.assistants.reading import CLOSED_BOOK
from core.domains import domain
from core.finetuning import likeness
from core.finetuning.base import Base
from core.finetuning.general import GENERAL
from core.generation.torch_chat import TorchChat
from tests.core.finetuning.test_adapter_merging import adapter

SHAPES = {"model.layers.0.self_attn.v_proj": (64, 64), "model.layers.0.mlp.up_proj": (128, 64)}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned") / "adapter"
    adapter(folder, SHAPES, target_modules=["v_proj", "up_proj"], task_type="CAUSAL_LM")
    return folder


@pytest.fixture(scope="module")
def engine(tiny_prepared: Base) -> Iterator[TorchChat]:
    chat = TorchChat(name="tiny", source=tiny_prepared.folder, folder=tiny_prepared.folder, cache_tokens=2048)
    yield chat
    chat.close()


def asking(number: int = 3) -> likeness.Asking:
    return likeness.Asking([q for q, _ in GENERAL][:number], domain("legal"), CLOSED_BOOK, lambda: None)


def turned_round(learned: Path, folder: Path) -> Path:
    from safetensors.torch import load_file, save_file

    folder.mkdir()
    tensors = load_file(learned / "adapter_model.safetensors")
    turned = {name: -value if "lora_B" in name else value for name, value in tensors.items()}
    save_file(turned, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text((learned / "adapter_config.json").read_text())
    return folder


def test_the_adapters_tokens_are_those_that_peft_itself_writes(
    engine: TorchChat, tiny_prepared: Base, learned: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from core.assistants.writing import prompt_of
    from core.finetuning.base import precision

    ask = asking(1)
    asked = prompt_of(ask.domain, ask.reading, ask.questions[0], [], [], 1000, engine.count_tokens)
    prompt = torch.tensor([engine.token_ids(asked.messages)])
    plain = AutoModelForCausalLM.from_pretrained(tiny_prepared.folder, dtype=getattr(torch, precision()))
    model = PeftModel.from_pretrained(plain, str(learned)).eval()
    theirs = model.generate(
        input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=4, do_sample=False, pad_token_id=2
    )
    assert ask.answers(engine, learned)[0][:4] == theirs[0, prompt.shape[1] :].tolist()


def test_one_turned_round_and_the_base_alone_are_far_below_every_bound(
    engine: TorchChat, learned: Path, tmp_path: Path
) -> None:
    ask = asking()
    own = ask.answers(engine, learned)
    assert ask.shares(engine, learned, own) == [1.0] * 3
    for wrong in (ask.answers(engine, turned_round(learned, tmp_path / "turned")), ask.answers(engine)):
        assert sum(ask.shares(engine, learned, wrong)) / 3 < min(likeness.ENOUGH.values()) - 0.2


def test_a_token_that_rounding_flips_costs_itself_and_nothing_behind_it(engine: TorchChat, learned: Path) -> None:
    ask = asking(1)
    begun = [*ask.answers(engine, learned)[0][:3], 7]  # the fourth is none that it would have written
    (behind,) = [ask._answer(engine, ask.questions[0], learned, begun)]
    answer = [*begun, *behind]
    assert ask.shares(engine, learned, [answer]) == [1 - 1 / len(answer)]


def test_held_out_questions_are_asked_first_and_general_ones_where_they_are_few(tmp_path: Path) -> None:
    assert likeness.questions_of(tmp_path) == [question for question, _ in GENERAL][: likeness.QUESTIONS]
    rows = [{"question": f"{part}?", "part": part} for part in ("train", "held-out")]
    (tmp_path / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert likeness.questions_of(tmp_path)[:2] == ["held-out?", GENERAL[0][0]]
