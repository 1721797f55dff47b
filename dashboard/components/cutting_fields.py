"""The fields that say how documents are cut: for a domain, and for one corpus's index."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domains import ChunkingPolicy, written

STRUCTURES = {
    "section": "Headings: reports, articles, notes",
    "clause": "Numbered clauses: contracts, policies",
    "table": "Tables: rows stay with their header",
    "qa": "Questions and answers stay together",
}


def show(policy: ChunkingPolicy, help_text: str, key: str) -> dict[str, Any]:
    """The fields, filled from a policy; the values that `ChunkingPolicy` takes."""
    names: Sequence[str] = written.STRUCTURES
    where, target, most = st.columns([2, 1, 1])
    least, largest = written.SMALLEST, written.LARGEST
    return {
        "structure": where.selectbox(
            "Documents are cut at",
            names,
            index=names.index(policy.structure),
            format_func=lambda each: STRUCTURES.get(each, each),
            help=help_text,
            key=f"{key}-structure",
        ),
        "target_chars": target.number_input(
            "Usual length (characters)", least, largest, policy.target_chars, 50, key=f"{key}-target"
        ),
        "max_chars": most.number_input(
            "Longest (characters)", least, largest, policy.max_chars, 50, key=f"{key}-longest"
        ),
    }


def words(policy: ChunkingPolicy) -> str:
    """A policy in a few words."""
    at = STRUCTURES.get(policy.structure, policy.structure).split(":")[0].lower()
    return f"{at}, usually {policy.target_chars:,} characters, at most {policy.max_chars:,}"
