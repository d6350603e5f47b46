"""Damages packages at random, and counts what the verification finds."""

from __future__ import annotations

import json
import os
import random
import shutil
from typing import TYPE_CHECKING

from exports import VARIANTS, make_store, run, words_of
from injection import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTS = ("bit flips", "truncations", "manipulations")


def find_damage(directory: Path, variant: str, part: str, number: int, *, seed: int) -> int:
    """Damage a package a number of times, and repair it each time.

    Args:
        directory: a new directory.
        variant: one of `exports.VARIANTS`.
        part: one of `PARTS`.
        number: how often.
        seed: of places and kinds.

    Returns:
        how often the verification found it, which is each time.

    Raises:
        WrongOutcomeError: it did not.
    """
    from pipeline import verify_package  # noqa: PLC0415 - after the environment is set

    store = make_store(directory / "source", sessions=3, rows=60)
    package = directory / "package"
    added = ["--no-sync", *(["--with-statistics"] if VARIANTS[variant][0] == "export" else [])]
    status, said = run(words_of(variant, store, package, *added))
    require(status == 0, f"{variant}: {said}")
    whole = {path.name: path.read_bytes() for path in package.iterdir()}
    draw = random.Random(f"{seed} {variant} {part}")  # noqa: S311 - repeatable on purpose
    for _ in range(number):
        # What is quick finds all of it; every hundredth time the content is read as well, which must not fail either.
        done = DAMAGES[part](package, whole, draw)
        found = verify_package(package, quick=draw.randrange(100) > 0)
        require(found.problems, f"{variant}: {done} was not found")
        repair(package, whole)
    require(not verify_package(package).problems, f"{variant}: the whole package has problems")
    return number


def repair(package: Path, whole: dict[str, bytes]) -> None:
    """Make a package as it was."""
    for path in package.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or not path.is_file() or path.name not in whole:
            path.unlink()
    for name, data in whole.items():
        path = package / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def flip_bit(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    """Flip one bit of one file; the larger a file, the more often it is hit."""
    name = draw.choices(sorted(whole), [len(whole[name]) for name in sorted(whole)])[0]
    data = bytearray(whole[name])
    place, bit = draw.randrange(len(data)), draw.randrange(8)
    data[place] ^= 1 << bit
    (package / name).write_bytes(data)
    return f"bit {bit} of byte {place} of {name}"


def truncate(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    """Cut one file."""
    name = draw.choice(sorted(whole))
    length = draw.randrange(len(whole[name]))
    os.truncate(package / name, length)
    return f"{name} cut to {length} bytes"


def manipulate(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    """Change the directory, SHA256SUMS or datapackage.json in one of many ways."""
    change = draw.choice(CHANGES)
    return f"{change.__name__} {change(package, whole, draw)}"


def _lose(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice(sorted(whole))
    (package / name).unlink()
    return name


def _add(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice([".x", "x", "x.csv", "measurements.ndjson", "SHA256SUMS.old", "😀", "a b", "SHA256SUMS "])
    (package / name).write_bytes(draw.choice(sorted(whole.values())))
    return name


def _rename(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice(sorted(whole))
    (package / name).rename(package / (name + draw.choice(["~", ".bak", "x"])))
    return name


def _swap(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    first, second = draw.sample(sorted(whole), 2)
    (package / first).write_bytes(whole[second])
    (package / second).write_bytes(whole[first])
    return f"{first}, {second}"


def _repeat(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    first, second = draw.sample(sorted(whole), 2)
    (package / first).write_bytes(whole[second])
    return f"{first}, {second}"


def _link(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice(sorted(whole))
    outside = package.parent / "outside"
    outside.write_bytes(whole[name])
    (package / name).unlink()
    (package / name).symlink_to(outside)
    return name


def _directory(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice([*sorted(whole), "x", "x.sig"])
    (package / name).unlink(missing_ok=True)
    (package / name).mkdir()
    return name


def _pipe(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    name = draw.choice([*sorted(whole), "x.asc"])
    (package / name).unlink(missing_ok=True)
    os.mkfifo(package / name)
    return name


def _sums(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    lines = whole["SHA256SUMS"].decode().splitlines(keepends=True)
    at = draw.randrange(len(lines))
    change = draw.choice(["drop", "repeat", "move", "digit", "name", "add", "space", "upper", "star"])
    other = f"{draw.getrandbits(256):064x}"
    line = lines[at]
    changed = {
        "drop": [],
        "repeat": [line, line],
        "move": [],
        "digit": [other + line[64:]],
        "name": [line[:66] + "x" + line[66:]],
        "add": [line, f"{other}  x\n"],
        "space": [line.replace("  ", " ")],
        "upper": [line[:64].upper().replace("A", "B") + line[64:]],
        "star": [line.replace("  ", " *")],
    }[change]
    lines[at : at + 1] = changed
    if change == "move":
        lines.insert(0 if at else len(lines), line)
    (package / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return f"{change} {at}"


def _descriptor(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    value = json.loads(whole["datapackage.json"])
    place, path = value, []
    while True:
        key = draw.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        path.append(key)
        if not isinstance(place[key], dict | list) or not place[key] or draw.random() < 0.2:
            break
        place = place[key]
    if draw.random() < 0.3:
        del place[path[-1]]
    else:
        place[path[-1]] = draw.choice([None, -1, 0.5, "", "../x", [], {}, True, 2**70, "sha256:" + "0" * 64])
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    (package / "datapackage.json").write_text(text, encoding="utf-8")
    if text.encode() == whole["datapackage.json"]:
        return _descriptor(package, whole, draw)
    return str(path)


def _space(package: Path, whole: dict[str, bytes], draw: random.Random) -> str:
    """Change nothing that JSON means."""
    text = whole["datapackage.json"].decode()
    places = [at for at, letter in enumerate(text) if letter == "\n"]
    at = draw.choice(places)
    (package / "datapackage.json").write_text(text[:at] + " " + text[at:], encoding="utf-8")
    return str(at)


CHANGES: list[Callable[[Path, dict[str, bytes], random.Random], str]] = [
    _lose,
    _add,
    _rename,
    _swap,
    _repeat,
    _link,
    _directory,
    _pipe,
    _sums,
    _sums,
    _descriptor,
    _descriptor,
    _space,
]
DAMAGES = {"bit flips": flip_bit, "truncations": truncate, "manipulations": manipulate}
