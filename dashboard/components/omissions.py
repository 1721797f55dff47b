"""What reading left out of a document, all of it in one place: by reason, each with the way to its page.

Drawn only while it is open: a document of hundreds of pages leaves out hundreds of lines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.rows import DocumentRow

NAMED = 15
"""Lines named of each reason."""


def show(document: DocumentRow) -> None:
    """A line that says how much was left out, and opens; nothing when nothing was."""
    if not document.dropped:
        return
    title = f"Left out of this document: {figures.count(len(document.dropped), 'thing')}"
    opened = st.expander(title, key=f"left-out-{document.id}", icon=":material/content_cut:", on_change="rerun")
    if opened.open:
        with opened:
            for why, those in by_reason(document.dropped).items():
                _reason(document.id, why, those)


def by_reason(dropped: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """What was left out by why, what is most first; of one reason in page order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in sorted(dropped, key=lambda each: int(each.get("page") or 0)):
        found.setdefault(str(each["why"]), []).append(each)
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


def _reason(document_id: int, why: str, those: Sequence[Mapping[str, Any]]) -> None:
    st.markdown(f"**{label(why, 120)}** · {len(those):,}")
    for number, each in enumerate(those[:NAMED]):
        page = int(each.get("page") or 0)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if page:
                st.button(
                    f"Page {page:,}",
                    key=f"left-out-{document_id}-{why}-{number}",
                    type="tertiary",
                    on_click=state.open_document,
                    args=(document_id, page),
                )
            st.caption(label(str(each["what"]), 120))
    if more := those[NAMED:]:
        pages = sorted({int(each.get("page") or 0) for each in more} - {0})
        where = f", on pages {', '.join(map(str, pages[:NAMED]))}" if pages else ""
        st.caption(f"and {len(more):,} more{where}{' and others' if len(pages) > NAMED else ''}")
