"""The adapters of a corpus: versions, what the gate said, and what can be done with each."""

from typing import Literal

import streamlit as st

from core.finetuning import gate, importing, registry
from dashboard import resources, state
from dashboard.components import adapters_at_endpoint, exports, figures, learning
from dashboard.components.safe_text import label
from storage.jobs import OPEN
from storage.rows import AdapterRow

Badge = tuple[str, Literal["green", "gray", "orange", "red", "blue"]]
BADGES: dict[str, Badge] = {
    "promoted": ("promoted", "green"),
    "candidate": ("candidate", "orange"),
    "retired": ("served before", "gray"),
    "training": ("training", "blue"),
    "failed": ("not finished", "red"),
}


def show(corpus_id: int) -> None:
    """All versions, the newest first."""
    rows = resources.workspace().adapters.list(corpus_id)
    if not rows:
        st.caption("None yet. A training ends with one adapter of each kind, and the gate says which may serve.")
    for row in rows:
        if _judging(row):
            st.caption(f":material/hourglass_top: {row.kind} v{row.version} is before the gate: see Jobs.")
        with st.container(border=True, gap="xsmall"):
            _row(row)


def _row(row: AdapterRow) -> None:
    word, colour = BADGES.get(row.status, BADGES["failed"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{row.kind} v{row.version}**", width="content")
        st.badge(word, color=colour)
        st.caption(" · ".join(_facts(row)), width="content")
    if words := row.gate.get("words"):
        overruled = " Promoted by hand all the same." if row.gate.get("overruled") else ""
        st.markdown(label(words, 400) + overruled)
    if row.note:
        st.caption(label(row.note, 300))
    if row.status == "promoted" and (behind := registry.staleness(resources.workspace(), row).words):
        st.markdown(f":orange[:material/history:] {behind} Train again to catch up.")
    if row.status not in ("training", "failed"):
        _buttons(row)
        if row.result.get("imported"):
            return
        with st.expander("How it learned", icon=":material/show_chart:", type="compact"):
            learning.show(row)
    elif row.status == "failed":
        st.button("Delete", key=f"adapter-delete-{row.id}", icon=":material/delete:", on_click=_delete, args=(row.id,))


def _judging(row: AdapterRow) -> bool:
    if not importing.may_be_judged(row):
        return False
    jobs = resources.workspace().jobs.list(row.corpus_id, OPEN)
    return any(job.kind == "judge" and job.payload.get("adapter") == row.id for job in jobs)


def _facts(row: AdapterRow) -> list[str]:
    said = [
        label(row.base_model, 60),
        f"{_came(row)} {figures.ago(row.created_at)}",
    ]
    if seconds := row.result.get("seconds"):
        said.append(f"trained {seconds / 60:.0f} min on {row.result.get('examples', 0):,} examples")
    if gold := row.result.get("gold_left_out"):
        said.append(f"{gold:,} left out that ask what a gold question asks")
    return said


def _came(row: AdapterRow) -> str:
    if adapters_at_endpoint.is_there(row):
        return "chosen at the endpoint"
    return "imported" if row.result.get("imported") else "made"


def _buttons(row: AdapterRow) -> None:
    there = adapters_at_endpoint.is_there(row)
    with st.container(horizontal=True):
        if row.status == "promoted":
            st.button("Withdraw", key=f"withdraw-{row.id}", on_click=_withdraw, args=(row.id,), help="Let none serve")
            if registry.before(resources.workspace(), row) is not None:
                st.button("Roll back", key=f"back-{row.id}", icon=":material/undo:", on_click=_back, args=(row.id,))
        elif st.button("Promote", key=f"promote-{row.id}", icon=":material/upgrade:"):
            _promote(row)
        if importing.may_be_judged(row):
            st.button(
                "Put before the gate", key=f"judge-{row.id}", icon=":material/gavel:", on_click=_judge, args=(row.id,)
            )
        if not there:
            exports.show(row)
        if st.button("Delete", key=f"adapter-delete-{row.id}", icon=":material/delete:", type="tertiary"):
            _ask_delete(row)
    if there:
        adapters_at_endpoint.test(row)


@st.dialog("Promote this adapter?", icon=":material/upgrade:")
def _promote(row: AdapterRow) -> None:
    st.markdown(f"**{row.kind} v{row.version}** will answer in its mode from now on, in place of what does now.")
    if not row.gate.get("passed"):
        st.warning("The gate did not see it win. Promoting it is recorded as your decision.")
    if st.button("Promote", type="primary"):
        gate.overrule(resources.workspace(), row.id, by="dashboard")
        st.rerun()


@st.dialog("Delete this adapter?", icon=":material/delete:")
def _ask_delete(row: AdapterRow) -> None:
    st.markdown(f"**{row.kind} v{row.version}**, its files and its record are deleted. This cannot be undone.")
    if row.status == "promoted":
        st.warning("It serves now: its mode will have no adapter.")
    if st.button("Delete adapter", type="primary", icon=":material/delete:"):
        registry.delete(resources.workspace(), row.id)
        st.rerun()


@state.reported
def _delete(adapter_id: int) -> None:
    registry.delete(resources.workspace(), adapter_id)


@state.reported
def _judge(adapter_id: int) -> None:
    importing.start(resources.workspace(), adapter_id, by="dashboard")


@state.reported
def _withdraw(adapter_id: int) -> None:
    registry.withdraw(resources.workspace(), adapter_id)


@state.reported
def _back(adapter_id: int) -> None:
    registry.roll_back(resources.workspace(), adapter_id)
