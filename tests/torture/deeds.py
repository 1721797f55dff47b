"""Chooses what is done next: random acts that make sense, never two at once on the same thing."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.torture.ledger import Act, Ledger

WEIGHTS = {
    **{"upload": 30, "ask": 20, "delete": 8, "vote": 8, "edit": 8, "gold": 6, "examples": 3},
    **{"evaluate": 3, "train": 3, "promote": 2, "rebuild": 3, "reindex": 4, "backup": 4},
    **{"corpus": 2, "delete_corpus": 2},
}
LETTERS = "bcdfghklmnprstvw"
AT_LEAST = 15
"""Examples: eight to learn from and seven held out, too few for the gate to ask about."""


@dataclass(slots=True)
class Deeds:
    """Attributes:
    main, learning: corpora; in the first everything happens, the second has the tiny base model and is trained.
    busy: things that an act under way is at.
    full: no more files are handed in: too many wait to be read.
    open: how many jobs of each kind are not over.
    """

    chance: random.Random
    ledger: Ledger
    outside: Path
    small_model: str
    main: int = 0
    learning: int = 0
    busy: set[object] = field(default_factory=set)
    full: bool = False
    open: Counter[str] = field(default_factory=Counter)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    offered: Counter[str] = field(default_factory=Counter)

    def next(self) -> Act:
        """An act: its number, its name, what it is done with, and what it keeps busy."""
        while True:
            act = self.one(self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
            if act is not None:
                return act

    def one(self, name: str) -> Act | None:
        """That act; None when it makes no sense now, or what it is about is busy."""
        make: Callable[[], tuple[dict[str, object], set[object]] | None] = getattr(self, f"_{name}")
        made = make()
        if made is None or made[1] & self.busy:
            return None
        self.busy |= made[1]
        self.offered[name] += 1
        return {"number": next(self.numbers), "act": name, "with": made[0], "busy": made[1]}

    def over(self, act: Act) -> None:
        """An act was acknowledged or refused."""
        self.busy -= act["busy"]

    def canary(self) -> str:
        """A new word, of letters only so that it is one token."""
        number = next(self.numbers)
        return "zq" + "".join(LETTERS[int(digit, 16)] for digit in f"{number:06x}")

    def text(self, name: str) -> str:
        """A document with a canary in it; one in eight is long enough to be embedded for a while."""
        n = self.chance.randrange(10_000)
        word = f"The word of this note is {self.canary()} . "
        more = [f"Item {n + each} costs {each * 7} euro, payable to office {n % 89} on receipt of the goods. "
                for each in range(self.chance.choice((3, 3, 3, 8, 8, 20, 20, 250)))]  # fmt: skip
        if name.endswith(".html"):
            return f"<html><body><h1>Note {n}</h1><p> {word}</p><p>{'</p><p>'.join(more)}</p></body></html>"
        return f"# Note {n}\n\n{word}\n\n" + "\n\n".join("".join(more[at : at + 4]) for at in range(0, len(more), 4))

    def _upload(self) -> tuple[dict[str, object], set[object]] | None:
        if self.full:
            return None
        aside = set(self.ledger.corpora) - {self.learning}  # a training waits until its corpus is indexed
        corpus = self.chance.choice([self.main, self.main, self.main, *sorted(aside)])
        kinds = ("md", "txt", "html")
        names = {
            f"note-{self.chance.randrange(60)}.{self.chance.choice(kinds)}" for _ in range(self.chance.randint(1, 4))
        }
        if not self.chance.randrange(6):
            names = {f"edited-{next(self.numbers)}.md"}
        names = {name for name in names if (corpus, name) not in self.busy}
        files = {name: self.text(name) for name in sorted(names)}
        return {"corpus": corpus, "files": files}, {(corpus, name) for name in names} | {
            ("in", corpus, next(self.numbers))
        }

    def _delete(self) -> tuple[dict[str, object], set[object]] | None:
        there = [name for (corpus, name), words in self.ledger.documents.items()
                 if corpus == self.main and None not in words and name.startswith("note")]  # fmt: skip
        if len(there) < 5:
            return None
        names = self.chance.sample(there, self.chance.randint(1, 3))
        return {"corpus": self.main, "names": names}, {(self.main, name) for name in names}

    def _ask(self) -> tuple[dict[str, object], set[object]]:
        question = f"What does item {self.chance.randrange(10_000)} cost, and what is {self.canary()} ?"
        known = sorted({talk.conversation for talk in self.ledger.talks.values() if talk.corpus == self.main})
        talk = self.chance.choice([None, *known[-5:]])
        keeps: set[object] = {("talk", talk)} if talk else set()
        return {"corpus": self.main, "question": question, "conversation": talk}, keeps

    def _vote(self) -> tuple[dict[str, object], set[object]] | None:
        answered = [key for key, talk in self.ledger.talks.items() if talk.text is not None]
        if not answered:
            return None
        answer = self.chance.choice(answered)
        correction = self.chance.choice(("", f"It should have been {next(self.numbers)}."))
        given = {"answer": answer, "verdict": self.chance.choice(("up", "down")), "correction": correction}
        return given, {("vote", answer)}

    def _edit(self) -> tuple[dict[str, object], set[object]] | None:
        there = [name for (corpus, name), words in self.ledger.documents.items()
                 if corpus == self.main and name.startswith("edited") and None not in words]  # fmt: skip
        if not there:
            return None
        name = self.chance.choice(there)
        text = f"Somebody wrote {next(self.numbers)} over what was here before."
        return {"corpus": self.main, "name": name, "text": text}, {(self.main, name)}

    def _gold(self) -> tuple[dict[str, object], set[object]]:
        question = f"How much is item {next(self.numbers)}?"
        return {"corpus": self.main, "question": question, "answer": "Seven euro."}, set()

    def _examples(self) -> tuple[dict[str, object], set[object]]:
        number = next(self.numbers)
        pairs = {f"What is part {number}-{each}?" : f"It is {each} euro." for each in range(3)}  # fmt: skip
        return {"corpus": self.main, "pairs": pairs}, set()

    def _evaluate(self) -> tuple[dict[str, object], set[object]] | None:
        enough = sum(self.ledger.gold.values()) >= 3
        return ({"corpus": self.main}, {"evaluate"}) if enough and not self.open["evaluate"] else None

    def _train(self) -> tuple[dict[str, object], set[object]] | None:
        return ({"corpus": self.learning}, {"train"}) if self.learning and not self.open["finetune"] else None

    def _promote(self) -> tuple[dict[str, object], set[object]] | None:
        adapters = self.ledger.adapters
        return ({"adapter": self.chance.choice(adapters)}, {"promote"}) if adapters else None

    def _rebuild(self) -> tuple[dict[str, object], set[object]]:
        return {}, {"rebuild"}

    def _reindex(self) -> tuple[dict[str, object], set[object]] | None:
        there = any(corpus == self.main and None not in words for (corpus, _), words in self.ledger.documents.items())
        return ({"corpus": self.main, "folder": self.small_model}, {"reindex"}) if there else None

    def _backup(self) -> tuple[dict[str, object], set[object]]:
        return {"file": str(self.outside / f"backup-{next(self.numbers)}.zip")}, {"backup"}

    def _corpus(self) -> tuple[dict[str, object], set[object]]:
        return {"name": f"Aside {next(self.numbers)}"}, {"corpora"}

    def _delete_corpus(self) -> tuple[dict[str, object], set[object]] | None:
        aside = [key for key in self.ledger.corpora if key not in (self.main, self.learning)]
        if not aside:
            return None
        corpus = self.chance.choice(aside)
        at_work = {each for each in self.busy if isinstance(each, tuple) and corpus in each[:2]}
        return None if at_work else ({"corpus": corpus}, {"corpora", (corpus, "")})
