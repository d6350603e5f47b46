"""What digest, SHA-256, flush to disk and reading back each add to an export, one after the other."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from measuring import OWN, Run, medians, remove, run

FORMATS = ("ndjson", "csv", "parquet", "ndjson-gzip", "ndjson-zstd")
PROGRAM = [*OWN]
# No option of the command computes digests alone.
DIGESTS_ALONE = [sys.executable, str(Path(__file__).parent / "digests_alone.py")]
STEPS = {
    "none of them": (PROGRAM, ["--no-hash", "--no-sync"]),
    "+ digest": (DIGESTS_ALONE, ["--no-hash", "--no-sync"]),
    "+ SHA-256": (PROGRAM, ["--no-sync"]),
    "+ flush (default)": (PROGRAM, []),
    "+ --verify": (PROGRAM, ["--verify"]),
}


def measure_cost(store: Path, out: Path, runs: int) -> None:
    """Print, for each format, the time of an export with one step more each.

    Args:
        store: what is exported.
        out: where to.
        runs: of each, in turn, in an order drawn anew each time; the medians are printed.
    """
    order = random.Random(0)  # noqa: S311 - the same order in each round of measuring
    print("cost: medians; added to the step before, and times the export without any")
    print(
        f"  {'format':<12} {'step':<18} {'seconds':>8} {'CPU s':>7} {'added s':>8} {'added CPU':>10} {'times none':>11}"
    )
    for name in FORMATS:
        measured: dict[str, list[Run]] = {step: [] for step in STEPS}
        for _ in range(runs):
            # What ran before leaves memory that is filled quickly or slowly: none comes behind the same each time.
            for step in order.sample(list(STEPS), len(STEPS)):
                program, options = STEPS[step]
                remove(out)
                kind, _, compression = name.partition("-")
                chosen = ["--format", kind, *(["--compression", compression] if compression else [])]
                done = run([*program, "export", str(store), "--to", str(out), "--quiet", *chosen, *options])
                if done is None:
                    raise SystemExit(f"cost: {name}, {step}: the export failed")
                measured[step].append(done)
        remove(out)
        _print(name, measured)
    print(flush=True)


def _print(name: str, measured: dict[str, list[Run]]) -> None:
    before: Run | None = None
    first = medians(measured["none of them"]).seconds
    for step, runs in measured.items():
        now = medians(runs)
        added = ""
        if before is not None:
            added = f"{now.seconds - before.seconds:8.2f} {now.cpu_seconds - before.cpu_seconds:10.2f}"
        print(
            f"  {name:<12} {step:<18} {now.seconds:8.2f} {now.cpu_seconds:7.2f} {added:<19} {now.seconds / first:11.2f}"
        )
        before = now
