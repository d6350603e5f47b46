"""The fault campaign: injects faults by the thousand and prints what came of them, and each that went wrong.

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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from damage import PARTS as DAMAGES
from damage import find_damage
from exports import MANY_FILES, VARIANTS, Export, fill, make_store
from injection import CALLS, Scenario, SmallDisk, WrongOutcomeError
from random_kills import kill_at_random
from store_changes import StoreChange
from stores import Import, Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
# With threads, as by default, where nothing is there; in turn where a package is replaced.
THREADS = {False: 2, True: 1}
STORES = {
    "import": lambda directory: Import(directory, existing=False),
    "import-replacing": lambda directory: Import(directory, existing=True),
    "import-harness": lambda directory: Import(directory, existing=False, harness=True),
    "import-harness-replacing": lambda directory: Import(directory, existing=True, harness=True),
    "import-packed": lambda directory: Import(directory, existing=False, packed=True),
    "import-packed-replacing": lambda directory: Import(directory, existing=True, packed=True),
    "compact": lambda directory: StoreChange(directory, deletes=False),
    "delete": lambda directory: StoreChange(directory, deletes=True),
    "record": lambda directory: Recording(directory, recover=False),
    "recover": lambda directory: Recording(directory, recover=True),
}
Outcomes = Counter[str]
WRONG = "WRONG"
Argument = TypeVar("Argument")


def judged(inject: Callable[[Argument], str], arguments: Iterable[Argument]) -> Outcomes:
    """Inject one fault after the other, and say which went wrong."""
    outcomes: Outcomes = Counter()
    for argument in arguments:
        try:
            outcomes[inject(argument)] += 1
        except WrongOutcomeError as error:
            print(f"{WRONG}: {error}", file=sys.stderr, flush=True)
            outcomes[WRONG] += 1
    return outcomes


def exports(variant: str, *, sessions: int) -> Iterator[Scenario]:
    """Give exports of a small store in a variant, to a new destination and to one that is replaced."""
    for existing in (False, True):
        with tempfile.TemporaryDirectory(prefix="faults-") as directory:
            many = MANY_FILES.get(variant, sessions)
            store = make_store(Path(directory) / "source", sessions=many, rows=40 * sessions // many)
            place = Path(directory) / "export"
            with Export(store, place, variant, existing=existing, threads=THREADS[existing]) as export:
                yield export


def stores(variant: str) -> Iterator[Scenario]:
    """Give the import or recording of a name."""
    with tempfile.TemporaryDirectory(prefix="faults-") as directory, STORES[variant](Path(directory) / "x") as scenario:
        yield scenario


def kills(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Kill at every write, fsync, rename, close, and at what makes and removes names."""
    del seed, options
    for scenario in stores(variant) if variant in STORES else exports(variant, sessions=4):
        yield f"kill, {scenario.name}", judged(scenario.kill, scenario.find_places())


def errors(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Let every write, fsync, rename and close fail, with each error."""
    del seed, options
    for scenario in stores(variant) if variant in STORES else exports(variant, sessions=2):
        places = [place for place in scenario.find_places() if place.call in CALLS.split(",")]
        for error in ERRORS:
            yield f"{error}, {scenario.name}", judged(partial(scenario.fail, error=error), places)


def random_kills(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Kill at random moments."""
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        number = -(-options.random_kills // len([one for one in options.variants if one in VARIANTS]))
        yield f"kill at random, {variant}", kill_at_random(Path(directory) / "x", variant, number, seed=seed)


def full_disks(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Export to small disks."""
    del seed
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        store = make_store(Path(directory) / "source", sessions=4, rows=4000)
        with Export(store, Path(directory) / "export", variant, existing=False, threads=2) as export:
            need = sum(len(data) for data in (export.new or {}).values()) // 1000
            disk = SmallDisk(Path(directory) / "disk")
            # Sizes are pages; the last ones have room enough.
            sizes = {4 * round(need * 1.1 * step / options.sizes / 4 + 1) for step in range(options.sizes)}
            at = 4
            while len(sizes) < options.sizes:
                sizes.add(at)
                at += 4
            try:
                yield f"full disk, {variant}", judged(partial(fill, export, disk), sorted(sizes))
            finally:
                disk.close()


def full_inodes(variant: str, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Outcomes]]:
    """Export to disks that take few files: from none beside their own directory to enough."""
    del seed, options
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        store = make_store(Path(directory) / "source", sessions=4, rows=40)
        with Export(store, Path(directory) / "export", variant, existing=False, threads=2) as export:
            disk = SmallDisk(Path(directory) / "disk")
            enough = len(export.new or {}) + 8  # the stage, its journal, and what lies beside it
            try:
                filled = judged(lambda inodes: fill(export, disk, 10_000, inodes=inodes), range(1, enough + 1))
                yield f"full inodes, {variant}", filled
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
    "full-inodes": full_inodes,
    "damages": damages,
}
OF_STORES = ("kills", "errors")


def run_part(part: str, variant: str, seed: int, options: argparse.Namespace) -> list[tuple[str, Outcomes]]:
    """Run one part in one variant."""
    return list(PARTS[part](variant, seed, options))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--variants", nargs="*", choices=[*VARIANTS, *STORES], default=[*VARIANTS, *STORES])
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
            if variant in VARIANTS or part in OF_STORES
        ]
        for part, future in running:
            for name, outcomes in future.result():
                show(name, outcomes)
                totals.setdefault(part, Counter()).update(outcomes)
    print()
    for part, outcomes in totals.items():
        show(f"all {part}", outcomes)
    wrong = sum(one[WRONG] for one in totals.values())
    print(f"{sum(sum(one.values()) for one in totals.values()):,} faults, {wrong or 'none'} went wrong, ", end="")
    print(f"{(time.monotonic() - started) / 60:.0f} min")
    return 1 if wrong else 0


def show(name: str, outcomes: Outcomes) -> None:
    """Print a row of the table."""
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{name:<36} {sum(outcomes.values()):>7,}  {shown}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
