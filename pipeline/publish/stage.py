"""The stage of a package as a run has it: built in, continued, published; stage_directory.py is what lies on disk."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pipeline.disk.directories import (
    exchange,
    make_directories,
    recover_exchanged,
    rename_new,
    sync_directory,
)
from pipeline.disk.files import CountingFile, new_file, writing_errors
from pipeline.disk.journal import append_records, read_records
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import ClusterError, DestinationError
from pipeline.package.layout import DESCRIPTOR
from pipeline.publish.existing import Entries, Existing, is_published
from pipeline.publish.finished_files import FinishedFiles
from pipeline.publish.stage_directory import (
    IDENTITY,
    JOURNAL,
    PACKAGE,
    check_is_stage,
    clear_stage,
    has_finished,
    hash_of,
    is_regular,
    newcomers,
    read_identity,
    remove_replaced,
    remove_written,
    stage_path,
    strangers_in_package,
    will_replace,
)
from pipeline.runtime.progress import phase
from pipeline.runtime.signals import is_interruption, uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path


_MOST_MADE = 64
"""Files that are made before they are written, at most; each is open."""


class Stage:
    """The stage of one run; use it in a `with` statement.

    What is not published at its end is removed. Only an interruption, or the loss of a cluster, leaves the files that
    are finished, which the next run of the same identity finds in `finished`, after their hashes were compared.

    Attributes:
        target: the destination.
        package: the directory that becomes it.
        finished: records of the files that were there when it began, by name, in the order in which they were written.
        dropped: what is to be told of an interrupted run whose finished files did not fit and were removed, else None.
    """

    def __init__(
        self,
        target: Path,
        identity: Callable[[], Mapping[str, Any]],
        *,
        sync: bool,
        hashed: bool,
        discard: bool = False,
        keep: bool = False,
    ) -> None:
        """Say what is to be built.

        Args:
            target: the destination; its parents are created.
            identity: gives JSON values; a stage of another one is not continued, but removed. It is asked for where
                another run has left finished files, else with the first that is finished.
            sync: make files and names durable before publishing.
            hashed: compute the SHA-256 of each file; without it nothing can be continued.
            discard: remove what another run left, even where it could be continued.
            keep: refuse to remove what another run left.
        """
        self.target = target
        self.path = stage_path(target)
        self.package = self.path / PACKAGE
        self.finished: dict[str, dict[str, Any]] = {}
        self.dropped: str | None = None
        self._give_identity = identity
        self._sync = sync
        self._hashed = hashed
        self._discard = discard
        self._keep = keep
        self._done = FinishedFiles(self.package, self.path / JOURNAL, called=self.target, sync=sync, recorded=hashed)
        self._file: CountingFile | None = None
        self._made: dict[str, int] = {}
        self._bytes = 0
        self._published = False
        self._is_checking = False
        self._is_told = False

    def __enter__(self) -> Self:
        """Hold the stage, and find what of it can be continued.

        Raises:
            BusyError: another run holds it.
            DestinationError: it is of another identity and is to be kept, or cannot be created, or holds what no
                export wrote.
        """
        with writing_errors(self.target):
            make_directories(self.target.parent, sync=self._sync)
            check_is_stage(self.path)
            self._lock = DirectoryLock(self.path, held_as=self.target)
            try:
                recover_exchanged(self.path, self.target.parent, holding=[DESCRIPTOR])
                self._remove_replaced()
                records = [] if self._discard else list(read_records(self.path / JOURNAL))
                self._check_identity(records)
            except BaseException:
                self._lock.release()
                raise
            try:
                self._continue(records) if has_finished(records) else self._begin()
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self

    def _remove_replaced(self) -> None:
        """Remove what a run that was killed after it had published had replaced."""
        if kept := remove_replaced(self.path, self.target):
            raise DestinationError(kept)

    def _check_identity(self, records: list[dict[str, Any]]) -> None:
        """Take no finished files of something else; they are not worth a word where that has been published."""
        if not has_finished(records):
            return
        found = read_identity(self.path)
        if found is None and os.path.lexists(self.path / IDENTITY) and not is_regular(self.path / IDENTITY):
            raise DestinationError(f"{self.path / IDENTITY}: is no file that an export wrote; move it away first")
        if found == self._identity and self._hashed:
            return
        if found is None or not is_published(self.target, found):
            left = f"{self.path}: {'holds' if self._keep else 'held'} what an interrupted run left, of "
            left += _differing(found, self._identity)
            if self._keep:
                raise DestinationError(
                    f"{left}; the same command as then continues it, without --keep-stage it is removed"
                )
            self.dropped = f"{left}; it could not be continued and was removed"
        records.clear()

    @cached_property
    def _identity(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self._give_identity()))
        return found

    def _tell_identity(self) -> None:
        """Say what is built, before a file of it is said to be finished; what nothing can continue says nothing."""
        if self._is_told or not self._hashed:
            return
        identity = json.dumps(self._identity, ensure_ascii=False, indent=2)
        with writing_errors(self.target):
            with new_file(self.path / IDENTITY, str(self.target), sync=self._sync, hashed=False) as file:
                file.write(identity.encode() + b"\n")
            if self._sync:
                sync_directory(self.path)
        self._is_told = True

    def _begin(self) -> None:
        clear_stage(self.path)
        self.package.mkdir()
        self._done.begin()

    def _continue(self, records: list[dict[str, Any]]) -> None:
        """Find the finished files, under the names they had before they got their final ones."""
        self._is_checking = self._is_told = True
        self.package.mkdir(exist_ok=True)
        for record in records:
            for before, after in record.get("renaming", {}).items():
                if is_regular(self.package / after) and not os.path.lexists(self.package / before):
                    (self.package / after).rename(self.package / before)
        named = [record for record in records if "name" in record]
        with phase("hashing", sum(int(record["bytes"]) for record in named), "bytes") as hashing:
            for record in named:
                # Files are written one after the other: what follows one that is damaged is written again, too.
                if hash_of(self.package / record["name"]) != record["sha256"]:
                    break
                self.finished[record["name"]] = record
                hashing.add(int(record["bytes"]))
        remove_written(self.package, keeping=self.finished)
        self._bytes = sum(int(record["bytes"]) for record in self.finished.values())
        self._done.restore(self.finished)
        self._done.begin()
        self._is_checking = False

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        for descriptor in self._made.values():
            with suppress(OSError):  # nothing was written through it
                os.close(descriptor)
        try:
            self._end(error)
        finally:
            self._done.close()

    def _end(self, error: BaseException | None) -> None:
        if self._published:
            try:
                self._remove()
            except KeyboardInterrupt as interruption:
                error = interruption
                raise
            finally:
                if error is not None and is_interruption(error):
                    error.add_note("the package is published")
        elif error is not None and _may_be_continued(error) and (self._is_checking or self._keep_finished()):
            error.add_note("nothing was published; the same command continues where it stopped")
            self._lock.release()
        else:
            self._remove()

    def _keep_finished(self) -> bool:
        """Leave the finished files to the run that continues; False where there are none."""
        with suppress(DestinationError):  # what cannot be recorded is not kept
            self._done.end_group()
        if self._done.names:
            remove_written(self.package, keeping=self._done.names)
        return bool(self._done.names)

    def _remove(self) -> None:
        kept = None
        with suppress(OSError):
            kept = remove_replaced(self.path, self.target)
            clear_stage(self.path)
        self._lock.remove()
        if kept:
            raise DestinationError(kept)

    @property
    def bytes(self) -> int:
        """Bytes written so far, of all files."""
        return self._bytes + (self._file.bytes if self._file else 0)

    def make(self, name: str) -> None:
        """Make a file that is soon going to be opened by `create`, which the file system takes most of the time for.

        A thread may call it that reads what is to be written, while another writes. Where it cannot be made, `create`
        says so.
        """
        if len(self._made) < _MOST_MADE:
            with suppress(OSError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._made[name] = os.open(f"{self.package}/{name}", flags, 0o666)

    @contextmanager
    def create(self, name: str, *, is_finished_later: bool = False) -> Iterator[CountingFile]:
        """Open a new file of the package for writing, one at a time; it is durable when the `with` statement ends.

        Args:
            name: of the file.
            is_finished_later: `finish` is going to be called for it; then it may be durable only with those after it.
        """
        path, called = self.package / name, str(self.target)  # names of files are not final before they are written
        grouped = is_finished_later and self._done.is_grouped
        made = self._made.pop(name, None)
        with new_file(path, called, sync=self._sync, hashed=self._hashed, grouped=grouped, made=made) as self._file:
            yield self._file
        self._bytes += self._file.bytes
        self._file = None

    def finish(self, name: str, file: Mapping[str, Any]) -> None:
        """Record that a file is finished, so that a later run need not write it again; by and by, in groups.

        Args:
            name: the file, which is closed.
            file: JSON values that say all that is known of it, its `bytes` and `sha256` among them.
        """
        self._tell_identity()
        self._done.add({"name": name, **file})

    def adopt(self, parts: Mapping[Path, Mapping[str, Any]]) -> None:
        """Take files that others have written, closed and made durable, and record them at once.

        Args:
            parts: what `finish` takes of each, its `name` as well, by where it lies, on the file system of the stage.

        Raises:
            DestinationError: one cannot be taken.
        """
        self._tell_identity()
        with uninterrupted():
            with writing_errors(self.target):
                for path, record in parts.items():
                    os.rename(path, f"{self.package}/{record['name']}")  # noqa: PTH104 - paths of many files
            self._done.record(list(parts.values()))
        for record in parts.values():
            self.finished[record["name"]] = dict(record)
            self._bytes += int(record["bytes"])

    def forget(self, names: Collection[str]) -> None:
        """Remove finished files, which are to be written again."""
        self._done.forget(names)
        with writing_errors(self.target):
            for name in names:
                self._bytes -= int(self.finished.pop(name)["bytes"])
                (self.package / name).unlink(missing_ok=True)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give files of the package their final names."""
        self._done.end_group()
        with writing_errors(self.target):
            append_records(self.path / JOURNAL, [{"renaming": dict(names)}], sync=self._sync)
        for before, after in names.items():
            with writing_errors(self.target):
                os.rename(f"{self.package}/{before}", f"{self.package}/{after}")  # noqa: PTH104 - paths of many files

    def publish(self, existing: Existing) -> None:
        """Rename the package into place.

        Args:
            existing: what was there when it was looked at; a package is exchanged for the new one and removed.

        Raises:
            DestinationError: something came to it meanwhile, which stays, or renaming fails.
        """
        with writing_errors(self.target):
            if self._sync:
                sync_directory(self.package)
            for name in strangers_in_package(self.package):
                raise DestinationError(
                    f"{self.package}: {name!r}, which no export wrote, came to it while the export ran; "
                    "nothing was published; move it away first"
                )
            with uninterrupted():
                if existing.descriptor is not None:
                    self._exchange(existing.files)
                else:
                    if self.target.is_dir() and not self.target.is_symlink():
                        self.target.rmdir()
                    rename_new(self.package, self.target)
                self._published = True
                if self._sync:
                    sync_directory(self.target.parent)

    def _exchange(self, files: Entries) -> None:
        """Exchange the package for the old one, unless something came to that since it was looked at."""
        append_records(self.path / JOURNAL, [will_replace(self.target, files)], sync=self._sync)
        exchange(self.package, self.target)
        # Looked at where it cannot be reached by its name any more.
        if strangers := newcomers(self.package, files):
            exchange(self.package, self.target)
            raise DestinationError(
                f"{self.target}: {strangers[0]!r} came to it, or was changed, while the export ran; "
                "nothing was replaced; move it away first"
            )


def _may_be_continued(error: BaseException) -> bool:
    """Whether what ended a run is nothing that is wrong with it: an interruption, or a cluster that was lost."""
    return is_interruption(error) or isinstance(error, ClusterError)


def _differing(found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> str:
    """Say in what a stage is of something else; what cannot be read may be of anything."""
    if found is None:
        return "what its stage.json does not say"
    told = {"source": "another source", "options": "other options", "added": "other metadata"}
    keys = {key for key in {*found, *wanted} if found.get(key) != wanted.get(key)}
    return " and ".join([text for key, text in told.items() if key in keys] or ["another version"])
