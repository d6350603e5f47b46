"""Charts as files: SVG, and PNG by resvg."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.report.palette import LIGHT

if TYPE_CHECKING:
    from pipeline.report.chart import Chart

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ZOOM = 2


def require_resvg() -> None:
    """Check that PNG can be drawn, before anything is read.

    Raises:
        UsageError: resvg is not installed.
    """
    if find_spec("resvg_py") is None:
        raise UsageError(
            "PNG needs resvg, which is not installed: `uv run --extra png pipeline ...` or pip install '.[png]' in the "
            "project's directory; SVG needs nothing"
        )


def png_of(chart: Chart) -> bytes:
    """Draw a chart as PNG, twice as large as its SVG, light."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - an optional dependency

    return bytes(svg_to_bytes(svg_string=chart.to_svg(), zoom=_ZOOM, background=LIGHT.ground))


def is_image(head: bytes) -> bool:
    """Tell from its first bytes whether a file is a chart as those that are drawn here."""
    return head.startswith((PNG_SIGNATURE, b"<svg "))
