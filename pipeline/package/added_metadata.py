"""What a user adds to a descriptor: title, licenses, contributors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import read_json
from pipeline.errors import UsageError, suggest

if TYPE_CHECKING:
    from pathlib import Path

METADATA_KEYS = (
    "title",
    "description",
    "homepage",
    "version",
    "keywords",
    "contributors",
    "sources",
    "licenses",
    "image",
)


def read_added_metadata(path: str | Path | None) -> dict[str, Any]:
    """Read what the user adds to the descriptor.

    Raises:
        UsageError: it is no JSON object, or sets what the export itself says.
    """
    if not path:
        return {}
    value = read_json(local_path(path), may_be_pipe=True)
    if not isinstance(value, dict):
        raise UsageError(f"--package-metadata {path}: must hold a JSON object")
    for key in value:
        if key not in METADATA_KEYS:
            raise UsageError(
                f"--package-metadata {path}: cannot set {key!r}; {suggest(key, METADATA_KEYS, noun='keys')}"
            )
    return value
