"""A conversation as Markdown, with its sources as a numbered list under each answer. Pure."""

import re

from core.assistants.stored import checks_of
from core.conversations.told import Exchange, Source, Told

SPECIAL = re.compile(
    r"""([\\`*_\[\]<>\#~]             # markup
    |\A[(:]                         # what would make a link of the number of a source before it
    |&(?=\#?\w+;)                  # the name of a character
    |(?<=:)/(?=/)|(?<=www)\.|@)    # addresses, which GitHub's Markdown makes links of without being told""",
    re.VERBOSE | re.IGNORECASE,
)


def as_markdown(told: Told) -> str:
    """The whole document; what people, models and documents wrote is escaped, tables that are quoted stay tables."""
    head = [f"# {_plain(told.title)}", _plain(told.where_and_when)]
    parts = [*head, *(_exchange(each) for each in told.exchanges), f"---\n\n{_plain(told.disclaimer)}"]
    return "\n\n".join(parts) + "\n"


def _exchange(exchange: Exchange) -> str:
    lines = [f"## {_plain(' '.join(exchange.question.split()))}"]
    answer = exchange.message
    if answer is None:
        return lines[0]
    if answer.searched_for:
        lines.append(f"*Searched for: {_plain(answer.searched_for)}*")
    lines.append("".join(_sentence(each.text, each.source, each.claims) for each in exchange.sentences).strip())
    if answer.status != "done":
        lines.append(f"*({answer.status}{': ' + _plain(answer.error) if answer.error else ''})*")
    lines += [_source(each) for each in exchange.sources]
    if exchange.closest:
        lines += ["The closest passages:", *(_source(each) for each in exchange.closest)]
    if any(each.claims for each in exchange.sentences):
        lines.append("~ no source: from the model")
    lines += [_plain(line) for line in checks_of(answer).lines]
    lines.append(f"*{answer.mode}, {_plain(answer.base_model)}, {answer.created_at:%Y-%m-%d %H:%M} UTC*")
    return "\n\n".join(line for line in lines if line)


def _sentence(text: str, source: int | None, claims: bool) -> str:
    shown = _plain(text)  # the bars of a quoted table stay
    return f"~ {shown}" if claims else shown + (f" [{source}]" if source is not None else "")


def _source(source: Source) -> str:
    place = f"[{source.number}] {_plain(source.place)}"
    return "\n".join([place, *(f"> {_plain(quote)}" for quote in source.quotes)])


def _plain(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)
