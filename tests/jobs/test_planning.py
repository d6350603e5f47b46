"""No false news and no silence: after each change of a store, the plan names the periods concerned, and no others.

What they are is worked out here in plain Python, by the rule of the documents.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from period_rules import microseconds, moment, span_at, spans_of
from samples import row, write_ndjson

from pipeline import compact_store, delete_sessions, import_sessions, run_job

CHANGES = int(os.environ.get("PIPELINE_PLANS", "32"))
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000_000
GRACE = HOUR
FIRST = microseconds(datetime(2026, 3, 24, 12, tzinfo=UTC))
"""Days before the night in which the clock is put forward."""
LIMITS = ("20.0", "45.0")


class Export(NamedTuple):
    """An export of the job, and what it takes of the store."""

    name: str
    kind: str
    period: str
    more: str = ""
    metric: str | None = None
    slow: bool = False
    redacts: bool = False


EXPORTS = (
    Export("figures", "statistics", "day", 'window = "1h"'),
    Export("slow", "measurements", "day", f'where = "value > {LIMITS[0]}"', slow=True),
    Export("jitter", "measurements", "6h", 'metric = "jitter"', metric="jitter"),
    Export("weeks", "measurements", "week", 'redact = "configuration.secret"', redacts=True),
    Export("each", "measurements", "session"),
    Export("all", "statistics", "all", 'scope = "cross-session"'),
)


class Session(NamedTuple):
    """A session as it is in the store: (microsecond, metric, value) of each row, and its configuration."""

    rows: tuple[tuple[int, str, float], ...]
    configuration: tuple[tuple[str, int], ...]


def job_file(directory):
    parts = ['source = "store"\ntimezone = "Europe/Berlin"\n']
    for export in EXPORTS:
        grace = "" if export.period == "all" else 'grace = "1h"\n'
        parts.append(
            f'[[export]]\nname = "{export.name}"\nkind = "{export.kind}"\nperiod = "{export.period}"\n'
            f'to = "out/{export.name}/{{period}}"\nno_sync = true\n{grace}{export.more}\n'
        )
    path = directory / "job.toml"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


class World:
    """A store, the packages that were made of it, and what is known of both."""

    def __init__(self, directory, draw):
        self.directory, self.draw = directory, draw
        self.store = directory / "store"
        self.job = job_file(directory)
        self.sessions: dict[str, Session] = {}
        self.limit = LIMITS[0]
        self.published: dict[tuple[str, str], dict] = {}
        self.empty: dict[tuple[str, str], object] = {}
        self.damaged: set[tuple[str, str]] = set()
        self.options: dict[tuple[str, str], str] = {}
        self.ended: dict[tuple[str, str], float] = {}
        self.count = 0

    # What a change does.

    def put(self, name, session, if_exists="replace"):
        directory = self.directory / "incoming"
        rows = [
            row(name, at, timestamp=moment(time).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), metric=metric, value=value)
            for at, (time, metric, value) in enumerate(session.rows)
        ]
        path = write_ndjson(directory / f"{name}.ndjson", rows)
        record = {"session_id": name, "configuration": dict(session.configuration)}
        path.with_suffix(".session.json").write_text(json.dumps(record), encoding="utf-8")
        import_sessions(path, self.store, if_exists=if_exists)
        self.sessions[name] = session

    def made_up(self):
        (hours,) = self.draw.choices((0.2, 4, 30, 80), (6, 6, 3, 1))
        start = FIRST + int(self.draw.random() * 9 * 24 * HOUR)
        times = sorted(start + int(self.draw.random() * hours * HOUR) for _ in range(self.draw.randint(1, 6)))
        if self.draw.random() < 0.25:  # at the very border of a day
            times[0] = span_at("day", start, BERLIN).since - self.draw.choice((0, 1))
        metrics = self.draw.choice((("rtt",), ("jitter",), ("rtt", "jitter")))
        rows = tuple((time, self.draw.choice(metrics), round(self.draw.uniform(0, 60), 3)) for time in times)
        return Session(rows, (("secret", self.draw.randint(0, 9)), ("version", self.draw.randint(0, 9))))

    def any(self):
        return self.draw.choice(sorted(self.sessions))

    def add(self):
        self.count += 1
        self.put(f"s{self.count}", self.made_up())

    def replace(self):
        self.put(self.any(), self.made_up())

    def replace_record(self):
        name = self.any()
        key = self.draw.choice(("secret", "version"))
        configuration = dict(self.sessions[name].configuration)
        configuration[key] += 1
        self.put(name, self.sessions[name]._replace(configuration=tuple(configuration.items())))

    def delete(self):
        if len(self.sessions) > 1:
            name = self.any()
            delete_sessions(self.store, sessions=[name])
            del self.sessions[name]

    def delete_and_bring_back(self):
        name = self.any()
        if len(self.sessions) > 1:
            delete_sessions(self.store, sessions=[name])
        self.put(name, self.sessions[name])

    def touch(self):
        for path in self.store.rglob("*"):
            if path.is_file() and self.draw.random() < 0.5:
                os.utime(path)

    def import_again(self):
        name = self.any()
        self.put(name, self.sessions[name], self.draw.choice(("skip", "replace")))

    def compact(self):
        compact_store(self.store)

    def lose_index(self):
        (self.store / "index.parquet").unlink(missing_ok=True)

    def move(self):
        other = self.directory / "elsewhere"
        shutil.copytree(self.store, other)
        shutil.rmtree(self.store)
        other.rename(self.store)

    def damage(self):
        if self.published:
            export, period = self.draw.choice(sorted(self.published))
            data = next((self.directory / "out" / export / period).glob("*_*"))
            data.write_bytes(data.read_bytes() + b"\n")
            self.damaged.add((export, period))

    def lose_package(self):
        if self.published:
            export, period = key = self.draw.choice(sorted(self.published))
            shutil.rmtree(self.directory / "out" / export / period)
            del self.published[key]
            self.damaged.discard(key)

    def choose_another_limit(self):
        self.limit = LIMITS[self.limit == LIMITS[0]]

    # What the plan should be.

    def touched(self, export):
        """The sessions that an export touches, each as it would be published."""
        for name, session in self.sessions.items():
            if export.metric is None or export.metric in {metric for _, metric, _ in session.rows}:
                hidden = {"secret"} if export.redacts else set()
                shown = tuple(one for one in session.configuration if one[0] not in hidden)
                yield name, session, session._replace(configuration=shown)

    def concerned(self, export):
        """By name of the period, when it has ended, and of what it would be made."""
        found: dict[str, tuple[float, dict]] = {}
        for name, session, shown in self.touched(export):
            times = [time for time, *_ in session.rows]
            first, last = min(times), max(times)
            if export.period == "all":
                spans = [("all", 0, -GRACE)]
            elif export.period == "session":
                spans = [(name, first, last + 1)]
            else:
                spans = list(spans_of(export.period, first, last, BERLIN))
            for period, _, until in spans:
                found.setdefault(period, (until, {}))[1][name] = shown
        return found

    def options_of(self, export):
        return self.limit if export.slow else ""

    def plan(self, at):
        """By export and period the reason, a word."""
        wanted = {}
        for export in EXPORTS:
            now = self.concerned(export)
            names = {period for name, period in self.published if name == export.name}
            for period in now.keys() | names:
                key = (export.name, period)
                until, sessions = now[period] if period in now else (self.ended[key], {})
                before = self.published.get(key)
                if export.period != "all" and until + GRACE > at:
                    reason = "open" if before is None else None
                elif before is None:
                    state = (sessions, self.options_of(export))
                    reason = None if self.empty.get(key) == state else "missing"
                elif key in self.damaged:
                    reason = "damaged"
                elif self.options[key] != self.options_of(export):
                    reason = "options"
                else:
                    reason = difference(before, sessions)
                if reason is not None:
                    wanted[key] = reason
        return wanted

    def has_rows(self, export, period):
        for name, session in self.sessions.items():
            for time, metric, value in session.rows:
                if (
                    (export.metric in {None, metric})
                    and (not export.slow or value > float(self.limit))
                    and (
                        export.period == "all"
                        or period == (name if export.period == "session" else span_at(export.period, time, BERLIN).name)
                    )
                ):
                    return True
        return False

    def note(self, plan):
        """Note what a run has done; give by period what its outcome is to be."""
        outcomes = {}
        of = {export.name: export for export in EXPORTS}
        concerned = {export.name: self.concerned(export) for export in EXPORTS}
        for key, reason in plan.items():
            if reason == "open":
                continue
            export, period = of[key[0]], key[1]
            until, sessions = concerned[export.name].get(period, (self.ended.get(key), {}))
            if key in self.published or self.has_rows(export, period):
                self.published[key], self.ended[key] = sessions, until
                self.options[key] = self.options_of(export)
                self.empty.pop(key, None)
                outcomes[key] = "published"
            else:
                self.empty[key] = (sessions, self.options_of(export))
                outcomes[key] = "empty"
            self.damaged.discard(key)
        return outcomes


def difference(before, now):
    if before.keys() - now.keys():
        return "removed"
    if any(now[name] != one for name, one in before.items()):
        return "replaced"
    return "late" if now.keys() - before.keys() else None


SHARES = {
    World.add: 20,
    World.replace: 15,
    World.replace_record: 10,
    World.delete: 13,
    World.delete_and_bring_back: 6,
    World.touch: 6,
    World.import_again: 8,
    World.compact: 6,
    World.lose_index: 3,
    World.move: 3,
    World.damage: 6,
    World.lose_package: 5,
    World.choose_another_limit: 4,
}


def test_a_plan_names_the_periods_that_a_change_concerns_and_no_others(tmp_path):
    draw = random.Random(20260329)  # noqa: S311 - repeatable on purpose
    world = World(tmp_path, draw)
    for _ in range(3):
        world.add()
    seen = Counter()
    for number in range(CHANGES):
        # Each kind once, then as it comes.
        drawn = draw.choices(list(SHARES), list(SHARES.values()), k=draw.choice((1, 1, 1, 2, 3)))
        for change in [list(SHARES)[number]] if number < len(SHARES) else drawn:
            change(world)
        # Later and later, with a clock that is set back now and then.
        days = min(14, 4 + number / 5) if draw.random() < 0.8 else draw.uniform(0, 14)
        at = FIRST + int(days * 24 * HOUR)
        when = {"at": moment(at).isoformat(), "settings": {"slow.where": f"value > {world.limit}"}}
        wanted = world.plan(at)
        planned = run_job(world.job, dry_run=True, **when)
        found = {(one.export, one.period): one.reason for one in planned.periods}
        assert not planned.problems
        assert len(found) == len(planned.periods)
        assert found == wanted, f"change {number}"
        result = run_job(world.job, **when)
        assert result.exit_status == 0, result
        assert {(one.export, one.period): one.outcome for one in result.periods} == world.note(wanted)
        seen.update(wanted.values())
    assert not [one for one in run_job(world.job, **when).periods if one.reason != "open"]
    assert {"missing", "late", "replaced", "removed", "options", "damaged", "open"} <= seen.keys()
