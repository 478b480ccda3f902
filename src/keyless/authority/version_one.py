"""The token endpoint's first version, as SQL Server's ODBC driver asks: for a resource instead of a scope.

Owns the difference: the form on its way in and the answer on its way out. Pure. It has client credentials only, because
the other grants' clients know the second version.

Source: Microsoft identity platform, v1.0, "Service to service calls using client credentials".
"""

from __future__ import annotations

from collections.abc import Mapping

from keyless.model.errors import ErrorKind, KeylessError, invalid

GRANT = "client_credentials"


def as_second(form: Mapping[str, str]) -> dict[str, str]:
    """The same request to the second version."""
    if form.get("grant_type") != GRANT:
        raise KeylessError(ErrorKind.UNSUPPORTED, f"Only {GRANT} is there: use /oauth2/v2.0/token for other grants.")
    resource = form.get("resource", "")
    if not resource or resource.split() != [resource]:
        raise invalid("resource has to be one resource, such as https://database.windows.net/.", "invalid_resource")
    return {**form, "scope": f"{resource}/.default"}


def as_first(answer: Mapping[str, object], resource: str, now: float) -> dict[str, object]:
    """The answer as the first version gives it: its numbers are texts."""
    left = answer["expires_in"]
    assert isinstance(left, int)
    times = {"expires_in": left, "ext_expires_in": left, "not_before": int(now), "expires_on": int(now) + left}
    return {**answer, **{name: str(value) for name, value in times.items()}, "resource": resource}
