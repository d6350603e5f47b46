#!/usr/bin/env bash
# Claim: `pyperf command` says that a program which runs within 8 MB of address space took 12 MB of memory: command_max_rss is never below the memory of pyperf's own process that starts the command, and small programs of any size all have that one figure.
# Versions: pyperf 2.11.0 on Linux, Python 3.11; ulimit as the oracle: under it the program could not have had more.
# Guess: the metadata of a run are of the command that was measured, as the name says, and as the figure is for a command of 100 MB, which is right.
# Hurts: who compares the memory of small programs, or watches it over releases: what is seen is the interpreter of the harness, and a command that doubles from 1 to 2, or from 5 to 10 MB does not show.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pyperf==2.11.0
cd "$dir"
measure() { # name, command: memory that pyperf says each run of it took
    "$dir/venv/bin/pyperf" command --processes 2 --values 2 --warmups 1 --quiet -o "$1.json" -- "${@:2}" >/dev/null
}
measure small sh -c 'ulimit -v 8000; exec /bin/true'
measure other sh -c 'ulimit -v 8000; exec /bin/uname' >/dev/null
measure large "$dir/venv/bin/python" -c 'b"x" * (100 << 20)'
"$dir/venv/bin/python" - <<'PY'
import json

import pyperf

print("pyperf", pyperf.__version__)


def bytes_of(name):
    with open(f"{name}.json") as file:
        runs = json.load(file)["benchmarks"][0]["runs"]
    return [run["metadata"]["command_max_rss"] for run in runs if "command_max_rss" in run.get("metadata", {})]


small, other, large = bytes_of("small"), bytes_of("other"), bytes_of("large")
print("within 8 MB:", small, "another within 8 MB:", other, "one of 100 MB:", large)
assert len(small) >= 2 and min(small + other) > 8_192_000, "more than they could have had"
assert max(small + other) < 1.2 * min(small + other), "one figure for both"
assert min(large) > 100 << 20, "what is larger than pyperf is right"
print("still so: a small command is told with the memory of pyperf")
PY
