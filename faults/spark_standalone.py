"""Apache Spark on this machine: a standalone master, workers of one core, a Spark Connect server, all on loopback.

The package pyspark is installed in the Python that runs this, and Java is found on the path.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from injection import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

_START_SECONDS = 180.0  # of all JVMs, on a machine with other work
_STOP_SECONDS = 30.0
_PAUSE = 0.05
_IDLE_SECONDS = 90.0  # workers of a session that goes on are kept for a minute
EXECUTOR = "CoarseGrainedExecutorBackend"
PYTHON_WORKER = "pyspark.daemon"


class SparkStandalone:
    """A cluster, while the `with` statement lasts; nothing of it is left behind.

    Attributes:
        url: what `--master` takes.
    """

    def __init__(self, directory: Path, *, workers: int = 2) -> None:
        """Start nothing yet.

        Args:
            directory: for logs and what the engine writes.
            workers: how many, of one core each.
        """
        self._directory = directory.absolute()  # executors have another working directory
        self._count = workers
        self._home = _spark_home()
        self._started = 0
        self._master_url = f"spark://127.0.0.1:{free_port()}"
        self._workers: list[subprocess.Popen[bytes]] = []
        self._others: list[subprocess.Popen[bytes]] = []
        self._port = free_port()
        self.url = f"sc://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Start it, and wait until it takes work."""
        (self._directory / "local").mkdir(parents=True)
        try:
            host, port = self._master_url.removeprefix("spark://").split(":")
            master = ("org.apache.spark.deploy.master.Master", "--host", host, "--port", port, "--webui-port", "0")
            self._others.append(self._start("master", "spark-class", *master))
            self.restore()
            self._others.append(self._start("connect", "spark-submit", *self._connect_options()))
            self._wait(self._is_listening, "the Connect server")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of it."""
        self._stop()

    def restore(self) -> None:
        """Start workers in place of those that are gone, and wait until the master knows them."""
        self._workers = [one for one in self._workers if one.poll() is None]
        logs = []
        while len(self._workers) < self._count:
            name = f"worker-{self._started}"
            options = ["--host", "127.0.0.1", "--webui-port", "0", "-c", "1", "-m", "2g"]
            options += ["-d", str(self._directory / "work"), self._master_url]
            self._workers.append(self._start(name, "spark-class", "org.apache.spark.deploy.worker.Worker", *options))
            logs.append(next(self._directory.glob(f"{name}.*.log")))
        self._wait(lambda: all(b"Successfully registered" in log.read_bytes() for log in logs), "a worker")

    def worker_pids(self) -> list[int]:
        """List the processes of the workers that run."""
        return [one.pid for one in self._workers if one.poll() is None]

    def executor_pids(self) -> list[int]:
        """List the processes of the executors."""
        return [pid for pid, command in self._below_workers() if EXECUTOR in command]

    def python_pids(self) -> list[int]:
        """List the Python processes that tasks run in; not the one of each executor that forks them."""
        found = {pid: parent for pid, parent, command in processes() if PYTHON_WORKER in command}
        below = {pid for pid, _ in self._below_workers()}
        return [pid for pid, parent in found.items() if pid in below and parent in found]

    def end_idle_python(self) -> int:
        """End the Python processes that executors keep of jobs that have ended, one of each; gives how many."""
        daemons = {pid: parent for pid, parent, command in processes() if PYTHON_WORKER in command}
        parents = set(daemons.values())
        executors = set(self.executor_pids())
        idle = [pid for pid, parent in daemons.items() if parent in executors and pid not in parents]
        ended = [pid for pid in idle if _age(pid) > _IDLE_SECONDS]
        for pid in ended:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(ended)

    def peak_megabytes(self, pids: list[int]) -> int:
        """Give the most memory that one of these processes has held so far."""
        most = 0
        for pid in pids:
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
                most = max(most, int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1000)
        return most

    def left(self) -> list[str]:
        """List processes of the cluster that run and that nobody of it started: a lost worker's."""
        started = {one.pid for one in (*self._workers, *self._others)}
        known = {pid for pid, _ in self._below(started)} | started
        return [command for pid, _, command in processes() if str(self._directory) in command and pid not in known]

    def _below_workers(self) -> Iterator[tuple[int, str]]:
        return self._below({one.pid for one in self._workers})

    @staticmethod
    def _below(roots: set[int]) -> Iterator[tuple[int, str]]:
        everything = processes()
        known = set(roots)
        while more := [one for one in everything if one[1] in known and one[0] not in known]:
            for pid, _, command in more:
                known.add(pid)
                yield pid, command

    def _connect_options(self) -> list[str]:
        settings = {
            "spark.connect.grpc.binding.port": self._port,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.executor.memory": "512m",
            "spark.executor.cores": 1,
            "spark.pyspark.python": sys.executable,
        }
        options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        main = "org.apache.spark.sql.connect.service.SparkConnectServer"
        options += ["--driver-memory", "700m", "--master", self._master_url, "--class", main]
        return [*options, "--name", "connect", "spark-internal"]

    def _start(self, name: str, program: str, *words: str) -> subprocess.Popen[bytes]:
        self._started += 1
        environment = {
            **os.environ,
            "SPARK_HOME": str(self._home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self._directory / "local"),
            "SPARK_DAEMON_MEMORY": "700m" if name == "connect" else "256m",  # which goes for spark-submit, too
            "SPARK_MASTER_OPTS": "-Dspark.deploy.maxExecutorRetries=-1",  # executors are killed on purpose
            "PYSPARK_PYTHON": sys.executable,
            "TMPDIR": str(self._directory / "local"),
            # The name of the directory tells its processes from those of others.
            "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={self._directory / 'local'}",
        }
        with (self._directory / f"{name}.{self._started}.log").open("wb") as log:
            return subprocess.Popen(
                [str(self._home / "bin" / program), *words],
                cwd=self._directory,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_listening(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 0.2):
            return True
        return False

    def _wait(self, is_there: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _START_SECONDS
        while not is_there():
            running = all(one.poll() is None for one in (*self._workers, *self._others))
            require(running and time.monotonic() < end, f"{what} did not start; see {self._directory}/*.log")
            time.sleep(_PAUSE)

    def _stop(self) -> None:
        pids = [pid for pid, _ in self._below({one.pid for one in (*self._workers, *self._others)})]
        for one in reversed([*self._others[:1], *self._workers, *self._others[1:]]):
            one.terminate()
        for one in (*self._others, *self._workers):
            try:
                one.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes() -> list[tuple[int, int, str]]:
    """List what runs here: process, parent and command line."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            with suppress(OSError):
                parent = int((directory / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[1])
                command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append((int(directory.name), parent, command))
    return found


def _age(pid: int) -> float:
    """Give the seconds since a process was started; none of one that is gone."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def free_port() -> int:
    """Find a port of loopback that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _spark_home() -> Path:
    require(shutil.which("java") is not None, "there is no java on the path; Spark needs 17 or newer")
    try:
        import pyspark  # noqa: PLC0415 - it is not among what development needs
    except ImportError as error:
        raise SystemExit("pyspark is not installed: `just spark` installs it") from error
    return Path(pyspark.__file__).parent
