"""Runs the program on bad and hostile input by the thousand, and prints how it ended, or the first that went wrong.

python faults/hostile_inputs.py --help
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from columnar_inputs import bad_arrow, bad_parquet
from injection import WrongOutcomeError
from judging import Commands, HostileInput, judge
from mutations import ROWS, bases, mutate
from packed_inputs import bad_compression, bombs
from record_inputs import bad_records, corpora
from size_inputs import hostile_sizes
from text_inputs import bad_csv, bad_text, bad_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXPORT = ["export", "{file}", "--to", "out", "--no-sync", "--quiet"]
COMMANDS = (
    EXPORT,
    ["import", "{file}", "--to", "store", "--quiet"],
    ["query", "{file}", "FROM measurements", "--format", "ndjson"],
    EXPORT,
    ["import", "{file}", "--to", "store", "--quiet", "--skip-bad"],
    ["statistics", "{file}", "--to", "out", "--no-sync", "--quiet"],
    EXPORT,
    ["sessions", "{file}"],
)


def mutated(name: str, number: int, seed: int) -> Iterator[HostileInput]:
    """Random changes of a sound file."""
    base = bases()[name]
    draw = random.Random(f"{seed} {name}")  # noqa: S311 - repeatable on purpose
    for at, command in zip(range(number), cycle(COMMANDS), strict=False):
        data, done = mutate(base, draw)
        yield HostileInput(
            f"{name} {at}, {done}",
            {base.file_name: data},
            [word.format(file=base.file_name) for word in command],
            oracles=[
                lambda _: ROWS,
                *(lambda work, read=read: read(work / base.file_name) for read in base.readers),
            ],
        )


MADE = {
    "text": bad_text,
    "values": bad_values,
    "csv alone": bad_csv,
    "compression": bad_compression,
    "bombs": bombs,
    "sizes": hostile_sizes,
    "arrow": bad_arrow,
    "parquet alone": bad_parquet,
    "records": bad_records,
    "corpora": corpora,
}
GROUPS = (*bases(), *MADE)


def inputs(group: str, number: int, seed: int) -> Iterator[HostileInput]:
    """Inputs of a group: of changes `number`, of what is made or gathered all."""
    return MADE[group]() if group in MADE else mutated(group, number, seed)


def run_group(group: str, number: int, seed: int, only: int | None = None, keep: Path | None = None) -> Counter[str]:
    """Run the inputs of a group, and count the endings; what goes wrong is put into `keep`."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="hostile-") as directory, Commands(Path(directory)) as commands:
        for at, case in enumerate(inputs(group, number, seed)):
            if only is not None and at != only:
                continue
            place = Path(directory) / "case"
            try:
                outcomes[judge(commands, case, place)] += 1
            except WrongOutcomeError as error:
                if keep is None:
                    raise
                outcomes["wrong"] += 1
                print(f"WRONG {group} #{at}: {error}", flush=True)
                shutil.copytree(place, keep / f"{group}-{at}".replace(" ", "-"), dirs_exist_ok=True)
            shutil.rmtree(place)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the groups."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="default: all")
    parser.add_argument("--number", type=int, default=500, help="changes of each sound file")
    parser.add_argument("--only", type=int, help="the one of this number in its group")
    parser.add_argument("--keep", type=Path, help="go on after what goes wrong, and keep it here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        groups = options.groups or GROUPS
        running = {
            group: pool.submit(run_group, group, options.number, options.seed, options.only, options.keep)
            for group in groups
        }
        for group, future in running.items():
            outcomes = future.result()
            total += outcomes
            print(f"{group:<24} {sum(outcomes.values()):>6,}  {_shown(outcomes)}", flush=True)
    wrong = total["wrong"] or "none"
    print(f"{sum(total.values()):,} inputs: {_shown(total)}; {wrong} went wrong, {time.monotonic() - started:.0f} s")
    return 1 if total["wrong"] else 0


def _shown(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))


if __name__ == "__main__":
    sys.exit(main())
