"""Files of questions in, files of results out: one JSON object a line."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a questions file."""

    id: str
    text: str


def read_questions(path: Path) -> list[Question]:
    """All questions of a file.

    Raises:
        BadInput: the file cannot be read, or a line is no JSON with `id` and `question`; the message names it.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read.", "Name a file with one JSON object a line.") from error
    return [_question(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _question(path: Path, number: int, line: str) -> Question:
    try:
        record = json.loads(line)
        return Question(str(record["id"]), str(record["question"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"Line {number} of {path} is no JSON object with id and question.", "Correct it.") from error


class Results:
    """A file of results that grows line by line and survives being interrupted.

    Attributes:
        done: ids of the results that are in it already.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; a last line that was torn off is taken out.

        Raises:
            BadInput: it cannot be written, or holds something else.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}.", "Choose another file.") from error
        self.done = {str(record["id"]) for record in self._whole(path)}

    def add(self, record: dict[str, Any]) -> None:
        """Add one result and have it on the disk."""
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done.add(str(record["id"]))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _whole(self, path: Path) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                break  # torn off: its question is asked again
            try:
                record = json.loads(line)
                record["id"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                message = f"Line {number} of {path} is no result of an earlier call."
                raise BadInput(message, "Choose another file.") from error
            whole += len(line)
            yield record
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)
