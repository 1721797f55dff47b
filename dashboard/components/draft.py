"""What one is typing survives a refresh: the browser keeps it until it is sent."""

import streamlit as st

from dashboard.components.browser_files import script

_component = st.components.v2.component("triptych_draft", html='<span id="draft" hidden></span>', js=script("draft"))


def keep(corpus_id: int, conversation_id: int | None) -> None:
    """Keep the draft of this conversation, and bring back what was kept."""
    _component(key="draft", data={"name": f"triptych-draft-{corpus_id}-{conversation_id or 'new'}"}, width=1, height=1)
