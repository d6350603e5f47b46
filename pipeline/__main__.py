"""`python -m pipeline`."""

import sys

from pipeline.cli import main

status = main()
# `python -m` lets the process die of SIGINT in the end where the last text that was executed, as those of dataclasses
# are, was left by an interruption, whatever became of that. This text is left by none.
exec("")  # noqa: S102 - it is empty
sys.exit(status)
