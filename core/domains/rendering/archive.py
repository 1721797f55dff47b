"""Make an Office file the same on every run: fixed times in its ZIP entries and in its properties."""

import re
import zipfile
from datetime import datetime
from io import BytesIO

FIXED = datetime(2026, 1, 1)
STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</)")


def repack(office_file: bytes) -> bytes:
    """The same entries in the same order, dated FIXED; the written and the changed date too."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(office_file)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = STAMP.sub(rb"\g<1>" + FIXED.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + rb"\g<3>", content)
            entry = zipfile.ZipInfo(name, FIXED.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, content)
    return out.getvalue()
