"""The package that an export publishes: its descriptor, its manifest, and whether a directory is one."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pipeline.disk.safe_names import file_name, time_range
from pipeline.disk.strict_json import read_json
from pipeline.errors import UsageError, suggest
from pipeline.model.columns import CORE_COLUMNS, type_name
from pipeline.model.dictionary import describe_column
from pipeline.writers.compression import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.tables.table_file import TableFile
    from pipeline.writers.formats import Format

DESCRIPTOR = "datapackage.json"
MANIFEST = "SHA256SUMS"
FORMAT_VERSION = 1
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
SIGNATURES = (".sig", ".asc", ".tsr")
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
_FIELD_TYPES = {"string": "string", "int64": "integer", "float64": "number", "bool": "boolean"}
_NANOSECONDS_PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z"
_DISTRIBUTION = "measurement-export-pipeline"


@dataclass(frozen=True)
class WrittenFile:
    """A file of a package, complete.

    Attributes:
        file: what was written.
        schema: the columns.
        format: its format.
        compression: around or inside it.
        bytes: its size.
        sha256: its hash, None where it was not computed.
    """

    file: TableFile
    schema: pa.Schema
    format: Format
    compression: str
    bytes: int
    sha256: str | None

    @property
    def extension(self) -> str:
        """End of its name, compression included."""
        return self.format.extension + (EXTENSIONS[self.compression] if self.format.is_text else "")


def name_files(written: Sequence[WrittenFile], unit: str) -> list[str]:
    """Name the files of a package; the parts of a table carry the time range of the whole table."""
    names = []
    for one in written:
        parts = [other.file for other in written if _series(other) == _series(one)]
        firsts = [part.content.first_timestamp for part in parts if part.content.first_timestamp is not None]
        lasts = [part.content.last_timestamp for part in parts if part.content.last_timestamp is not None]
        names.append(
            file_name(
                one.file.table,
                time_range(min(firsts, default=None), max(lasts, default=None), unit),
                one.file.scope,
                one.extension,
                window=one.file.window,
                part=one.file.part if len(parts) > 1 else None,
            )
        )
    return names


def _series(one: WrittenFile) -> tuple[str, str | None]:
    return one.file.table, one.file.scope


def describe_package(
    files: Mapping[str, WrittenFile],
    *,
    source: Mapping[str, Any],
    options: Mapping[str, Any],
    timestamp_unit: str,
    added: Mapping[str, Any],
    is_verified: bool,
) -> dict[str, Any]:
    """Make the descriptor, a Frictionless Data Package v2.

    Args:
        files: the files by name.
        source: name and fingerprint of the source.
        options: the options that shape the content.
        timestamp_unit: us or ns.
        added: what the user adds, such as title and licenses.
        is_verified: the package is published only after it was read back.
    """
    split = {name for name, one in files.items() if _part_count(one, files) > 1}
    slug = re.sub(r"[^a-z0-9._-]+", "-", str(source["name"]).lower()).strip("-._") or "measurements"
    return {
        "$schema": _PROFILE,
        "name": slug,
        **added,
        "created": _created().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pipeline:formatVersion": FORMAT_VERSION,
        **versions(),
        "pipeline:source": dict(source),
        "pipeline:options": dict(options),
        "pipeline:timestampUnit": timestamp_unit,
        "pipeline:verified": is_verified,
        "resources": [_resource(name, one, is_part=name in split) for name, one in files.items()],
    }


def versions() -> dict[str, Any]:
    """Versions of what makes a package, as properties of its descriptor."""
    return {
        "pipeline:program": {"name": _DISTRIBUTION, "version": metadata.version(_DISTRIBUTION)},
        "pipeline:engines": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("duckdb", "numpy", "pyarrow")},
        },
    }


def _created() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH {epoch!r} is no number of seconds since 1970") from error


def _part_count(one: WrittenFile, files: Mapping[str, WrittenFile]) -> int:
    return sum(_series(other) == _series(one) for other in files.values())


def _resource(name: str, one: WrittenFile, *, is_part: bool) -> dict[str, Any]:
    file, content = one.file, one.file.content
    suffix = f"_part-{file.part:04}" if is_part else ""
    resource: dict[str, Any] = {"name": file.resource_name + suffix, "path": name}
    schema = _table_schema(one)
    is_readable = one.format.name == "csv" or (one.format.name == "ndjson" and content.rows > 0)
    if is_readable and one.compression != "zstd":
        resource |= {"type": "table", "format": one.format.name, "mediatype": one.format.mediatype}
        resource["encoding"] = "utf-8"
        if one.compression == "gzip":
            resource["compression"] = "gz"
        resource["schema"] = schema
    else:
        # Readers of data packages that know neither the format nor the compression can check bytes and hash; an
        # NDJSON file without rows has no bytes, which they do not take for a table.
        resource |= {"format": "bin", "mediatype": one.format.mediatype, "pipeline:format": one.format.name}
        if one.format.is_text:
            resource["encoding"] = "utf-8"
        resource["pipeline:schema"] = schema
    resource["pipeline:compression"] = one.compression
    resource["bytes"] = one.bytes
    if one.sha256 is not None:
        resource["hash"] = f"sha256:{one.sha256}"
    resource["pipeline:table"] = file.table
    resource["pipeline:rowCount"] = content.rows
    if content.digest is not None:
        resource["pipeline:contentDigest"] = content.digest
    if file.table == "measurements":
        resource["pipeline:sessions"] = content.describe_sessions()
    return resource


def _table_schema(one: WrittenFile) -> dict[str, Any]:
    table = one.file.table
    schema: dict[str, Any] = {"fields": [_field(table, field) for field in one.schema]}
    nullable_key = any(name == "unit" or name not in CORE_COLUMNS for name in one.file.key)
    if one.file.key:
        schema["pipeline:key" if nullable_key and table == "statistics" else "primaryKey"] = list(one.file.key)
    if table != "sessions" and "session_id" in one.schema.names:
        reference = {"resource": "sessions", "fields": ["session_id"]}
        schema["foreignKeys"] = [{"fields": ["session_id"], "reference": reference}]
    return schema


def _field(table: str, column: pa.Field) -> dict[str, Any]:
    kind = type_name(column.type)
    field: dict[str, Any] = {"name": column.name}
    if kind == "timestamp[ns]":
        # A datetime has microseconds to most readers; as text nothing is lost.
        field |= {"type": "string", "constraints": {"pattern": _NANOSECONDS_PATTERN}}
    else:
        field["type"] = "datetime" if kind == "timestamp[us]" else _FIELD_TYPES[kind]
    field["description"] = describe_column(table, column.name)
    field["pipeline:type"] = kind
    if kind == "float64" and (table == "statistics" or column.name == "value"):
        field["pipeline:unitColumn"] = "unit"
    if table != "statistics" and column.name in {"session_id", "sequence", "timestamp"}:
        field.setdefault("constraints", {})["required"] = True
    return field


def read_added_metadata(path: Path | None) -> dict[str, Any]:
    """Read what the user adds to the descriptor.

    Raises:
        UsageError: it is no JSON object, or sets what the export itself says.
    """
    if path is None:
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise UsageError(f"--package-metadata {path}: must hold a JSON object")
    for key in value:
        if key not in METADATA_KEYS:
            raise UsageError(
                f"--package-metadata {path}: cannot set {key!r}; {suggest(key, METADATA_KEYS, noun='keys')}"
            )
    return value


def manifest(sums: Mapping[str, str]) -> str:
    """Make SHA256SUMS, as `sha256sum` writes it, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
