"""The layout of a package on disk: what lies in it beside the files of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DESCRIPTOR = "datapackage.json"
MANIFEST = "SHA256SUMS"
FORMAT_VERSION = 1
SIGNATURES = (".sig", ".asc", ".tsr")


def manifest(sums: Mapping[str, str]) -> str:
    """Make SHA256SUMS, as `sha256sum` writes it, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
