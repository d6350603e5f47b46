"""Verification of a package: its files against its manifests, then what they hold against what they should hold."""

from __future__ import annotations

import hashlib
import re
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.arguments import check_arguments
from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import parse_json
from pipeline.display import html_table, quantity
from pipeline.errors import SourceError, VerificationError
from pipeline.package.described import Described, parse_descriptor
from pipeline.package.layout import DESCRIPTOR, MANIFEST, SIGNATURES, manifest
from pipeline.runtime.progress import phase, reading
from pipeline.verify.held import held_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_ATTEMPTS = 3
_SUM_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a file of a package."""

    file: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a verification found.

    Attributes:
        directory: the package.
        problems: what is wrong, empty where nothing is.
        files: number of data files that the package should have.
        rows: number of rows that were read back, 0 with `quick`.
        bytes: bytes that were hashed.
        is_hashed: the package has SHA-256 sums; without them, damage may go unnoticed.
        is_quick: only names, sizes and hashes were compared.
        seconds: how long it took.
    """

    directory: str
    problems: tuple[Problem, ...]
    files: int
    rows: int
    bytes: int
    is_hashed: bool
    is_quick: bool
    seconds: float

    def _repr_html_(self) -> str:
        found = quantity(len(self.problems), "problem") if self.problems else "no problem found"
        read = "" if self.is_quick else f", {quantity(self.rows, 'row')} read back"
        return html_table(
            f"{self.directory}: {found} in {quantity(self.files, 'file')}{read} in {self.seconds:.2f} s",
            ("file", "problem"),
            [(one.file, one.problem) for one in self.problems],
            [] if self.is_hashed else ["the package has no SHA-256 sums: damage may go unnoticed"],
        )


def verify_package(
    directory: str | Path, *, quick: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Verify a package.

    Args:
        directory: the package.
        quick: compare names, sizes and hashes only; do not read the rows back.
        on_progress: is called with the rows read back and the rows there are.

    Raises:
        SourceError: there is no package, it cannot be read, or it was replaced again and again meanwhile.
        UsageError: it is a URL.
    """
    check_arguments(locals())
    started = time.monotonic()
    try:
        check = _checked(local_path(directory), quick=quick, on_progress=on_progress)
    except NotADirectoryError as error:
        raise SourceError(f"{directory}: is no directory; name the directory of a package") from error
    except FileNotFoundError as error:
        raise SourceError(f"{directory}: does not exist") from error
    except OSError as error:
        raise SourceError(f"{directory}: cannot be read ({error.strerror or error})") from error
    return Verification(
        directory=str(directory),
        problems=tuple(check.problems),
        files=len(check.described),
        rows=check.rows,
        bytes=check.bytes,
        is_hashed=any(one.sha256 for one in check.described),
        is_quick=quick,
        seconds=time.monotonic() - started,
    )


def require_verified(directory: Path, *, called: Path) -> None:
    """Verify a package that is about to be published.

    Args:
        directory: where it lies now.
        called: what to call it in errors.

    Raises:
        VerificationError: something is wrong.
    """
    for problem in verify_package(directory).problems:
        raise VerificationError(f"{called / problem.file}: {problem.problem}; nothing was published")


def _checked(named: Path, *, quick: bool, on_progress: Callable[[int, int], None] | None) -> _Check:
    """Check a package; an export may replace it meanwhile, and then removes the one that is being read."""
    for _ in range(_ATTEMPTS):
        with held_directory(named) as held:
            check = _Check(held.path, named, on_progress)
            try:
                check.run(quick=quick)
            except (OSError, SourceError):
                if not held.is_replaced():
                    raise
            else:
                if not check.problems or not held.is_replaced():
                    return check
    raise SourceError(f"{named}: was replaced while it was verified; run it again")


class _Check:
    def __init__(self, directory: Path, named: Path, on_progress: Callable[[int, int], None] | None) -> None:
        self.directory = directory
        self.named = named
        self.problems: list[Problem] = []
        self.described: list[Described] = []
        self.rows = 0
        self.bytes = 0
        self._sums: dict[str, str] = {}
        self._on_progress = on_progress

    def run(self, *, quick: bool) -> None:
        names = self._list()
        self._describe(names)
        is_hashed = any(one.sha256 for one in self.described)
        listed = self._read(MANIFEST, names) if MANIFEST in names or is_hashed else None
        self._find_strangers(names, is_hashed=is_hashed)
        with phase("hashing", sum(one.bytes for one in self.described), "bytes") as hashing:
            for one in self.described:
                self._check_file(one, names)
                hashing.add(one.bytes)
        if listed is not None:
            self._check_manifest(listed, names)
        if not quick:
            damaged = {problem.file for problem in self.problems}
            self._check_content([one for one in self.described if one.path not in damaged and not one.is_attached])

    def _describe(self, names: set[str]) -> None:
        descriptor = self._read(DESCRIPTOR, names)
        if descriptor is not None:
            try:
                self.described = parse_descriptor(parse_json(descriptor, shared=True))
            except ValueError as error:
                self._add(DESCRIPTOR, str(error))

    def _add(self, file: str, problem: str) -> None:
        self.problems.append(Problem(file=file, problem=" ".join(problem.split())))

    def _list(self) -> set[str]:
        names = {entry.name for entry in self.directory.iterdir()}
        if not names & {DESCRIPTOR, MANIFEST}:
            raise SourceError(f"{self.named}: holds no package, it has neither {DESCRIPTOR} nor {MANIFEST}")
        return names

    def _kind_problem(self, name: str, names: set[str]) -> str:
        """Say why a name is no regular file; an empty text where it is."""
        if name not in names:
            return "is missing"
        mode = (self.directory / name).lstat().st_mode
        if stat.S_ISREG(mode):
            return ""
        kind = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory"}.get(stat.S_IFMT(mode), "a special file")
        return f"is {kind}, which no export writes"

    def _read(self, name: str, names: set[str]) -> bytes | None:
        problem = self._kind_problem(name, names)
        if problem:
            self._add(name, problem)
            return None
        try:
            data = (self.directory / name).read_bytes()
        except OSError as error:
            self._add(name, f"cannot be read ({error.strerror})")
            return None
        self._sums[name] = hashlib.sha256(data).hexdigest()
        return data

    def _find_strangers(self, names: set[str], *, is_hashed: bool) -> None:
        known = {DESCRIPTOR, MANIFEST, *(one.path for one in self.described)}
        for name in sorted(names - known) if self.described else []:
            if not name.endswith(SIGNATURES):
                self._add(name, f"is not part of the package, {DESCRIPTOR} does not name it")
            elif problem := self._kind_problem(name, names):
                self._add(name, problem)
        if self.described and MANIFEST in names and not is_hashed:
            self._add(MANIFEST, f"is not part of the package, which was written without hashes, says {DESCRIPTOR}")

    def _check_file(self, one: Described, names: set[str]) -> None:
        path = self.directory / one.path
        problem = self._kind_problem(one.path, names)
        try:
            if not problem and path.lstat().st_size != one.bytes:
                problem = f"has {path.lstat().st_size} bytes, not {one.bytes}"
            if not problem and one.sha256 is not None:
                self._sums[one.path] = self._hash(path)
                if self._sums[one.path] != one.sha256:
                    problem = f"its SHA-256 is {self._sums[one.path]}, not {one.sha256} as {DESCRIPTOR} says"
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        if problem:
            self._add(one.path, problem)

    def _hash(self, path: Path) -> str:
        with path.open("rb", buffering=0) as file, reading(file):
            digest = hashlib.file_digest(file, "sha256")
            self.bytes += file.tell()
        return digest.hexdigest()

    def _check_manifest(self, listed: bytes, names: set[str]) -> None:
        """Compare SHA256SUMS with the files, and with what the descriptor says of them, byte for byte."""
        before = len(self.problems)
        found = self._parse_sums(listed)
        expected = {DESCRIPTOR, *(one.path for one in self.described)} if self.described else set(found)
        for name in sorted(expected - found.keys()):
            self._add(MANIFEST, f"does not list {name}")
        for name in sorted(found.keys() - expected):
            self._add(MANIFEST, f"lists {name}, which {DESCRIPTOR} does not name")
        if not self.described:
            for name in found.keys() & names - self._sums.keys():
                if not self._kind_problem(name, names):
                    self._sums[name] = self._hash(self.directory / name)
        described = {one.path: one.sha256 for one in self.described}
        for name in found.keys() & self._sums.keys():
            is_sum, told = self._sums[name], found[name]
            if is_sum == told or described.get(name) == told:  # the latter has been said
                continue
            if described.get(name) == is_sum:
                self._add(MANIFEST, f"says that the SHA-256 of {name} is {told}, it is {is_sum}")
            else:
                self._add(name, f"its SHA-256 is {is_sum}, not {told} as {MANIFEST} says")
        if len(self.problems) == before and listed != manifest(found).encode():
            self._add(MANIFEST, "is not written as sha256sum writes it, sorted by name, each name once")

    def _parse_sums(self, listed: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in listed.decode(errors="replace").removesuffix("\n").split("\n"):
            match = _SUM_LINE.fullmatch(line)
            if match is None:
                self._add(MANIFEST, f"holds the line {line[:100]!r}, which is no SHA-256 and name")
            else:
                found[match[2]] = match[1]
        return found

    def _check_content(self, files: Sequence[Described]) -> None:
        from pipeline.verify.content import content_problems  # noqa: PLC0415 - only where rows are read

        total = sum(described.rows for described in self.described)

        def passed(rows: int) -> None:
            self.rows += rows
            reading_back.add(rows)
            if self._on_progress is not None:
                self._on_progress(self.rows, total)

        with phase("reading back", total) as reading_back:
            for one, problem in content_problems(self.directory, files, passed):
                self._add(one.path, problem)
