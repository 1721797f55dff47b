"""What the checks of its domain say of an answer: a line for each finding, and a word where all is well."""

import streamlit as st

from core.assistants.answer import Checks
from core.assistants.stored import checks_of
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.rows import MessageRow

LONGEST = 300


def show(message: MessageRow) -> None:
    """What was found, a line each; nothing of an answer that passed."""
    for line in checks_of(message).lines:
        st.caption(f":orange[:material/rule:] {label(line, LONGEST)}")


def passed(checks: Checks) -> list[str]:
    """`2 checks passed`; nothing where there were none, or one of them found something."""
    return [f"{figures.count(len(checks.carried), 'check')} passed"] if checks.carried and not checks.found else []
