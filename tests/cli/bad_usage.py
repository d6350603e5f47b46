"""Options that are wrong, and what the command must say of each."""

from __future__ import annotations

import shutil

from bad_cases import EXPORT_TO, case, usage_case
from project import ROOT

DAMAGED = ROOT / "data" / "fixtures" / "damaged"
usage_case("an unknown option", ["--fromat", "csv"], "--fromat")
usage_case("an abbreviated option", ["--form", "csv"], "--form")
usage_case("an unknown format", ["--format", "excel"], "excel", "parquet")
usage_case("an unknown scope", ["--scope", "all"], "all", "per-session")
usage_case("a compression that the format lacks", ["--format", "arrow", "--compression", "gzip"], "arrow", "zstd")
usage_case("an unknown compression", ["--compression", "bzip2"], "bzip2", "gzip")
usage_case("no rows in a file", ["--rows-per-file", "0"], "--rows-per-file", "0")
usage_case("fewer than no rows in a file", ["--rows-per-file", "-5"], "--rows-per-file")
usage_case("no rows in a batch", ["--batch-size", "0"], "--batch-size")
usage_case("no thread", ["--threads", "0"], "--threads")
usage_case("a size without a unit", ["--memory-limit", "100"], "--memory-limit", "1GiB")
usage_case("a file as the destination", ["--to", "out.csv"], "--to out.csv", "names a directory", "--to - > out.csv")
usage_case("a spreadsheet of JSON", ["--spreadsheet", "--format", "json"], "--spreadsheet", "csv")
usage_case("several files to one", ["--to", "-", "--scope", "per-session"], "--to -", "--scope per-session")
usage_case("a package to standard output", ["--to", "-", "--overwrite"], "--to -", "--overwrite")
usage_case("parts to standard output", ["--to", "-", "--rows-per-file", "9"], "--to -", "--rows-per-file")
usage_case("two tables to standard output", ["--to", "-", "--with-statistics"], "--to -", "--with-statistics")
usage_case("an unknown time zone", ["--timezone", "Mars/Olympus"], "Mars/Olympus", "Europe/Berlin")
usage_case("a time zone that is a path", ["--timezone", "../../etc/passwd"], "--timezone")
usage_case("a time that is none", ["--since", "noon"], "--since", "noon")
usage_case("a day that is not", ["--until", "2026-02-30"], "--until", "2026-02-30")
usage_case("since after until", ["--since", "2026-02-02", "--until", "2026-02-01"], "--since is not before --until")
usage_case("since at until", ["--since", "2026-02-02", "--until", "2026-02-02"], "--since is not before --until")
usage_case("a condition that is no SQL", ["--where", "value >"], "value >", "yntax")
usage_case("a condition of two statements", ["--where", "true; DROP TABLE x"], "DROP")
usage_case("a condition on an unknown column", ["--where", "vaule > 1"], "vaule", "columns: session_id")
usage_case("a condition on types that do not compare", ["--where", "metric + 1 > [2]"], "metric + 1")
usage_case(
    "a condition that reads a file",
    ["--where", "metric IN (SELECT content FROM read_text('/etc/passwd'))"],
    "disabled",
)
usage_case("a session condition that is no SQL", ["--where-session", "("], "--where-session")
usage_case(
    "a session condition on an unknown column",
    ["--where-session", "robot = 1"],
    "robot",
    "columns: session_id",
)
usage_case("a path that is none", ["--redact", "password"], "--redact", "configuration.network.address")
usage_case("no columns", ["--columns", "value", "--exclude", "value"], "leave no column")
usage_case("a quantile above 1", ["--quantile", "2"], "--quantile", "2", command="statistics")
usage_case("a quantile that is a word", ["--quantile", "median"], "--quantile", "median", command="statistics")
usage_case("a window of no unit", ["--window", "5x"], "--window", "5x", "10s", command="statistics")
usage_case("a window of nothing", ["--window", "0s"], "--window", "0s", command="statistics")
usage_case("an unknown treatment of what is lost", ["--lost", "zero"], "zero", "infinite", command="statistics")
usage_case("an unknown unit", ["--timestamp-unit", "ms"], "ms", "us", command="import")
usage_case("a start that is no time", ["--started-at", "noon"], "--started-at", "noon", command="import")
usage_case("an unknown choice for what exists", ["--if-exists", "merge"], "merge", "replace", command="import")
usage_case("an unknown command", [], "exprot", command="exprot")


@case("an unknown group", 3, "--by: no column 'robto'; did you mean 'robot'?")
def _(_at):
    return ["statistics", "store", *EXPORT_TO, "--by", "robto"]


@case("usage: no command", 2, "COMMAND")
def _(_at):
    return []


@case("usage: no source", 2, "SOURCE")
def _(_at):
    return ["export", *EXPORT_TO]


@case("usage: no destination", 2, "--to")
def _(_at):
    return ["export", "store"]


@case("Parquet that the engine of queries cannot read", 3, "cannot be read", "don't know what type")
def _(at):
    # Bytes were inserted behind a page; pyarrow does not come to them. DuckDB's error is of no class of its own.
    shutil.copy(DAMAGED / "inserted-bytes.parquet", at / "a.parquet")
    return ["query", "a.parquet", "FROM measurements"]


@case("usage: a query that writes", 2, "SELECT")
def _(_at):
    return ["query", "store", "CREATE TABLE x (i INT)"]


@case(
    "usage: metadata of an unknown key",
    2,
    "--package-metadata m.json: cannot set 'titel'; did you mean 'title'",
)
def _(at):
    (at / "m.json").write_text('{"titel": "x"}', encoding="utf-8")
    return ["export", "store", *EXPORT_TO, "--package-metadata", "m.json"]


@case("nothing selected, and that is an error", 3, "nothing matches", "--fail-if-empty")
def _(_at):
    return ["export", "store", *EXPORT_TO, "--metric", "control_rtt", "--where", "false", "--fail-if-empty"]
