"""Standard input as a source: kept in a temporary file, since a source is read more than once."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.temporary import temporary_directory, temporary_errors
from pipeline.errors import PipelineError, SourceError, UsageError
from pipeline.sources.formats import FILE_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STANDARD_INPUT = "-"
CALLED = "standard input"
_DESCRIPTOR = 0
_BLOCK_BYTES = 1 << 20
_MAGIC = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst"}


class NamedSources(NamedTuple):
    """What a command reads.

    Attributes:
        paths: the sources that are named, a file in place of standard input.
        kept: that file, None where standard input is not among them.
    """

    paths: list[str]
    kept: Path | None = None

    def told(self, text: str) -> str:
        """Call standard input by its name in what a user reads."""
        return text if self.kept is None else text.replace(str(self.kept), CALLED)


@contextmanager
def named_sources(
    named: Sequence[str], input_format: str | None, *, content_tells: bool = False
) -> Iterator[NamedSources]:
    """Read standard input where it is among the sources; what it held is removed at the end.

    Args:
        named: the sources, `-` being standard input.
        input_format: the format of standard input.
        content_tells: the format need not be said.

    Raises:
        UsageError: `-` is there twice, is a terminal, or the format is not said; or it is, and `-` is not there.
        SourceError: standard input cannot be read.
        DestinationError: there is no room for it.
    """
    if STANDARD_INPUT not in named:
        if input_format is not None:
            raise UsageError("--input-format is of standard input; name - as a source, or leave it out")
        yield NamedSources(list(named))
        return
    if list(named).count(STANDARD_INPUT) > 1:
        raise UsageError("-: standard input can be read once; name it once")
    if input_format is None and not content_tells:
        raise UsageError(
            f"-: standard input has no name that tells its format; say --input-format {', '.join(FILE_FORMATS)}"
        )
    if os.isatty(_DESCRIPTOR):
        raise UsageError("-: standard input is a terminal; pipe something into it, or name a file")
    with temporary_directory() as directory:
        kept = _keep(directory, input_format)
        found = NamedSources([str(kept) if one == STANDARD_INPUT else one for one in named], kept)
        try:
            yield found
        except PipelineError as error:
            error.args = tuple(found.told(one) if isinstance(one, str) else one for one in error.args)
            raise


def _keep(directory: Path, input_format: str | None) -> Path:
    """Write what standard input holds to a file, whose name tells the format and the compression."""
    begun = directory / "begun"
    with temporary_errors(directory), begun.open("wb") as file:
        while block := _read():
            file.write(block)
    suffix = ""
    if input_format is not None:
        suffix = FILE_FORMATS[input_format].suffixes[0]
        if FILE_FORMATS[input_format].is_text:
            with begun.open("rb") as file:
                head = file.read(max(map(len, _MAGIC)))
            suffix += next((end for magic, end in _MAGIC.items() if head.startswith(magic)), "")
    return begun.rename(directory / f"standard-input{suffix}")


def _read() -> bytes:
    try:
        return os.read(_DESCRIPTOR, _BLOCK_BYTES)
    except OSError as error:
        raise SourceError(f"{CALLED}: cannot be read ({error.strerror})") from error
