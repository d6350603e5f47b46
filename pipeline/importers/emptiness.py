"""Says of a harness file without samples what was looked for in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.native import PathStep
from pipeline.runtime.duckdb import quote_literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from pipeline.importers.definition import Definition

_KEY = re.compile(r"`(\w+)`")
_EMPTY = ("[]", "{}", "null")


def no_samples(connection: duckdb.DuckDBPyConnection, definition: Definition) -> str:
    """Say why a file that its importer knows gives no row.

    Args:
        connection: on which the file can be read.
        definition: the importer.
    """
    found = "".join(f"{reason}; " for reason in _empty_keys(connection, definition))
    return f"no samples: {found}looked for {definition.looks_for}; --allow-empty imports it as a session of 0 rows"


def _empty_keys(connection: duckdb.DuckDBPyConnection, definition: Definition) -> Iterator[str]:
    """Find keys of a document that are looked for and hold nothing."""
    import duckdb  # noqa: PLC0415 - files of measurements need none of it

    if definition.format != "json":
        return
    for key in dict.fromkeys(_KEY.findall(definition.looks_for)):
        place = quote_literal(f"$.{key}")
        try:
            found = connection.sql(f"SELECT json->{place} FROM document LIMIT 1").fetchall()
        except duckdb.Error:
            return  # the message is good without it
        if found and (found[0][0] in _EMPTY or _is_empty_array(connection, definition, key, found[0][0])):
            yield f"`{key}` is empty"


def _is_empty_array(
    connection: duckdb.DuckDBPyConnection, definition: Definition, key: str, number: str | None
) -> bool:
    """Whether an array that was cut out of the document has no elements; its number stands in its place."""
    if number is None or all(path.steps != (PathStep("key", key),) for path in definition.samples):
        return False
    return not connection.sql("SELECT 1 FROM samples WHERE number = ? LIMIT 1", params=[int(number)]).fetchall()
