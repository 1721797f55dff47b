"""Every file of shared/hostile ends in text or one line, as its manifest expects, alone and inside a ZIP."""

import csv
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.sandbox import Sandbox

Row = dict[str, str]
ALLOWED = {
    "text": {"text"},
    "accept": {"text", "empty"},
    "reject": {"reject"},
    "either": {"text", "empty", "reject"},
}
# Where the manifest was set from a file's name and two mature readers see it differently: file -> (outcome, why).
EXCEPTIONS = {
    "text/zip/encrypt-aes256.zip": (
        "text",
        "zipfile and Info-ZIP both list a plain entry beside the encrypted one; the encrypted one is refused by name",
    ),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits()) as opened:
        yield opened


@pytest.fixture(scope="module")
def manifest(shared: Path) -> list[Row]:
    with (shared / "hostile" / "manifest.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _outcome(sandbox: Sandbox, path: Path, name: str, into: Path) -> tuple[str, str]:
    """text, empty or reject, and what was said about it."""
    try:
        if name.endswith(".zip"):
            entries = sandbox.unpack(path, into, name)
            reasons = "; ".join(entry.reason for entry in entries)
            refused = bool(entries) and all("password" in entry.reason for entry in entries)
            return ("text" if any(e.path for e in entries) else "reject" if refused else "empty"), reasons
        document = sandbox.parse(path, name)
    except UnreadableFile as error:
        return "reject", error.message
    text = any(page.text for page in document.pages)
    return ("text" if text else "empty"), "; ".join(document.notes)


def _all_outcomes(
    sandbox: Sandbox, files: list[tuple[Row, Path, str]], tmp_path: Path
) -> list[tuple[Row, str, str, str]]:
    def one(numbered: tuple[int, tuple[Row, Path, str]]) -> tuple[Row, str, str, str]:
        number, (row, path, name) = numbered
        return row, name, *_outcome(sandbox, path, name, tmp_path / str(number))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, enumerate(files)))


def test_every_hostile_file_ends_as_its_manifest_expects(
    sandbox: Sandbox, manifest: list[Row], shared: Path, tmp_path: Path
) -> None:
    files = [(row, shared / "hostile" / row["file"], Path(row["file"]).name) for row in manifest]
    wrong = []
    for row, name, outcome, said in _all_outcomes(sandbox, files, tmp_path):
        expected = {EXCEPTIONS[row["file"]][0]} if row["file"] in EXCEPTIONS else ALLOWED[row["expect"]]
        if outcome not in expected:
            wrong.append(f"{row['file']}: {row['expect']} expected, {outcome}: {said}")
        elif outcome != "text" and not (said or name.endswith(".zip")):
            wrong.append(f"{row['file']}: {outcome} without a word")
        elif "\n" in said:
            wrong.append(f"{row['file']}: more than one line")
    assert not wrong, "\n".join(wrong)


def test_json_files_renamed_to_jsonl_name_their_bad_line(
    sandbox: Sandbox, manifest: list[Row], shared: Path, tmp_path: Path
) -> None:
    rows = [row for row in manifest if row["file"].startswith("text/json/")]
    files = [(row, shared / "hostile" / row["file"], Path(row["file"]).name + "l") for row in rows]
    wrong = []
    for row, _, outcome, said in _all_outcomes(sandbox, files, tmp_path):
        valid = row["class"] == "json-valid"
        if (valid and outcome == "reject") or (outcome == "reject" and "line" not in said and "kind" not in said
                                               and "empty" not in said):  # fmt: skip
            wrong.append(f"{row['file']}: {outcome}: {said}")
    assert not wrong, "\n".join(wrong)


def test_hostile_files_in_a_zip_do_not_cost_the_good_files_beside_them(
    sandbox: Sandbox, manifest: list[Row], shared: Path, tmp_path: Path
) -> None:
    sample = [row for row in manifest if not row["file"].endswith(".zip")][::12]
    archive = tmp_path / "batch.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("first good.txt", "The notice period is 30 days.")
        for row in sample:
            packed.write(shared / "hostile" / row["file"], row["file"])
        packed.writestr("last good.md", "# Fees\n\nThe fee is 12 crowns.")
    entries = sandbox.unpack(archive, tmp_path / "out")
    assert len(entries) == len(sample) + 2
    assert all(entry.path is not None for entry in entries)
    by_name = {row["file"]: row for row in sample}
    for entry in entries:
        assert entry.path is not None
        outcome, said = _outcome(sandbox, entry.path, entry.name, tmp_path / "nested")
        if entry.name in by_name:
            assert outcome in ALLOWED[by_name[entry.name]["expect"]], f"{entry.name}: {said}"
        else:
            assert outcome == "text"


def test_no_external_entity_is_fetched_or_expanded(sandbox: Sandbox, manifest: list[Row], shared: Path) -> None:
    for row in manifest:
        if row["class"] in ("xxe", "bomb") and row["file"].endswith((".xml", ".docx", ".xlsx")):
            path = shared / "hostile" / row["file"]
            try:
                pages = sandbox.parse(path, path.name).pages
            except UnreadableFile:
                continue
            text = "".join(page.text for page in pages)
            assert "root:" not in text
            assert "[fonts]" not in text
            assert len(text) < 2_000_000
