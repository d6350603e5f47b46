"""Judges what nightly jobs have published: read with other readers, against what plain Python says it should be."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from injection import require
from night_store import SLOW, Row
from period_rules import Span, microseconds, span_at, spans_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from night_store import NightlyJob, Nights, Table

_GRACE, _DAY = 7_200_000_000, 86_400_000_000
_LANE = 1 << 64
_FIGURES = ("count", "null_count", "non_finite_count")
Found = Counter[tuple[str, Row]]


def _row(session_id: str, sequence: object, time: datetime | str, metric: str, value: object) -> tuple[str, Row]:
    when = datetime.fromisoformat(time) if isinstance(time, str) else time
    number = None if value in {None, ""} else float(value)  # type: ignore[arg-type]
    return session_id, Row(int(sequence), microseconds(when.astimezone(UTC)), metric, number)  # type: ignore[call-overload]


def _from_table(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Row]]:
    for one in rows:
        yield _row(*(one[name] for name in ("session_id", "sequence", "timestamp", "metric", "value")))


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - after the environment is set

    yield from pq.read_table(path).to_pylist()


def _arrow(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415 - after the environment is set

    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        yield from reader.read_all().to_pylist()


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    yield from map(json.loads, text.splitlines())


def _json(path: Path) -> Iterator[Mapping[str, Any]]:
    yield from json.loads(path.read_text(encoding="utf-8"))["measurements"]


_READERS: dict[str, Callable[[Path], Iterator[Mapping[str, Any]]]] = {
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".csv": _csv,
    ".ndjson": _lines,
    ".gz": _lines,
    ".json": _json,
}


class Package:
    """A package that a job has published."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        """Its descriptor, read when it is asked for."""
        found: dict[str, Any] = json.loads((self.directory / "datapackage.json").read_text(encoding="utf-8"))
        return found

    @property
    def job(self) -> dict[str, Any]:
        """What it says of its job."""
        noted: dict[str, Any] = self.descriptor["pipeline:job"]
        return noted

    @property
    def span(self) -> Span:
        """Its period, if that is one of time."""
        since, until = (
            0 if text is None else microseconds(datetime.fromisoformat(text[:26] + "+00:00"))
            for text in (self.job["from"], self.job["to"])
        )
        return Span(self.job["period"], since, until)

    def resource(self, table: str) -> dict[str, Any]:
        """One of its tables, which is one file."""
        (found,) = (one for one in self.descriptor["resources"] if one["pipeline:table"] == table)
        return dict(found)

    def read(self, table: str) -> list[Mapping[str, Any]]:
        """The rows of a table."""
        path = self.directory / self.resource(table)["path"]
        return list(_READERS[path.suffix](path))


def packages_of(nights: Nights, table: Table) -> dict[str, Package]:
    """The packages of an export, by the name of their period."""
    found = {}
    root = nights.directory / "published" / table.name
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if not path.name.startswith("."):
            found[path.name] = Package(path)
    return found


def closed_periods(nights: Nights, job: NightlyJob, table: Table, at: int) -> dict[str, tuple[Span | None, Found]]:
    """The periods of an export that have rows and have ended, with their rows."""
    found: dict[str, tuple[Span | None, Found]] = {}
    for session_id, rows in nights.sessions.items():
        for row in rows:
            if not table.takes(row):
                continue
            name, span = _period_of(job, table, session_id, row)
            found.setdefault(name, (span, Counter()))[1][session_id, row] += 1
    if table.period == "session":
        ends = {session_id: max(row.time for row in rows) + 1 for session_id, rows in nights.sessions.items()}
        return {name: one for name, one in found.items() if ends[name] + _GRACE <= at}
    return {name: one for name, one in found.items() if one[0] is None or one[0].until + _GRACE <= at}


def _period_of(job: NightlyJob, table: Table, session_id: str, row: Row) -> tuple[str, Span | None]:
    if table.period in {"session", "all"}:
        return (session_id if table.period == "session" else "all"), None
    span = span_at(table.period, row.time, job.zone)
    return span.name, span


def judge_names(nights: Nights, job: NightlyJob, table: Table, at: int) -> None:
    """Check after a run that has ended well that each period is published once, and nothing else."""
    there = packages_of(nights, table)
    wanted = closed_periods(nights, job, table, at).keys()
    kept = _kept(nights, job, table, at, there)
    wanted &= kept
    where = f"{job.name}.{table.name} at {at}"
    require(wanted <= there.keys(), f"{where}: not published: {sorted(wanted - there.keys())}")
    for name in sorted(there.keys() - wanted):
        # Nothing is left of it but that it was there; or it is the newest one, which stays; or the clock went back.
        package = there[name]
        is_empty = name in kept and not sum(one["rowCount"] for one in package.job["madeOf"])
        is_newest = name not in kept and name == max(there)
        require(is_empty or is_newest or not _has_ended(package, at), f"{where}: {name} should not be there")


def _kept(nights: Nights, job: NightlyJob, table: Table, at: int, there: Mapping[str, Package]) -> set[str]:
    """Names of the periods that are not older than what is kept."""
    if not table.keep_days and not table.keep_count:
        return {*closed_periods(nights, job, table, at), *there}
    spans = {
        span
        for rows in nights.sessions.values()
        for span in spans_of(table.period, min(row.time for row in rows), max(row.time for row in rows), job.zone)
    }
    spans |= {package.span for package in there.values()}
    if table.keep_count:  # of all that sessions concern, whether they have ended or not
        spans = set(sorted(spans, key=lambda span: span.until)[-table.keep_count :])
    oldest = at - table.keep_days * _DAY if table.keep_days else 0
    return {span.name for span in spans if span.until > oldest}


def _has_ended(package: Package, at: int) -> bool:
    return package.job["to"] is None or package.span.until + _GRACE <= at


def judge_packages(nights: Nights, job: NightlyJob, table: Table, at: int) -> int:
    """Check what lies in the packages of an export, but for those that are too old or too young to be kept up to date.

    Returns:
        number of their rows.
    """
    there = packages_of(nights, table)
    wanted, kept = closed_periods(nights, job, table, at), _kept(nights, job, table, at, there)
    total = 0
    for name, package in there.items():
        where = f"{job.name}.{table.name}: {name}"
        require(package.job["period"] == name, f"{where} says it is {package.job['period']}")
        if name not in kept or not _has_ended(package, at):
            continue
        rows = wanted[name][1] if name in wanted else Counter()
        if table.kind == "measurements":
            found = Counter(_from_table(package.read("measurements")))
            require(found == rows, f"{where}: {found - rows} too many, {rows - found} missing")
        else:
            _judge_figures(where, package, rows)
        of_sessions = Counter({one["session_id"]: one["rowCount"] for one in package.job["madeOf"]})
        require(+of_sessions == Counter(session_id for session_id, _ in rows.elements()), f"{where}: rows are others")
        _judge_sessions(nights, job, table, package)
        total += of_sessions.total()
    return total


def judge_rows(nights: Nights, job: NightlyJob, table: Table, at: int, whole: Path) -> tuple[int, int]:
    """Check the rows of all packages of an export, when all periods have ended.

    Args:
        nights: what should be there.
        job: the job.
        table: the export.
        at: instant of the last run, microseconds since the epoch.
        whole: where one export of everything is published for comparison.

    Returns:
        number of packages, and of rows.
    """
    there = packages_of(nights, table)
    rows = judge_packages(nights, job, table, at)
    if not table.keep_days and not table.keep_count:
        wanted = closed_periods(nights, job, table, at)
        require(wanted.keys() <= there.keys(), f"{table.name}: not published: {wanted.keys() - there.keys()}")
        require(sum(found.total() for _, found in wanted.values()) == rows, f"{table.name}: {rows} rows")
        if table.kind == "measurements":
            _judge_sums(nights, table, list(there.values()), whole / table.name)
    return len(there), rows


def _judge_figures(where: str, package: Package, rows: Found) -> None:
    """Compare the counts of statistics, and the sums, with those of the rows."""
    wanted: Counter[str] = Counter()
    for (_, row), times in rows.items():
        wanted["count" if row.value is not None else "null_count"] += times
    found: Counter[str] = Counter()
    total = 0.0
    for one in package.read("statistics"):
        found.update({name: int(one[name]) for name in _FIGURES})
        total += float(one["sum"] or 0)
    require(+found == +wanted, f"{where}: {found} instead of {wanted}")
    value = sum(row.value or 0 for (_, row), times in rows.items() for _ in range(times))
    require(abs(total - value) <= 1e-9 * max(abs(value), 1), f"{where}: values sum to {total}, not {value}")


def _judge_sessions(nights: Nights, job: NightlyJob, table: Table, package: Package) -> None:
    """The table of sessions lists exactly those whose time range meets the period."""
    name = package.job["period"]
    met = set()
    for session_id, rows in nights.sessions.items():
        first, last = min(row.time for row in rows), max(row.time for row in rows)
        if table.period in {"session", "all"}:
            is_met = name in {session_id, "all"}
        else:
            is_met = any(span.name == name for span in spans_of(table.period, first, last, job.zone))
        if is_met:
            met.add(session_id)
    listed = [one["session_id"] for one in package.read("sessions")]
    require(sorted(listed) == sorted(met), f"{package.directory}: sessions are {listed}, not {met}")


def _lanes(text: str) -> tuple[int, int]:
    digits = text.partition(":")[2]
    return int(digits[:16], 16), int(digits[16:], 16)


def _judge_sums(nights: Nights, table: Table, packages: list[Package], whole: Path) -> None:
    """Digests and counts of all packages sum to those of one export of everything."""
    from pipeline import export_measurements  # noqa: PLC0415 - after the environment is set

    export_measurements(nights.store, whole, where=f"value > {SLOW}" if table.slow else None)
    one = json.loads((whole / "datapackage.json").read_text(encoding="utf-8"))
    (resource,) = (found for found in one["resources"] if found["pipeline:table"] == "measurements")
    resources = [package.resource("measurements") for package in packages]
    rows = sum(found["pipeline:rowCount"] for found in resources)
    require(rows == resource["pipeline:rowCount"], f"{table.name}: {rows} rows, not {resource['pipeline:rowCount']}")
    lanes = [_lanes(found["pipeline:contentDigest"]) for found in resources]
    total = tuple(sum(lane) % _LANE for lane in zip(*lanes, strict=True))
    require(total == _lanes(resource["pipeline:contentDigest"]), f"{table.name}: digests do not sum to that of all")
