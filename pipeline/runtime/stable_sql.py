"""Whether SQL gives the same for the same rows every time: what the engine itself knows of its functions, applied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pipeline.runtime.duckdb import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import duckdb

# What the engine calls dependent on the query depends on the clock, or on settings, such as the time zone of what
# has one: connections are in UTC, so that these give the same every time.
_FUNCTIONS = """
SELECT lower(function_name),
       bool_or(coalesce(stability = 'VOLATILE' OR stability = 'CONSISTENT_WITHIN_QUERY'
           AND (len(parameter_types) = 0 OR NOT list_bool_or(list_transform(list_append(parameter_types, return_type),
               lambda kind: kind LIKE '%TIME ZONE%' OR kind LIKE '%TIMESTAMPTZ%'))), false)),
       list(DISTINCT macro_definition) FILTER (macro_definition IS NOT NULL)
FROM duckdb_functions() GROUP BY ALL
"""
_ENDS_ALL = "error"
"""Volatile to the engine, so that it is not left out; it gives no value, and the engine puts it into subqueries."""
_IN_SPITE = {"age": 1, "version": 0, "json_serialize_plan": 9}
"""Constant to the engine, and yet of the clock or the version: by name, with so many arguments at most."""
_LISTS = {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
"""Table functions that are made of their arguments alone; all others read something that is not of the row."""


def changing_part(connection: duckdb.DuckDBPyConnection, condition: str, columns: Collection[str]) -> str | None:
    """Say what of a condition may give another value for the same row another time; None where nothing does.

    Args:
        connection: an engine in UTC, in which the condition can be bound.
        condition: a condition that the engine takes.
        columns: names of the columns that it is on.
    """
    return _Search(connection, {name.lower() for name in columns}).find(f"SELECT (\n{condition}\n)")


class _Search:
    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: set[str]) -> None:
        self._connection = connection
        self._columns = columns
        self._functions: dict[str, tuple[bool, list[str]]] = {}
        self._expanded: set[str] = set()

    def find(self, sql: str) -> str | None:
        """Look through a statement, as it was written: what is bound has constants in place of the clock."""
        tree = parsed(self._connection, sql)
        if tree["error"]:
            return "what it is made of cannot be told"
        written = list(nodes(tree))
        own = {str(entry["key"]).lower() for node in written for entry in node.get("map") or () if "key" in entry}
        return next((found for node in written if (found := self._problem(node, own))), None)

    def _problem(self, node: dict[str, Any], own_tables: set[str]) -> str | None:
        if node.get("sample"):
            return "a sample takes other rows each time"
        if node.get("type") in {"BASE_TABLE", "SHOW_REF"} and node["table_name"].lower() not in own_tables | {""}:
            return f"{node['table_name']!r} is not of the row"
        if node.get("type") == "TABLE_FUNCTION" and (name := node["function"]["function_name"].lower()) not in _LISTS:
            return f"{name}() is not of the row"
        if node.get("function_name"):
            return self._of_function(node["function_name"].lower(), len(node.get("arguments") or ()))
        if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            return self._of_name(node["column_names"][0])
        return None

    def _of_function(self, name: str, arguments: int) -> str | None:
        if not self._functions:
            rows = self._connection.execute(_FUNCTIONS).fetchall()
            self._functions = {key: (changes, macros or []) for key, changes, macros in rows}
        changes, macros = self._functions.get(name, (False, []))
        if (changes and name != _ENDS_ALL) or arguments <= _IN_SPITE.get(name, -1):
            return f"{name}() gives another value each time"
        if name in self._expanded:
            return None
        self._expanded.add(name)
        return next((f"{name}(): {found}" for macro in macros if (found := self.find(f"SELECT {macro}"))), None)

    def _of_name(self, name: str) -> str | None:
        """What is no column may be a function that is written without parentheses, as `current_date` is."""
        if name.lower() in self._columns:
            return None
        plan = parsed(self._connection, f"SELECT {quote_identifier(name)}", "json_serialize_plan")
        called = [node["qname"]["path"][-1] for node in nodes(plan) if node.get("qname")]
        return f"{name} gives another value each time" if any(self._of_function(one, 0) for one in called) else None


def parsed(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    function: Literal["json_serialize_sql", "json_serialize_plan"] = "json_serialize_sql",
) -> dict[str, Any]:
    """Give what the engine makes of a statement, as it was written or as it is planned."""
    (text,) = connection.execute(f"SELECT {function}(?::VARCHAR)", [sql]).fetchall()[0]
    value: dict[str, Any] = json.loads(text)
    return value


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Give every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from nodes(inner)
