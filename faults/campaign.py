"""The fault campaign: injects faults by the thousand and prints what came of them, or the first that went wrong.

python faults/campaign.py --help
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from damage import PARTS as DAMAGES
from damage import find_damage
from injection import VARIANTS, Scenario, SmallDisk, fill
from random_kills import kill_at_random, make_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
Outcomes = Counter[str]


def scenario_in(directory: Path, variant: str, *, sessions: int, existing: bool) -> Scenario:
    """Make a scenario of a small store."""
    store = make_store(directory / "source", sessions=sessions, rows=40)
    return Scenario(store, directory / "scenario", variant, existing)


def kills(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Kill at every write, fsync, rename and close."""
    del seed, options
    for existing in (False, True):
        with tempfile.TemporaryDirectory(prefix="faults-") as directory:
            scenario = scenario_in(Path(directory), variant, sessions=4, existing=existing)
            places = [(call, at) for call, count in scenario.calls.items() for at in range(1, count + 1)]
            yield f"kill, {scenario.name}", Counter(scenario.kill(call, at) for call, at in places)


def errors(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Let every such call fail, with each error."""
    del seed, options
    for existing in (False, True):
        with tempfile.TemporaryDirectory(prefix="faults-") as directory:
            scenario = scenario_in(Path(directory), variant, sessions=2, existing=existing)
            places = [(call, at) for call, count in scenario.calls.items() for at in range(1, count + 1)]
            for error in ERRORS:
                outcomes = Counter(scenario.fail(call, at, error) for call, at in places)
                yield f"{error}, {scenario.name}", outcomes


def random_kills(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Kill at random moments."""
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        number = -(-options.random_kills // len(options.variants))
        yield f"kill at random, {variant}", kill_at_random(Path(directory) / "x", variant, number, seed=seed)


def full_disks(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Export to small disks."""
    del seed
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        store = make_store(Path(directory) / "source", sessions=4, rows=4000)
        scenario = Scenario(store, Path(directory) / "scenario", variant, existing=False)
        need = sum(len(data) for data in (scenario.new or {}).values()) // 1000
        disk = SmallDisk(Path(directory) / "disk")
        # Sizes are pages; the last ones have room enough.
        sizes = {4 * round(need * 1.1 * step / options.sizes / 4 + 1) for step in range(options.sizes)}
        at = 4
        while len(sizes) < options.sizes:
            sizes.add(at)
            at += 4
        try:
            yield f"full disk, {variant}", Counter(fill(scenario, disk, size) for size in sorted(sizes))
        finally:
            disk.close()


def damages(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Damage packages, and verify them."""
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        numbers = {"bit flips": options.flips, "truncations": options.truncations, "manipulations": options.changes}
        for part in DAMAGES:
            found = find_damage(Path(directory) / part.replace(" ", "-"), variant, part, numbers[part], seed=seed)
            yield f"{part}, {variant}", Counter({"found": found})


PARTS = {
    "kills": kills,
    "errors": errors,
    "random-kills": random_kills,
    "full-disks": full_disks,
    "damages": damages,
}


def run_part(part: str, variant: str, seed: int, options: argparse.Namespace) -> list[tuple[str, Outcomes]]:
    """Run one part in one variant."""
    return list(PARTS[part](variant, seed, options))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--random-kills", type=int, default=1000, help="of all variants together")
    parser.add_argument("--sizes", type=int, default=60, help="of full disks, in each variant")
    parser.add_argument("--flips", type=int, default=10_000, help="bits, in each variant")
    parser.add_argument("--truncations", type=int, default=1000, help="in each variant")
    parser.add_argument("--changes", type=int, default=200, help="manipulations, in each variant")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    parts = options.parts or [part for part in PARTS if part != "full-disks" or os.geteuid() == 0]
    started = time.monotonic()
    print(f"seed {seed}")
    totals: dict[str, Outcomes] = {}
    with ProcessPoolExecutor(options.jobs, max_tasks_per_child=1) as pool:
        running = [
            (part, pool.submit(run_part, part, variant, seed, options))
            for part in parts
            for variant in options.variants
        ]
        for part, future in running:
            for name, outcomes in future.result():
                show(name, outcomes)
                totals.setdefault(part, Counter()).update(outcomes)
    print()
    for part, outcomes in totals.items():
        show(f"all {part}", outcomes)
    print(f"{sum(sum(one.values()) for one in totals.values()):,} faults, none went wrong, ", end="")
    print(f"{(time.monotonic() - started) / 60:.0f} min")
    return 0


def show(name: str, outcomes: Outcomes) -> None:
    """Print a row of the table."""
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{name:<36} {sum(outcomes.values()):>7,}  {shown}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
