#!/usr/bin/env bash
# Claim: where pandas is installed, the first `pa.array` of a process loads all of it, though the values are those of NumPy or of a list and nobody names pandas: some 50 MB and a third of a second of CPU; `pa.Array.from_buffers` of the same bytes loads nothing.
# Versions: pyarrow 26.0.1, numpy 2.4.6 and pandas 3.1.1 on Python 3.11; the same without pandas beside it.
# Guess: pandas is no dependency of pyarrow, `import pyarrow` does not load it, and what is asked for has no pandas in it; a process takes the same memory whatever else lies in its environment.
# Hurts: who starts many short processes, or bounds their memory, such as a scheduled export or a worker of a cluster: a package that another tool of the environment needs costs each of them as much as all of pyarrow, and a limit that held in a lean environment is passed in the next.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/lean"
"$dir/lean/bin/pip" install --quiet pyarrow==26.0.1 numpy==2.4.6
python3 -m venv "$dir/full"
"$dir/full/bin/pip" install --quiet pyarrow==26.0.1 numpy==2.4.6 pandas==3.1.1
cd "$dir"
cat >program.py <<'PY'
import resource
import sys
import time

import numpy as np
import pyarrow as pa

MAKE = {
    "numpy": lambda: pa.array(np.arange(3)),
    "list": lambda: pa.array([1, 2, 3], pa.int64()),
    "buffers": lambda: pa.Array.from_buffers(pa.int64(), 3, [None, pa.py_buffer(np.arange(3))]),
}
assert "pandas" not in sys.modules
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
array = MAKE[sys.argv[1]]()
spent = time.process_time() - started
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
assert array.to_pylist() in ([0, 1, 2], [1, 2, 3])
print("pandas" in sys.modules, "grown" if grown > 20 else "as it was")
print(f"{sys.argv[1]}: {grown:.0f} MB, {1000 * spent:.0f} ms of CPU", file=sys.stderr)
PY
for kind in numpy list; do
    test "$(lean/bin/python program.py $kind)" = "False as it was"
    test "$(full/bin/python program.py $kind)" = "True grown"
done
test "$(full/bin/python program.py buffers)" = "False as it was"
echo "still so: the first array loads pandas wherever it is installed"
