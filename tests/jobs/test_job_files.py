"""Job files: what they say, and what is wrong in them, each in one line that names the place."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import TomlError, UsageError
from pipeline.jobs.job_file import read_job
from pipeline.jobs.periods import ALL, Period

HEAD = 'source = "results"\n'
EXPORT = '[[export]]\nname = "a"\nkind = "statistics"\nperiod = "day"\nto = "p/{period}"\n'
GOOD = HEAD + EXPORT


def changed(key, value):
    """The good export with another line for a key."""
    return HEAD + re.sub(rf"^{key} = .*$", f"{key} = {value}", EXPORT, flags=re.MULTILINE)


# What is wrong, the file, its line, and what the message says.
FAULTY = [
    ("no TOML", "source = \n", 1, "is no TOML"),
    ("a key twice", 'source = "a"\nsource = "b"\n', 2, "is no TOML"),
    ("no source", EXPORT, 1, "lacks source"),
    ("no export", HEAD, 1, "lacks export"),
    ("an export as a table", HEAD + EXPORT.replace("[[export]]", "[export]"), 2, "export must be tables"),
    ("exports that are none", HEAD + "export = []\n", 2, "name at least one"),
    ("an unknown key", 'sorce = "a"\n' + GOOD, 1, "did you mean 'source'"),
    ("an unknown table", GOOD + "[imports]\nfiles = []\n", 7, "did you mean 'import'"),
    ("a check of nothing", GOOD + '[[check]]\ntargets = "t.toml"\n', 7, "[[check]] lacks of"),
    ("a check of no export", GOOD + '[[check]]\ntargets = "t.toml"\nof = "b"\n', 9, "no export has this name"),
    ("a source that is a number", "source = 1\n" + EXPORT, 1, "source must be a text"),
    ("an empty source", 'source = ""\n' + EXPORT, 1, "source must be a text"),
    ("a source that is a list", 'source = ["a", "b"]\n' + EXPORT, 1, "source must be a text"),
    ("a source at a URL", 'source = "s3://bucket/a"\n' + EXPORT, 1, "is a URL"),
    ("metrics at a URL", HEAD + 'metrics = "s3://bucket/a.prom"\n' + EXPORT, 2, "is a URL"),
    ("an unknown zone", HEAD + 'timezone = "Europe/Berlyn"\n' + EXPORT, 2, "unknown time zone"),
    ("a zone as an offset", HEAD + 'timezone = "+01:00"\n' + EXPORT, 2, "unknown time zone"),
    ("a zone of the environment", HEAD + 'timezone = "${NO_SUCH_ZONE}"\n' + EXPORT, 2, "no 'NO_SUCH_ZONE'"),
    ("a source of the environment", 'source = "${NO_SUCH}/a"\n' + EXPORT, 1, "no 'NO_SUCH'"),
    ("a variable without a name", 'source = "${}/a"\n' + EXPORT, 1, "the environment has no ''"),
    ("a name with a slash", HEAD + 'name = "a/b"\n' + EXPORT, 2, "letters, digits"),
    ("a name with a space", HEAD + 'name = "a b"\n' + EXPORT, 2, "letters, digits"),
    ("a long name", HEAD + f'name = "{"a" * 65}"\n' + EXPORT, 2, "at most 64"),
    ("an import without files", GOOD + '[import]\nsettle = "1m"\n', 7, "lacks files"),
    ("an import of nothing", GOOD + "[import]\nfiles = []\n", 8, "names no file"),
    ("an import of numbers", GOOD + "[import]\nfiles = [1]\n", 8, "files must be"),
    ("an unknown key of import", GOOD + '[import]\nfiles = "a"\nsetle = "1m"\n', 9, "did you mean 'settle'"),
    ("a settling time without a unit", GOOD + '[import]\nfiles = "a"\nsettle = "60"\n', 9, "give a number and s, m"),
    ("a settling time that is a number", GOOD + '[import]\nfiles = "a"\nsettle = 60\n', 9, "settle must be a text"),
    ("if_exists = error", GOOD + '[import]\nfiles = "a"\nif_exists = "error"\n', 9, "choices: 'skip', 'replace'"),
    ("a relative start", GOOD + '[import]\nfiles = "a"\nstarted_at = "7d"\n', 9, "the same every night"),
    ("an export without a name", HEAD + EXPORT.replace('name = "a"\n', ""), 2, "lacks name"),
    ("an export without a kind", HEAD + EXPORT.replace('kind = "statistics"\n', ""), 2, "lacks kind"),
    ("an export without a period", HEAD + EXPORT.replace('period = "day"\n', ""), 2, "lacks period"),
    ("an export without a destination", HEAD + EXPORT.replace('to = "p/{period}"\n', ""), 2, "lacks to"),
    ("an export's name with a dot", changed("name", '"a.b"'), 3, "letters, digits"),
    ("an unknown kind", changed("kind", '"statistic"'), 4, "did you mean 'statistics'"),
    ("an unknown period", changed("period", '"days"'), 5, "did you mean 'day'"),
    ("a period of 5 hours", changed("period", '"5h"'), 5, "period '5h'"),
    ("a period that is a number", changed("period", "1"), 5, "period must be"),
    ("no period in the path", changed("to", '"p"'), 6, "name {period} once"),
    ("the period twice", changed("to", '"{period}/{period}"'), 6, "name {period} once"),
    ("another name in braces", changed("to", '"p/{period}-{day}"'), 6, "all that may stand in braces"),
    ("a destination at a URL", changed("to", '"s3://bucket/{period}"'), 6, "is a URL"),
    ("a destination called as a file", changed("to", '"p/{period}.csv"'), 6, "names a directory"),
    ("two exports of one name", GOOD + EXPORT.replace("p/", "q/"), 8, "the export in line 3"),
    ("two exports to one place", GOOD + EXPORT.replace('"a"', '"b"'), 11, "the export in line 6"),
    ("the same place by another way", GOOD + EXPORT.replace('"a"', '"b"').replace("p/", "x/../p/"), 11, "line 6"),
    ("a grace without a unit", GOOD + 'grace = "2"\n', 7, "grace '2'"),
    ("a negative grace", GOOD + 'grace = "-2h"\n', 7, "grace '-2h'"),
    ("a grace that is a number", GOOD + "grace = 2\n", 7, "grace must be"),
    ("a grace of what never ends", changed("period", '"all"') + 'grace = "2h"\n', 7, "never ends"),
    ("keeping nothing", GOOD + "keep = 0\n", 7, "keep must be"),
    ("keeping no time", GOOD + 'keep = "0d"\n', 7, "nothing would be kept"),
    ("keeping without a unit", GOOD + 'keep = "90"\n', 7, "keep '90'"),
    ("keeping true", GOOD + "keep = true\n", 7, "keep must be"),
    ("keeping of all", changed("period", '"all"') + "keep = 3\n", 7, "one package"),
    ("an unknown word for empty", GOOD + 'empty = "no"\n', 7, "choices: 'skip', 'publish'"),
    ("a window that is none", GOOD + 'window = "1x"\n', 7, "window '1x'"),
    ("a window that does not divide a day", GOOD + 'window = "7h"\n', 7, "does not divide a period of day"),
    ("a window of two days", GOOD + 'window = "2d"\n', 7, "does not divide a period of day"),
    ("windows of days in hours", changed("period", '"6h"') + 'window = "1d"\n', 7, "does not divide a period of 6h"),
    ("windows of 4 h in 6 h", changed("period", '"6h"') + 'window = "4h"\n', 7, "does not divide a period of 6h"),
    (
        "windows of a session that a day cuts",
        GOOD + 'window = "10s"\nwindow_origin = "session"\n',
        8,
        "would lie in two periods of day",
    ),
    ("an unknown kind of a metric", GOOD + 'kind_of = "rtt=gage"\n', 7, "did you mean 'gauge'"),
    ("a quantile beyond 1", GOOD + "quantile = 99\n", 7, "must be from 0 to 1"),
    ("a quantile as a text", GOOD + 'quantile = "p99"\n', 7, "quantile must be"),
    ("a figure of measurements", GOOD + "with_statistics = true\n", 7, "no key 'with_statistics'"),
    ("a format of the other kind", GOOD + 'format = "influx"\n', 7, "format 'influx'"),
    ("a compression that the format lacks", GOOD + 'format = "xlsx"\ncompression = "gzip"\n', 8, "compression gzip"),
    ("a locale without spreadsheet", GOOD + 'locale = "de"\n', 7, "locale"),
    ("a memory limit that is none", GOOD + 'memory_limit = "much"\n', 7, "much"),
    ("rows that are none", GOOD + "rows_per_file = 0\n", 7, "rows_per_file must be"),
    ("a relative time", GOOD + 'since = "7d"\n', 7, "the same every night"),
    ("today", GOOD + 'until = "today"\n', 7, "the same every night"),
    ("a time that is none", GOOD + 'since = "2026-13-01"\n', 7, "give RFC 3339"),
    ("since after until", GOOD + 'since = "2026-02-01"\nuntil = "2026-01-01"\n', 7, "since is not before"),
    ("an option of the command that jobs decide", GOOD + "overwrite = true\n", 7, "no key 'overwrite'"),
    ("the plural of an option", GOOD + 'metrics = ["a"]\n', 7, "did you mean 'metric'"),
    ("a NUL in a path", HEAD + 'metrics = "a\\u0000b"\n' + EXPORT, 2, "holds a NUL"),
    ("metrics in the source", HEAD + 'metrics = "results/store.json"\n' + EXPORT, 2, "lies in the source"),
    ("metrics in the place of the job", HEAD + 'metrics = "../%s/job.toml"\n' + EXPORT, 2, "is this file"),
    ("files at a URL", GOOD + '[import]\nfiles = ["a", "s3://bucket/b"]\n', 8, "is a URL"),
    ("an importer that nobody knows", GOOD + '[import]\nfiles = "a"\nfrom = "jmetre"\n', 9, "did you mean 'jmeter'"),
    (
        "an export into packages of another",
        GOOD + EXPORT.replace('"a"', '"b"').replace("p/{period}", "./p/{period}/b"),
        11,
        "lies in the packages of the export in line 6",
    ),
    (
        "an export into the package of another",
        GOOD + '[[export]]\nname = "b"\nkind = "statistics"\nperiod = "all"\nto = "p"\n',
        6,
        "lies in the packages of the export in line 11",
    ),
    ("a date that is no text", GOOD + "since = 2026-01-01\n", 7, "since must be a text"),
]


@pytest.mark.parametrize(("text", "line", "says"), [one[1:] for one in FAULTY], ids=[one[0] for one in FAULTY])
def test_what_is_wrong_in_a_job_file_is_one_line_that_names_the_place(tmp_path, text, line, says):
    path = tmp_path / "job.toml"
    path.write_text(text.replace("%s", tmp_path.name), encoding="utf-8")
    with pytest.raises(TomlError) as caught:
        read_job(path)
    assert caught.value.exit_status == 2
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}:{line}: "), message
    assert says in message


def read(tmp_path, text, settings=None):
    (tmp_path / "nightly.toml").write_text(text, encoding="utf-8")
    return read_job(tmp_path / "nightly.toml", settings)


def test_paths_begin_at_the_directory_of_the_file_and_know_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("WHERE", "there")
    job = read(tmp_path, GOOD.replace("results", "${WHERE}/results").replace("p/", "${WHERE}/"))
    assert job.name == "nightly"
    assert job.source == tmp_path / "there" / "results"
    assert job.exports[0].destination.path("2026-11-24") == tmp_path / "there" / "2026-11-24"


@pytest.mark.parametrize(
    ("zone", "period", "window", "is_fitting"),
    [
        ("Europe/Berlin", "day", "1h", True),
        ("Europe/Berlin", "day", "2h", False),  # midnight is 23 or 22 o'clock UTC
        ("Asia/Kolkata", "day", "1h", False),
        ("Asia/Kolkata", "day", "30m", True),
        ("Asia/Kathmandu", "week", "30m", False),
        ("Asia/Kathmandu", "week", "15m", True),
        ("Australia/Lord_Howe", "month", "1h", False),
        ("Asia/Kathmandu", "month", "1d", True),
        ("UTC", "day", "12h", True),
        ("Asia/Kathmandu", "6h", "2h", True),  # hours are counted from the epoch in every zone
        ("UTC", "session", "7h", True),
        ("UTC", "all", "2d", True),
    ],
)
def test_windows_divide_their_period_in_its_zone(tmp_path, zone, period, window, is_fitting):
    text = f'timezone = "{zone}"\n' + changed("period", f'"{period}"') + f'window = "{window}"\n'
    if is_fitting:
        assert read(tmp_path, text).exports[0].options["window"] == window
    else:
        with pytest.raises(TomlError, match="does not divide a period"):
            read(tmp_path, text)


def test_settings_stand_in_the_place_of_what_the_file_says(tmp_path):
    settings = {"timezone": "Europe/Paris", "a.keep": "30d", "a.by": '["load"]', "import.settle": "5m", "source": "x"}
    job = read(tmp_path, GOOD + '[import]\nfiles = "in/*"\n', settings)
    (export,) = job.exports
    assert (job.timezone, job.source, job.imports.settle_seconds) == ("Europe/Paris", tmp_path / "x", 300)
    assert (export.keep.nanoseconds, export.options["by"]) == (30 * 86_400 * 10**9, ("load",))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("timezon", "did you mean 'timezone'"),
        ("b.keep", "no export 'b'"),
        ("a.kep", "did you mean 'keep'"),
        ("import.settle", "has no [import]"),
        ("export", "no key 'export'"),
    ],
)
def test_a_setting_that_names_no_key_is_refused(tmp_path, key, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        read(tmp_path, GOOD, {key: "1d"})


@pytest.mark.parametrize("exports", ["5", '"a"', "[1]", "[{name = []}]", '[{name = "a", kind = []}]'])
def test_a_setting_of_an_export_that_is_none_is_told_as_one(tmp_path, exports):
    with pytest.raises((UsageError, TomlError), match=r"no export 'a'|no key 'by'"):
        read(tmp_path, HEAD + f"export = {exports}\n", {"a.by": "load"})


def test_a_setting_whose_key_is_no_text_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--set 5: no key '5'"):
        read(tmp_path, GOOD, {5: "1d"})


def test_a_setting_of_several_lines_is_one_value(tmp_path):
    with pytest.raises(TomlError, match=r"keep '1\\nto"):
        read(tmp_path, GOOD, {"a.keep": "1\nto = 5"})


def test_an_importer_of_ones_own_lies_where_the_paths_of_the_job_begin(tmp_path):
    job = read(tmp_path, GOOD + '[import]\nfiles = "a"\nfrom = "own/mine.sql"\n')
    assert job.imports.options["importer"] == str(tmp_path / "own" / "mine.sql")


def test_a_wrong_setting_is_told_as_a_wrong_file_is(tmp_path):
    with pytest.raises(TomlError, match="keep 'never': give a number and s"):
        read(tmp_path, GOOD, {"a.keep": "never"})


OPTIONS = {
    "measurements": 'format = "parquet"\nscope = "per-session"\nwith_statistics = true\nmetric = "rtt"\n'
    'columns = "session_id, value"\nwhere = "value > 1"\nrows_per_file = 10\nsince = "2026-11-01T00:00:00Z"\n',
    "statistics": 'by = ["load"]\nwindow = "1h"\nquantile = [0.999, 0.5]\nlost = "infinite"\nsession = ["x", "y"]\n'
    'redact = "configuration.user"\nwhere_session = "users > 3"\nuntil = "2026-12-01"\ncompression = "gzip"\n',
}


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("zone", ["", 'timezone = "Europe/Berlin"\n'], ids=["UTC", "Berlin"])
def test_what_shapes_a_period_is_what_shapes_its_export(tmp_path, kind, zone):
    """What packages are compared with is put together once for all periods; it is what each export says of itself."""
    job = read(tmp_path, zone + changed("kind", f'"{kind}"') + OPTIONS[kind])
    (export,) = job.exports
    day = 86_400 * 10**9
    for period in (Period("2026-11-24", 20_781 * day, 20_782 * day), Period("s", 5, 9, "s"), ALL):
        assert job.shaping_options(export, period) == job.export_options(export, period).shaping_options()
