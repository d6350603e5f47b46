"""What people see: progress while a command runs, and what it did."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.export.result import ExportResult
    from pipeline.importers.result import ImportResult
    from pipeline.publish.leftovers import StagedPackage
    from pipeline.verify.verification import Verification

_PROGRESS_INTERVAL_SECONDS = 0.1
_PROGRESS_DELAY_SECONDS = 0.5
_CLEAR_LINE = "\r\x1b[K"


@contextmanager
def writing_to_standard_output() -> Iterator[None]:
    """Say that standard output cannot be written where that is what fails."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_standard_output()
        raise DestinationError(f"standard output: cannot be written ({error.strerror})") from error


def drop_standard_output() -> None:
    """Write nothing more to standard output."""
    # The interpreter would flush standard output again when it ends, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Progress:
    """A line on standard error, where that is a terminal, for work that takes longer than a moment."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._started = time.monotonic()
        self._next = self._started + _PROGRESS_DELAY_SECONDS
        self._written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._written:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()

    def update(self, done: int, total: int, written: int | None = None) -> None:
        """Show how far the work is.

        Args:
            done: rows done.
            total: rows there are, at most; 0 where nobody knows.
            written: bytes written, where they are counted.
        """
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _PROGRESS_INTERVAL_SECONDS
        self._written = True
        rate = done / (now - self._started)
        left = f", {duration((total - done) / rate)} left" if rate and total > done else ""
        sized = "" if written is None else f", {size(written)}"
        share, whole = (f"{done / total:4.0%} ", f" of {total:,}") if total else ("", "")
        sys.stderr.write(f"{_CLEAR_LINE}{share}{done:,}{whole} rows, {rate:,.0f} rows/s{sized}{left}")
        sys.stderr.flush()


def size(number: float) -> str:
    """Write a number of bytes in decimal units."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """Write a duration."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_export(report: ExportResult, *, as_json: bool, quiet: bool) -> None:
    """Tell what an export wrote; beside an export to standard output this goes to standard error."""
    out = sys.stderr if report.to == "-" else sys.stdout
    _warn(report.warnings)
    if quiet:
        return
    if as_json:
        value = asdict(report) | {"rows": report.rows, "bytes": report.bytes}
        print(json.dumps(value, ensure_ascii=False, indent=2), file=out)
        return
    name_width = max(len(file.name) for file in report.files)
    for file in report.files:
        print(f"{file.name:<{name_width}}  {counted(file.rows, 'row'):>16}  {size(file.bytes):>10}", file=out)
    figures = f"{counted(len(report.files), 'file')}, {counted(report.rows, 'row')}, {size(report.bytes)}"
    if report.is_unchanged:
        print(f"{report.to}: is this package already, complete; nothing to do ({figures})", file=out)
    else:
        sessions = counted(report.sessions, "session")
        print(f"{report.to}: {figures} of {sessions} in {duration(report.seconds)}", file=out)


def print_import(report: ImportResult, *, as_json: bool, quiet: bool) -> None:
    """Tell what an import wrote."""
    warnings = []
    if report.skipped_rows:
        warnings.append(f"{counted(report.skipped_rows, 'bad row')} left out")
    if report.dropped_digits:
        warnings.append(
            f"{counted(report.dropped_digits, 'time')} had digits below the store's unit, which were dropped"
        )
    _warn(tuple(warnings))
    if quiet:
        return
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=2))
        return
    for session_id in report.imported:
        print(session_id)
    skipped = f", {counted(len(report.unchanged), 'session')} there already" if report.unchanged else ""
    figures = f"{counted(len(report.imported), 'session')}, {counted(report.rows, 'row')}"
    print(f"{report.to}: {figures} imported{skipped} in {duration(report.seconds)}")


def print_verification(found: Verification, *, as_json: bool, quiet: bool) -> None:
    """Tell what a verification found, a line for each problem."""
    if not found.is_hashed and not found.problems:
        _warn(("the package was written without hashes; not all damage can be found",))
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
        return
    for problem in found.problems:
        print(f"{problem.file}: {problem.problem}")
    if found.problems or quiet:
        return
    what = "names, sizes and hashes" if found.is_quick else f"{counted(found.rows, 'row')} read back"
    figures = f"{counted(found.files, 'file')}, {size(found.bytes)}, {what}"
    print(f"{found.directory}: is complete and undamaged ({figures}) in {duration(found.seconds)}")


def print_stages(found: Sequence[StagedPackage], *, as_json: bool) -> None:
    """Tell which stages there are, and what became of them."""
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        state = "held by a run" if one.is_held else "removed" if one.is_removed else "left by a run that has ended"
        figures = f"{counted(one.files, 'finished file')}, {size(one.bytes)}, last written {one.changed_at}"
        print(f"{one.destination}: {state} ({figures})")


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        print(f"pipeline: warning: {warning}", file=sys.stderr)
