"""Adding files to a corpus, and what became of the last drop.

A drop is taken in the uploader's callback, which runs once per drop, and then the uploader gets a new
key: a rerun, a refresh or an impatient click finds it empty and can add nothing twice.
"""

from collections.abc import Sequence

import streamlit as st

from core.ingestion import intake
from core.ingestion.intake import Intake
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.admission import Admitted

KINDS = "PDF, DOCX, PPTX, XLSX, CSV, JSONL, HTML, Markdown, text, XML, EML, pictures of pages, or a ZIP of them"
NAMED = 8


def show(corpus_id: int) -> None:
    """The drop area and the summary of the last drop."""
    st.file_uploader(
        f"Drop files here: {KINDS}",
        accept_multiple_files=True,
        key=state.upload_key(corpus_id),
        on_change=_take,
        args=(corpus_id,),
    )
    if drop := state.last_drop(corpus_id):
        _summary(corpus_id, drop)


@state.reported
def _take(corpus_id: int) -> None:
    """Hand the dropped files over, once."""
    files = st.session_state.get(state.upload_key(corpus_id)) or []
    if files:
        took = intake.add_files(resources.workspace(), corpus_id, [(file.name, file.getvalue()) for file in files])
        state.keep_drop(corpus_id, took)


def _summary(corpus_id: int, drop: Intake) -> None:
    """What was taken, known already, replaced, or refused and why."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            added = len(drop.accepted) + len(drop.replaced)
            st.markdown(f"**{figures.count(added, 'document')} added**", width="content")
            st.button(
                "Put away",
                key="put-away",
                icon=":material/close:",
                type="tertiary",
                on_click=state.forget_drop,
                args=(corpus_id,),
            )
        _named(":material/refresh:", drop.replaced, "newer version; the older one answers until it is ready")
        _named(
            ":material/sync_problem:",
            drop.followed,
            "a source is followed that has such a file, and brings its own back at the next look; change it there",
        )
        _named(":material/content_copy:", drop.unchanged, "already here with the same content, left alone")
        _named(":material/content_copy:", drop.duplicates, "already here under another name, left alone")
        for each in drop.rejected[:NAMED]:
            st.markdown(f":red[:material/error:] **{label(each.name)}** was not added: {label(each.reason, 240)}")
        if len(drop.rejected) > NAMED:
            st.caption(f"and {len(drop.rejected) - NAMED} more were not added")


def _named(icon: str, files: Sequence[Admitted], what: str) -> None:
    if files:
        shown = ", ".join(f"**{label(each.name, 60)}**" for each in files[:NAMED])
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        st.markdown(f"{icon} {shown}{more}: {what}.")
