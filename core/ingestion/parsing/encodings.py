"""Bytes to text: byte-order marks, declared encodings, UTF-8, then the detector's best guess. Never fails."""

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_\-:.]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_\-:.]{2,40})["']""")
_SAMPLE = 64 * 1024
_ACCENTED = "àâäáãåæçéèêëíìîïñóòôöõøœúùûüßÀÂÄÁÅÆÇÉÈÊËÍÎÑÓÖÔØŒÚÜ«»‘’“”–—…€£§°·©®™\xa0".encode("cp1252")


def decode(data: bytes, declared: str = "") -> str:
    """The bytes as text. `declared` is an encoding named from outside (an e-mail header), tried after the marks."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    wide = _wide_without_mark(data)
    for encoding in (wide, declared, _named_inside(data)):
        text = _strictly(data, encoding)
        if text is not None:
            return text
    text = _strictly(data, "utf-8")
    return text if text is not None else _guessed(data)


def _named_inside(data: bytes) -> str:
    match = _XML.search(data[:1024]) or _META.search(data[:4096])
    return match.group(1).decode("ascii") if match else ""


def _strictly(data: bytes, encoding: str) -> str | None:
    """Decoded without errors, or None. A page's `iso-8859-1` means windows-1252 on the web."""
    if not encoding:
        return None
    if encoding.lower() in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"):
        encoding = "utf-8" if _is_utf8(data) else "windows-1252"
    if encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32")) and b"\x00" not in data[:200]:
        return None  # said in bytes that could be read, so it cannot be true
    try:
        codec = codecs.lookup(encoding)
        return data.decode(codec.name) if codec._is_text_encoding else None
    except (LookupError, ValueError):
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide_without_mark(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark: half or more of the bytes of plain text are NUL, always in the same places."""
    sample = data[:4096]
    if len(sample) < 8 or sample.count(0) < 0.3 * len(sample):
        return ""
    zeros = [sample[k::4].count(0) / max(1, len(sample[k::4])) for k in range(4)]
    if min(zeros[1:]) > 0.9 and zeros[0] < 0.5:
        return "utf-32-le"
    if min(zeros[:3]) > 0.9 and zeros[3] < 0.5:
        return "utf-32-be"
    if min(zeros[1], zeros[3]) > 0.7 and max(zeros[0], zeros[2]) < 0.3:
        return "utf-16-le"
    return "utf-16-be" if min(zeros[0], zeros[2]) > 0.7 and max(zeros[1], zeros[3]) < 0.3 else ""


def _guessed(data: bytes) -> str:
    """UTF-8 with few broken bytes stays UTF-8; else the detector decides on a sample; else windows-1252."""
    loose = data.decode("utf-8", "replace")
    broken = loose.count("\ufffd")
    high = sum(1 for byte in data[:_SAMPLE] if byte >= 0x80)
    if broken and broken < 0.2 * max(1, high):
        return loose
    if _is_western(data[:_SAMPLE]):
        return data.decode("windows-1252", "replace")
    best = from_bytes(data[:_SAMPLE]).best()
    encoding = best.encoding if best is not None else "windows-1252"
    return data.decode(encoding, "replace")


def _is_western(data: bytes) -> bool:
    """Latin letters with a few accents among them: the detector takes such text for code pages of the DOS age."""
    letters = sum(1 for byte in data if byte >= 0x80 or 65 <= byte <= 90 or 97 <= byte <= 122)
    high = [byte for byte in data if byte >= 0x80]
    usual = sum(1 for byte in high if bytes([byte]) in _ACCENTED)
    return 0 < len(high) < 0.15 * letters and usual >= 0.95 * len(high)
