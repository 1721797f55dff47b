"""Words as quoting, citing and refusing count them: tokens, stems, numbers, names.

English, like the packaged models. Knows nothing of passages or documents, and needs no word list
beyond the function words below. The stemmer is lighter than Porter's: it only has to give a question and
a passage the same stem, not the one another index uses (ask an index with words, not stems).
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_](?:[\w'’]*\w)?", re.UNICODE)
FUNCTION_WORDS = (
    "a about above after again all also am an and any are as at be because been before being below between both but "
    "by can could d did do does doing don down during each few for from further had has have having he her here hers "
    "him his how i if in into is it its itself just ll m many me might more most much must my no nor not now of off "
    "on once only or other our out over own please re s same shall she should so some such t tell than that the their "
    "them then there these they this those through to too under until up ve very want was we were what when where "
    "which while who whom whose why will with would you your yours know give called"
)
STOP = frozenset(FUNCTION_WORDS.split())
COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
NUMBER_WORDS = {word: str(value) for value, word in enumerate(COUNTED.split())} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
}
CALENDAR = (
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday"
)
MONTHS = frozenset(CALENDAR.split())
ENDINGS = (
    ("ational", "at"), ("ization", "iz"), ("fulness", "ful"), ("iveness", "iv"), ("ations", "at"), ("ation", "at"),
    ("ments", "ment"), ("ities", "ity"), ("ating", "at"), ("ated", "at"), ("ates", "at"), ("izing", "iz"),
    ("ized", "iz"), ("izes", "iz"), ("ness", ""), ("sses", "ss"), ("ies", "i"), ("ied", "i"), ("ing", ""),
    ("ion", ""), ("ed", ""), ("ly", ""), ("es", ""), ("or", ""), ("er", ""), ("s", ""), ("e", ""), ("y", "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One token: `text` as written, `stem` for comparing, `start` in the text it came from.

    `kind` is "number" (its stem is the plain value, "1,000" -> "1000"), "name" (capitalised inside a
    sentence, or with digits or capitals inside, such as a part number) or "word".
    """

    text: str
    stem: str
    start: int
    kind: str

    @property
    def content(self) -> bool:
        """Whether it says something by itself: not a function word, not a lone letter."""
        return self.kind != "word" or (self.stem not in STOP and len(self.text) > 1)

    @property
    def plain(self) -> str:
        """The text without a possessive ending: an index takes "MGM's" for two words, and a rare pair at that."""
        return re.sub(r"['’]s?$", "", self.text)


def words(text: str) -> list[Word]:
    """All tokens of `text` in order."""
    return [_word(text, match) for match in TOKEN.finditer(text)]


def content_words(text: str) -> list[Word]:
    """The tokens that say something by themselves."""
    return [word for word in words(text) if word.content]


def stems(text: str) -> set[str]:
    """The distinct stems of the content words."""
    return {word.stem for word in content_words(text)}


def spelt(name: str) -> str:
    """A file's name in words: "AlliedEsports_License.pdf" -> "Allied Esports License.pdf"."""
    return re.sub(r"(?<=[^\W\d_])_|_(?=[^\W_])|(?<=[a-z])(?=[A-Z])", " ", name)


def repeats(sentence: str, said: str) -> bool:
    """Whether `sentence` only says again, word for word, a stretch of one line or table cell of `said`.

    Function words, inflections, punctuation and "sixty" for "60" make no difference; a word left out or put in
    between does, and so does reading a row's cells out as a sentence. False where nothing is said ("It is.").
    """
    run = [word.stem for word in content_words(sentence)]
    return bool(run) and any(_stands_in(run, [w.stem for w in content_words(p)]) for p in re.split(r"[|\n]", said))


def _stands_in(run: list[str], whole: list[str]) -> bool:
    return any(whole[i : i + len(run)] == run for i in range(len(whole) - len(run) + 1))


def stem(word: str) -> str:
    """The part of a lower-case word that its inflections share, roughly: "licenses" and "licensed" -> "licens"."""
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'")
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us")):
            word = word[: len(word) - len(ending)] + instead
            break
    undoubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
    word = word[:-1] if undoubled else word
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def number(text: str) -> str:
    """The plain value of a number as written: "1,000.50" -> "1000.5"."""
    plain = text.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("0") or "0"


def _word(text: str, match: re.Match[str]) -> Word:
    token, start = match.group(), match.start()
    lower = token.lower()
    if token[0].isdigit():
        return Word(token, number(token), start, "number")
    if lower in NUMBER_WORDS and lower != "one":
        return Word(token, NUMBER_WORDS[lower], start, "number")
    if lower in STOP:
        return Word(token, lower, start, "word")
    return Word(token, stem(lower), start, "name" if _is_name(text, token, start) else "word")


def _is_name(text: str, token: str, start: int) -> bool:
    """A capital that no sentence start explains, or an inner capital or digit (SmolLM2, KX-200)."""
    if any(c.isdigit() or c.isupper() for c in token[1:]):
        return True
    before = text[:start].rstrip(" \"'“‘(")
    return token[0].isupper() and bool(before) and before[-1] not in ".!?:\n|•-*#" and text[start - 1] != "\n"
