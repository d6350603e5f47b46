"""Colours of charts, in light and dark, that the colour-blind tell apart, and what of them stands in style sheets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours, as `#rrggbb`.

    Attributes:
        ground: behind all.
        text: of texts.
        muted: of axes and their texts.
        grid: of lines across.
        lines: of groups.
        heat: of cells, from few to many.
        lost: of shares of lost samples, from few to many.
        over: of lines over cells.
    """

    ground: str
    text: str
    muted: str
    grid: str
    lines: tuple[str, ...]
    heat: tuple[str, ...]
    lost: tuple[str, ...]
    over: str


LIGHT = Theme(
    ground="#ffffff",
    text="#1b1f24",
    muted="#57606a",
    grid="#d8dee4",
    lines=("#3f7fd0", "#a83232", "#5a8f00", "#000000", "#6b6b6b", "#1b3a6b"),
    heat=("#dbe9f6", "#bad6eb", "#89bedc", "#539ecd", "#2b7bba", "#0b559f", "#08306b"),
    lost=("#f3c9c9", "#dd7f7f", "#a83232", "#5c0f0f"),
    over="#7a1f00",
)
DARK = Theme(
    ground="#0f1419",
    text="#e6edf3",
    muted="#a3adb8",
    grid="#353c45",
    lines=("#56b4e9", "#d55e00", "#f0e442", "#ffffff", "#9aa4ad", "#ffb38a"),
    heat=("#132f4c", "#1a4370", "#215a96", "#2f76bd", "#4d97da", "#86bdee", "#cfe6fb"),
    lost=("#4a1f1f", "#8a3b3b", "#d56b6b", "#ffc9c9"),
    over="#ffb454",
)
"""Lines have 3 : 1 to the ground at least, and lie 20 apart in CIELAB to every eye; tests/report has the measure."""
DASHES = ("", "7 3", "2 3", "9 3 2 3")
"""Lines of neighbouring groups differ in them, and so do those of one colour."""
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans','DejaVu Sans',sans-serif"


def style_of(number: int) -> str:
    """Give the classes of the line of a number: 24 differ, in colour or dashes."""
    colours, dashes = len(LIGHT.lines), len(DASHES)
    dash = (number + number // (colours * dashes // 2)) % dashes
    return f"l{number % colours}" + (f" d{dash}" if dash else "")


def fill_of(number: int) -> str:
    """Give the class of the marks of a number."""
    return f"f{number % len(LIGHT.lines)}"


def colour_rules(theme: Theme, scope: str = "svg") -> str:
    """Rules of a style sheet for the colours of a theme.

    Args:
        theme: `LIGHT` or `DARK`.
        scope: what stands before each class.
    """
    halo = f"drop-shadow(0 0 1px {theme.ground})"  # so that lines are seen on cells of any colour
    rules = [
        f"{scope} text{{fill:{theme.text}}}",
        f"{scope} .tm{{fill:{theme.muted}}}",
        f"{scope} .gr{{stroke:{theme.grid}}}",
        f"{scope} .ax{{stroke:{theme.muted}}}",
        f"{scope} .bg{{fill:{theme.ground}}}",
        f"{scope} .ov{{stroke:{theme.over};filter:{halo} {halo}}}",
    ]
    rules += [f"{scope} .l{at}{{stroke:{one}}}{scope} .f{at}{{fill:{one}}}" for at, one in enumerate(theme.lines)]
    rules += [f"{scope} .h{at}{{stroke:{one};fill:{one}}}" for at, one in enumerate(theme.heat)]
    rules += [f"{scope} .x{at}{{fill:{one}}}" for at, one in enumerate(theme.lost)]
    return "".join(rules)


def form_rules(scope: str = "svg") -> str:
    """Rules that both themes share."""
    return "".join(
        [
            f"{scope} text{{font:13px {FONT};stroke:none}}",
            f"{scope} .s{{font-size:12px}}",
            f"{scope} .gr,{scope} .ax{{stroke-width:1;fill:none}}",
            f"{scope} .ln{{stroke-width:2;fill:none;stroke-linejoin:round}}",
            f"{scope} .th{{stroke-width:1.2}}",
            f"{scope} .ce{{stroke-width:1.03}}",  # a bit wider than a cell, so that no ground shines through
            *(f"{scope} .d{at}{{stroke-dasharray:{dash}}}" for at, dash in enumerate(DASHES) if dash),
        ]
    )
