"""What filled the base model's window for one answer: a small bar, and on request each part and what was cut."""

from dataclasses import dataclass

import streamlit as st

from core.assistants.answer import ContextUse
from dashboard.components import figures
from dashboard.components.browser_files import script, sheet

_component = st.components.v2.component(
    "triptych_context",
    html='<div id="meter" role="img"></div>',
    css=sheet("context_meter"),
    js=script("context_meter"),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the window: its name, its tokens, and the theme colour it is drawn in."""

    name: str
    tokens: int
    colour: str


def segments(context: ContextUse) -> list[Segment]:
    """The parts in the order of the prompt; what is left over is the free window."""
    parts = [
        Segment("Persona", context.persona, "blue"),
        Segment("Evidence", context.evidence, "green"),
        Segment("Conversation", context.conversation, "violet"),
        Segment("Question", context.question, "yellow"),
        Segment("Room for the answer", context.room, "gray"),
    ]
    return [part for part in parts if part.tokens > 0]


def show(message_id: int, context: ContextUse, sentences: bool) -> None:
    """The bar and its details; nothing for an answer that no base model wrote at.

    `sentences`: the base model was shown relevant sentences alone, not whole passages.
    """
    if not context.window or not context.prompt_tokens:
        return
    parts = segments(context)
    used = sum(part.tokens for part in parts)
    share = f"{min(1.0, used / context.window):.0%}"
    label = "Cut by the endpoint" if context.cut_to else f"{share} of the window"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        drawn = [{"name": part.name, "tokens": part.tokens, "colour": part.colour} for part in parts]
        spoken = ", ".join(f"{part.name} {part.tokens}" for part in parts)
        _component(
            key=f"meter-{message_id}",
            data={"parts": drawn, "window": context.window, "label": f"{label}: {spoken} tokens"},
            width=88,
        )
        if st.button(label, key=f"context-{message_id}", type="tertiary", help="What filled it, and what was cut"):
            _details(parts, context, sentences, context.window - used)


@st.dialog("What the base model was given", icon=":material/data_usage:")
def _details(parts: list[Segment], context: ContextUse, sentences: bool, free: int) -> None:
    rows = [{"Part": part.name, "Tokens": part.tokens} for part in parts] + [{"Part": "Free", "Tokens": max(0, free)}]
    st.dataframe(rows, hide_index=True, width="stretch")
    for line in cut(context, sentences):
        st.caption(line)


def cut(context: ContextUse, sentences: bool) -> list[str]:
    """What is not in the window, and why, in a line each."""
    said = [f"The window holds {context.window:,} tokens; the prompt took {context.prompt_tokens:,}."]
    if context.cut_to:
        said.append(
            f"The endpoint counted {context.cut_to:,} tokens of it: it has probably cut the prompt, "
            "its beginning first. Test the base model in Settings, and take over the context length it has."
        )
    if context.retrieved:
        said.append(figures.fit(context, sentences).capitalize() + ".")
    if context.turns and context.turns_before > context.turns:
        said.append(f"Of {context.turns_before} earlier questions it was shown the last {context.turns}.")
    elif context.turns_before > context.turns and context.retrieved:
        said.append("Earlier questions were not shown to it; what it needs of them was put into the question.")
    elif context.turns_before > context.turns:
        said.append("Earlier questions did not fit, and it was shown none of them.")
    return said
