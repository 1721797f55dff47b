"""Opens and reads zips from anywhere: what is wrong with one is told by one error, BadZipFile, whatever is wrong.

Python's zipfile promises no more, but passes on what its unpackers and its own arithmetic run into: one flipped bit
can name another way of packing, an offset before the file or after the end of numbers, or a name in no encoding.
"""

import lzma
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


def opened(file: Path) -> zipfile.ZipFile:
    """The zip, with its list read; to be closed. Raises BadZipFile, also where the file is not there."""
    try:
        return zipfile.ZipFile(file)
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
