"""What becomes of one document's reading when it fails: the file's fault is told, the disk's is not the file's."""

import errno
from dataclasses import fields
from typing import Any

import pytest

from core.domains import domain
from core.errors import NoRoom, UnreadableFile
from core.ingestion.parsed import ParsedDocument
from core.ingestion.reading import read
from storage.rows import DocumentRow

DOCUMENT = DocumentRow(**{each.name: 1 for each in fields(DocumentRow)} | {"status": "queued", "title": ""})  # type: ignore[arg-type]


def failing(error: Exception) -> Any:
    def parse(_: DocumentRow) -> ParsedDocument:
        raise error

    return parse


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
        RuntimeError("database or disk is full"),
        NoRoom("There is no room."),
    ],
)
def test_a_disk_that_fails_while_a_document_is_read_is_no_fault_of_the_document(error: Exception) -> None:
    """It failed for good as "a defect of ours"; now the job waits for the disk and reads it then."""
    with pytest.raises(type(error)):
        read(DOCUMENT, failing(error), domain("legal"))


def test_a_file_that_cannot_be_read_and_a_defect_are_told_with_the_document() -> None:
    unreadable = read(DOCUMENT, failing(UnreadableFile("It is broken.")), domain("legal")).failure
    assert unreadable is not None
    assert unreadable.message == "It is broken."
    defect = read(DOCUMENT, failing(KeyError("secret words")), domain("legal")).failure
    assert defect is not None
    assert "defect of ours" in defect.message


def test_a_file_that_was_deleted_while_it_waited_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    gone = read(DOCUMENT, failing(FileNotFoundError(errno.ENOENT, "No such file")), domain("legal")).failure
    assert gone is not None
    assert (gone.message, gone.remedy) == ("The uploaded file is not there any more.", "Add it again.")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
