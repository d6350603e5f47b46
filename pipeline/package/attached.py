"""Files of a package that hold no table: verdicts on targets, a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

ATTACHED_KEY = "pipeline:attached"


class AttachedKind(NamedTuple):
    """What such a file is: name of its format, which ends its name, and its media type."""

    format: str
    mediatype: str


ATTACHED = {"verdicts": AttachedKind("json", "application/json"), "report": AttachedKind("html", "text/html")}
"""By the word that begins its name."""


@dataclass(frozen=True, kw_only=True)
class AttachedFile:
    """Such a file, written.

    Attributes:
        kind: a key of `ATTACHED`.
        name: of the file.
        bytes: its size.
        sha256: its hash, None where it was not computed.
    """

    kind: str
    name: str
    bytes: int
    sha256: str | None

    def describe(self) -> dict[str, Any]:
        """Describe it as a resource; readers of data packages check its bytes and hash."""
        known = ATTACHED[self.kind]
        resource: dict[str, Any] = {"name": self.kind, "path": self.name, "format": "bin", "mediatype": known.mediatype}
        resource |= {"pipeline:format": known.format, "encoding": "utf-8", "bytes": self.bytes}
        if self.sha256 is not None:
            resource["hash"] = f"sha256:{self.sha256}"
        return resource | {ATTACHED_KEY: self.kind}
