"""Names of files and of sessions in paths: safe everywhere, unique, sorted by time, made of the content alone."""

from __future__ import annotations

import hashlib
import json
import re

import duckdb
import openpyxl
import polars as pl
import pytest
from conftest import descriptor, names_in, row, write_ndjson
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from pipeline import export_measurements, export_statistics, import_sessions, list_sessions, write_catalog
from pipeline.disk.safe_names import safe_name, safe_names
from pipeline.package.names import file_name, time_range

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10))}
TIME = r"\d{8}T\d{6}Z"
FILE_NAME = re.compile(
    rf"(sessions_(?P<s>{TIME}_{TIME}|empty)\.(?P<plain>csv)"
    rf"|(measurements|statistics)_({TIME}_{TIME}|empty)_(cross-session|per-session|session-(?P<session>[A-Za-z0-9._-]+?))"
    r"(_[1-9]\d*[smhd])?(_part-\d{4,})?\.(ndjson|json|csv)(\.gz|\.zst)?"
    rf"|(measurements|statistics)_({TIME}_{TIME}|empty)_(cross-session|per-session|session-[A-Za-z0-9._-]+?)"
    r"(_[1-9]\d*[smhd])?(_part-\d{4,})?\.(parquet|arrow))"
)
HOSTILE_IDS = [
    "../escape",
    "..",
    ".",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\x",
    "con",
    "Aux.txt",
    "COM1",
    "lpt9.log",
    "trailing.",
    "trailing ",
    " leading",
    "-rf",
    ".hidden",
    'quote"s',
    "apostrophe's",
    "100%",
    "%s%n",
    "new\nline",
    "tab\t",
    "\x1b[31mred",
    "*?[1]",
    "$(id)",
    "`id`",
    "a&b|c>d<e;f",
    "ünïcödé",
    "e\u0301",
    "é",
    "😀" * 128,
    "x" * 128,
    "x" * 100,
    "x" * 101,
    "same",
    "Same",
    "SAME",
    "~",
    "#",
    "a,b",
    "session-1",
    "ok-1.2_3",
]


def is_safe(name):
    """What every file system takes for a name of its own, and leaves as it is."""
    stem = name.split(".")[0].upper()
    return SAFE.fullmatch(name) is not None and not name.endswith(".") and stem not in DEVICES


def twin(text, digits=12):
    """The name that `<kept>/` gets, which another session may have for its id."""
    return f"{text}-{hashlib.sha256(f'{text}/'.encode()).hexdigest()[:digits]}"


IDS = st.text(min_size=1, max_size=128) | st.sampled_from(HOSTILE_IDS) | st.from_regex(SAFE, fullmatch=True)
ENCODABLE = IDS.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@given(session_id=ENCODABLE)
@example(session_id="nul")
@example(session_id="a.")
@example(session_id="\u017f")  # the long s, whose upper case is S
@example(session_id="\u212a")  # the Kelvin sign, whose lower case is k
def test_a_name_is_safe_and_the_id_itself_where_that_is(session_id):
    name = safe_name(session_id)
    assert is_safe(name)
    assert (name == session_id) == is_safe(session_id)
    assert safe_name(session_id) == name


@given(ids=st.lists(ENCODABLE, unique=True, max_size=12))
@example(ids=HOSTILE_IDS)
@example(ids=["x/", twin("x")])
@example(ids=[twin("x").upper(), "x/"])
@example(ids=["x/", twin("x"), twin("x").upper(), twin("x", 16), twin("x", 16).upper()])
@example(ids=["\u212a", "k", "K"])
def test_names_are_unique_even_ignoring_case(ids):
    names = safe_names(ids)
    assert names.keys() == set(ids)
    assert len({name.lower() for name in names.values()}) == len(ids)
    assert all(is_safe(name) for name in names.values())


@given(ids=st.lists(ENCODABLE, unique=True, max_size=8), data=st.data())
def test_a_name_does_not_depend_on_the_order_of_the_sessions(ids, data):
    assert safe_names(ids) == safe_names(data.draw(st.permutations(ids)))


def test_names_stay_within_the_limit_whatever_collides():
    long = "y" * 90
    kept = long[:80]
    digest = hashlib.sha256(f"{long}/".encode()).hexdigest()
    taken = [f"{kept}-{digest[:digits]}" for digits in (12, 16)]
    ids = [f"{long}/", *taken, *(name.upper() for name in taken)]
    names = safe_names(ids)
    assert len({name.lower() for name in names.values()}) == len(ids)
    assert all(is_safe(name) for name in names.values())


def test_ids_that_differ_only_in_case_are_all_replaced():
    names = safe_names(["Run", "run", "other"])
    assert names["other"] == "other"
    assert re.fullmatch(r"Run-[0-9a-f]{12}", names["Run"])
    assert re.fullmatch(r"run-[0-9a-f]{12}", names["run"])


def test_a_replaced_name_keeps_what_is_allowed_of_the_id():
    digest = hashlib.sha256(b"a/b c.d").hexdigest()[:12]
    assert safe_name("a/b c.d") == f"abc.d-{digest}"
    assert re.fullmatch(r"session-[0-9a-f]{12}", safe_name("😀"))
    assert re.fullmatch(r"session-[0-9a-f]{12}", safe_name("con"))


@given(
    first=st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
    length=st.integers(0, 10**15),
    other=st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
)
def test_names_sort_by_time(first, length, other):
    """As text they come in the order of their first times, as far as seconds tell."""
    last = min(first + length, 253_402_300_799_999_999)
    one, two = time_range(first, last, "us"), time_range(other, 253_402_300_799_999_999, "us")
    if first // 1_000_000 < other // 1_000_000:
        assert one < two
    elif first // 1_000_000 > other // 1_000_000:
        assert one > two
    assert re.fullmatch(f"{TIME}_{TIME}", one)


def test_a_time_of_a_name_is_the_second_it_lies_in():
    assert time_range(-1, 1_764_000_000_999_999, "us") == "19691231T235959Z_20251124T160000Z"
    assert time_range(1_764_000_000_999_999_999, 1_764_000_000_999_999_999, "ns") == "20251124T160000Z_20251124T160000Z"
    assert time_range(None, None, "us") == "empty"


def test_the_words_of_a_name_come_in_one_order():
    name = file_name("statistics", "empty", "cross-session", ".csv.gz", window="1m", part=3)
    assert name == "statistics_empty_cross-session_1m_part-0003.csv.gz"
    assert file_name("sessions", "empty", None, ".csv") == "sessions_empty.csv"


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (export_measurements, {}),
        (export_measurements, {"scope": "per-session", "compression": "gzip"}),
        (export_measurements, {"format": "csv", "compression": "zstd", "with_statistics": True}),
        (export_measurements, {"format": "json", "rows_per_file": 1000}),
        (export_measurements, {"format": "parquet", "scope": "per-session", "rows_per_file": 1000}),
        (export_measurements, {"format": "arrow", "where": "false"}),
        (export_statistics, {}),
        (export_statistics, {"scope": "cross-session", "window": "1m"}),
        (export_statistics, {"window": "10s", "rows_per_file": 50, "format": "parquet"}),
        (export_statistics, {"where": "false"}),
    ],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_every_file_of_a_package_is_named_by_the_grammar(fixture_store, tmp_path, function, options):
    function(fixture_store, tmp_path / "out", sync=False, **options)
    names = {path.name for path in (tmp_path / "out").iterdir()} - {"datapackage.json", "SHA256SUMS"}
    assert all(FILE_NAME.fullmatch(name) for name in names), names
    assert ("empty" in "".join(names)) == (options.get("where") == "false")


def test_the_times_of_a_name_are_the_first_and_last_of_the_content(tmp_path):
    rows = [
        row("s1", 0, timestamp="2026-11-24T16:00:05.9Z"),
        row("s1", 1, timestamp="2026-11-24T16:00:01.1Z"),
        row("s2", 0, timestamp="2026-12-31T23:59:59.999999Z"),
        row("s2", 1, timestamp="2026-12-31T23:59:58Z"),
    ]
    source = write_ndjson(tmp_path / "a.ndjson", rows)
    export_measurements(source, tmp_path / "each", scope="per-session", sync=False)
    assert {path.name for path in (tmp_path / "each").glob("measurements_*")} == {
        "measurements_20261124T160001Z_20261124T160005Z_session-s1.ndjson",
        "measurements_20261231T235958Z_20261231T235959Z_session-s2.ndjson",
    }
    export_measurements(source, tmp_path / "parts", rows_per_file=3, sync=False)
    # The parts of a table carry the range of the whole table.
    assert {path.name for path in (tmp_path / "parts").glob("measurements_*")} == {
        "measurements_20261124T160001Z_20261231T235959Z_cross-session_part-0001.ndjson",
        "measurements_20261124T160001Z_20261231T235959Z_cross-session_part-0002.ndjson",
    }
    export_measurements(source, tmp_path / "one", sessions=["s2"], where="sequence = 1", sync=False)
    assert {path.name for path in (tmp_path / "one").iterdir()} >= {
        "measurements_20261231T235958Z_20261231T235958Z_cross-session.ndjson",
        "sessions_20261231T235958Z_20261231T235958Z.csv",
    }


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_names_and_bytes_depend_on_the_content_alone(tmp_path, monkeypatch, scope):
    """Another source of the same rows, another clock, other threads and batches: the same files."""
    rows = [row(session_id, i, value=i / 7) for session_id in ("s1", "S1", "s/2") for i in range(500)]
    source = write_ndjson(tmp_path / "source.ndjson", rows)
    import_sessions(write_ndjson(tmp_path / "reversed.ndjson", rows[::-1]), tmp_path / "store")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    export_measurements(source, tmp_path / "a", scope=scope, sync=False)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2000000000")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    export_measurements(tmp_path / "store", tmp_path / "b", scope=scope, batch_size=77, threads=1, sync=False)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).glob("measurements_*")} for n in "ab")
    assert first == second
    assert len(first) == (3 if scope == "per-session" else 1)


def everything_below(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def ids_of(path):
    """The ids that the rows of a file of measurements have, read by others."""
    if path.suffix == ".ndjson":
        return {json.loads(line)["session_id"] for line in path.read_text(encoding="utf-8").split("\n")[:-1]}
    if path.suffix == ".json":
        return {r["session_id"] for r in json.loads(path.read_bytes())["measurements"]}
    if path.suffix == ".csv":
        return set(pl.read_csv(path, schema_overrides={"session_id": pl.String})["session_id"])
    return set((pl.read_parquet if path.suffix == ".parquet" else pl.read_ipc)(path)["session_id"])


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_hostile_ids_stay_inside_the_package(tmp_path, kind):
    rows = [row(session_id, i) for session_id in HOSTILE_IDS for i in range(2)]
    (tmp_path / "work").mkdir()
    source = write_ndjson(tmp_path / "work" / "a.ndjson", rows)
    package = tmp_path / "work" / "out" / "package"
    export_measurements(source, package, scope="per-session", format=kind, with_statistics=True, sync=False)
    inside = {path.name for path in package.iterdir() if path.is_file()}
    # Nothing came into being but the package, and in it nothing but files.
    outside = [name for name in everything_below(tmp_path) if not name.startswith("work/out/package/")]
    assert outside == ["work", "work/a.ndjson", "work/out", "work/out/package"]
    assert names_in(package) == sorted(inside)
    names = [name for name in inside if name.startswith("measurements_")]
    assert len(names) == len({name.lower() for name in names}) == len(HOSTILE_IDS)
    found = {}
    for name in names:
        session = FILE_NAME.fullmatch(name)
        assert session, name
        assert len(name.encode()) <= 255
        (session_id,) = ids_of(package / name)
        found[session_id] = name
    assert found.keys() == set(HOSTILE_IDS)
    assert found["ok-1.2_3"].endswith(f"_session-ok-1.2_3.{kind}")
    # The descriptor says whose file each is, under resource names of their own.
    resources = [r for r in descriptor(package)["resources"] if r["pipeline:table"] == "measurements"]
    assert {r["pipeline:sessions"][0]["session_id"]: r["path"] for r in resources} == found
    assert len({r["name"] for r in resources}) == len(resources)
    assert all(re.fullmatch(r"[a-z0-9._-]+", r["name"]) for r in resources)


def test_hostile_ids_stay_inside_the_store(tmp_path):
    rows = [row(session_id, 0) for session_id in HOSTILE_IDS]
    (tmp_path / "work").mkdir()
    store = tmp_path / "work" / "store"
    import_sessions(write_ndjson(tmp_path / "work" / "a.ndjson", rows), store)
    directories = names_in(store / "sessions")
    assert all(is_safe(name) for name in directories)
    assert len({name.lower() for name in directories}) == len(HOSTILE_IDS)
    outside = [name for name in everything_below(tmp_path) if not name.startswith("work/store/")]
    assert outside == ["work", "work/a.ndjson", "work/store"]
    assert names_in(store) == ["sessions", "staging", "store.json"]
    assert {session["session_id"] for session in list_sessions(store)} == set(HOSTILE_IDS)


def test_sessions_that_come_later_get_names_of_their_own(tmp_path):
    """Ids that collide but for case, or with a replaced name, in imports after one another."""
    ids = ["run", "RUN", "x/", twin("x"), twin("x").upper(), twin("x", 16)]
    for at, session_id in enumerate(ids):
        import_sessions(write_ndjson(tmp_path / f"{at}.ndjson", [row(session_id, at)]), tmp_path / "store")
    assert {session["session_id"] for session in list_sessions(tmp_path / "store")} == set(ids)
    directories = names_in(tmp_path / "store" / "sessions")
    assert len({name.lower() for name in directories}) == len(ids)
    # Each is found again to be replaced.
    for at, session_id in enumerate(ids):
        source = write_ndjson(tmp_path / f"{at}.ndjson", [row(session_id, at, value=float(at))])
        import_sessions(source, tmp_path / "store", if_exists="replace")
    assert names_in(tmp_path / "store" / "sessions") == sorted(directories)
    assert len(list_sessions(tmp_path / "store")) == len(ids)


def test_hostile_ids_stay_inside_what_other_formats_write(tmp_path):
    """Line protocol, a workbook of statistics, and a catalog: text that they can hold."""
    ids = [session_id for session_id in HOSTILE_IDS if not set(session_id) & set("\n\\\x1b\t")]
    assert len(ids) > 30
    work = tmp_path / "work"
    work.mkdir()
    source = write_ndjson(work / "a.ndjson", [row(session_id, i) for session_id in ids for i in range(2)])
    import_sessions(source, work / "store")
    before = everything_below(tmp_path)
    export_measurements(source, work / "lines", scope="per-session", format="influx", sync=False)
    export_statistics(source, work / "book", format="xlsx", sync=False)
    write_catalog(work / "store", work / "m.duckdb")
    made = set(everything_below(tmp_path)) - set(before)
    assert {name.split("/")[1] for name in made} == {"lines", "book", "m.duckdb"}
    names = [name for name in names_in(work / "lines") if name.startswith("measurements_")]
    assert len({name.lower() for name in names}) == len(ids)
    (book,) = (work / "book").glob("statistics_*.xlsx")
    sheet = openpyxl.load_workbook(book, read_only=True)["statistics"]
    header, *lines = sheet.iter_rows(values_only=True)
    assert {unescape(line[header.index("session_id")]) for line in lines} == set(ids)
    with duckdb.connect(str(work / "m.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT DISTINCT session_id FROM measurements").fetchall()
    assert {session_id for (session_id,) in found} == set(ids)
