"""Stages the sessions of harness files in the store: all are published when all could be read."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Self

from pipeline.errors import SourceError, UsageError
from pipeline.importers.connection import WholeFileError, one_line
from pipeline.importers.result import ImportedFile
from pipeline.importers.tags import UnseenKeyError
from pipeline.importers.times import MissingTimeError
from pipeline.model.compact_sessions import ids_of, shapes_of
from pipeline.rows.attributes import merge_attributes
from pipeline.rows.batches import counted
from pipeline.store.adding import publish_staged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipeline.importers.harness_file import HarnessFile
    from pipeline.importers.options import IfExists
    from pipeline.model.session import Session
    from pipeline.store.writer import StoreWriter


class StagedSessions:
    """Sessions that were read and wait to be published; use it in a `with` statement.

    Attributes:
        done: the sessions that were staged.
        unchanged: ids of sessions that the store had already and that are left as they are.
        skipped: records that were left out.
        warnings: what the reader of the measurements should know.
        files: what the files became.
    """

    def __init__(self, store: StoreWriter, if_exists: IfExists, *, many: bool) -> None:
        """Begin without a session.

        Args:
            store: where they are staged.
            if_exists: what to do with those that it has.
            many: there are so many files that they are made durable together.
        """
        self._store = store
        self._sync = not many
        self._if_exists = if_exists
        self._stages: list[tuple[Path, Session]] = []
        self._claimed: set[str] = set()
        self._kept = store.attributes_of_sessions()
        self._attributes: dict[str, str] = {}
        self._by_file: defaultdict[tuple[str, str], list[Session]] = defaultdict(list)
        self.unchanged: list[str] = []
        self.skipped = 0
        self.warnings: list[str] = []
        self.files: list[ImportedFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for stage, _ in self._stages:
            self._store.unstage(stage)

    @property
    def done(self) -> list[Session]:
        """The sessions, in the order of their files."""
        return [session for _, session in self._stages]

    def claim(self, session_id: str, *, is_read: bool = True) -> None:
        """Note that a file holds a session.

        Args:
            session_id: the session.
            is_read: its rows are staged; else it is only seen whether they may be.

        Raises:
            SourceError: another file of this import does.
        """
        if session_id in self._claimed:
            raise WholeFileError(f"session {session_id!r} lies in another of the files too; import one by itself")
        if is_read:
            self._claimed.add(session_id)
            self._kept.leave_out(session_id)

    def choose(self, sessions: Sequence[Session]) -> tuple[Sequence[Session], list[str]]:
        """Choose the sessions of files of measurements that are to be imported, and claim them.

        Returns:
            those, and the ids of those that the store has already and that are left as they are.

        Raises:
            SourceError: the store has one already and that is an error; one is in another file; its attributes
                do not fit.
        """
        ids = ids_of(sessions)
        present = [session_id for session_id in ids if session_id in self._store]
        if present and self._if_exists == "error":
            raise SourceError(
                f"{self._store.path}: has session {present[0]!r} already; --if-exists skip or replace says what to do"
            )
        wanted = sessions
        if present and self._if_exists != "replace":
            wanted = [one for one, session_id in zip(sessions, ids, strict=True) if session_id not in self._store]
            ids = ids_of(wanted)
        for session_id in ids:
            self.claim(session_id)
        for at, columns in shapes_of(wanted):
            self.unite(ids[at], columns, where=f"session {ids[at]!r}")
        return wanted, present if self._if_exists == "skip" else []

    def unite(self, session_id: str, attributes: Mapping[str, str], *, where: str) -> None:
        """Check that a session's attributes fit those of the store and of the other files.

        Raises:
            SourceError: one has another type.
        """
        kept = self._kept.united(without=session_id)
        self._attributes = merge_attributes(self._attributes, attributes, where=where)
        merge_attributes(kept, self._attributes, where=where)

    def add(self, file: HarnessFile, on_progress: Callable[[int, int], None] | None) -> None:
        """Read a file and stage its session, unless the store has it and that is no error.

        Raises:
            SourceError: it cannot be read, or the store has it already.
        """
        import duckdb  # noqa: PLC0415 - files of measurements need none of it

        # The SQL itself is wrong, no record of the file.
        sql_errors = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
        session = self._imported_as(file)
        if session is not None and self._if_exists != "replace":
            self._leave(file, session)
            return
        before = None if session is None else session.session_id
        attributes = self._attributes
        while True:
            self._attributes = attributes  # those of a reading that failed are no longer true
            try:
                self._read(file, before, on_progress)
            except UnseenKeyError:
                file.find_all_keys()
            except MissingTimeError:
                file.find_earliest()
            except WholeFileError as error:
                error.args = (f"{file.where}: {error}",)
                raise
            except sql_errors as error:
                raise UsageError(f"{file.where}: the importer's SQL does not fit: {one_line(error)}") from error
            except (duckdb.Error, SourceError) as error:
                file.sift(error)
            else:
                return

    def _leave(self, file: HarnessFile, session: Session) -> None:
        """Leave a session of the same file as it is, if that is wanted."""
        outdated = file.outdated(session)
        told = f"{file.where}: was imported before, as session {session.session_id!r}"
        if self._if_exists == "error":
            raise SourceError(f"{told}; {outdated or '--if-exists skip or replace says what to do'}")
        self.unchanged.append(session.session_id)
        if outdated is not None:
            self.warnings.append(f"{told}; {outdated}")

    def may_have(self, size: int) -> bool:
        """Whether the store has a session of a file of so many bytes."""
        return self._store.inventory is not None and bool(self._store.inventory.imported_from(size))

    def _imported_as(self, file: HarnessFile) -> Session | None:
        """Find the session that came from a file of this content, None where there is none."""
        key = _origin_key(file.content.size, file.document.number)
        known: list[Session] = (
            [] if self._store.inventory is None else self._store.inventory.imported_from(file.content.size)
        )
        before = [one for one in known if _origin_key_of(one) == key]
        here = self._by_file.get(key, [])
        for session in [*before, *here]:
            # The hash of a large file is waited for only where it may be the same.
            if session.origin.get("sha256") == file.content.sha256:
                return session
        return None

    def _remember(self, session: Session) -> None:
        """Remember which file a session came from, as far as that is known without its hash."""
        key = _origin_key_of(session)
        if key is not None:
            self._by_file[key].append(session)

    def _read(self, file: HarnessFile, before: str | None, on_progress: Callable[[int, int], None] | None) -> None:
        schema, batches = file.read()
        session_id = file.session_id
        if session_id in self._store and self._if_exists != "replace":
            if self._if_exists == "skip":
                self.unchanged.append(session_id)
                return
            raise WholeFileError(
                f"{self._store.path} has session {session_id!r} already; --if-exists skip or replace says what to do, "
                "--session-id gives this one another id"
            )
        if before not in {None, session_id}:
            raise WholeFileError(f"was imported before, as session {before!r}; --session-id {before} replaces that")
        self.claim(session_id, is_read=False)
        self.unite(session_id, file.attributes, where="its columns")
        with closing(batches):
            stage = self._store.stage(file.session, counted(batches, 0, on_progress), schema, sync=self._sync)
        session = file.session()
        self._stages.append((stage, session))
        self._remember(session)
        self.claim(session_id)
        self.skipped += file.skipped
        if file.document.note is not None:
            self.warnings.append(file.document.note)
        told = [f"{file.path}: {warning}" for warning in session.origin.get("warnings", ())]
        self.warnings += [one for one in told if not file.document.is_run or one not in self.warnings]
        names = file.ignored.names()
        self.files.append(ImportedFile.of(file.where, session, names, tells_unused=file.tells_unused))

    def publish(self) -> None:
        """Publish all sessions."""
        publish_staged(self._store, self._stages, synced=self._sync)


def _origin_key(size: object, document: object) -> tuple[str, str]:
    return repr(size), repr(document)


def _origin_key_of(session: Session) -> tuple[str, str] | None:
    """What is known of the file of a session without its hash; None where it came from none."""
    origin = session.origin
    return _origin_key(origin["bytes"], origin.get("document")) if "bytes" in origin else None
