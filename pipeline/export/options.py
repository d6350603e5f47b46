"""One export's options, and which of them exclude each other."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.disk.local_path import local_path
from pipeline.errors import UsageError, suggest
from pipeline.export.sizes import parse_size
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.options import Selection
from pipeline.statistics.options import StatisticsOptions
from pipeline.writers.formats import FORMATS, Format

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.sources.open import Source

_NAMES = (
    "overwrite",
    "rows_per_file",
    "spreadsheet",
    "package_metadata",
    "fail_if_empty",
    "sync",
    "hashed",
    "verify",
    "discard_stage",
    "threads",
    "batch_size",
    "memory_limit",
)

Scope = Literal["per-session", "cross-session"]
SCOPES = ("per-session", "cross-session")
STANDARD_OUTPUT = "-"
MAX_SPREADSHEET_ROWS = 1_048_575
"""Rows of a worksheet, less the header."""


@dataclass(frozen=True)
class Form:
    """How the files of one table are written.

    Attributes:
        format: their format.
        compression: around or inside it.
        scope: what a file or row is of.
        spreadsheet: write the variant for spreadsheet programs.
    """

    format: Format
    compression: str
    scope: Scope
    spreadsheet: bool


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """One export, with all its options.

    Attributes:
        source: a store, files, globs or a DuckDB file.
        to: the directory to publish, or `-` for standard output.
        tables: the tables to write, of `measurements` and `statistics`.
        scope: one file or row per session, or over all.
        format: name of the format of the tables.
        compression: its compression, the format's default where None.
        selection: what to take.
        statistics: what to aggregate.
        overwrite: replace a package that an export wrote.
        rows_per_file: split files after so many rows.
        spreadsheet: write CSV for spreadsheet programs.
        package_metadata: JSON file whose members the descriptor gets.
        fail_if_empty: no row is an error.
        sync: make the package durable.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        discard_stage: remove what an interrupted run left, instead of continuing it or refusing.
        threads: of the engine.
        batch_size: rows of a batch.
        memory_limit: of sorting and of statistics, such as `128MB`.
    """

    source: Source
    to: str | Path
    tables: tuple[str, ...]
    scope: Scope
    format: str
    compression: str | None = None
    selection: Selection = field(default_factory=Selection)
    statistics: StatisticsOptions = field(default_factory=StatisticsOptions)
    overwrite: bool = False
    rows_per_file: int | None = None
    spreadsheet: bool = False
    package_metadata: str | Path | None = None
    fail_if_empty: bool = False
    sync: bool = True
    hashed: bool = True
    verify: bool = False
    discard_stage: bool = False
    threads: int | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    memory_limit: str | None = None

    def __post_init__(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            UsageError: they do, a choice does not exist, or the destination is a URL.
        """
        _require_choice("--scope", self.scope, SCOPES)
        self._check_format()
        for option, number in (
            ("--rows-per-file", self.rows_per_file),
            ("--batch-size", self.batch_size),
            ("--threads", self.threads),
        ):
            if number is not None and number < 1:
                raise UsageError(f"{option} {number}: must be 1 or more")
        if self.memory_limit is not None:
            parse_size(self.memory_limit)
        if self.verify and not self.hashed:
            raise UsageError("--verify compares digests, and --no-hash computes none; leave one of them out")
        if self.to_standard_output:
            self._check_standard_output()
        else:
            self._check_directory(local_path(self.to))

    def _check_directory(self, to: Path) -> None:
        if to.name in {"", ".."}:
            raise UsageError(f"--to {self.to}: name a directory that the export can create")
        if to.suffix.lstrip(".") in {*FORMATS, "gz", "zst", "jsonl", "lp"} and not to.is_dir():
            raise UsageError(
                f"--to {self.to}: names a directory, in which the files get their names; "
                f"for one file, write --to - > {self.to}"
            )

    def _check_format(self) -> None:
        _require_choice("--format", self.format, tuple(FORMATS))
        if self.compression is not None and self.compression not in self.output_format.compressions:
            choices = ", ".join(self.output_format.compressions)
            raise UsageError(f"--compression {self.compression}: {self.format} can have {choices}")
        if self.format == "influx" and "measurements" not in self.tables:
            raise UsageError("--format influx holds measurements; choose another for statistics")
        if self.format == "xlsx" and self.tables != ("statistics",):
            raise UsageError("--format xlsx holds statistics; for measurements there is --format csv --spreadsheet")
        if self.spreadsheet and self.format != "csv":
            raise UsageError(f"--spreadsheet is a variant of csv; with --format {self.format} there is none")

    def _check_standard_output(self) -> None:
        if "measurements" in self.tables and self.scope == "per-session":
            raise UsageError("--to - writes one file; --scope per-session makes several")
        for option, given in (
            ("--with-statistics", len(self.tables) > 1),
            ("--rows-per-file", self.rows_per_file is not None),
            ("--overwrite", self.overwrite),
            ("--package-metadata", self.package_metadata is not None),
            ("--verify", self.verify),
            ("--discard-stage", self.discard_stage),
        ):
            if given:
                raise UsageError(f"--to - writes one file and no package; leave {option} out")

    @property
    def to_standard_output(self) -> bool:
        """Whether the export is one file to standard output."""
        return str(self.to) == STANDARD_OUTPUT

    @property
    def output_format(self) -> Format:
        """The format of the tables."""
        return FORMATS[self.format]

    @property
    def chosen_compression(self) -> str:
        """The compression, the format's default where none was chosen."""
        return self.compression or self.output_format.compressions[0]

    @property
    def digested(self) -> bool:
        """Whether digests of rows are computed; the variant for spreadsheet programs changes text on purpose."""
        return self.hashed and not self.spreadsheet

    @property
    def rows_of_a_part(self) -> int | None:
        """Rows after which a file ends; those of a worksheet, at most, where one is meant."""
        if self.to_standard_output:
            return None
        if self.spreadsheet or self.format == "xlsx":
            return min(self.rows_per_file or MAX_SPREADSHEET_ROWS, MAX_SPREADSHEET_ROWS)
        return self.rows_per_file

    def form(self, table: str) -> Form:
        """How a table is written: the first one as chosen, tables beside it are plain CSV, not pooled."""
        if table == self.tables[0]:
            return Form(self.output_format, self.chosen_compression, self.scope, self.spreadsheet)
        return Form(FORMATS["csv"], "none", "per-session", self.spreadsheet)

    def shaping_options(self) -> dict[str, Any]:
        """The options that shape what is published, as JSON values."""
        options: dict[str, Any] = {
            "tables": list(self.tables),
            "scope": self.scope,
            "format": self.format,
            "compression": self.chosen_compression,
            "selection": asdict(self.selection) | self.selection.resolved_times(),
            "rows_per_file": self.rows_per_file,
            "spreadsheet": self.spreadsheet,
            "hashed": self.hashed,
        }
        if "statistics" in self.tables:
            statistics = asdict(self.statistics)
            statistics.pop("parsed_window")
            options["statistics"] = statistics
        return options


def _require_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value!r}: {suggest(value, choices, noun='choices')}")


def statistics_options(
    selection: Selection,
    *,
    scope: Scope,
    by: Sequence[str],
    window: str | None,
    quantiles: Sequence[str | float],
    lost: Literal["exclude", "infinite"],
) -> StatisticsOptions:
    """Make the options of statistics from what a caller says; they are those of `export_statistics`."""
    return StatisticsOptions(
        by=tuple(by),
        window=window,
        quantiles=tuple(str(number) for number in quantiles),
        lost=lost,
        timezone=selection.timezone or "UTC",
        pooled=scope == "cross-session",
    )


def split_options(options: dict[str, Any]) -> tuple[Selection, dict[str, Any]]:
    """Part the options of a selection from those of an export."""
    names = Selection.__dataclass_fields__.keys()
    for name in options:
        if name not in names and name not in _NAMES:
            raise UsageError(f"no option {name!r}; {suggest(name, [*names, *_NAMES], noun='options')}")
    chosen = {name: value for name, value in options.items() if name in names}
    return Selection(**chosen), {name: value for name, value in options.items() if name not in names}
