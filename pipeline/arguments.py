"""What the public functions are given, checked by name before anything is done: its type, and choices among words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UsageError

_MAX_SHOWN = 60


class _Kind(NamedTuple):
    """What an argument may be.

    Attributes:
        words: the same for people, behind "must be".
        takes: whether a value is that.
    """

    words: str
    takes: Callable[[object], bool]


def check_arguments(given: Mapping[str, object]) -> None:
    """Refuse arguments of a wrong type, which would be an error elsewhere, or none at all.

    Args:
        given: values by the name of the parameter, as `locals()` gives them where a function begins.

    Raises:
        UsageError: one is; the message names the parameter, what it must be, and what was given.
    """
    for name, value in given.items():
        kind = KINDS.get(name)
        if kind is not None and not kind.takes(value):
            raise UsageError(f"{name} must be {kind.words}, not {_shown(name, value)}")


def time_text(value: str | date | None, *, needs_clock: bool = False) -> str | None:
    """Write a time that a caller gave as text, RFC 3339 or a date.

    Args:
        value: the time; a text, and None, stay as they are. A datetime without a zone gets a text that names none.
        needs_clock: a date is its midnight.

    Raises:
        UsageError: it lies outside the years that can be written.
    """
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, datetime):
        return datetime.combine(value, time()).isoformat() if needs_clock else value.isoformat()
    try:
        # Zones may be off by seconds, which RFC 3339 has no text for.
        moment = value if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"{value} lies outside the years 0001 to 9999 in UTC") from error
    text = moment.replace(tzinfo=None).isoformat("T", "microseconds")
    below = getattr(value, "nanosecond", 0)  # of pandas' timestamps
    return f"{text}{below:03}{'' if value.tzinfo is None else 'Z'}"


def _shown(name: str, value: object) -> str:
    if isinstance(value, str) and KINDS[name].words.startswith("a list"):
        return f"one text, {_shortened(repr(value))}"
    if value is None or isinstance(value, str | int | float | bytes | date | Path):
        return _shortened(repr(value))
    if isinstance(value, list | tuple):
        return _shortened(" ".join(repr(value[:20]).split()))
    return f"an object of type {type(value).__name__}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_path(value: object) -> bool:
    return isinstance(value, str | Path)


def _is_list(value: object, of: type | tuple[type, ...]) -> bool:
    # A text is a sequence as well: its letters would be taken for names.
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(isinstance(v, of) for v in value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _has_rows(value: object) -> bool:
    # Which of them it is, and what else is wrong with it, is found where it is read.
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "collect")


def _choice(*words: str) -> _Kind:
    listed = ", ".join(map(repr, words[:-1]))
    return _Kind(f"{listed} or {words[-1]!r}", lambda value: isinstance(value, str) and value in words)


def _optional(kind: _Kind) -> _Kind:
    return _Kind(kind.words, lambda value: value is None or kind.takes(value))


_TEXT = _Kind("a text", _is_text)
_SQL = _Kind("a text of SQL", _is_text)
_FLAG = _Kind("True or False", lambda value: isinstance(value, bool))
_PATH = _Kind("a path, as text or Path", _is_path)
_SOURCE = _Kind("a path, as text or Path, or a list of paths", lambda v: _is_path(v) or _is_list(v, (str, Path)))
_NAMES = _Kind("a list of names", lambda value: _is_list(value, str))
_COUNT = _Kind("a whole number from 1 on", _is_count)
_SECONDS = _Kind("a number of seconds from 0 on", _is_duration)
_TIME = _Kind("a datetime, a date or a text", lambda value: isinstance(value, str | date))
_MAPPING = _Kind("an object, such as a dict", lambda value: isinstance(value, Mapping))
_CALLABLE = _Kind("a function", callable)

KINDS: Mapping[str, _Kind] = {
    # Where from, and where to.
    **dict.fromkeys(("source", "files"), _SOURCE),
    **dict.fromkeys(("to", "store", "directory", "job_file", "targets"), _PATH),
    "baseline_source": _optional(_SOURCE),
    "table": _Kind("a DuckDB relation, a Polars or pandas DataFrame or an Arrow table", _has_rows),
    "sql": _SQL,
    "metric": _TEXT,
    # Which sessions, rows and columns.
    **dict.fromkeys(("sessions", "metrics", "exclude", "redact", "by", "kinds", "mapping", "assume", "only"), _NAMES),
    "columns": _optional(_NAMES),
    **dict.fromkeys(("since", "until", "started_at", "at"), _optional(_TIME)),
    **dict.fromkeys(("where", "where_session", "baseline", "candidate"), _optional(_SQL)),
    "quantiles": _Kind("a list of numbers", lambda value: _is_list(value, (str, int, float))),
    "timezone": _optional(_TEXT),
    "window": _optional(_TEXT),
    "kind": _choice("percentiles", "ecdf", "heatmap", "sessions"),
    "lost": _choice("exclude", "infinite"),
    "figures": _NAMES,
    "better": _optional(_choice("lower", "higher")),
    "min_effect": _Kind(
        "a number from 0 on, or a text such as 2%", lambda value: _is_text(value) or _is_duration(value)
    ),
    "window_origin": _choice("epoch", "session"),
    # In which form.
    "scope": _choice("per-session", "cross-session"),
    "format": _choice("ndjson", "json", "csv", "parquet", "arrow", "influx", "xlsx"),
    "compression": _optional(_choice("none", "gzip", "zstd")),
    **dict.fromkeys(("rows_per_file", "rows_per_task"), _optional(_COUNT)),
    "package_metadata": _optional(_PATH),
    "timestamp_unit": _optional(_choice("us", "ns")),
    # Of imports and recordings.
    **dict.fromkeys(("session_id", "importer", "harness", "harness_version"), _optional(_TEXT)),
    "configuration": _optional(
        _Kind("a path, as text or Path, or an object", lambda value: _is_path(value) or isinstance(value, Mapping))
    ),
    **dict.fromkeys(("attributes", "metric_facts", "settings"), _optional(_MAPPING)),
    "locale": _optional(_TEXT),
    "header": _optional(_Kind("a list of names, or one text", lambda value: _is_text(value) or _is_list(value, str))),
    "if_exists": _choice("error", "skip", "replace"),
    "batch_rows": _Kind("a whole number from 2 on", lambda value: _is_count(value) and value != 1),
    "flush_seconds": _Kind("a number of seconds above 0", lambda value: _is_duration(value) and value != 0),
    # How.
    **dict.fromkeys(
        (
            *("with_statistics", "overwrite", "spreadsheet", "fail_if_empty", "sync", "hashed", "verify", "report"),
            *(
                "discard_stage",
                "keep_stage",
                "dry_run",
                "recorded",
                "skip_bad",
                "allow_empty",
                "quick",
                "rebuild_index",
                "skip_unknown",
                "refresh",
                "report_unchanged",
            ),
        ),
        _FLAG,
    ),
    "engine": _choice("local", "spark"),
    "master": _optional(_TEXT),
    "threads": _optional(_COUNT),
    "batch_size": _COUNT,
    "memory_limit": _optional(_TEXT),
    "wait_seconds": _SECONDS,
    **dict.fromkeys(("on_progress", "on_period", "on_warning"), _optional(_CALLABLE)),
}
"""By the name of a parameter, which means the same in every function."""
