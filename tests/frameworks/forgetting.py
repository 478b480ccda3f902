"""A plugin of pytest's: a test that failed keeps nothing open, or the next ones would wait for its locks."""

from __future__ import annotations

import gc
import sys


def pytest_runtest_logfinish() -> None:
    """The interpreter remembers the last error, and with it the frames and connections of the test."""
    for name in ("last_exc", "last_value", "last_traceback", "last_type"):
        sys.__dict__.pop(name, None)
    gc.collect()
