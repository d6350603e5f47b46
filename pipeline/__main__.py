"""`python -m pipeline`, and the command `pipeline`."""

import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C before the command line takes signals ends the process, as of any program, and prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from pipeline.cli import main

if __name__ == "__main__":
    status = main()
    # `python -m` lets the process die of SIGINT in the end where the last text that was executed, as those of
    # dataclasses are, was left by an interruption, whatever became of that. This text is left by none.
    exec("")  # noqa: S102 - it is empty
    sys.exit(status)
