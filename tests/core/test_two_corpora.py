"""Two corpora never see each other: 2,000 attempts to reach from one into the other, each looking for its canaries.

There are no accounts: one person may open every corpus, so what is asked for by its own id alone (a conversation, an
answer's events, an adapter's export), and pages over the whole workspace (Home, Jobs, the audit log), show whatever
that is. What has to hold is that nothing made for one corpus shows a word of another's.
"""

import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.assistants import contestants, live
from core.assistants.answer import Answer, Mode
from core.assistants.ask import Found
from core.assistants.searching import Shared
from core.commands.shapes import answer_json
from core.conversations import export
from core.errors import NotFound, TriptychError
from core.evaluation import html
from core.evaluation.report import report
from core.finetuning import exporting, importing, registry
from core.finetuning.gate import BY_ADAPTER
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.retrieval.explaining import explain
from core.settings import Settings
from core.workspace import Workspace
from dashboard import api, resources
from dashboard.components import example_table, win_rates
from storage.errors import NotFound as NoRow
from storage.examples import Filter
from storage.gold import GoldDraft
from tests.core.asked_by_id import asked, readers
from tests.core.followed_links import HIDDEN, LINKS, opened
from tests.core.generation.tiny_folder import make_adapter, make_tiny
from tests.core.two_sides import SIDES, WORDS, Side, made

ATTEMPTS = 2_000
LEAST = 25
"""Attempts of each kind."""
TOGETHER: Shared[Found] = Shared(12)
"""What both sides' assistants share who look up their findings in one place, as the panels of a comparison do."""


def said(messages: list[Any]) -> str:
    """What the base model says: all that it was shown, so whatever reaches it is seen."""
    return " ".join(str(message.content) for message in messages)[-3_000:]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    settings = Settings.load(tmp_path_factory.mktemp("two") / "home")
    with Workspace.open(settings, given={"engine": ScriptedChat(answers=said)}) as opened_:
        resources.hold(opened_)
        yield opened_
        resources.hold(None)


@pytest.fixture(scope="module")
def sides(ws: Workspace) -> dict[str, Side]:
    return {side: made(ws, side) for side in SIDES}


@pytest.fixture(scope="module")
def client(ws: Workspace) -> TestClient:
    return TestClient(Starlette(routes=api.routes(ws)), base_url="http://127.0.0.1")


Attempt = Callable[[Workspace, Side, Side, random.Random], object]
"""Looks from a side for what is another's; returns everything that was seen."""


def refused(ask: Callable[[], object]) -> object:
    """What is answered; "" when it is refused."""
    try:
        return ask()
    except (TriptychError, NoRow):
        return ""


def told(events: Iterator[object]) -> object:
    """An answer with its passages and citations."""
    answer = list(events)[-1]
    assert isinstance(answer, Answer)
    return answer_json(answer, "")


# Ids: about a corpus with another's ids, and by ids of its own alone.


def asked_by_an_id(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    named, reader = chance.choice(list(readers(ws)))
    return asked(ws, named, reader, mine, other)


def asked_behind_a_message(ws: Workspace, mine: Side, other: Side, _chance: random.Random) -> object:
    """A conversation of one corpus goes on from a message of another's."""

    def asked_on() -> object:
        talk = mine.talk if mine is other else ws.conversations.create(mine.corpus, "base").id
        answer = live.start(ws, talk, "And its notice?", "base", other.answer)
        list(live.follow(ws, answer))
        return ws.conversations.message(answer)

    return refused(asked_on)


def listed(ws: Workspace, mine: Side, _other: Side, _chance: random.Random) -> object:
    corpus = mine.corpus
    return [
        ws.conversations.list(corpus),
        ws.comparisons.list(corpus),
        ws.evaluations.list(corpus),
        ws.sources.list(corpus),
        ws.comparisons.votes(corpus),
        ws.assistants.of(corpus),
    ]


# Links: a page of one corpus whose address names what is another's.


def followed_a_link(_ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    page, of = chance.choice((*LINKS, HIDDEN))
    return opened(page, **({"corpus": mine.corpus} | of(other)))


# Filters: what is asked for in a corpus is another's words, or widens the question.


def asked_of_search(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    word = other.word
    question = chance.choice((word, f"What is the rent of unit 2, {word}?", f"{word}-1.md", f"notice {word} {word}"))
    return ws.retriever.search(mine.corpus, question, 20)


def asked_of_words(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    word = other.word
    # A quote of the query language must not widen it.
    wanted = chance.choice((word, f'{word}" OR corpus:"c1', f"corpus : {word}", f"{word} NOT x", f'c2" {word}'))
    return ws.corpora.chunks_by_ids(hit.chunk_id for hit in ws.lexical.search(mine.corpus, wanted, 50))


def nearest(ws: Workspace, mine: Side, other: Side, _chance: random.Random) -> object:
    return ws.corpora.chunks_by_ids(hit.chunk_id for hit in ws.retriever.by_meaning(mine.corpus, other.word))


def explained(ws: Workspace, mine: Side, other: Side, _chance: random.Random) -> object:
    found = explain(ws, mine.corpus, other.word)
    return [each.chunk for each in (*found.by_words, *found.by_meaning)]


def filtered(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    search = chance.choice((other.word, "", "%", "_", "' OR 1=1 --", ".md"))
    corpus = mine.corpus
    return [
        ws.corpora.documents(corpus, search=search),
        ws.corpora.contents(corpus),
        ws.gold.list(corpus, search=search),
        ws.examples.list(corpus, Filter(search=search)),
        ws.conversations.search(corpus, search),
    ]


# Caches: the same question on both sides, so that one that forgot the corpus would answer with the other's words.


def remembered(ws: Workspace, mine: Side, _other: Side, chance: random.Random) -> object:
    return told(ws.assistant(mine.corpus).ask(f"What is the rent of unit {chance.randrange(4)}?", "rag", []))


def found_together(ws: Workspace, mine: Side, _other: Side, chance: random.Random) -> object:
    assistant = ws.assistant(mine.corpus).with_shared_search(TOGETHER)
    return told(assistant.ask(f"What is the rent of unit {chance.randrange(4)}?", "rag", []))


def taken_over(ws: Workspace, mine: Side, other: Side, _chance: random.Random) -> object:
    return ws.evaluations.known(mine.corpus, other.fingerprints)


# Exports: what is taken out as a file.


def exported(ws: Workspace, mine: Side, _other: Side, chance: random.Random) -> object:
    chosen = chance.choice(export.FORMATS)
    data = export.export(ws, mine.talk, chosen)
    if chosen.ending == "docx":
        return "\n".join(paragraph.text for paragraph in Document(BytesIO(data)).paragraphs)
    return data.decode()


def reported(ws: Workspace, mine: Side, _other: Side, _chance: random.Random) -> object:
    found = report(ws, ws.evaluations.get(mine.evaluation))
    return json.dumps(found, default=str) + html.page(found)


def downloaded(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    where = Filter(search=chance.choice((other.word, "", "%")))
    examples = ws.examples.list(mine.corpus, where)
    return example_table.as_csv(examples) + win_rates.as_csv(ws.comparisons.votes(mine.corpus))


# Adapters: by which a mode answers, which other versions can be asked, and what they learned from.


def answered_by_an_adapter(ws: Workspace, mine: Side, _other: Side, chance: random.Random) -> object:
    modes: tuple[Mode, ...] = ("finetuned", "hybrid")
    question = f"What is the rent of unit {chance.randrange(4)}?"
    return told(ws.assistant(mine.corpus).ask(question, chance.choice(modes), []))


def asked_of_a_version(ws: Workspace, mine: Side, other: Side, chance: random.Random) -> object:
    """An adapter by its id, as a comparison names it: by its key, and as its panels keep it."""
    kind, adapter = chance.choice(list(other.adapters.items()))
    mode = BY_ADAPTER[kind]

    def asked_of_it() -> object:
        if chance.random() < 0.5:
            contestants.found(ws, mine.corpus, [f"{mode}#a{adapter}"])
        version = contestants.assistant(ws, mine.corpus, f"a{adapter}")
        return told(version.ask("What is the rent of unit 2?", mode))

    return refused(asked_of_it)


def known_of_adapters(ws: Workspace, mine: Side, other: Side, _chance: random.Random) -> object:
    return [
        ws.adapters.list(mine.corpus),
        contestants.variants(ws, mine.corpus),
        registry.learned_from(ws, mine.corpus, other.names),
        registry.learned_from_examples(ws, mine.corpus, other.examples),
    ]


# Job logs: what the jobs of a corpus were given, and what they said.


def in_the_jobs(ws: Workspace, mine: Side, _other: Side, chance: random.Random) -> object:
    statuses = chance.choice(([], ["done"], ["failed"], ["done", "failed"]))
    jobs = ws.jobs.list(mine.corpus, statuses, limit=1_000)
    return [jobs, *(ws.documents.of_job(job.id) for job in jobs), *(ws.documents.batch(job.id) for job in jobs)]


ATTEMPTED: dict[str, dict[Attempt, int]] = {
    "ids": {asked_by_an_id: 14, asked_behind_a_message: 3, listed: 6},
    "links": {followed_a_link: 2},
    "filters": {asked_of_search: 8, asked_of_words: 12, nearest: 8, explained: 3, filtered: 12},
    "caches": {remembered: 3, found_together: 3, taken_over: 4},
    "exports": {exported: 4, reported: 2, downloaded: 3},
    "adapters": {answered_by_an_adapter: 3, asked_of_a_version: 3, known_of_adapters: 3},
    "job logs": {in_the_jobs: 5},
}
CHANCES = {attempt: (kind, weight) for kind, attempts in ATTEMPTED.items() for attempt, weight in attempts.items()}


def test_two_thousand_attempts_from_one_corpus_show_nothing_of_the_other(ws: Workspace, sides: dict[str, Side]) -> None:
    chance, tried, kinds, seen = random.Random(6), Counter[str](), Counter[str](), []
    weights = [weight for _, weight in CHANCES.values()]
    for _ in range(ATTEMPTS):
        attempt = chance.choices(list(CHANCES), weights)[0]
        mine, other = (sides[side] for side in chance.sample(SIDES, 2))
        found = str(attempt(ws, mine, other, chance))
        tried[attempt.__name__] += 1
        kinds[CHANCES[attempt][0]] += 1
        if other.word in found:
            at = max(0, found.find(other.word) - 80)
            seen.append(f"{attempt.__name__} into {other.word}: ...{found[at:][:200]}")
    assert seen == []
    assert sum(tried.values()) == ATTEMPTS
    assert len(tried) == len(CHANCES)
    assert {kind: kinds[kind] for kind in ATTEMPTED if kinds[kind] < LEAST} == {}


@pytest.mark.parametrize("attempt", CHANCES, ids=lambda attempt: attempt.__name__)
def test_each_side_does_see_its_own(ws: Workspace, sides: dict[str, Side], attempt: Attempt) -> None:
    """Else the attempts above would prove nothing."""
    chance = random.Random(1)
    for side in sides.values():
        assert any(side.word in str(attempt(ws, side, side, chance)) for _ in range(8))


def test_every_reader_by_an_id_is_asked_with_the_others(ws: Workspace, sides: dict[str, Side]) -> None:
    mine, other = sides["left"], sides["right"]
    shown = {named: str(asked(ws, named, reader, mine, other)) for named, reader in readers(ws)}
    assert [named for named, found in shown.items() if other.word in found] == []
    own = [named for named, reader in readers(ws) if mine.word in str(asked(ws, named, reader, mine, mine))]
    assert {"conversations.messages", "evaluations.known", "edits.of_corpus", "jobs.list", "sources.get"} <= set(own)


@pytest.mark.parametrize(("page", "of"), LINKS)
def test_a_link_leads_to_what_is_of_the_corpus_it_names_and_not_to_anothers(
    ws: Workspace, sides: dict[str, Side], page: str, of: Callable[[Side], dict[str, object]]
) -> None:
    mine, other = sides["left"], sides["right"]
    own, foreign = (opened(page, **({"corpus": mine.corpus} | of(side))) for side in (mine, other))
    assert other.word not in foreign
    assert own.count(mine.word) > foreign.count(mine.word)


@pytest.mark.parametrize(("mine", "other"), [SIDES, SIDES[::-1]])
def test_the_routes_answer_from_the_corpus_that_was_named(
    sides: dict[str, Side], client: TestClient, mine: str, other: str
) -> None:
    for name in (f"The {mine} one", f"The {mine} one' OR '1'='1", f"the {mine} one", "", "%", f"{WORDS[other]}"):
        wanted = {"corpus": name, "question": f"What is the rent of unit 2? {WORDS[other]}", "top": 20}
        answer = client.post("/api/search", json=wanted)
        assert answer.status_code in (200, 400, 404)
        assert WORDS[other] not in answer.text.replace(str(wanted["question"]), "").replace(repr(name), "")
        heard = client.post("/api/ask", json={key: wanted[key] for key in ("corpus", "question")} | {"mode": "rag"})
        shown = [source for key in ("passages", "citations") for source in heard.json().get(key, [])]
        # A sentence may repeat the question; where it was read may not be the other one's.
        sources = json.dumps([{**source, "sentence": ""} for source in shown])
        assert WORDS[other] not in sources
    events = client.get(f"/api/answers/{sides[mine].answer}/events").text  # by an id alone: whoever opens it sees it
    assert WORDS[mine] in events
    assert WORDS[other] not in events


def test_no_route_names_the_files_of_a_conversation(ws: Workspace, sides: dict[str, Side], client: TestClient) -> None:
    hidden = ws.corpora.get(sides["left"].files).name
    for path in ("/api/search", "/api/ask"):
        answer = client.post(path, json={"corpus": hidden, "question": "Which key is attached?"})
        assert answer.status_code == 404
        assert WORDS["left"] not in answer.text


def test_what_is_asked_of_the_other_ones_ids_is_refused_or_harmless(ws: Workspace, sides: dict[str, Side]) -> None:
    left, right = sides["left"], sides["right"]
    empty = ws.corpora.create("An empty one", "legal").id
    before = ws.corpora.contents(right.corpus), ws.corpora.chunks_by_ids(right.chunks)
    assert intake.retry_all(ws, left.corpus, right.documents) == 0
    ws.cuts.remove(empty, right.chunks)
    with pytest.raises((TriptychError, NoRow)):
        ws.gold.add(999_999, GoldDraft("x", "y"))
    with pytest.raises(NotFound):
        live.start(ws, 999_999, "Anything?", "rag")
    with pytest.raises(NoRow):
        ws.conversations.add_question(left.talk, "And then?", right.answer)
    with pytest.raises(NotFound, match="of another corpus"):
        contestants.assistant(ws, left.corpus, f"a{right.adapters['grounded']}")
    assert (ws.corpora.contents(right.corpus), ws.corpora.chunks_by_ids(right.chunks)) == before


def test_what_serves_and_is_taken_out_on_one_side_is_its_own(
    ws: Workspace, sides: dict[str, Side], tmp_path: Path
) -> None:
    """Real adapters over one base model, of the same kind and version on both sides."""
    base = make_tiny(tmp_path / "tiny")
    model = ws.base_models.create("Tiny", "transformers", str(base)).id
    rows = []
    for seed, (name, side) in enumerate(sides.items()):
        ws.assistants.choose_base_model(side.corpus, model)
        serving = {each.corpus: ws.adapters.promoted(each.corpus, "grounded") for each in sides.values()}
        row = importing.take_in(ws, side.corpus, "grounded", make_adapter(base, tmp_path / name, seed))
        ws.adapters.promote(row.id)
        serving[side.corpus] = ws.adapters.get(row.id)
        assert {each: ws.adapters.promoted(each, "grounded") for each in serving} == serving
        assert ws.serving.learned(row).is_relative_to(ws.serving.folder(row))
        rows.append(row)
    left, right = rows
    assert (left.kind, left.version) == (right.kind, right.version)
    job = exporting.start(ws, left.id, "peft")
    ws.dispatcher.run_one()
    assert (ws.jobs.get(job.id).status, job.corpus_id) == ("done", sides["left"].corpus), ws.jobs.get(job.id).error
    assert not exporting.target(ws, right, "peft").exists()
    with zipfile.ZipFile(exporting.target(ws, left, "peft")) as packed:
        weights = sha256(packed.read("adapter_model.safetensors")).hexdigest()
        words = " ".join(packed.read(each).decode("utf-8", "replace") for each in packed.namelist())
    assert weights == left.files["adapter_model.safetensors"] != right.files["adapter_model.safetensors"]
    assert "The left one" in words
    assert "The right one" not in words
    assert sides["right"].word not in words


def test_deleting_one_corpus_leaves_the_other_as_it_was(ws: Workspace, sides: dict[str, Side]) -> None:
    """Last: it takes the left side away."""
    right = sides["right"]
    before = ws.corpora.contents(right.corpus), ws.conversations.messages(right.talk), ws.adapters.list(right.corpus)
    intake.delete_corpus(ws, sides["left"].corpus)
    now = ws.corpora.contents(right.corpus), ws.conversations.messages(right.talk), ws.adapters.list(right.corpus)
    assert now == before
    assert ws.retriever.search(right.corpus, "What is the rent of unit 2?", 1)[0].document == f"{right.word}-2.md"
    rows = ws.database.file.read_bytes() + b"".join(
        path.read_bytes() for path in Path(ws.home / "vectors").rglob("*") if path.is_file()
    )
    assert WORDS["left"].encode() not in rows
    beside = [path for path in Path(ws.home / "adapters").rglob("*") if path.is_file()]
    assert [path for path in beside if WORDS["left"].encode() in path.read_bytes()] == []
