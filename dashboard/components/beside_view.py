"""What an evaluation measured beside the scores: sentences, tables, and what was asked."""

import streamlit as st

from core.evaluation.beside import sections
from dashboard.components.safe_text import escaped, label
from storage.rows import EvaluationRow


def show(row: EvaluationRow) -> None:
    """A part for each; nothing where nothing else was measured."""
    for each in sections(row.summary):
        st.markdown(f"**{label(each['title'])}**")
        for sentence in each["said"]:
            st.markdown(label(sentence, 600))
        if len(each["rows"]) > 1:
            head, *rows = ([escaped(cell) for cell in line] for line in each["rows"])
            st.table({name or " ": [line[at] for line in rows] for at, name in enumerate(head)})
        if each["more"]:
            with st.expander("What it was asked", icon=":material/description:"):
                st.code(each["more"], language=None, wrap_lines=True)
