"""Ids that break careless names, and what a name is that is safe everywhere."""

from __future__ import annotations

import re

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10))}
HOSTILE_IDS = [
    "../escape",
    "..",
    ".",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\x",
    "con",
    "Aux.txt",
    "COM1",
    "lpt9.log",
    "trailing.",
    "trailing ",
    " leading",
    "-rf",
    ".hidden",
    'quote"s',
    "apostrophe's",
    "100%",
    "%s%n",
    "new\nline",
    "tab\t",
    "\x1b[31mred",
    "*?[1]",
    "$(id)",
    "`id`",
    "a&b|c>d<e;f",
    "ünïcödé",
    "e\u0301",
    "é",
    "😀" * 128,
    "x" * 128,
    "x" * 100,
    "x" * 101,
    "same",
    "Same",
    "SAME",
    "~",
    "#",
    "a,b",
    "session-1",
    "ok-1.2_3",
]


def is_safe(name):
    """What every file system takes for a name of its own, and leaves as it is."""
    stem = name.split(".")[0].upper()
    return SAFE.fullmatch(name) is not None and not name.endswith(".") and stem not in DEVICES


def everything_below(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))
