"""What a package is of: its source, its options and what is added; whether it lies at its destination already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.errors import DestinationError
from pipeline.package.descriptor import versions
from pipeline.publish.existing import is_intact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.export.options import ExportOptions
    from pipeline.publish.existing import Existing
    from pipeline.selection.selected import Selected


@dataclass(frozen=True)
class PackageIdentity:
    """What the package of an export is of; its source is asked for as late as can be, for its files may be large.

    Attributes:
        options: of the export.
        added: what a user adds to the descriptor.
        selected: of the source, before its rows are read.
    """

    options: ExportOptions
    added: Mapping[str, Any]
    selected: Selected

    @cached_property
    def source(self) -> dict[str, str]:
        """Name and fingerprint of the source; plain files have been hashed by then.

        Raises:
            SourceError: one cannot be read.
        """
        return {"name": self.selected.scan.name, "fingerprint": self.selected.fingerprint}

    @cached_property
    def package(self) -> dict[str, Any]:
        """What the descriptor says of it."""
        return {"source": self.source, "options": self.options.shaping_options(), "added": self.added}

    @property
    def of_stage(self) -> dict[str, Any]:
        """What a stage says of it: versions are among it, for another one may write other bytes."""
        return {**self.package, **versions()}

    def is_there(self, target: Path, existing: Existing) -> bool:
        """Whether it lies at its destination; `is_there` says when that is an error."""
        if existing.descriptor is None:
            return False
        job = {} if self.options.job is None else {"job": self.options.job.identity}
        overwrite = self.options.overwrite
        return is_there(
            target, existing, self.package | job, overwrite=overwrite, known_as=self.selected.fingerprint_as
        )


def is_there(
    target: Path,
    existing: Existing,
    package: dict[str, Any],
    *,
    overwrite: bool,
    known_as: Callable[[str], str] | None = None,
) -> bool:
    """Whether the destination is what would be written.

    Args:
        target: the destination.
        existing: what lies there.
        package: source, options and what is added, of what would be written; of a job also that.
        overwrite: replace anything else.
        known_as: gives the fingerprint of the source by the rule that another was made by, where versions had others.

    Raises:
        DestinationError: it is something else, and is not to be replaced.
    """
    if existing.descriptor is None:
        return False
    is_same = existing.is_same(**package)
    told = existing.fingerprint
    if (
        not is_same
        and known_as
        and told is not None
        and existing.is_same(**package | {"source": {"fingerprint": told}})
    ):
        is_same = told == known_as(told)  # an earlier version had another rule
    if overwrite:
        return is_same and not existing.damage and is_intact(target, existing)
    if not is_same:
        raise DestinationError(
            f"{target}: holds a package of another source or other options; "
            "--overwrite replaces it, or choose another --to"
        )
    if existing.damage:
        raise DestinationError(
            f"{target}: holds this package, but damaged: {existing.damage}; --overwrite writes it again"
        )
    return True
