"""Every shape of host, by its name. A new shape is one file, and one line here."""

from __future__ import annotations

from keyless.model.app import APP_SERVICE
from keyless.workload.app_service import AppService
from keyless.workload.shape import Shape


def all_shapes() -> dict[str, Shape]:
    """The shapes that instances can have."""
    return {APP_SERVICE: AppService()}
