"""The line below answers: what their domain says they are not, and to check them at their source."""

import streamlit as st

from core.domains import Domain
from dashboard.components.safe_text import label

CHECK = "Check what matters at its source."
LONGEST = 400
"""Characters a domain may say; see `core/domains/written.py`."""


def show(about: Domain) -> None:
    """The domain's disclaimer as text; one that says nothing leaves the advice alone."""
    said = f"{about.disclaimer} {CHECK}"
    st.caption(label(said, LONGEST + len(CHECK) + 1), width="content")
