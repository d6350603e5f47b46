#!/usr/bin/env bash
# Claim: Google Benchmark writes a user counter under its own name beside its own keys, so a counter called iterations, threads or real_time repeats a key of the object; Python's json and pandas then give the counter in place of the measured figure, DuckDB gives the measured one.
# Versions: google-benchmark 1.9.5, duckdb 2.0.1, pandas 3.1.1.
# Guess: counters have a place of their own, or a name that is taken is refused, as the console's columns suggest; and readers of one file agree.
# Hurts: who counts what they call iterations or threads, which is natural for solvers and pools: comparisons of runs read the counter as the time or the number of iterations, without a word, and two tools give different figures of one file.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet google-benchmark==1.9.5 duckdb==2.0.1 pandas==3.1.1
cd "$dir"
cat > solver.py <<'PY'
import google_benchmark


@google_benchmark.register
@google_benchmark.option.iterations(50)
def solve(state):
    while state:
        sum(range(100))
    state.counters["iterations"] = 3
    state.counters["real_time"] = 123456


if __name__ == "__main__":
    google_benchmark.main()
PY
venv/bin/python solver.py --benchmark_out=run.json --benchmark_out_format=json > console.txt 2>&1
cat console.txt | tail -n 3
venv/bin/python - <<'PY'
import json
import sys

import duckdb
import pandas as pd

with open("run.json", encoding="utf-8") as file:
    text = file.read()


def pairs_of(text):
    found = []
    json.loads(text, object_pairs_hook=lambda pairs: (found.append(pairs), dict(pairs))[1])
    return next(pairs for pairs in found if any(key == "time_unit" for key, _ in pairs))


pairs = pairs_of(text)
repeated = {key: [value for name, value in pairs if name == key] for key in ("iterations", "real_time")}
own = {key: values[0] for key, values in repeated.items()}
python = {key: json.loads(text)["benchmarks"][0][key] for key in repeated}
frame = pd.DataFrame(json.loads(text)["benchmarks"]).iloc[0]
query = "SELECT (json->>'$.benchmarks[0].iterations')::BIGINT, (json->>'$.benchmarks[0].real_time')::DOUBLE FROM read_json_objects('run.json')"
duck = dict(zip(repeated, duckdb.sql(query).fetchall()[0], strict=True))
print("in the file:", repeated)
print("json, pandas:", python, {key: frame[key] for key in repeated})
print("DuckDB:", duck)
holds = (
    all(len(values) == 2 for values in repeated.values())
    and own["iterations"] == 50
    and python == {"iterations": 3, "real_time": 123456}
    and frame["iterations"] == 3
    and duck["iterations"] == 50
    and duck["real_time"] == own["real_time"] < 123456
)
sys.exit(0 if holds else 1)
PY
