"""An importer made of options, for any CSV or NDJSON file: which column is the value, which the time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.importers.csv_shape import split_record
from pipeline.importers.definition import Definition
from pipeline.importers.plain_text import read_head
from pipeline.runtime.duckdb import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROLES = ("value", "metric", "unit", "time", "offset")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_SCALES = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


class Mapping:
    """What `--map` says.

    Attributes:
        values: column and unit of each value.
        columns: column by role, without the values.
        scales: nanoseconds of the unit that times and offsets count; a time without one is text.
    """

    def __init__(self, given: Sequence[str]) -> None:
        """Read the options.

        Args:
            given: each `ROLE=COLUMN` or `ROLE=COLUMN:UNIT`.

        Raises:
            UsageError: one cannot be read, or there is no value.
        """
        self.values: list[tuple[str, str | None]] = []
        self.columns: dict[str, str] = {}
        self.scales: dict[str, int] = {}
        for text in given:
            self._add(text)
        if not self.values:
            raise UsageError("--map: say which column is the value: --map value=COLUMN:UNIT")
        if "metric" in self.columns and len(self.values) > 1:
            raise UsageError("--map metric=... names the metric of one value; several are named by their columns")
        if {"time", "offset"} <= self.columns.keys():
            raise UsageError("--map time=... and offset=...: a sample has one of them")

    def _add(self, text: str) -> None:
        role, _, column = text.partition("=")
        if role not in ROLES or not column:
            hint = suggest(role, ROLES, noun="roles") if role not in ROLES else "it names no column"
            raise UsageError(f"--map {text!r}: give ROLE=COLUMN or ROLE=COLUMN:UNIT; {hint}")
        # The unit stands behind the last colon; a name that has one itself ends in one.
        name, colon, unit = column.rpartition(":")
        name, unit = (name, unit) if colon and name else (column, "")
        if role == "value":
            self.values.append((name, unit or None))
            return
        if role in self.columns:
            raise UsageError(f"--map {text!r}: {role} is given twice")
        if role in {"time", "offset"} and unit:
            if unit not in _SCALES:
                raise UsageError(f"--map {text!r}: {suggest(unit, _SCALES, noun='units of time')}")
            self.scales[role] = _SCALES[unit]
        elif role == "offset":
            raise UsageError(f"--map {text!r}: in which unit? offset={name}:s, ms, us or ns")
        self.columns[role] = name if role in {"time", "offset"} else column

    def definition(self, path: Path, header: Sequence[str] | None = None) -> Definition:
        """Make the importer for a file.

        Args:
            path: the file.
            header: the names of its columns, where it has no header line.

        Raises:
            SourceError: it is neither CSV nor NDJSON.
        """
        head = read_head(path)
        if head.is_empty:
            raise SourceError(f"{path}: is empty")
        if head.text.lstrip()[:1] == "[":
            raise SourceError(f"{path}: is one JSON array; --map takes CSV, or NDJSON with one object a line")
        is_json = head.text.lstrip()[:1] == "{"
        used = [*(name for name, _ in self.values), *self.columns.values()]
        lacking = None
        if is_json:
            missing = [name for name, _ in self.values]
            keys = list(head.value) if isinstance(head.value, dict) else []
            lacking = f"no record has {' or '.join(map(repr, missing))}; {suggest(missing[0], keys, noun='its keys')}"
            sections = {"measurements": self._sql(_json_column, is_json=True)}
        else:
            fields = list(header or (field.strip() for field in split_record([head.first_line])[0]))
            for name in used:
                if name.lower() not in {field.lower() for field in fields}:
                    hint = suggest(name, fields, noun="its columns")
                    if header is None and any(_NUMBER.fullmatch(field) for field in fields):
                        hint = "its first line holds numbers; if it is no header line, name the columns: --header a,b,c"
                    raise SourceError(f"{path}: has no column {name!r}; {hint}")
            sections = {"measurements": self._sql(quote_identifier, is_json=False)}
        return Definition(
            name="mapping",
            harness=None,
            format="ndjson" if is_json else "csv",
            is_typed=is_json,
            sections=sections,
            looks_for=f"records behind the header line, with {' or '.join(repr(name) for name, _ in self.values)}",
            lacking=lacking,
        )

    def _sql(self, column: Callable[[str], str], *, is_json: bool) -> str:
        samples = []
        for name, unit in self.values:
            metric = column(self.columns["metric"]) if "metric" in self.columns else quote_literal(name)
            own_unit = column(self.columns["unit"]) if "unit" in self.columns else "NULL"
            given = quote_literal(unit) if unit else own_unit
            present = f"json_exists(json, {_pointer(name)})" if is_json else "true"
            samples.append(f"{{metric: {metric}, text: {column(name)}, unit: {given}, present: {present}}}")
        used = [*(name for name, _ in self.values), *self.columns.values()]
        if is_json:
            removed = ", ".join(f"{quote_literal(name)}: NULL" for name in dict.fromkeys(used))
            attributes = f"json_merge_patch(json, {{{removed}}}::JSON) AS attributes"
        else:
            attributes = f"* EXCLUDE ({', '.join(map(quote_identifier, dict.fromkeys(used)))})"
        return (
            f"SELECT sample.metric AS metric, sample.text AS value, sample.unit AS unit, "
            f"* EXCLUDE (sample) FROM (SELECT unnest([{', '.join(samples)}]) AS sample, {self._time(column)}"
            f"{attributes} FROM records) WHERE sample.present"
        )

    def _time(self, column: Callable[[str], str]) -> str:
        for role, target in (("time", "epoch_ns"), ("offset", "offset_ns")):
            if role not in self.columns:
                continue
            name = column(self.columns[role])
            if role not in self.scales:
                return f"{name} AS timestamp, "
            return f"{_nanoseconds(name, self.scales[role])} AS {target}, "
        return ""


def _nanoseconds(text: str, scale: int) -> str:
    """Count a number of units in nanoseconds without losing a digit, as floats would."""
    return f"(({text})::DECIMAL(38, 9) * {scale})::BIGINT"


def _pointer(name: str) -> str:
    return quote_literal("/" + name.replace("~", "~0").replace("/", "~1"))


def _json_column(name: str) -> str:
    return f"json->>{_pointer(name)}"
