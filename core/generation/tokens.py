"""Text to tokens and back, and the chat template, all from a GGUF's own metadata.

Built with the `tokenizers` package, in the server's process: it loads in a second and holds no lock,
where OpenVINO's tokenizer stops every other thread for as long as it loads the whole file. Knows byte-level
BPE with the pre-tokenizers named in `SPLITS`; another one is refused rather than tokenised wrongly.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol

from core import imports
from core.errors import EngineFailed

CONTROL = 3
"""`tokenizer.ggml.token_type` of tokens that structure a prompt, such as <|im_end|>."""

SPLITS = ("smollm", "qwen2", "llama-bpe")
"""`tokenizer.ggml.pre` values that are understood; how each cuts a text into words is in `_words`."""

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
NUMBERS = {"qwen2": r"\p{N}", "llama-bpe": r"\p{N}{1,3}"}
"""The patterns that Qwen and Llama 3 publish in their tokenizer.json; they differ in how digits are grouped."""


class Text(Protocol):
    """What an engine needs of a tokenizer: `Tokens` here, or `FolderTokens`."""

    def prompt(self, turns: Sequence[tuple[str, str]]) -> str:
        """The chat template, filled with (role, text)."""
        ...

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        ...

    def decode(self, tokens: list[int]) -> str:
        """Text of tokens."""
        ...


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
        self._tokenizer = _byte_level_bpe(names, value("tokenizer.ggml.merges"), control, split)
        self._control = re.compile("|".join(map(re.escape, control)) or "(?!)")
        self._source: str = value("tokenizer.chat_template")
        self._template = compiled_template(self._source)
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
        imports.whole("transformers")
        from transformers import PreTrainedTokenizerFast

        PreTrainedTokenizerFast(
            tokenizer_object=self._tokenizer,
            chat_template=self._source,
            pad_token=self._marks["eos_token"],
            **self._marks,
        ).save_pretrained(folder)

    def _plain(self, text: str) -> str:
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _byte_level_bpe(names: list[str], merges: list[str], control: list[str], split: str) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models

    vocabulary = {name: number for number, name in enumerate(names)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, ignore_merges=split == "llama-bpe"))
    tokenizer.pre_tokenizer = _words(split)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in control])
    return tokenizer


def _words(split: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    if split == "smollm":
        first: Any = pre_tokenizers.Digits(individual_digits=True)
        return pre_tokenizers.Sequence([first, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    first = pre_tokenizers.Split(Regex("|".join([CONTRACTIONS, NUMBERS[split], SIGNS])), behavior="isolated")
    return pre_tokenizers.Sequence([first, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def compiled_template(source: str) -> Any:
    """A chat template, compiled as `transformers` does it, in a sandbox: a model file is not trusted with more."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
    return environment.from_string(source)


def _refuse(message: str) -> NoReturn:
    from jinja2.exceptions import TemplateError

    raise TemplateError(message)
