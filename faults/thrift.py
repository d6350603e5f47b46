"""Thrift's compact protocol, decoded into a tree that can be changed and encoded again: the footers of Parquet.

A struct is a list of [field number, type, value], a list is [type of its items, items].
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

TRUE, FALSE, BYTE, INTEGERS, DOUBLE, BINARY, LIST, STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, (9, 10), 12
ABSURD = (0, 1, -1, 2, 7, 127, 128, 255, 2**15, 2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))
TEXTS = (
    b"",
    b"\xff\xfe",
    b"a\0b",
    b"x" * 70_000,
    b"session_id",
    b"Value",
    b"\xed\xa0\x80",
    b"../x",
    "😀".encode() * 40,
)


class Decoder:
    """Decodes a struct from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> list[Any]:
        """Decode the fields up to the stop."""
        fields, last = [], 0
        while (head := self._byte()) != 0:
            last = last + (head >> 4) if head >> 4 else self._integer()
            fields.append([last, head & 15, self._value(head & 15)])
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _value(self, kind: int) -> Any:  # noqa: ANN401, PLR0911 - a tree of anything, a form for each type
        if kind in {TRUE, FALSE}:
            return kind == TRUE
        if kind == BYTE:
            return self._byte()
        if kind in INTEGERS:
            return self._integer()
        if kind == DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind == BINARY:
            return self._take(self._varint())
        if kind in LIST:
            head = self._byte()
            size = head >> 4 if head >> 4 < 15 else self._varint()
            # Booleans in a list have a byte each.
            item = BYTE if head & 15 in {TRUE, FALSE} else head & 15
            return [head & 15, [self._value(item) for _ in range(size)]]
        if kind == STRUCT:
            return self.struct()
        raise ValueError(f"type {kind} is not used by Parquet")


def encode(fields: list[Any]) -> bytes:
    """Encode a struct."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        shown = (TRUE if value else FALSE) if kind in {TRUE, FALSE} else kind
        if 0 < number - last < 16:
            out.append((number - last) << 4 | shown)
        else:
            out.append(shown)
            out += _zigzag(number)
        last = number
        if kind not in {TRUE, FALSE}:
            out += _encoded(kind, value)
    return bytes(out) + b"\0"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def _zigzag(value: int) -> bytes:
    return _varint((value << 1) if value >= 0 else (-value << 1) - 1)


def _encoded(kind: int, value: Any) -> bytes:  # noqa: ANN401 - a tree of anything
    if kind == BYTE:
        return bytes([value & 255])
    if kind in INTEGERS:
        return _zigzag(value)
    if kind == DOUBLE:
        return struct.pack("<d", value)
    if kind == BINARY:
        return _varint(len(value)) + value
    if kind == STRUCT:
        return encode(value)
    item, items = value
    head = bytes([min(len(items), 15) << 4 | item]) + (_varint(len(items)) if len(items) >= 15 else b"")
    return head + b"".join(_encoded(BYTE if item in {TRUE, FALSE} else item, one) for one in items)


def _slots(fields: list[Any]) -> Iterator[tuple[list[Any], int, int]]:
    """All values below a struct, as (what holds it, its place there, its type)."""
    for field in fields:
        yield field, 2, field[1]
        yield from _below(field[1], field[2])


def _below(kind: int, value: Any) -> Iterator[tuple[list[Any], int, int]]:  # noqa: ANN401 - a tree of anything
    if kind == STRUCT:
        yield from _slots(value)
    elif kind in LIST:
        item, items = value
        for at, one in enumerate(items):
            yield items, at, item
            yield from _below(item, one)


def change(fields: list[Any], draw: random.Random) -> str:
    """Change one value somewhere below a struct; say what was done."""
    slots = list(_slots(fields))
    holder, at, kind = draw.choice(slots)
    value = holder[at]
    if kind in {TRUE, FALSE}:
        holder[at] = not value
    elif kind == BYTE or kind in INTEGERS:
        holder[at] = draw.choice([one for one in ABSURD if one != value]) if draw.random() < 0.8 else value + 1
    elif kind == BINARY:
        others = [one[place] for one, place, other in slots if other == BINARY]
        holder[at] = draw.choice([one for one in (*TEXTS, *others, value[:-1]) if one != value])
    elif kind in LIST:
        items = value[1]
        done = draw.choice(["clear", "repeat", "drop", "many"])
        value[1] = {"clear": [], "repeat": items + items[-1:], "drop": items[1:], "many": items * 40}[done]
    elif kind == STRUCT and value:
        value.pop(draw.randrange(len(value)))
    return f"type {kind} {str(value)[:40]!r}"
