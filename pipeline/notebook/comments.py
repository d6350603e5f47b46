"""Comments of the views and of their columns: what `DESCRIBE` does not say, and database tools show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.sessions_table import SQL_SESSION_DESCRIPTIONS
from pipeline.runtime.duckdb import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

    from pipeline.scan.scan import Scan

_VALUE = "The measured value, in the unit that the column unit names; null where the sample was lost"


def comment_views(connection: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    """Say of the views `measurements` and `sessions`, and of each of their columns, what it means."""
    columns = {name: column.description for name, column in CORE_COLUMNS.items()} | {"value": _VALUE}
    columns |= {name: f"Attribute of the measurement ({kind})" for name, kind in scan.attributes.items()}
    views = {
        "measurements": (f"Measurements of {scan.name}, a row each", columns),
        "sessions": (
            f"Sessions of {scan.name}: their records, and figures of their measurements",
            SQL_SESSION_DESCRIPTIONS,
        ),
    }
    for view, (comment, described) in views.items():
        connection.execute(f"COMMENT ON VIEW {view} IS {quote_literal(comment)}")
        for name, text in described.items():
            connection.execute(f"COMMENT ON COLUMN {view}.{quote_identifier(name)} IS {quote_literal(text)}")
