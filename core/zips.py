"""Opens and reads zips from anywhere: what is wrong with one is told by one error, BadZipFile, whatever is wrong.

Python's zipfile promises no more, but passes on what its unpackers and its own arithmetic run into: one flipped bit
can name another way of packing, an offset before the file or after the end of numbers, or a name in no encoding.
It also reads the whole list of members at once, of which each takes seven times the memory that it takes in the file:
a list that is too long is refused before it is read.
"""

import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # bz2 says so of a stream that is not its own; so does a seek to before the file
    EOFError,
    struct.error,
    ValueError,
    OverflowError,
    LookupError,
    RuntimeError,  # a password is asked for; NotImplementedError is one of these
)


LIST_AT_MOST = 8 << 20
"""Bytes of a zip's list; ten thousand files with long names need 2 MB."""


class LongList(zipfile.BadZipFile):
    """The list of members is longer than it may be; the message says so."""


class _Source(io.BufferedReader):
    """A file of which no more than `at_once` bytes can be read in one call, where that is set."""

    at_once: int | None = None

    def __init__(self, file: Path) -> None:
        super().__init__(io.FileIO(file))

    def read(self, size: int | None = -1, /) -> bytes:
        if self.at_once is not None:
            left = os.fstat(self.fileno()).st_size - self.tell()
            if (left if size is None or size < 0 else min(size, left)) > self.at_once:
                raise LongList(f"the list of its files alone is longer than {self.at_once >> 20} MB")
        return super().read(size)


class _Zip(zipfile.ZipFile):
    """What Python takes for the list's length, it reads in one call: no second reading of the end record can differ."""

    def __init__(self, source: _Source, list_at_most: int) -> None:
        self._source = source
        source.at_once = list_at_most
        super().__init__(source)
        source.at_once = None

    def close(self) -> None:
        super().close()
        self._source.close()


def opened(file: Path, list_at_most: int = LIST_AT_MOST) -> zipfile.ZipFile:
    """The zip, with its list read; to be closed.

    Raises:
        LongList: its list has more than `list_at_most` bytes; none of it was read.
        BadZipFile: it cannot be read, also where the file is not there.
    """
    try:
        return _Zip(_Source(file), list_at_most)  # closed with the zip, also where it cannot be made
    except LongList:
        raise
    except _DAMAGED as error:
        raise zipfile.BadZipFile(str(error)) from error


def blocks(packed: zipfile.ZipFile, member: str | zipfile.ZipInfo, size: int = 1 << 20) -> Iterator[bytes]:
    """A member's bytes, up to `size` at a time, as they are unpacked: what its list says of their number is not asked.

    Raises:
        BadZipFile: it is damaged, asks for a password, or is packed in a way that is not known, which is then its
            cause (NotImplementedError). What whoever takes the blocks raises is not touched.
    """
    try:
        with packed.open(member) as stream:
            while block := stream.read(size):
                yield block
    except _DAMAGED as error:
        raise zipfile.BadZipFile(str(error)) from error
