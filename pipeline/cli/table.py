"""Tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.streams import writing_to_standard_output

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), *, width: int | None = None
) -> None:
    """Print rows under a header, numbers to the right, and notes below; lines beyond the width are cut."""
    # Control characters would move the cursor of the reader's terminal.
    header = [_printable(name) for name in header]
    shown = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *shown, strict=True)]
    right = [bool(shown) and all(_is_number(row[at]) for row in shown) for at in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return cut("  ".join(padded).rstrip())

    def cut(text: str) -> str:
        return text if width is None or len(text) <= width else f"{text[: width - 1]}\N{HORIZONTAL ELLIPSIS}"

    with writing_to_standard_output():
        print(line(header))
        print(cut("  ".join("-" * one for one in widths)))
        for row in shown:
            print(line(row))
        for note in notes:
            print(note)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").removesuffix(" s") or "0")
    except ValueError:
        return False
    return True
