"""Opens whatever a user names as a source."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pipeline.disk.held import HeldFiles
from pipeline.disk.local_path import local_path
from pipeline.disk.safe_names import in_unicode
from pipeline.disk.temporary import temporary_directory, temporary_errors
from pipeline.errors import SourceError, UsageError
from pipeline.model.timestamps import parse_zone
from pipeline.runtime.progress import phase
from pipeline.scan.data_file import DataFile, check_files
from pipeline.scan.inventory import OpenedInventory, use_what_is_there
from pipeline.store.inventory import take_stock
from pipeline.store.reading import is_store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pipeline.scan.inventory import Inventory
    from pipeline.scan.scan import Scan

Source: TypeAlias = "str | Path | Sequence[str | Path]"


def source_paths(source: Source) -> list[Path]:
    """List what a source names.

    Raises:
        UsageError: nothing, a URL, or standard input, which commands take.
    """
    named = [source] if isinstance(source, str | Path) else list(source)
    if not named:
        raise UsageError("no source is named")
    if "-" in named:
        raise UsageError(
            "-: standard input is no source here; write it to a file, and name that (a file called - is ./-)"
        )
    return [local_path(path) for path in named]


@contextmanager
def open_source(
    source: Source,
    *,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    hold: bool = False,
    told_by: Literal["rows", "bytes"] = "rows",
    reads_once: bool = False,
    knows_order: bool = False,
) -> Iterator[Inventory]:
    """Find out what a store, files, globs or a DuckDB file hold; it can be read in the `with` statement.

    Of a store, the files of sessions are opened when the inventory opens those; each session is that of one moment.

    Args:
        source: a path or glob, or several of them.
        timezone: IANA name of the zone of times that name none.
        memory_limit: of sorting what is out of order, such as `512MB`.
        threads: of the same.
        hold: hold the files of a store open, so that their rows stay those of their records though a session is
            replaced meanwhile; as many as the process may open. For who reads rows.
        told_by: as in `PlainOptions`, as the next two.
        reads_once: the scan's `passing` may be set then.
        knows_order: do not find disorder on the way.

    Raises:
        SourceError: it does not exist, cannot be read, or holds bad data.
        UsageError: it is a URL.
    """
    named = source_paths(source)
    _check_names(named)
    stores, others = part_stores(named)
    if stores:
        if others:
            from pipeline.sources.files import find_files  # noqa: PLC0415 - stores need none of it

            find_files(others)  # what is not there is to be said first
            raise SourceError(
                f"{stores[0]} is a store, and {others[0]} is none: stores may be one source, and files may, but not "
                f"both together; `pipeline import FILE --to {stores[0]}` brings one into the store"
            )
        with HeldFiles() as held:
            yield _stock_of(stores, held if hold else None)
        return
    from pipeline.sources.files import find_files  # noqa: PLC0415 - a store needs none of it
    from pipeline.sources.options import PlainOptions  # noqa: PLC0415
    from pipeline.sources.plain import open_plain  # noqa: PLC0415

    options = PlainOptions(
        zone=parse_zone(timezone) if timezone else None,
        memory_limit=memory_limit,
        threads=threads,
        told_by=told_by,
        reads_once=reads_once,
        knows_order=knows_order,
    )
    paths = find_files(named)
    _check_names(paths)
    with temporary_directory() as directory, HeldFiles() as held:
        opened = open_plain(paths, directory, options, held if hold else None)
        yield OpenedInventory(opened.scan, opened.warnings)


def part_stores(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tell stores from other paths; patterns that stores match are expanded.

    Returns:
        the stores, each once, and the others.
    """
    stores: dict[Path, Path] = {}
    others: list[Path] = []
    for path in paths:
        if is_store(path):
            stores.setdefault(path.resolve(), path)
            continue
        matching = expanded(path)
        found = [one for one in matching if is_store(one)]
        stores |= {one.resolve(): one for one in found if one.resolve() not in stores}
        if len(found) < len(matching) or not found:
            others.append(path)
    return list(stores.values()), others


def expanded(path: Path) -> list[Path]:
    """Expand a pattern; of any other path nothing."""
    text = str(path)
    if not has_magic(text) or path.exists():
        return []
    return sorted(map(Path, glob(text, recursive=True)))  # noqa: PTH207 - a user's pattern may be absolute


def _stock_of(stores: Sequence[Path], held: HeldFiles | None) -> Inventory:
    if len(stores) == 1:
        return take_stock(stores[0], held)
    from pipeline.sources.united import UnitedInventory  # noqa: PLC0415 - one store needs none of it

    return UnitedInventory([take_stock(path, held) for path in stores])


@contextmanager
def open_for_engine(
    source: Source,
    *,
    verify: bool = True,
    hold: bool = True,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    sessions: Collection[str] | None = None,
    again: str = "connect again",
) -> Iterator[tuple[Inventory, Scan]]:
    """Open a source whose files another engine reads, which verifies nothing.

    Args:
        source: a path or glob, or several of them.
        verify: compare the files of a store with their SHA-256.
        hold: hold them open; the engine must open them as `DataFile.opened_as` then.
        timezone: as in `open_source`.
        memory_limit: as in `open_source`.
        threads: as in `open_source`.
        sessions: ids of those of a store that are read, all by default; where it has none of those that are named, all
            are opened.
        again: what to do where a file that cannot be held open is gone later; the engine's error says so.

    Yields:
        what it holds, and all of it that is read, opened.

    Raises:
        SourceError: it does not exist, cannot be read, is damaged, or holds bad data.
    """
    with open_source(source, timezone=timezone, memory_limit=memory_limit, threads=threads, hold=hold) as inventory:
        there, scan = use_what_is_there(inventory, partial(_open_checked, verify=verify, sessions=sessions))
        if scan.is_as_it_lies and not (hold and any(file.is_stored and file.held is None for file in scan.files)):
            yield there, scan
            return
        with temporary_directory() as directory:
            yield there, _linked(scan, directory, again) if scan.is_as_it_lies else _written_out(scan, directory)


def _open_checked(inventory: Inventory, *, verify: bool, sessions: Collection[str] | None) -> tuple[Inventory, Scan]:
    scan = inventory.open(_places(inventory, sessions))
    stored = [file.opened_as for file in scan.files if file.is_stored]
    if not (verify and stored):
        return inventory, scan
    with phase("hashing", sum(map(_size, stored)), "bytes") as hashing:
        return inventory, replace(scan, files=tuple(check_files(scan.files, hashing.add)))


def _places(inventory: Inventory, sessions: Collection[str] | None) -> list[int] | None:
    if sessions is None or isinstance(inventory, OpenedInventory):
        return None
    places = [place for place, session_id in enumerate(inventory.session_ids) if session_id in sessions]
    return None if sessions and not places else places


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # whoever reads it says so, or knows where it is now
        return 0


def _linked(scan: Scan, directory: Path, again: str) -> Scan:
    """Lead an engine to files that are not held by links, whose path says what to do where one is gone."""
    telling = directory / f"the store has changed since, {again}"
    files = list(scan.files)
    with temporary_errors(directory):
        telling.mkdir()
        for at, file in enumerate(files):
            if file.is_stored and file.held is None:
                link = telling / f"{at}-{file.path.parent.name}-{file.path.name}"
                link.symlink_to(file.path.absolute())
                files[at] = replace(file, held=link)
    return replace(scan, files=tuple(files))


def _written_out(scan: Scan, directory: Path) -> Scan:
    """Write the rows of files that an engine would take for others into temporary files."""
    from pipeline.sources.spool import Spool  # noqa: PLC0415 - few sources need it

    with Spool(directory / "rows") as spool:
        for batch in scan.batches():
            spool.write(batch)
    return replace(scan, files=tuple(DataFile(path, is_temporary=True) for path in spool.files), is_as_it_lies=True)


def open_all(inventory: Inventory) -> Scan:
    """Open all sessions of a source, those that are there when they are looked at.

    Raises:
        SourceError: one is damaged, or is replaced again and again.
    """
    return use_what_is_there(inventory, lambda there: there.open())


def _check_names(paths: Sequence[str | Path]) -> None:
    """Refuse names that the engines cannot open, before they are asked."""
    for path in paths:
        if in_unicode(str(path)) != str(path):
            raise SourceError(f"{path}: its name is no UTF-8; rename it, or name it by a symbolic link")
