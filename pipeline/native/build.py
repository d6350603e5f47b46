"""Builds the compiled part with the system's C++ compiler, else with the one of the package ziglang.

It is run by the build of the project, and by hand as `python pipeline/native/build.py`.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SOURCES = (
    "rules.cpp",
    "parquet_pages.cpp",
    "text.cpp",
    "sheet_rows.cpp",
    "line_protocol.cpp",
    "line_forms.cpp",
    "csv_columns.cpp",
    "json_lines.cpp",
    "json_objects.cpp",
    "json_rows.cpp",
    "json_names.cpp",
    "json_samples.cpp",
    "xml_rows.cpp",
    "distinct.cpp",
    "number_texts.cpp",
    "times.cpp",
    "digest.cpp",
    "groups.cpp",
)
_FLAGS = ("-std=c++17", "-O3", "-fPIC", "-pthread", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra")


def library_name() -> str:
    """File name of the library."""
    if sys.platform == "win32":
        return "pipeline_native.dll"
    return "libpipeline_native.dylib" if sys.platform == "darwin" else "libpipeline_native.so"


def find_compiler() -> list[str] | None:
    """Find a C++ compiler: `CXX`, the system's, or ziglang's; None where there is none."""
    if os.environ.get("CXX"):
        return os.environ["CXX"].split()
    for name in ("c++", "g++", "clang++"):
        if shutil.which(name):
            return [name]
    try:
        import ziglang  # noqa: F401, PLC0415 - an optional compiler
    except ImportError:
        return None
    return [sys.executable, "-m", "ziglang", "c++"]


def build(directory: Path, *, extra_flags: tuple[str, ...] = (), output: Path | None = None) -> Path:
    """Compile the sources in a directory.

    Args:
        directory: where they lie.
        extra_flags: for sanitizers and the like.
        output: the library; beside the sources by default.

    Raises:
        RuntimeError: there is no compiler, or it fails.
    """
    # Whoever loads the library asks for its name alone.
    import tempfile  # noqa: PLC0415
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError("no C++ compiler: install g++ or clang++, or the Python package ziglang")
    target = output or directory / library_name()
    # A library that is in use must not be written into.
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    compile_ = [*compiler, *_FLAGS, *extra_flags]
    with tempfile.TemporaryDirectory() as made, ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = {str(directory / name): str(Path(made, name).with_suffix(".o")) for name in SOURCES}
        # A source takes seconds, and none needs another.
        list(pool.map(lambda one: _run([*compile_, "-c", one[0], "-o", one[1]]), objects.items()))
        _run([*compile_, "-shared", *objects.values(), "-o", str(fresh)])
    fresh.replace(target)
    return target


def _run(command: list[str]) -> None:
    import subprocess  # noqa: PLC0415 - as above

    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the compiler
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


if __name__ == "__main__":
    print(build(Path(__file__).parent))  # noqa: T201 - says where the library is
