"""The DuckDB connection on which an importer's SQL runs: it reads one file and changes nothing."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import SourceError, UsageError
from pipeline.importers.csv_shape import csv_query, may_be_cut_off
from pipeline.importers.fields import UnreadKeys, create_records_view
from pipeline.importers.formed_lines import FormedLines
from pipeline.importers.objects import JsonObjectsView
from pipeline.runtime.duckdb import connect_engine, lock_down, quote_literal, statement_kind
from pipeline.runtime.signals import interrupt_on_signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from pipeline.importers.csv_rows import PlainCsv
    from pipeline.importers.csv_shape import CsvShape
    from pipeline.importers.decoded import Decoded
    from pipeline.importers.definition import Definition
    from pipeline.importers.samples import CutDocument

# A double holds microseconds since 1970 exactly, not nanoseconds: times are rounded to microseconds.
_MACROS = re.findall(
    r"(?m)^CREATE MACRO (\w+)((?:.|\n)*?);$", Path(__file__).with_name("macros.sql").read_text(encoding="utf-8")
)
"""Name and rest of each."""
_PREPARING = {"CREATE", "SET", "VARIABLE_SET"}
_MOST_ENGINES = 2


class WholeFileError(SourceError):
    """What is wrong with a file is in no record of it, so that leaving records out does not help."""


class Engines:
    """Opens engines; the one that recognition asked reads the first file. Use it in a `with` statement."""

    def __init__(self) -> None:
        self._kept: duckdb.DuckDBPyConnection | None = None
        self._locked: dict[tuple[tuple[Path, ...], bool], duckdb.DuckDBPyConnection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            self._kept.close()
        for engine in self._locked.values():
            engine.close()

    def keep(self) -> duckdb.DuckDBPyConnection:
        """Open one for SQL of our own: it is not locked down, and still to be taken."""
        if self._kept is None:
            # Several threads would run ahead of what is read, and what they have made waits in memory for its turn.
            self._kept = connect_engine(threads=1)
        return self._kept

    @contextmanager
    def opened(self, readable: Sequence[Path], *, streams: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Connect to one that can read some files and nothing else.

        To open an engine takes longer than to read a small file: those that may read the same paths are one, and what
        a connection makes is gone with it.

        Args:
            readable: the files.
            streams: it takes views of rows that are made while it reads.
        """
        import duckdb  # noqa: PLC0415 - files of measurements need none of it

        # The engine follows links when it is told what it may read.
        key = tuple(path.resolve() for path in readable), streams
        if key not in self._locked:
            while len(self._locked) >= _MOST_ENGINES:
                self._close(next(iter(self._locked)))
            self._locked[key], self._kept = self.keep(), None
            _lock(self._locked[key], readable, streams=streams)
        with self._locked[key].cursor() as connection:
            interrupt_on_signal(connection)
            connection.begin()
            try:
                yield connection
            finally:
                try:
                    connection.rollback()
                except duckdb.Error:  # a stream of its rows is open, and what it made would stay
                    self._close(key)

    def _close(self, key: tuple[tuple[Path, ...], bool]) -> None:
        self._locked.pop(key).close()


def _lock(connection: duckdb.DuckDBPyConnection, readable: Sequence[Path], *, streams: bool) -> None:
    # An IN of five constants or more would become a join, which holds few rows back until the end: out of their order.
    disabled = ["in_clause"]
    if streams:
        # The engine takes what we stream for one row, and would hold all of it to join it with a table.
        disabled += ["join_order", "build_side_probe_side"]
    connection.execute(f"SET disabled_optimizers = {quote_literal(','.join(disabled))}")
    lock_down(connection, readable)


@contextmanager
def open_connection(
    definition: Definition,
    plain: Path,
    variables: Mapping[str, str | None],
    object_limit: int,
    shape: CsvShape | None,
    document: CutDocument | None = None,
    unread: UnreadKeys | None = None,
    decoded: Decoded | None = None,
    engines: Engines | None = None,
    rows: PlainCsv | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection for an importer; the SQL finds the file as `getvariable('file')`.

    Args:
        definition: the importer; its section `prepare` has run when the connection is given.
        plain: the file.
        variables: further variables; those that name files may be read.
        object_limit: bytes that one JSON value, or a record of CSV, has at most; the sizes of buffers follow it.
        shape: of a CSV file.
        document: one whose samples were cut out; the SQL finds what is left, and the samples as the views `samples`
            and `pieces`.
        unread: where to note what lines hold beside their fields.
        decoded: what the importer's reader makes of the file, as the view `records`.
        engines: has the engine.
        rows: of a CSV file that is so plain that the engine need not read it itself.

    Raises:
        UsageError: a section does more than it may.
        duckdb.Error: `prepare` fails.
    """
    readable = [plain] + [type(plain)(path) for path in (variables.get("extract"), variables.get("companion")) if path]
    readable += [] if document is None else [document.path]
    is_read_by_us = bool(definition.samples or decoded or rows) or definition.format in {"lines", "ndjson"}
    with ExitStack() as stack:
        held = engines or stack.enter_context(Engines())
        connection = stack.enter_context(held.opened(readable, streams=is_read_by_us))
        _register_lines(connection, definition, plain, unread or UnreadKeys())
        pieces = None if document is None else document.pieces()
        objects = None
        if definition.objects:
            objects = JsonObjectsView(plain, document, definition.objects, is_text=definition.format == "lines")
        views = {"samples": document, "pieces": pieces, "records": decoded, "rows": rows, "objects": objects}
        for name, made in views.items():
            if made is not None:
                connection.register(name, made)
        set_variable(connection, "file", str(plain))
        connection.execute(f"SET VARIABLE object_limit = {object_limit}")
        connection.execute(f"SET VARIABLE is_cut_off = {str(may_be_cut_off(plain)).lower()}")
        for name, value in variables.items():
            set_variable(connection, name, value)
        path = plain if document is None else document.path
        _create_views(connection, definition, path, shape, object_limit, rows)
        _create_macros(connection, definition)  # which may read views
        if "prepare" in definition.sections:
            for statement in connection.extract_statements(definition.sections["prepare"]):
                if statement_kind(statement) not in _PREPARING:
                    raise UsageError(f"{definition.name}: section prepare may SET VARIABLE and CREATE, nothing else")
                connection.execute(statement)
        yield connection


def _create_macros(connection: duckdb.DuckDBPyConnection, definition: Definition) -> None:
    """Create those that an importer may name: each takes the engine a while."""
    wanted = (
        "json_pointer\n" + "\n".join(definition.sections.values()).lower()
    )  # measurements of JSON attributes ask for it
    created = []
    for name, rest in reversed(_MACROS):  # one names those before it alone
        if name in wanted:
            created.append(f"CREATE MACRO {name}{rest};")
            wanted += rest.lower()
    connection.execute("\n".join(reversed(created)))


def _register_lines(
    connection: duckdb.DuckDBPyConnection, definition: Definition, plain: Path, unread: UnreadKeys
) -> None:
    """Create the view `records` where its lines are read by us."""
    if definition.fields:
        create_records_view(connection, plain, definition.fields, unread)
    elif definition.format in {"lines", "ndjson"} and definition.reader is None:
        # A few lines at a time: for each function of JSON the engine holds all that it is given at once, taken apart.
        formed = FormedLines(plain, definition.forms)
        views = {"records": formed.records if definition.forms else formed.others}
        if definition.forms:
            views["other_lines"] = formed.others
            connection.register("forms", formed.forms)
        for name, lines in views.items():
            if definition.format == "lines":
                connection.register(name, lines)
                continue
            connection.register(f"text_of_{name}", lines)
            further = ", * EXCLUDE (line)" if definition.forms else ""
            connection.execute(f"CREATE VIEW {name} AS SELECT line::JSON AS json{further} FROM text_of_{name}")


def _create_views(
    connection: duckdb.DuckDBPyConnection,
    definition: Definition,
    path: Path,
    shape: CsvShape | None,
    line_bytes: int,
    rows: PlainCsv | None,
) -> None:
    """Create the view of what the engine reads itself."""
    if definition.format == "json":
        connection.execute(
            f"CREATE VIEW document AS SELECT json FROM read_json_objects({quote_literal(str(path))}, "
            "format = 'unstructured', compression = 'none', maximum_object_size = getvariable('object_limit'))"
        )
    elif shape is not None:
        of_rows = () if rows is None else ("rows", rows.types)
        query = csv_query(path, shape, definition.columns, line_bytes, *of_rows)
        connection.execute(f"CREATE VIEW records AS {query}")
        connection.execute(f"SET VARIABLE is_by_position = {str(shape.is_by_position).lower()}")
        connection.execute(f"SET VARIABLE field_count = {len(shape.names)}")


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, value: str | None) -> None:
    """Set a variable that SQL reads with `getvariable`."""
    text = "NULL::VARCHAR" if value is None else quote_literal(value)
    connection.execute(f"SET VARIABLE {name} = {text}")


def select(connection: duckdb.DuckDBPyConnection, definition: Definition, section: str) -> duckdb.DuckDBPyRelation:
    """Bind a section, which must be one SELECT.

    Raises:
        UsageError: it is not, or does not fit DuckDB.
        duckdb.Error: the file does not fit it.
    """
    return connection.sql(_one_select(connection, definition, section))


def selected(
    connection: duckdb.DuckDBPyConnection, definition: Definition, section: str, *, most: int | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a section, which must be one SELECT; it is bound once, not again for its rows.

    Args:
        connection: where the file can be read.
        definition: the importer.
        section: which of its sections.
        most: rows that are wanted, at most; None for all.

    Returns:
        the names of its columns, and its rows.

    Raises:
        UsageError: it is not, or does not fit DuckDB.
        duckdb.Error: the file does not fit it.
    """
    found = connection.execute(_one_select(connection, definition, section))
    names = [str(column[0]) for column in found.description or ()]
    return names, found.fetchall() if most is None else found.fetchmany(most)


def _one_select(connection: duckdb.DuckDBPyConnection, definition: Definition, section: str) -> str:
    import duckdb  # noqa: PLC0415 - files of measurements need none of it

    sql = definition.sections[section]
    try:
        statements = connection.extract_statements(sql)
    except duckdb.ParserException as error:
        raise UsageError(f"{definition.name}: section {section}: {one_line(error)}") from error
    if len(statements) != 1 or statement_kind(statements[0]) != "SELECT":
        raise UsageError(f"{definition.name}: section {section} must be one SELECT")
    return sql


def first_row(connection: duckdb.DuckDBPyConnection, definition: Definition, section: str) -> dict[str, Any]:
    """Run a section that gives one row.

    Raises:
        SourceError: it gives another number of rows.
    """
    names, rows = selected(connection, definition, section, most=2)
    if len(rows) != 1:
        count = "no row" if not rows else "more than one row"
        raise SourceError(f"the section {section} of importer {definition.name} gives {count}; it must give one")
    return dict(zip(names, rows[0], strict=True))


def one_line(error: BaseException) -> str:
    """Shorten a message of DuckDB to what its reader needs: the reason, without our temporary paths."""
    text = str(error).strip().split("\n")[0]
    text = re.sub(r'(JSON transform error|Malformed JSON) in file "[^"]*",( at byte \d+)?( in line \d+)?: ', "", text)
    text = re.sub(r"^\w+( \w+)? Error: ", "", text)
    text = re.sub(r" when casting from source column \w+$", "", text)  # one of the SQL's own
    # What the reader of lines says, which passes through two engines.
    text = re.sub(r"^reading the stream .*? failed: [\w ]+: (.*?)\. Detail: Python exception.*", r"\1", text)
    return re.sub(r"/[^\s\"']*/input\b", "the file", text).rstrip(". ")[:300]
