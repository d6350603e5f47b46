"""The descriptor of a package, a Frictionless Data Package v2, as an export makes it."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from json.encoder import encode_basestring
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.model.columns import CORE_COLUMNS, type_name
from pipeline.model.dictionary import describe_column
from pipeline.package.job_note import JOB_KEY, RESULTS_KEY, RESULTS_VERSION
from pipeline.package.layout import FORMAT_VERSION
from pipeline.package.names import series
from pipeline.writers.locales import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipeline.package.attached import AttachedFile
    from pipeline.package.written_file import WrittenFile

    _SchemaOf = tuple[str, pa.Schema, tuple[str, ...]]

_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_FIELD_TYPES = {"string": "string", "int64": "integer", "float64": "number", "bool": "boolean"}
_NANOSECONDS_PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z"
_OF_SESSIONS = {"measurements", "statistics"}
_DESCRIBED = {*_OF_SESSIONS, "sessions"}
"""Tables whose columns mean the same in every package."""
_DISTRIBUTION = "measurement-export-pipeline"
_INDENT = 2
_SCHEMA_PLACE = re.compile(r'(?<=^      "schema": )null|(?<=^      "pipeline:schema": )null', re.MULTILINE)


def descriptor_text(
    files: Mapping[str, WrittenFile],
    *,
    source: Mapping[str, Any],
    options: Mapping[str, Any],
    timestamp_unit: str,
    added: Mapping[str, Any],
    is_verified: bool,
    job: Mapping[str, Any] | None = None,
    attached: Sequence[AttachedFile] = (),
) -> Iterator[str]:
    """Write the descriptor, a Frictionless Data Package v2, as JSON: its head, then one file after the other.

    Args:
        files: the files by name.
        source: name and fingerprint of the source.
        options: the options that shape the content.
        timestamp_unit: us or ns.
        added: what the user adds, such as title and licenses.
        is_verified: the package is published only after it was read back.
        job: what is said of the job that makes it.
        attached: files that hold no table, described behind the others.
    """
    slug = re.sub(r"[^a-z0-9._-]+", "-", str(source["name"]).lower()).strip("-._") or "measurements"
    package = {
        "$schema": _PROFILE,
        "name": slug,
        **added,
        "created": _created().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pipeline:formatVersion": FORMAT_VERSION,
        **versions(),
        **({} if job is None else {RESULTS_KEY: RESULTS_VERSION, JOB_KEY: dict(job)}),
        "pipeline:source": dict(source),
        "pipeline:options": dict(options),
        "pipeline:timestampUnit": timestamp_unit,
        "pipeline:verified": is_verified,
        "resources": [],
    }
    yield _indented(package).removesuffix("]\n}")
    parts = Counter(map(series, files.values()))
    schemas: dict[_SchemaOf, str] = {}
    separator = "\n"
    for name, one in files.items():
        resource = _indented(_resource(name, one, is_part=parts[series(one)] > 1), 2)
        key = one.file.table, one.schema, tuple(one.file.key)
        if key not in schemas:  # made once: the files of a table have the same one
            schemas[key] = _indented(_table_schema(one), 3)
        # A key begins a line, which no text within JSON does.
        before, after = _SCHEMA_PLACE.split(resource, maxsplit=1)
        yield separator + " " * 2 * _INDENT + before + schemas[key] + after
        separator = ",\n"
    for file in attached:
        yield separator + " " * 2 * _INDENT + _indented(file.describe(), 2)
    yield "\n" + " " * _INDENT + "]\n}\n"


def versions() -> dict[str, Any]:
    """Versions of what makes a package, as properties of its descriptor."""
    return {
        "pipeline:program": {"name": _DISTRIBUTION, "version": _version(_DISTRIBUTION)},
        "pipeline:engines": {
            "python": platform.python_version(),
            **{name: _version(name) for name in ("duckdb", "numpy", "pyarrow")},
        },
    }


@cache
def _version(distribution: str) -> str:
    """Version of a distribution, from where installers put it: to load `importlib.metadata` takes longer."""
    name = re.sub(r"[-_.]+", "_", distribution)
    for place in sys.path:
        found = list(Path(place).glob(f"{name}-*.dist-info/METADATA"))
        if found:
            version = re.search(r"^Version: *(\S+)", found[0].read_text(encoding="utf-8"), re.MULTILINE)
            if len(found) == 1 and version is not None:
                return version[1]
            break
    from importlib import metadata  # noqa: PLC0415 - slow to load, and rarely needed here

    return metadata.version(distribution)


def _created() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH {epoch!r} is no number of seconds since 1970") from error


def _indented(value: Any, steps: int = 0) -> str:  # noqa: ANN401 - any JSON value
    """Write JSON as `json.dumps` does with `indent`, for which it has no compiled form.

    Args:
        value: objects have texts as keys.
        steps: by how many the lines behind the first are indented.
    """
    if isinstance(value, dict) and value:
        parts = [f"{encode_basestring(key)}: {_indented(item, steps + 1)}" for key, item in value.items()]
        begin, end = "{}"
    elif isinstance(value, list | tuple) and value:
        parts = [_indented(item, steps + 1) for item in value]
        begin, end = "[]"
    elif isinstance(value, str):
        return str(encode_basestring(value))
    else:
        return json.dumps(value)
    inside = "\n" + " " * (steps + 1) * _INDENT
    return f"{begin}{inside}{f',{inside}'.join(parts)}{inside[:-_INDENT]}{end}"


def _resource(name: str, one: WrittenFile, *, is_part: bool) -> dict[str, Any]:
    """Describe a file, with null in the place of its schema."""
    file, content = one.file, one.file.content
    suffix = f"_part-{file.part:04}" if is_part else ""
    resource: dict[str, Any] = {"name": file.resource_name + suffix, "path": name}
    is_readable = one.format.name == "csv" or (one.format.name == "ndjson" and content.rows > 0)
    if is_readable and one.compression != "zstd":
        resource |= {"type": "table", "format": one.format.name, "mediatype": one.format.mediatype}
        resource["encoding"] = "utf-8"
        if one.compression == "gzip":
            resource["compression"] = "gz"
        if one.format.name == "csv" and one.spreadsheet not in {None, PLAIN}:
            resource["dialect"] = {"delimiter": one.spreadsheet.delimiter}
        resource["schema"] = None
    else:
        # Readers of data packages that know neither the format nor the compression can check bytes and hash; an
        # NDJSON file without rows has no bytes, which they do not take for a table.
        resource |= {"format": "bin", "mediatype": one.format.mediatype, "pipeline:format": one.format.name}
        if one.format.is_text:
            resource["encoding"] = "utf-8"
        resource["pipeline:schema"] = None
    resource["pipeline:compression"] = one.compression
    resource["bytes"] = one.bytes
    if one.sha256 is not None:
        resource["hash"] = f"sha256:{one.sha256}"
    resource["pipeline:table"] = file.table
    resource["pipeline:rowCount"] = content.rows
    if content.digest is not None:
        resource["pipeline:contentDigest"] = content.digest
    if file.records:
        resource["pipeline:records"] = file.records
    if file.table == "measurements":
        resource["pipeline:sessions"] = content.describe_sessions()
    return resource


def _table_schema(one: WrittenFile) -> dict[str, Any]:
    table = one.file.table
    schema: dict[str, Any] = {"fields": [_field(one, field) for field in one.schema]}
    nullable_key = any(name == "unit" or name not in CORE_COLUMNS for name in one.file.key)
    if one.file.key:
        schema["pipeline:key" if nullable_key and table == "statistics" else "primaryKey"] = list(one.file.key)
    if table in _OF_SESSIONS and "session_id" in one.schema.names:
        reference = {"resource": "sessions", "fields": ["session_id"]}
        schema["foreignKeys"] = [{"fields": ["session_id"], "reference": reference}]
    return schema


def _field(one: WrittenFile, column: pa.Field) -> dict[str, Any]:
    table = one.file.table
    kind = type_name(column.type)
    field: dict[str, Any] = {"name": column.name}
    if kind == "timestamp[ns]":
        # A datetime has microseconds to most readers; as text nothing is lost.
        field |= {"type": "string", "constraints": {"pattern": _NANOSECONDS_PATTERN}}
    else:
        field["type"] = "datetime" if kind == "timestamp[us]" else _FIELD_TYPES[kind]
    if kind == "float64" and one.spreadsheet is not None and one.spreadsheet.decimal != PLAIN.decimal:
        field["decimalChar"] = one.spreadsheet.decimal
    if table not in _DESCRIBED:
        return field | {"pipeline:type": kind}
    field["description"] = describe_column(table, column.name)
    field["pipeline:type"] = kind
    if kind == "float64" and (table == "statistics" or column.name == "value"):
        field["pipeline:unitColumn"] = "unit"
    if table != "statistics" and column.name in {"session_id", "sequence", "timestamp"}:
        field.setdefault("constraints", {})["required"] = True
    return field
