"""One export's options, and which of them exclude each other."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.arguments import time_text
from pipeline.disk.local_path import local_path
from pipeline.errors import UsageError, suggest
from pipeline.export.sizes import parse_size
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.options import Selection
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.statistics.options import StatisticsOptions
from pipeline.writers.formats import FORMATS, MAX_SHEET_ROWS, Format
from pipeline.writers.locales import LOCALES, PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.package.job_note import JobNote
    from pipeline.sources.open import Source
    from pipeline.targets.target_file import Target
    from pipeline.writers.locales import Locale

Scope = Literal["per-session", "cross-session"]
Engine = Literal["local", "spark"]
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Form:
    """How the files of one table are written.

    Attributes:
        format: their format.
        compression: around or inside it.
        scope: what a file or row is of, None for a table of any rows.
        spreadsheet: write the variant for spreadsheet programs of this locale.
        timezone: IANA name of the zone of dates that name none.
    """

    format: Format
    compression: str
    scope: Scope | None
    spreadsheet: Locale | None
    timezone: str | None


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
        locale: their language, which says what stands between fields and before decimals.
        package_metadata: JSON file whose members the descriptor gets.
        fail_if_empty: no row is an error.
        sync: make the package durable.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        report: add the report of what the package holds.
        discard_stage: remove what an interrupted run left, instead of continuing it.
        keep_stage: refuse where what an interrupted run left cannot be continued, instead of removing it.
        engine: `local`, or `spark` for a cluster that speaks Spark Connect; the files are the same.
        master: address of its server.
        rows_per_task: rows of a task there, at least; 2,000,000 where it is None.
        threads: of the engine.
        batch_size: rows of a batch.
        memory_limit: of sorting and of statistics, such as `128MB`.
        job: the period of a job for which the package is made; then there may be nothing to select.
        targets: what the rows are checked against; the verdicts are in the package.
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
    locale: str | None = None
    package_metadata: str | Path | None = None
    fail_if_empty: bool = False
    sync: bool = True
    hashed: bool = True
    verify: bool = False
    report: bool = False
    discard_stage: bool = False
    keep_stage: bool = False
    engine: Engine = "local"
    master: str | None = None
    rows_per_task: int | None = None
    threads: int | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    memory_limit: str | None = None
    job: JobNote | None = None
    targets: tuple[Target, ...] = ()

    def __post_init__(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            UsageError: they do, or the destination is a URL.
        """
        self._check_format()
        if self.memory_limit is not None:
            parse_size(self.memory_limit)
        if self.verify and not self.hashed:
            raise UsageError("--verify compares digests, and --no-hash computes none; leave one of them out")
        if self.discard_stage and self.keep_stage:
            raise UsageError("--discard-stage removes what --keep-stage keeps; leave one of them out")
        self._check_engine()
        if self.to_standard_output:
            self._check_standard_output()
        else:
            require_directory(local_path(self.to), f"; for one file, write --to - > {self.to}")

    def _check_format(self) -> None:
        if self.compression is not None and self.compression not in self.output_format.compressions:
            choices = ", ".join(self.output_format.compressions)
            raise UsageError(f"--compression {self.compression}: {self.format} can have {choices}")
        if self.format == "influx" and "measurements" not in self.tables:
            raise UsageError("--format influx holds measurements; choose another for statistics")
        if self.spreadsheet and self.format != "csv":
            raise UsageError(f"--spreadsheet is a variant of csv; with --format {self.format} there is none")
        if self.locale is not None:
            if self.locale not in LOCALES:
                raise UsageError(f"--locale {self.locale!r}: {suggest(self.locale, LOCALES, noun='choices')}")
            if not self.spreadsheet:
                raise UsageError("--locale is of CSV for spreadsheet programs; add --format csv --spreadsheet")

    def _check_engine(self) -> None:
        if self.engine == "local":
            for option, given in (("--master", self.master), ("--rows-per-task", self.rows_per_task)):
                if given is not None:
                    raise UsageError(f"{option} is of a cluster; add --engine spark, or leave it out")
            return
        from pipeline.spark.client import parse_master  # noqa: PLC0415 - few exports need it

        if self.master is None:
            raise UsageError("--engine spark: say where its server is, such as --master sc://localhost:50051")
        parse_master(self.master)
        if self.to_standard_output:
            raise UsageError("--to - is one file, written here; with --engine spark name a directory that workers see")
        if self.report or self.targets:
            what = "--report" if self.report else "--targets"
            raise UsageError(f"{what}: all rows are read here for it; leave it out, or --engine spark")
        if "measurements" in self.tables:
            self._check_shared_out()

    def _check_shared_out(self) -> None:
        """Refuse files of measurements that several workers cannot share."""
        if self.output_format.max_rows is not None:
            raise UsageError(
                f"--format {self.format} holds {self.output_format.max_rows:,} rows in all, which one machine writes "
                "soon; choose another, or leave --engine out"
            )
        if self.scope == "per-session":
            return
        way = "add --scope per-session, or leave --engine out"
        if not self.output_format.is_joined:
            raise UsageError(f"--engine spark: a file of {self.format} over all sessions is written at once; {way}")
        if self.form("measurements").compression != "none":
            raise UsageError(f"--engine spark: a file over all sessions is compressed as one stream; {way}")
        if self.rows_of_a_part is not None:
            end = f"files over all sessions that end after {self.rows_of_a_part:,} rows"
            raise UsageError(f"--engine spark: {end} are cut by one who counts; {way}")

    def _check_standard_output(self) -> None:
        if "measurements" in self.tables and self.scope == "per-session":
            raise UsageError("--to - writes one file; --scope per-session makes several")
        for option, given in (
            ("--with-statistics", len(self.tables) > 1),
            ("--rows-per-file", self.rows_per_file is not None),
            ("--overwrite", self.overwrite),
            ("--package-metadata", self.package_metadata is not None),
            ("--verify", self.verify),
            ("--report", self.report),
            ("--discard-stage", self.discard_stage),
            ("--keep-stage", self.keep_stage),
        ):
            if given:
                raise UsageError(f"--to - writes one file and no package; leave {option} out")

    @property
    def budget_bytes(self) -> int:
        """Memory of statistics."""
        return DEFAULT_BUDGET_BYTES if self.memory_limit is None else parse_size(self.memory_limit)

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
            return min(self.rows_per_file or MAX_SHEET_ROWS, MAX_SHEET_ROWS)
        return self.rows_per_file

    def form(self, table: str) -> Form:
        """How a table is written: the first one as chosen, tables beside it are plain CSV, not pooled."""
        locale = (LOCALES[self.locale] if self.locale else PLAIN) if self.spreadsheet else None
        zone = self.selection.timezone
        if table == self.tables[0]:
            return Form(self.output_format, self.chosen_compression, self.scope, locale, zone)
        return Form(FORMATS["csv"], "none", "per-session", locale, zone)

    def warnings(self) -> tuple[str, ...]:
        """What a user should know of the options, a sentence each."""
        warning = (
            "a spreadsheet program whose decimal sign is a comma takes 40.193 for 40193: "
            "say its language with --locale, such as de, or choose --format xlsx"
        )
        return (warning,) if self.spreadsheet and self.locale is None else ()

    def of_stage(self) -> dict[str, bool]:
        """The options of the stage, by the names that it has for them."""
        return {
            "sync": self.sync,
            "hashed": self.hashed,
            "discard": self.discard_stage,
            "keep": self.keep_stage,
        }

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
        if self.locale is not None:
            options["locale"] = self.locale
        if self.report:
            options["report"] = True
        if "statistics" in self.tables:
            statistics = asdict(self.statistics)
            for derived in ("parsed_window", "known_kinds"):
                statistics.pop(derived)
            # What earlier versions did not have is said where it is used, so that their packages stay the same.
            for name, default in (("window_origin", "epoch"), ("kinds", ())):
                if statistics[name] == default:
                    statistics.pop(name)
            options["statistics"] = statistics
        if self.targets:
            options["targets"] = [target.describe() for target in self.targets]
        return options


def require_directory(to: Path, hint: str = "") -> None:
    """Refuse a destination that is called as a file.

    Args:
        to: the directory to publish.
        hint: how to write a file, behind the message.

    Raises:
        UsageError: it is.
    """
    if to.name in {"", ".."}:
        raise UsageError(f"--to {to}: name a directory that the export can create")
    if to.suffix.lstrip(".") in {*FORMATS, "gz", "zst", "jsonl", "lp"} and not to.is_dir():
        raise UsageError(f"--to {to}: names a directory, in which the files get their names{hint}")


def statistics_options(
    *,
    timezone: str | None,
    scope: Scope,
    by: Sequence[str],
    window: str | None,
    quantiles: Sequence[str | float],
    lost: Literal["exclude", "infinite"],
    window_origin: Literal["epoch", "session"] = "epoch",
    kinds: Sequence[str] = (),
) -> StatisticsOptions:
    """Make the options of statistics from what a caller says; they are those of `export_statistics`."""
    return StatisticsOptions(
        by=tuple(by),
        window=window,
        quantiles=tuple(str(number) for number in quantiles),
        lost=lost,
        timezone=timezone or "UTC",
        pooled=scope == "cross-session",
        window_origin=window_origin,
        kinds=tuple(kinds),
    )


def selection_of(given: Mapping[str, Any]) -> Selection:
    """Make a selection of what a function was given, by the names of its parameters; others are passed over."""
    chosen = {name: given[name] for name in Selection.__dataclass_fields__ if name in given}
    return Selection(**chosen | {name: time_text(chosen.get(name)) for name in ("since", "until")})


def export_options(given: Mapping[str, Any], tables: tuple[str, ...], statistics: StatisticsOptions) -> ExportOptions:
    """Make the options of an export of what a function was given, by the names of its parameters."""
    chosen = {name: given[name] for name in ExportOptions.__dataclass_fields__ if name in given}
    return ExportOptions(**chosen, tables=tables, selection=selection_of(given), statistics=statistics)
