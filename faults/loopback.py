"""An HTTP server on the loopback for tools of load tests: most requests are answered, some with an error, all soon."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNT = itertools.count()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        number = next(_COUNT)
        time.sleep(number % 5 / 1000)
        body = b"x" * (number % 7 * 10 + 1)
        self.send_response(503 if number % 10 == 3 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: tools of load tests close their connections when their time is over."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve, and give the URL."""
    server = _Server(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
