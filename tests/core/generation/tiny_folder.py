"""Folders as transformers saves them, of several families: random weights, and a tokenizer trained on a few words."""

import json
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WORDS = "What is the notice period of the lease? Be brief. six months user assistant system You are a helpful " * 3
FAMILIES = ("llama", "gpt2", "qwen2")
"""Those that tests go through; `make_tiny` knows qwen3 as well."""


def make_tiny(folder: Path, family: str = "llama", window: int = 512, spread: float = 0.5) -> Path:
    """Two layers, 64 wide, with a byte-level tokenizer of 400 tokens.

    Args:
        spread: of the random weights; with the usual 0.02 hardly anything can be said, let alone learned.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = _tokenizer()
    torch.manual_seed(7)
    config = _config(family, tokenizer.get_vocab_size(), window, spread)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"eos_token": "<|im_end|>", "bos_token": "<|im_start|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def make_adapter(base: Path, folder: Path, seed: int, targets: tuple[str, ...] = ("q_proj", "v_proj")) -> Path:
    """A peft folder with random matrices of an effect that shows."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(r=4, target_modules=list(targets), init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    digits, words = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])  # as SmolLM2 cuts
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([WORDS], trainer)
    return tokenizer


def _config(family: str, vocabulary: int, window: int, spread: float) -> Any:
    from transformers import GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config

    common = {"vocab_size": vocabulary, "initializer_range": spread, "bos_token_id": 0, "eos_token_id": 1}
    if family == "gpt2":
        return GPT2Config(n_embd=64, n_inner=128, n_layer=2, n_head=4, n_positions=window, **common)
    kind = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}[family]
    return kind(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        **common,
    )
