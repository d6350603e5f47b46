"""How sessions are listed: their records as JSON or CSV, and a table for people that tells them apart."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.cli.output import counted
from pipeline.cli.streams import write_bytes, writing_to_standard_output
from pipeline.cli.table import print_table
from pipeline.errors import SourceError, suggest
from pipeline.model.session_values import session_values, value_text, values_column
from pipeline.model.sessions_table import JSON_COLUMNS, SQL_SESSION_DESCRIPTIONS, sessions_table
from pipeline.model.timestamps import TICKS_PER_SECOND, format_timestamp
from pipeline.writers.text import encode_csv, encode_csv_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.model.session_values import Scalar

_WIDTH = 160
"""Of a table that goes nowhere of a known width; then nothing is cut."""
_MAX_CELL = 32


def print_sessions(
    sessions: Sequence[Session],
    unit: TimestampUnit,
    columns: Sequence[str] | None,
    format: str,  # noqa: A002 - the option's name
) -> None:
    """Print sessions as CSV, JSON or NDJSON: their records, or the columns that are asked for."""
    if format == "csv":
        table = _table(sessions, unit, columns) if columns else sessions_table(sessions, unit)
        write_bytes([encode_csv_header(table.schema), *map(encode_csv, table.to_batches())])
        return
    rows = _described(_table(sessions, unit, columns)) if columns else [session.describe() for session in sessions]
    with writing_to_standard_output():
        if format == "json":
            print(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            for row in rows:
                print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))


def _table(sessions: Sequence[Session], unit: TimestampUnit, columns: Sequence[str]) -> pa.Table:
    """Make a table of columns: those of the sessions table, attributes and values of the configuration.

    Raises:
        SourceError: there is none of a name.
    """
    whole = sessions_table(sessions, unit, for_sql=True)
    named = _values(sessions)
    _require_known(columns, named)
    arrays = [whole.column(name) if name in whole.column_names else values_column(named[name]) for name in columns]
    return pa.table(arrays, names=list(columns))


def _values(sessions: Sequence[Session]) -> dict[str, list[Scalar]]:
    return session_values([one.attributes for one in sessions], [one.configuration for one in sessions])


def _require_known(columns: Sequence[str], named: Sequence[str] | dict[str, Any]) -> None:
    known = [*SQL_SESSION_DESCRIPTIONS, *named]
    for name in columns:
        if name not in known:
            raise SourceError(f"--columns: no column {name!r}; {suggest(name, known, noun='columns')}")


def _described(table: pa.Table) -> list[dict[str, Any]]:
    """Give rows as JSON values."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            ticks = column.cast(pa.int64()).to_pylist()
            columns[name] = [None if t is None else format_timestamp(t, column.type.unit) for t in ticks]
        elif name in JSON_COLUMNS:
            columns[name] = [json.loads(text) for text in column.to_pylist()]
        else:
            columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def print_session_table(sessions: Sequence[Session], columns: Sequence[str] | None, *, total: int) -> None:
    """Print a table for people, as wide as the terminal.

    Args:
        sessions: the sessions.
        columns: what of them; by default what they are, and what tells them apart.
        total: how many there are, of which these are the first.
    """
    width = _width()
    notes = [] if total == len(sessions) else [f"... the first {len(sessions)} of {counted(total, 'session')}"]
    if columns:
        unit: TimestampUnit = sessions[0].timestamp_unit if sessions else "us"
        rows = [list(map(_text, row.values())) for row in _described(_table(sessions, unit, columns))]
        print_table(columns, rows, notes, width=width)
        return
    shown = _what_they_are(sessions)
    left_out = []
    for name, cells in _what_tells_apart(sessions).items():
        if _table_width({**shown, name: cells}) <= (width or _WIDTH):
            shown[name] = cells
        else:
            left_out.append(name)
    if left_out:
        notes.append(f"they differ in {', '.join(left_out)}, too; --columns shows more")
    print_table(list(shown), [list(row) for row in zip(*shown.values(), strict=True)], notes, width=width)


def _width() -> int | None:
    """Give the width of the terminal, None where the table goes elsewhere."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None


def _table_width(columns: dict[str, list[str]]) -> int:
    return sum(max(map(len, [name, *cells])) + 2 for name, cells in columns.items()) - 2


def _what_they_are(sessions: Sequence[Session]) -> dict[str, list[str]]:
    def seconds(session: Session) -> str:
        return f"{(session.ended_at - session.started_at) / TICKS_PER_SECOND[session.timestamp_unit]:.1f} s"

    return {
        "session_id": [session.session_id for session in sessions],
        "started_at": [f"{format_timestamp(one.started_at, one.timestamp_unit)[:19]}Z" for one in sessions],
        "duration": [seconds(session) for session in sessions],
        "measurements": [f"{session.measurement_count:,}" for session in sessions],
    }


def _what_tells_apart(sessions: Sequence[Session]) -> dict[str, list[str]]:
    """Give the columns in which sessions differ, each of which parts some that those before it do not.

    Attributes come first, then the harness, the number of metrics, and values of the configuration; of each those
    that part most, but last what is another in each session, which is its name in other words. Where nothing differs,
    the harness and the number of metrics say what the sessions are.
    """
    attributes = {name for session in sessions for name in session.attributes}
    values = {name: [_text(value) for value in column] for name, column in _values(sessions).items()}
    own = {
        "harness": [" ".join(filter(None, (one.harness_name, one.harness_version))) for one in sessions],
        "metrics": [str(len(session.metrics)) for session in sessions],
    }

    def parting(item: tuple[str, list[str]]) -> tuple[bool, int]:
        kinds = len(set(item[1]))
        return kinds == len(sessions), -kinds

    of_attributes = {name: cells for name, cells in values.items() if name in attributes}
    configured = {name: cells for name, cells in values.items() if name not in attributes}
    groups = (of_attributes, own, configured)
    candidates = {name: cells for group in groups for name, cells in sorted(group.items(), key=parting)}
    telling: dict[str, list[str]] = {}
    parted = 1
    for name, cells in candidates.items():
        kinds = len(set(zip(*telling.values(), cells, strict=True)))
        if kinds > parted:
            telling[name] = cells
            parted = kinds
    return telling or own


def _text(value: object) -> str:
    if value is None or isinstance(value, str | int | float):
        text = value_text(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}\N{HORIZONTAL ELLIPSIS}"
