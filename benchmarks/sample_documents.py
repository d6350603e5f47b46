"""Makes a document with many samples: `python benchmarks/sample_documents.py FILE SAMPLES pytest|hyperfine`."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

ARRAYS = 4


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


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
