"""What lies at a destination: nothing, a package of ours, or something that is left alone."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.disk.hashing import file_sha256
from pipeline.disk.strict_json import read_json
from pipeline.errors import BusyError, DestinationError, SourceError
from pipeline.package.added_metadata import METADATA_KEYS
from pipeline.package.job_note import RESULTS_VERSION, noted_job
from pipeline.package.layout import DESCRIPTOR, FORMAT_VERSION, MANIFEST, SIGNATURES, manifest
from pipeline.runtime.progress import phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Entries: TypeAlias = "Mapping[str, list[int]]"
_ATTEMPTS = 20


def entries_of(directory: Path) -> Entries:
    """What lies in a directory, by name: its kind, which file it is, its size, and when it was last written."""
    found = {entry.name: entry.lstat() for entry in directory.iterdir()}
    return {
        name: [stat.S_IFMT(one.st_mode), one.st_ino, one.st_size, one.st_mtime_ns]
        for name, one in sorted(found.items())
    }


@dataclass(frozen=True)
class Existing:
    """What lies at a destination.

    Attributes:
        descriptor: of the package there; None where nothing is there.
        damage: what of it is missing or of another size, empty where nothing is.
        files: what lies in it, all of it written by an export or a signature.
    """

    descriptor: Mapping[str, Any] | None
    damage: str = ""
    files: Entries = field(default_factory=dict)

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the source that it was made of."""
        found: str | None = (self.descriptor or {}).get("pipeline:source", {}).get("fingerprint")
        return found

    def is_same(
        self,
        *,
        source: Mapping[str, Any],
        options: Mapping[str, Any],
        added: Mapping[str, Any],
        job: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether it is the package of the same source and options; of this period of a job, where one is given."""
        if self.descriptor is None:
            return False
        if job is not None:
            noted = noted_job(self.descriptor)
            if noted is None or noted.identity != job or noted.results_version != RESULTS_VERSION:
                return False
        return self.fingerprint == source["fingerprint"] and self.is_of(options, added)

    def is_of(self, options: Mapping[str, Any], added: Mapping[str, Any]) -> bool:
        """Whether it is a package of these options, of whatever source."""
        if self.descriptor is None:
            return False
        same_added = {k: v for k, v in self.descriptor.items() if k in METADATA_KEYS} == dict(added)
        return same_added and self.descriptor.get("pipeline:options") == _as_json(options)


def is_intact(target: Path, existing: Existing) -> bool:
    """Whether each file of a package has the SHA-256 that its descriptor says; nobody can tell without hashes."""
    resources: Sequence[Mapping[str, Any]] = (existing.descriptor or {})["resources"]
    try:
        with phase("hashing", sum(one["bytes"] for one in resources), "bytes") as hashing:
            for one in resources:
                if one.get("hash") != f"sha256:{file_sha256(target / one['path'])}":
                    return False
                hashing.add(one["bytes"])
    except OSError:
        return False
    return True


def is_published(target: Path, identity: Mapping[str, Any]) -> bool:
    """Whether a destination is the undamaged package of an identity, which names source, options and added."""
    try:
        existing = inspect_destination(target)
        return not existing.damage and existing.is_same(
            source=identity["source"], options=identity["options"], added=identity["added"]
        )
    except (DestinationError, LookupError, TypeError):
        return False


def _as_json(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return json.loads(json.dumps(value))


def inspect_destination(target: Path) -> Existing:
    """Look at what lies at a destination; where another run replaces it meanwhile, at what lies there then.

    Raises:
        BusyError: other runs replace it again and again.
        DestinationError: something that is no package of ours, and so is left alone.
    """
    try:
        for _ in range(_ATTEMPTS):
            before = _which(target)
            try:
                found = _inspect(target)
            except (DestinationError, OSError):
                if _which(target) == before:
                    raise
            else:
                if _which(target) == before:
                    return found
    except OSError as error:
        raise DestinationError(f"{target}: cannot be read ({error.strerror})") from error
    raise BusyError(f"{target}: other runs replace it again and again; try again")


def _which(target: Path) -> tuple[int, int] | None:
    """Which directory lies there, None where none does."""
    try:
        status = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def _inspect(target: Path) -> Existing:
    if target.is_symlink():
        raise DestinationError(f"{target}: is a symbolic link; name the directory itself")
    if not target.exists():
        return Existing(None)
    if not target.is_dir():
        raise DestinationError(f"{target}: is a file; --to names a directory")
    entries = entries_of(target)
    return _inspect_package(target, entries) if entries else Existing(None)


def _inspect_package(target: Path, entries: Entries) -> Existing:
    foreign = f"{target}: exists and is not a package that an export wrote"
    if DESCRIPTOR not in entries:
        raise DestinationError(f"{foreign}, it has no {DESCRIPTOR}; choose another --to")
    try:
        descriptor = read_json(target / DESCRIPTOR)
        version = descriptor["pipeline:formatVersion"]
        sizes = {resource["path"]: resource["bytes"] for resource in descriptor["resources"]}
    except (SourceError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error.__cause__, OSError):  # nobody can tell whose it is
            raise DestinationError(f"{target}: cannot be read ({error.__cause__.strerror})") from error
        raise DestinationError(f"{foreign}, its {DESCRIPTOR} is not ours; choose another --to") from error
    if version != FORMAT_VERSION:
        raise DestinationError(f"{target}: is a package of format version {version}; choose another --to")
    known = {DESCRIPTOR, MANIFEST, *sizes}
    for name, (kind, *_) in entries.items():
        if not stat.S_ISREG(kind) or (name not in known and not name.endswith(SIGNATURES)):
            raise DestinationError(f"{target}: holds {name!r}, which no export wrote; move it away first")
    return Existing(descriptor, _find_damage(target, descriptor["resources"]), entries)


def _find_damage(target: Path, resources: Sequence[Mapping[str, Any]]) -> str:
    """Say what is wrong with the files of a package, as far as it shows without reading them."""
    sums = {}
    for resource in resources:
        path = target / resource["path"]
        if not path.is_file():
            return f"{path.name} is missing"
        if path.stat().st_size != resource["bytes"]:
            return f"{path.name} has {path.stat().st_size} bytes, not {resource['bytes']}"
        if "hash" in resource:
            sums[path.name] = str(resource["hash"]).removeprefix("sha256:")
    if not sums:
        return ""
    sums[DESCRIPTOR] = hashlib.sha256((target / DESCRIPTOR).read_bytes()).hexdigest()
    listed = target / MANIFEST
    if not listed.is_file():
        return f"{MANIFEST} is missing"
    if listed.read_bytes() != manifest(sums).encode():
        return f"{MANIFEST} does not list what {DESCRIPTOR} does"
    return ""
