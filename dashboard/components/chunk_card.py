"""One chunk: what is searched of it, and what a person can do about it: change its words, switch it off, undo."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.ingestion import editing, flags
from dashboard import resources, state
from dashboard.components import page_text
from dashboard.components.safe_text import label
from storage.edit_places import Elsewhere
from storage.rows import ChunkRow


def show(chunk: ChunkRow, marks: Sequence[Mapping[str, Any]] = ()) -> None:
    """The chunk with its state, its words or a box to change them, and its actions; `marks`: its document's flags."""
    changed = chunk.switched_off or chunk.edited is not None
    replaced = resources.workspace().edits.elsewhere(chunk.id) if changed else None
    leftover = replaced is not None and replaced.whole
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Chunk {chunk.ordinal + 1:,}**", width="content")
            st.badge(chunk.kind.replace("_", " "), color="gray")
            if replaced:
                st.badge(_where(replaced), icon=":material/edit_off:", color="blue")
            if chunk.switched_off and not leftover:
                st.badge("switched off", icon=":material/visibility_off:", color="orange")
            if chunk.edited is not None:
                st.badge("edited by you", icon=":material/edit:", color="blue")
        for line in flags.of_chunk(marks, chunk):
            st.caption(f":material/gpp_maybe: {label(line, 300)}")
        if chunk.heading:
            st.caption(f":material/account_tree: {label(chunk.heading, 200)}")
        if chunk.header:
            st.caption(f":material/table_rows: searched with its table's header: {label(chunk.header, 200)}")
        if leftover:
            st.caption("An edit that was made for longer chunks stands for these words: search does not find them.")
        if st.session_state.get(_editing(chunk)):
            _box(chunk)
            return
        page_text.show(chunk.said, key=f"words-of-{chunk.id}")
        _actions(chunk, leftover)


def icon(chunk: ChunkRow) -> str | None:
    """The sign of a chunk that is off or edited."""
    if chunk.switched_off:
        return ":material/visibility_off:"
    return ":material/edit:" if chunk.edited is not None else None


def _where(replaced: Elsewhere) -> str:
    """Where an edit shows that replaced words of a chunk: "replaced in chunk 3", "partly replaced"."""
    said = "replaced" if replaced.whole else "partly replaced"
    numbers = " and ".join(f"{ordinal + 1:,}" for ordinal in replaced.ordinals)
    return f"{said} in chunk {numbers}" if numbers else said


def _actions(chunk: ChunkRow, leftover: bool) -> None:
    """Edit, switch and undo. What another chunk's edit stands for is nothing that was switched: it is undone."""
    with st.container(horizontal=True, gap="small"):
        st.button("Edit", key=f"edit-{chunk.id}", icon=":material/edit:", on_click=_begin, args=(chunk,))
        if chunk.switched_off and not leftover:
            st.button(
                "Switch on", key=f"on-{chunk.id}", icon=":material/visibility:", on_click=_switch, args=(chunk.id, True)
            )
        elif not leftover:
            st.button(
                "Switch off",
                key=f"off-{chunk.id}",
                icon=":material/visibility_off:",
                on_click=_switch,
                args=(chunk.id, False),
                help="Search finds it no more, by words or by meaning; also after the document is indexed again.",
            )
        if chunk.edited is not None or chunk.switched_off:
            kept = "These words are searched again as the document has them; the edit stays for the others."
            st.button(
                "Undo",
                key=f"undo-{chunk.id}",
                icon=":material/undo:",
                on_click=_undo,
                args=(chunk.id,),
                help=kept if leftover else None,
            )


def _box(chunk: ChunkRow) -> None:
    """The words in a box; the page itself stays as it is."""
    st.text_area("What is searched and quoted", chunk.said, key=_words(chunk), height=260, max_chars=editing.LONGEST)
    st.caption("The page stays the source. Quotations of these words are marked as edited by you.")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save", key=f"save-{chunk.id}", icon=":material/check:", type="primary", on_click=_save, args=(chunk,)
        )
        st.button("Cancel", key=f"leave-{chunk.id}", on_click=_end, args=(chunk,))


def _editing(chunk: ChunkRow) -> str:
    return f"editing-{chunk.id}"


def _words(chunk: ChunkRow) -> str:
    return f"words-{chunk.id}"


def _begin(chunk: ChunkRow) -> None:
    st.session_state[_editing(chunk)] = True


def _end(chunk: ChunkRow) -> None:
    st.session_state.pop(_editing(chunk), None)


@state.reported
def _save(chunk: ChunkRow) -> None:
    editing.edit(resources.workspace(), chunk.id, st.session_state[_words(chunk)])
    _end(chunk)


@state.reported
def _switch(chunk_id: int, on: bool) -> None:
    editing.switch(resources.workspace(), chunk_id, on=on)


@state.reported
def _undo(chunk_id: int) -> None:
    editing.undo(resources.workspace(), chunk_id)
