"""What a backup is: one zip whose last member, the manifest, names every other with its sha256.

    triptych.db                rows: corpora, documents, chunks with their vectors, conversations, examples, gold
                               questions, evaluations, adapters with their recipes, settings, the audit log
    files/ab/abcdef...         uploads by content
    adapters/<folder>/...      what was learned, with its run; not the merged GGUF and not the exports
    secret.key                 only when asked for: with it, stored keys of endpoints can be read
    manifest.json              format, version, schema revision, sha256 and size of every member

Left out because it is made again from these: Chroma's folder, pictures of pages, converted and merged base models.
Base models that stand elsewhere on the disk are named by rows and stay where they are.
"""

import json
import re
import zipfile
from dataclasses import asdict, dataclass, field
from typing import Any

from core import zips
from core.errors import BadInput
from core.finetuning.serving import MERGED
from core.generation.checking import PICKLES

FORMAT = 1
MANIFEST = "manifest.json"
ROWS = "triptych.db"
BLOCK = 1 << 20
LONGEST = 256 << 20
"""Bytes of a manifest: about a million members."""
MEMBER = re.compile(
    r"triptych\.db|secret\.key|files/[0-9a-f]{2}/[0-9a-f]{64}"
    r"|adapters/(?:[0-9]+|(?:imported|served)-[a-z0-9_]+)(?:/[A-Za-z0-9_-][A-Za-z0-9_. -]*)+"
)
DERIVED = ("exports", MERGED, "lock")
"""Names in an adapter's folder that are left out."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`members` maps names to sha256 and size in bytes; `missing` are uploads that rows name and the disk lacked."""

    made_at: str
    triptych: str
    schema: str
    members: dict[str, dict[str, Any]]
    missing: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Of all members together, unpacked."""
        return sum(int(member["bytes"]) for member in self.members.values())

    def json(self) -> bytes:
        """As it stands in the zip."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def manifest_of(packed: zipfile.ZipFile) -> Manifest:
    """Read a backup's manifest and hold it against the zip's own list.

    Raises:
        BadInput: there is none, it is of another format, or the zip holds a name, size or number of members that it
            should not.
    """
    names = [info.filename for info in packed.infolist()]
    if MANIFEST not in names or packed.getinfo(MANIFEST).file_size > LONGEST:
        raise BadInput("This file is not a backup of Triptych, or not a whole one.", "Choose another one.")
    try:
        manifest = Manifest(**json.loads(b"".join(zips.blocks(packed, MANIFEST))))
        declared = {name: int(member["bytes"]) for name, member in manifest.members.items()}
        _typed(manifest)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
        raise BadInput("The manifest of this backup cannot be read.", "Choose another backup.") from error
    if manifest.format != FORMAT:
        raise BadInput(f"This backup is of format {manifest.format}.", "Restore it with the Triptych that made it.")
    found = {info.filename: info.file_size for info in packed.infolist() if info.filename != MANIFEST}
    if len(names) != len(found) + 1 or found != declared or ROWS not in declared:
        raise BadInput("What this backup holds is not what its manifest names.", "Choose another backup.")
    if wrong := [name for name in found if not MEMBER.fullmatch(name) or name.lower().endswith(PICKLES)]:
        raise BadInput(f"This backup holds a name that no backup has: {wrong[0][:80]!r}.", "Do not trust it.")
    if wrong := [name for name in found if name.startswith("files/") and not _named_by_content(name, manifest)]:
        raise BadInput(f"This backup holds an upload under another's name: {wrong[0]!r}.", "Do not trust it.")
    return manifest


def _typed(manifest: Manifest) -> None:
    """Raises TypeError or KeyError where a manifest from elsewhere has no text in a text's place."""
    hashes = [member["sha256"] for member in manifest.members.values()]
    texts = (manifest.made_at, manifest.triptych, manifest.schema, *manifest.missing, *hashes)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text was expected")


def _named_by_content(name: str, manifest: Manifest) -> bool:
    """Whether an upload is called by its sha256, as everything that looks for it takes for granted."""
    _, folder, sha256 = name.split("/")
    return folder == sha256[:2] and sha256 == manifest.members[name].get("sha256")
