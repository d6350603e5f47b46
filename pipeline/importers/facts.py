"""What an importer says of the session: its start, version, configuration; and where its times came from."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

from pipeline.disk.safe_names import in_unicode
from pipeline.errors import SourceError, UsageError, suggest
from pipeline.importers.connection import first_row, selected
from pipeline.model.metric_facts import MetricFacts, parse_metric_facts
from pipeline.model.session_record import SessionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

    from pipeline.importers.definition import Definition

_ID_CHARACTERS = 128
_NUMBERS = re.compile(r"\d+(\.\d+)*")
_COLUMNS = ("session_id", "started_at", "ended_at", "harness_version", "configuration", "attributes")
_FACTS = ["metric", "kind", "better", "is_aggregate"]


def read_facts(connection: duckdb.DuckDBPyConnection, definition: Definition) -> SessionRecord:
    """Run the section `session`, if there is one.

    Raises:
        UsageError: it gives a column that a session does not have.
        SourceError: it does not give one row, or the row is no record of a session.
    """
    row = first_row(connection, definition, "session") if "session" in definition.sections else {}
    for name in row:
        if name not in _COLUMNS:
            hint = suggest(name, _COLUMNS, noun="columns")
            raise UsageError(f"{definition.name}: section session gives an unknown column {name!r}; {hint}")
    return SessionRecord.parse(
        {
            "session_id": row.get("session_id"),
            "started_at": _time_text(row.get("started_at")),
            "ended_at": _time_text(row.get("ended_at")),
            "harness": {"name": definition.harness, "version": row.get("harness_version")},
            "configuration": _object(row.get("configuration"), "configuration"),
            "attributes": _object(row.get("attributes"), "attributes"),
        }
    )


def read_warnings(connection: duckdb.DuckDBPyConnection, definition: Definition) -> list[str]:
    """Run the section `warnings`, if there is one: a SELECT of texts, of which nulls say nothing."""
    if "warnings" not in definition.sections:
        return []
    return [str(row[0]) for row in selected(connection, definition, "warnings")[1] if row[0] is not None]


def read_unused(connection: duckdb.DuckDBPyConnection, definition: Definition) -> list[tuple[str, int]]:
    """Run the section `unused`, if there is one: a SELECT of names that were not used, and how many values each has."""
    if "unused" not in definition.sections:
        return []
    return [(str(name), int(count)) for name, count in selected(connection, definition, "unused")[1]]


def read_metric_facts(connection: duckdb.DuckDBPyConnection, definition: Definition) -> dict[str, MetricFacts]:
    """Run the section `metrics`, if there is one: a SELECT of what the file itself says of its metrics.

    Raises:
        UsageError: its columns are others.
        SourceError: a fact is unknown.
    """
    if "metrics" not in definition.sections:
        return {}
    names, rows = selected(connection, definition, "metrics")
    if names != _FACTS:
        raise UsageError(f"{definition.name}: section metrics gives other columns than {', '.join(_FACTS)}")
    return parse_metric_facts(
        {
            metric: {"kind": kind, "better": better, "is_aggregate": is_aggregate}
            for metric, kind, better, is_aggregate in rows
        }
    )


def version_warning(definition: Definition, version: str | None) -> str | None:
    """Say that a file is of a version of its harness that was never tried.

    Args:
        definition: the importer, which names the oldest and the newest version that were.
        version: what the file says; a name may stand before the number.
    """
    found = _NUMBERS.search(version or "")
    if definition.versions is None or found is None:
        return None
    numbers, oldest, newest = ([int(number) for number in text.split(".")] for text in (found[0], *definition.versions))
    # 3.42.1 is no newer than 3.42.
    relation = "newer" if numbers[: len(newest)] > newest else "older" if numbers < oldest else None
    if relation is None:
        return None
    tried = " to ".join(definition.versions)
    return f"says version {found[0]} of {definition.harness}, {relation} than those that were tried, {tried}"


def revision_warning(definition: Definition, origin: Mapping[str, Any]) -> str | None:
    """Say that an importer of another revision would read other numbers than a session of the same file has.

    Args:
        definition: the importer.
        origin: what the session was imported from, and by which importer.

    Returns:
        what differs and what to do, None where nothing does.
    """
    # Version 0.1.0 wrote the name alone.
    revision = origin.get("importer") if "importer_name" in origin else 1
    name = origin.get("importer_name", origin.get("importer"))
    if name != definition.name or revision == definition.revision:
        return None
    relation = "an older" if isinstance(revision, int) and revision < definition.revision else "another"
    return (
        f"by {relation} revision of the importer {name}, {revision}; {definition.revision} may give other "
        "numbers: --if-exists replace imports it anew"
    )


def choose_id(path: Path, given: str | None, said: str | None, run: int | None) -> str:
    """Choose the id of a session.

    Args:
        path: of the file.
        given: by a person, who gives all runs of the file one.
        said: by the file.
        run: number of the run, where its file holds several.

    Returns:
        what was given, or said, or the file's name.
    """
    if given is None and said is not None:
        return said
    name = given or _name_id(path)
    end = "" if run is None else f"-{run}"
    return name[: _ID_CHARACTERS - len(end)] + end if end else name


def _name_id(path: Path) -> str:
    """Derive a session id from a file's name."""
    stem = in_unicode(path.stem if path.suffix in {".gz", ".zst"} else path.name)
    return (stem.rsplit(".", 1)[0] or stem)[:_ID_CHARACTERS]


def _time_text(value: object) -> str | None:
    """Write a time that the SQL gives as a timestamp; one without a zone stays without."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return None if value is None else str(value)


def _object(value: Any, name: str) -> dict[str, Any] | None:  # noqa: ANN401 - whatever the SQL gives
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SourceError(f"its {name} is no JSON") from error
    if value is None:
        return None
    if not isinstance(value, dict):
        raise SourceError(f"its {name} is no JSON object")
    # Structs may hold dates and the like.
    return dict(json.loads(json.dumps({k: v for k, v in value.items() if v is not None}, default=str)))
