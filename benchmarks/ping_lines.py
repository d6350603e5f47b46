"""Lines of tools that send probes, as each writes them; `harness_files.py` writes their files."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_S = 1_795_883_512
_RNG = random.Random(1)  # noqa: S311 - the same numbers each time


def _fping(samples: int) -> Iterator[str]:
    for number in range(samples):
        took = _RNG.randrange(20, 900)
        yield (
            f"[{START_S + number // 100}.{number % 100 * 100:05d}] 192.0.2.{number % 4 + 1} : [{number // 4}], "
            f"64 bytes, 0.{took:03d} ms (0.231 avg, 0% loss)\n"
        )


def _fping_json(samples: int) -> Iterator[str]:
    for number in range(samples):
        stamp, took = f"{START_S + number // 100}.{number % 100 * 100:05d}", _RNG.randrange(20, 900) / 1000
        reply = {"timestamp": stamp, "host": f"192.0.2.{number % 4 + 1}", "seq": number // 4, "size": 64, "rtt": took}
        yield json.dumps({"resp": reply}) + "\n"


def _mtr_raw(samples: int) -> Iterator[str]:
    yield "".join(f"h {hop} 192.0.2.{hop + 1}\n" for hop in range(8))
    for number in range(samples):
        probe = 33_000 + number % 32_535
        yield f"x {number % 8} {probe}\np {number % 8} {_RNG.randrange(50, 9000)} {probe}\n"


def _ping(samples: int) -> Iterator[str]:
    yield "PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n"
    for number in range(samples):
        took = _RNG.randrange(20, 900)
        yield (
            f"[{START_S + number // 10}.{number % 10}23695] 64 bytes from 192.0.2.1: icmp_seq={(number + 1) % 65_536} "
            f"ttl=64 time=0.{took:03d} ms\n"
        )


def _ping_windows(samples: int) -> Iterator[str]:
    yield "\r\nPinging example.com [192.0.2.1] with 32 bytes of data:\r\n"
    for _ in range(samples):
        yield f"Reply from 192.0.2.1: bytes=32 time={_RNG.randrange(1, 90)}ms TTL=57\r\n"
    yield f"\r\nPing statistics for 192.0.2.1:\r\n    Packets: Sent = {samples}, Received = {samples}, "
    yield "Lost = 0 (0% loss),\r\n"


FILES: dict[str, Callable[[int], Iterator[str]]] = {
    "fping": _fping,
    "fping-json": _fping_json,
    "mtr-raw": _mtr_raw,
    "ping": _ping,
    "ping-windows": _ping_windows,
}
