"""Which mode people preferred so far: win rates with intervals, the comparisons, and all votes as CSV."""

import csv
import io
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.evaluation.preferences import Preferences, preferences
from dashboard import resources, state
from dashboard.components import figures, modes
from dashboard.components.safe_text import label
from storage.rows import VoteRow

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


def show(corpus_id: int) -> None:
    """Nothing before the first comparison."""
    workspace = resources.workspace()
    votes = workspace.comparisons.votes(corpus_id)
    found = preferences(votes)
    if votes:
        st.subheader("Wins so far", anchor=False)
        said = [figures.count(found.votes, "vote"), f"{figures.count(found.ties, 'tie')}", f"{found.bad} all bad"]
        st.caption(" · ".join(said))
    if found.rates:
        st.altair_chart(chart(found), width="stretch")
        st.caption(
            "Share of wins by Bradley-Terry, with 95 % intervals; few votes make wide intervals, which say nothing yet."
        )
    rows = workspace.comparisons.list(corpus_id)
    if rows:
        with st.expander("Earlier comparisons", icon=":material/history:"):
            for row in rows:
                mark = {"": "", "tie": "a tie", "bad": "all bad"}.get(row.choice, modes.look(row.choice).title)
                text = f"{label(row.question, 100)}{f' · {mark}' if mark else ''}"
                st.button(text, key=f"see-{row.id}", type="tertiary", on_click=_see, args=(row.id,))
            if votes:
                st.download_button("Votes as CSV", as_csv(votes), "votes.csv", "text/csv", icon=":material/download:")


def _see(comparison_id: int) -> None:
    state.go(comparison=comparison_id)


def chart(found: Preferences) -> Any:
    """One bar a mode in its colour, with its interval."""
    frame = pd.DataFrame(
        {
            "mode": [modes.look(rate.mode).title for rate in found.rates],
            "share": [100 * rate.share for rate in found.rates],
            "low": [100 * rate.low for rate in found.rates],
            "high": [100 * rate.high for rate in found.rates],
        }
    )
    rows = alt.Y("mode:N", title=None, sort=None)
    bars = (
        alt.Chart(frame).mark_bar(height=18).encode(x=alt.X("share:Q", title="wins, %"), y=rows, color=_colours(found))
    )
    lines = alt.Chart(frame).mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=rows)
    return alt.layer(bars, lines).properties(height=40 * len(frame) + 30)


def _colours(found: Preferences) -> Any:
    titles = [modes.look(rate.mode).title for rate in found.rates]
    shades = {"Retrieval": "#0f9d8a", "Fine-tuned": "#d98e04", "Hybrid": "#7c4ddb", "Base": "#8a8f98"}
    return alt.Color("mode:N", legend=None, scale=alt.Scale(domain=titles, range=[shades[title] for title in titles]))


def as_csv(votes: list[VoteRow]) -> str:
    """All votes, a row each; a cell that a spreadsheet would run is quoted."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["question", "choice", "modes", "blind", "voted_at"])
    for vote in votes:
        when = vote.voted_at.isoformat() if vote.voted_at else ""
        table.writerow([_plain(vote.question), vote.choice, " ".join(vote.modes), vote.blind, when])
    return file.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
