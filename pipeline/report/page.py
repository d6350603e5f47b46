"""The page: one HTML file that needs neither JavaScript nor a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from pipeline.report.style import style_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.report.chart import Chart

GENERATOR = "measurement-export-pipeline"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        name: its place in addresses, such as `figures`.
        title: its heading.
        notes: sentences below it, as HTML.
        body: HTML behind them.
        charts: charts behind that, each with its table.
    """

    name: str
    title: str
    notes: Sequence[str] = ()
    body: str = ""
    charts: Sequence[Chart] = field(default_factory=tuple)


def page(title: str, summary: Sequence[str], sections: Sequence[Section], footer: str) -> str:
    """Write the page.

    Args:
        title: its heading.
        summary: sentences below it.
        sections: its parts, in order.
        footer: what made it.
    """
    links = "".join(f'<li><a href="#{one.name}">{escape(one.title)}</a></li>' for one in sections)
    head = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{GENERATOR}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # Whatever a name of a metric holds, nothing is fetched and nothing is run.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{style_sheet()}</style></head>\n"
        f'<body><a class="skip" href="#{sections[0].name}">To the content</a><header><h1>{escape(title)}</h1>'
        f"{''.join(f'<p class=m>{escape(one)}</p>' for one in summary)}"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n<main>\n'
    )
    foot = f"</main>\n<footer><p class=m>{escape(footer)}</p></footer></body></html>\n"
    return head + "".join(map(_section, sections)) + foot


def _section(one: Section) -> str:
    notes = "".join(f"<p>{note}</p>" for note in one.notes)
    charts = "".join(
        f"<figure>{chart.element()}{chart.caption()}<details><summary>Table: {escape(chart.title)}</summary>"
        f"{chart.table()}</details></figure>\n"
        for chart in one.charts
    )
    return (
        f'<section aria-labelledby="{one.name}"><h2 id="{one.name}">{escape(one.title)}</h2>{notes}{one.body}'
        + (f'<div class="charts">{charts}</div>' if charts else "")
        + "</section>\n"
    )


def is_report(head: bytes) -> bool:
    """Tell from its first bytes whether a file is a page that was made here."""
    return head.startswith(b"<!DOCTYPE html>") and f'name="generator" content="{GENERATOR}"'.encode() in head
