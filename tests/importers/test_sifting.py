"""Bad records are found among others by trying few blocks, and each that is told was tried."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import SourceError
from pipeline.importers.definition import built_in
from pipeline.importers.sifting import Sifter

RECORDS = st.lists(st.sampled_from([b"1.5", b"27.25", b"x", b"y z", b"-1", b"1e5", b"13", b""]), max_size=60)


class Attempts:
    """Reads blocks as an importer that cannot read some records; each has its line number where lines are laid out."""

    def __init__(self, is_bad):
        self.is_bad = is_bad
        self.count = 0

    def __call__(self, block):
        self.count += 1
        for number, line in enumerate(block.read_bytes().split(b"\n"), start=1):
            if self.is_bad(line):
                raise SourceError(f"{number}: {line.decode()}")


def sift(directory, lines, is_bad, *, wants_all=True, **options):
    attempts = Attempts(is_bad)
    (directory / "plain").write_bytes(b"".join(line + b"\n" for line in lines))
    sifter = Sifter("lines", attempts, directory / "block", has_header=False, **{"stand_alone": True, **options})
    sifter.sift(directory / "plain", directory / "good" if wants_all else None)
    return sifter, attempts


@pytest.mark.parametrize("stand_alone", [False, True])
@settings(max_examples=60, deadline=None)
@given(lines=RECORDS, bad=st.sets(st.sampled_from([b"x", b"y z", b"13", b"-1"])))
def test_what_is_told_is_what_is_bad(tmp_path_factory, stand_alone, lines, bad):
    directory = tmp_path_factory.mktemp("sift")
    sifter, _ = sift(directory, lines, bad.__contains__, stand_alone=stand_alone)
    wanted = [(number, f"{number}: {line.decode()}") for number, line in enumerate(lines, start=1) if line in bad]
    assert sifter.bad == wanted
    kept = (directory / "good").read_bytes().split(b"\n")
    good = {number: line for number, line in enumerate(lines, start=1) if line and line not in bad}
    assert {number: line for number, line in enumerate(kept, start=1) if line} == good
    assert sifter.good_count == len(good)
    first, _ = sift(directory, lines, bad.__contains__, wants_all=False)
    assert first.bad == wanted[:1]


@pytest.mark.parametrize(("count", "every", "most"), [(40_000, 2000, 80), (40_000, 400, 160), (1000, 4, 280)])
def test_bad_records_that_look_alike_are_found_in_few_tries(tmp_path, count, every, most):
    lines = [b"n/a" if number % every == 7 % every else b"%d.25,%d" % (number, number % 9) for number in range(count)]
    sifter, attempts = sift(tmp_path, lines, lambda line: line == b"n/a")
    assert len(sifter.bad) == lines.count(b"n/a")
    assert attempts.count < most


def test_bad_records_that_look_like_good_ones_are_found_by_halving(tmp_path):
    bad = {b"%d" % number for number in range(500, 16_000, 1000)}
    sifter, attempts = sift(tmp_path, [b"%d" % number for number in range(16_384)], bad.__contains__)
    assert len(sifter.bad) == len(bad)
    assert attempts.count < len(bad) * 30


def test_one_bad_record_of_a_form_says_little_of_many_good_ones(tmp_path):
    bad = {101: b"1.5 bad", 18_000: b"2.5 bad"}
    lines = [bad.get(at, b"%d" % at if at < 16_384 else b"%d.5 all" % at) for at in range(18_400)]
    sifter, attempts = sift(tmp_path, lines, lambda line: line.endswith(b"bad"))
    assert [line for line, _ in sifter.bad] == [102, 18_001]
    assert attempts.count < 80


@pytest.mark.parametrize(
    "error",
    [
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        OSError("Detail: Python exception: KeyboardInterrupt"),
        duckdb.InvalidInputException(
            "Invalid Input Error: reading the schema of the object registered as 'records' failed: KeyboardInterrupt: "
        ),
    ],
)
def test_an_interruption_makes_no_record_bad(tmp_path, error):
    def attempt(_):
        raise SourceError("cannot be read") from error

    (tmp_path / "plain").write_bytes(b"1\n2\n")
    sifter = Sifter("lines", attempt, tmp_path / "block", has_header=False, stand_alone=True)
    with pytest.raises(KeyboardInterrupt):
        sifter.sift(tmp_path / "plain", tmp_path / "good")
    assert not sifter.bad


def test_a_record_that_speaks_of_interruptions_is_bad_like_others(tmp_path):
    sifter, _ = sift(tmp_path, [b"1", b"KeyboardInterrupt"], lambda line: line == b"KeyboardInterrupt")
    assert [line for line, _ in sifter.bad] == [2]


def test_records_are_ordered_by_form_where_an_importer_looks_at_one_at_a_time():
    found = {one.name: one.records_stand_alone for one in built_in()}
    assert all(found[name] for name in ("hey", "jmeter", "k6-csv", "vegeta", "h2load"))
    assert not any(found[name] for name in ("gatling", "fio-log", "getstats", "iperf3-stream", "mtr-raw", "rtcstats"))
