"""How an adapter learns or learned: loss on training and held-out examples, samples, the traffic light."""

import math
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.finetuning.curves import Curves
from core.finetuning.watching import watched
from dashboard import resources
from dashboard.components.safe_text import label
from storage.rows import AdapterRow

LIGHTS = {
    "grey": ":gray[:material/circle:]",
    "green": ":green[:material/check_circle:]",
    "amber": ":orange[:material/warning:]",
    "red": ":red[:material/error:]",
}
TRAINING, HELD_OUT = "training", "held-out documents"
WHOLE = "datum.value % 1 ? '' : datum.label"
"""There is no half step, though an axis of three steps has room for it."""


def show(adapter: AdapterRow) -> None:
    """The curves of a run, as far as it is."""
    found = watched(resources.workspace(), adapter)
    if not found.curves.steps:
        st.caption("The first steps are on their way; loading the base model takes half a minute.")
        return
    st.markdown(f"{LIGHTS[found.curves.light.colour]} {found.curves.light.words}")
    st.altair_chart(chart(found.curves), width="stretch")
    for note in found.curves.notes:
        st.caption(f":material/info: {label(note, 200)}")
    for question, answers in found.samples:
        with st.container(gap="xsmall"):
            st.markdown(f"**{label(question, 200)}**")
            for step, answer in answers:
                st.caption(f"step {step}: {label(answer, 240) or 'nothing'}")


def chart(curves: Curves) -> Any:
    """Loss by step: training as a line, held-out as a broken line with points, the best one marked."""
    train = pd.DataFrame(
        {"step": [s for s, _, _ in curves.steps], "loss": [loss for _, loss, _ in curves.steps], "of": TRAINING}
    )
    looks = [look for look in curves.looks if look.held_out is not None and math.isfinite(look.held_out)]
    held = pd.DataFrame(
        {"step": [look.step for look in looks], "loss": [look.held_out for look in looks], "of": HELD_OUT}
    )
    drawn = [TRAINING, HELD_OUT][: 1 + bool(looks)]
    # Both named from the start: a line that is there keeps its colour when the other comes.
    scale = alt.Scale(domain=[TRAINING, HELD_OUT])
    legend = alt.Legend(orient="top", values=drawn, symbolType="stroke")
    colour = alt.Color("of:N", title=None, legend=legend, scale=scale)
    dash = alt.StrokeDash("of:N", title=None, legend=legend, scale=scale)
    x = alt.X("step:Q", title="step", axis=alt.Axis(format=",d", labelExpr=WHOLE))
    y = alt.Y("loss:Q", title="loss per answer token", scale=alt.Scale(zero=False))
    layers = [alt.Chart(train).mark_line(opacity=0.6).encode(x=x, y=y, color=colour, strokeDash=dash)]
    if looks:
        layers.append(alt.Chart(held).mark_line(point=True).encode(x=x, y=y, color=colour, strokeDash=dash))
        best = held.loc[[held["loss"].idxmin()]]
        layers.append(alt.Chart(best).mark_point(size=160, shape="diamond", filled=True).encode(x=x, y=y))
        layers.append(alt.Chart(best).mark_text(dy=-14, text="best").encode(x=x, y=y))
    return alt.layer(*layers).properties(height=260)
