"""How files become sessions of a store, checked before any file is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import read_json
from pipeline.errors import SourceError, UsageError, suggest
from pipeline.importers.csv_shape import parse_header
from pipeline.model.timestamps import parse_timestamp, parse_zone
from pipeline.sources.options import PlainOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from pipeline.importers.definition import Definition
    from pipeline.model.columns import TimestampUnit

IfExists = Literal["error", "skip", "replace"]


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to import files.

    Attributes:
        if_exists: what to do with a session that the store has.
        zone: zone of times that name none.
        session_id: id of the session, instead of what a file or its name says.
        configuration: of sessions whose file says none.
        started_at: start of sessions whose file does not say it, as text.
        skip_bad: leave out records that cannot be read.
        allow_empty: take a harness file without samples as a session without rows.
        header: names of the columns of CSV files without a header line.
        assumed: what files do not say, by name.
    """

    if_exists: IfExists = "error"
    zone: tzinfo | None = None
    session_id: str | None = None
    configuration: Mapping[str, Any] | None = None
    started_at: str | None = None
    skip_bad: bool = False
    allow_empty: bool = False
    header: tuple[str, ...] | None = None
    assumed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        *,
        if_exists: IfExists,
        timezone: str | None,
        session_id: str | None,
        configuration: str | Path | dict[str, Any] | None,
        started_at: str | None,
        skip_bad: bool,
        allow_empty: bool,
        header: str | Sequence[str] | None,
        assume: Sequence[str],
    ) -> Self:
        """Take them as a user gives them.

        Raises:
            UsageError: one cannot be read.
            SourceError: the file of the configuration cannot be read, or it is no JSON object.
        """
        zone = parse_zone(timezone) if timezone else None
        if started_at is not None:
            try:
                parse_timestamp(started_at, "us", zone)
            except ValueError as error:
                raise UsageError(f"--started-at: {error}") from error
        return cls(
            if_exists=if_exists,
            zone=zone,
            session_id=session_id,
            configuration=_read_configuration(configuration),
            started_at=started_at,
            skip_bad=skip_bad,
            allow_empty=allow_empty,
            header=None if header is None else parse_header(header),
            assumed=_read_assumed(assume),
        )

    def require_fitting(self, definitions: Mapping[Path, Definition], plain: Sequence[Path]) -> None:
        """Check that what was given of the files is asked for.

        Args:
            definitions: importers by file.
            plain: files of measurements, which need none.

        Raises:
            UsageError: it is not; the message says of which file, or what there is.
        """
        for path in plain if self.header else ():
            raise UsageError(f"--header: {path} is a file of measurements, which names its columns itself")
        for path, one in definitions.items() if self.header else ():
            if one.format != "csv":
                kind = "lines of text" if one.format == "lines" else one.format.upper()
                raise UsageError(f"--header: {path} is no CSV file but {kind}")
        choices = {name: values for one in definitions.values() for name, values in one.choices.items()}
        for name, value in self.assumed.items():
            if name not in choices:
                hint = suggest(name, choices, noun="names") if choices else "its importer asks nothing"
                raise UsageError(f"--assume {name}={value}: nothing of that name is asked; {hint}")
            if value not in choices[name]:
                raise UsageError(f"--assume {name}={value}: {suggest(value, choices[name], noun='values')}")

    def of_plain_files(self, unit: TimestampUnit, attributes: Mapping[str, str]) -> PlainOptions:
        """How files of measurements are read.

        Args:
            unit: timestamp unit of the store.
            attributes: type name by attribute column of the sessions that the store has.
        """
        return PlainOptions(
            timestamp_unit=unit,
            zone=self.zone,
            session_id=self.session_id,
            configuration=self.configuration,
            started_at=self.started_at,
            skip_bad=self.skip_bad,
            attributes=attributes,
            # Whether a session that is replaced had other types does not matter; it is known when the rows are.
            kept_attributes={} if self.if_exists == "replace" else attributes,
        )


def _read_assumed(given: Sequence[str]) -> dict[str, str]:
    assumed = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or not value or name in assumed:
            reason = "is given twice" if name in assumed else "give NAME=VALUE"
            raise UsageError(f"--assume {text!r}: {reason}")
        assumed[name] = value
    return assumed


def _read_configuration(configuration: str | Path | dict[str, Any] | None) -> dict[str, Any] | None:
    value: Any = configuration
    if isinstance(configuration, str | Path):
        value = read_json(local_path(configuration), may_be_pipe=True)
    if value is not None and not isinstance(value, dict):
        raise SourceError(f"--configuration {configuration}: must hold a JSON object")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise SourceError(f"configuration: is no JSON object ({error})") from error
    return None if value is None else dict(json.loads(text))
