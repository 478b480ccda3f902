"""SQLAlchemy's own suite for dialects, all of it."""

from sqlalchemy.testing.suite import *  # noqa: F403
