"""A zip with one wrong bit, whichever it is, is read or refused by one error."""

import zipfile
from pathlib import Path

import pytest

from core import zips

WORDS = b"The notice period is thirty days. " * 3


def packed(file: Path, way: int) -> Path:
    with zipfile.ZipFile(file, "w", way) as archive:
        archive.writestr("notice.txt", WORDS)
    return file


@pytest.mark.parametrize("way", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whichever_bit_is_flipped_it_is_read_or_refused_by_one_error(way: int, tmp_path: Path) -> None:
    data = packed(tmp_path / "whole.zip", way).read_bytes()
    flipped, refused = tmp_path / "flipped.zip", 0
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(wrong)
        try:
            with zips.opened(flipped) as archive:
                for name in archive.namelist():
                    assert b"".join(zips.blocks(archive, name)) == WORDS
        except zipfile.BadZipFile:
            refused += 1
    assert refused > len(data)


def test_what_the_taker_of_blocks_raises_is_the_takers(tmp_path: Path) -> None:
    def taken(file: Path) -> None:
        with zips.opened(file) as archive:
            for _ in zips.blocks(archive, "notice.txt"):
                raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        taken(packed(tmp_path / "a.zip", zipfile.ZIP_DEFLATED))


def test_a_file_that_is_not_there_or_is_no_zip_is_refused_alike(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(WORDS)
    for name in ("letter.txt", "nowhere.zip"):
        with pytest.raises(zipfile.BadZipFile):
            zips.opened(tmp_path / name)
