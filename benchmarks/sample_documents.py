"""Makes a document with many samples: `python benchmarks/sample_documents.py FILE SAMPLES pytest|hyperfine`."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ARRAYS = 4
_FIGURES = ("time_wall_clock", "time_cpu", "time_user", "time_system", "memory_peak_resident")


def generate(path: Path, samples: int, kind: str, seed: int = 1) -> None:
    """Write four arrays of times of 20 digits; hyperfine's have exit codes beside them, and every 1000th run failed."""
    rng = random.Random(seed)  # noqa: S311 - the same numbers each time
    each = samples // ARRAYS
    if kind == "pytest":
        named = [{"name": f"t{at}", "fullname": f"f{at}", "group": None} for at in range(ARRAYS)]
        entries = [one | {"stats": {"data": "[TIMES]", "iterations": 1}} for one in named]
        document = {"machine_info": {}, "commit_info": {}, "benchmarks": entries, "datetime": "2026-11-24T16:00:00Z"}
    else:
        one = {"mean": None, "times": "[TIMES]", "exit_codes": "[CODES]"}
        document = {"results": [{"command": f"c{at}"} | one for at in range(ARRAYS)]}
    with path.open("w", encoding="utf-8") as file:
        for part in json.dumps(document).replace('"[', "\0").replace(']"', "\0").split("\0"):
            if part == "TIMES":
                json.dump([rng.lognormvariate(-7, 0.3) for _ in range(each)], file)
            elif part == "CODES":
                json.dump([int(at % 1000 == 0) for at in range(each)], file)
            else:
                file.write(part)


def hyperfine_2(samples: int) -> Iterator[str]:
    """What hyperfine 2.0 writes: a run is an object of five figures; indented by two blanks."""
    of_command = samples // ARRAYS // len(_FIGURES)
    yield '{\n  "schema_version": 2,\n  "metadata": {\n    "hyperfine_version": "2.0.0"\n  },\n  "results": ['
    for command in range(ARRAYS):
        yield f'{"," * (command > 0)}\n    {{\n      "command": "run {command}",\n      "measurements": ['
        for run in range(of_command):
            values = (0.001 + run % 977 / 1e6, 0.0009, 0.0008 + run % 13 / 1e6, 0.0001, 4063232.0 + run % 7 * 4096)
            figures = "".join(
                f'          "{name}": {{\n            "value": {value!r},\n            '
                f'"unit": "{"byte" if name.startswith("memory") else "second"}"\n          }},\n'
                for name, value in zip(_FIGURES, values, strict=True)
            )
            yield f'{"," * (run > 0)}\n        {{\n{figures}          "exit_code": 0\n        }}'
        yield "\n      ]\n    }"
    yield "\n  ]\n}\n"


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
