"""What charts are drawn with: a frame with axes, lines, texts and a legend, as compact SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pipeline.report.chart import WIDTH
from pipeline.report.palette import fill_of, style_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


LEFT, RIGHT, BOTTOM = 58, 14, 40
_LETTER = 7.0  # width of a letter, on average
_ROW = 18
_MARK = 26
_MAX_LABEL = 34


def px(number: float) -> str:
    """Write a coordinate with one digit behind the point."""
    text = f"{number:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def shortened(text: str, most: int = _MAX_LABEL) -> str:
    """Cut a text in its middle where it is too long for its place."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - most // 2 + 1 :]}"


class Frame:
    """The area of a chart between its axes, below a title and a legend."""

    def __init__(
        self, title: str, labels: Sequence[str], *, height: int = 200, below: int = 0, marks: bool = False
    ) -> None:
        """Begin with title and legend.

        Args:
            title: stands above the chart.
            labels: of the lines, in the order of their styles; without a legend where there is one at most.
            height: of the area between the axes.
            below: room between that area and the ticks of the x axis.
            marks: groups have marks instead of lines.
        """
        self.parts = [f'<text x="4" y="17" font-weight="600">{escape(shortened(title, 62))}</text>']
        self.top = 30
        if len(labels) > 1:
            self._legend(labels, marks=marks)
        self.left, self.width, self.inner_height, self.below = LEFT, WIDTH - LEFT - RIGHT, height, below

    @property
    def height(self) -> int:
        """Height of the whole chart."""
        return self.top + self.inner_height + self.below + BOTTOM

    @property
    def bottom(self) -> int:
        """Where the area between the axes ends."""
        return self.top + self.inner_height

    def _legend(self, labels: Sequence[str], *, marks: bool) -> None:
        x, y = 4.0, self.top + 6
        for at, label in enumerate(map(shortened, labels)):
            needed = _MARK + 6 + _LETTER * len(label) + 12
            if x > 4 and x + needed > WIDTH:
                x, y = 4.0, y + _ROW
            if marks:
                self.marks([(x + _MARK / 2, y - 4)], at, 4)
            else:
                self.parts.append(f'<path class="ln {style_of(at)}" d="M{px(x)} {px(y - 4)}h{_MARK}"/>')
            self.parts.append(f'<text class="s" x="{px(x + _MARK + 5)}" y="{px(y)}">{escape(label)}</text>')
            x += needed
        self.top = y + 14

    def x(self, place: float) -> float:
        """Give the coordinate of a place between 0 and 1."""
        return self.left + place * self.width

    def y(self, place: float) -> float:
        """Give the coordinate of a place between 0 and 1, from below."""
        return self.bottom - place * self.inner_height

    def x_axis(self, ticks: Iterable[tuple[float, str]], name: str, *, grid: bool = True) -> None:
        """Draw the x axis: ticks at places, and its name."""
        base = self.bottom + self.below
        lines, last_end = [], -100.0
        for place, text in ticks:
            x = self.x(place)
            half = _LETTER * len(text) / 2
            if grid:
                lines.append(f"M{px(x)} {self.top}V{self.bottom}")
            if x - half < last_end + 4:
                continue
            last_end = x + half
            anchor = "end" if x + half > WIDTH - 2 else "middle"
            at = min(x, WIDTH - 2.0)
            self.parts.append(
                f'<text class="s tm" x="{px(at)}" y="{base + 16}" text-anchor="{anchor}">{escape(text)}</text>'
            )
        self.parts.append(f'<path class="gr" d="{"".join(lines)}"/>' if lines else "")
        middle = px(self.left + self.width / 2)
        self.parts.append(
            f'<path class="ax" d="M{self.left} {base}h{self.width}"/>'
            f'<text class="s tm" x="{middle}" y="{base + 33}" text-anchor="middle">{escape(name)}</text>'
        )

    def y_axis(self, at: Callable[[float], float], ticks: Iterable[float], text: Callable[[float], str]) -> None:
        """Draw the y axis: its ticks, and lines across."""
        lines = []
        for tick in ticks:
            y = self.y(at(tick))
            if not self.top - 1 <= y <= self.bottom + 1:
                continue
            lines.append(f"M{self.left} {px(y)}h{self.width}")
            self.parts.append(
                f'<text class="s tm" x="{self.left - 6}" y="{px(y + 4)}" text-anchor="end">{escape(text(tick))}</text>'
            )
        self.parts.append(f'<path class="gr" d="{"".join(lines)}"/>')

    def line(self, points: Sequence[tuple[float, float]], classes: str) -> None:
        """Draw a line through points of coordinates; nothing where there is one at most."""
        if len(points) > 1:
            d = "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points)
            self.parts.append(f'<path class="ln {classes}" d="{d}"/>')

    def marks(self, points: Iterable[tuple[float, float]], number: int, radius: float = 3.5) -> None:
        """Draw the marks of a group at points of coordinates: neighbouring groups differ in their form, too."""
        d = "".join(_MARKS[number % len(_MARKS)](x, y, radius) for x, y in points)
        if d:
            self.parts.append(f'<path class="{fill_of(number)}" d="{d}"/>')

    def text(self, x: float, y: float, text: str, *, anchor: str = "start") -> None:
        """Write a small text."""
        self.parts.append(f'<text class="s tm" x="{px(x)}" y="{px(y)}" text-anchor="{anchor}">{escape(text)}</text>')

    @property
    def body(self) -> str:
        """All that was drawn."""
        return "".join(self.parts)


def _circle(x: float, y: float, r: float) -> str:
    arc = f"a{px(r)} {px(r)} 0 1 0 "
    return f"M{px(x - r)} {px(y)}{arc}{px(2 * r)} 0{arc}{px(-2 * r)} 0"


def _square(x: float, y: float, r: float) -> str:
    side = px(1.8 * r)
    return f"M{px(x - 0.9 * r)} {px(y - 0.9 * r)}h{side}v{side}h-{side}z"


def _triangle(x: float, y: float, r: float) -> str:
    return f"M{px(x)} {px(y - 1.2 * r)}l{px(1.2 * r)} {px(2.1 * r)}h{px(-2.4 * r)}z"


def _diamond(x: float, y: float, r: float) -> str:
    half = px(1.3 * r)
    return f"M{px(x)} {px(y - 1.3 * r)}l{half} {half}l-{half} {half}l-{half} -{half}z"


_MARKS = (_circle, _square, _triangle, _diamond)
