"""Which mode people preferred so far: win rates with intervals, the comparisons, and all votes as CSV."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core import spreadsheets
from core.assistants.contestants import BETWEEN
from core.evaluation import preferred
from core.evaluation.preferences import Preferences, Rate, preferences
from core.evaluation.preferred import Topic
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import chart_looks, comparison_dialogs, figures, modes
from dashboard.components.safe_text import label
from storage.rows import VoteRow

LONGEST = 34
"""Letters of a row's name: a mode and the version or base model that it is a variant by."""
TOOLTIP = [
    alt.Tooltip("row:N", title="mode"),
    alt.Tooltip("share:Q", title="wins, %"),
    alt.Tooltip("low:Q"),
    alt.Tooltip("high:Q"),
]


def show(corpus_id: int) -> None:
    """Nothing before the first comparison."""
    workspace = resources.workspace()
    votes = workspace.comparisons.votes(corpus_id)
    if votes:
        st.subheader("Wins so far", anchor=False)
        _rates(corpus_id, votes)
        _topics(preferred.by_topic(workspace, votes), votes)
    rows = workspace.comparisons.list(corpus_id)
    if rows:
        with st.expander("Earlier comparisons", icon=":material/history:"):
            for row in rows:
                name = next((panel.name for panel in row.panels if panel.key == row.choice), "")
                mark = {"": "", "tie": "a tie", "bad": "all bad"}.get(row.choice, modes.titled(row.choice, name))
                text = f"{label(row.question, 100)}{f' · {label(mark, 80)}' if mark else ''}"
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.button(text, key=f"see-{row.id}", type="tertiary", on_click=_see, args=(row.id,))
                    if st.button("Delete", key=f"gone-{row.id}", icon=":material/delete:", type="tertiary"):
                        comparison_dialogs.delete(row)
            if votes:
                read = downloads.told(workspace, lambda: as_csv(votes), "votes", corpus_id=corpus_id)
                st.download_button("Votes as CSV", read, "votes.csv", "text/csv", icon=":material/download:")


def _rates(corpus_id: int, votes: list[VoteRow]) -> None:
    """The corpus's own, or those of its whole domain where other corpora have votes too."""
    found, whole = preferences(votes), preferred.of_domain(resources.workspace(), corpus_id)
    if whole:
        domain = resources.workspace().domains.get(resources.workspace().corpora.get(corpus_id).domain).title
        scopes = {"corpus": "This corpus", "domain": f"All {whole.corpora} corpora of {label(domain, 40)}"}
        key = f"wins-of-{corpus_id}"
        if st.segmented_control("Votes of", list(scopes), key=key, default="corpus", required=True,
                                format_func=lambda scope: scopes[scope]) == "domain":  # fmt: skip
            found = whole.found
    said = [figures.count(found.votes, "vote"), f"{figures.count(found.ties, 'tie')}", f"{found.bad} all bad"]
    st.caption(" · ".join(said))
    if found.rates:
        st.altair_chart(chart(found, called(votes)), width="stretch")
        st.caption(
            "Share of wins by Bradley-Terry, with 95 % intervals; few votes make wide intervals, which say nothing yet."
        )


def _topics(found: list[Topic], votes: list[VoteRow]) -> None:
    """A row a topic: its words, its votes, and each mode's share of wins."""
    if not found:
        return
    with st.expander("By topic", icon=":material/category:"):
        st.table(table(found, called(votes)))
        st.caption(
            "Questions that mean alike, named by their words; topics of fewer than "
            f"{preferred.ENOUGH} votes are left out. Shares of wins in %, with 95 % intervals."
        )


def table(found: Sequence[Topic], names: Mapping[str, str]) -> pd.DataFrame:
    """Topics by modes, as text; the modes in the order of the first topic that has them; `names` as `called` gives."""
    keys = list(dict.fromkeys(rate.mode for topic in found for rate in topic.found.rates))
    rows = []
    for topic in found:
        rates = {rate.mode: rate for rate in topic.found.rates}
        shares = {
            label(name): _share(rates[key]) if key in rates else ""
            for key, name in zip(keys, _named(keys, names), strict=True)
        }
        rows.append({"Topic": label(topic.name, 80), "Votes": str(topic.found.votes)} | shares)
    return pd.DataFrame(rows).set_index("Topic")


def _share(rate: Rate) -> str:
    return f"{100 * rate.share:.0f} ({100 * rate.low:.0f} to {100 * rate.high:.0f})"


def called(votes: Sequence[VoteRow]) -> dict[str, str]:
    """What each mode or variant in the votes is called, no two alike: a new base model may have an old one's name."""
    last = {key: vote.names.get(key, "") for vote in votes for key in vote.modes}
    names = [modes.titled(key, name) for key, name in last.items()]
    return dict(zip(last, chart_looks.row_names(names, LONGEST), strict=True))


def _named(keys: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Modes that only other corpora have votes on are called as all modes are."""
    return [names.get(key) or modes.titled(key) for key in keys]


def _see(comparison_id: int) -> None:
    state.go(comparison=comparison_id)


def chart(found: Preferences, names: Mapping[str, str]) -> Any:
    """One bar a mode or variant of it in the mode's colour, with its interval; `names` as `called` gives them."""
    frame = pd.DataFrame(
        {
            "row": _named([rate.mode for rate in found.rates], names),
            "mode": [modes.titled(rate.mode.partition(BETWEEN)[0]) for rate in found.rates],
            "share": [round(100 * rate.share, 1) for rate in found.rates],
            "low": [round(100 * rate.low, 1) for rate in found.rates],
            "high": [round(100 * rate.high, 1) for rate in found.rates],
        }
    )
    axis = alt.Axis(labelLimit=chart_looks.NAMES_PX)
    base = alt.Chart(frame).encode(y=alt.Y("row:N", title=None, sort=None, axis=axis), tooltip=TOOLTIP)
    bars = base.mark_bar(height=18, opacity=0.45).encode(  # the interval's lower half lies on it
        x=alt.X("share:Q", title="wins, %", scale=alt.Scale(domain=[0, 100])), color=chart_looks.colour()
    )
    # A grey that stands out from light and dark ground; without one the lines are black on black at night.
    lines = base.mark_rule(strokeWidth=2, color="#64748b").encode(x="low:Q", x2="high:Q")
    return alt.layer(bars, lines).properties(height=40 * len(frame) + 30)


def as_csv(votes: list[VoteRow]) -> str:
    """All votes, a row each."""
    header = ["question", "choice", "modes", "blind", "voted_at", "names"]
    return spreadsheets.as_csv(header, map(_row, votes))


def _row(vote: VoteRow) -> list[object]:
    when = vote.voted_at.isoformat() if vote.voted_at else ""
    return [vote.question, vote.choice, " ".join(vote.modes), vote.blind, when, _names(vote)]


def _names(vote: VoteRow) -> str:
    """What the variants of a vote were called then."""
    return "; ".join(f"{key} is {name}" for key, name in vote.names.items())
