"""Text to tokens and back, and the chat template, all from a GGUF's own metadata.

Built with the `tokenizers` package, in the server's process: it loads in a second and holds no lock,
where OpenVINO's tokenizer stops every other thread for as long as it loads the whole file. Knows byte-level
BPE with the pre-tokenizers named in `SPLITS`; another one is refused rather than tokenised wrongly.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.errors import EngineFailed

CONTROL = 3
"""`tokenizer.ggml.token_type` of tokens that structure a prompt, such as <|im_end|>."""

SPLITS = ("smollm",)
"""`tokenizer.ggml.pre` values that are understood: digits one by one, then GPT-2's words."""


class Tokens:
    """One model's tokenizer and chat template. Safe in any number of threads.

    Args:
        value: gives a metadata value by key, None when there is none.

    Raises:
        EngineFailed: the GGUF has a tokenizer of another kind.
    """

    def __init__(self, value: Callable[[str], Any]) -> None:
        kind, split = value("tokenizer.ggml.model"), value("tokenizer.ggml.pre")
        if kind != "gpt2" or split not in SPLITS:
            raise EngineFailed(f"The model's tokenizer ({kind}, {split}) is not supported.", "Choose another model.")
        names: list[str] = value("tokenizer.ggml.tokens")
        types: list[int] = value("tokenizer.ggml.token_type")
        control = [name for name, type_ in zip(names, types, strict=True) if type_ == CONTROL]
        self._tokenizer = _byte_level_bpe(names, value("tokenizer.ggml.merges"), control)
        self._control = re.compile("|".join(map(re.escape, control)) or "(?!)")
        self._source: str = value("tokenizer.chat_template")
        self._template = _template(self._source)
        self._marks = {
            f"{mark}_token": names[number]
            for mark in ("bos", "eos")
            if (number := value(f"tokenizer.ggml.{mark}_token_id")) is not None
        }

    def prompt(self, turns: Sequence[tuple[str, str]]) -> str:
        """Fill the chat template. Control tokens inside a turn lose their meaning: it is data.

        Args:
            turns: (role, text) with role system, user or assistant.
        """
        messages = [{"role": role, "content": self._plain(text)} for role, text in turns]
        return str(self._template.render(messages=messages, add_generation_prompt=True, **self._marks))

    def encode(self, text: str) -> list[int]:
        """Tokens of a text; nothing is added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, tokens: list[int]) -> str:
        """Text of tokens, control tokens left out, U+FFFD for bytes that are no character."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self._tokenizer.token_to_id(self._marks["eos_token"]))

    def save(self, folder: Path) -> None:
        """Write tokenizer and chat template as transformers reads them."""
        from transformers import PreTrainedTokenizerFast

        PreTrainedTokenizerFast(
            tokenizer_object=self._tokenizer,
            chat_template=self._source,
            pad_token=self._marks["eos_token"],
            **self._marks,
        ).save_pretrained(folder)

    def _plain(self, text: str) -> str:
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _byte_level_bpe(names: list[str], merges: list[str], control: list[str]) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {name: number for number, name in enumerate(names)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    words = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(words)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in control])
    return tokenizer


def _template(source: str) -> Any:
    """Compiled as `transformers` does it, in a sandbox: a model file is not trusted with more."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(source)
