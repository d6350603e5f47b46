"""Exports measurement sessions, raw and aggregated, complete, exact and reproducible.

The functions here are the commands' twins: `export_measurements`, `export_statistics`, `import_sessions`,
`list_sessions`, `list_harnesses`, `verify_package`, `recover_sessions`, `write_catalog`. `record_session` records a
session; `connect`, `scan` and `statistics` are for notebooks. All raise `PipelineError`.

The rooms, in the order of the path of the data; docs/architecture.md has their doors and rules:

    sources      whatever is named becomes a scan: files in their formats, databases
    scan         what a source holds; its rows in order, checked
    selection    which sessions, rows and columns; redaction
    statistics   groups of rows, exact figures, windows of time
    rows         batches on their way: rules, cuts, digests
    tables       which rows each file of a package takes
    writers      one per format; text, compression
    package      names, descriptor, manifest
    publish      built in a stage, renamed into place as a whole
    verify       read back by other readers
    store        a directory of sessions
    importers    files of harnesses and of measurements come into a store
    recorder     a session recorded from within a harness
    model        columns, sessions, times
    runtime      threads, signals, DuckDB connections
    disk         files and directories, durable
    native       the compiled part
    export       all of it together; above it the doors: api, notebook, cli
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import export_measurements, export_statistics, list_sessions
    from pipeline.errors import (
        BusyError,
        DestinationError,
        EmptyExportError,
        PipelineError,
        RecoveryError,
        SourceError,
        UsageError,
        VerificationError,
    )
    from pipeline.importers.known import list_harnesses
    from pipeline.importers.run import import_sessions
    from pipeline.notebook.catalog import write_catalog
    from pipeline.notebook.frames import scan, statistics
    from pipeline.notebook.views import connect
    from pipeline.recorder.recorder import record_session
    from pipeline.recorder.recovery import recover_sessions
    from pipeline.verify.verification import verify_package

__all__ = [
    "BusyError",
    "DestinationError",
    "EmptyExportError",
    "PipelineError",
    "RecoveryError",
    "SourceError",
    "UsageError",
    "VerificationError",
    "connect",
    "export_measurements",
    "export_statistics",
    "import_sessions",
    "list_harnesses",
    "list_sessions",
    "record_session",
    "recover_sessions",
    "scan",
    "statistics",
    "verify_package",
    "write_catalog",
]

_MODULES = {
    "connect": "notebook.views",
    "export_measurements": "api",
    "export_statistics": "api",
    "import_sessions": "importers.run",
    "list_harnesses": "importers.known",
    "list_sessions": "api",
    "scan": "notebook.frames",
    "statistics": "notebook.frames",
    "write_catalog": "notebook.catalog",
    "record_session": "recorder.recorder",
    "recover_sessions": "recorder.recovery",
    "verify_package": "verify.verification",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import what is used when it is used: starting up is part of the experience."""
    if name not in __all__:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"pipeline.{_MODULES.get(name, 'errors')}"), name)


class _Package(ModuleType):
    """Keeps the functions `scan` and `statistics` when the rooms of the same names are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
