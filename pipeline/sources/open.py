"""Opens whatever a user names as a source."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipeline.disk.held import HeldFiles
from pipeline.disk.local_path import local_path
from pipeline.disk.safe_names import in_unicode
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import ReplacedError, SourceError, UsageError
from pipeline.model.timestamps import parse_zone
from pipeline.scan.data_file import check_files
from pipeline.store.reading import is_store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.scan.scan import Scan

ATTEMPTS = 20
"""How often a source is opened where a session was replaced meanwhile."""

Source: TypeAlias = "str | Path | Sequence[str | Path]"


def source_paths(source: Source) -> list[Path]:
    """List what a source names.

    Raises:
        UsageError: nothing, or a URL.
    """
    named = [source] if isinstance(source, str | Path) else list(source)
    if not named:
        raise UsageError("no source is named")
    return [local_path(path) for path in named]


@contextmanager
def open_source(
    source: Source,
    *,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    hold: bool = False,
) -> Iterator[Scan]:
    """Open a store, files, globs or a DuckDB file for reading.

    Each session of a store is that of one moment.

    Args:
        source: a path or glob, or several of them.
        timezone: IANA name of the zone of times that name none.
        memory_limit: of sorting what is out of order, such as `512MB`.
        threads: of the same.
        hold: hold the files of a store open, so that their rows stay those of their records though a session is
            replaced meanwhile; as many as the process may open. For who reads rows.

    Raises:
        SourceError: it does not exist, cannot be read, or holds bad data.
        UsageError: it is a URL.
    """
    named = source_paths(source)
    _check_names(named)
    stores = [path for path in named if is_store(path)]
    if stores:
        if len(named) > 1:
            raise SourceError(f"{stores[0]}: is a store, which is a source by itself; name it alone")
        with HeldFiles() as held:
            yield open_store(stores[0], held if hold else None)
        return
    from pipeline.sources.files import find_files  # noqa: PLC0415 - a store needs none of it
    from pipeline.sources.options import PlainOptions  # noqa: PLC0415
    from pipeline.sources.plain import open_plain  # noqa: PLC0415

    options = PlainOptions(zone=parse_zone(timezone) if timezone else None, memory_limit=memory_limit, threads=threads)
    paths = find_files(named)
    _check_names(paths)
    with temporary_directory() as directory:
        yield open_plain(paths, directory, options).scan


@contextmanager
def open_for_engine(
    source: Source,
    *,
    verify: bool = True,
    hold: bool = True,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Iterator[Scan]:
    """Open a source whose files another engine reads, which verifies nothing.

    Args:
        source: a path or glob, or several of them.
        verify: compare the files of a store with their SHA-256.
        hold: hold them open; the engine must open them as `DataFile.opened_as` then.
        timezone: as in `open_source`.
        memory_limit: as in `open_source`.
        threads: as in `open_source`.

    Raises:
        SourceError: it does not exist, cannot be read, is damaged, or holds bad data.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with ExitStack() as opening:
            scan = opening.enter_context(
                open_source(source, timezone=timezone, memory_limit=memory_limit, threads=threads, hold=hold)
            )
            try:
                files = tuple(check_files(scan.files)) if verify else scan.files
            except ReplacedError:
                if attempt == ATTEMPTS:
                    raise
                continue
            yield replace(scan, files=files)
            return


def _check_names(paths: Sequence[str | Path]) -> None:
    """Refuse names that the engines cannot open, before they are asked."""
    for path in paths:
        if in_unicode(str(path)) != str(path):
            raise SourceError(f"{path}: its name is no UTF-8; rename it, or name it by a symbolic link")
