"""An answer while it is being written: it grows in place, and can be stopped.

A thread of the server writes the answer whether anyone looks or not. The browser follows it through the
event stream of `dashboard/api.py`, so words appear as they are written, and a refresh, a second tab or a
lost connection changes nothing. Should the stream not get through (some proxies keep it back), the
fragment's slow reruns still bring the text.
"""

import streamlit as st

from core.assistants import live
from dashboard import resources, state
from dashboard.components.browser_files import script, sheet
from storage.errors import NotFound

EVERY_S = 2.0
WAITING = "Reading your documents…"

_component = st.components.v2.component(
    "triptych_live",
    html='<div id="live" role="status" aria-live="off"><span id="waiting"></span><span id="words"></span>'
    '<span id="caret" aria-hidden="true"></span></div>',
    css=sheet("table_text", "live_answer"),
    js=script("table_text", "live_answer"),
)


def show(message_id: int) -> None:
    """Follow the answer until it is finished, then redraw the page."""
    st.fragment(_growing, run_every=EVERY_S, key=f"live-{message_id}")(message_id)


def _growing(message_id: int) -> None:
    try:
        message = resources.workspace().conversations.message(message_id)
    except NotFound:
        st.rerun()  # its conversation was deleted in another tab: the page says so
    if message.status != "streaming":
        st.rerun()
    _component(
        key=f"live-answer-{message_id}",
        data={"url": f"/api/answers/{message_id}/events", "text": message.text, "waiting": WAITING},
        on_finished_change=_redraw,
    )
    st.button(
        "Stop",
        key=f"stop-{message_id}",
        icon=":material/stop_circle:",
        shortcut="Alt+S",
        on_click=_stop,
        args=(message_id,),
    )


def _redraw() -> None:
    """The fragment runs because the browser saw the end; it finds the answer finished and redraws the page."""


@state.reported
def _stop(message_id: int) -> None:
    live.stop(resources.workspace(), message_id)
