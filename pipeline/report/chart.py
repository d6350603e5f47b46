"""A chart: static SVG, with a title, a description and the figures that it shows as a table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from pipeline.report.palette import DARK, LIGHT, colour_rules, form_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 480


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart, which Jupyter shows with its table.

    Attributes:
        title: what it shows.
        description: the same in words, with what is striking about it.
        body: content of the SVG element.
        height: its height, for a width of `WIDTH`.
        columns: names of the columns of the table.
        rows: the figures that it shows, as texts.
        notes: what is told below it, a sentence each.
    """

    title: str
    description: str
    body: str = field(repr=False)
    height: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]] = field(repr=False)
    notes: Sequence[str] = ()

    @property
    def identity(self) -> str:
        """A name of it within a page, the same for the same chart."""
        return "c" + hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()[:10]

    def element(self) -> str:
        """Give the SVG element, whose colours the style sheet of a page says."""
        one = self.identity
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-labelledby="{one}t {one}d">'
            f'<title id="{one}t">{escape(self.title)}</title><desc id="{one}d">{escape(self.description)}</desc>'
            f"{self.body}</svg>"
        )

    def to_svg(self) -> str:
        """Give it as a file of its own, light, and dark where the reader's system is."""
        style = f"{form_rules()}{colour_rules(LIGHT)}@media (prefers-color-scheme:dark){{{colour_rules(DARK)}}}"
        ground = f'<rect class="bg" width="{WIDTH}" height="{self.height}"/>'
        opened = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
        text = self.element().replace("<svg ", opened, 1)
        return text.replace("</desc>", f"</desc><style>{style}</style>{ground}", 1) + "\n"

    def table(self) -> str:
        """Give its figures as an HTML table."""
        return html_rows(self.columns, self.rows, label=self.title)

    def caption(self) -> str:
        """Give its notes as the caption of a figure, nothing where there are none."""
        return f"<figcaption>{'<br>'.join(map(escape, self.notes))}</figcaption>" if self.notes else ""

    def _repr_html_(self) -> str:
        """Show it on a ground of its own, light, whatever the notebook's theme is."""
        scope = f".{self.identity}"
        style = f"<style>{form_rules(scope)}{colour_rules(LIGHT, scope)}</style>"
        return (
            f'{style}<figure class="{self.identity}" style="margin:0;max-width:{WIDTH * 3 // 2}px;'
            f'background:{LIGHT.ground}">{self.element()}{self.caption()}</figure>'
            f"<details><summary>{escape(self.title)}: the figures</summary>{self.table()}</details>"
        )


def html_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, label: str) -> str:
    """Make a table: the first cell of a row is its head; numbers stand to the right.

    Args:
        columns: names of the columns.
        rows: texts.
        label: what the table holds, for who does not see it.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
