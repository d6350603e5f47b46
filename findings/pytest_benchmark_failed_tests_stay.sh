#!/usr/bin/env bash
# Claim: pytest-benchmark writes a benchmark whose test failed after the timed call into its JSON file, and into what is compared with later runs, like one that passed: no key of the entry, nor of the file, tells that it failed. One that failed within the timed call is left out.
# Versions: pytest-benchmark 5.3.1, pytest 9.0.2.
# Guess: the file holds benchmarks of tests that passed, or says which did not. The usual form of a benchmark is to time a call and to assert its result behind it, the terminal shows the failure, and the status is 1.
# Hurts: who keeps the file as a record of performance, or compares it in a later job: a function that got quick because it is wrong looks like an improvement, and its figures become the baseline.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pytest-benchmark==5.3.1 pytest==9.0.2
cd "$dir"
cat > test_sum.py <<'PY'
def right():
    return sum(range(1000))


def wrong():
    return 0


def broken():
    raise ValueError("no sum")


def test_right(benchmark):
    assert benchmark.pedantic(right, rounds=5) == 499500


def test_wrong(benchmark):
    assert benchmark.pedantic(wrong, rounds=5) == 499500


def test_broken(benchmark):
    benchmark.pedantic(broken, rounds=5)
PY
status=0
venv/bin/python -m pytest -q -p no:cacheprovider --benchmark-json=run.json test_sum.py > said.txt 2>&1 || status=$?
tail -n 4 said.txt
venv/bin/python - "$status" <<'PY'
import json
import sys

with open("run.json", encoding="utf-8") as file:
    document = json.load(file)
entries = {one["name"]: one for one in document["benchmarks"]}
keys = {name: set(one) for name, one in entries.items()}
outside_figures = {
    name: {key: value for key, value in one.items() if key not in {"stats", "name", "fullname"}}
    for name, one in entries.items()
}
print("status of pytest:", sys.argv[1])
print("benchmarks in the file:", sorted(entries))
print("keys of the file:", sorted(document))
print("keys of an entry:", sorted(keys["test_right"]))
holds = (
    sys.argv[1] == "1"
    and sorted(entries) == ["test_right", "test_wrong"]
    and keys["test_right"] == keys["test_wrong"]
    and outside_figures["test_right"] == outside_figures["test_wrong"]
    and "fail" not in json.dumps(document["benchmarks"]).lower()
)
sys.exit(0 if holds else 1)
PY
