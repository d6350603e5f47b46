"""Where the packages of an export lie: a path with the period in it, and what is published there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = "{period}"


@dataclass(frozen=True)
class Destination:
    """A path in which `{period}` stands for the name of a period, once.

    Attributes:
        pattern: the path, absolute; without `{period}` there is one package.
    """

    pattern: str

    def path(self, period: str) -> Path:
        """Where the package of a period lies."""
        return Path(self.pattern.replace(PERIOD, period))

    @cached_property
    def _parts(self) -> tuple[Path, str, tuple[str, ...]]:
        parts = Path(self.pattern).parts
        at = next((at for at, part in enumerate(parts) if PERIOD in part), len(parts) - 1)
        return Path(*parts[:at]), parts[at], parts[at + 1 :]

    @property
    def root(self) -> Path:
        """The directory in which all that depends on the period lies."""
        return self._parts[0]

    def published(self) -> Iterator[tuple[str, Path]]:
        """List the names for which something lies in the place of a package, and where.

        Raises:
            DestinationError: the directory cannot be read.
        """
        root, name, below = self._parts
        if PERIOD not in name:
            if os.path.lexists(root / name):
                yield "all", root / name
            return
        before, after = name.split(PERIOD)
        matching = re.compile(f"{re.escape(before)}([A-Za-z0-9][A-Za-z0-9._-]*){re.escape(after)}", re.ASCII)
        try:
            with os.scandir(root) as entries:
                found = sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DestinationError(f"{root}: cannot be read ({error.strerror})") from error
        for entry in found:
            match = matching.fullmatch(entry)
            if match and os.path.lexists(root.joinpath(entry, *below)):
                yield match[1], root.joinpath(entry, *below)
