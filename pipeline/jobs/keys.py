"""The keys of an export and of an import in a job file: the options of the commands, with `_` for `-`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.disk.checked_toml import COUNT, FLAG, NUMBER, TEXT, TEXTS, Kind, choice, either

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXT_OR_TEXTS = either(TEXT, TEXTS)
_QUANTILES = Kind(
    "a number from 0 to 1, or a list of such",
    lambda value: NUMBER.takes(value) or (isinstance(value, list) and all(NUMBER.takes(one) for one in value)),
)


def _same(value: Any) -> Any:  # noqa: ANN401 - any value of TOML
    return value


def _listed(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any value of TOML
    return tuple(value) if isinstance(value, list) else (value,)


def _names(value: str | list[str]) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else tuple(name.strip() for name in value.split(","))


def _negated(value: bool) -> bool:  # noqa: FBT001 - a value of TOML
    return not value


class Key(NamedTuple):
    """A key.

    Attributes:
        name: the parameter of the Python function.
        kind: what its value may be.
        read: makes the argument of the value.
        is_path: it names files, from the job file's directory on.
    """

    name: str
    kind: Kind
    read: Callable[[Any], Any] = _same
    is_path: bool = False


_OF_ALL = {
    "scope": Key("scope", choice("per-session", "cross-session")),
    "compression": Key("compression", choice("none", "gzip", "zstd")),
    "session": Key("sessions", _TEXT_OR_TEXTS, _listed),
    "metric": Key("metrics", _TEXT_OR_TEXTS, _listed),
    "since": Key("since", TEXT),
    "until": Key("until", TEXT),
    "where": Key("where", TEXT),
    "where_session": Key("where_session", TEXT),
    "columns": Key("columns", _TEXT_OR_TEXTS, _names),
    "exclude": Key("exclude", _TEXT_OR_TEXTS, _names),
    "redact": Key("redact", _TEXT_OR_TEXTS, _listed),
    "rows_per_file": Key("rows_per_file", COUNT),
    "spreadsheet": Key("spreadsheet", FLAG),
    "locale": Key("locale", TEXT),
    "package_metadata": Key("package_metadata", TEXT, is_path=True),
    "verify": Key("verify", FLAG),
    "report": Key("report", FLAG),
    "no_sync": Key("sync", FLAG, _negated),
    "engine": Key("engine", choice("local", "spark")),
    "master": Key("master", TEXT),
    "rows_per_task": Key("rows_per_task", COUNT),
    "threads": Key("threads", COUNT),
    "batch_size": Key("batch_size", COUNT),
    "memory_limit": Key("memory_limit", TEXT),
}
EXPORT_KEYS: Mapping[str, Mapping[str, Key]] = {
    "measurements": {
        "format": Key("format", choice("ndjson", "json", "csv", "parquet", "arrow", "influx", "xlsx")),
        "with_statistics": Key("with_statistics", FLAG),
        **_OF_ALL,
    },
    "statistics": {
        "format": Key("format", choice("csv", "ndjson", "json", "parquet", "arrow", "xlsx")),
        "by": Key("by", _TEXT_OR_TEXTS, _listed),
        "window": Key("window", TEXT),
        "window_origin": Key("window_origin", choice("epoch", "session")),
        "kind_of": Key("kinds", _TEXT_OR_TEXTS, _listed),
        "quantile": Key("quantiles", _QUANTILES, _listed),
        "lost": Key("lost", choice("exclude", "infinite")),
        **_OF_ALL,
    },
}
"""By kind of the export."""
IMPORT_KEYS: Mapping[str, Key] = {
    "if_exists": Key("if_exists", choice("skip", "replace")),
    "from": Key("importer", TEXT),
    "map": Key("mapping", _TEXT_OR_TEXTS, _listed),
    "header": Key("header", _TEXT_OR_TEXTS),
    "assume": Key("assume", _TEXT_OR_TEXTS, _listed),
    "configuration": Key("configuration", TEXT, is_path=True),
    "started_at": Key("started_at", TEXT),
    "timestamp_unit": Key("timestamp_unit", choice("us", "ns")),
    "skip_bad": Key("skip_bad", FLAG),
    "allow_empty": Key("allow_empty", FLAG),
}
