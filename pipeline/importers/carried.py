"""Stores and packages: their sessions are carried over, after their rows were compared with their records."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError, UsageError
from pipeline.rows.batches import counted
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.normalise import Normaliser
from pipeline.rows.summary import SessionSummary
from pipeline.runtime.threads import ScannedAhead
from pipeline.sources.open import expanded, open_all, open_source, part_stores
from pipeline.store.adding import READ_AHEAD, add_sessions
from pipeline.store.store_file import read_store_file

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    import pyarrow as pa

    from pipeline.importers.staged_sessions import StagedSessions
    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan
    from pipeline.store.writer import StoreWriter


class CarriedSources(NamedTuple):
    """Sources that have records of their sessions.

    Attributes:
        stores: paths of stores.
        packages: paths of packages.
    """

    stores: Sequence[Path]
    packages: Sequence[Path]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.stores or self.packages)

    @property
    def unit(self) -> TimestampUnit:
        """The unit of times that loses none of their digits.

        Raises:
            SourceError: one does not say its own.
        """
        from pipeline.importers.packages import package_unit  # noqa: PLC0415 - files of harnesses need none of it

        units = [read_store_file(path).unit for path in self.stores] + [package_unit(path) for path in self.packages]
        return "ns" if "ns" in units else "us"

    def require_fitting(self, to: Path, given: Mapping[str, object]) -> None:
        """Check that they may be imported as it is asked for.

        Args:
            to: the store that they are imported into.
            given: options that say what files do not say.

        Raises:
            UsageError: one is imported into itself, or an option says what a record says.
        """
        for path in self.stores:
            if path.resolve() == to.resolve():
                raise UsageError(f"{path}: cannot be imported into itself; name another --to")
        for path in [*self.stores, *self.packages]:
            for option, value in given.items():
                if value:
                    kind = "store" if path in self.stores else "package"
                    raise UsageError(f"{option}: {path} is a {kind}, whose records say what its sessions are")


def part_sources(paths: Sequence[Path]) -> tuple[CarriedSources, list[Path]]:
    """Tell stores and packages from files and directories of files."""
    stores, others = part_stores(paths)
    packages: dict[Path, Path] = {}
    files: list[Path] = []
    for path in others:
        matching = expanded(path) or [path]
        found = [one for one in matching if one.is_dir() and _is_package(one)]
        packages |= {one.resolve(): one for one in found if one.resolve() not in packages}
        if not found or any(one.is_file() for one in matching):
            files.append(path)
    return CarriedSources(stores, list(packages.values())), files


@dataclass
class Carried:
    """Sessions that were read through and wait to be written.

    Attributes:
        scan: where their rows are.
        sessions: as the store is to have them, in the order of their rows.
        dropped_digits: how many of their times lost digits on the way.
    """

    scan: Scan
    sessions: list[Session]
    dropped_digits: int


class CarriedSessions:
    """The sessions of stores and packages on their way into a store.

    Attributes:
        unchanged: ids of those that the store has already and that are left as they are.
        warnings: what the reader of the measurements should know.
    """

    def __init__(self, store: StoreWriter, staged: StagedSessions) -> None:
        """Begin without a session.

        Args:
            store: where they come to.
            staged: chooses those that are wanted.
        """
        self._store = store
        self._staged = staged
        self._carried: list[Carried] = []
        self._seen: dict[str, tuple[Session, str]] = {}
        self.unchanged: dict[str, None] = {}
        self.warnings: list[str] = []

    @property
    def imported(self) -> list[Session]:
        """The sessions that are written."""
        return [session for one in self._carried for session in one.sessions]

    @property
    def dropped_digits(self) -> int:
        """How many times lost digits on the way."""
        return sum(one.dropped_digits for one in self._carried)

    def open(self, sources: CarriedSources, directory: Path, resources: ExitStack) -> None:
        """Read all rows, and compare them with what the records say.

        Args:
            sources: what is read.
            directory: an empty one for rows that cannot be read where they lie.
            resources: keeps open what is read again.

        Raises:
            SourceError: one is damaged, or has another session of the same id as another or the store.
        """
        if sources.stores:
            inventory = resources.enter_context(open_source(sources.stores, hold=True))
            self.warnings += inventory.warnings
            self._take(open_all(inventory), " and ".join(map(str, sources.stores)))
        for number, path in enumerate(sources.packages):
            from pipeline.importers.packages import open_package  # noqa: PLC0415 - files of harnesses need none of it

            own = directory / f"package-{number}"
            with temporary_errors(directory):
                own.mkdir()
            opened = open_package(path, own)
            self.warnings += opened.warnings
            self._take(opened.scan, str(path))

    def _take(self, scan: Scan, where: str) -> None:
        again = [session for session in scan.sessions if session.session_id in self._seen]
        fresh = [session for session in scan.sessions if session.session_id not in self._seen]
        wanted, unchanged = self._staged.choose(fresh)
        self.unchanged |= dict.fromkeys(unchanged)
        asked = {session.session_id for session in [*again, *wanted]}
        read = _read(scan, [one for one in scan.sessions if one.session_id in asked], self._store.timestamp_unit, where)
        for session in again:
            before, there = self._seen[session.session_id]
            if read[session.session_id].describe() != before.describe():
                raise SourceError(
                    f"{there} and {where}: hold different sessions {session.session_id!r}; import one of the two"
                )
        dropped = sum(read[session.session_id].dropped_digit_count - session.dropped_digit_count for session in wanted)
        self._carried.append(Carried(scan, [read[session.session_id] for session in wanted], dropped))
        self._seen |= {session.session_id: (read[session.session_id], where) for session in wanted}

    def publish(self, on_progress: Callable[[int, int], None] | None) -> None:
        """Write the sessions, each as a whole."""
        total = sum(session.measurement_count for session in self.imported)
        done = 0

        def progress(rows: int, _: int) -> None:
            if on_progress is not None:
                on_progress(done + rows, total)

        for one in self._carried:

            def read(sessions: Sequence[Session], scan: Scan = one.scan) -> Generator[pa.RecordBatch]:
                nonlocal done
                convert = _converter(scan, self._store.timestamp_unit)
                with ScannedAhead(scan.batches(sessions), ahead=READ_AHEAD) as batches:
                    yield from counted(map(convert.conform, batches) if convert else batches, total, progress)
                done += sum(session.measurement_count for session in sessions)

            # Digits that are dropped may change their order.
            is_in_order = one.sessions == sorted(one.sessions, key=lambda session: session.sort_key)
            for sessions in [one.sessions] if is_in_order else [[session] for session in one.sessions]:
                add_sessions(self._store, sessions, read)


def _is_package(path: Path) -> bool:
    from pipeline.importers.packages import is_package  # noqa: PLC0415 - files of harnesses need none of it

    return is_package(path)


def _converter(scan: Scan, unit: TimestampUnit) -> Normaliser | None:
    return None if scan.timestamp_unit == unit else Normaliser(unit=unit, keep_repeated=True)


def _read(scan: Scan, sessions: Sequence[Session], unit: TimestampUnit, where: str) -> dict[str, Session]:
    """Read rows, and compare their digests with those of the records.

    Returns:
        the sessions by id, as they are with times in a unit.

    Raises:
        SourceError: a digest is another.
    """
    digests: defaultdict[str, Digest] = defaultdict(Digest)
    summaries: defaultdict[str, SessionSummary] = defaultdict(SessionSummary)
    convert = _converter(scan, unit)
    for batch in scan.batches(sessions):
        session_id = batch.column("session_id")[0].as_py()
        digests[session_id].add(digest_rows(batch))
        if convert is not None:
            summaries[session_id].add(convert.conform(batch), dict(scan.attributes))
    found = {}
    for session in sessions:
        session_id = session.session_id
        digest = digests[session_id].text
        if session.content_digest and session.content_digest != digest:
            raise SourceError(
                f"{where}: session {session_id!r}: its record says that the digest of its rows is "
                f"{session.content_digest}, it is {digest}; they are damaged or were changed"
            )
        found[session_id] = session
        if convert is not None:
            figures = summaries[session_id].figures()
            dropped = session.dropped_digit_count + convert.dropped_digits[session_id]
            found[session_id] = session.in_unit(unit, **figures, dropped_digit_count=dropped)
    return found
