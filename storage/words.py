"""Words of a question as the full-text index sees them: without stop words, folded and stemmed.

The stems come from FTS5 itself, so they are those of the index to the letter.
"""

import re
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

WORD = re.compile(r"[^\W_]+")
APOSTROPHE = re.compile(r"(?<=can)['’]t\b|(?<!ca)n['’]t\b|['’](?:s|d|m|re|ve|ll)\b", re.I)
"""What is no word of its own: "can't" asks for nothing under t, nor does "Norvane's" under s."""
FISCAL_YEAR = re.compile(r"\bFY ?'?(20)?(\d\d)\b", re.I)
STOP = frozenset((
    *("a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by"),
    *("can", "could", "did", "do", "does", "doing", "for", "from", "had", "has", "have", "having", "he"),
    *("her", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "me", "more", "most", "my", "no"),
    *("nor", "not", "of", "on", "or", "our", "own", "please", "shall", "she", "should", "so", "some", "such"),
    *("than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to"),
    *("too", "us", "was", "we", "were", "what", "when", "where", "whether", "which", "while", "who"),
    *("whom", "why", "will", "with", "would", "you", "your"),
))  # fmt: skip


def content_words(question: str) -> list[str]:
    """The distinct words of a question in order, lower case, without stop words (unless there are no others)."""
    words = list(dict.fromkeys(WORD.findall(APOSTROPHE.sub("", question).lower())))
    return [word for word in words if word not in STOP] or words


def searched(question: str) -> list[str]:
    """What is looked up for a question: its content words, and its names and fiscal years as others write them.

    "American Express" stands in a file's name as AMERICANEXPRESS, "2021 Q1" as 2021Q1, Wi-Fi is wifi elsewhere, and
    what is asked of FY2021 or FY21 stands under 2021.
    """
    years = (f"{each[1] or '20'}{each[2]}" for each in FISCAL_YEAR.finditer(question))
    return list(dict.fromkeys([*content_words(question), *_in_one_word(question), *years]))


def _in_one_word(question: str) -> Iterator[str]:
    for left, right in pairwise(WORD.finditer(question)):
        between, both = question[left.end() : right.start()], (left[0], right[0])
        name = between == " " and all(word[0].isupper() or word[0].isdigit() for word in both)
        if between == "-" or (name and not any(word.lower() in STOP for word in both)):
            together = "".join(both).lower()
            if not together.isdigit() and together not in STOP:
                yield together


class Stemmer:
    """Asks FTS5's porter tokenizer in a database of its own, in memory; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.execute(
            "CREATE VIRTUAL TABLE words USING fts5(word, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        self._memory.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, 'instance')")

    def stems(self, words: Collection[str]) -> dict[str, str]:
        """The stem of each word; words that hold no letter or digit are left out."""
        listed = list(words)
        with self._lock:
            self._memory.execute("BEGIN")
            self._memory.executemany("INSERT INTO words(rowid, word) VALUES (?, ?)", enumerate(listed))
            rows = self._memory.execute('SELECT doc, term FROM stems ORDER BY doc, "offset" DESC').fetchall()
            self._memory.execute("ROLLBACK")
        return {listed[at]: stem for at, stem in rows}

    def sequences(self, texts: Sequence[str]) -> list[list[str]]:
        """The stems of each text, in its order."""
        found: list[list[str]] = [[] for _ in texts]
        with self._lock:
            self._memory.execute("BEGIN")
            self._memory.executemany("INSERT INTO words(rowid, word) VALUES (?, ?)", enumerate(texts))
            rows = self._memory.execute('SELECT doc, term FROM stems ORDER BY doc, "offset"')
            for at, stem in rows:
                found[at].append(stem)
            self._memory.execute("ROLLBACK")
        return found
