"""What a package's descriptor says of its files, checked before anything is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.model.columns import ATTRIBUTE_TYPES
from pipeline.package.attached import ATTACHED, ATTACHED_KEY
from pipeline.package.layout import DESCRIPTOR, FORMAT_VERSION, MANIFEST
from pipeline.package.names import ANY_TABLE
from pipeline.writers.formats import FORMATS
from pipeline.writers.locales import LOCALES, PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES = {"measurements", "statistics", "sessions", ANY_TABLE}
_TYPES = {*ATTRIBUTE_TYPES, "timestamp[us]", "timestamp[ns]"}
_DIGEST = r"rows1:[0-9a-f]{32}"
_HASH = r"sha256:[0-9a-f]{64}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedSession:
    """What a file is said to hold of one session; what is not said is None."""

    session_id: str
    rows: int
    first_sequence: int | None
    last_sequence: int | None
    digest: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What is said of one file.

    Attributes:
        path: its name.
        bytes: its size.
        sha256: its hash, None where there is none.
        table: `measurements`, `statistics`, `sessions`, or `table` of any rows.
        format: name of its format.
        compression: around or inside it.
        columns: name and type name of each column, in order.
        rows: number of its rows.
        digest: digest of its rows, None where there is none.
        sessions: by id, of measurements.
        is_spreadsheet: it is of the variant for spreadsheet programs.
        delimiter: what stands between fields of CSV.
        is_attached: it holds no table; its table is then its kind, and it has neither columns nor rows.
    """

    path: str
    bytes: int
    sha256: str | None
    table: str
    format: str
    compression: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    digest: str | None
    sessions: Mapping[str, DescribedSession]
    is_spreadsheet: bool
    delimiter: str
    is_attached: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether nothing but the number of its rows can be compared: what it is for shows values in another form."""
        return self.is_spreadsheet or self.format == "xlsx"


def parse_descriptor(descriptor: Any) -> list[Described]:  # noqa: ANN401 - any JSON value
    """Check a descriptor and give what it says of each file.

    Raises:
        ValueError: it is not one that an export wrote; the message says what is wrong.
    """
    if not isinstance(descriptor, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - bad data, no fault of the program
    version = descriptor.get("pipeline:formatVersion")
    if version != FORMAT_VERSION:
        raise ValueError(f"pipeline:formatVersion is {version!r}; this program reads version {FORMAT_VERSION}")
    options = descriptor.get("pipeline:options")
    if not isinstance(options, dict) or not all(isinstance(options.get(k), bool) for k in ("hashed", "spreadsheet")):
        raise ValueError("pipeline:options does not say how it was written")
    if options.get("locale", "en") not in LOCALES:
        raise ValueError(f"pipeline:options names the locale {options['locale']!r}, which this program does not know")
    resources = descriptor.get("resources")
    if not isinstance(resources, list) or not resources:
        raise ValueError("resources lists no files")
    described: list[Described] = []
    known: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
    for at, resource in enumerate(resources):
        try:
            one = _parse_resource(resource, options)
            described.append(replace(one, columns=known.setdefault(one.columns, one.columns)))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"resource {at + 1} is not as an export describes it ({error!r})") from error
    paths = [one.path for one in described]
    if len({path.lower() for path in paths}) != len(paths):
        raise ValueError("resources names a file twice")
    tables = [one.table for one in described if not one.is_attached]
    if tables.count("sessions") != 1 and tables != [ANY_TABLE]:
        raise ValueError("resources does not name one table of sessions")
    return described


def _parse_attached(resource: Mapping[str, Any], options: Mapping[str, Any]) -> Described:
    kind = _text(resource[ATTACHED_KEY])
    known = ATTACHED[kind]
    if resource["pipeline:format"] != known.format:
        raise ValueError(f"{kind!r} as {resource['pipeline:format']!r}")
    return Described(
        path=_path(resource["path"]),
        bytes=_count(resource["bytes"]),
        sha256=_sha256(resource, options),
        table=kind,
        format=known.format,
        compression="none",
        columns=(),
        rows=0,
        digest=None,
        sessions={},
        is_spreadsheet=False,
        delimiter=PLAIN.delimiter,
        is_attached=True,
    )


def _path(value: object) -> str:
    path = _text(value)
    if "/" in path or "\\" in path or "\0" in path or path.startswith(".") or path in {DESCRIPTOR, MANIFEST, ""}:
        raise ValueError(f"path {path!r}")
    return path


def _sha256(resource: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    return _matching(resource["hash"], _HASH).removeprefix("sha256:") if options["hashed"] else None


def _parse_resource(resource: Mapping[str, Any], options: Mapping[str, Any]) -> Described:
    if ATTACHED_KEY in resource:
        return _parse_attached(resource, options)
    format_name = resource.get("pipeline:format") or _text(resource["format"])
    schema = resource.get("pipeline:schema") or resource["schema"]
    columns = tuple((_text(field["name"]), _text(field["pipeline:type"])) for field in schema["fields"])
    is_spreadsheet = options["spreadsheet"] and format_name == "csv"
    path = _path(resource["path"])
    table, compression = (_text(resource[key]) for key in ("pipeline:table", "pipeline:compression"))
    if format_name not in FORMATS or compression not in FORMATS[format_name].compressions or table not in _TABLES:
        raise ValueError(f"{table!r} as {format_name!r}, {compression!r}")
    if not columns or not {kind for _, kind in columns} <= _TYPES:
        raise ValueError("schema")
    is_exact = FORMATS[format_name].is_exact and not is_spreadsheet
    sessions = [
        _parse_session(one, is_exact=is_exact)
        for one in (resource["pipeline:sessions"] if table == "measurements" else [])
    ]
    rows = _count(resource["pipeline:rowCount"])
    if table == "measurements" and sum(one.rows for one in sessions) != rows:
        raise ValueError("pipeline:rowCount is not the sum over pipeline:sessions")
    if len({one.session_id for one in sessions}) != len(sessions):
        raise ValueError("pipeline:sessions names a session twice")
    return Described(
        path=path,
        bytes=_count(resource["bytes"]),
        sha256=_sha256(resource, options),
        table=table,
        format=format_name,
        compression=compression,
        columns=columns,
        rows=rows,
        digest=_matching(resource["pipeline:contentDigest"], _DIGEST) if options["hashed"] and is_exact else None,
        sessions={one.session_id: one for one in sessions},
        is_spreadsheet=is_spreadsheet,
        delimiter=LOCALES[options["locale"]].delimiter if is_spreadsheet and "locale" in options else PLAIN.delimiter,
    )


def _parse_session(session: Mapping[str, Any], *, is_exact: bool) -> DescribedSession:
    first, last = session.get("firstSequence"), session.get("lastSequence")
    return DescribedSession(
        session_id=_text(session["session_id"]),
        rows=_count(session["rowCount"]),
        first_sequence=None if first is None else _integer(first),
        last_sequence=None if last is None else _integer(last),
        digest=_matching(session["contentDigest"], _DIGEST) if "contentDigest" in session and is_exact else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no integer")
    return value


def _count(value: object) -> int:
    number = _integer(value)
    if number < 0:
        raise ValueError(f"{value!r} is less than nothing")
    return number


def _matching(value: object, pattern: str) -> str:
    text = _text(value)
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(f"{text!r}")
    return text
