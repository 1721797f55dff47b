"""Marks passages that speak to an AI instead of to a reader: a person should look at them. Pure.

Rules on words, in English. A rule tells a form ("ignore all previous instructions", a chat template's token, an
address that sends words away), not an intention: a request that could stand in any document ("What is the capital of
Brazil?") is not marked, and a manual about chatbots may be. What is marked is searched and answered from as before;
measured by `benchmarks/injection.py`.
"""

# ruff: noqa: E501 - a pattern is read whole

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """What was found: `kind` in a few words, and the stretch of the text that shows it (half open)."""

    kind: str
    start: int
    end: int


_AI = r"(?:a\.?i\.?(?: (?:model|system|assistant|agent))?|(?:large )?language models?|llms?|chat ?bots?|chat ?gpt|gpt-?\d?|claude|gemini|copilot|(?:virtual|ai|digital) assistants?)"
_ORDERS = r"(?:instruction|prompt|rule|guideline|direction|command|guardrail|restriction|context|task|message|request|question)s?"
_BEFORE = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|system|other|initial|current|user'?s?)"
)
_THINGS = r"(?:poem|poetry|essay|limerick|haiku|short story|story|song|lyrics|joke|speech|screenplay|blog post|tweet|rap|sonnet|cover letter)"
_WRITE = r"(?:write|draft|compose|generate|create|provide|produce|develop|craft|give me|tell me|sing)"
_CHANGE = (
    "modify|augment|enhance|provide|render|rearrange|remove|group|scramble|jumble|replace|encode|shuffle|deliver|express|present|"
    "translate|convert|rephrase|write|transform|alter|adjust|expand|extend|complement|supplement|spell|add|include|mention|insert"
)
_SNIPPET = r"(?:following|below|subsequent|provided|ensuing) (?:code|script) ?(?:block|snippet|section|excerpt|segment|portion|fragment)"
_OWN = r"your (?:\w+ )?(?:solution|implementation|response|answer|code(?:base)?|output|algorithm|elucidation|reply|program)"
_TEMPLATE = r"<\|[^|<>\n]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>"

_RULES: tuple[tuple[str, str], ...] = (
    (
        "tells to ignore instructions",
        rf"\b(?:ignore|disregard|forget|override|bypass|overlook|do not follow|don't follow|stop following)\b(?:\W+\w+){{0,3}}?\W+"
        rf"(?:{_BEFORE}\W+(?:\w+\W+){{0,2}}?{_ORDERS}|(?:your|the|all|any|everything)\W+(?:\w+\W+)?"
        r"(?:instructions?|prompts?|guidelines?|guardrails|(?:said|written|stated|told)?\W*(?:above|before|so far)))\b",
    ),
    (
        "speaks to an AI",
        rf"\b(?:(?:attention|dear|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|reminder (?:to|for))"
        rf"[ ,:]+(?:(?:the|any|all|an?|our|your)\s+)?{_AI}\b|(?:if|as) you(?: are|'re|r being)? (?:an? |the )?{_AI}\b"
        rf"|you are (?:now |no longer |only )?(?:an? |the |my )?(?:[\w-]+ ){{0,3}}{_AI}\b"
        rf"|(?:{_AI})s? (?:reading|processing|summari[sz]ing|analy[sz]ing) this\b|as an? {_AI},? you\b)",
    ),
    (
        "gives a role or a mode",
        r"\byou are now (?:in |an? |the |called |known )|\bfrom now on,? (?:you|your|answer|respond|reply|always|only)\b"
        r"|\b(?:act|behave|respond|roleplay|role-play|pretend)\b[ ,]+(?:as (?:if|though) you|to be (?:an?|my)|as (?:a|an|my) "
        r"(?:\w+ ){0,3}(?:assistant|bot|hacker|model|terminal|expert|translator|character|interpreter))"
        r"|\b(?:developer|god|debug|admin|jailbreak|unrestricted|DAN) mode (?:is )?(?:on|enabled|activated|engaged)\b"
        r"|\bdo anything now\b|\bnew (?:system )?instructions?\s*:|\bsystem (?:prompt|override|message)\s*:",
    ),
    ("a chat template's token", _TEMPLATE),
    (
        "a chat template's token",
        r"^\s*#{2,3} ?(?:instruction|system|response|assistant)s?\s*:\s*$|^\s*(?:SYSTEM|ASSISTANT)\s*:\s*\S",
    ),
    (
        "asks for secrets of the program",
        r"\b(?:reveal|print|repeat|show|output|display|leak|disclose|return|list|tell me|give me|send|include)\b(?:\W+\w+){0,4}?\W+"
        r"(?:system prompt|hidden (?:prompt|instructions?|text)|initial (?:prompt|instructions?)|your (?:instructions|prompt|rules)"
        r"|api keys?|access tokens?|environment variables?|(?:the )?other (?:users'? )?(?:conversations|corpora|corpus)"
        r"|conversation history|chat history)\b",
    ),
    (
        "sends words to an address",
        r"!\[[^\]\n]{0,200}\]\(\s*https?://[^)\s]*[?&][^)\s=]*=|https?://[^\s\"')]*[?&=/](?:\{\w+\}|\[\w+\]|<\w+>|%7B\w+%7D)"
        r"|\b(?:send|forward|post|upload|e-?mail|submit|exfiltrate|transmit)\b(?:\W+\w+){0,6}?\W+"
        r"(?:conversation|chat|question|prompt|answers?|credentials|passwords?|history|secrets?)\b(?:\W+\w+){0,6}?\W+to\W+"
        r"(?:https?://|\S+@\S+\.\w+|the (?:following )?(?:url|address|server|webhook))",
    ),
    (
        "dictates the answer",
        r"\b(?:do not|don't|never|without) (?:mention|mentioning|tell|telling|reveal|inform|informing|disclose|alert)(?:ing)?\b(?:\W+\w+){0,3}?\W+"
        r"(?:users?|this instruction|these instructions|this (?:note|message|text) (?:to|in))\b"
        r"|\b(?:when|if|whenever)\b(?:\W+\w+){0,4}?\W+(?:asks?|asked|queries|questions)\b[^.\n]{0,80}?,?\s*"
        r"(?:you (?:must|should|will|shall) )?(?:always |only |just |simply )?(?:answer|say|reply|respond|state|claim|tell them)\b"
        r"(?! (?:the|a|any|all|each|every|to|within|by|in|no|yes|promptly|questions?)\b)"
        r"|\b(?:answer|respond|reply|say|output|write|print)\b(?: \w+){0,2} (?:only|exactly|nothing but|just|simply|with the (?:word|phrase|sentence)s?)"
        r" ?[:\"“'‘]|\b(?:your|the) (?:final |next |entire |whole )?(?:answer|response|reply|output) (?:must|should|has to|shall)"
        r" (?:be|begin|start|end|contain|include|only|always|say|consist)\b"
        r"|\b(?:begin|start|end|prefix|finish|append|conclude) (?:\w+ )?(?:your|every|each|all) (?:answers?|responses?|repl(?:y|ies)|outputs?)\b"
        r"|\b(?:in|to|at the end of|into) your (?:next |final )?(?:answer|response|reply|output|summary)\b",
    ),
    (
        "asks for a text of its own",
        rf"(?:^|[.!?\n]\s*)(?:please |now |also |then |instead,? )?{_WRITE}\s+(?:me )?(?:an?|the|some|two|three|another)\s+"
        rf"(?:[\w'-]+\s+){{0,3}}{_THINGS}\b|(?:^|[.!?\n]\s*)(?:please )?(?:translate|paraphrase|rewrite|summari[sz]e|proofread)\s+"
        r"(?:the following|this|these|the (?:above|text|sentence|paragraph|passage))\b[^\n]{0,40}",
    ),
    (
        "dictates the answer",
        rf"(?:^|[.!?:\n]\s*)(?:please |now |also |then )?(?:{_CHANGE})\b[^.!?\n]{{0,70}}?\byour (?:\w+ )?"
        r"(?:answer|response|reply|output|message)(?:'s)?\b(?! (?:to (?:us|the)|in (?:writing|the space)|by (?:the|no|post|mail|e-?mail|\d)|below|on|here)\b)",
    ),
    (
        "asks for code in the answer",
        r"\b(?:utili[sz]e|use|include|insert|integrate|incorporate|merge|embed|feature|featuring|add|adding|apply|enrich|"
        r"presence of|implement|employ|consider|place|put|append|weave|blend|inject)\b[^.\n]{0,60}?\b(?:following|below|subsequent|provided|"
        r"ensuing|given|next)\b[^.\n]{0,30}?\b(?:code|script|snippet)\b[^.\n]{0,60}:?\s*\n?```"
        rf"|\b{_SNIPPET}\b[^.\n`]{{0,60}}\b{_OWN}|{_OWN}\b[^.\n`]{{0,60}}\b{_SNIPPET}\b"
        rf"|\b{_SNIPPET}\b[^.\n`]{{0,40}}\bthe code you\b",
    ),
)
_COMPILED = tuple((kind, re.compile(rule, re.IGNORECASE | re.MULTILINE)) for kind, rule in _RULES)
_BLOB = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{32,2000}={0,2}(?![\w+/])")
MOST = 20
"""Signs told of one text."""


def signs(text: str) -> list[Sign]:
    """What in a text speaks to an AI, in order of place; at most `MOST`."""
    found = [*_matches(text), *_encoded(text)]
    return sorted(found, key=lambda sign: (sign.start, sign.kind))[:MOST]


def neutral(text: str) -> str:
    """The text with the brackets of chat templates' tokens opened, so that no tokenizer takes them for its own."""
    return _TOKENS.sub(lambda match: re.sub(r"[<\[]", "(", re.sub(r"[>\]]", ")", match[0])), text)


_TOKENS = re.compile(
    rf"{_TEMPLATE}|</?s>|<(?:bos|eos|pad|unk|endoftext|/?think|/?tool_call|/?tool_response)>", re.IGNORECASE
)


_END_BEFORE = re.compile(r"[.!?:]?\s+")
"""The end of the sentence before, by which some rules know that one begins."""


def _matches(text: str) -> Iterator[Sign]:
    for kind, rule in _COMPILED:
        for match in rule.finditer(text):
            before = _END_BEFORE.match(match[0])
            yield Sign(kind, match.start() + (before.end() if before else 0), match.end())


def _encoded(text: str) -> Iterator[Sign]:
    """Base64 that holds words which speak to an AI."""
    for match in _BLOB.finditer(text):
        try:
            said = base64.b64decode(match[0] + "=" * (-len(match[0]) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if next(_matches(said), None) is not None:
            yield Sign("hides words in base64", match.start(), match.end())
