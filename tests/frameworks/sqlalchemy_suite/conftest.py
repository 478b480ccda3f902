"""SQLAlchemy's pytest plugin, and its engines logged in with the token of the run.

The folder is a pytest root of its own: `tests/frameworks/test_sqlalchemy.py` starts it.
"""

import os
import struct

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403

_ACCESS_TOKEN = 1256  # SQL_COPT_SS_ACCESS_TOKEN


@event.listens_for(Engine, "do_connect")
def log_in(dialect, record, arguments, parameters):  # type: ignore[no-untyped-def]
    """With a token instead of what the dialect adds when there is no password."""
    token = os.environ["KEYLESS_TEST_TOKEN"].encode("utf-16-le")
    arguments[0] = arguments[0].replace(";Trusted_Connection=Yes", "")
    parameters["attrs_before"] = {_ACCESS_TOKEN: struct.pack(f"<I{len(token)}s", len(token), token)}
