"""What one answer scores against its gold question: every metric that applies, by name. Pure.

An answer that says "not in the documents" scores nothing on a question that they do answer, as SQuAD 2.0 has it
(Rajpurkar et al., ACL 2018); on one that they do not answer, saying so is the only thing that counts. Metrics that do
not apply (no gold document known, nothing cited) are left out, not zero.
"""

import math
from collections.abc import Mapping, Sequence

from core.assistants.answer import Answer
from core.evaluation.matching import choice_match, numeric_match, rouge_l, short_match
from core.evaluation.metrics import answer_recall, contains_gold, ndcg_at_k, recall_at_k, reciprocal_rank, token_f1
from core.evaluation.questions import Gold
from core.evaluation.sourcing import Place, citation_precision, citation_recall, evidence_found

Scores = dict[str, float]

METRICS: Mapping[str, str] = {
    "token_f1": "Token F1",
    "answer_recall": "Answer recall",
    "rouge_l": "ROUGE-L",
    "exact_match": "Exact match",
    "contains_gold": "Holds the short answer",
    "numeric_match": "Right figure",
    "choice": "Right yes, no or maybe",
    "gold_document": "Gold document found",
    "document_ndcg": "nDCG of documents",
    "document_mrr": "MRR of documents",
    "evidence": "Evidence in passages",
    "citation_precision": "Citation precision",
    "citation_recall": "Citation recall",
    "unsupported": "Sentences without support",
    "gold_likelihood": "Likelihood of the gold answer, a token",
    "checks": "Passes every check of the domain",
    "check_cited": "Check: every sentence has a source",
    "check_figures": "Check: figures are in the sources",
    "check_phrases": "Check: says no barred phrase",
    "wrong_refusal": "Refused wrongly",
    "right_refusal": "Refused rightly",
}
"""Every metric with its name for people. Of `unsupported` and `wrong_refusal` less is better."""
LESS_IS_BETTER = ("unsupported", "wrong_refusal")
TOP = 10


def score(answer: Answer, gold: Gold) -> Scores:
    """All that applies, each 0..1."""
    if not gold.answerable:
        return {"right_refusal": float(answer.refused)} | _checked(answer)
    text = "" if answer.refused else answer.text
    own = _words(text, gold) | _found(answer, gold) | _cited(answer, gold) | _checked(answer)
    return own | {"wrong_refusal": float(answer.refused)}


def likelihood(log_probabilities: Sequence[float]) -> Scores:
    """How probable the gold answer was: the geometric mean over its tokens (0..1), and all together in nats."""
    total = sum(log_probabilities)
    return {"gold_likelihood": math.exp(total / len(log_probabilities)), "gold_nats": total}


def _words(text: str, gold: Gold) -> Scores:
    short = gold.short
    applying = {
        "numeric_match": numeric_match(text, short, str(gold.meta.get("scale") or "")),
        "choice": choice_match(text, short),
    }
    return {
        "token_f1": token_f1(text, gold.answer),
        "answer_recall": answer_recall(text, gold.answer),
        "rouge_l": rouge_l(text, gold.answer),
        "exact_match": float(short_match(text, (gold.answer, short))),
        "contains_gold": float(contains_gold(text, short)),
    } | {name: value for name, value in applying.items() if value is not None}


def _found(answer: Answer, gold: Gold) -> Scores:
    """How the passages rank gold documents and hold the evidence; nothing for an answer written without passages.

    Those of a fine-tuned answer were looked up with its own words, to be held against it.
    """
    if not answer.passages or answer.mode == "finetuned":
        return {}
    ranked = list(dict.fromkeys(passage.document for passage in answer.passages))
    relevant = set(gold.documents)
    places = [Place(passage.document, passage.text) for passage in answer.passages]
    held = evidence_found(gold.evidence, places)
    scores = {} if held is None else {"evidence": held}
    if relevant:
        scores |= {
            "gold_document": recall_at_k(ranked, relevant, TOP),
            "document_ndcg": ndcg_at_k(ranked, dict.fromkeys(relevant, 1.0), TOP),
            "document_mrr": reciprocal_rank(ranked, relevant, TOP),
        }
    return scores


def _checked(answer: Answer) -> Scores:
    """Which of its domain's checks an answer passed, and whether all; nothing where none was carried out."""
    carried, failed = answer.checks.carried, answer.checks.failed
    each = {f"check_{name}": float(name not in failed) for name in carried}
    return {"checks": float(not failed), **each} if carried else {}


def _cited(answer: Answer, gold: Gold) -> Scores:
    """Citations against gold, and the share of sentences without support; nothing where there was nothing to cite."""
    if answer.refused or not answer.citations or not answer.passages:
        return {}
    cited = [Place(each.document, each.quote) for each in answer.citations if each.supported]
    found = {
        "citation_precision": citation_precision(cited, gold.documents),
        "citation_recall": citation_recall(cited, gold.documents, gold.evidence),
    }
    scores = {name: value for name, value in found.items() if value is not None}
    return scores | {"unsupported": 1 - len(cited) / len(answer.citations)}
