"""Personal data: what is found, by checksums where there are any, and what a domain's policy does with it."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from docx import Document
from reportlab.pdfgen.canvas import Canvas

from core.domains import domain, written
from core.errors import BadInput
from core.ingestion import flags, intake
from core.ingestion.parsed import Block, Dropped, Page, ParsedDocument
from core.ingestion.personal import counted, dea, find, iban, kinds, luhn, nhs, npi, redacted, redacted_text, told
from core.ingestion.pictures import has_pictures
from core.keeping import backup
from core.keeping.doctor import examine
from core.settings import Settings
from core.workspace import Workspace
from storage import recognising

CARD, MAIL, IBAN = "4111 1111 1111 1111", "jana.novak@example.org", "GB82 WEST 1234 5698 7654 32"
LETTER = f"# Statement\n\nPaid by card {CARD} by {MAIL}.\n\n## Account\n\nRefunds go to {IBAN}, in ten days.\n"

SHA256 = hashlib.sha256(LETTER.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jana.novak+x@mail.example.org please", "e-mail address"),
        ("card 4111-1111-1111-1111", "card number"),
        ("Amex 3782 822463 10005", "card number"),
        (f"to {IBAN}.", "IBAN"),
        ("SSN 123-45-6789", "social security number"),
        ("NHS number: 943 476 5919", "NHS number"),
        ("nhs no 9434765919", "NHS number"),
        ("NPI: 1234567893", "NPI number"),
        ("DEA number AB1234563", "DEA number"),
        ("Date of birth: 4 March 1961", "date of birth"),
        ("DOB 03/04/1961", "date of birth"),
        ("MRN: 00-482913", "medical record number"),
        ("Patient ID: P448291", "medical record number"),
        ("call +44 20 7946 0958", "phone number"),
        ("(555) 867-5309", "phone number"),
    ],
)
def test_each_kind_is_found_where_it_stands(text: str, kind: str) -> None:
    (found,) = find(text)
    assert found.kind == kind
    assert redacted_text(text) == text[: found.start] + f"[{kind}]" + text[found.end :]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "GB82 WEST 1234 5698 7654 33",
        "943 476 5918 units",
        "NPI: 1234567894",
        "DEA number AB1234564",
        "Revenue was 88,815 in 2025, 4,560 before, 2021 2020 2019 in a row, 2022 2021 2022 2021.",
        "1190 20892-1190, born in Brno, order 12345678, version 2.10.3.114, 2026-11-28T10:00",
        "2020 2019 2018 2017 2016",
        "EBIT 449 96 (39) 505 387, notes due 2021-2031 191, (483) 479 498",
        "clause 3.2.1 of 12-34, page 100-200",
    ],
)
def test_what_fails_its_checksum_or_is_a_figure_is_not_found(text: str) -> None:
    assert kinds(text) == set()


def test_checksums() -> None:
    assert (luhn("4111 1111 1111 1111"), luhn("0000 0000 0000 0000")) == (True, False)
    assert (iban("DE89370400440532013000"), iban("DE89370400440532013001")) == (True, False)
    assert (nhs("9434765919"), nhs("9434765918")) == (True, False)
    assert (npi("1234567893"), npi("1234567890")) == (True, False)
    assert (dea("AB1234563"), dea("AB1234560")) == (True, False)


def test_redacted_pages_keep_their_blocks_and_headers() -> None:
    text = f"Contact {MAIL}\n| who | {MAIL} |\nEnd of it."
    ends = [0, text.index("\n"), text.index("\nEnd"), len(text)]
    header = f"| who | {MAIL} |"
    blocks = tuple(
        Block("paragraph", start + bool(start), end, 0, header if n == 1 else "")
        for n, (start, end) in enumerate(pairwise(ends))
    )
    page = redacted(ParsedDocument(MAIL, "text/plain", (Page(1, "", text, blocks),), notes=(MAIL,))).pages[0]
    said = [page.text[block.start : block.end] for block in page.blocks]
    assert said == ["Contact [e-mail address]", "| who | [e-mail address] |", "End of it."]
    assert page.blocks[1].header == "| who | [e-mail address] |"


def test_redacting_twice_changes_nothing() -> None:
    once = redacted_text(LETTER)
    assert redacted_text(once) == once
    assert kinds(once) == set()


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "w")) as opened:
        yield opened


def corpus(ws: Workspace, policy: str) -> int:
    ws.domains.add(replace(domain("legal"), name="mine", title="Mine", sample_corpus="", personal=policy))
    return intake.create_corpus(ws, "Letters", "mine").id


def added(ws: Workspace, corpus_id: int, name: str = "letter.md", content: str = LETTER) -> int:
    intake.add_files(ws, corpus_id, [(name, content.encode())])
    ws.dispatcher.run_one()
    return ws.corpora.documents(corpus_id, search=name)[0].id


def holds(ws: Workspace, value: str | bytes) -> list[str]:
    """Files of the workspace in which a value stands; the log of writes is folded in first."""
    ws.database.compact_log()
    needle = value if isinstance(value, bytes) else value.encode()
    files = (path for path in ws.home.rglob("*") if path.is_file())
    return [path.relative_to(ws.home).as_posix() for path in files if needle in path.read_bytes()]


def test_warn_marks_the_places_and_counts_them_by_kind(ws: Workspace) -> None:
    document = ws.corpora.document(added(ws, corpus(ws, "warn")))
    assert document.status == "ready"
    assert flags.counted(document.flags) == {"personal": 3}
    (line,) = flags.told(document.flags)
    assert "1 IBAN, 1 card number, 1 e-mail address" in line
    assert CARD not in line
    page = ws.corpora.page(document.id, 1).text
    assert {page[flag["start"] : flag["end"]] for flag in document.flags} == {CARD, MAIL, IBAN}


def test_redact_replaces_values_and_keeps_no_original(ws: Workspace) -> None:
    corpus_id = corpus(ws, "redact")
    document = ws.corpora.document(added(ws, corpus_id))
    assert document.status == "ready"
    assert document.original_removed
    assert not has_pictures(replace(document, media_type="application/pdf"))
    text = ws.corpora.page(document.id, 1).text
    assert "card [card number] by [e-mail address]" in text
    assert any("no original is kept" in note for note in document.notes)
    assert ws.retriever.search(corpus_id, "refunds to which account?", 1)[0].text.count("[IBAN]") == 1
    assert [holds(ws, value) for value in (CARD, MAIL, IBAN)] == [[], [], []]
    assert next(each for each in examine(ws) if each.what == "Uploads").state == "healthy"


def test_the_same_file_once_more_is_unchanged_and_leaves_no_original_either(ws: Workspace) -> None:
    corpus_id = corpus(ws, "redact")
    added(ws, corpus_id)
    assert len(intake.add_files(ws, corpus_id, [("letter.md", LETTER.encode())]).unchanged) == 1
    assert len(intake.add_files(ws, corpus_id, [("copy.md", LETTER.encode())]).duplicates) == 1
    assert holds(ws, CARD) == []


def test_a_title_that_came_with_a_line_is_redacted_too(ws: Workspace) -> None:
    corpus_id = corpus(ws, "redact")
    line = f'{{"id": "a", "title": "Mail of {MAIL}", "text": "Nothing else is said here."}}\n'
    intake.add_files(ws, corpus_id, [("corpus.jsonl", line.encode())])
    ws.dispatcher.run_one()
    assert ws.corpora.documents(corpus_id)[0].title == "Mail of [e-mail address]"
    assert holds(ws, MAIL) == []


def test_a_file_that_a_kill_left_goes_at_the_next_start(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(ws.documents, "forget_originals", lambda: None)
        document = ws.corpora.document(added(ws, corpus(ws, "redact")))
    assert (document.original_removed, document.content_sha256) == (True, SHA256)
    assert ws.files.exists(SHA256)
    from core.repair import after_start

    after_start(ws)
    assert not ws.files.exists(SHA256)
    assert holds(ws, SHA256) == []


@pytest.mark.parametrize("policy", ["redact", "refuse"])
def test_nothing_is_left_that_the_original_could_be_guessed_by(ws: Workspace, tmp_path: Path, policy: str) -> None:
    """A plain hash gives a missing number back to whoever tries all of them."""
    added(ws, corpus(ws, policy))
    assert [holds(ws, SHA256), holds(ws, bytes.fromhex(SHA256))] == [[], []]
    assert holds(ws, recognising.KEY) == [], "nor of the key by which it is known again"
    made = backup.write(ws, tmp_path / "backup.zip")
    with zipfile.ZipFile(made.file) as packed:
        assert not any(SHA256.encode() in packed.read(name) for name in packed.namelist())


def test_another_process_reads_the_same_file_once_more_and_leaves_as_little(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus_id = corpus(ws, "redact")
    added(ws, corpus_id)
    monkeypatch.setattr(recognising, "KEY", b"another")
    assert len(intake.add_files(ws, corpus_id, [("letter.md", LETTER.encode())]).replaced) == 1
    ws.dispatcher.run_one()
    (document,) = ws.corpora.documents(corpus_id)
    assert (document.status, document.original_removed) == ("ready", True)
    assert [holds(ws, value) for value in (CARD, SHA256)] == [[], []]


def test_refuse_ends_the_document_with_kinds_and_counts_and_removes_its_file(ws: Workspace) -> None:
    corpus_id = corpus(ws, "refuse")
    document = ws.corpora.document(added(ws, corpus_id))
    assert document.status == "failed"
    assert "1 IBAN, 1 card number, 1 e-mail address" in document.error
    assert [holds(ws, value) for value in (CARD, MAIL, IBAN)] == [[], [], []]
    intake.retry(ws, document.id)
    ws.dispatcher.run_one()
    again = ws.corpora.document(document.id)
    assert (again.status, again.remedy) == ("failed", "Add it again from its source.")
    clean = ws.corpora.document(added(ws, corpus_id, "clean.md", "# Clean\n\nNothing of that kind.\n"))
    assert clean.status == "ready"


def word(header: str = "", hidden: str = "", comment: str = "") -> bytes:
    made = Document()
    paragraph = made.add_paragraph("Nothing is said of anybody here.")
    paragraph.add_run(hidden).font.hidden = True
    if comment:
        made.add_comment(paragraph.runs, comment, author="reviewer")
    made.sections[0].header.paragraphs[0].text = header
    made.save(file := io.BytesIO())
    return file.getvalue()


def pdf(header: str) -> bytes:
    canvas = Canvas(file := io.BytesIO(), invariant=True)
    for number in range(1, 6):
        canvas.drawString(50, 810, header)
        canvas.drawString(50, 600, f"Clause {'ABCDE'[number - 1]} says something of its own here.")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


RECORD = "Patient ID: P448291"
BESIDE = [
    ("header.docx", lambda: word(header=RECORD), "P448291", "medical record number"),
    ("long.docx", lambda: word(header=f"{'Ward of the clinic ' * 20}{RECORD}"), "P448291", "medical record number"),
    ("hidden.docx", lambda: word(hidden=f"{'Not for print. ' * 40}{RECORD}"), "P448291", "medical record number"),
    ("comment.docx", lambda: word(comment=RECORD), "P448291", "medical record number"),
    ("header.pdf", lambda: pdf(RECORD), "P448291", "medical record number"),
    ("number.pdf", lambda: pdf("123-45-6789"), "123-45-6789", "social security number"),
]


@pytest.mark.parametrize(("name", "content", "value", "kind"), BESIDE, ids=[each[0] for each in BESIDE])
def test_what_stands_in_headers_and_hidden_text_alone_is_marked_replaced_or_refused(
    ws: Workspace, name: str, content: Callable[[], bytes], value: str, kind: str
) -> None:
    said = {}
    for policy in ("warn", "redact", "refuse"):
        ws.domains.add(replace(domain("legal"), name=policy, title=policy, sample_corpus="", personal=policy))
        corpus_id = intake.create_corpus(ws, policy, policy).id
        intake.add_files(ws, corpus_id, [(name, content())])
        ws.dispatcher.run_one()
        (said[policy],) = ws.corpora.documents(corpus_id)
        if policy == "warn":
            assert value not in ws.corpora.page(said[policy].id, 1).text
            assert flags.told(said[policy].flags) == [
                f"its title, page headers or text that was left out: seems to hold personal data (1 {kind})"
            ]
            intake.delete_corpus(ws, corpus_id)
    assert said["redact"].original_removed
    assert not has_pictures(said["redact"])
    assert any(f"[{kind}]" in each["what"] for each in said["redact"].dropped) or name in ("long.docx", "hidden.docx")
    assert (said["refuse"].status, f"1 {kind}" in said["refuse"].error) == ("failed", True)
    assert holds(ws, value) == []


def test_what_is_said_twice_is_counted_once_beside_the_text() -> None:
    row = "| Patient ID: P448291 | fee |"
    page = Page(1, "Sheet of jana@example.org", f"{row}\n| 1 | 2 |", (Block("table_row", 30, 39, header=row),))
    document = ParsedDocument("Fees", "x", (page,), (Dropped(1, "NPI: 1234567893", "x"),) * 2, ("DOB 03/04/1961",))
    assert told(counted(document)) == "1 NPI number, 1 date of birth, 1 e-mail address, 1 medical record number"
    assert counted(redacted(document)) == {}


def test_off_does_not_look(ws: Workspace) -> None:
    document = ws.corpora.document(added(ws, corpus(ws, "off")))
    assert (document.status, document.flags) == ("ready", [])


def test_redaction_and_refusal_stand_in_the_audit_log(ws: Workspace) -> None:
    document = added(ws, corpus(ws, "redact"))
    told_of = [(row.action, row.subject_id, row.through) for row in ws.audit.newest(1)]
    assert told_of == [("redacted", document, "job")]


def test_a_domain_file_says_its_policy_and_older_ones_warn() -> None:
    text = written.write(replace(domain("legal"), name="mine", personal="redact"))
    assert written.read(text).personal == "redact"
    without = "\n".join(line for line in text.splitlines() if not line.startswith("personal"))
    assert written.read(without).personal == "warn"
    with pytest.raises(BadInput, match="'personal' must be one of warn, redact, refuse, off"):
        written.read(text.replace('personal = "redact"', 'personal = "ignore"'))


def test_counts_are_told_in_words() -> None:
    assert told({"e-mail address": 2, "date of birth": 1}) == "1 date of birth, 2 e-mail addresses"
