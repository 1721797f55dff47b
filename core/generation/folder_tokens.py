"""Text to tokens and back, and the chat template, from a folder in Hugging Face's form.

Reads `tokenizer.json` with the `tokenizers` package, in the server's process, without importing transformers. A
folder without a chat template gets a plain one; a template that knows no system message finds it at the head
of the first question.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.generation.tokens import compiled_template

PLAIN = (
    "{{ bos_token }}{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For base models that were never taught a conversation; they answer as far as they can."""


class FolderTokens:
    """One model's tokenizer and chat template. Safe in any number of threads.

    Attributes:
        ends: tokens that end an answer.

    Raises:
        BadInput: there is no `tokenizer.json`, or it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        if not file.is_file():
            raise BadInput(f"{folder.name} has no tokenizer.json.", "Get the version of the model that has one.")
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(file))
        except Exception as error:  # the package raises bare Exceptions
            raise BadInput(f"tokenizer.json of {folder.name} cannot be read.", "Get the model again.") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        settings = read_json(folder / "tokenizer_config.json")
        self._marks = {mark: _text(settings.get(mark)) for mark in ("bos_token", "eos_token")}
        self._template = compiled_template(template_of(folder) or PLAIN)
        special = [token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special]
        self._special = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or "(?!)")
        self.ends = self._ends(folder)

    def prompt(self, turns: Sequence[tuple[str, str]]) -> str:
        """Fill the chat template. Control tokens inside a turn lose their meaning: it is data."""
        from jinja2.exceptions import TemplateError

        messages = [{"role": role, "content": self._plain(text)} for role, text in turns]
        try:
            return self._filled(messages)
        except TemplateError:
            return self._filled(_without_system(messages))

    def encode(self, text: str) -> list[int]:
        """Tokens of a text; nothing is added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    @property
    def begin(self) -> int | None:
        """The token that begins every text, where the model has one."""
        found: int | None = self._tokenizer.token_to_id(self._marks["bos_token"])
        return found

    @property
    def end(self) -> int:
        """The token that the template puts behind an answer; raises BadInput where the folder names none."""
        said = [("user", "zqxj"), ("assistant", "zqxj")]
        text = self._filled([{"role": role, "content": words} for role, words in said], prompting=False)
        _, _, behind = text.rpartition("zqxj")
        known = [token for token in self.encode(behind) if token in self.ends]
        end = self._tokenizer.token_to_id(self._marks["eos_token"])
        if not known and end is None and not self.ends:
            raise BadInput("The model names no token that ends an answer.", "Set eos_token in tokenizer_config.json.")
        return int(known[0] if known else end if end is not None else self.ends[0])

    def decode(self, tokens: list[int]) -> str:
        """Text of tokens, control tokens left out, U+FFFD for bytes that are no character."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def _filled(self, messages: list[dict[str, str]], *, prompting: bool = True) -> str:
        return str(self._template.render(messages=messages, add_generation_prompt=prompting, **self._marks))

    def _plain(self, text: str) -> str:
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _ends(self, folder: Path) -> tuple[int, ...]:
        ends: set[int] = set()
        for name in ("generation_config.json", "config.json"):
            given = read_json(folder / name).get("eos_token_id")
            ends |= {given} if isinstance(given, int) else set(given or ())
        ends.add(self._tokenizer.token_to_id(self._marks["eos_token"]))
        return tuple(sorted(end for end in ends if isinstance(end, int)))


def read_json(file: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing when there is none."""
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def template_of(folder: Path) -> str:
    """The chat template as the folder has it; "" when there is none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text("utf-8")
    given = read_json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(given, list):  # several, by name
        given = next((each.get("template") for each in given if each.get("name") == "default"), None)
    return str(given or "")


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    first, *rest = messages
    if first["role"] != "system" or not rest:
        return messages
    return [rest[0] | {"content": f"{first['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
