"""A domain as one TOML file: checked on the way in, written on the way out.

The same keys as the built-in `domain.toml`, apart from the sample that only those have. Whatever is wrong is
said all at once, by key, or by the field of the form. Pure: knows nothing of where domains are kept.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any, get_args, get_type_hints

from core.domains import HERE, ChunkingPolicy, Domain, from_toml, members
from core.errors import BadInput

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
LONGEST_NAME = 40
NAMES = "must be 2 to 40 small letters, digits or underscores and begin with a letter"
ICONS = tuple(
    f":material/{name}:"
    for name in (
        *("category", "school", "science", "engineering", "build", "factory", "agriculture", "local_shipping"),
        *("home_work", "real_estate_agent", "restaurant", "storefront", "shopping_cart", "flight", "directions_car"),
        *("biotech", "psychology", "pets", "eco", "bolt", "security", "policy", "public", "groups", "work"),
        *("gavel", "stethoscope", "monitoring", "support_agent"),
        *("book", "newspaper", "history_edu", "architecture", "code", "terminal", "palette", "sports_soccer"),
    )
)
STRUCTURES: tuple[str, ...] = get_args(get_type_hints(ChunkingPolicy)["structure"])
SMALLEST, LARGEST = 100, 4000
"""Bounds of chunk sizes in characters: less says nothing, more than the embedding model reads is lost."""
TEXTS = {"name": 40, "title": 60, "summary": 160, "icon": 60, "persona": 2000, "disclaimer": 400}
"""The longest each text may be, in characters."""
MAY_BE_EMPTY = ("disclaimer", "summary")
SECTIONS: dict[str, dict[str, type]] = {
    "chunking": {"structure": str, "target_chars": int, "max_chars": int},
    "refusal": {"threshold": float, "sentence": str},
    "checks": {"cited": bool, "figures": bool, "phrases": list},
}
KINDS: dict[type, str] = {str: "a text", bool: "true or false", list: "a list of texts"}
"""What a value must be, for people; else a number."""
POLICIES: tuple[str, ...] = get_args(get_type_hints(Domain)["personal"])
DEFAULTS: dict[str, Any] = {
    "summary": "",
    "icon": ICONS[0],
    "disclaimer": "",
    "example_questions": [],
    "personal": "warn",
    "checks": {},
    "terms": [],
}
UNCHECKED: dict[str, Any] = {"cited": False, "figures": False, "phrases": []}
"""What a file that does not speak of a check says of it."""
PHRASES, LONGEST_PHRASE = 50, 100
TERMS, LONGEST_TERMS, MOST_MEMBERS = 200, 200, 8
"""Lines of words that mean the same, characters of one, and words and names in it."""
FIELDS = {
    "name": "Name",
    "title": "Title",
    "summary": "Summary",
    "icon": "Icon",
    "persona": "Persona",
    "disclaimer": "Disclaimer",
    "example_questions": "Example questions",
    "personal": "Personal data in documents",
    "structure": "Documents are cut at",
    "target_chars": "Usual length",
    "max_chars": "Longest",
    "threshold": "Refuses below",
    "sentence": "What it says then",
    "cited": "Every sentence has a source",
    "figures": "Every figure is in the sources",
    "phrases": "Never to be said",
    "terms": "Words that mean the same",
}
"""What the form calls each key."""
REMEDY = "Mend the file and import it again; nothing was changed."
REMEDY_OF_FORM = "Change that and send the form again; nothing was changed."
Called = Callable[..., str]
"""How a key is named in what is said of it, given the key and perhaps the section that it is in."""


def decoded(data: bytes) -> str:
    """The text of a TOML file, with or without a byte order mark; raises BadInput when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"This is not a text in UTF-8: its byte {error.start + 1:,} belongs to no letter; nothing was changed.",
            "Save the file as UTF-8 and import it again.",
        ) from error


def read(text: str) -> Domain:
    """The domain that a TOML file describes.

    Raises:
        BadInput: it is not TOML, or keys are unknown, missing, of the wrong type or out of bounds; all are named.
    """
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise BadInput(f"This is not a TOML file: {error}.", REMEDY) from error
    return made(values)


def made(values: dict[str, Any], *, form: bool = False) -> Domain:
    """A domain of checked values; raises BadInput that names everything that is wrong with them.

    form: they come from the form of a page, so that what is wrong is told by its fields.
    """
    values = DEFAULTS | values
    if isinstance(values["checks"], dict):
        values["checks"] = UNCHECKED | values["checks"]
    if wrong := list(_wrong(values, _field if form else _key)):
        remedy = REMEDY_OF_FORM if form else REMEDY
        raise BadInput(f"The domain cannot be used as it is: {'; '.join(wrong)}.", remedy)
    refusal = values["refusal"] | {"threshold": float(values["refusal"]["threshold"])}
    return from_toml(values | {"refusal": refusal, "sample_corpus": ""}, HERE / "no-files")


def write(domain: Domain) -> str:
    """The TOML file that `read` makes the same domain of."""
    import tomli_w

    values: dict[str, Any] = {key: getattr(domain, key) for key in TEXTS}
    values["example_questions"] = list(domain.example_questions)
    values["terms"] = list(domain.terms)
    values["personal"] = domain.personal
    for section, keys in SECTIONS.items():
        values[section] = {key: _plain(getattr(getattr(domain, section), key)) for key in keys}
    return tomli_w.dumps(values)


def named(domain: Domain, name: str) -> Domain:
    """The same domain by another name; raises BadInput when that is none."""
    if not NAME.fullmatch(name):
        raise BadInput(f"The name {NAMES}.", "Choose another, or leave it empty.")
    return replace(domain, name=name)


def name_of(title: str, taken: Collection[str] = ()) -> str:
    """A valid name made of any title, which is none of those taken.

    `Building Law` becomes `building_law` or `building_law_2`, `5G rules` `domain_5g_rules`, and what has no Latin
    letter or digit `domain_1`.
    """
    latin = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "_", latin).strip("_")
    stem = word if NAME.fullmatch(word[:LONGEST_NAME]) else f"domain_{word}".rstrip("_")
    tails = [f"_{number}" for number in range(1, len(taken) + 3)]
    if word:
        tails[0] = ""
    names = (stem[: LONGEST_NAME - len(tail)].rstrip("_") + tail for tail in tails)
    return next(name for name in names if name not in taken)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _key(key: str, section: str = "") -> str:
    return f"{key!r} of [{section}]" if section else f"{key!r}"


def _field(key: str, section: str = "") -> str:
    return f"“{FIELDS.get(key, key)}”"


def _wrong(values: dict[str, Any], called: Called) -> Iterator[str]:
    known = {*TEXTS, *SECTIONS, "example_questions", "personal", "terms"}
    yield from (f"{called(key)} is not a key of a domain" for key in values if key not in known)
    yield from (f"{called(key)} is missing" for key in sorted(known - values.keys()))
    texts = ((key, most) for key, most in TEXTS.items() if key in values)
    yield from (
        problem for key, most in texts for problem in _text(called(key), values[key], most, key in MAY_BE_EMPTY)
    )
    if isinstance(name := values.get("name"), str) and name and not NAME.fullmatch(name):
        yield f"{called('name')} {NAMES}"
    if isinstance(icon := values.get("icon"), str) and icon not in ICONS:
        yield f"{called('icon')} must be one of {', '.join(ICONS[:4])} and so on"
    if values["personal"] not in POLICIES:
        yield f"{called('personal')} must be one of {', '.join(POLICIES)}"
    if not _is_texts(values["example_questions"], 3):
        yield f"{called('example_questions')} must be a list of at most 3 texts"
    yield from _terms(values["terms"], called)
    sections = [(name, values[name]) for name in SECTIONS if name in values]
    bad = [problem for name, section in sections for problem in _section(name, section, called)]
    yield from bad
    if not bad and len(sections) == len(SECTIONS):
        yield from _bounds(values["chunking"], values["refusal"], called)
        yield from _phrases(values["checks"]["phrases"], called)


def _text(named: str, value: object, most: int, may_be_empty: bool) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{named} must be a text"
    elif not value.strip() and not may_be_empty:
        yield f"{named} is empty"
    elif len(value) > most:
        yield f"{named} has {len(value):,} characters, more than {most:,}"


def _is_texts(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most and all(isinstance(each, str) for each in value)


def _section(name: str, section: object, called: Called) -> Iterator[str]:
    if not isinstance(section, dict):
        yield f"[{name}] must be a table"
        return
    wanted = SECTIONS[name]
    yield from (f"{key!r} is not a key of [{name}]" for key in section if key not in wanted)
    yield from (f"{called(key, name)} is missing" for key in wanted if key not in section)
    for key, kind in wanted.items():
        value = section.get(key)
        allowed = (int, float) if kind is float else kind
        fits = isinstance(value, allowed) and isinstance(value, bool) == (kind is bool)
        if key in section and not fits:
            yield f"{called(key, name)} must be {KINDS.get(kind, 'a number')}"


def _bounds(chunking: dict[str, Any], refusal: dict[str, Any], called: Called) -> Iterator[str]:
    if chunking["structure"] not in STRUCTURES:
        yield f"{called('structure')} must be one of {', '.join(STRUCTURES)}"
    if not SMALLEST <= chunking["target_chars"] <= chunking["max_chars"] <= LARGEST:
        target, most = called("target_chars"), called("max_chars")
        yield f"{target} and {most} must lie between {SMALLEST} and {LARGEST}, {target} not above {most}"
    if not 0 <= refusal["threshold"] <= 1:
        yield f"{called('threshold')} is {refusal['threshold']}, not between 0 and 1"
    if not refusal["sentence"].strip() or len(refusal["sentence"]) > 400:
        yield f"{called('sentence', 'refusal')} must have 1 to 400 characters"


def _phrases(phrases: object, called: Called) -> Iterator[str]:
    named = called("phrases", "checks")
    if not _is_texts(phrases, PHRASES):
        yield f"{named} must be a list of at most {PHRASES} texts"
        return
    for phrase in phrases:  # type: ignore[attr-defined]
        if not re.search(r"[^\W_]", phrase) or len(phrase) > LONGEST_PHRASE:
            yield f"{named}: each must have a letter or digit and at most {LONGEST_PHRASE} characters"
            return


def _terms(lines: object, called: Called) -> Iterator[str]:
    named = called("terms")
    if not _is_texts(lines, TERMS):
        yield f"{named} must be a list of at most {TERMS} texts"
        return
    for line in lines:  # type: ignore[attr-defined]
        group = members(line)
        if not 2 <= len(group) <= MOST_MEMBERS or len(line) > LONGEST_TERMS:
            yield f"{named}: a line is 2 to {MOST_MEMBERS} words or names between commas, not “{line[:40]}”"
            return
        if bad := next((each for each in group if not re.search(r"[^\W_]", each)), None):
            yield f"{named}: “{bad}” has no letter or digit"
            return
