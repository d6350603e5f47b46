"""The connection to a Spark Connect server: Apache Spark or Sail."""

from __future__ import annotations

import re
import socket
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import ClusterError, PipelineError, UsageError
from pipeline.runtime.signals import is_interruption

if TYPE_CHECKING:
    from collections.abc import Iterator

_MASTER = re.compile(r"sc://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(/?(?:;.*)?)", re.ASCII)
_DEFAULT_PORT = 15002
_CONNECT_SECONDS = 5.0
# The client's own wait ten minutes for a server that is gone.
_RETRIES, _FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 5, 100, 1_000
_MAX_SHOWN = 300


class Master(NamedTuple):
    """Where a server listens.

    Attributes:
        url: as it was given.
        host: name or address.
        port: number of the TCP port.
    """

    url: str
    host: str
    port: int


def parse_master(url: str) -> Master:
    """Read `sc://HOST:PORT`, behind which parameters of Spark Connect may stand, such as `/;use_ssl=true`.

    Raises:
        UsageError: it is something else.
    """
    match = _MASTER.fullmatch(url)
    if match is None or not 0 < int(match[2] or _DEFAULT_PORT) < 1 << 16:
        raise UsageError(f"--master {url!r}: give the address of a Spark Connect server, such as sc://localhost:50051")
    return Master(url, match[1].strip("[]"), int(match[2] or _DEFAULT_PORT))


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Open a session on a server; what still runs of it is cancelled when the `with` statement ends.

    Args:
        url: of the server, `sc://HOST:PORT`.

    Yields:
        a `pyspark.sql.SparkSession`.

    Raises:
        UsageError: the URL cannot be read, or the client is not installed.
        ClusterError: no server answers there, or it is lost meanwhile.
    """
    master = require_listening(url)
    connect = _load_client()
    with _engine_errors(master):
        session = connect(master)
        is_done = False
        try:
            yield session
            is_done = True
        finally:
            with suppress(Exception):  # an earlier error is the one to hear of
                if not is_done:
                    session.interruptAll()
                session.stop()


def _load_client() -> Any:  # noqa: ANN401 - a function of what is loaded here
    try:
        with _no_doctests(), warnings.catch_warnings():
            # Of pandas 3, of which it may not support all; nothing of pandas is used here.
            warnings.simplefilter("ignore", FutureWarning)
            from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415 - only where it is used
            from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"--engine spark needs the client of Spark Connect ({_short(error)}); "
            "`uv run --extra cluster pipeline ...` or pip install '.[cluster]' in the project's directory"
        ) from error

    # It is an error, and threads of the client warn of it when all is over.
    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)

    def connect(master: Master) -> SparkSession:
        session = SparkSession.builder.remote(master.url).create()
        policy = DefaultPolicy(max_retries=_RETRIES, initial_backoff=_FIRST_PAUSE_MS, max_backoff=_LONGEST_PAUSE_MS)
        session.client.set_retry_policies([policy])
        return session

    return connect


@contextmanager
def _no_doctests() -> Iterator[None]:
    """Keep the client from taking `python -c` for its own doctests, and ending the process where it has no Spark."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__") or getattr(main, "__spec__", None) or hasattr(sys, "ps1"):
        yield
        return
    sys.ps1 = ""
    try:
        yield
    finally:
        del sys.ps1


def require_listening(url: str) -> Master:
    """Look at the port, which tells in a moment: the client would wait for minutes.

    Raises:
        UsageError: the URL cannot be read.
        ClusterError: nothing listens there.
    """
    master = parse_master(url)
    try:
        socket.create_connection((master.host, master.port), _CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise ClusterError(
            f"{master.url}: no server answers at {master.host} port {master.port} ({reason}); "
            "start it, or name another --master"
        ) from error
    return master


@contextmanager
def _engine_errors(master: Master) -> Iterator[None]:
    """Say in a line what the engine could not do; our own errors stay what they are."""
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if is_interruption(error) or not _is_of_client(error):
            raise
        raise ClusterError(f"{master.url}: {_reason(error, master)}") from error


def _is_of_client(error: BaseException) -> bool:
    return type(error).__module__.split(".", 1)[0] in {"pyspark", "grpc"}


def _reason(error: Exception, master: Master) -> str:
    try:
        socket.create_connection((master.host, master.port), _CONNECT_SECONDS).close()
    except OSError:
        return "the server is gone"
    return f"the job failed there ({_short(error)})"


def _short(error: BaseException) -> str:
    """Give the line of an error that says most: of a worker's traceback the last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)\b: ", line)]
    text = " ".join([*raised[-1:], *lines[:1], type(error).__name__][0].split())
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."
