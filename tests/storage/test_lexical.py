"""Full text: found by stems, restricted to a corpus, gone to the last word when removed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import storage.lexical
from storage.database import Database
from storage.lexical import Lexical, create_statements
from storage.lexical import lexical as lexical_of
from storage.rarity import Counts
from storage.tables import Chunk, Corpus, Document
from storage.words import Stemmer, content_words, searched


@pytest.fixture
def lexical(database: Database) -> Lexical:
    return lexical_of(database)


def add(database: Database, lexical: Lexical, corpus: str, texts: list[str], title: str = "", name: str = "a") -> int:
    with database.write() as session:
        row = session.query(Corpus).filter_by(name=corpus).one_or_none() or Corpus(name=corpus, domain="legal")
        session.add(row)
        session.flush()
        document = Document(
            corpus_id=row.id, name=name, title=title, content_sha256=corpus + name, size_bytes=1, status="ready"
        )
        session.add(document)
        session.flush()
        chunks = [
            Chunk(
                corpus_id=row.id, document_id=document.id, ordinal=i, page=1, start=0, end=1, kind="paragraph", text=t
            )
            for i, t in enumerate(texts)
        ]
        session.add_all(chunks)
        session.flush()
        lexical.add(session, chunks)
        return row.id


def found(lexical: Lexical, corpus: int, question: str) -> list[int]:
    return [hit.chunk_id for hit in lexical.search(corpus, question, 10)]


def test_a_question_finds_the_inflected_word(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["The tenant terminated the lease.", "Rent is due monthly."])
    assert found(lexical, corpus, "When may a tenant be terminating leases?") == [1]


def test_the_better_hit_has_the_higher_score(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["rent and rent deposit", "the rent is due on the first day", "pets"])
    scores = [hit.score for hit in lexical.search(corpus, "rent deposit", 10)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 2
    assert scores[0] > scores[1]


def test_other_corpora_are_never_found(database: Database, lexical: Lexical) -> None:
    first = add(database, lexical, "first", ["alpha beta"])
    second = add(database, lexical, "second", ["alpha gamma", "delta"])
    assert found(lexical, first, "alpha") == [1]
    assert found(lexical, second, "alpha") == [2]
    assert (lexical.count(first), lexical.count(second)) == (1, 2)


def test_the_corpus_column_is_not_searched_by_questions(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["alpha"])
    assert found(lexical, corpus, f"c{corpus}") == []


def test_title_and_name_of_the_document_are_searched(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["The term is two years."], title="Lease with Halden", name="north_wing.pdf")
    assert found(lexical, corpus, "Halden") == [1]
    assert found(lexical, corpus, "north wing") == [1]


@pytest.mark.parametrize(
    "question", ['"', "a OR", "title:x AND (", "* ^ NEAR(alpha beta)", "-- ; DROP", "", "???", "'\\\0"]
)
def test_a_question_is_never_syntax(database: Database, lexical: Lexical, question: str) -> None:
    corpus = add(database, lexical, "c", ["alpha beta"])
    assert set(found(lexical, corpus, question)) <= {1}


def test_accents_do_not_matter(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["Der Café-Vertrag für Gebühren"])
    assert found(lexical, corpus, "cafe gebuhren") == [1]


def test_a_long_question_keeps_its_rarest_words(database: Database, lexical: Lexical) -> None:
    texts = [" ".join(f"common{k}" for k in range(40))] * 5 + ["needle"]
    corpus = add(database, lexical, "c", texts)
    question = " ".join(f"common{k}" for k in range(40)) + " needle"
    assert 6 in found(lexical, corpus, question)


def test_what_another_corpus_holds_changes_nothing_that_is_found(database: Database, lexical: Lexical) -> None:
    texts = ["alpha beta gamma", "alpha delta gamma", "beta delta delta", "gamma alpha alpha", "delta epsilon zeta"]
    corpus = add(database, lexical, "c", texts)
    before = lexical.search(corpus, "alpha beta delta", 10)
    add(database, lexical, "other", ["alpha theta iota", "alpha kappa iota", "alpha lambda mu", "beta nu xi"] * 5)
    after = lexical.search(corpus, "alpha beta delta", 10)
    assert [hit.chunk_id for hit in after] == [hit.chunk_id for hit in before]
    assert [hit.score for hit in after] == pytest.approx([hit.score for hit in before])


def test_a_small_corpus_is_searched_to_its_end_beside_one_that_matches_better(
    database: Database, lexical: Lexical
) -> None:
    corpus = add(
        database, lexical, "small", ["alpha among other words that make it long", "alpha and more of such words"]
    )
    add(database, lexical, "other", ["alpha alpha beta"] * 30)
    assert sorted(hit.chunk_id for hit in lexical.search(corpus, "alpha beta", 2)) == [1, 2]
    assert found(lexical, corpus, "beta") == []


def test_a_word_that_every_chunk_holds_counts_a_little_and_never_less_than_nothing(
    database: Database, lexical: Lexical
) -> None:
    corpus = add(database, lexical, "c", ["rent is due", "rent and deposit", "rent of the flat"])
    scores = {hit.chunk_id: hit.score for hit in lexical.search(corpus, "rent deposit", 10)}
    assert len(scores) == 3
    assert min(scores.values()) > 0
    assert max(scores, key=scores.__getitem__) == 2


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("How did American Express fund itself?", "AMERICANEXPRESS 10K"),
        ("What of 2021 Q1?", "report 2021Q1"),
        ("Is Wi-Fi included?", "free wifi"),
        ("Where do I log-in?", "the login page"),
        ("What of FY2022?", "sales of 2022"),
        ("What of FY22?", "sales of 2022"),
    ],
)
def test_a_name_and_a_fiscal_year_are_found_as_others_write_them(
    database: Database, lexical: Lexical, question: str, held: str
) -> None:
    corpus = add(database, lexical, "c", [held, "something else"])
    assert found(lexical, corpus, question) == [1]


def test_only_names_are_looked_up_in_one_word() -> None:
    assert searched("When did General Mills set up the 10-K for 2019 2020?") == [
        "general", "mills", "set", "up", "10", "k", "2019", "2020", "generalmills", "10k",
    ]  # fmt: skip
    assert searched("FY2018, FY '19 and fy123") == ["fy2018", "fy", "19", "fy123", "2018", "2019"]
    assert searched("The Company and In To the log") == ["company", "log"]


def blocks_with(database: Database, word: bytes) -> int:
    with database.read() as session:
        return sum(word in block for block in session.execute(text("SELECT block FROM chunk_text_data")).scalars())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_forgetting_leaves_no_word_of_what_was_removed(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["secretword here", "another text"])
    with database.write() as session:
        lexical.remove(session, [1])
    assert found(lexical, corpus, "secretword") == []
    assert lexical.forget()
    assert blocks_with(database, b"secret") == 0
    with database.read() as session:
        contents = session.execute(text("SELECT c3 FROM chunk_text_content")).scalars().all()
    assert contents == [" another text"]
    assert not lexical.forget()


def test_a_removal_that_was_taken_back_leaves_nothing_to_forget(database: Database, lexical: Lexical) -> None:
    add(database, lexical, "c", ["secretword here"])
    with database.write() as session:
        lexical.remove(session, [1])
        session.rollback()
    assert not lexical.forget()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_others_write_between_the_steps_of_forgetting(
    database: Database, lexical: Lexical, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = add(
        database, lexical, "c", [f"secretword{n} " + " ".join(f"w{n}x{k}" for k in range(90)) for n in range(300)]
    )
    kept = add(database, lexical, "other", ["kept from the beginning"])
    with database.write() as session:
        lexical.remove(session, range(1, 301))
    steps, merged = [], storage.lexical._merged

    def interrupted(session: Session, pages: int) -> bool:
        steps.append(pages)
        return merged(session, pages)

    monkeypatch.setattr(storage.lexical, "STEP", 3)
    monkeypatch.setattr(storage.lexical, "_merged", interrupted)
    real_write, between = database.write, [0]

    @contextmanager
    def write() -> Iterator[Session]:
        with real_write() as session:
            yield session
        if between[0] < 2:  # another writer's turn: one more document comes, and one more goes
            between[0] += 1
            add_and_remove(between[0])

    def add_and_remove(number: int) -> None:
        monkeypatch.setattr(database, "write", real_write)
        add(database, lexical, "later", [f"secretword later {number}"], name=f"later {number}")
        with real_write() as session:
            lexical.remove(session, [301 + number])
        monkeypatch.setattr(database, "write", write)

    monkeypatch.setattr(database, "write", write)
    assert lexical.forget()
    assert len(steps) > 3
    assert blocks_with(database, b"secretword") == 0
    assert found(lexical, corpus, "secretword7") == []
    assert found(lexical, kept, "beginning") == [301]
    assert not lexical.forget()


def test_rebuilding_finds_what_was_found_before(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["alpha", "beta"])
    with database.write() as session:
        session.execute(text("DELETE FROM chunk_text"))
    assert lexical.count(corpus) == 0
    lexical.rebuild()
    assert found(lexical, corpus, "beta") == [2]


def test_rare_words_weigh_more(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["rent rent", "rents deposit", "renting"])
    idf = lexical.idf(corpus, ["rent", "deposit", "unheard"])
    assert idf["rent"] < idf["deposit"] < idf["unheard"]


def test_the_first_mentions_of_a_word_come_first_and_those_of_other_corpora_never(
    database: Database, lexical: Lexical
) -> None:
    other = add(database, lexical, "other", ["CKD is of another corpus"])
    corpus = add(database, lexical, "c", ["none", "chronic kidney disease (CKD)", "CKD, CKD and CKD", "R&D (research)"])
    assert lexical.mentions(corpus, "CKD", 9) == ["chronic kidney disease (CKD)", "CKD, CKD and CKD"]
    assert lexical.mentions(corpus, "CKD", 1) == ["chronic kidney disease (CKD)"]
    assert lexical.mentions(other, "CKD", 9) == ["CKD is of another corpus"]
    assert lexical.mentions(corpus, "R&D", 9) == ["R&D (research)"]
    assert lexical.mentions(corpus, "D&R", 9) == lexical.mentions(corpus, "CKD", 9, cut=1) == []
    assert lexical.mentions(corpus, '\0"', 9) == []


def test_the_words_that_a_corpus_holds_are_told_from_those_of_others(database: Database, lexical: Lexical) -> None:
    add(database, lexical, "other", ["a wombat"])
    corpus = add(database, lexical, "c", ["a quokka"], title="Notes")
    assert lexical.held(corpus, ["quokkas", "wombat", "notes", "…"]) == {"quokkas", "notes"}


def test_what_a_search_counted_is_not_counted_again(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["rent and rent deposit", "the rent is due"])
    counts = Counts()
    lexical.search(corpus, "How much is the rent deposit?", 10, counts=counts)
    assert (counts.total, counts.holding["rent"], counts.holding["deposit"]) == (2, 2, 1)
    plain = lexical.idf(corpus, ["rent", "due", "unheard"])
    assert lexical.idf(corpus, ["rent", "due", "unheard"], counts) == plain
    counts.holding["rent"] = 0  # what stands there is taken, whatever the table says
    assert lexical.idf(corpus, ["rent"], counts)["rent"] == plain["unheard"]


def test_the_rarity_of_a_word_with_a_zero_byte_is_that_of_the_word(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "notes", ["a quokka", "a wombat"])
    assert lexical.idf(corpus, ["quokka\0"])["quokka\0"] == lexical.idf(corpus, ["quokka"])["quokka"]


def test_other_databases_say_that_they_are_not_built() -> None:
    with pytest.raises(NotImplementedError, match="oracle"):
        create_statements("oracle")


SENTENCES = [
    "The tenant's terminated lease ended; leases end. North_wing 4,200 naïve café",
    "Rent, rents and renting: the rent is due on the first day of each month, or the deposit is forfeit.",
    "A deposit of three monthly rents is held by the landlord until the lease has ended in writing.",
    "Nothing here is about money; it's O'Brien's note \\ on 'quoted' words & pipes | and a zero byte \0 inside.",
    *(f"Clause {number} concerns the annex number {number} and its fee." for number in range(30)),
]


def test_both_databases_find_the_same_with_the_same_scores(sqlite_url: str, postgres_url: str) -> None:
    found = []
    for url in (sqlite_url, postgres_url):
        database = Database.open(url)
        lexical = lexical_of(database)
        corpus = add(database, lexical, "c", SENTENCES, title="Lease with Halden", name="north_wing.pdf")
        questions = ("when is rent due?", "ended leases cafe", "annex clause 7 fee", "O'Brien pipes", "halden deposit")
        found.append([[(hit.chunk_id, hit.score) for hit in lexical.search(corpus, q, 100)] for q in questions])
        found[-1].append(sorted(lexical.idf(corpus, ["rent", "annexes", "unheard", "…"]).items()))
        database.close()
    assert [len(hits) for hits in found[0]] == [len(hits) for hits in found[1]]
    for here, there in zip(*found, strict=True):
        assert {key: pytest.approx(value, rel=1e-6) for key, value in here} == dict(there)


def test_what_postgresql_cannot_index_is_left_out_and_the_rest_is_found(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    lexical = lexical_of(database)
    corpus = add(database, lexical, "c", ["x" * 3000 + " needle", "word " * 40_000 + "tail"])
    assert found(lexical, corpus, "needle") == [1]
    assert found(lexical, corpus, "tail") == [2]
    database.close()


def test_stop_words_count_only_when_there_is_nothing_else() -> None:
    assert content_words("What is the Rent?") == ["rent"]
    assert content_words("To be or not to be") == ["to", "be", "or", "not"]
    assert content_words("Why can't Norvane’s drivers find it, and isn't it the tenant's?") == [
        "norvane",
        "drivers",
        "find",
        "tenant",
    ]


def test_stems_are_those_of_the_index() -> None:
    assert Stemmer().stems(["terminating", "Café", "…"]) == {"terminating": "termin", "Café": "cafe"}


def test_whether_it_is_in_step_with_the_rows_is_told(database: Database, lexical: Lexical) -> None:
    add(database, lexical, "one", ["the rent is due", "the notice is long"])
    lexical.rebuild()
    assert lexical.in_step()
    with database.write() as session:
        lexical.remove(session, [1])
    assert not lexical.in_step()
    lexical.rebuild()
    assert lexical.in_step()
