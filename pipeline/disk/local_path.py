"""Paths as users give them: what is a URL is no path, though the system would make a directory of its name."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.errors import UsageError

# Of two letters at least: one is a drive. A Path has lost one of the slashes.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_URL_AS_PATH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/|$)")


def local_path(given: str | Path) -> Path:
    """Take a path, of a source or of a destination, as a user gives it.

    Raises:
        UsageError: it is a URL; nothing but local files is read and written. Or it holds a NUL.
    """
    text = str(given)
    if "\0" in text:
        raise UsageError(f"{text!r}: holds a NUL, which no path has")
    found = _URL_AS_PATH.match(text) if isinstance(given, Path) else _URL.match(text)
    if found is None:
        path = Path(given)
        # `./s3:/a` loses its dot, and readers would take the rest for a URL.
        return path.absolute() if _URL_AS_PATH.match(str(path)) else path
    if found[1].lower() == "file":
        raise UsageError(f"{text}: is a URL; give the path, {unquote(urlsplit(text).path)}")
    raise UsageError(
        f"{text}: is a URL, and only local files are read and written; give a local path, and copy with a tool of "
        f"{found[1]} (what has such a name here is ./{text})"
    )
