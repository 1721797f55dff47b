"""What a deletion's dialog asks and says: whether what was made of the deleted goes too, and who learned from it."""

from collections.abc import Collection, Sequence

import streamlit as st

from core.finetuning import registry
from dashboard import resources
from dashboard.components import figures
from storage.rows import AdapterRow
from storage.traces import Traces

HELP = (
    "Answers keep their place without their words, and evaluations keep their numbers. Switched off, all of it stays, "
    "with the deleted words in it. Backups that were made before keep everything."
)


def made_of_documents(ids: Collection[int]) -> bool:
    """Say what was made of the documents, and whether it goes with them; it does unless somebody says otherwise."""
    return _asked("Erase what was made from them too", resources.workspace().documents.made_of(ids))


def made_of_answers(made: Traces) -> bool:
    """The same of what was made of answers that go."""
    return _asked("Erase what was made from it too", made)


def name_learners(ids: Collection[int]) -> None:
    """Say which adapters keep what they learned from documents that go, and where to train anew."""
    for corpus_id, learned in registry.learners(resources.workspace(), ids).items():
        learned_from_them(corpus_id, learned)


def learned_from_them(corpus_id: int, learned: Sequence[AdapterRow]) -> None:
    """The same of adapters that are known; nothing of none."""
    if learned:
        st.warning(
            f"Learned from them, and keeps it: {registry.told(learned)}. Delete it, or train it again without them. "
            "Its exports go with what was made from them."
        )
        query = {"corpus": str(corpus_id)}
        st.page_link("app_pages/finetune.py", label="Fine-tune", icon=":material/school:", query_params=query)


def learned_from_examples(corpus_id: int, ids: Collection[int]) -> None:
    """Say which adapters keep what they learned from examples that go."""
    if learned := registry.learned_from_examples(resources.workspace(), corpus_id, ids):
        told = registry.told(learned)
        st.warning(f"Trained with it, and keeps it: {told}. Delete it on the Fine-tune page, or train it again.")


def _asked(question: str, made: Traces) -> bool:
    if not made.any:
        return True
    said = [
        figures.count(number, *nouns)
        for number, nouns in (
            (made.examples, ("training example",)),
            (made.gold, ("gold question",)),
            (made.answers, ("answer in conversations", "answers in conversations")),
            (made.evaluated, ("answer of evaluations", "answers of evaluations")),
        )
        if number
    ]
    return st.toggle(f"{question}: {', '.join(said)}", value=True, key="erase-made", help=HELP)
