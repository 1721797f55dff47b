"""Which mode people preferred so far: win rates with intervals, the comparisons, and all votes as CSV."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core import spreadsheets
from core.evaluation import preferred
from core.evaluation.preferences import Preferences, Rate, preferences
from core.evaluation.preferred import Topic
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import comparison_dialogs, figures, modes
from dashboard.components.safe_text import label
from storage.rows import VoteRow


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
        names = _variants(votes)
        st.altair_chart(chart(found, names), width="stretch")
        st.caption(
            "Share of wins by Bradley-Terry, with 95 % intervals; few votes make wide intervals, which say nothing yet."
        )


def _topics(found: list[Topic], votes: list[VoteRow]) -> None:
    """A row a topic: its words, its votes, and each mode's share of wins."""
    if not found:
        return
    with st.expander("By topic", icon=":material/category:"):
        st.table(table(found, _variants(votes)))
        st.caption(
            "Questions that mean alike, named by their words; topics of fewer than "
            f"{preferred.ENOUGH} votes are left out. Shares of wins in %, with 95 % intervals."
        )


def table(found: list[Topic], names: Mapping[str, str]) -> pd.DataFrame:
    """Topics by modes, as text; the modes in the order of the first topic that has them."""
    keys = list(dict.fromkeys(rate.mode for topic in found for rate in topic.found.rates))
    rows = []
    for topic in found:
        rates = {rate.mode: rate for rate in topic.found.rates}
        shares = {
            label(modes.titled(key, names.get(key, "")), 60): _share(rates[key]) if key in rates else "" for key in keys
        }
        rows.append({"Topic": label(topic.name, 80), "Votes": str(topic.found.votes)} | shares)
    return pd.DataFrame(rows).set_index("Topic")


def _share(rate: Rate) -> str:
    return f"{100 * rate.share:.0f} ({100 * rate.low:.0f} to {100 * rate.high:.0f})"


def _variants(votes: list[VoteRow]) -> dict[str, str]:
    return {key: name for vote in votes for key, name in vote.names.items()}


def _see(comparison_id: int) -> None:
    state.go(comparison=comparison_id)


def chart(found: Preferences, names: Mapping[str, str]) -> Any:
    """One bar a mode or variant of it in the mode's colour, with its interval; `names` are those of variants."""
    titles = [modes.titled(rate.mode, names.get(rate.mode, "")) for rate in found.rates]
    frame = pd.DataFrame(
        {
            "mode": titles,
            "share": [100 * rate.share for rate in found.rates],
            "low": [100 * rate.low for rate in found.rates],
            "high": [100 * rate.high for rate in found.rates],
        }
    )
    rows = alt.Y("mode:N", title=None, sort=None)
    bars = (
        alt.Chart(frame)
        .mark_bar(height=18, opacity=0.45)  # the interval's lower half lies on it
        .encode(x=alt.X("share:Q", title="wins, %"), y=rows, color=_colours(found, titles))
    )
    # A grey that stands out from light and dark ground; without one the lines are black on black at night.
    lines = alt.Chart(frame).mark_rule(strokeWidth=2, color="#64748b").encode(x="low:Q", x2="high:Q", y=rows)
    return alt.layer(bars, lines).properties(height=40 * len(frame) + 30)


def _colours(found: Preferences, titles: list[str]) -> Any:
    shades = {"rag": "#0f9d8a", "finetuned": "#d98e04", "hybrid": "#7c4ddb", "base": "#8a8f98"}
    chosen = [shades[rate.mode.partition("#")[0]] for rate in found.rates]
    return alt.Color("mode:N", legend=None, scale=alt.Scale(domain=titles, range=chosen))


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
