"""The grants are tested on a whole platform: the same as the pages."""

from __future__ import annotations

from tests.portal.conftest import alice, whole_module, world

__all__ = ["alice", "whole_module", "world"]
