"""When the adapters of a corpus are trained again by themselves: shown and chosen beside them."""

import streamlit as st

from core.finetuning import retraining
from core.finetuning.retraining import DAYS_AT_MOST
from dashboard import resources, state
from storage.rows import AssistantRow


def show(corpus_id: int) -> None:
    """The setting in one line, with its two numbers in a popover."""
    chosen = resources.workspace().assistants.of(corpus_id)
    with st.popover(words(chosen), icon=":material/event_repeat:", key=f"retrain-{corpus_id}"):
        st.markdown("Train what serves again, with its own recipe. The gate decides about each as about any other.")
        days = st.number_input(
            "Every so many days (0: off)", 0, DAYS_AT_MOST, chosen.retrain_days, key=f"retrain-days-{corpus_id}"
        )
        share = st.number_input(
            "Once so many % of the documents changed, came or went (0: off)",
            0,
            100,
            chosen.retrain_share,
            key=f"retrain-share-{corpus_id}",
        )
        st.button("Save", key=f"retrain-save-{corpus_id}", on_click=_save, args=(corpus_id, int(days), int(share)))


def words(chosen: AssistantRow) -> str:
    """The setting in a few words."""
    said = [f"every {chosen.retrain_days} days"] if chosen.retrain_days else []
    said += [f"once {chosen.retrain_share} % changed"] if chosen.retrain_share else []
    return f"Train again: {' or '.join(said)}" if said else "Train again: by hand"


@state.reported
def _save(corpus_id: int, days: int, share: int) -> None:
    retraining.choose(resources.workspace(), corpus_id, days, share)
