"""What a conversation is called: what its first question is about, without the words that only ask. Pure."""

import re

from core.assistants.words import content_words

LONGEST = 60
COURTESY = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|please|thanks|ok|okay|so|well)\b[\s,.!:;-]*)+", re.I
)
ASKING = re.compile(
    r"^(?:(?:can|could|would|will) you (?:please )?(?:tell|explain|show|give) (?:to )?(?:me|us)(?: about| more about)?|"
    r"(?:please )?(?:tell|explain|show|give) (?:to )?(?:me|us)(?: about| more about)?|"
    r"i(?:'d| would) (?:like|want) to know(?: about| if| whether)?|i need (?:to know|information)(?: about| on)?|"
    r"do you know(?: if| whether)?|what(?:'s|’s| is| are| was| were| does| do| did)|who(?: is| are| was)|"
    r"which|when(?: is| are| was| does| do| did)?|where(?: is| are| was| does| do| did)?|"
    r"how (?:do|does|did|can|should|must) (?:i|we|you|one)|is there|are there)\b\s*",
    re.I,
)
INDIRECT = re.compile(r"^(?:what|who|where|how much|how long) (.+) (?:is|are)$", re.I)
VERB_FIRST = re.compile(r"(?:must|should|shall|can|could|may|might|will|would|has|have|had)\b", re.I)
"""What is left of "When must invoices be paid?" without its first word reads like another question."""
ARTICLE = re.compile(r"^(?:the|a|an|our|my|your)\b\s+", re.I)


def title_of(question: str) -> str:
    """ "Could you tell me what the notice period for Aldgate is?" -> "Notice period for Aldgate".

    The question itself where taking the asking words away would leave too little to go by.
    """
    line = " ".join(question.split())
    first = COURTESY.sub("", re.split(r"(?<=[.?!]) (?=[A-Z])", line)[0] if len(line) > LONGEST else line)
    short = ASKING.sub("", first)
    if indirect := INDIRECT.match(short.strip(" ?.!")):
        short = indirect[1]
    for pattern in (ASKING, ARTICLE):
        short = pattern.sub("", short)
    if len(content_words(short)) < 2 or VERB_FIRST.match(short):
        short = first or line
    short = short.strip(" ?.!")
    return _cut(short[0].upper() + short[1:]) if short else line[:LONGEST]


def _cut(text: str) -> str:
    """At most LONGEST characters, cut between words."""
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"
