"""A zip with one wrong bit, whichever it is, is read or refused by one error."""

import struct
import zipfile
from pathlib import Path

import psutil
import pytest

from core import zips
from core.ingestion.parsing.kinds import kind_of

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


def empty_entries(file: Path, count: int, *, zip64: bool = False) -> Path:
    """A zip of so many entries of no bytes, all called `a`: 47 bytes each, which become 300 in memory."""
    one = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    size, number = len(one) * count, min(count, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, size, len(local), 0)
    if zip64:
        begin = len(local) + size
        end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, len(local))
        end += struct.pack("<4sLQL", b"PK\x06\x07", 0, begin, 1)
        end += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    with file.open("wb") as made:
        made.write(local)
        for done in range(0, count, 10_000):
            made.write(one * min(10_000, count - done))
        made.write(end)
    return file


@pytest.mark.parametrize("zip64", [False, True])
def test_a_list_that_is_too_long_is_refused_before_any_of_it_is_read(zip64: bool, tmp_path: Path) -> None:
    few = empty_entries(tmp_path / "few.zip", 1000, zip64=zip64)
    with zips.opened(few) as archive:
        assert len(archive.namelist()) == 1000
    with pytest.raises(zips.LongList), zips.opened(few, list_at_most=47 * 1000 - 1):
        pass
    many = empty_entries(tmp_path / "many.zip", 1_000_000, zip64=zip64)
    before = psutil.Process().memory_info().rss
    with pytest.raises(zips.LongList, match="longer than 8 MB"):
        zips.opened(many)
    assert kind_of(many, "many.zip") == "zip"
    assert psutil.Process().memory_info().rss - before < 10 << 20


def test_members_may_be_longer_than_the_list(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("long.txt", bytes(3000))
    with zips.opened(tmp_path / "a.zip", list_at_most=1000) as archive:
        assert b"".join(zips.blocks(archive, "long.txt")) == bytes(3000)
