"""The documentation, run: its commands, its Python, its notebook, its file names, its options and its links.

README.md and docs/*.md are run, each from top to bottom in one temporary directory that has the recorded `data`:

- ```sh blocks run with `bash -eu`,
- ```python blocks share one namespace,
- an ```output block is what the block before it prints,
- ```console blocks hold `$ command` lines, each with what it prints; a command that fails is followed by `$ echo $?`.

Blocks of any other kind (```text, ```json, ```abnf) are not run. A line `...` stands for any lines. Durations, sizes
and hashes differ between machines and versions, so they are not compared. PIPELINE_UPDATE_DOCS=1 writes what the
commands print today into the documents.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import test_rooms
from directories import only
from nbclient import NotebookClient
from program import pipeline
from project import ROOT
from samples import row, write_ndjson

import pipeline as package
from pipeline import export_measurements, export_statistics

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
COMMANDS = (
    "compact",
    "delete",
    "import",
    "sessions",
    "export",
    "statistics",
    "query",
    "check",
    "compare",
    "catalog",
    "report",
    "plot",
    "verify",
    "run",
    "runs",
    "init-job",
    "stages",
    "recover",
    "harnesses",
    "completion",
    "help",
)
UPDATE = os.environ.get("PIPELINE_UPDATE_DOCS") == "1"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_BLOCKS = ("sh", "python", "console", "output")
VOLATILE = (
    (re.compile(r"\d+(\.\d+)? s\b|\d+ min \d+ s"), "SECONDS"),
    (re.compile(r"\d+(\.\d+)? (bytes|[kMGT]B)"), "SIZE"),
    (re.compile(r'"(seconds|bytes)": ?[\d.e-]+'), r'"\1":NUMBER'),
    (re.compile(r'"time":"[^"]+"'), '"time":"TIME"'),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r" +"), " "),
)


@dataclass
class Block:
    """A fenced block: its kind, its text, and the line and offset where its text starts."""

    kind: str
    text: str
    line: int
    start: int


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def blocks_of(path):
    text = path.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1, found.start(2))
        for found in FENCE.finditer(text)
    ]


def stable(text):
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def is_as_shown(shown, printed):
    parts = re.split(r"^\.\.\.$", stable(shown), flags=re.MULTILINE)
    is_same = re.fullmatch(".*".join(map(re.escape, parts)), stable(printed), re.DOTALL) is not None
    return is_same and are_of_size(sizes_in(shown), sizes_in(printed))


SIZE = re.compile(r'(\d+(?:\.\d+)?) (bytes|[kMGT]B)|"bytes": ?(\d+)')
UNITS = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def sizes_in(text):
    return [float(one[3] or one[1]) * UNITS[one[2] or "bytes"] for one in SIZE.finditer(text)]


def are_of_size(shown, printed):
    """Whether what is shown was printed, in order; another version of a library may compress a little otherwise."""
    rest = iter(printed)
    return all(any(abs(one - size) <= 0.05 * size for one in rest) for size in shown)


@pytest.mark.parametrize(
    ("shown", "printed", "is_right"),
    [
        ("a.csv 277.4 kB", "a.csv 612.6 kB", False),
        ("a.csv 277.4 kB", "a.csv 280.0 kB", True),
        ('{"bytes":46619}', '{"bytes":46620}', True),
        ('{"bytes":46619}', '{"bytes":46}', False),
        ("1 file, 5.4 MB in 0.20 s", "1 file, 5.4 MB in 3.10 s", True),
        ("a 1.0 kB\n...\nb 2.0 kB", "a 1.0 kB\nx 9.0 kB\nb 2.0 kB", True),
        ("a 1.0 kB\n...\nb 2.0 kB", "a 1.0 kB\nx 9.0 kB\nb 9.0 kB", False),
    ],
)
def test_what_is_shown_is_compared_with_its_sizes(shown, printed, is_right):
    assert is_as_shown(shown, printed) is is_right


def as_shown(printed):
    return printed.rstrip() + "\n" if printed.strip() else ""


def environment():
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    changed = {"PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "100"}
    return {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"} | changed


def run_shell(script, directory):
    return subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )


def without_uv(script):
    """The set-up commands, less the installation of uv. Here the tests run already, so they are not run again."""
    set_up = "python3 -m pip install uv && uv run "
    return script.replace(f"{set_up}--group dev pytest\n", "pytest --version\n").replace(set_up, "")


def run_sh(text, directory):
    done = run_shell(f"set -eu\n{without_uv(text)}", directory)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout}"
    return done.stdout


def run_python(text, namespace, name, line):
    code = compile("\n" * (line - 1) + text, name, "exec")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, namespace)  # noqa: S102 - the documentation is ours
    return printed.getvalue()


def commands_of(text):
    """Cut a console block into commands, each with what it is shown to print."""
    for found in re.finditer(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        yield found[1], found[2]


def run_console(text, directory):
    """Run a console block in one shell; gives the block as it would be shown today, and what differs."""
    commands = list(commands_of(text))
    assert "".join(f"$ {command}{shown}" for command, shown in commands) == text, "begins without `$ `"
    marked = [f"{command}__status=$?; printf '\\n\\001%s\\n' $__status; (exit $__status)\n" for command, _ in commands]
    printed = run_shell("".join(marked), directory).stdout
    results = re.findall(r"(.*?)\n\001(\d+)\n", printed, re.DOTALL)
    assert len(results) == len(commands), f"the shell ended early: {printed}"
    today, problems = "", []
    following = [command.strip() for command, _ in commands[1:]] + [""]
    for (command, shown), (out, status), after in zip(commands, results, following, strict=True):
        if status != "0" and after != "echo $?":
            problems.append(f"$ {command}exit status {status}: {out}")
        same = is_as_shown(shown, out)
        if not same:
            problems.append(f"$ {command}prints\n{out}\nwhere the document shows\n{shown}")
        today += f"$ {command}{shown if same else as_shown(out)}"
    return today, problems


def run_document(path, directory):
    """Run all blocks of a document; gives its text as it would be today, and what differs."""
    text = path.read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}
    printed, problems, today, at = None, [], "", 0
    for block in blocks_of(path):
        where = f"{name_of(path)}, line {block.line}: "
        result = block.text
        try:
            if block.kind == "sh":
                printed = run_sh(block.text, directory)
            elif block.kind == "python":
                printed = run_python(block.text, namespace, str(path), block.line)
            elif block.kind == "output":
                assert printed is not None, "an output block follows a block that is run"
                if not is_as_shown(block.text, printed):
                    problems.append(f"{where}prints\n{printed}where the document shows\n{block.text}")
                    result = as_shown(printed)
            elif block.kind == "console":
                result, differing = run_console(block.text, directory)
                problems += [where + problem for problem in differing]
        except Exception as error:  # noqa: BLE001 - whatever a block raises is a fault of the document
            problems.append(f"{where}{type(error).__name__}: {error}")
            break
        if block.kind not in RUN_BLOCKS:
            printed = None
        today += text[at : block.start] + result
        at = block.start + len(block.text)
    return today + text[at:], problems


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
@pytest.mark.skipif(os.name == "nt", reason="the documents are written for a POSIX shell")
def test_document_does_what_it_says(path, workplace):
    today, problems = run_document(path, workplace)
    if UPDATE:
        path.write_text(today, encoding="utf-8")
    assert not problems, "\n\n".join(problems)


def test_readme_has_the_set_up_commands():
    scripts = [block.text for block in blocks_of(ROOT / "README.md") if block.kind == "sh"]
    start = "python3 -m pip install uv && uv run "
    assert f"{start}pipeline export data/fixtures/teleoperation --to exports\n" in scripts
    assert f"{start}--group dev pytest\n" in scripts


def test_every_fence_is_closed():
    for path in DOCUMENTS:
        fences = re.findall(r"^\s*```", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(blocks_of(path)), name_of(path)


def test_lines_are_short():
    for path in DOCUMENTS:
        prose = FENCE.sub("", path.read_text(encoding="utf-8"))
        long = [line for line in prose.splitlines() if len(line) > 110 and not line.startswith("|")]
        assert not long, f"{name_of(path)}: {long}"


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def test_links_resolve():
    headings = {
        path: {slug(h) for h in re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)}
        for path in DOCUMENTS
    }
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", path.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            assert linked.exists(), f"{name_of(path)}: {target}"
            assert not anchor or anchor in headings[linked], f"{name_of(path)}: {target}"


def options_of(*command):
    return set(re.findall(r"--[a-z][a-z-]*", pipeline(*command, "--help").out))


def test_every_option_is_documented_and_every_documented_option_exists():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `pipeline ([\w-]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    shown = set(re.findall(r"^    ([\w-]+)(?: |$)", pipeline("--help").out, re.MULTILINE))
    assert shown == set(sections) == set(COMMANDS)
    mentioned = set(re.findall(r"--[a-z][a-z-]*", text))
    existing = options_of().union(*(options_of(command) for command in COMMANDS))
    assert existing == mentioned
    shared = re.search(r"^## Shared options\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)[1]
    for command in COMMANDS:
        assert options_of(command) - {"--help"} <= set(re.findall(r"--[a-z][a-z-]*", sections[command] + shared))


def abnf_rules(text):
    """Rules by name; a line that begins with a space continues a rule."""
    joined = re.sub(r"\n[ \t]+", " ", re.sub(r"[ \t]*;.*", "", text))
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in joined.splitlines() if line.strip())


def abnf_pattern(rules, start):
    """Regular expression of a rule of a grammar in ABNF (RFC 5234, RFC 7405) without recursion."""
    rules = {"ALPHA": "%x41-5A / %x61-7A", "DIGIT": "%x30-39"} | rules
    token = re.compile(
        r'\s*(?:(\d*)(\*?)(\d*)(?=["%(\w])|)(?:%s"([^"]*)"|%x([0-9A-F]+)-([0-9A-F]+)|([A-Za-z][\w-]*)|([()\[\]/]))'
    )

    def translate(body):
        pattern, at = "", 0
        pending = []
        while body[at:].strip():
            found = token.match(body, at)
            assert found, f"not understood: {body[at:]}"
            at = found.end()
            low, star, high, literal, first, last, name, mark = found.groups()
            repeat = f"{{{low or 0},{high}}}" if star else f"{{{low}}}" if low else ""
            if literal is not None:
                pattern += f"(?:{re.escape(literal)}){repeat}"
            elif first:
                pattern += f"[\\x{first}-\\x{last}]{repeat}"
            elif name:
                pattern += f"(?:{translate(rules[name])}){repeat}"
            elif mark in "([":
                pending.append("?" if mark == "[" else repeat)
                pattern += "(?:"
            elif mark == "/":
                pattern += "|"
            else:
                pattern += ")" + pending.pop()
        return pattern

    return re.compile(translate(rules[start]), re.ASCII)


@pytest.fixture(scope="module")
def grammar():
    text = next(b.text for b in blocks_of(ROOT / "docs" / "file-naming.md") if b.kind == "abnf")
    return abnf_rules(text)


def test_names_in_the_documents_follow_the_grammar(grammar):
    pattern = abnf_pattern(grammar, "file")
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        shown = re.findall(r"\b(?:measurements|statistics|sessions)_(?:\d|empty)[\w.-]*", text)
        wrong = [name for name in shown if not pattern.fullmatch(name.rstrip("."))]
        assert not wrong, f"{name_of(path)}: {wrong}"


def test_names_of_exports_follow_the_grammar(grammar, fixture_store, tmp_path):
    pattern = abnf_pattern(grammar, "file")
    rows = [row(name) for name in ("s1", "S1", "nul", "a/b", "x" * 120, "ä", "..", "a b")]
    hostile = write_ndjson(tmp_path / "hostile.ndjson", rows)
    runs = itertools.count()

    def names(export, source, **options):
        target = tmp_path / f"run-{next(runs)}"
        export(source, target, sync=False, **options)
        return [path.name for path in target.iterdir()]

    found = [
        *names(export_measurements, hostile, scope="per-session", compression="gzip"),
        *names(export_measurements, hostile, format="parquet", with_statistics=True, hashed=False),
        *names(export_measurements, fixture_store, format="csv", rows_per_file=9_000, compression="zstd"),
        *names(export_measurements, fixture_store, format="json", since="2030-01-01"),
        *names(export_statistics, fixture_store, window="90s", scope="cross-session", format="arrow"),
        *names(export_statistics, fixture_store, rows_per_file=100, format="ndjson"),
    ]
    assert not [name for name in found if not pattern.fullmatch(name)]
    assert not pattern.fullmatch("measurements_20261124T175511Z_cross-session.ndjson")
    assert not pattern.fullmatch("sessions_empty.parquet")


def test_notebook_runs(workplace):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    (workplace / "docs").mkdir()
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(workplace / "docs")}}).execute()
    assert only(workplace, "docs/exports/latency/statistics_*.csv")


def test_architecture_names_every_room_with_its_floor_and_its_doors():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \[(\d+)\] \|.*\|(.*)\|$", text, re.MULTILINE)
    floors = test_rooms.floors_of_rooms()
    assert {room: int(floor) for room, floor, _ in rows} == {room: floors[room] for room in test_rooms.MAY_IMPORT}
    for room, _, doors in rows:
        told = {door.removesuffix(".py") for door in re.findall(r"`([\w.]+)`", doors)} - {"main"}
        assert told == test_rooms.DOORS.get(room, set()) - ({"__init__"} if room == "cli" else set())


def test_the_package_lists_the_rooms():
    text = Path(package.__file__).read_text(encoding="utf-8")
    listed = re.findall(r"^#    (\w+) {2,}\S", text, re.MULTILINE)
    assert {*listed, "api", "notebook", "cli", "errors", "arguments", "display"} == set(test_rooms.MAY_IMPORT)


def test_recipes_are_documented():
    just = shutil.which("just", path=environment()["PATH"])
    if just is None:
        pytest.skip("just is not installed")
    listed = subprocess.run([just, "--summary"], cwd=ROOT, capture_output=True, text=True, check=True)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(listed.stdout.split()) == set(re.findall(r"\bjust ([a-z]+)\b", text))
