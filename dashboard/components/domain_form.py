"""The fields of a domain: what it is called, how it speaks, how documents are cut, when it refuses, what is checked."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domains import Domain, written
from dashboard.components import cutting_fields

PERSONAL = {
    "warn": "Mark the places",
    "redact": "Replace by markers, and keep no original",
    "refuse": "Do not take the document",
    "off": "Do not look",
}
CUT_SINCE = (
    "Corpora that are indexed already stay as they are, files added to them included; *Change index* on a corpus's "
    "page has all of it cut anew."
)
F = written.FIELDS


def show(about: Domain, key: str, send: str, *, blank: bool = False, named: bool = True) -> dict[str, Any] | None:
    """The form, filled from a domain; its values once they are sent, as `written.made` takes them.

    Args:
        key: of the form; another domain's fields need another one.
        send: what its button says.
        blank: what the domain says in words is left empty; its cutting, refusals and checks are a beginning.
        named: its name may be chosen, or left for a free one to be made of the title.
    """
    with st.form(key, border=False):
        values = _speech(about, blank, named) | {
            "chunking": cutting_fields.show(about.chunking, CUT_SINCE, f"cut-{key}"),
            "refusal": _refusing(about),
        }
        values["checks"] = _checking(about, blank)
        questions = st.text_area(
            f"{F['example_questions']}, one a line (at most 3)",
            "" if blank or about.sample_corpus else "\n".join(about.example_questions),
            height=100,
            help="Shown to press where a chat of one of its corpora is empty.",
        )
        values["terms"] = _lines(
            st.text_area(
                f"{F['terms']}, one group a line",
                "" if blank else "\n".join(about.terms),
                height=100,
                placeholder="CEO, chief executive officer\nemployees, workforce, headcount",
                help="Between commas. What is asked by one is looked up by the others too, where the documents hold "
                "them. Abbreviations that the documents explain themselves, as in *chronic kidney disease (CKD)*, need "
                "no line. What is written in capitals only counts so: IT is not it.",
            )
        )
        values["personal"] = st.selectbox(
            F["personal"],
            written.POLICIES,
            index=written.POLICIES.index(about.personal),
            format_func=lambda each: PERSONAL.get(each, each),
            help="Looked for when a document is indexed: e-mail, phone, card, IBAN, US and UK health and social "
            "security numbers, dates of birth that are called so. Names and addresses are not found. Documents that "
            "are indexed already stay as they are.",
        )
        values["example_questions"] = _lines(questions)
        sent = st.form_submit_button(send, type="primary", icon=":material/check:")
    return values if sent else None


def name_field(free: str, key: str | None = None) -> str:
    """Under which name it is kept; empty where that is left to us."""
    return st.text_input(
        f"{F['name']} (optional)",
        max_chars=written.LONGEST_NAME,
        placeholder=free,
        key=key,
        help="What the command line and files call it: small letters, digits and underscores. Left empty, one is made "
        "of the title. It cannot be changed later.",
    ).strip()


def _speech(about: Domain, blank: bool, named: bool) -> dict[str, Any]:
    title, icon = st.columns([3, 1])
    return {
        "title": title.text_input(F["title"], "" if blank else about.title, max_chars=60, placeholder="Building law"),
        "icon": icon.selectbox(
            F["icon"],
            written.ICONS,
            index=0 if blank or about.icon not in written.ICONS else written.ICONS.index(about.icon),
            format_func=lambda each: each.removeprefix(":material/").strip(":").replace("_", " "),
        ),
        "name": name_field("building_law") if named else about.name,
        "summary": st.text_input(F["summary"], "" if blank else about.summary, max_chars=160),
        "persona": st.text_area(
            F["persona"],
            "" if blank else about.persona,
            max_chars=2000,
            placeholder="You are a careful surveyor. You answer from the building codes you are given, and keep "
            "paragraph numbers exactly as they are written.",
            help="What the base model is told about who it is.",
        ),
        "disclaimer": st.text_input(
            F["disclaimer"], "" if blank else about.disclaimer, max_chars=400, help="Shown with answers; may be empty."
        ),
    }


def _refusing(about: Domain) -> dict[str, Any]:
    threshold = st.slider(
        F["threshold"],
        0.0,
        1.0,
        about.refusal.threshold,
        0.01,
        help="How sure it has to be that the documents hold the answer: 0 never refuses.",
    )
    sentence = st.text_input(F["sentence"], about.refusal.sentence, max_chars=400)
    return {"threshold": threshold, "sentence": sentence}


def _checking(about: Domain, blank: bool) -> dict[str, Any]:
    """What is looked at in every answer."""
    st.markdown("**Checks of every answer**, told below it")
    cited, figures = st.columns(2)
    return {
        "cited": cited.checkbox(
            F["cited"], about.checks.cited, help="Says of how many sentences no place was found that supports them."
        ),
        "figures": figures.checkbox(
            F["figures"],
            about.checks.figures,
            help="Numbers, amounts, percentages, doses, dates and codes, however they are written. One that was "
            "worked out from others is told as well.",
        ),
        "phrases": _lines(
            st.text_area(
                f"{F['phrases']}, one phrase a line",
                "" if blank else "\n".join(about.checks.phrases),
                height=100,
                placeholder="guaranteed return",
                help="Whole words, in any case. What is found is told; the answer stays as it is.",
            )
        ),
    }


def _lines(text: str) -> Sequence[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
