"""What each column of the three tables means."""

from __future__ import annotations

from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.sessions_table import SESSION_DESCRIPTIONS

STATISTIC_DESCRIPTIONS = {
    "window_start": "Start of the window, inclusive",
    "window_end": "End of the window, exclusive",
    "window_start_seconds": "Start of the window, inclusive, in seconds since the session's start",
    "window_end_seconds": "End of the window, exclusive, in seconds since the session's start",
    "count": "Finite values; they alone enter the figures behind",
    "null_count": "Values that are null: lost samples",
    "non_finite_count": "Values that are NaN or infinite",
    "session_count": "Sessions that have a row in the group",
    "mean": "Arithmetic mean",
    "stddev": "Sample standard deviation, null below two values",
    "min": "Smallest value",
    "max": "Largest value",
    "sum": "Sum of the values",
    "rate": "How much a counter grew, per second",
    "first": "First value by timestamp, then sequence",
    "last": "Last value by timestamp, then sequence",
    "first_timestamp": "Time of the first value",
    "last_timestamp": "Time of the last value",
}


def describe_column(table: str, name: str) -> str:
    """Describe a column of a table in a sentence."""
    if table == "sessions":
        return SESSION_DESCRIPTIONS[name]
    if name in CORE_COLUMNS:
        return CORE_COLUMNS[name].description
    if table == "statistics" and name in STATISTIC_DESCRIPTIONS:
        return STATISTIC_DESCRIPTIONS[name]
    if table == "statistics" and is_quantile(name):
        return f"{name[1:].replace('_', '.')}th percentile, exact, type 7"
    return "Attribute"


def is_quantile(name: str) -> bool:
    """Whether a column of the statistics is a quantile."""
    return name[0] == "p" and name[1:2].isdigit()
