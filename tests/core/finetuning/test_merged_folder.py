"""A merged folder: changed weights are the base's plus what the adapter adds, all else is as it was.

What is expected is what peft itself merges, or is computed here.
"""

import json
from pathlib import Path

import pytest

from core.errors import BadInput, TriptychError
from core.finetuning import merged_folder
from core.finetuning.base import Base, prepared
from tests.core.finetuning.test_adapter_merging import adapter

SHAPES = {"model.layers.0.self_attn.k_proj": (16, 32), "model.layers.1.mlp.down_proj": (32, 64)}


def merged(base: Base, folder: Path, shapes: dict[str, tuple[int, int]]) -> Path:
    adapter(folder / "adapter", shapes, target_modules=list(shapes), task_type="CAUSAL_LM")
    (folder / "made").mkdir()
    merged_folder.merge(base, folder / "adapter", folder / "made")
    merged_folder.check(base, folder / "adapter", folder / "made")
    return folder / "made"


@pytest.fixture(params=["float32", "bfloat16 in shards"])
def base(request: pytest.FixtureRequest, tiny_base: Path, tmp_path: Path) -> Base:
    import torch
    from transformers import AutoModelForCausalLM

    if request.param == "float32":
        return prepared(tiny_base, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.bfloat16)
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    return prepared(tmp_path / "shards", tmp_path)


def test_it_loads_without_peft_and_has_the_weights_that_peft_merges(base: Base, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    made = merged(base, tmp_path, SHAPES)
    plain = AutoModelForCausalLM.from_pretrained(base.folder)
    wanted = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).merge_and_unload().state_dict()
    found = AutoModelForCausalLM.from_pretrained(made).state_dict()
    before = AutoModelForCausalLM.from_pretrained(base.folder).state_dict()
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        assert value.dtype == before[name].dtype
        torch.testing.assert_close(value, wanted[name], rtol=2e-2, atol=1e-2)
        assert torch.equal(value, before[name]) == (name.removesuffix(".weight") not in SHAPES)


def test_a_gguf_base_comes_out_in_16_bits_with_all_that_transformers_needs(tiny_prepared: Base, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    made = merged(tiny_prepared, tmp_path, {"model.layers.0.mlp.up_proj": (128, 64)})
    assert AutoModelForCausalLM.from_pretrained(made).dtype == torch.float16
    prompt = [{"role": "user", "content": "Hello"}]
    assert "<|im_start|>user" in AutoTokenizer.from_pretrained(made).apply_chat_template(prompt, tokenize=False)
    assert json.loads((made / "generation_config.json").read_text())["eos_token_id"] == 2
    assert not (made / "base.json").exists()


@pytest.mark.parametrize("name", ["model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.q_proj.weight"])
def test_a_weight_that_is_not_what_it_should_be_fails_the_check(tiny_base: Path, tmp_path: Path, name: str) -> None:
    from safetensors.torch import load_file, save_file

    base = prepared(tiny_base, tmp_path)
    made = merged(base, tmp_path, SHAPES)
    tensors = load_file(made / "model.safetensors")
    tensors[name][3, 5] += 0.01
    save_file(tensors, made / "model.safetensors", {"format": "pt"})
    with pytest.raises(TriptychError, match=f"{name} is not what"):
        merged_folder.check(base, tmp_path / "adapter", made)


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        ({"model.layers.9.self_attn.k_proj": (16, 32)}, "which this model does not have"),
        ({"model.layers.0.self_attn.k_proj": (32, 32)}, "is of another shape"),
    ],
)
def test_an_adapter_of_another_model_is_refused(
    tiny_base: Path, tmp_path: Path, shapes: dict[str, tuple[int, int]], why: str
) -> None:
    adapter(tmp_path / "adapter", shapes)
    (tmp_path / "made").mkdir()
    with pytest.raises(BadInput, match=why):
        merged_folder.merge(prepared(tiny_base, tmp_path), tmp_path / "adapter", tmp_path / "made")
