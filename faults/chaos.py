"""Readers and writers at the same time, killed at random moments: each ends as promised, and nothing is lost or left.

    just chaos --seconds 3600

Ten actors work on one store and the same few destinations, each with one command after the other, drawn at random.
Signals come to random actors at random moments. How each command ends, and what readers give, is judged by what
docs/reliability.md promises. In rounds, all stop; then what a user would run is run, and everything has to be right.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from aftermath import put_right
from arena import Place, run_command
from crowd import STOP, Runner
from doings import Actor
from injection import empty
from promises import write_session_rows

SIGNALS = {signal.SIGKILL: 7, signal.SIGTERM: 2, signal.SIGINT: 2}
"""How often each is sent."""
_FOLLOWED = 0.1
"""How often a kill follows a signal that would let the command tidy up."""
_MAX_COPIES = 20
_MAX_SAID = 20_000
_MAX_ANSWER = 1 << 20
# What is set before the engines are loaded: no threads of theirs, the same bytes each time.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "SOURCE_DATE_EPOCH": "0",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class Tally:
    """What was run and seen.

    Attributes:
        endings: how many commands ended in which way, by kind.
        kills: how many were hit by which signal, by kind.
        wrong: how many things were wrong.
    """

    def __init__(self, seed: int, kept: Path | None) -> None:
        self.endings: dict[str, Counter[str]] = {}
        self.kills: Counter[str] = Counter()
        self.late = 0
        self.wrong = 0
        self._seed, self._kept = seed, kept
        self._log = (kept / "log.ndjson").open("w", encoding="utf-8") if kept else None

    def note(self, number: int, found: dict[str, Any]) -> None:
        """Note how a command ended."""
        hit = found["hit"]
        name = signal.Signals(hit).name if hit else str(found["status"])
        self.endings.setdefault(found["kind"], Counter())[name] += 1
        if hit:
            self.kills[name] += 1
        elif found["sent"]:
            self.late += 1
        if self._log:
            self._log.write(json.dumps({"round": number, **found}) + "\n")
            self._log.flush()
        for wrong in found["wrong"]:
            command = " ".join(map(str, found["arguments"]))
            self.tell(
                number,
                f"{found['kind']}: {wrong}: status {found['status']}, signals {found['sent']}, actor {found['actor']}, "
                f"command {found['serial']}: {command}: {found['said']}",
            )

    def tell(self, number: int, wrong: str) -> None:
        """Tell of something wrong."""
        self.wrong += 1
        print(f"WRONG: seed {self._seed}, round {number}: {wrong}", flush=True)

    def show(self, seconds: float) -> None:
        """Print the table."""
        width = max(map(len, self.endings), default=0)
        for kind, endings in sorted(self.endings.items()):
            shown = ", ".join(f"{count:,} {ending}" for ending, count in sorted(endings.items()))
            print(f"{kind:<{width}} {sum(endings.values()):>7,}  {shown}")
        commands = sum(sum(one.values()) for one in self.endings.values())
        kills = ", ".join(f"{count:,} {name}" for name, count in sorted(self.kills.items()))
        print(
            f"{commands:,} commands, {self.kills.total():,} of them killed ({kills}), {self.late:,} signals came too "
            f"late, {self.wrong or 'nothing'} wrong, {seconds / 60:.1f} min"
        )


def prepare() -> None:
    """Load what the commands need, in this process, from which all others are forked."""
    os.environ.update(_ENVIRONMENT)
    import judging  # noqa: PLC0415 - after the environment is set
    import starter  # noqa: PLC0415

    judging.prepare()
    starter.prepare()
    import pipeline.notebook.catalog  # noqa: PLC0415
    import pipeline.recorder.recovery  # noqa: F401, PLC0415

    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise SystemExit("chaos: has more than one thread, which cannot be forked")


def play(number: int, place: Place, orders: socket.socket, options: argparse.Namespace) -> None:
    """Run one command after the other until the order to stop comes; answer how each ended, in JSON."""
    actor = Actor(number, place, random.Random(f"{options.seed} {options.round} {number}"))  # noqa: S311
    runner = Runner(place.directory / "scratch" / str(number), place.temporary, orders)
    serial = 0
    while not runner.is_stopped:
        serial += 1
        doing = actor.next()
        started = time.time()
        ending = runner.run(doing.function, doing.arguments)
        found = {
            "actor": number,
            "serial": serial,
            "kind": doing.kind,
            "arguments": doing.arguments,
            "status": ending.status,
            "sent": ending.sent,
            "hit": ending.hit,
            "said": ending.said[-_MAX_SAID:],
            "started": started,
            "seconds": time.time() - started,
            "wrong": list(doing.judge(ending)),
        }
        if found["wrong"] and options.keep:
            keep(place, options.keep / f"wrong-{options.round}-{number}-{serial}")
        orders.send(json.dumps(found).encode())
    orders.send(json.dumps({"unfinished": list(actor.unfinished.values())}).encode())


def keep(place: Place, to: Path) -> None:
    """Copy all that is there; others may go on writing it."""
    if len(list(to.parent.glob("wrong-*"))) < _MAX_COPIES:
        subprocess.run(["cp", "-a", place.directory, to], check=False, capture_output=True)


class Killer:
    """Draws which signal comes to whom, and when."""

    def __init__(self, draw: random.Random, orders: list[socket.socket], every: float) -> None:
        self._draw, self._orders, self._every = draw, orders, every
        self._due: list[tuple[float, socket.socket, int]] = []
        self._next = time.monotonic()

    def send(self) -> float:
        """Send what is due; give when more will be."""
        now = time.monotonic()
        while self._next <= now:
            self._next += self._draw.expovariate(1 / self._every)
            (sent,) = self._draw.choices(list(SIGNALS), list(SIGNALS.values()))
            to = self._draw.choice(self._orders)
            self._due.append((now, to, sent))
            if sent != signal.SIGKILL and self._draw.random() < _FOLLOWED:
                self._due.append((now + self._draw.uniform(0, 0.2), to, signal.SIGKILL))
        for one in [one for one in self._due if one[0] <= now]:
            self._due.remove(one)
            order(one[1], one[2])
        return min([self._next, *(at for at, *_ in self._due)])


def order(actor: socket.socket, what: int) -> None:
    """Order something of an actor, which may have ended; that is told elsewhere."""
    with suppress(OSError):
        actor.send(bytes([what]))


def start_actor(number: int, place: Place, others: list[socket.socket], options: argparse.Namespace) -> tuple[Any, int]:
    """Fork an actor; give how to talk to it, and its process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setsid()  # what is typed at a terminal is for the one that ends them all
            for one in (*others, ours):
                one.close()
            play(number, place, theirs, options)
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not return
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    theirs.close()
    return ours, child


def run_round(place: Place, seconds: float, options: argparse.Namespace, tally: Tally) -> list[list[str]]:
    """Let all actors play for some time while signals come; give the commands that are unfinished."""
    actors: dict[socket.socket, int] = {}
    for number in range(options.actors):
        talk, child = start_actor(number, place, list(actors), options)
        actors[talk] = child
    killer = Killer(random.Random(f"{options.seed} {options.round}"), list(actors), options.every)  # noqa: S311
    end = time.monotonic() + seconds
    unfinished: list[list[str]] = []
    is_stopped = False
    while actors:
        until = float("inf") if is_stopped else min(killer.send(), end)
        if time.monotonic() >= end and not is_stopped:
            is_stopped = True
            for one in actors:
                order(one, STOP)
        ready, _, _ = select.select(list(actors), [], [], max(0.0, min(until - time.monotonic(), 5.0)))
        for talk in ready:
            found = json.loads(talk.recv(_MAX_ANSWER) or b"null")
            if found is None:
                talk.close()
                _, status = os.waitpid(actors.pop(talk), 0)
                if status:
                    tally.tell(options.round, f"an actor ended with {os.waitstatus_to_exitcode(status)}")
            elif "unfinished" in found:
                unfinished += found["unfinished"]
            else:
                tally.note(options.round, found)
    return unfinished


def run_rounds(directory: Path, options: argparse.Namespace, tally: Tally) -> None:
    """Run round after round, each in an empty directory, and judge what each leaves."""
    still = directory / "still"
    still.mkdir(parents=True)
    words = ["import", str(write_session_rows(still / "source.ndjson", ["s1", "s2", "s3", "s4"], 500, 7.0))]
    words += ["--to", str(still / "store"), "--quiet"]
    first = Runner(directory / "first", directory).run(run_command, words)
    if first.status:
        raise SystemExit(f"chaos: {first.said}")
    left = options.seconds
    options.round = 0
    while left > 0:
        options.round += 1
        place = Place(directory / "round")
        empty(place.directory)
        shutil.copytree(still, place.directory / "still")
        place.make()
        started = time.monotonic()
        before, wrong = tally.kills.total(), tally.wrong
        unfinished = run_round(place, min(left, options.round_seconds), options, tally)
        runner = Runner(place.directory / "scratch" / "afterwards", place.temporary)
        for one in put_right(place, runner, unfinished):
            tally.tell(options.round, one)
        if tally.wrong > wrong and options.keep:
            keep(place, options.keep / f"wrong-{options.round}-afterwards")
        lasted = time.monotonic() - started
        left -= lasted
        print(
            f"round {options.round}: {tally.kills.total() - before:,} kills, {tally.wrong - wrong or 'nothing'} wrong, "
            f"{lasted:.0f} s",
            flush=True,
        )


def main() -> int:
    """Run the campaign, and print what was run, how it ended, and each thing that was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long, about")
    parser.add_argument("--round-seconds", type=float, default=100, help="after which all stop and are judged")
    parser.add_argument("--every", type=float, default=0.3, help="seconds from signal to signal, in the mean")
    parser.add_argument("--actors", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="a directory for a log, and for copies of what was wrong")
    options = parser.parse_args()
    options.seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    print(f"seed {options.seed}", flush=True)
    prepare()
    started = time.monotonic()
    tally = Tally(options.seed, options.keep)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as directory:
        run_rounds(Path(directory), options, tally)
    tally.show(time.monotonic() - started)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
