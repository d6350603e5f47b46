#!/usr/bin/env bash
# Claim: a program of `python -c` that opens a session with the client of Spark Connect ends with status 255 before it connects, since "Could not find valid SPARK_HOME"; the same words in a file, or on standard input, get their session.
# Versions: pyspark-client 4.2.0, the client without a Spark beside it, with pandas 2.3.3 on Python 3.11.
# Guess: the client is made for machines without Spark, needs no SPARK_HOME and works without one in every script; the message itself tells to try `python -c 'import pyspark'`, which works.
# Hurts: who looks whether a cluster answers by one line, in a container's health check, an operator's shell step or a README: `except Exception` does not catch it, and what it says sends them to look for an installation that nothing lacks.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pyspark-client==4.2.0 pandas==2.3.3
cd "$dir"
unset SPARK_HOME PYTHONPATH
# Nothing listens there: a session is made without asking, and its methods would be the first to find out.
cat >program.py <<'PY'
import os

from pyspark.sql import SparkSession

try:
    session = SparkSession.builder.remote("sc://127.0.0.1:9").create()
except Exception as error:
    print("caught", type(error).__name__)
print("a session of", type(session).__module__, flush=True)
os._exit(0)
PY
status() { # words of the command: prints its last line and gives its status
    local code=0
    "$dir/venv/bin/python" "$@" >out 2>err || code=$?
    tail -1 out
    return "$code"
}
"$dir/venv/bin/pip" list 2>/dev/null | grep -i '^pyspark'
test "$(status program.py)" = "a session of pyspark.sql.connect.session"
test "$(status - <program.py)" = "a session of pyspark.sql.connect.session"
code=0
said=$(status -c "$(cat program.py)") || code=$?
echo "in a file and on standard input: a session; by -c: status $code, said on standard output: '$said', on the other:"
head -1 err | cut -c 1-40
test "$code" = 255
test -z "$said"
grep -q '^Could not find valid SPARK_HOME' err
code=0
status -c 'import pyspark; print("works")' || code=$?
test "$code" = 0
echo "still so: one line is taken for a program that needs a whole Spark"
