"""Real result files of harnesses, and changes of them as other versions, options and accidents make."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from changed_xml import add_attribute, rename_attribute, reorder_attributes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
PLACES = (
    ROOT / "data" / "fixtures" / "harness",
    ROOT.parent / "shared" / "harness",
    ROOT.parent / "shared" / "recorded",
)
MAX_BYTES = 1 << 20
MAX_MULTIPLIED = 20 << 20
NEW = "zusatz_neu"
"""A name that no harness has; a number under it is what an importer cannot know."""
NUMBER = 98765.25
_NO_JSON = {"csv", "text", "binary", "xml"}
_TRIES = 20
"""So often a kind of change may give nothing new, such as the same bytes again, before it is given up."""
_NOTHING: tuple[object, ...] = (None, "", [], {})
_VERSION = re.compile(r"(\d+)\.(\d+)")

# What of a document is multiplied where each element is a sample, or holds some.
ARRAYS = {
    "fio": ("jobs",),
    "google-benchmark": ("benchmarks",),
    "hyperfine": ("times", "memory_usage_byte", "exit_codes"),
    "hyperfine-2": ("measurements",),
    "iperf3": ("intervals",),
    "pytest-benchmark": ("data",),
}


@dataclass(frozen=True)
class ResultFile:
    """A real file.

    Attributes:
        path: of it.
        data: what it holds.
        kind: `csv`, `json`, `ndjson`, `xml`, or `text` or `binary` of what is no table.
    """

    path: Path
    data: bytes
    kind: str

    @property
    def text(self) -> str:
        """What it holds."""
        return self.data.decode()


@dataclass(frozen=True)
class Change:
    """A changed file.

    Attributes:
        kind: of the change, a key of `CHANGES`.
        data: what the file holds then.
        name: that has to be told; empty for none.
        path: keys that lead to it, in a document.
        times: how often each sample is there.
        is_of_object: the name is that of an object, which may be an id.
    """

    kind: str
    data: bytes
    name: str = ""
    path: tuple[str, ...] = ()
    times: int = 1
    is_of_object: bool = False


def result_files(of_text: Collection[str] = (), own: Sequence[Path] = ()) -> Iterator[ResultFile]:
    """Give the real files, and those of one's own, up to 1 MB; where an importer of text is named, as text."""
    for path in [*(path for place in PLACES for path in sorted(place.rglob("*"))), *own]:
        if not path.is_file() or path.suffix in {".md", ".gz"} or path.stat().st_size > MAX_BYTES:
            continue
        data = path.read_bytes()
        kind = ("text" if _is_text(data) else "binary") if of_text else _kind(data)
        if kind is not None and path.name != "benchmarks.json":
            yield ResultFile(path, data, kind)


def _kind(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if text.startswith("<?xml"):
        return "xml"
    if text.lstrip()[:1] not in {"{", "["}:
        return "csv" if text.endswith("\n") else None
    try:
        json.loads(text)
    except ValueError:
        return "ndjson" if all(_is_json(line) for line in text.splitlines()) else None
    return "json"


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _documents(file: ResultFile) -> list[Any]:
    return [json.loads(text) for text in ([file.text] if file.kind == "json" else file.text.splitlines())]


def _dumped(documents: list[Any], file: ResultFile | None = None) -> bytes:
    """Write documents; one that a file has over several lines stays so, for some importers take no other."""
    indent = 1 if file is not None and file.kind == "json" and "\n" in file.text.strip() else None
    return "".join(json.dumps(one, ensure_ascii=False, indent=indent) + "\n" for one in documents).encode()


def _rows(file: ResultFile) -> tuple[list[list[str]], str]:
    first = file.text.split("\n", 1)[0]
    separator = max(",;\t|", key=first.count)
    return list(csv.reader(io.StringIO(file.text), delimiter=separator)), separator


def _written(rows: list[list[str]], separator: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _has_header(rows: list[list[str]]) -> bool:
    return not any(re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", field) for field in rows[0])


def _table(file: ResultFile) -> tuple[list[list[str]], str] | None:
    """Give the rows of CSV that has a header line, and what separates their fields; None for other files."""
    if file.kind != "csv":
        return None
    rows, separator = _rows(file)
    return (rows, separator) if _has_header(rows) else None


def _objects(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Give all objects with the keys that lead to them; elements of arrays share those of the array."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _objects(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, path)


def _read_whole(documents: list[Any]) -> list[Any]:
    """Give those of which all is read or told: events of rtcstats are counted as a whole."""
    return [
        one for one in documents if not (isinstance(one, list) and isinstance(one[0], str) and one[0] != "getstats")
    ]


def _drop_header(file: ResultFile, _: random.Random) -> Change | None:
    if _table(file) is None:
        return None
    return Change("header dropped", file.text.split("\n", 1)[1].encode())


def _add_column(file: ResultFile, draw: random.Random) -> Change | None:
    table = _table(file)
    if table is None:
        return None
    rows, separator = table
    at = draw.randint(0, len(rows[0]))
    changed = [[*row[:at], NEW if number == 0 else str(NUMBER), *row[at:]] for number, row in enumerate(rows)]
    return Change("column added", _written(changed, separator), NEW)


def _add_field(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind != "csv":
        return None
    rows, separator = _rows(file)
    if _has_header(rows):
        return None
    at = draw.randint(0, len(rows[0]))
    return Change("field added", _written([[*row[:at], str(NUMBER), *row[at:]] for row in rows], separator))


def _move_column(file: ResultFile, draw: random.Random) -> Change | None:
    table = _table(file)
    if table is None or len({len(row) for row in table[0]}) > 1:
        return None
    rows, separator = table
    order = list(range(len(rows[0])))
    draw.shuffle(order)
    return Change("column moved", _written([[row[at] for at in order] for row in rows], separator))


def _rename_column(file: ResultFile, draw: random.Random) -> Change | None:
    table = _table(file)
    if table is None:
        return None
    rows, separator = table
    # Nobody misses a column that holds nothing.
    held = [at for at in range(len(rows[0])) if any("".join(row[at : at + 1]) for row in rows[1:])]
    if not held:
        return None
    rows[0][draw.choice(held)] = NEW
    return Change("name changed", _written(rows, separator), NEW)


def _add_number(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind == "xml":
        return Change("number added", add_attribute(file.text, NEW, str(NUMBER), draw).encode(), NEW)
    if file.kind in _NO_JSON:
        return None
    documents = _documents(file)
    path, _ = draw.choice(list(_objects(_read_whole(documents))))
    for found, one in _objects(_read_whole(documents)):
        if found == path:
            one[NEW] = NUMBER
    return Change("number added", _dumped(documents, file), NEW, (*path, NEW))


def _rename_key(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind == "xml":
        return Change("name changed", rename_attribute(file.text, NEW, draw).encode(), NEW)
    if file.kind in _NO_JSON:
        return None
    documents = _documents(file)
    held = [
        (path, key, isinstance(value, dict))
        for path, one in _objects(_read_whole(documents))
        for key, value in one.items()
        if value not in _NOTHING
    ]
    path, key, is_of_object = draw.choice(held)
    for found, one in list(_objects(_read_whole(documents))):
        if found == path and key in one:
            items = [(NEW if name == key else name, value) for name, value in one.items()]
            one.clear()
            one.update(items)
    return Change("name changed", _dumped(documents, file), NEW, (*path, NEW), is_of_object=is_of_object)


def _reorder_keys(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind == "xml":
        return Change("keys in another order", reorder_attributes(file.text, draw).encode())
    if file.kind in _NO_JSON:
        return None
    documents = _documents(file)
    for _, one in _objects(documents):
        items = list(one.items())
        draw.shuffle(items)
        one.clear()
        one.update(items)
    return Change("keys in another order", _dumped(documents, file))


def _change_version(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind in _NO_JSON:
        return None
    documents = _documents(file)
    places = [
        (one, key)
        for path, one in _objects(documents)
        for key, value in one.items()
        if "version" in key.lower() and isinstance(value, str) and _VERSION.search(value) and len(path) < 3
    ]
    if not places:
        return None
    one, key = draw.choice(places)
    other = f"{draw.choice([0, 1, 2, 9, 99])}.{draw.randint(0, 40)}"
    one[key] = _VERSION.sub(other, one[key], count=1)
    return Change("version changed", _dumped(documents, file))


def _multiply(file: ResultFile, draw: random.Random, importer: str = "") -> Change | None:
    # Lines are not all samples.
    if importer in {"iperf3-stream", "rtcstats"} or file.kind in {"text", "binary", "xml"}:
        return None
    times = draw.choice([2, 10, 1000])
    if file.kind != "json":
        lines = file.text.splitlines(keepends=True)
        header = lines[:1] if file.kind == "csv" and _has_header(_rows(file)[0]) else []
        data = "".join([*header, *(lines[len(header) :] * times)]).encode()
    else:
        documents = _documents(file)
        for _, one in _objects(documents):
            for key in ARRAYS.get(importer, ()):
                if isinstance(one.get(key), list):
                    one[key] *= times
        data = _dumped(documents)
    if (importer not in ARRAYS and file.kind == "json") or len(data) > MAX_MULTIPLIED:
        return None
    return Change("samples multiplied", data, times=times)


def _add_line(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind != "text":
        return None
    lines = file.text.splitlines(keepends=True)
    lines.insert(draw.randint(1, len(lines)), f"{NEW} {NUMBER}\n")
    return Change("line added", "".join(lines).encode())


def _change_line_ends(file: ResultFile, _: random.Random) -> Change | None:
    if file.kind != "text":
        return None
    return Change("other line ends", file.text.replace("\n", "\r\n").encode())


def _change_byte(file: ResultFile, draw: random.Random) -> Change | None:
    if file.kind != "binary":
        return None
    at = draw.randrange(len(file.data))
    other = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
    return Change("byte changed", file.data[:at] + bytes([other]) + file.data[at + 1 :])


def _truncate(file: ResultFile, draw: random.Random) -> Change | None:
    end = len(file.data.rstrip())
    return Change("truncated", file.data[: draw.randrange(end // 10, end)])


CHANGES: dict[str, Callable[[ResultFile, random.Random], Change | None]] = {
    "header dropped": _drop_header,
    "column added": _add_column,
    "field added": _add_field,
    "column moved": _move_column,
    "column renamed": _rename_column,
    "number added": _add_number,
    "key renamed": _rename_key,
    "keys in another order": _reorder_keys,
    "version changed": _change_version,
    "line added": _add_line,
    "other line ends": _change_line_ends,
    "byte changed": _change_byte,
    "truncated": _truncate,
}


def changes(file: ResultFile, importer: str, number: int, draw: random.Random) -> Iterator[Change]:
    """Give so many different changes of a file, of all kinds that it can have in turn; fewer where it has no more."""
    kinds = [*CHANGES.values(), partial(_multiply, importer=importer)]
    tries = dict.fromkeys(range(len(kinds)), _TRIES)
    given: set[tuple[str, int]] = set()
    while tries and len(given) < number:
        for at in list(tries):
            change = kinds[at](file, draw)
            known = (change.kind, hash(change.data)) if change is not None else None
            if change is None or known is None or known in given:
                tries[at] -= 1
                if not tries[at]:
                    del tries[at]
                continue
            tries[at] = _TRIES
            given.add(known)
            yield change
            if len(given) == number:
                return
