"""How much one upload may cost, with the reason for each figure. Pure data; enforced by sandbox, parsing and unpack.

The figures are generous for real documents (the largest filing measured has 260 pages, 1.2 million
characters and takes 4 s) and small enough that the worst file costs a machine of 4 GB nothing but half a minute.
"""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Attributes:
    wall_s: seconds a file may take; half a minute is what a person waits before asking what is wrong.
    wall_s_per_mib: seconds added per MiB. Filings need 3 to 4 s of processor time per MiB, and the machine may be
        busy with other work: at 2 s/MiB a 260-page filing came close to its limit on an overloaded machine.
    wall_s_most: the ceiling of both together.
    memory: bytes of address space of a parsing child. The imports map about 0.4 GB; the largest real files
        measured need less than 0.5 GB more. Whoever reads the later half of a long PDF gets half of it.
    upload: bytes of one file; above it, it is refused before it is opened.
    unpacked: bytes that an Office file or ZIP may inflate to, counted while inflating (stated sizes are not believed).
    entry: bytes that one entry of an archive may inflate to.
    ratio: inflated to packed bytes of one archive entry, counted once more than `ratio_from` bytes came out. Office
        XML reaches 50 to 100, deflate ends at 1,032, so 250 refuses bombs and little else.
    ratio_from: see `ratio`; a small file may be as repetitive as it likes.
    entries: files inside one archive.
    pages: pages, slides or sheets; a bound volume has 1,500.
    characters: characters of text out; twenty times the longest filing measured.
    cells: table cells read from one workbook.
    pairs: bytes of a file of training pairs or gold questions, all of whose rows the server holds at once.
    rows: of such a file.
    values: in all of its rows together, those inside of others too; each costs about 0.1 kB.
    blocks: paragraphs, rows and headings out; each costs about 0.5 kB on the way to the database.
    result: bytes of the answer a child may send back (JSON, up to 4 bytes a character plus blocks).
    file: bytes of any file a child may write (its temp folder, unpacked entries).
    pixels: of one picture, before it is decoded; an A3 page at 400 dpi has 31 million.
    scan_s: seconds a page may take to be read by OCR. One takes 3 to 8 on an idle core and ten times that on a machine
        that is overloaded.
    scan_memory: bytes of address space of a child that reads by OCR; with its models it needs 1.6 GB.
    depth: how deep e-mails in e-mails are read.
    at_once: children that work at the same time; two cores are the smallest machine supported.
    """

    wall_s: float = 30.0
    wall_s_per_mib: float = 10.0
    wall_s_most: float = 300.0
    memory: int = 2048 * MIB
    upload: int = 200 * MIB
    unpacked: int = 1024 * MIB
    entry: int = 256 * MIB
    ratio: int = 250
    ratio_from: int = 8 * MIB
    entries: int = 10_000
    pages: int = 5_000
    characters: int = 25_000_000
    cells: int = 5_000_000
    pairs: int = 64 * MIB
    rows: int = 100_000
    values: int = 1_000_000
    blocks: int = 500_000
    result: int = 256 * MIB
    file: int = 256 * MIB
    pixels: int = 80_000_000
    scan_s: float = 120.0
    scan_memory: int = 3072 * MIB
    depth: int = 3
    at_once: int = 2

    def wall_for(self, size: int) -> float:
        """Seconds a file of `size` bytes may take."""
        return min(self.wall_s + self.wall_s_per_mib * size / MIB, max(self.wall_s, self.wall_s_most))
