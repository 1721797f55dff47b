"""What one is typing survives a refresh: the browser keeps it until it is sent.

It goes along into a conversation that begins while one is typing, and comes back when it could not be asked.
"""

import streamlit as st

from dashboard import state
from dashboard.components.browser_files import script

_component = st.components.v2.component("triptych_draft", html='<span id="draft" hidden></span>', js=script("draft"))


def keep(corpus_id: int, conversation_id: int | None) -> None:
    """Keep the draft of this conversation, and bring back what was kept."""
    begun = conversation_id is not None and state.begun() == conversation_id
    data = {
        "name": _name(corpus_id, conversation_id),
        "from": _name(corpus_id, None) if begun else "",
        "back": state.unsent(corpus_id),
    }
    _component(key="draft", data=data, width=1, height=1)


def _name(corpus_id: int, conversation_id: int | None) -> str:
    """What a conversation's draft is called in the browser's storage."""
    return f"triptych-draft-{corpus_id}-{conversation_id or 'new'}"
