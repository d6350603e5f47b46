"""The descriptor of a package, a Frictionless Data Package v2, as an export makes it."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.model.columns import CORE_COLUMNS, type_name
from pipeline.model.dictionary import describe_column
from pipeline.package.layout import FORMAT_VERSION
from pipeline.package.names import series

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from pipeline.package.written_file import WrittenFile

_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_FIELD_TYPES = {"string": "string", "int64": "integer", "float64": "number", "bool": "boolean"}
_NANOSECONDS_PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z"
_DISTRIBUTION = "measurement-export-pipeline"


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
    return sum(series(other) == series(one) for other in files.values())


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
