"""The examples to review: filtered and paged on the server, edited in place, accepted or rejected in bulk."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import spreadsheets
from core.errors import TriptychError
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import figures
from storage.errors import Exists, NotFound
from storage.examples import Filter
from storage.rows import ExampleRow

AT_ONCE = 25
STATUSES = {"accepted": "accepted", "proposed": "to review", "rejected": "rejected"}


def show(corpus_id: int, counts: dict[str, int]) -> None:
    """The filter, one page of rows, and what can be done with them."""
    with st.expander("Review the examples", icon=":material/table_rows:", expanded=bool(counts.get("proposed"))):
        where = _filter(corpus_id, counts)
        total = resources.workspace().examples.count(corpus_id, where)
        pages = max(1, -(-total // AT_ONCE))
        page = 1
        if pages > 1:
            page = int(st.number_input(f"Page, of {pages:,}", 1, pages, key=f"examples-page-{corpus_id}"))
        rows = resources.workspace().examples.list(corpus_id, where, AT_ONCE, (page - 1) * AT_ONCE)
        if not rows:
            st.caption("No example is like that. Change the filter, or add some above.")
            return
        _table(rows)
        st.download_button(
            f"{figures.count(total, 'example')} as CSV",
            downloads.told(
                resources.workspace(),
                lambda: as_csv(resources.workspace().examples.list(corpus_id, where)),
                "examples",
                corpus_id=corpus_id,
            ),
            "examples.csv",
            "text/csv",
            key=f"examples-csv-{corpus_id}",
            icon=":material/download:",
        )


def as_csv(rows: Sequence[ExampleRow]) -> str:
    """Examples, a row each, in columns that can be uploaded again."""
    columns = ("question", "answer", "document", "page", "evidence", "origin", "status")
    return spreadsheets.as_csv(columns, ([getattr(row, column) for column in columns] for row in rows))


def _filter(corpus_id: int, counts: dict[str, int]) -> Filter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known = [status for status in STATUSES if counts.get(status)]
        first = "proposed" if "proposed" in known else None
        status = st.pills(
            "Status",
            known,
            default=first,
            format_func=lambda s: f"{STATUSES[s]} {counts[s]:,}",
            key=f"ex-st-{corpus_id}",
        )
        search = st.text_input("Search", key=f"examples-search-{corpus_id}", placeholder="in question and answer")
    return Filter(status=status or "", search=search.strip())


def _table(rows: list[ExampleRow]) -> None:
    frame = pd.DataFrame(
        {
            "chosen": [False] * len(rows),
            "question": [row.question for row in rows],
            "answer": [row.answer for row in rows],
            "document": [row.document for row in rows],
            "origin": [row.origin for row in rows],
            "status": [STATUSES.get(row.status, row.status) for row in rows],
        },
        index=[row.id for row in rows],
    )
    key = f"examples-{rows[0].id}-{rows[-1].id}-{st.session_state.get('examples-turn', 0)}"
    edited = st.data_editor(
        frame,
        key=key,
        hide_index=True,
        disabled=["document", "origin", "status"],
        column_config={
            "chosen": st.column_config.CheckboxColumn("", width="small", help="Choose for accept, reject or delete"),
            "question": st.column_config.TextColumn("Question", width="large", required=True),
            "answer": st.column_config.TextColumn("Answer", width="large", required=True),
            "document": st.column_config.TextColumn("Document", width="medium"),
            "origin": st.column_config.TextColumn("Origin", width="small"),
            "status": st.column_config.TextColumn("Status", width="small"),
        },
        on_change=_edited,
        args=(key, [row.id for row in rows]),
    )
    chosen = [int(i) for i in edited.index[edited["chosen"]]]
    _buttons(chosen or [row.id for row in rows], bool(chosen))


def _buttons(ids: list[int], some: bool) -> None:
    what = figures.count(len(ids), "chosen example") if some else f"all {len(ids)} on this page"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Accept", icon=":material/check:", on_click=_set, args=(ids, "accepted"))
        st.button("Reject", icon=":material/block:", on_click=_set, args=(ids, "rejected"))
        st.button("Delete", icon=":material/delete:", on_click=_delete, args=(ids,), disabled=not some)
        st.caption(what)


@state.reported
def _edited(key: str, ids: list[int]) -> None:
    """Store what was typed into a cell; the check marks are not stored."""
    changes: dict[str, dict[str, Any]] = st.session_state[key].get("edited_rows", {})
    for place, values in changes.items():
        texts = {name: str(value).strip() for name, value in values.items() if name in ("question", "answer")}
        if not texts:
            continue
        if not all(texts.values()):
            raise TriptychError("A question or an answer cannot be empty.", "Reject the example instead.")
        try:
            resources.workspace().examples.update(ids[int(place)], **texts)
        except Exists as error:
            raise TriptychError("There is such an example already.", "Reject one of them.") from error
        except NotFound as error:
            raise TriptychError("That example is gone.", "Somebody else deleted it.") from error


@state.reported
def _set(ids: list[int], status: str) -> None:
    resources.workspace().examples.set_status(ids, status)
    _turn()


@state.reported
def _delete(ids: list[int]) -> None:
    resources.workspace().examples.delete(ids)
    _turn()


def _turn() -> None:
    """A new table, with no row chosen."""
    st.session_state["examples-turn"] = st.session_state.get("examples-turn", 0) + 1
