"""Which identity an instance may speak for.

Owns the choice among the identities assigned to an app. Must not know how a request spells it (`selectors.py`).

Source: App Service, "REST endpoint reference": without a selector the system-assigned identity is meant, and with a
user-assigned one only, it has to be named. Virtual machines, "How to use managed identities to acquire an access
token": there the only one is meant, system-assigned or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyless.directory.principals import Directory
from keyless.model.errors import KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.workload.selectors import Selector

#: The code of the error in envelopes that have one.
NOT_ASSIGNED = "ManagedIdentityNotFound"


def identities_of(app: Resource, directory: Directory) -> Iterator[Principal]:
    """The principals assigned to an app, the system-assigned one first."""
    system = directory.by_id(app.system_identity) if app.system_identity else None
    if system:
        yield system
    for resource_id in app.user_identities:
        found = directory.by_resource(parse_resource_id(resource_id).key)
        if found:
            yield found


def meant_unless_named(app: Resource, directory: Directory, *, only_one_is_meant: bool) -> Principal | None:
    """The identity of requests that name none, if there is one."""
    assigned = list(identities_of(app, directory))
    if app.system_identity:
        return directory.by_id(app.system_identity)
    return assigned[0] if only_one_is_meant and len(assigned) == 1 else None


def select(app: Resource, directory: Directory, selector: Selector, *, only_one_is_meant: bool = False) -> Principal:
    """The identity that is meant; raises INVALID for one that is not assigned, and for none where one is needed.

    With `only_one_is_meant` an app's only identity need not be named, whatever its kind.
    """
    if selector.is_empty:
        unnamed = meant_unless_named(app, directory, only_one_is_meant=only_one_is_meant)
        if unnamed is None:
            raise _unnamed(app, directory)
        return unnamed
    for principal in identities_of(app, directory):
        if _is_meant(principal, selector):
            return principal
    raise invalid(
        f"No identity of that client ID, object ID or resource ID is assigned to the app {app.name!r}: "
        f"assign it with `keyless app assign {app.name} --identity NAME`.",
        NOT_ASSIGNED,
    )


def _is_meant(principal: Principal, selector: Selector) -> bool:
    if selector.client_id:
        return principal.client_id == selector.client_id.lower()
    if selector.object_id:
        return principal.principal_id == selector.object_id.lower()
    return principal.resource_id.lower() == selector.resource_id.lower().rstrip("/")


def _unnamed(app: Resource, directory: Directory) -> KeylessError:
    assigned = list(identities_of(app, directory))
    if not assigned:
        what = f"assign one with `keyless app assign {app.name} --identity NAME`"
        return invalid(f"No identity is assigned to the app {app.name!r}: {what}.", NOT_ASSIGNED)
    what = "name one by its client ID, or switch the system-assigned identity on"
    why = f"The app {app.name!r} has no system-assigned identity, and the request names none: {what}."
    return invalid(why, NOT_ASSIGNED)
