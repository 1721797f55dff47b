"""The router: which pages there are, what stands in the sidebar, and how errors are shown.

Runs on every interaction before the page itself, so everything here is cheap.
"""

from pathlib import Path

import streamlit as st

from core import room
from core.errors import TriptychError
from dashboard import resources, state
from dashboard.components import document_view, empty, sidebar
from storage.errors import NotFound

HERE = Path(__file__).parent

st.set_page_config(page_icon=HERE / "icon.svg", layout="wide")
st.logo(HERE / "logo.svg", icon_image=HERE / "icon.svg", size="large")
st.html(HERE / "components" / "narrow.css")

PAGES = [
    st.Page(
        "app_pages/home.py", title="Home", icon=":material/home:", default=True, help="Domains, samples, activity."
    ),
    st.Page("app_pages/corpus.py", title="Corpus", icon=":material/folder_open:", help="The documents of a corpus."),
    st.Page(
        "app_pages/finetune.py",
        title="Fine-tune",
        icon=":material/model_training:",
        help="Teach a base model the documents of a corpus.",
    ),
    st.Page("app_pages/chat.py", title="Chat", icon=":material/forum:", help="Ask the documents of a corpus."),
    st.Page("app_pages/compare.py", title="Compare", icon=":material/view_column:", help="The modes side by side."),
    st.Page(
        "app_pages/evaluate.py",
        title="Evaluate",
        icon=":material/balance:",
        help="Which mode serves these documents best, and by how much.",
    ),
    st.Page("app_pages/jobs.py", title="Jobs", icon=":material/checklist:", help="Work under way and done."),
    st.Page("app_pages/settings.py", title="Settings", icon=":material/settings:", help="Base models and storage."),
]

document_view.ahead()
page = st.navigation(PAGES, position="hidden")
sidebar.show(PAGES, page)
if problem := state.take_problem():
    empty.problem(problem)
if nearly := room.warning(resources.workspace().home):
    st.warning(nearly, icon=":material/hard_drive:")
try:
    page.run()
except TriptychError as error:
    empty.problem(error)
except NotFound:
    empty.gone()
except Exception as error:
    if (why := room.told(error)) is None:
        raise
    empty.problem(why)
