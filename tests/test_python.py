"""The package as its users in Python meet it: what it shows, what it takes, and what a type checker finds."""

from __future__ import annotations

import datetime as dt
import inspect
import pydoc
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from project import FIXTURE_STORE, ROOT
from samples import row, write_ndjson

import pipeline
from pipeline.arguments import KINDS

FUNCTIONS = [name for name in pipeline.__all__ if inspect.isfunction(getattr(pipeline, name))]
ERRORS = [name for name in pipeline.__all__ if name.endswith("Error")]
PARAMETERS = [
    (name, one) for name in FUNCTIONS for one in inspect.signature(getattr(pipeline, name)).parameters.values()
]


def test_dir_shows_functions_errors_and_the_version_and_nothing_else():
    assert set(dir(pipeline)) == {*FUNCTIONS, *ERRORS, "__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", pipeline.__version__)
    assert f'version = "{pipeline.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(AttributeError, match="did you mean 'export_measurements'"):
        _ = pipeline.export_measurement


def test_help_describes_every_function_with_its_options():
    text = pydoc.plain(pydoc.render_doc(pipeline))
    for name in FUNCTIONS:
        assert re.search(rf"^    {name}\(", text, re.MULTILINE), name
    assert [word for word in ("TYPE_CHECKING", "ModuleType", "_MODULES", "options: Any") if word in text] == []
    listed = re.findall(r"^[A-Z][A-Z ]+$", text, re.MULTILINE)
    assert listed == ["NAME", "DESCRIPTION", "PACKAGE CONTENTS", "CLASSES", "FUNCTIONS", "VERSION", "FILE"]
    assert re.search(r"^PACKAGE CONTENTS\n\s*CLASSES$", text, re.MULTILINE), "the rooms are the program's own"
    written = pydoc.plain(pydoc.render_doc(pipeline.export_measurements))
    assert "since: 'str | date | datetime | None' = None" in written


def test_rooms_are_found_though_none_is_listed():
    script = """
import importlib, importlib.util, pathlib, pkgutil, sys
import pipeline
assert list(pkgutil.iter_modules(pipeline.__path__)) == []
for name in ("pipeline.api", "pipeline.statistics", "pipeline.__main__"):
    assert importlib.util.find_spec(name), name
    importlib.invalidate_caches()
try:
    import pipeline.nothing
except ModuleNotFoundError as error:
    assert error.name == "pipeline.nothing"
else:
    raise AssertionError
import pipeline.statistics.windows
assert callable(pipeline.statistics)
made = pathlib.Path(sys.argv[1], "pipeline_added.py")
made.write_text("here = True")
pipeline.__path__.append(sys.argv[1])  # as for a part that lies elsewhere
import pipeline.pipeline_added
"""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.executable, "-c", script, directory], check=True)


@pytest.mark.parametrize(
    ("code", "shown", "hidden"),
    [
        ("pipeline.", set(FUNCTIONS), {"api", "cli", "runtime", "annotations", "sys"}),
        ("pipeline.export_statistics('a', 'b', qu", {"quantiles="}, set()),
        ("pipeline.statistics('a', wh", {"where=", "where_session="}, set()),
    ],
)
def test_tab_completes_in_jupyter(code, shown, hidden):
    shell = InteractiveShell()
    shell.user_ns["pipeline"] = pipeline
    completer = IPCompleter(shell=shell, namespace=shell.user_ns)
    with provisionalcompleter():
        found = {one.text.removeprefix("pipeline.") for one in completer.completions(code, len(code))}
    assert shown <= found
    assert not hidden & found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_option_is_named_typed_and_described(name):
    function = getattr(pipeline, name)
    for one in inspect.signature(function).parameters.values():
        assert one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
        assert one.annotation not in {inspect.Parameter.empty, "Any"}
        assert re.search(rf"^ +{one.name}: \S", function.__doc__, re.MULTILINE), f"{name} says nothing of {one.name}"


@pytest.mark.parametrize(("name", "wrong"), PARAMETERS, ids=lambda value: getattr(value, "name", value))
def test_a_wrong_type_is_one_line_in_the_words_of_python(tmp_path, monkeypatch, name, wrong):
    monkeypatch.chdir(tmp_path)
    function = getattr(pipeline, name)
    given = {
        one.name: object()
        if one.name == wrong.name
        else {"table": pa.table({})}.get(one.name, str(tmp_path / "nothing"))
        for one in inspect.signature(function).parameters.values()
        if one.name == wrong.name or one.default is one.empty
    }
    with pytest.raises(
        pipeline.UsageError, match=rf"^{wrong.name} must be [^\n]+, not an? object of type object$"
    ) as caught:
        function(**given)
    assert "--" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("since", 3.5, "since must be a datetime, a date or a text, not 3.5"),
        ("sessions", "s1", "sessions must be a list of names, not one text, 's1'"),
        ("metrics", [1], "metrics must be a list of names, not [1]"),
        ("overwrite", 1, "overwrite must be True or False, not 1"),
        ("threads", 0, "threads must be a whole number from 1 on, not 0"),
        ("threads", True, "threads must be a whole number from 1 on, not True"),
        ("scope", "all", "scope must be 'per-session' or 'cross-session', not 'all'"),
        ("lost", "zero", "lost must be 'exclude' or 'infinite', not 'zero'"),
        ("format", None, "format must be 'ndjson', 'json', 'csv', 'parquet', 'arrow', 'influx' or 'xlsx', not None"),
        ("where", pd.Series([True]), "where must be a text of SQL, not an object of type Series"),
    ],
)
def test_the_message_says_what_it_must_be_and_what_was_given(tmp_path, option, value, says):
    with pytest.raises(pipeline.UsageError) as caught:
        pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", **{option: value})
    assert str(caught.value) == says


BERLIN = dt.timezone(dt.timedelta(hours=1))
TIMES = [
    (dt.datetime(2026, 11, 24, 18, 6, 10, 250_000, dt.UTC), "2026-11-24T18:06:10.250000Z", None),
    (dt.datetime(2026, 11, 24, 19, 6, 10, tzinfo=BERLIN), "2026-11-24T18:06:10Z", None),
    (dt.datetime(2026, 11, 24, 19, 6, 10), "2026-11-24T18:06:10Z", "Europe/Berlin"),  # noqa: DTZ001 - its zone is asked
    (dt.datetime(2026, 11, 24, 18, 6, 10), "2026-11-24T18:06:10Z", None),  # noqa: DTZ001 - UTC, where none is named
    (pd.Timestamp("2026-11-24T18:06:10.000000001Z"), "2026-11-24T18:06:10.000000001Z", None),
    (dt.date(2026, 11, 24), "2026-11-24", None),
    (dt.date(2026, 11, 24), "2026-11-23T23:00:00Z", "Europe/Berlin"),
]


@pytest.mark.parametrize(("value", "text", "timezone"), TIMES, ids=str)
def test_a_datetime_or_date_is_the_time_that_it_means(tmp_path, value, text, timezone):
    for option in ("since", "until"):
        to = tmp_path / option
        pipeline.export_measurements(FIXTURE_STORE, to, sync=False, timezone=timezone, **{option: value})
        # The same times are the same package.
        again = pipeline.export_measurements(FIXTURE_STORE, to, sync=False, timezone=timezone, **{option: text})
        assert again.is_unchanged


@pytest.mark.parametrize("value", [pd.NaT, dt.datetime.min.replace(tzinfo=BERLIN), "noon"], ids=repr)
def test_what_is_no_time_is_one_line(tmp_path, value):
    with pytest.raises(pipeline.UsageError) as caught:
        pipeline.export_measurements(FIXTURE_STORE, tmp_path / "out", since=value)
    assert "\n" not in str(caught.value)


def test_an_import_takes_a_datetime_as_the_start(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    start = dt.datetime(2020, 1, 2, 3, 4, 5, 6, dt.UTC)
    for store, value in (("a", start), ("b", start.date())):
        pipeline.import_sessions(tmp_path / "a.ndjson", tmp_path / store, started_at=value, timezone="UTC")
    starts = [pipeline.list_sessions(tmp_path / store)[0]["started_at"] for store in "ab"]
    assert starts == ["2020-01-02T03:04:05.000006Z", "2020-01-02T00:00:00.000000Z"]


SCRIPT = """\
import datetime as dt
from pathlib import Path

import pipeline

report = pipeline.export_measurements(
    Path("store"), "out", since=dt.datetime.now(dt.UTC), until=dt.date(2026, 1, 1), format="parquet", metrics=["a"]
)
print(report.rows + report.bytes, report.files[0].name.upper(), pipeline.__version__.upper())
frame = pipeline.statistics("store", by=["robot_id"], quantiles=[0.999, "0.5"], lost="infinite")
print(frame.height, pipeline.query("store", "SELECT 1").num_rows)
pipeline.export_table(frame, "out", format="parquet")
pipeline.export_table(pipeline.connect("store").sql("FROM sessions"), Path("out"))
print([session["session_id"] for session in pipeline.list_sessions(["a.csv", Path("b.csv")])])
with pipeline.record_session("store") as recorder:
    recorder.record("rtt", 1.0)
try:
    print(pipeline.verify_package("out").problems[0].file)
except pipeline.BadRowError as error:
    print(error.column)
pipeline.export_measurements("store", "out", fromat="csv")  # wrong: call-arg
pipeline.export_measurements("store", "out", format="excel")  # wrong: arg-type
pipeline.export_measurements("store", "out", since=3.5)  # wrong: arg-type
pipeline.export_statistics("store", "out", threads="2")  # wrong: arg-type
pipeline.statistics("store", overwrite=True)  # wrong: call-arg
pipeline.statistics("store", columns=1)  # wrong: arg-type
pipeline.export_table([1], "out")  # wrong: arg-type
pipeline.import_sessions("a.csv", "store", if_exists="merge")  # wrong: arg-type
pipeline.verify_packages("out")  # wrong: attr-defined
print(report.row_count)  # wrong: attr-defined
"""


def test_strict_mypy_finds_wrong_names_and_types_in_a_script_and_nothing_else(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    # With what the project's own check leaves in its cache it takes a moment.
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *settings, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    found = re.findall(r"^script\.py:(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    lines = SCRIPT.splitlines()
    expected = [(str(at), one.split("# wrong: ")[1]) for at, one in enumerate(lines, start=1) if "# wrong: " in one]
    assert found == expected, done.stdout + done.stderr
    assert (Path(pipeline.__file__).parent / "py.typed").is_file()


def test_every_kind_of_argument_is_one_of_some_function():
    assert set(KINDS) == {one.name for _, one in PARAMETERS}
