"""Puts strangers into each place of stores, packages and stages, and runs each command that meets them there.

python faults/among_strangers.py --help
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from company import PLACES, Place, build, near, words_of
from injection import WrongOutcomeError, require
from judging import FAULT, MAX_RESIDENT_BYTES, Ending
from starter import Starter
from strangers import NEED_ROOT, STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAX_BYTES = 1 << 20
_CATALOG = "c.db"
_TIMES = re.compile(
    r"\d+(\.\d+)? s\b|\d+ min\b|\b\d+ ms\b|last written \S+|\d+\.\d+ MB|\d+ bytes|\d+\.\d+ kB|\d+\.\d+ TB"
)

Tree = dict[str, tuple[Any, ...]]

SOURCE, DESTINATION, DAMAGE = 3, 4, 5
_STAGES = {"stage", "package of a stage"}
_PACKAGES = {"package", "figures", "each", "signed"}
_COUNTED = {
    "a copy of a session",
    "a link to a session",
    "a session without a record",
    "a session without data",
    "a session of a later version",
}
"""In `sessions/`, what others that read the store would count, or would miss."""
_CALLED_AS_DATA = {"a second file of data", "a directory called as data", "of a sync in conflict"}
"""Beside the data of a session."""
_OURS = {
    ("staging", "a store.json of a later version"),
    ("recordings", "an empty session"),
    ("package of a stage", "a package of a later version"),
}
"""By their names and places: what an import or an export has begun, and a recording that has not begun."""
_CANNOT_BE_MOVED = {"a mount point", "of a file system"}
"""By a user who is not root: the second is a directory of another user."""


def right_status(place: str, stranger: str, command: str) -> int:
    """Say with which status a command ends that meets a stranger, as docs/reliability.md does."""
    if place in _PACKAGES:
        return DAMAGE if command.startswith("verify") else DESTINATION
    if place in _STAGES:
        return DESTINATION if command.startswith("export") else 0
    # What an import leaves alone it does not look into.
    is_looked_into = (place, command) != ("a session", "import, skip")
    if is_looked_into and stranger in {"sessions": _COUNTED, "a session": _CALLED_AS_DATA}.get(place, ()):
        return SOURCE
    if (place, command) == ("a session", "import, replace") and stranger in _CANNOT_BE_MOVED:
        return DESTINATION
    if place == "beside" and stranger == "a store.json of a later version":  # then all beside it lies in a store
        return DESTINATION if command.startswith(("export", "statistics", "catalog")) else 0
    return 0


@dataclass
class Control:
    """What a command does where there is no stranger.

    Attributes:
        ending: how it ended.
        tree: what was there then.
        unstable: paths whose bytes tell of the time.
    """

    ending: Ending
    tree: Tree
    unstable: set[str]


class World:
    """A world to which a stranger comes and in which a command runs; use it in a `with` statement."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._base = directory / "base"
        self._at = directory / "at"
        self._out = directory / "out"
        self._controls: dict[tuple[str, str], Control] = {}
        build(self._base)
        environment = {"SOURCE_DATE_EPOCH": "0"}
        self._starter = Starter(directory / "errors", prepare="judging:prepare", environment=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._starter.__exit__(*exc_info)
        self._clear()

    def judge(self, place: str, stranger: str, command: str) -> str:
        """Run a command where a stranger lies.

        Returns:
            "passed by", "told" or "refused"; "no place" where something of ours has its name.

        Raises:
            WrongOutcomeError: it did something else.
        """
        where = PLACES[place]
        control = self._control(place, command)
        self._prepare()
        before = _tree(self._at / "world", set())
        among = self._at / "world" / where.directory
        names = set(os.listdir(among))  # noqa: PTH208 - names are all that is asked for
        name = {"a store.json of a later version": "store.json", "a package of a later version": "datapackage.json"}
        if name.get(stranger) in names or (place, stranger) in _OURS:
            return "no place"
        STRANGERS[stranger](among, near(self._at, where))
        come = {str(Path(where.directory) / name) for name in os.listdir(among) if name not in names}  # noqa: PTH208
        strangers, outside = _states(self._at / "world", come), _tree(self._at / "outside", set())
        ending = self._run(command, where)
        wanted = right_status(place, stranger, command)
        shown = f"{stranger} in {place}: {command}: status {ending.status} for {wanted}: {ending.err[-700:]}"
        require(_states(self._at / "world", come) == strangers, f"the stranger was changed: {shown}")
        require(_tree(self._at / "outside", set()) == outside, f"what lies outside was changed: {shown}")
        require(ending.status >= 0, f"ended by a signal: {shown}")
        require("Traceback" not in ending.err and FAULT not in ending.err, shown)
        require(ending.resident < MAX_RESIDENT_BYTES, f"{ending.resident:,} bytes of memory: {shown}")
        require(ending.status == wanted, shown)
        found = _tree(self._at / "world", come)
        if ending.status:
            require(ending.err.count("\n") == 1 and ending.err.startswith("pipeline: "), f"is not one line: {shown}")
        if ending.status or place in _STAGES:
            _require_named(ending.err or ending.out, come, shown)
            _require_same(found, before, set(), shown)
            return "refused" if ending.status else "told"
        # A directory stays in which one lies.
        held = {above: found[above] for path in come for above in map(str, Path(path).parents) if above in found}
        _require_same(found, held | control.tree, control.unstable, shown)
        require(ending.err == control.ending.err, f"says more: {shown}")
        out, out_wanted = (_TIMES.sub("", one.out) for one in (ending, control.ending))
        require(out == out_wanted, f"prints {out[:300]!r} for {out_wanted[:300]!r}: {shown}")
        return "passed by"

    def _control(self, place: str, command: str) -> Control:
        key = command, " ".join(words_of(command, PLACES[place])[0])
        if key not in self._controls:
            runs = []
            for _ in range(2):
                self._prepare()
                ending = self._run(command, PLACES[place])
                require(ending.status == 0 and not ending.err, f"without a stranger: {command}: {ending}")
                runs.append((ending, _tree(self._at / "world", set())))
            (ending, tree), (_, again) = runs
            require(tree.keys() == again.keys(), f"{command}: leaves other names each time")
            unstable = {path for path in tree if tree[path] != again[path]} | {_CATALOG}
            self._controls[key] = Control(ending, tree, unstable)
        return self._controls[key]

    def _prepare(self) -> None:
        self._clear()
        shutil.copytree(self._base, self._at, symlinks=True)

    def _clear(self) -> None:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        for line in mounts.splitlines():
            if (mounted := line.split(" ")[1]).startswith(f"{self._at}/"):
                subprocess.run(["umount", mounted], check=True)
        shutil.rmtree(self._at, ignore_errors=True)
        require(not self._at.exists(), f"{self._at}: cannot be removed")

    def _run(self, command: str, place: Place) -> Ending:
        words, main = words_of(command, place)
        world = self._at / "world"
        order = [words, str(world), str(world / "tmp"), str(self._out), main]
        self._starter.start("company:run_as_owner", order, traced=False)
        status, said, resident = self._starter.wait()
        return Ending(status, self._out.read_text(encoding="utf-8", errors="surrogateescape"), said, resident)


def _tree(directory: Path, strangers: set[str]) -> Tree:
    """What lies below a directory, by its path: kinds, bytes and targets of links."""
    found = _states(directory, {name for name in os.listdir(directory) if name not in strangers}, strangers)  # noqa: PTH208
    return {path: (kind, content) for path, (kind, content, *_) in found.items()}


def _states(directory: Path, paths: set[str], but: set[str] | None = None) -> Tree:
    """What paths of a directory are, with all below them: also whose, of which mode, and when last written."""
    found: Tree = {}
    left = list(paths)
    while left:
        path = left.pop()
        if but and (path in but or path.removeprefix("./") in but):
            continue
        if not os.path.lexists(directory / path):  # it was removed
            continue
        status = (directory / path).lstat()
        content: object = None
        if stat.S_ISLNK(status.st_mode):
            content = (directory / path).readlink()
        elif stat.S_ISDIR(status.st_mode):
            left += [f"{path}/{name}" for name in os.listdir(directory / path)]  # noqa: PTH208
        elif stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_BYTES:
            content = (directory / path).read_bytes()
        kind = stat.S_IFMT(status.st_mode)
        found[path] = kind, content, status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns, status.st_ino
    return found


def _require_same(found: Tree, wanted: Tree, unstable: set[str], shown: str) -> None:
    more, fewer = sorted(found.keys() - wanted.keys())[:5], sorted(wanted.keys() - found.keys())[:5]
    require(not more and not fewer, f"leaves {more}, lacks {fewer}: {shown}")
    changed = [path for path in found if found[path] != wanted[path] and path not in unstable]
    require(not changed, f"changed {sorted(changed)[:5]}: {shown}")


def _require_named(said: str, come: set[str], shown: str) -> None:
    # Of a name that is shown with escapes, what is plain.
    plain = {"lies in the store"} | {
        max(re.findall(r"[\w.+@#-]+", Path(path).name, re.ASCII), key=len)[:100] for path in come
    }
    require(any(name in said for name in plain), f"does not name it: {shown}")


def run_place(place: str, strangers: Sequence[str], every: int = 1) -> Counter[str]:
    """Judge all commands of a place with strangers, or one case in so many; print what is wrong, and count outcomes."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="strangers-") as directory, World(Path(directory)) as world:
        for at, (stranger, command) in enumerate(cases(place, strangers)):
            if at % every:
                continue
            try:
                outcomes[world.judge(place, stranger, command)] += 1
            except WrongOutcomeError as error:
                outcomes["wrong"] += 1
                print(f"WRONG {str(error).strip()}", flush=True)
    return outcomes


def cases(place: str, strangers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each stranger with each command, but for what only root makes."""
    for stranger in strangers:
        if not os.geteuid() or stranger not in NEED_ROOT:
            yield from ((stranger, command) for command in PLACES[place].commands)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="*", choices=[[], *PLACES], help="default: all")
    parser.add_argument("--strangers", nargs="+", choices=STRANGERS, default=list(STRANGERS), metavar="STRANGER")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {place: pool.submit(run_place, place, options.strangers) for place in options.places or PLACES}
        for place, future in running.items():
            outcomes = future.result()
            total += outcomes
            print(f"{place:<20} {sum(outcomes.values()):>6,}  {_shown(outcomes)}", flush=True)
    print(f"{sum(total.values()):,} cases: {_shown(total)}; {time.monotonic() - started:.0f} s")
    return 1 if total["wrong"] else 0


def _shown(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))


if __name__ == "__main__":
    sys.exit(main())
