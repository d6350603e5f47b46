"""Exports measurement sessions, raw and aggregated, complete, exact and reproducible.

The functions here are the commands' twins: `export_measurements`, `export_statistics`, `import_sessions`,
`list_sessions`, `verify_package`, and `connect` for notebooks. They raise `PipelineError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import export_measurements, export_statistics, list_sessions
    from pipeline.errors import (
        BusyError,
        DestinationError,
        EmptyExportError,
        PipelineError,
        SourceError,
        UsageError,
        VerificationError,
    )
    from pipeline.importing import import_sessions
    from pipeline.notebook import connect
    from pipeline.verify import verify_package

__all__ = [
    "BusyError",
    "DestinationError",
    "EmptyExportError",
    "PipelineError",
    "SourceError",
    "UsageError",
    "VerificationError",
    "connect",
    "export_measurements",
    "export_statistics",
    "import_sessions",
    "list_sessions",
    "verify_package",
]

_MODULES = {
    "connect": "notebook",
    "export_measurements": "api",
    "export_statistics": "api",
    "import_sessions": "importing",
    "list_sessions": "api",
    "verify_package": "verify",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import what is used when it is used: starting up is part of the experience."""
    if name not in __all__:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"pipeline.{_MODULES.get(name, 'errors')}"), name)
