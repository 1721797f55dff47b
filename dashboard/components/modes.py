"""How each mode looks, everywhere: one colour, one icon, one word. Never told apart by colour alone.

The colour is the name of a theme family; `.streamlit/config.toml` gives it its teal, amber, violet or
grey in light and dark.
"""

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.assistants.answer import Mode
from dashboard.components.safe_text import label

Colour = Literal["green", "orange", "violet", "gray", "blue"]


@dataclass(frozen=True, slots=True)
class Look:
    """A mode's word, icon, theme colour, and what it stands on in one sentence."""

    title: str
    icon: str
    colour: Colour
    meaning: str


LOOKS: dict[Mode, Look] = {
    "rag": Look(
        "Retrieval",
        ":material/travel_explore:",
        "green",
        "Looks the question up in your documents and answers from what it finds.",
    ),
    "finetuned": Look(
        "Fine-tuned",
        ":material/model_training:",
        "orange",
        "Answers from what the base model learned of your documents in training.",
    ),
    "hybrid": Look(
        "Hybrid",
        ":material/join_inner:",
        "violet",
        "Looks the question up with a base model trained to read your documents.",
    ),
    "base": Look("Base", ":material/circle:", "gray", "The base model alone, knowing nothing of your documents."),
}


QUOTE = Look("Quote", ":material/format_quote:", "blue", "A control: the most relevant sentence alone, no model.")
"""Stands beside the modes in evaluations only."""


def look(mode: str) -> Look:
    """The look of a mode as it is stored; what is unknown looks like the base."""
    if mode == "quote":
        return QUOTE
    return next((each for name, each in LOOKS.items() if name == mode), LOOKS["base"])


def badge(mode: str, variant: str = "") -> None:
    """Show the mode's badge, with the name of the variant of it that answers."""
    shown = look(mode)
    title = titled(mode, variant)
    st.badge(label(title, 80), icon=shown.icon, color=shown.colour, help=shown.meaning)


def titled(mode: str, variant: str = "") -> str:
    """A mode as people say it; `variant` is the name of an adapter's version or of another base model."""
    title = look(mode.partition("#")[0]).title
    return f"{title} · {variant}" if variant else title
