"""A domain as one TOML file: checked on the way in, written on the way out.

The same keys as the built-in `domain.toml`, apart from the sample that only those have. Whatever is wrong is
said all at once, by key. Pure: knows nothing of where domains are kept.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from core.domains import HERE, ChunkingPolicy, Domain, from_toml
from core.errors import BadInput

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
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
}
POLICIES: tuple[str, ...] = get_args(get_type_hints(Domain)["personal"])
DEFAULTS: dict[str, Any] = {
    "summary": "",
    "icon": ICONS[0],
    "disclaimer": "",
    "example_questions": [],
    "personal": "warn",
}
REMEDY = "Mend the file and import it again; nothing was changed."


def read(text: str) -> Domain:
    """The domain that a TOML file describes.

    Raises:
        BadInput: it is not TOML, or keys are unknown, missing, of the wrong type or out of bounds; all are named.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise BadInput(f"This is not a TOML file: {error}.", REMEDY) from error
    return made(values)


def made(values: dict[str, Any]) -> Domain:
    """A domain of checked values; raises BadInput that names everything that is wrong with them."""
    values = DEFAULTS | values
    if wrong := list(_wrong(values)):
        raise BadInput(f"The domain cannot be used as it is: {'; '.join(wrong)}.", REMEDY)
    refusal = values["refusal"] | {"threshold": float(values["refusal"]["threshold"])}
    return from_toml(values | {"refusal": refusal, "sample_corpus": ""}, HERE / "no-files")


def write(domain: Domain) -> str:
    """The TOML file that `read` makes the same domain of."""
    import tomli_w

    values: dict[str, Any] = {key: getattr(domain, key) for key in TEXTS}
    values["example_questions"] = list(domain.example_questions)
    values["personal"] = domain.personal
    for section, keys in SECTIONS.items():
        values[section] = {key: getattr(getattr(domain, section), key) for key in keys}
    return tomli_w.dumps(values)


def name_of(title: str) -> str:
    """A name made of a title: `Building Law` becomes `building_law`; may be too short to be valid."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40]


def _wrong(values: dict[str, Any]) -> Iterator[str]:
    known = {*TEXTS, *SECTIONS, "example_questions", "personal"}
    yield from (f"{key!r} is not a key of a domain" for key in values if key not in known)
    yield from (f"{key!r} is missing" for key in sorted(known - values.keys()))
    yield from (problem for key, most in TEXTS.items() if key in values for problem in _text(key, values[key], most))
    if isinstance(name := values.get("name"), str) and name and not NAME.fullmatch(name):
        yield "'name' must be 2 to 40 small letters, digits or underscores and begin with a letter"
    if isinstance(icon := values.get("icon"), str) and icon not in ICONS:
        yield f"'icon' must be one of {', '.join(ICONS[:4])} and so on"
    if values["personal"] not in POLICIES:
        yield f"'personal' must be one of {', '.join(POLICIES)}"
    if not _is_texts(values["example_questions"]):
        yield "'example_questions' must be a list of at most 3 texts"
    sections = [(name, values[name]) for name in SECTIONS if name in values]
    bad = [problem for name, section in sections for problem in _section(name, section)]
    yield from bad
    if not bad and len(sections) == len(SECTIONS):
        yield from _bounds(values["chunking"], values["refusal"])


def _text(key: str, value: object, most: int) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{key!r} must be a text"
    elif not value.strip() and key not in MAY_BE_EMPTY:
        yield f"{key!r} is empty"
    elif len(value) > most:
        yield f"{key!r} has {len(value):,} characters, more than {most:,}"


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 3 and all(isinstance(each, str) for each in value)


def _section(name: str, section: object) -> Iterator[str]:
    if not isinstance(section, dict):
        yield f"[{name}] must be a table"
        return
    wanted = SECTIONS[name]
    yield from (f"{key!r} is not a key of [{name}]" for key in section if key not in wanted)
    yield from (f"{key!r} of [{name}] is missing" for key in wanted if key not in section)
    for key, kind in wanted.items():
        value = section.get(key)
        fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        if key in section and not fits:
            yield f"{key!r} of [{name}] must be {'a text' if kind is str else 'a number'}"


def _bounds(chunking: dict[str, Any], refusal: dict[str, Any]) -> Iterator[str]:
    if chunking["structure"] not in STRUCTURES:
        yield f"'structure' must be one of {', '.join(STRUCTURES)}"
    if not SMALLEST <= chunking["target_chars"] <= chunking["max_chars"] <= LARGEST:
        yield f"'target_chars' and 'max_chars' must lie between {SMALLEST} and {LARGEST}, target not above max"
    if not 0 <= refusal["threshold"] <= 1:
        yield f"'threshold' is {refusal['threshold']}, not between 0 and 1"
    if not refusal["sentence"].strip() or len(refusal["sentence"]) > 400:
        yield "'sentence' of [refusal] must have 1 to 400 characters"
