"""Reads a job file, and finds whatever is wrong in it before anything runs."""

from __future__ import annotations

import glob
import os
import re
import tomllib
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.disk.checked_toml import COUNT, TABLE, TABLES, TEXT, TEXTS, TomlTable, choice, either, read_toml
from pipeline.disk.local_path import local_path
from pipeline.errors import TomlError, UsageError, suggest
from pipeline.importers.known import list_harnesses
from pipeline.jobs.destinations import PERIOD, Destination
from pipeline.jobs.job import Job, JobExport, JobImport, Keep
from pipeline.jobs.keys import EXPORT_KEYS, IMPORT_KEYS, Key
from pipeline.jobs.periods import ALL, PERIODS, Period, require_dividing
from pipeline.model.timestamps import parse_instant, parse_zone
from pipeline.targets.target_file import read_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.targets.target_file import Target

_JOB = {
    "name": TEXT,
    "source": TEXT,
    "timezone": TEXT,
    "metrics": TEXT,
    "import": TABLE,
    "export": TABLES,
    "check": TABLES,
}
_CHECK = {"targets": TEXT, "of": TEXT}
_IMPORT = {"files": either(TEXT, TEXTS), "settle": TEXT, **{name: key.kind for name, key in IMPORT_KEYS.items()}}
_EXPORT = {
    "name": TEXT,
    "kind": choice(*EXPORT_KEYS),
    "period": choice(*PERIODS),
    "to": TEXT,
    "grace": TEXT,
    "keep": either(COUNT, TEXT),
    "empty": choice("skip", "publish"),
}
JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
"""Of a job, and of an export in it: it stands in packages."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DURATION = re.compile(r"(0|[1-9]\d{0,5})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NANOSECONDS = 1_000_000_000
_ABSOLUTE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_job(path: str | Path, settings: Mapping[str, str] | None = None) -> Job:
    """Read a job file.

    Args:
        path: the file.
        settings: values that stand in place of the file's, by key: `source`, `import.settle`, `EXPORT.keep`; as TOML,
            or as the text itself.

    Raises:
        TomlError: it cannot be read, or something in it is wrong; it names the line.
        UsageError: a setting names no key.
    """
    root = read_toml(path)
    root = _with_settings(root, settings or {})
    root.check(_JOB, required=["source", "export"])
    directory = local_path(path).resolve().parent
    name = root.values.get("name", local_path(path).stem)
    if not JOB_NAME.fullmatch(name):
        raise root.error(f"name {name!r}: give letters, digits, - and _, at most 64; it stands in packages", "name")
    zone = _expanded(root, "timezone") if "timezone" in root.values else None
    try:
        parse_zone(zone or "UTC")
    except UsageError as error:
        raise root.error(f"timezone{str(error).removeprefix('--timezone')}", "timezone") from error
    job = Job(
        path=local_path(path),
        name=name,
        source=_path(root, "source", directory),
        timezone=zone,
        metrics=_path(root, "metrics", directory) if "metrics" in root.values else None,
        imports=_read_import(root, directory),
    )
    _require_own_metrics(root, job)
    exports = tuple(_read_export(table, directory, job) for table in root.tables("export"))
    if not exports:
        raise root.error("export: name at least one, under [[export]]", "export")
    _require_apart(root.tables("export"), exports)
    return replace(job, exports=_with_targets(root, directory, exports))


def _require_own_metrics(root: TomlTable, job: Job) -> None:
    """Refuse metrics in the place of what the job reads."""
    if job.metrics is None:
        return
    place, told = Path(os.path.realpath(job.metrics)), f"metrics {root.values['metrics']!r}"
    if place.is_relative_to(os.path.realpath(job.source)):
        raise root.error(f"{told} lies in the source, which holds sessions only; choose another", "metrics")
    if place == Path(os.path.realpath(job.path)):
        raise root.error(f"{told} is this file; choose another", "metrics")


def _with_targets(root: TomlTable, directory: Path, exports: Sequence[JobExport]) -> tuple[JobExport, ...]:
    """Add the targets that are to be checked to their exports."""
    targets: dict[str, tuple[Target, ...]] = {}
    for table in root.tables("check"):
        table.check(_CHECK, required=["targets", "of"])
        of, names = table.values["of"], [export.name for export in exports]
        if of not in names:
            raise table.error(f"of {of!r}: no export has this name; {suggest(of, names, noun='exports')}", "of")
        if of in targets:
            raise table.error(f"of {of!r}: is checked already; put its targets into one file", "of")
        if exports[names.index(of)].options.get("engine") == "spark":
            raise table.error(
                f"of {of!r}: rows are checked here, and it has the engine spark; check them in a job of their own, "
                "or with `pipeline check`",
                "of",
            )
        targets[of] = read_targets(_path(table, "targets", directory))
    return tuple(replace(export, targets=targets.get(export.name, ())) for export in exports)


def _with_settings(root: TomlTable, settings: Mapping[str, str]) -> TomlTable:
    """Put settings in the place of what the file says."""
    for key, text in settings.items():
        table, _, name = str(key).rpartition(".")
        own: Any = root.values
        if table == "import":
            own = root.values.get("import")
        elif table:
            named = _named_exports(root.values.get("export"))
            own = named.get(table)
            if own is None:
                choices = [*named, "import"]
                raise UsageError(f"--set {key}: no export {table!r}; {suggest(table, choices, noun='exports')}")
        if not isinstance(own, dict):
            raise UsageError(f"--set {key}: the file has no [{table}]")
        known = _JOB if own is root.values else _IMPORT if table == "import" else _EXPORT | _keys_of(own)
        if name not in known or name in {"import", "export", "check"}:
            raise UsageError(f"--set {key}: no key {name!r}; {suggest(name, known, noun='keys')}")
        own[name] = _value(text)
        if not known[name].takes(own[name]) and known[name].takes(text):
            own[name] = text  # a text that looks like another value, such as keep = 2026
    return root


def _named_exports(exports: object) -> dict[str, dict[str, Any]]:
    """Give the exports of a file that nobody has checked yet, by name."""
    tables = [one for one in exports if isinstance(one, dict)] if isinstance(exports, list) else []
    return {one["name"]: one for one in tables if isinstance(one.get("name"), str)}


def _value(text: str) -> Any:  # noqa: ANN401 - any value of TOML
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return values["value"] if values.keys() == {"value"} else text  # of several lines


def _keys_of(export: Mapping[str, Any]) -> dict[str, Any]:
    kind = export.get("kind")
    if not isinstance(kind, str):
        return {}
    return {name: key.kind for name, key in EXPORT_KEYS.get(kind, EXPORT_KEYS["statistics"]).items()}


def _read_import(root: TomlTable, directory: Path) -> JobImport | None:
    table = root.table("import")
    if table is None:
        return None
    table.check(_IMPORT, required=["files"])
    files = table.values["files"]
    patterns = [files] if isinstance(files, str) else files
    if not patterns:
        raise table.error("files names no file", "files")
    options = {"if_exists": "skip", **_options(table, IMPORT_KEYS, directory)}
    if "importer" in options:
        options["importer"] = _importer(table, options["importer"], directory)
    if "started_at" in options:
        _require_time(table, "started_at")
    return JobImport(
        files=tuple(_pattern(table, one, directory) for one in patterns),
        settle_seconds=_seconds(table, "settle", "0s"),
        options=options,
    )


def _pattern(table: TomlTable, text: str, directory: Path) -> str:
    """Give a pattern of files from the directory of the job on, whose own name is none, whatever is in it."""
    given = _without_variables(table, text, "files")
    try:
        local_path(given)
    except UsageError as error:
        raise table.error(str(error), "files") from error
    begin = glob.escape(str(directory)) if glob.has_magic(given) else str(directory)
    return os.path.join(begin, given)  # noqa: PTH118 - a pattern of a user


def _importer(table: TomlTable, given: str, directory: Path) -> str:
    """Give the importer that `from` names: an SQL file, which lies where the paths of the job begin, or a harness."""
    if given.endswith(".sql"):
        return str(directory / _without_variables(table, given, "from"))
    try:
        list_harnesses(given)
    except UsageError as error:
        raise table.error(f"from {error}; or name a file.sql", "from") from error
    return given


def _read_export(table: TomlTable, directory: Path, job: Job) -> JobExport:
    kind = table.values.get("kind")
    own = EXPORT_KEYS.get(kind, {}) if isinstance(kind, str) else {}
    # Without a kind that is known, keys of none are known.
    known = own or {**EXPORT_KEYS["measurements"], **EXPORT_KEYS["statistics"]}
    table.check(
        {**_EXPORT, **{name: key.kind for name, key in known.items()}}, required=["name", "kind", "period", "to"]
    )
    values = table.values
    if not JOB_NAME.fullmatch(values["name"]):
        raise table.error(f"name {values['name']!r}: give letters, digits, - and _, at most 64", "name")
    export = JobExport(
        name=values["name"],
        kind=values["kind"],
        period=values["period"],
        destination=_destination(table, directory),
        grace=_seconds(table, "grace", "0s") * _NANOSECONDS,
        keep=_keep(table),
        publishes_empty=values.get("empty") == "publish",
        options=_options(table, own, directory),
    )
    if Path(os.path.realpath(export.destination.root)).is_relative_to(os.path.realpath(job.source)):
        raise table.error(f"to {values['to']!r} lies in the source, which holds sessions only; choose another", "to")
    if export.period == "all" and "grace" in values:
        raise table.error("grace: a period of all never ends; leave it out", "grace")
    for name in ("since", "until"):
        if name in values:
            _require_time(table, name)
    _require_fitting(table, job, export)
    return export


def _destination(table: TomlTable, directory: Path) -> Destination:
    to = _without_variables(table, table.values["to"], "to")
    times = to.count(PERIOD)
    if times > 1 or (times == 0 and table.values["period"] != "all"):
        raise table.error(f"to {to!r}: name {PERIOD} once, which is another path for each period", "to")
    if re.search(r"[{}]", to.replace(PERIOD, "")):
        raise table.error(f"to {to!r}: {PERIOD} is all that may stand in braces", "to")
    try:
        return Destination(os.path.normpath(directory / local_path(to)))
    except UsageError as error:
        raise table.error(str(error), "to") from error


def _keep(table: TomlTable) -> Keep | None:
    keep = table.values.get("keep")
    if keep is None:
        return None
    if table.values["period"] == "all":
        raise table.error("keep: a period of all has one package; leave it out", "keep")
    if isinstance(keep, int):
        return Keep(count=keep)
    seconds = _seconds(table, "keep", "")
    if not seconds:
        raise table.error("keep: nothing would be kept; give an age such as '90d', or a number of periods", "keep")
    return Keep(nanoseconds=seconds * _NANOSECONDS)


def _seconds(table: TomlTable, key: str, default: str) -> int:
    text = table.values.get(key, default)
    match = _DURATION.fullmatch(text)
    if match is None:
        raise table.error(f"{key} {text!r}: give a number and s, m, h, d or w, such as '2h' or '90d'", key)
    return int(match[1]) * _SECONDS[match[2]]


def _require_time(table: TomlTable, key: str) -> None:
    """Refuse times that mean another moment each night: what they choose would never be the same."""
    text = table.values[key]
    told = f"{key} {text!r}: give RFC 3339 or a date such as '2026-11-24'"
    if not _ABSOLUTE.match(text):
        raise table.error(f"{told}, which mean the same every night", key)
    try:
        parse_instant(text, option=key)
    except UsageError as error:
        raise table.error(told, key) from error


def _options(table: TomlTable, keys: Mapping[str, Key], directory: Path) -> dict[str, Any]:
    options = {}
    for name, key in keys.items():
        if name in table.values:
            value = key.read(table.values[name])
            options[key.name] = directory / _without_variables(table, value, name) if key.is_path else value
    return options


def _require_fitting(table: TomlTable, job: Job, export: JobExport) -> None:
    """Refuse options that exclude each other, and windows that would be cut by a period."""
    period = Period("a", None, None, "a") if export.period == "session" else ALL
    try:
        options = job.export_options(export, period)
        options.selection.time_bounds()
        if export.options.get("window") is not None:
            of_sessions = export.options.get("window_origin") == "session"
            require_dividing(export.options["window"], export.period, job.zone, of_sessions=of_sessions)
    except UsageError as error:
        told = re.match(r"--([a-z-]+)", str(error))
        option = told[1] if told else ""
        key = "kind_of" if option == "kind" else option.replace("-", "_")  # `kind` is that of the export
        where = (key,) if key in table.values else ()
        raise table.error(str(error).replace(f"--{option}", key, 1), *where) from error


def _require_apart(tables: Sequence[TomlTable], exports: Sequence[JobExport]) -> None:
    """Refuse two exports of one name or to one place, or of which one would publish into packages of the other."""
    for what, key in (("name", "name"), ("destination", "to")):
        seen: dict[Any, int] = {}
        for at, export in zip(count(), exports):
            before = seen.setdefault(getattr(export, what), at)
            if before != at:
                line = tables[before].line(key)
                raise tables[at].error(
                    f"{key} {tables[at].values[key]!r} is that of the export in line {line}, too", key
                )
    for at, inner in enumerate(exports):
        for outer, table in zip(exports, tables, strict=True):
            if outer is not inner and Path(inner.destination.pattern).is_relative_to(outer.destination.pattern):
                raise tables[at].error(
                    f"to {tables[at].values['to']!r} lies in the packages of the export in line {table.line('to')}, "
                    "which hold files of their own only; choose another",
                    "to",
                )


def _expanded(table: TomlTable, key: str) -> str:
    return _without_variables(table, table.values[key], key)


def _path(table: TomlTable, key: str, directory: Path) -> Path:
    try:
        return Path(os.path.normpath(directory / local_path(_expanded(table, key))))
    except UsageError as error:
        if isinstance(error, TomlError):
            raise
        raise table.error(str(error), key) from error


def _without_variables(table: TomlTable, text: str, key: str) -> str:
    """Put values of the environment in the place of `${NAME}`."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            raise table.error(f"{key}: the environment has no {match[1]!r}", key)
        return found

    return _VARIABLE.sub(value, text)
