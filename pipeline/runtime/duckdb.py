"""DuckDB connections: set up, locked down, and the quoting that their SQL needs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.runtime.signals import interrupt_on_signal
from pipeline.runtime.threads import Aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb


def quote_identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote a text for SQL, where it cannot be bound as a parameter."""
    return "'" + text.replace("'", "''") + "'"


_opened_ahead: list[Aside[duckdb.DuckDBPyConnection]] = []


@contextmanager
def opening_ahead() -> Iterator[None]:
    """Open an engine of one thread in a thread of its own; the first that wants such a one takes it."""
    import duckdb  # noqa: PLC0415 - as below

    config = _config(None, None, 1)
    opening = Aside(lambda: duckdb.connect(":memory:", config=config), name="engine")
    _opened_ahead.append(opening)
    try:
        yield
    finally:
        opening.wait()  # the interpreter must not end before
        if opening in _opened_ahead:
            _opened_ahead.remove(opening)
            if opening.error is None:
                opening.result().close()


def connect_engine(
    *,
    temporary_directory: Path | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    for_users: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a connection in memory, in UTC, that takes no names from Python and loads no extensions.

    Args:
        for_users: leave names from Python and extensions, as a notebook expects.
        temporary_directory: where it may spill; without it, nowhere.
        memory_limit: such as `512MB`; DuckDB's default is 80% of the machine's memory.
        threads: DuckDB's default is one per core.
    """
    import duckdb  # noqa: PLC0415 - slow to load, and much of the memory of who needs it only for names

    config = _config(temporary_directory, memory_limit, threads, for_users=for_users)
    if _opened_ahead and config == _config(None, None, 1):
        connection = _opened_ahead.pop().result()
    else:
        connection = duckdb.connect(":memory:", config=config)
    interrupt_on_signal(connection)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def _config(
    temporary_directory: Path | None, memory_limit: str | None, threads: int | None, *, for_users: bool = False
) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",
        "temp_directory": str(temporary_directory) if temporary_directory else "",
    }
    if for_users:
        config = {"temp_directory": config["temp_directory"]}
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    if threads is not None:
        config["threads"] = str(threads)
    return config


def statement_kind(statement: duckdb.Statement) -> str:
    """Name what a statement is, `SELECT` or another."""
    try:
        return statement.type.name
    except ValueError:
        return "unknown to the Python package"


@contextmanager
def engine_errors(memory_limit: str | None) -> Iterator[None]:
    """Say what to do where the engine has too little memory.

    Args:
        memory_limit: the limit it was given.
    """
    import duckdb  # noqa: PLC0415 - for the name of its error

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        limit = f"--memory-limit {memory_limit} is too low for this" if memory_limit else "memory runs out"
        raise UsageError(f"{limit}; give the engine more, or fewer --threads") from error


def lock_down(connection: duckdb.DuckDBPyConnection, readable: Sequence[Path]) -> None:
    """Let SQL read nothing but the given files from now on, and change no setting."""
    paths = ", ".join(quote_literal(str(path)) for path in readable)
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
