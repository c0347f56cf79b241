"""`python -m tests.tethered MODULE …` runs a module as `python -m` does, and ends it when whoever began it is gone, however that ended.

Whoever begins it gives it a pipe for its standard input, and need not write there: the pipe closes with its writer.
"""

import os
import runpy
import sys
import threading


def end_with_the_writer() -> None:
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_writer, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
