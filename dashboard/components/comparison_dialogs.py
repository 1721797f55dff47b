"""The dialog that deletes a comparison; it says what will be lost."""

import streamlit as st

from core.assistants import comparing
from dashboard import resources
from dashboard.components import erasing, figures
from dashboard.components.safe_text import label
from storage.rows import ComparisonRow


@st.dialog("Delete comparison?", icon=":material/delete:")
def delete(row: ComparisonRow) -> None:
    """Say what goes with it, then delete it."""
    workspace = resources.workspace()
    st.markdown(f"**{label(row.question, 100)}**: the question, {figures.count(len(row.panels), 'answer')} and what "
                "you thought of them.")  # fmt: skip
    st.caption(
        f"{'Your vote goes with it, and the win rates no longer count it. ' if row.choice else ''}"
        "The documents of the corpus stay. This cannot be undone."
    )
    erase = erasing.made_of_answers(workspace.comparisons.made_of(row.id))
    erasing.learned_from_examples(row.corpus_id, workspace.comparisons.examples_of(row.id))
    if st.button(
        "Delete comparison",
        type="primary",
        icon=":material/delete:",
        on_click=comparing.delete,
        args=(workspace, row.id),
        kwargs={"erase": erase},
    ):
        st.rerun()  # puts the dialog away
