"""The words that travel with an exported adapter: a model card, and an Ollama Modelfile. Pure."""

import json
from collections.abc import Callable
from typing import Any

from core.generation.embedded import SYSTEM
from storage.rows import AdapterRow

TEMPLATES = {
    "<|im_start|>": (
        "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
    ),
    "<|start_header_id|>": (
        "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
}
"""Ollama's form (Go) of the chat templates that we can tell by a mark in them; others Ollama takes from the file."""

USE = {
    "closed-book": "Ask it the question alone. It answers from what it learned, and can be wrong: check what matters.",
    "grounded": "Show it passages with the question, as Triptych's hybrid mode does; alone it knows nothing.",
}


def modelfile(file: str, value: Callable[[str], Any]) -> str:
    """An Ollama Modelfile for a GGUF beside it; `value` gives the GGUF's metadata by key."""
    lines = [f"FROM ./{file}"]
    template = str(value("tokenizer.chat_template") or "")
    if known := next((ours for mark, ours in TEMPLATES.items() if mark in template), ""):
        lines.append(f'TEMPLATE """{known}"""')
    if stop := end_token(value):
        lines.append(f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}")
    if window := value(f"{value('general.architecture')}.context_length"):
        lines.append(f"PARAMETER num_ctx {int(window)}")
    return "\n".join([*lines, "PARAMETER temperature 0", f'SYSTEM """{SYSTEM}"""', ""])


def end_token(value: Callable[[str], Any]) -> str:
    """The token that ends an answer, as text; "" when the file does not say."""
    tokens, number = value("tokenizer.ggml.tokens"), value("tokenizer.ggml.eos_token_id")
    return str(tokens[int(number)]) if tokens and number is not None and int(number) < len(tokens) else ""


LIBRARIES = {"peft": "peft", "merged": "transformers", "q8_0": "gguf", "f16": "gguf"}
"""What loads each form of an export, as the Hugging Face hub names it."""


KEPT_HERE = {
    True: "Which sentences of the passages its answers consist of stands in `triptych.json`, for an import elsewhere.",
    False: "In Triptych its answers may consist of sentences of the passages; which ones is no part of this export.",
}
"""What a card says of an adapter that has learned to take sentences, by whether they are in the export."""


def card(row: AdapterRow, corpus: str, licence: str, form: str, checked: str) -> str:
    """A model card in the form of the Hugging Face hub: what it is, what it learned from, how it did.

    Args:
        checked: what the check of this export found.
    """
    head = ["---", f"library_name: {LIBRARIES[form]}", f"base_model: {json.dumps(row.base_model)}"]
    head += [f"license: {json.dumps(licence)}"] if licence else []
    result, recipe = row.result, row.recipe
    facts = [
        ("Kind", row.kind),
        ("Base model", f"{row.base_model}, sha256 `{row.base_sha256}`"),
        ("Trained", f"{row.trained_at:%Y-%m-%d}" if row.trained_at else ""),
        ("Examples", f"{result.get('examples', '')} learned from, {result.get('held_out', '')} held out"),
        ("Examples' sha256", row.examples_sha256),
        ("Steps", str(result.get("steps", ""))),
        ("Held-out loss", _loss(result)),
    ]
    lines = [
        *head,
        "tags: [lora, triptych]",
        "---",
        "",
        f"# {corpus}: {row.kind} adapter, version {row.version}",
        "",
        USE[row.kind],
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in facts if value),
        "",
        "## How it did",
        "",
        str(row.gate.get("words") or "It was not put before the gate."),
        "",
        f"This export was read back, and {checked}.",
        *(["", KEPT_HERE[form == "peft"]] if result.get("extractor") else []),
        "",
        "## Recipe",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in sorted(recipe.items())),
        "",
        f"## Documents it learned from ({len(row.documents)})",
        "",
        *(f"- {_cell(name)}" for name in sorted(row.documents)),
        "",
    ]
    return "\n".join(lines)


def _loss(result: dict[str, Any]) -> str:
    before, best = result.get("held_out_before"), result.get("held_out_best")
    return f"{before:.3f} before, {best:.3f} after" if before is not None and best is not None else ""


def _cell(value: object) -> str:
    """One line that cannot end a table's cell."""
    return " ".join(str(value).split()).replace("|", "\\|")
