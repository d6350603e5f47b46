"""Which sessions a query names: rows of others need not be opened, hashed or read for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS, _SESSIONS = "measurements", "sessions"
_FROM = {"BASE_TABLE", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "EMPTY"}
"""What stands behind FROM and shows all tables that it reads."""
_NOT_SHOWN = {"TABLE_FUNCTION", "SHOW_REF", "PIVOT", "COLUMN_DATA", "DELIM_GET", "BOUND_TABLE_REF", "CTE"}
_PLAIN_KEYS = {"type", "alias", "query_location", "query_location_length", "table_name", "qualified_name"}


def named_sessions(connection: duckdb.DuckDBPyConnection, sql: str) -> frozenset[str] | None:
    """Find the sessions that a query keeps to.

    It does so where each `FROM measurements` has a condition of its own, `session_id = 'x'` or `session_id IN ('x',
    'y')`, which all others are joined to by AND.

    Args:
        connection: parses the query, and runs nothing of it.
        sql: the query.

    Returns:
        ids, none where it reads no measurements; None where it may ask for rows of any session.
    """
    try:
        text = connection.execute("SELECT json_serialize_sql(?::VARCHAR, skip_null := true)", [sql]).fetchone()
        parsed = json.loads(text[0] if text else "{}")
    except (duckdb.Error, RecursionError):  # it is no query, which whoever runs it says, or very deep
        return None
    nodes = list(_objects(parsed))
    own = {str(entry["key"]).lower() for one in nodes for entry in one.get("cte_map", {}).get("map", ())}
    if len(parsed.get("statements", ())) != 1 or own & {_ROWS, _SESSIONS}:
        return None
    asked = 0
    for one in nodes:
        kind = str(one.get("type"))
        if kind in _NOT_SHOWN or ("from_table" in one and one["from_table"].get("type") not in _FROM):
            return None
        if kind == "BASE_TABLE":
            name = _name(one)
            if name not in {_ROWS, _SESSIONS, *own}:
                return None
            asked += name == _ROWS
    kept = [found for one in nodes if (found := _kept(one)) is not None]
    return frozenset().union(*kept) if len(kept) == asked else None


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Give all objects in a value, itself included."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _name(table: dict[str, Any]) -> str | None:
    """Give the name of a table, None where it is that of another schema."""
    path = table.get("qualified_name", {}).get("path", [])
    return str(path[0]).lower() if len(path) == 1 else None


def _kept(node: dict[str, Any]) -> frozenset[str] | None:
    """Give the sessions that a SELECT from the measurements alone keeps to, None where it is another."""
    table = node.get("from_table")
    if node.get("type") != "SELECT_NODE" or table is None or table.get("type") != "BASE_TABLE":
        return None
    is_plain = all(key in _PLAIN_KEYS or not value for key, value in table.items())
    if _name(table) != _ROWS or not is_plain or node.get("sample"):
        return None
    where = node.get("where_clause", {})
    parts = where["children"] if where.get("type") == "CONJUNCTION_AND" else [where]
    names = {_ROWS, str(table.get("alias") or _ROWS).lower()}
    return next((found for part in parts if (found := _ids(part, names)) is not None), None)


def _ids(condition: dict[str, Any], names: set[str]) -> frozenset[str] | None:
    """Give the ids that a condition allows, None where it is of another form."""
    if condition.get("type") == "COMPARE_EQUAL":
        column, *values = condition["left"], condition["right"]
        if column.get("type") == "VALUE_CONSTANT":
            column, values = values[0], [column]
    elif condition.get("type") == "COMPARE_IN":
        column, *values = condition["children"]
    else:
        return None
    of, *rest = [str(one).lower() for one in reversed(column.get("column_names", [""]))]
    if column.get("type") != "COLUMN_REF" or of != "session_id" or not set(rest) <= names or len(rest) > 1:
        return None
    literals = [value.get("literal", {}) for value in values]
    if any(one.get("kind") != "STRING" for one in literals):
        return None
    return frozenset(one["text"] for one in literals)
