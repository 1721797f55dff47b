"""What all sessions of the dashboard share: the open workspace.

The server opens it before it serves (so that a locked workspace is one line on the terminal) and hands
it over with `hold`; a page that runs without the server opens the one the environment names.
"""

import streamlit as st

from core.settings import Settings
from core.workspace import Workspace

_held: list[Workspace] = []


def hold(workspace: Workspace | None) -> None:
    """Serve this workspace from now on; None lets go of it (closing is the caller's)."""
    _held[:] = [workspace] if workspace else []


def workspace() -> Workspace:
    """The open workspace.

    Raises:
        WorkspaceLocked: another process has it open.
    """
    return _held[0] if _held else _opened()


@st.cache_resource(show_spinner=False)
def _opened() -> Workspace:
    return Workspace.open(Settings.load())
