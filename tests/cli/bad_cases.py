"""What goes wrong, as a table: an error is one line, has the right exit status, and nothing is published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


TO = "out/package"
EXPORT_TO = ("--to", TO)


class Case(NamedTuple):
    """One thing that goes wrong.

    `make` prepares an empty directory, in which the command then runs, and gives the command's arguments; the
    standard error is one line that holds all of `phrases`.
    """

    name: str
    status: int
    phrases: tuple[str, ...]
    make: Callable[[Path], list[str]]


CASES: list[Case] = []


def case(name, status, *phrases):
    """Add a case to the table; the decorated function prepares it."""

    def add(make):
        CASES.append(Case(name, status, phrases, make))
        return make

    return add


def file_case(name, file_name, data, *phrases, options=()):
    """Add a case of an export from one file that holds bad data."""

    # A row that occurs twice may lie in two files; session and sequence say which it is.
    @case(name, 3, *phrases if "occurs twice" in phrases else (file_name, *phrases))
    def make(at):
        (at / file_name).write_bytes(data() if callable(data) else data)
        return ["export", file_name, *EXPORT_TO, *options]


def rows_case(name, rows, *phrases, options=()):
    """Add a case of rows, in NDJSON, that break a rule."""
    file_case(name, "a.ndjson", "".join(json.dumps(r) + "\n" for r in rows).encode(), *phrases, options=options)


def store_case(name, *phrases, options=()):
    """Add a case of an export from a store; the decorated function damages it."""

    def add(damage):
        @case(f"store: {name}", 3, *phrases)
        def make(at):
            damage(at / "store")
            return ["export", "store", *EXPORT_TO, *options]

        return damage

    return add


# Usage: found before anything is read or written.


def usage_case(name, options, *phrases, command="export"):
    """Add a case of options that are wrong; the source is good."""

    @case(f"usage: {name}", 2, *phrases)
    def make(_at):
        target = [] if "--to" in options else EXPORT_TO
        return [command, "store", *target, *options]
