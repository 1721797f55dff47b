"""What a source's documents are called, and which files of a folder are nobody's documents. Pure."""

import re
from urllib.parse import urlsplit

from core.errors import BadInput
from core.ingestion.naming import clean_name
from storage.rows import SourceRow

LONGEST_URL = 2000
_TEMPORARY = re.compile(
    r"^([.~]|__MACOSX$|thumbs\.db$|desktop\.ini$|\$recycle\.bin$)"
    r"|(~|\.(tmp|temp|part|partial|crdownload|download|swp|swx|swo|bak|lock))$",
    re.IGNORECASE,
)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or a program's temporary one: lock files of Office, half downloads."""
    return _TEMPORARY.search(name) is not None


def document_name(source: SourceRow, path: str) -> str:
    """What the document of a source's path is cited by: below the folder's name, or the address without its scheme."""
    if source.kind == "urls":
        return clean_name(path.partition("://")[2].rstrip("/"))
    return clean_name(f"{source.label}/{path}")


def clean_url(text: str) -> str:
    """An http(s) address in its plain form, without fragment.

    Raises:
        BadInput: it is none, or it holds a user name or password.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or port == 0 or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise BadInput(f"{url[:200]!r} is no web address.", "Give addresses that begin with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise BadInput("An address with a user name or password in it is not kept.", "Leave them out.")
    if len(url) > LONGEST_URL:
        raise BadInput(f"An address may have {LONGEST_URL:,} characters.", "Shorten it.")
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/", fragment="").geturl()
