"""What version 0.1.0 made stays usable: its stores open, its packages verify, are repeated and are replaced."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from directories import descriptor, names_in, only, snapshot
from project import ROOT

V1 = ROOT / "data" / "fixtures" / "v1"
UNGUARDED = re.compile(rb'"=""([^"]*)"""')
"""Text that looks like a number, in CSV for spreadsheet programs, which 0.1.0 left as it was."""
OVERWRITE = ("--overwrite", "--no-sync")
VERSIONS = ("created", "pipeline:program", "pipeline:engines")
STORES = {"store": "packages/measurements-ndjson-cross-session", "store-ns": "packages/zstd"}
"""By store: a package of all its rows as NDJSON."""


def commands_of_the_readme():
    """The commands that made all of it, by what they made."""
    block = re.search(r"```sh\n(.*?)```", (V1 / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    commands = [shlex.split(line)[1:] for line in block.replace("\\\n", " ").splitlines()]
    return {command[command.index("--to") + 1]: command for command in commands}


MADE = commands_of_the_readme()
PACKAGES = [to for to in MADE if to.startswith("packages/")]
SOME = [
    f"packages/{name}" for name in ("measurements-csv-per-session", "statistics-xlsx-cross-session", "plain", "no-hash")
]
"""For what does not depend on the format."""


@pytest.fixture
def v1(tmp_path):
    """A copy to run the commands in: nothing that they write depends on where it lies."""
    return shutil.copytree(V1, tmp_path / "v1")


@pytest.fixture
def run(commands, v1, tmp_path):
    """Run a command in the copy; it must end with a status."""
    (tmp_path / "tmp").mkdir()

    def run(*arguments, status=0):
        ending = commands.run([str(argument) for argument in arguments], cwd=v1, tmp=tmp_path / "tmp")
        assert ending.status == status, ending.err
        return ending

    return run


def content(path):
    """What a data file must hold: text to the byte, whatever wrote it; of other formats all that they say."""
    data = path.read_bytes().replace(fingerprint(path.parent).encode(), b"FINGERPRINT")
    match path.suffix:
        case ".gz":
            return gzip.decompress(path.read_bytes())
        case ".zst":
            return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        case ".parquet":
            return as_text(pq.read_table(path), fingerprint(path.parent))
        case ".arrow":
            return as_text(pa.ipc.open_file(path).read_all(), fingerprint(path.parent))
        case ".xlsx":
            return as_shown(openpyxl.load_workbook(path))
        case _:
            return UNGUARDED.sub(rb"\1", data) if data.startswith(b"\xef\xbb\xbf") else data


def as_shown(book):
    """A workbook's cells: numbers to 14 digits, since 0.1.0 rounded them; definitions may be said in other words."""

    def shown(cell):
        is_number = type(cell) in {int, float} and (cell == 0 or abs(cell) > 1e-300)
        return f"{cell + 0.0:.14g}" if is_number else str(cell)

    return {
        sheet.title: [[*map(shown, row[: 2 if sheet.title == "definitions" else None])] for row in sheet.values]
        for sheet in book
    }


def fingerprint(directory):
    """What a package says of its source: builds since 0.1.0 tell sessions in another way."""
    return descriptor(directory)["pipeline:source"]["fingerprint"]


def as_text(table, told):
    """A table as text, in which a NaN equals another, without the fingerprint of its source."""
    metadata = {key: value.replace(told.encode(), b"FINGERPRINT") for key, value in table.schema.metadata.items()}
    fields = [(field.name, str(field.type), field.nullable, field.metadata) for field in table.schema]
    return fields, metadata, repr(table.to_pylist())


def described(directory):
    """The descriptor, without versions, and without what they may change: sizes and hashes of compressed files."""
    found = {key: value for key, value in descriptor(directory).items() if key not in VERSIONS}
    del found["pipeline:source"]["fingerprint"]
    is_for_people = found["pipeline:options"]["spreadsheet"]
    for resource in found["resources"]:
        if is_for_people or resource["path"].endswith((".gz", ".zst", ".json", ".parquet", ".arrow", ".xlsx")):
            resource.pop("bytes")
            resource.pop("hash", None)
    return found


def assert_same_package(new, old):
    assert names_in(new) == names_in(old)
    for name in names_in(old):
        if name not in {"datapackage.json", "SHA256SUMS"}:
            found, expected = (content(package / name) for package in (new, old))
            if name.startswith("sessions_") and selects_rows(old):
                # Version 0.1.0 listed those too of which no row can be there.
                assert set(found.splitlines()) <= set(expected.splitlines())
            else:
                assert found == expected, name
    found, expected = described(new), described(old)
    if selects_rows(old):
        for package in (found, expected):
            package["resources"] = [one for one in package["resources"] if one["name"] != "sessions"]
    assert found == expected


def selects_rows(directory):
    selection = descriptor(directory)["pipeline:options"]["selection"]
    return any(selection[name] for name in ("metrics", "since", "until"))


def test_the_readme_has_the_command_of_each():
    assert sorted(PACKAGES) == [f"packages/{name}" for name in names_in(V1 / "packages")]
    assert sorted(MADE.keys() - PACKAGES) == sorted(STORES)
    assert {descriptor(V1 / to)["pipeline:program"]["version"] for to in PACKAGES} == {"0.1.0"}


@pytest.mark.parametrize(("store", "package"), STORES.items())
def test_a_store_gives_its_sessions_and_rows(run, store, package):
    sessions = only(V1 / package, "sessions_*.csv").read_bytes()
    assert run("sessions", store, "--format", "csv").out.encode() == sessions
    rows = content(only(V1 / package, "measurements_*"))
    found = run("query", store, "SELECT * FROM measurements", "--format", "ndjson").out.encode()
    assert sorted(found.splitlines()) == sorted(rows.splitlines())


@pytest.mark.parametrize("store", STORES)
def test_a_store_takes_further_sessions(run, store):
    count = ("query", store, "SELECT count(*) AS n FROM measurements", "--format", "ndjson")
    before = json.loads(run(*count).out)["n"]
    assert "there already" in run(*MADE[store], "--if-exists", "skip").out
    run("import", ROOT / "data" / "fixtures" / "harness" / "hyperfine" / "two-commands.json", "--to", store)
    assert json.loads(run(*count).out)["n"] > before


@pytest.mark.parametrize("to", PACKAGES)
def test_a_package_verifies(run, to):
    assert "complete and undamaged" in run("verify", to).out


@pytest.mark.parametrize("to", PACKAGES)
def test_a_package_that_is_made_again_is_there_already(run, v1, to):
    before = snapshot(v1 / to)
    assert json.loads(run(*MADE[to], "--json").out)["is_unchanged"]
    assert snapshot(v1 / to) == before


@pytest.mark.parametrize("to", PACKAGES)
def test_a_package_that_is_made_anew_is_as_it_was(run, v1, to):
    shutil.rmtree(v1 / to)
    run(*MADE[to], "--no-sync")
    assert_same_package(v1 / to, V1 / to)


@pytest.mark.parametrize("to", SOME)
def test_a_package_that_is_overwritten_by_itself_stays_untouched_unless_it_is_damaged(run, v1, to):
    before = snapshot(v1 / to)
    run(*MADE[to], *OVERWRITE)
    assert (snapshot(v1 / to) == before) is ("--no-hash" not in MADE[to])
    damage(v1 / to)
    run(*MADE[to], *OVERWRITE)
    assert_same_package(v1 / to, V1 / to)


def damage(directory):
    """Flip a bit in the largest file."""
    path = max(directory.glob("[ms]*_*"), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("to", SOME)
def test_other_options_are_refused_until_they_overwrite(run, v1, to):
    before = snapshot(v1 / to)
    other = [*MADE[to], "--metric", "score"]
    assert "other options" in run(*other, status=4).err
    assert snapshot(v1 / to) == before
    run(*other, *OVERWRITE)
    run("verify", to)
    found, expected = (descriptor(place / to)["pipeline:options"]["selection"]["metrics"] for place in (v1, V1))
    assert found == [*expected, "score"]
    run(*MADE[to], status=4)
    run(*MADE[to], *OVERWRITE)
    assert_same_package(v1 / to, V1 / to)


@pytest.mark.parametrize("to", [to for to in SOME if "--no-hash" not in MADE[to]])
def test_a_damaged_package_is_told(run, v1, to):
    """So that the other tests can be believed."""
    damage(v1 / to)
    run("verify", to, status=5)
