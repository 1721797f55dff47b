"""An Office file as what it is: a ZIP of XML parts. Opens parts by name or relationship, within limits.

Names are compared without namespaces, so that strict and transitional files are read alike. Sizes stated in the
ZIP are never believed: bytes are counted while they inflate.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import unquote

from lxml import etree

from core import zips
from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsing.xml import safe_parser

_CHUNK = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Relation(NamedTuple):
    """A link from one part to another; `kind` is the last word of its type ("slide", "styles")."""

    kind: str
    target: str
    external: bool


class Package:
    """The parts of one Office file. A context manager."""

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self._name, self._limits, self._spent = name, limits, 0
        refuse_old_or_locked(path, name)
        try:
            self._zip = zips.opened(path)
        except zipfile.BadZipFile as error:
            raise self.broken() from error
        infos = self._zip.infolist()
        if len(infos) > limits.entries:
            raise UnreadableFile(f"{name} has {len(infos):,} parts, too many to be a document.", "Save it again.")
        self._parts = {_key(info.filename): info for info in reversed(infos)}

    def __enter__(self) -> "Package":
        """For `with`: closed at its end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self._zip.close()

    def broken(self) -> UnreadableFile:
        """The error for a file that breaks the rules of its format."""
        return UnreadableFile(
            f"{self._name} is damaged and could not be read.", "Open and save it in Office, then retry."
        )

    def names(self) -> list[str]:
        """Every part's name."""
        return [info.filename for info in self._parts.values()]

    def has(self, part: str) -> bool:
        """Whether a part of that name is there."""
        return _key(part) in self._parts

    def read(self, part: str) -> bytes:
        """A part's bytes. Raises `UnreadableFile` when they are damaged or too many."""
        info = self._parts.get(_key(part))
        if info is None:
            raise self.broken()
        content = bytearray()
        try:
            for chunk in zips.blocks(self._zip, info, _CHUNK):
                content += chunk
                self._spend(len(chunk), len(content), info)
        except zipfile.BadZipFile as error:
            raise self.broken() from error
        return bytes(content)

    def _spend(self, size: int, inflated: int, info: zipfile.ZipInfo) -> None:
        self._spent += size
        over = inflated > self._limits.ratio_from and inflated > self._limits.ratio * max(1, info.compress_size)
        if over or inflated > self._limits.entry or self._spent > self._limits.unpacked:
            raise UnreadableFile(
                f"{self._name} inflates to more than a document may.", "Save a smaller copy and retry."
            )

    def xml(self, part: str) -> etree._Element:
        """A part's root element. Raises `UnreadableFile` when it is not well-formed."""
        try:
            return etree.fromstring(self.read(part), safe_parser())
        except (etree.XMLSyntaxError, ValueError) as error:
            raise self.broken() from error

    def optional(self, part: str) -> etree._Element | None:
        """A part that may be missing or damaged without harm to the rest."""
        try:
            return self.xml(part) if self.has(part) else None
        except UnreadableFile:
            return None

    def relations(self, part: str) -> dict[str, Relation]:
        """The links of a part by their id. `part` "" is the package itself."""
        folder, base = posixpath.split(part)
        root = self.optional(posixpath.join(folder, "_rels", f"{base}.rels"))
        found: dict[str, Relation] = {}
        for element in root if root is not None else ():
            target, kind = unquote(element.get("Target", "")), element.get("Type", "").rstrip("/").split("/")[-1]
            external = element.get("TargetMode", "").lower() == "external"
            if not external:
                target = posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/")
            found[element.get("Id", "")] = Relation(kind, target, external)
        return found

    def main(self, fallback: str) -> str:
        """The name of the document's main part."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and self.has(relation.target):
                return relation.target
        if self.has(fallback):
            return fallback
        raise self.broken()

    def title(self) -> str:
        """The title in the document's properties, "" when there is none."""
        for relation in self.relations("").values():
            if relation.kind == "core-properties":
                root = self.optional(relation.target)
                titles = (e.text or "" for e in (root if root is not None else ()) if local(e) == "title")
                return next(titles, "").strip()
        return ""


def refuse_old_or_locked(path: Path, name: str) -> None:
    """Raises `UnreadableFile` for the OLE container: an encrypted file, or Office's format before 2007."""
    with path.open("rb") as file:
        head = file.read(8)
        if head != _OLE:
            return
        rest = file.read(16 * 1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in rest or "EncryptionInfo".encode("utf-16-le") in rest:
        raise UnreadableFile(f"{name} is password-protected.", "Remove the password and add it again.")
    raise UnreadableFile(f"{name} is in the Office format from before 2007.", "Save it as .docx, .pptx or .xlsx.")


def _key(part: str) -> str:
    return unquote(part).replace("\\", "/").lstrip("/").lower()


def local(element: etree._Element) -> str:
    """The element's name without its namespace; "" for comments and entities."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """The attribute's value, whatever its namespace; "" when it is absent."""
    if name in element.attrib:
        return str(element.attrib[name])
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}" + name)), "")


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """Direct children of that local name."""
    return (child for child in (element if element is not None else ()) if local(child) == name)


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The element found by going down through the first child of each name; None when one is missing."""
    for name in names:
        element = next(children(element, name), None)
    return element


def value(element: etree._Element | None, *names: str) -> str:
    """The `val` attribute of the element found by going down `names`; "" when there is none."""
    found = child(element, *names)
    return attribute(found, "val") if found is not None else ""
