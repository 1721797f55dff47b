"""Which documents are ticked, and what can be done with all of them at once.

Ticks are of the page shown; "all that match" is the filter itself, so that thousands are chosen without being listed,
whatever page is shown. It ends with the first tick that is taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.ingestion import intake
from dashboard import resources, state
from dashboard.components import corpus_dialogs, figures
from storage.rows import DocumentRow


@dataclass(frozen=True, slots=True)
class Filter:
    """What the table is restricted to; the fields are those of `Corpora.documents`."""

    search: str = ""
    status: str = ""
    kind: str = ""

    @property
    def any(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.search or self.status or self.kind)


def show(corpus_id: int, rows: Sequence[DocumentRow], total: int, chosen: Filter) -> None:
    """The line above the table: tick the page, tick everything, do something with what is ticked."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        ids = [row.id for row in rows]
        ticked = _ticked(corpus_id, ids, chosen)
        st.session_state[f"tick-page-{corpus_id}"] = all(st.session_state.get(f"tick-{each}") for each in ids)
        st.checkbox("Select this page", key=f"tick-page-{corpus_id}", on_change=_tick, args=(corpus_id, ids))
        st.caption(figures.count(total, "document"), width="content")
        if not ticked:
            return
        whole = len(ticked) == total
        st.markdown(f"**{len(ticked):,} selected**", width="content")
        if not whole and len(ticked) == len(ids):
            st.button(f"Select all {total:,}", key="tick-all", type="tertiary", on_click=_all, args=(corpus_id, chosen))
        _actions(corpus_id, ticked)


def _actions(corpus_id: int, ticked: list[int]) -> None:
    st.button("Retry", key="retry-ticked", icon=":material/refresh:", on_click=_retry, args=(corpus_id, ticked),
              help="Those that failed or were cancelled are indexed again.")  # fmt: skip
    st.button("Read again", key="read-ticked", icon=":material/restart_alt:", on_click=read_again,
              args=(corpus_id, ticked),
              help="Those that are ready are read anew from their stored files; edits are kept.")  # fmt: skip
    st.button("Cancel", key="cancel-ticked", icon=":material/close:", on_click=_cancel, args=(ticked,),
              help="Those that wait or are under way stop.")  # fmt: skip
    if st.button("Delete", key="delete-ticked", icon=":material/delete:"):
        corpus_dialogs.delete_documents(ticked)


def _ticked(corpus_id: int, ids: Sequence[int], chosen: Filter) -> list[int]:
    """The ids chosen: all that match, when that was asked for and the filter is still the same, else the ticks."""
    if st.session_state.get(f"all-{corpus_id}") == chosen:
        for each in ids:
            st.session_state[f"tick-{each}"] = True
        return resources.workspace().corpora.document_ids(
            corpus_id, search=chosen.search, status=chosen.status, kind=chosen.kind
        )
    not_all(corpus_id)
    return [each for each in ids if st.session_state.get(f"tick-{each}")]


def not_all(corpus_id: int) -> None:
    """Only what is ticked on this page is chosen from now on."""
    st.session_state.pop(f"all-{corpus_id}", None)


def _tick(corpus_id: int, ids: Sequence[int]) -> None:
    ticked = bool(st.session_state[f"tick-page-{corpus_id}"])
    for each in ids:
        st.session_state[f"tick-{each}"] = ticked
    not_all(corpus_id)


def _all(corpus_id: int, chosen: Filter) -> None:
    st.session_state[f"all-{corpus_id}"] = chosen


@state.reported
def _retry(corpus_id: int, ids: list[int]) -> None:
    count = intake.retry_all(resources.workspace(), corpus_id, ids)
    none = "None of them failed or was cancelled."
    st.toast(f"{figures.count(count, 'document')} queued again." if count else none, icon=":material/refresh:")


@state.reported
def read_again(corpus_id: int, ids: list[int]) -> None:
    """Have ready documents read anew, and say how many are."""
    count = intake.read_again(resources.workspace(), corpus_id, ids)
    none = "None of them is ready with its file kept, or they are being read already."
    st.toast(f"{figures.count(count, 'document')} read again." if count else none, icon=":material/restart_alt:")


@state.reported
def _cancel(ids: list[int]) -> None:
    count = intake.cancel_all(resources.workspace(), ids)
    none = "None of them was waiting or under way."
    st.toast(f"{figures.count(count, 'document')} cancelled." if count else none, icon=":material/close:")
