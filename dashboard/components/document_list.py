"""The documents of a corpus: searched and paged by the database, with live status and what one can do.

Redraws itself while something is being indexed; `changes` notices what begins elsewhere.
"""

from typing import Literal

import streamlit as st

from core.ingestion import flags, intake
from dashboard import resources, state
from dashboard.components import corpus_dialogs, document_selection, figures
from dashboard.components.document_selection import Filter
from dashboard.components.safe_text import label, spoken
from storage.rows import CorpusRow, DocumentRow

PER_PAGE = 25
EVERY_S = 1.0
PENDING = ("queued", "parsing", "embedding")
STATUSES = {"": "All", "ready": "Ready", "failed": "Failed", "pending": "Under way", "cancelled": "Cancelled"}
SORTED = {"name": "Name", "added": "Newest", "pages": "Most pages", "chunks": "Most chunks", "size": "Largest"}
READ_AGAIN = "Read this document anew from its stored file; edits are kept"
BADGES: dict[str, tuple[str, str, Literal["green", "red", "gray", "blue"]]] = {
    "queued": ("waiting", ":material/schedule:", "gray"),
    "parsing": ("reading", ":material/progress_activity:", "blue"),
    "embedding": ("embedding", ":material/progress_activity:", "blue"),
    "ready": ("ready", ":material/check:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "cancelled": ("cancelled", ":material/block:", "gray"),
}


def show(corpus: CorpusRow) -> None:
    """The table with its filters."""
    corpora = resources.workspace().corpora
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Find a document", key=f"find-{corpus.id}", placeholder="Part of a name or title")
        kinds = ["", *(kind for kind in corpora.media_types(corpus.id) if kind)]
        kind = st.selectbox("Type", kinds, key=f"kind-{corpus.id}", format_func=figures.kind, width=150)
        sort = st.selectbox("Sort by", list(SORTED), key=f"sort-{corpus.id}", format_func=SORTED.__getitem__, width=150)
    status = st.segmented_control(
        "Status",
        list(STATUSES),
        key=f"status-{corpus.id}",
        default="",
        format_func=lambda each: STATUSES[each],
        label_visibility="collapsed",
    )
    busy = corpora.statistics(corpus.id).pending > 0
    chosen = Filter(search.strip(), status or "", kind)
    st.fragment(_table, run_every=EVERY_S if busy else None, key="documents")(corpus, chosen, sort, busy)


def _table(corpus: CorpusRow, chosen: Filter, sort: str, was_busy: bool) -> None:
    corpora = resources.workspace().corpora
    if was_busy != (corpora.statistics(corpus.id).pending > 0):
        st.rerun()
    total = corpora.count_documents(corpus.id, search=chosen.search, status=chosen.status, kind=chosen.kind)
    if not total:
        st.info(_nothing(chosen), icon=":material/inbox:")
        return
    pages = -(-total // PER_PAGE)
    page = min(st.session_state.get(f"page-{corpus.id}", 1), pages)
    rows = corpora.documents(
        corpus.id,
        offset=(page - 1) * PER_PAGE,
        limit=PER_PAGE,
        search=chosen.search,
        status=chosen.status,
        kind=chosen.kind,
        sort=sort,
    )
    document_selection.show(corpus.id, rows, total, chosen)
    for row in rows:
        _row(row)
    if pages > 1:
        st.pagination(pages, key=f"page-{corpus.id}")


def _nothing(chosen: Filter) -> str:
    if chosen.any:
        return "No document matches. Clear the search or choose another status or type."
    return "No documents yet. Drop files above; you can ask as soon as the first is ready."


def _row(row: DocumentRow) -> None:
    """One document: tick, name, badge, numbers, and what can be done now."""
    word, icon, colour = BADGES[row.status]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.checkbox(
                f"Select {spoken(row.name)}",
                key=f"tick-{row.id}",
                label_visibility="collapsed",
                width="content",
                on_change=document_selection.not_all,
                args=(row.corpus_id,),
            )
            if st.button(
                f"**{label(row.name, 80)}**",
                key=f"open-{row.id}",
                type="tertiary",
                disabled=row.status != "ready",
                on_click=state.open_document,
                args=(row.id,),
                help=label(row.title) if row.title else "Open the document",
            ):
                st.rerun()  # the drawer is the page's: this fragment alone would not show it
            st.badge(word, icon=icon, color=colour)
            for name, number in flags.counted(row.flags).items():
                st.badge(f"{number} {name}", icon=":material/gpp_maybe:", color="orange")
            st.caption(_numbers(row), width="content")
            st.space("stretch")
            _actions(row)
        _progress(row)
        for note in row.notes[:3]:
            st.caption(f":material/info: {label(note, 240)}")
        for line in flags.told(row.flags):
            st.caption(f":material/gpp_maybe: {label(line, 240)}")
        if row.error:
            st.markdown(
                f":red[:material/error:] {label(row.error, 240)} {label(row.remedy, 240) if row.remedy else ''}"
            )


def _numbers(row: DocumentRow) -> str:
    by = f" by {label(row.added_by, 40)}" if row.added_by else ""
    said = [figures.size(row.size_bytes), f"added {figures.ago(row.created_at)}{by}"]
    if row.status == "ready":
        said = [figures.count(row.page_count, "page"), figures.count(row.chunk_count, "chunk"), *said]
    if row.media_type:
        said = [label(figures.kind(row.media_type), 60), *said]
    return " · ".join(said)


def _progress(row: DocumentRow) -> None:
    if row.status in PENDING and row.progress_total:
        word = BADGES[row.status][0]
        done = min(row.progress_done / row.progress_total, 1.0)
        st.progress(done, text=f"{word} {row.progress_done:,} of {row.progress_total:,}")


def _actions(row: DocumentRow) -> None:
    if row.status in ("failed", "cancelled"):
        st.button("Retry", key=f"retry-{row.id}", icon=":material/refresh:", on_click=_retry, args=(row.id,))
    if row.status in PENDING:
        st.button("Cancel", key=f"cancel-{row.id}", icon=":material/close:", on_click=_cancel, args=(row.id,))
    if row.status == "ready":
        st.button("Read again", key=f"read-{row.id}", icon=":material/restart_alt:", type="tertiary", help=READ_AGAIN,
                  on_click=document_selection.read_again, args=(row.corpus_id, [row.id]))  # fmt: skip
    if row.status not in PENDING and st.button(
        "Delete", key=f"delete-{row.id}", icon=":material/delete:", type="tertiary", help="Delete this document"
    ):
        corpus_dialogs.delete_documents([row.id])


@state.reported
def _retry(document_id: int) -> None:
    intake.retry(resources.workspace(), document_id)


@state.reported
def _cancel(document_id: int) -> None:
    intake.cancel(resources.workspace(), document_id)
