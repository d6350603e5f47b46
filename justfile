# Recipes for development: `uv run --group dev just RECIPE`, or `just RECIPE` where just is installed.

# List the recipes
[private]
default:
    @just --list

# Run the tests
test *arguments:
    uv run --group dev pytest {{ arguments }}

# Check style
lint:
    uv run --group dev ruff check
    uv run --group dev ruff format --check

# Check types
types:
    uv run --group dev mypy

# Format, and fix what can be fixed
fmt:
    uv run --group dev ruff check --fix
    uv run --group dev ruff format

# Run the documents: their commands, their Python, their links
docs *arguments:
    uv run --group dev pytest tests/test_docs.py {{ arguments }}

# Run the benchmarks
bench *arguments:
    uv run --group dev --group bench python benchmarks {{ arguments }}

# Measure this program alone: `limit`, `size` or `long`
measure *arguments:
    uv run --group dev python benchmarks/alone.py {{ arguments }}

# Import a million samples of each text format of harnesses, against DuckDB
importers *arguments:
    uv run --group dev python benchmarks/importers.py {{ arguments }}

# Measure how often comparisons are wrong, `alarms`, and what they find, `shifts`
compared *arguments:
    uv run --group dev python benchmarks/comparing.py {{ arguments }}

# Prove that another checkout, after `uv sync` in it, gives the same bytes as this one
same *arguments:
    uv run --group dev python benchmarks/same_bytes.py {{ arguments }}

# Inject faults by the thousand; it takes strace, and root for full disks
faults *arguments:
    uv run --group dev python faults/campaign.py {{ arguments }}

# Repeat exports, and blocks of gzip, in memory that lies elsewhere, and compare their bytes
bytes *arguments:
    uv run --group dev python faults/repeated_bytes.py {{ arguments }}

# Run exports on Apache Spark, compare their files, and kill executors, workers, Python processes and drivers in between
spark *arguments:
    uv run --isolated --no-editable --group dev --with pyspark python faults/spark.py {{ arguments }}

# Run readers of a store beside an import that replaces its sessions
together *arguments:
    uv run --group dev python faults/together.py {{ arguments }}

# Read a store by a pattern, with DuckDB, beside all that changes it: 1,000 times
patterns *arguments:
    uv run --group dev python faults/pattern_readers.py {{ arguments }}

# Run readers and writers at the same time, and kill them at random moments
chaos *arguments:
    uv run --group dev python faults/chaos.py {{ arguments }}

# Run jobs for a year of nights over a store that is changed, with kills, full disks and clocks that go back
nights *arguments:
    uv run --group dev python faults/nightly_jobs.py {{ arguments }}

# Change a store 1,000 times, and compare each plan of a job with the rule in plain Python
plans *arguments:
    PIPELINE_PLANS=1000 uv run --group dev pytest tests/jobs/test_planning.py {{ arguments }}

# Run the program on hostile input by the thousand
hostile *arguments:
    uv run --group dev python faults/hostile_inputs.py {{ arguments }}

# Put strangers into stores, packages and stages, and run the commands that meet them there
strangers *arguments:
    uv run --group dev python faults/among_strangers.py {{ arguments }}

# Draw rows with hypothesis, 100,000 for each format
rows *arguments:
    PIPELINE_ROWS=100000 uv run --group dev pytest tests/writers/test_rows_survive.py {{ arguments }}

# Run what is written down in findings/: all of it, or one NAME
findings name="":
    bash findings/run_all {{ name }}

# Change real result files of harnesses by the thousand, and import them: 1,000 changes for each importer
changed *arguments:
    uv run --group dev python faults/changed_results.py {{ arguments }}

# Run tools that registries offer, import their fresh files, and compare them with a plain reading
harnesses *arguments:
    uv run --group dev python faults/fresh_results.py {{ arguments }}

# Draw the pictures of docs/ in a browser, light, dark, on a phone and on paper, and ask axe what is wrong with a report
pictures *arguments:
    uv run --group dev --with playwright python benchmarks/report_pictures.py {{ arguments }}
