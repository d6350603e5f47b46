"""The rooms of `pipeline/`: who may import whom, through which doors, one way only; docs/architecture.md tells why."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_FLOORS = 13
MAX_LINES = {"pipeline": 400, "faults": 400, "benchmarks": 400, "tests": 600}

EVERYBODY = {"errors", "arguments"}
WITH_RESULTS = {"display"}
"""Imported where results are made that notebooks show."""
HAVE_RESULTS = {
    "api.py",
    "export/result.py",
    "verify/verification.py",
    "importers/result.py",
    "jobs/result.py",
    "recorder/recorder.py",
    "targets/verdicts.py",
    "compare/comparison.py",
    "store/checking.py",
    "store/compaction.py",
    "store/deletion.py",
}
PATH = ("sources", "scan", "selection", "statistics", "rows", "tables", "writers", "package", "publish", "verify")
BELOW_EXPORT = {*PATH, "report", "compare", "targets", "store", "importers", "recorder", "model", "runtime", "disk"}
MAY_IMPORT = {
    "errors": set(),
    "arguments": set(),
    "display": set(),
    "native": set(),
    "disk": set(),
    "model": set(),
    "rows": {"model", "native"},
    "statistics": {"model", "native"},
    "runtime": {"disk"},
    "scan": {"rows", "model", "disk", "native"},
    "selection": {"scan", "rows", "runtime", "model"},
    "writers": {"rows", "runtime", "disk", "native", "model"},
    "tables": {"selection", "statistics", "rows", "runtime", "model", "disk/safe_names"},
    "store": {"scan", "rows", "writers/parquet", "runtime", "disk", "model"},
    "sources": {"store", "scan", "rows", "runtime", "disk", "model", "native"},
    "package": {"tables", "writers", "model", "disk"},
    "publish": {"package", "runtime", "disk"},
    "spark": {"selection", "scan", "runtime", "model"},
    "verify": {"package", "rows", "runtime", "model", "disk/strict_json", "disk/local_path"},
    "recorder": {"store", "rows", "runtime", "disk", "model"},
    "importers": {"store", "sources", "package", "verify", "scan", "rows", "runtime", "disk", "model", "native"},
    "compare": {"targets", "sources", "scan", "selection", "disk", "model"},
    "targets": {"sources", "scan", "selection", "statistics", "disk", "model"},
    "report": {"targets", "compare", "sources", "scan", "selection", "statistics", "package", "runtime", "model"},
    "export": {*PATH, "spark", "targets", "report", "store", "runtime", "disk", "model"},
    "api": {"export", *BELOW_EXPORT},
    "notebook": {"export", *BELOW_EXPORT},
    "jobs": {"export", *BELOW_EXPORT},
    "cli": {"api", "jobs", "notebook", "export", *BELOW_EXPORT, "native"},
}
"""By room: the rooms it may import, or single files of them; errors everybody may, display who has a result."""
DOORS = {
    "scan": {"scan", "inventory", "data_file", "passing"},
    "sources": {"open", "standard_input"},
    "selection": {"options", "selected", "touched", "redaction"},
    "statistics": {"options", "aggregation", "numbering", "partitions", "reduction"},
    "writers": {"formats", "locales", "text", "compression"},
    "publish": {"stage", "file_stage", "leftovers", "existing", "removal", "work_directory"},
    "spark": {"client", "plans", "tasks", "worker"},
    "verify": {"verification"},
    "store": {
        "reading",
        "inventory",
        "writer",
        "adding",
        "checking",
        "early_files",
        "store_file",
        "compaction",
        "deletion",
        "own_files",
        "imported_files",
    },
    "importers": {"run", "known"},
    "recorder": {"recorder", "recovery"},
    "compare": {"run", "comparison", "shift"},
    "targets": {"check", "target_file", "verdicts", "junit", "order_statistics"},
    "report": {"gathering", "run", "plots", "images", "page", "chart", "comparison"},
    "export": {"run", "options", "result", "table"},
    "jobs": {"run", "result", "history", "example"},
    "native": {"__init__"},
    "cli": {"__init__"},
}
"""By room: the files that other rooms may import; all files of the rooms that are not listed."""
FURTHER_DOORS = {
    ("sources", "scan"): {"parquet", "reading"},
    ("importers", "sources"): {"files", "formats", "json_document", "options", "plain", "sidecar"},
    ("targets", "selection"): {"conditions"},
    ("compare", "selection"): {"conditions"},
    ("compare", "targets"): {"figures", "limits", "measures"},
    ("store", "scan"): {"parts", "reading"},
    ("store", "writers"): {"parquet"},
    ("cli", "importers"): {"ahead", "result"},
    ("notebook", "export"): {"sizes"},
    ("jobs", "importers"): {"result"},
    ("jobs", "sources"): {"files", "sidecar"},
}
NEVER = {
    ("verify", "writers"): "verify has readers of its own",
    ("verify", "sources"): "verify has readers of its own",
    ("verify", "scan"): "verify has readers of its own",
    ("rows", "runtime/duckdb"): "a cluster's workers run it without an engine",
    ("statistics", "runtime/duckdb"): "a cluster's workers run it without an engine",
    ("writers", "runtime/duckdb"): "a cluster's workers run it without an engine",
    ("api", "notebook"): "one door is not entered through another",
    ("notebook", "api"): "one door is not entered through another",
    ("api", "jobs"): "one door is not entered through another",
    ("jobs", "api"): "one door is not entered through another",
    ("notebook", "jobs"): "one door is not entered through another",
    ("jobs", "notebook"): "one door is not entered through another",
}
RENAMES_DIRECTORIES = {"publish", "store", "recorder"}
"""Where packages, stores and single files are written; `disk/directories.py` is imported by nobody else."""


class Import(NamedTuple):
    """One import statement: the file that holds it, its line, and the file that it names, each below `pipeline/`."""

    file: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"pipeline/{self.file}:{self.line} imports {self.target}"


def room_of(file: str) -> str:
    return file.split("/", 1)[0].removesuffix(".py")


def stem(file: str) -> str:
    return file.removesuffix(".py").rsplit("/", 1)[-1]


@cache
def imports() -> tuple[Import, ...]:
    """All imports inside the program: lazy ones and those for types included."""
    found = []
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        file = path.relative_to(ROOT / "pipeline").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}:{node.lineno}: a relative import hides which room it enters"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            found += [Import(file, node.lineno, target) for target in dict.fromkeys(map(target_of, names)) if target]
    return tuple(found)


def target_of(name: str) -> str | None:
    """The file that `from a.b import c` reads, below `pipeline/`; None for other packages."""
    first, *rest = name.split(".")
    if first != "pipeline":
        return None
    for length in range(len(rest), -1, -1):
        base = ROOT.joinpath("pipeline", *rest[:length])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file() and (length or path.name == "__init__.py"):
                return path.relative_to(ROOT / "pipeline").as_posix()
    raise AssertionError(f"{name} is no file of pipeline/")


def broken_rule(one: Import) -> str | None:
    """Say which rule an import breaks, and who may do what it does; None for a good one."""
    source, target = room_of(one.file), room_of(one.target)
    if source == target or target in EVERYBODY or source in {"__init__", "__main__"}:
        return None
    if target in WITH_RESULTS:
        return None if one.file in HAVE_RESULTS else f"{one}: display is for who has a result: {names(HAVE_RESULTS)}"
    within = f"{target}/{stem(one.target)}"
    problem = forbidden(one.file, {target, within}) or closed(source, target, stem(one.target))
    return f"{one}: {problem}" if problem else None


def forbidden(file: str, targets: set[str]) -> str | None:
    """Why a file may not import a room, or a file of it; None where it may."""
    source = room_of(file)
    for (who, what), why in NEVER.items():
        if who == source and what in targets:
            return f"{who} never imports {what}: {why}"
    target = min(targets, key=len)
    if not targets & MAY_IMPORT[source]:
        may = [room for room, rooms in MAY_IMPORT.items() if targets & rooms]
        return (
            f"the room {source} may not import {target}; it may: {names(MAY_IMPORT[source])}; "
            f"{target} may be imported by: {names(may)}"
        )
    if "disk/directories" in targets and not {source, file.removesuffix(".py")} & RENAMES_DIRECTORIES:
        return f"whole directories are written by {names(RENAMES_DIRECTORIES)} alone"
    return None


def closed(source: str, target: str, file: str) -> str | None:
    """Why a file of a room is no door for another; None where it is."""
    doors = DOORS.get(target)
    open_to = doors and doors | FURTHER_DOORS.get((source, target), set())
    if open_to is None or file in open_to:
        return None
    may = [who for (who, what), files in FURTHER_DOORS.items() if what == target and file in files]
    return (
        f"{target}/{file} is no door; enter {target} through {names(open_to)}; it is open to: {names([target, *may])}"
    )


def names(of: Iterable[str]) -> str:
    return ", ".join(sorted(of)) or "nothing"


def order(edges: dict[str, set[str]]) -> dict[str, int]:
    """Give the floor of each: one above the highest that it imports.

    Raises:
        AssertionError: there is a loop, which it names.
    """
    floors: dict[str, int] = {}

    def floor(node: str, path: tuple[str, ...]) -> int:
        assert node not in path, "a loop of imports: " + " -> ".join([*path[path.index(node) :], node])
        if node not in floors:
            floors[node] = 1 + max((floor(below, (*path, node)) for below in edges.get(node, ())), default=0)
        return floors[node]

    for node in sorted(edges):
        floor(node, ())
    return floors


def edges(of: Callable[[str], str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in imports():
        source, target = of(one.file), of(one.target)
        if source != target:
            found[source].add(target)
    return found


def floors_of_rooms() -> dict[str, int]:
    return order(edges(room_of))


def test_every_file_stands_in_a_room_of_the_plan():
    rooms = {room_of(path.relative_to(ROOT / "pipeline").as_posix()) for path in (ROOT / "pipeline").rglob("*.py")}
    assert rooms - {"__init__", "__main__"} == set(MAY_IMPORT)


def test_rooms_are_entered_by_those_who_may_and_through_their_doors():
    assert [problem for one in imports() if (problem := broken_rule(one))] == []


@pytest.mark.parametrize(
    ("file", "target", "says"),
    [
        ("verify/readback.py", "writers/text.py", "verify never imports writers: verify has readers of its own"),
        ("statistics/windows.py", "runtime/duckdb.py", "statistics never imports runtime/duckdb"),
        ("scan/scan.py", "selection/options.py", "the room scan may not import selection"),
        (
            "scan/scan.py",
            "selection/options.py",
            "be imported by: api, cli, compare, export, jobs, notebook, report, spark, tables, targets",
        ),
        (
            "export/run.py",
            "publish/stage_directory.py",
            "through existing, file_stage, leftovers, removal, stage, work_directory",
        ),
        ("export/run.py", "scan/parquet.py", "it is open to: scan, sources"),
        ("notebook/views.py", "api.py", "one door is not entered through another"),
        ("tables/sessions.py", "disk/files.py", "the room tables may not import disk"),
        ("rows/rules.py", "display.py", "display is for who has a result"),
        ("sources/open.py", "disk/directories.py", "written by publish, recorder, store alone"),
    ],
)
def test_a_broken_rule_is_named_with_the_import_and_who_may(file, target, says):
    problem = broken_rule(Import(file, 7, target))
    assert problem is not None
    assert problem.startswith(f"pipeline/{file}:7 imports {target}: ")
    assert says in problem


def test_good_imports_break_no_rule():
    for file, target in [
        ("sources/plain.py", "scan/reading.py"),
        ("tables/measurements.py", "disk/safe_names.py"),
        ("cli/import_.py", "importers/result.py"),
        ("verify/content.py", "errors.py"),
        ("scan/scan.py", "scan/reading.py"),
    ]:
        assert broken_rule(Import(file, 1, target)) is None


def test_files_and_rooms_import_one_way_on_few_floors():
    order(edges(lambda file: file))
    assert max(floors_of_rooms().values()) <= MAX_FLOORS


def test_a_loop_is_named():
    with pytest.raises(AssertionError, match="a loop of imports: scan -> sources -> scan"):
        order({"export": {"scan"}, "scan": {"sources"}, "sources": {"scan"}})


def test_the_door_of_a_room_is_no_file_that_hands_names_on():
    for path in sorted((ROOT / "pipeline").glob("*/__init__.py")):
        body = ast.parse(path.read_text()).body
        assert body, f"{path}: says what the room is, in a sentence"
        assert isinstance(body[0], ast.Expr)
        assert len(body) == 1 or path.parent.name in {"cli", "native"}, f"{path}: hands names on"


def test_no_file_is_too_long_to_be_one_thing():
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines, {limit} at most"
        for folder, limit in MAX_LINES.items()
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".cpp", ".h", ".sql"} and (lines := len(path.read_text().splitlines())) > limit
    ]
    assert long == []


def test_the_tests_follow_the_rooms():
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= set(MAY_IMPORT), "a folder of tests is called as the room it tests"


def test_functions_that_are_called_as_rooms_stay_functions():
    code = (
        "import importlib, pathlib, pipeline\n"
        "for path in pathlib.Path(pipeline.__file__).parent.rglob('*.py'):\n"
        "    words = path.relative_to(pathlib.Path(pipeline.__file__).parents[1]).with_suffix('').parts\n"
        "    if words[-1] not in {'__main__', '__init__'}:\n"
        "        importlib.import_module('.'.join(words))\n"
        "from pipeline import scan, statistics\n"
        "print([callable(getattr(pipeline, name)) for name in pipeline.__all__].count(False))\n"
        "print(scan.__module__, statistics.__module__)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [
        "0",
        "pipeline.notebook.frames",
        "pipeline.notebook.frames",
    ]


@pytest.mark.parametrize("directory", ["benchmarks", "faults"])
def test_scripts_that_run_seldom_import_what_is_there(directory: str) -> None:
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / directory).glob("*.py")}
    assert len(trees) > 10
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in trees:
                there = {one for at in trees[node.module].body for one in _named(at)}
                assert {alias.name for alias in node.names} <= there, (name, node.module)


def _named(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
