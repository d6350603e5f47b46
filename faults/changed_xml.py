"""Changes of XML: attributes that are added, renamed or stand in another order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_TAG = re.compile(r'<([\w.]+)((?:\s+[\w:.]+="[^"]*")+)')
_ATTRIBUTE = re.compile(r'([\w:.]+)="([^"]*)"')


def add_attribute(text: str, name: str, value: str, draw: random.Random) -> str:
    """Add an attribute to all elements of a name that has attributes."""
    chosen = draw.choice(sorted({element for element, _ in _TAG.findall(text)}))
    return _rewritten(text, lambda element, held: [*held, (name, value)] if element == chosen else held)


def rename_attribute(text: str, name: str, draw: random.Random) -> str:
    """Rename an attribute that holds something, in all elements of a name."""
    pairs = {(element, key) for element, held in _TAG.findall(text) for key, value in _ATTRIBUTE.findall(held) if value}
    chosen = draw.choice(sorted(pairs))
    return _rewritten(
        text, lambda element, held: [(name if (element, key) == chosen else key, value) for key, value in held]
    )


def reorder_attributes(text: str, draw: random.Random) -> str:
    """Shuffle the attributes of each element."""
    return _rewritten(text, lambda _, held: draw.sample(held, len(held)))


def _rewritten(text: str, changed: Callable[[str, list[tuple[str, str]]], list[tuple[str, str]]]) -> str:
    def tag(found: re.Match[str]) -> str:
        held = changed(found[1], _ATTRIBUTE.findall(found[2]))
        return f"<{found[1]}" + "".join(f' {key}="{value}"' for key, value in held)

    return _TAG.sub(tag, text)
