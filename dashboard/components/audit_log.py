"""The audit log on the Settings page: the newest entries, pages of them, and a button that verifies the chain."""

import streamlit as st

from core.keeping import journal
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage import people


def show() -> None:
    """The part of the Settings page."""
    st.subheader("Audit log", anchor=False)
    st.caption(
        "Who did what, when, and to which document, corpus or adapter; never what they say. Entries are only ever "
        "added, and each seals the one before. A name is shown while the thing exists."
    )
    workspace = resources.workspace()
    total = workspace.audit.count()
    pages = max(1, -(-total // journal.AT_ONCE))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        page = st.number_input("Page", 1, pages, 1, key="audit-page", width=140) if pages > 1 else 1
        st.button("Verify", key="audit-verify", icon=":material/verified:", on_click=_verify)
        known = people.people(workspace.database)
        asked = bool(known) and st.button("Forget a person", key="audit-forget", icon=":material/person_off:")
    if asked:
        _forget_somebody(known)
    if said := st.session_state.get("audit-verdict"):
        (st.success if said[0] else st.error)(label(said[1], 300))
    found = journal.lines(workspace, offset=(int(page) - 1) * journal.AT_ONCE)
    if not found:
        st.caption("Nothing has been done yet.")
        return
    st.dataframe(
        {
            "No.": [line.number for line in found],
            "When (UTC)": [f"{line.at:%Y-%m-%d %H:%M:%S}" for line in found],
            "Who": [line.who for line in found],
            "What": [line.what for line in found],
            "Which": [line.which for line in found],
            "Details": [line.details for line in found],
        },
        hide_index=True,
        key="audit-entries",
    )


@state.reported
def _verify() -> None:
    found = resources.workspace().audit.verify()
    st.session_state["audit-verdict"] = found.whole, journal.verdict_words(found)


@st.dialog("Forget a person?", icon=":material/person_off:")
def _forget_somebody(known: dict[str, int]) -> None:
    name = st.selectbox("Who", list(known), key="audit-person")
    st.write(
        f"The name goes from {figures.count(known[name], 'entry', 'entries')} of the audit log; what was done, and "
        "when, stays. The log is chained anew and says so. This can't be undone."
    )
    st.caption("Backups that were made before keep the name. What the person does from now on is told with it again.")
    if st.button(
        "Forget",
        key="audit-forget-now",
        type="primary",
        icon=":material/person_off:",
        on_click=_forget,
        args=(name,),
    ):
        st.rerun()


@state.reported
def _forget(name: str) -> None:
    st.session_state["audit-verdict"] = True, journal.forget(resources.workspace(), name)
