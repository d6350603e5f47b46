"""Exports measurement sessions, raw and aggregated, complete, exact and reproducible.

Look at a source, a store of sessions or files of measurements:
    list_sessions        its sessions, as a list that Jupyter shows as a table
    query                one SELECT on its views measurements and sessions, as an Arrow table
    connect              a DuckDB connection with these views
    scan                 its measurements, as a Polars LazyFrame
    statistics           exact statistics, as a Polars DataFrame
    write_catalog        the views as a DuckDB file, for other clients
    write_report         figures and charts as one HTML page
    plot                 one chart, which Jupyter shows

Judge them:
    check_targets        whether sessions meet targets
    compare_sessions     whether sessions differ from others, one figure a session

Take results out, as packages:
    export_measurements  raw measurements
    export_statistics    statistics
    export_table         any table: a DuckDB relation, a Polars or pandas DataFrame, an Arrow table
    verify_package       read a package back, and compare it with what it should hold

Bring results in, and keep them:
    import_sessions      result files come into a store
    record_session       a session is recorded from within a harness
    recover_sessions     recordings of harnesses that were killed become sessions
    delete_sessions, compact_store, verify_store
    list_harnesses       whose result files are known

Do it every night:
    run_job              publish what of a store is new or changed, period by period
    list_runs            what jobs published, when and why

All raise a `PipelineError`, whose message is one line: what failed, where, and what to do.
"""

# The rooms, in the order of the path of the data; docs/architecture.md has their doors and rules:
#
#    sources      whatever is named becomes a scan: files in their formats, databases
#    scan         what a source holds; its rows in order, checked
#    selection    which sessions, rows and columns; redaction
#    statistics   groups of rows, exact figures, windows of time
#    rows         batches on their way: rules, cuts, digests
#    tables       which rows each file of a package takes
#    writers      one per format; text, compression
#    package      names, descriptor, manifest
#    publish      built in a stage, renamed into place as a whole
#    spark        a cluster: tasks of ours run on its workers
#    verify       read back by other readers
#    store        a directory of sessions
#    importers    files of harnesses and of measurements come into a store
#    recorder     a session recorded from within a harness
#    model        columns, sessions, times
#    runtime      threads, signals, progress, DuckDB connections
#    disk         files and directories, durable
#    native       the compiled part
#    compare      which figures of sessions differ from those of others
#    targets      what sessions have to meet, and the verdicts
#    report       charts, and the page that shows them
#    export       all of it together; above it the doors: api, notebook, cli
#    jobs         what of a store is stale is published, night after night; a door, too

from __future__ import annotations

import sys
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.importlib import PathEntryFinderProtocol

    from pipeline.api import delete_sessions, export_measurements, export_statistics, list_sessions
    from pipeline.compare.run import compare_sessions
    from pipeline.errors import (
        BadRowError,
        BusyError,
        ClusterError,
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
    from pipeline.jobs.history import list_runs
    from pipeline.jobs.result import JobError
    from pipeline.jobs.run import run_job
    from pipeline.notebook.catalog import write_catalog
    from pipeline.notebook.charts import plot, write_report
    from pipeline.notebook.frames import scan, statistics
    from pipeline.notebook.queries import query
    from pipeline.notebook.tables import export_table
    from pipeline.notebook.views import connect
    from pipeline.recorder.recorder import record_session
    from pipeline.recorder.recovery import recover_sessions
    from pipeline.store.checking import verify_store
    from pipeline.store.compaction import compact_store
    from pipeline.targets.check import check_targets
    from pipeline.verify.verification import verify_package

    __version__: str

__all__ = [
    "BadRowError",
    "BusyError",
    "ClusterError",
    "DestinationError",
    "EmptyExportError",
    "JobError",
    "PipelineError",
    "RecoveryError",
    "SourceError",
    "UsageError",
    "VerificationError",
    "check_targets",
    "compact_store",
    "compare_sessions",
    "connect",
    "delete_sessions",
    "export_measurements",
    "export_statistics",
    "export_table",
    "import_sessions",
    "list_harnesses",
    "list_runs",
    "list_sessions",
    "plot",
    "query",
    "record_session",
    "recover_sessions",
    "run_job",
    "scan",
    "statistics",
    "verify_package",
    "verify_store",
    "write_catalog",
    "write_report",
]

_MODULES = {
    "check_targets": "targets.check",
    "compare_sessions": "compare.run",
    "connect": "notebook.views",
    "delete_sessions": "api",
    "export_measurements": "api",
    "export_statistics": "api",
    "export_table": "notebook.tables",
    "import_sessions": "importers.run",
    "list_harnesses": "importers.known",
    "JobError": "jobs.result",
    "list_runs": "jobs.history",
    "list_sessions": "api",
    "run_job": "jobs.run",
    "plot": "notebook.charts",
    "query": "notebook.queries",
    "scan": "notebook.frames",
    "statistics": "notebook.frames",
    "write_catalog": "notebook.catalog",
    "write_report": "notebook.charts",
    "record_session": "recorder.recorder",
    "recover_sessions": "recorder.recovery",
    "verify_package": "verify.verification",
    "verify_store": "store.checking",
    "compact_store": "store.compaction",
}


if not TYPE_CHECKING:  # which would take any name for a public one

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
        """Import what is used when it is used: starting up is part of the experience."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415

            return version("measurement-export-pipeline")
        if name not in __all__:
            from pipeline.errors import suggest  # noqa: PLC0415

            raise AttributeError(
                f"module 'pipeline' has no attribute {name!r}; {suggest(name, __all__, noun='it has')}"
            )
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"pipeline.{_MODULES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    """List what is public, for help and completion; the rooms are the program's own."""
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """Keeps the functions `scan` and `statistics` when the rooms of the same names are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


class _Rooms:
    """Finds the rooms for the import system, and lists none of them.

    A finder of files can be asked for what is there, which `help` prints. One that cannot be asked is as good for
    imports, and is taken for a directory whose content is nobody's business (`pkgutil.iter_modules`).
    """

    def __init__(self, finder: PathEntryFinderProtocol) -> None:
        self.find_spec = finder.find_spec
        self.invalidate_caches = getattr(finder, "invalidate_caches", lambda: None)


def _keep_rooms() -> None:
    for path in __path__:
        for hook in sys.path_hooks:
            with suppress(ImportError):  # it is for places of another kind
                sys.path_importer_cache[path] = _Rooms(hook(path))
                break


sys.modules[__name__].__class__ = _Package
_keep_rooms()
