"""What groups, metrics and sessions are called in charts and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.model.session_values import value_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def metric_label(row: Mapping[str, Any]) -> str:
    """Name a metric with its unit; a number without one has none."""
    unit = row["unit"]
    return row["metric"] if unit in {None, "1"} else f"{row['metric']} ({unit})"


def group_label(row: Mapping[str, Any], by: Sequence[str]) -> str:
    """Name a group by the values of its columns; without columns it is all sessions."""
    values = [row[name] for name in by]
    return ", ".join("(none)" if value is None else value_text(value) for value in values) or "all"


def group_key(row: Mapping[str, Any], by: Sequence[str]) -> tuple[Any, ...]:
    """Give what tells a group from others: metric, unit, and the values of its columns."""
    return tuple(row[name] for name in ("metric", "unit", *by))


def left_out_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many values of groups are in none of their figures, where there are any."""
    odd = sum(row["non_finite_count"] for row in rows)
    if not odd:
        return []
    return [f"{odd:,} {'value is' if odd == 1 else 'values are'} NaN or infinite, and in no figure"]


def row_facts(row: Mapping[str, Any]) -> list[str]:
    """Write how many values there are, and how many samples were lost."""
    return [f"{row['count']:,}", f"{row['null_count']:,}"]
