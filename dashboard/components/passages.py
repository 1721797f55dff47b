"""What was found for an answer, best first: each passage with its place, and the way into its document."""

import streamlit as st

from core.conversations.told import CLOSEST
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.rows import PassageRow


def show(message_id: int, refused: bool) -> None:
    """The way to the panel: all that was found; under a refusal, what came closest."""
    name = "The closest passages" if refused else "Passages"
    if st.button(name, key=f"passages-{message_id}", icon=":material/search:", type="tertiary"):
        st.dialog(name, width=720, position="right", icon=":material/search:")(_panel)(message_id, refused)


def _panel(message_id: int, refused: bool) -> None:
    rows = resources.workspace().conversations.passages(message_id)
    there = [row for row in rows if row.document_id is not None]
    if gone := len(rows) - len(there):
        st.caption(f":material/link_off: {figures.count(gone, 'passage')} stood in documents that were deleted since.")
    first = CLOSEST if refused else len(there)
    for row in there[:first]:
        _passage(message_id, row)
    if more := there[first:]:
        with st.expander(f"{figures.count(len(more), 'passage')} more, less close"):
            for row in more:
                _passage(message_id, row)
    if not rows:
        st.caption("Nothing was found.")


def _passage(message_id: int, row: PassageRow) -> None:
    where = f"{row.document}, {row.page_label or f'page {row.page}'}"
    st.button(
        label(f"{row.rank}. {where}", 100),
        key=f"passage-{message_id}-{row.rank}",
        type="tertiary",
        icon=":material/description:",
        on_click=state.open_document,
        args=(row.document_id, row.page, (row.start, row.end)),
        kwargs={"answer": message_id},
    )
    heading = f"**{label(row.heading, 100)}** " if row.heading else ""
    used = "" if row.in_prompt else " :gray[(not shown to the base model)]"
    st.caption(f"{heading}{label(row.text, 240)}{used}")
