"""scipy's statistics: an optional dependency, and slow to load."""

from __future__ import annotations

from typing import Any

from pipeline.errors import UsageError


def scipy_stats() -> Any:  # noqa: ANN401 - the module
    """Load it.

    Raises:
        UsageError: scipy is not installed.
    """
    try:
        from scipy import stats  # noqa: PLC0415 - an optional dependency, and slow to load
    except ImportError as error:
        raise UsageError(
            "comparisons need scipy, which is not installed: `uv run --extra compare pipeline ...` or "
            "pip install '.[compare]' in the project's directory"
        ) from error
    return stats
