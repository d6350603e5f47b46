"""Repeats exports and blocks of gzip in memory that lies elsewhere and holds other bytes; compares what they write.

python faults/repeated_bytes.py --help
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from exports import make_store
from injection import contents

from pipeline.cli import main as main_of_pipeline
from pipeline.writers.compression import BLOCK_BYTES, deflate
from pipeline.writers.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

THREADS = (1, 2, 8)
# Beside this, the system gives each process other addresses, and each run finds other memory taken.
Memory = dict[str, str]
MEMORIES: tuple[Memory, ...] = (
    {},
    {"MALLOC_PERTURB_": "165"},  # whatever is taken or given back is filled with a byte
    {"MALLOC_PERTURB_": "90", "MALLOC_MMAP_THRESHOLD_": "4096"},  # and lies on pages of its own
    {"MALLOC_PERTURB_": "1", "MALLOC_ARENA_MAX": "1", "PYTHONMALLOC": "malloc"},  # of all threads in one place
)
VARIANTS = {
    f"{one.name}, {compression}": (
        "export",
        *("--format", one.name, "--compression", compression),
    )
    for one in FORMATS.values()
    for compression in one.compressions
}
_RUNS_OF_A_PROCESS = 84
_RUNS_IN_FILLED = 12
_PLACES = 8192  # of ISA-L's table of matches
_HELD = 64
_HELD_BYTES = 200_000  # about what a compressor takes


def repeat_export(store: Path, variant: str, runs: int) -> list[str]:
    """Export a store again and again, with each number of threads, in each kind of memory.

    Returns:
        what differed: files, threads and memory.
    """
    first: dict[str, str] = {}
    different = []
    for process, (memory, some) in enumerate(_processes(runs)):
        code = f"import repeated_bytes as r; r.print_exported({str(store)!r}, {variant!r}, {some}, {process})"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "SOURCE_DATE_EPOCH": "0", **memory},
            stdout=subprocess.PIPE,
            check=True,
        )
        for line in done.stdout.splitlines():
            threads, files = json.loads(line)
            first = first or files
            names = [name for name in sorted({*first, *files}) if first.get(name) != files.get(name)]
            if names:
                different.append(f"{variant}: {', '.join(names)} with {threads} threads, {memory}")
    return different


def _processes(runs: int) -> Iterator[tuple[Memory, int]]:
    """Share runs out to processes; memory that is filled makes a run ten times as slow, so it gets a few."""
    filled = min(_RUNS_IN_FILLED, max(len(THREADS), runs // len(MEMORIES)))
    left = max(len(THREADS), runs - filled * (len(MEMORIES) - 1))
    for memory in MEMORIES[1:]:
        if runs > left:
            yield memory, min(filled, runs - left)
            runs -= filled
    for start in range(0, left, _RUNS_OF_A_PROCESS):
        yield MEMORIES[0], min(_RUNS_OF_A_PROCESS, left - start)


def print_exported(store: str, variant: str, runs: int, seed: int) -> None:
    """Export a store several times, each in memory that lies elsewhere; print the digests of the files of each.

    This process is one of those that `repeat_export` starts.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable
    held: deque[bytes] = deque(maxlen=_HELD)
    for run in range(runs):
        held.append(draw.randbytes(draw.randrange(_HELD_BYTES)))
        threads = THREADS[run % len(THREADS)]
        with tempfile.TemporaryDirectory(prefix="repeated-") as directory:
            words = [*VARIANTS[variant], store, "--to", f"{directory}/out", "--threads", str(threads)]
            status = main_of_pipeline([*words, "--scope", "per-session", "--no-sync", "--quiet"])
            if status != 0:
                raise SystemExit(status)
            files = contents(Path(directory) / "out") or {}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        print(json.dumps([threads, digests]), flush=True)


def beginnings() -> list[bytes]:
    """Short texts that begin at each place of the table of matches, and come back to their beginning."""
    return [((place << 3).to_bytes(4, "little") + b"abcd") * 2 + bytes(range(64)) for place in range(_PLACES)]


def rows() -> list[bytes]:
    """Whole and last blocks of rows, as they are exported."""
    draw = random.Random(0)  # noqa: S311 - repeatable on purpose
    forms = (
        '{{"session_id":"s{}","sequence":{},"timestamp":"2026-11-24T16:00:00.{:06}Z","metric":"rtt","value":{}}}\n',
        "s{},{},2026-11-24T16:00:00.{:06}Z,rtt,{},ms\n",
    )
    blocks = []
    for form in forms:
        lines: list[str] = []
        size = 0
        while size < BLOCK_BYTES:
            value = round(draw.lognormvariate(3, 1), 6)
            lines.append(form.format(draw.randrange(10), len(lines), draw.randrange(10**6), value))
            size += len(lines[-1])
        text = "".join(lines).encode()
        blocks += [text[shift : shift + (BLOCK_BYTES >> shift)] for shift in (0, 2, 4, 6)]
    return blocks


TEXTS = {"beginnings": beginnings, "rows": rows}


def print_deflated(kind: str, number: int, seed: int) -> None:
    """Compress texts, round after round, each in memory that lies elsewhere; print a digest, and how many differed.

    This process is one of those that `repeat_blocks` starts.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable
    texts = [memoryview(text) for text in TEXTS[kind]()]
    held: deque[bytes] = deque(maxlen=_HELD)
    firsts: list[bytes] = []
    differed = 0
    for at in range(number):
        if at % len(texts) == 0:
            held.append(draw.randbytes(draw.randrange(_HELD_BYTES)))
        deflated = deflate(texts[at % len(texts)])
        if at < len(texts):
            firsts.append(deflated)
        differed += deflated != firsts[at % len(texts)]
    digest = hashlib.sha256(b"".join(firsts)).hexdigest()
    print(json.dumps({"sha256": digest, "differed": differed}))


def repeat_blocks(kind: str, number: int, *, seed: int, jobs: int, memories: Sequence[Memory] = MEMORIES) -> list[str]:
    """Compress texts, a number in all, each many times; a process for each kind of memory.

    Returns:
        what differed, in which memory.
    """
    each = -(-number // len(memories))

    def deflated(run: int) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-c", f"import repeated_bytes as r; r.print_deflated({kind!r}, {each}, {seed + run})"],
            cwd=Path(__file__).parent,
            env={**os.environ, **memories[run]},
            stdout=subprocess.PIPE,
            check=True,
        )
        found: dict[str, object] = json.loads(done.stdout)
        return found

    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(deflated, range(len(memories))))
    same = {"sha256": found[0]["sha256"], "differed": 0}
    return [f"{kind}: {one} in {memory}" for one, memory in zip(found, memories, strict=True) if one != same]


def main() -> int:
    """Repeat what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *VARIANTS, *TEXTS], help="default: all")
    parser.add_argument("--runs", type=int, default=12, help="of each export; 12 have all of threads and memory")
    parser.add_argument("--rows", type=int, default=12_000, help="of each of its 3 sessions")
    parser.add_argument("--blocks", type=int, default=1_000_000, help="of each kind, all processes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    parts = options.parts or [*VARIANTS, *TEXTS]
    wrong = []
    with tempfile.TemporaryDirectory(prefix="repeated-") as directory:
        store = make_store(Path(directory) / "source", sessions=3, rows=options.rows)
        tasks = [(part, partial(repeat_export, store, part, options.runs)) for part in parts if part in VARIANTS]
        blocks = partial(repeat_blocks, number=options.blocks, seed=options.seed, jobs=options.jobs)
        tasks += [(part, partial(blocks, part)) for part in parts if part in TEXTS]
        for part, repeat in tasks:
            started = time.monotonic()
            different = repeat()
            wrong += different
            number = options.runs if part in VARIANTS else options.blocks
            print(f"{part:<16} {number:>9,}  {len(different) or 'none'} differed  {time.monotonic() - started:.0f} s")
            print(*different, sep="\n", end="\n" if different else "", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
