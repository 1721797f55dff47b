"""The doctor's card: what is healthy, what was repaired, and what a person must decide."""

import streamlit as st

from core.keeping import doctor
from dashboard import resources, state
from dashboard.components.safe_text import label

ICONS: dict[doctor.State, str] = {
    "healthy": ":green[:material/check_circle:]",
    "repaired": ":blue[:material/build:]",
    "not looked at": ":gray[:material/visibility_off:]",
    "decide": ":red[:material/error:]",
}


def show() -> None:
    """Two buttons and what the last look found; before the first one, what was repaired without being asked."""
    st.subheader("Health", anchor=False)
    st.caption("Reads every stored file and compares its hash; that takes a while in a large workspace.")
    with st.container(horizontal=True):
        st.button("Examine", key="doctor-look", icon=":material/stethoscope:", on_click=_look, args=(False,))
        st.button("Examine and repair", key="doctor-repair", icon=":material/build:", on_click=_look, args=(True,),
                  help="Full text and vectors that differ from the rows are made anew.")  # fmt: skip
    findings: list[doctor.Finding] = st.session_state.get("doctor-findings") or doctor.repaired(resources.workspace())
    for each in findings:
        st.markdown(f"{ICONS[each.state]} **{each.what}**: {label(f'{each.words} {each.remedy}', 400)}")


@state.reported
def _look(repair: bool) -> None:
    st.session_state["doctor-findings"] = doctor.examine(resources.workspace(), repair)
