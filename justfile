# Recipes for development: `uv run just RECIPE`, or `just RECIPE` where just is installed.

# List the recipes
[private]
default:
    @just --list

# Run the tests
test *arguments:
    uv run pytest {{ arguments }}

# Check style
lint:
    uv run ruff check
    uv run ruff format --check

# Check types
types:
    uv run mypy

# Format, and fix what can be fixed
fmt:
    uv run ruff check --fix
    uv run ruff format

# Run the documents: their commands, their Python, their links
docs *arguments:
    uv run pytest tests/test_docs.py {{ arguments }}

# Run the benchmarks
bench *arguments:
    uv run --group bench python benchmarks {{ arguments }}

# Measure this program alone: `limit`, `size` or `long`
measure *arguments:
    uv run python benchmarks/alone.py {{ arguments }}

# Prove that another checkout, after `uv sync` in it, gives the same bytes as this one
same *arguments:
    uv run python benchmarks/same_bytes.py {{ arguments }}

# Inject faults by the thousand; it takes strace, and root for full disks
faults *arguments:
    uv run python faults/campaign.py {{ arguments }}

# Repeat exports, and blocks of gzip, in memory that lies elsewhere, and compare their bytes
bytes *arguments:
    uv run python faults/repeated_bytes.py {{ arguments }}

# Run readers of a store beside an import that replaces its sessions
together *arguments:
    uv run python faults/together.py {{ arguments }}

# Run readers and writers at the same time, and kill them at random moments
chaos *arguments:
    uv run python faults/chaos.py {{ arguments }}

# Run the program on hostile input by the thousand
hostile *arguments:
    uv run python faults/hostile_inputs.py {{ arguments }}

# Put strangers into stores, packages and stages, and run the commands that meet them there
strangers *arguments:
    uv run python faults/among_strangers.py {{ arguments }}

# Draw rows with hypothesis, 100,000 for each format
rows *arguments:
    PIPELINE_ROWS=100000 uv run pytest tests/writers/test_rows_survive.py {{ arguments }}

# Run what is written down in findings/: all of it, or one NAME
findings name="":
    bash findings/run_all {{ name }}

# Change real result files of harnesses by the thousand, and import them: 1,000 changes for each importer
changed *arguments:
    uv run python faults/changed_results.py {{ arguments }}
