"""`/applications/{id}/federatedIdentityCredentials`: whose tokens prove an application.

Owns their operations, and how one is shown and read. One is named by its ID or by its name.

Source: Microsoft Graph v1.0, "federatedIdentityCredential resource type" and its methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from keyless.directory.applications import Application, ApplicationFederation, Applications
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import text_of
from keyless.model.errors import KeylessError, invalid, not_found
from keyless.model.federation import (
    MAX_TEXT,
    NAME_PATTERN,
    NAME_RULE,
    FederatedCredential,
    check_credential,
    check_together,
)
from keyless.providers.graph.bodies import read_body, strings
from keyless.providers.graph.odata import collection, entity
from keyless.providers.graph.rights import CREDENTIALS, changes, reads
from keyless.providers.graph.surface import unknown
from keyless.store.engine import Store, Tx

WORD = "federatedidentitycredentials"
_PROPERTIES = ("name", "issuer", "subject", "audiences", "description")

#: Finds the application that a request names, and hands it to a handler.
OnApplication = Callable[[Callable[[Call, Application], Awaitable[Response]]], Callable[[Call], Awaitable[Response]]]


@dataclass(frozen=True)
class FederatedCredentialsApi:
    """What lies below an application."""

    store: Store
    applications: Applications
    new_guid: Callable[[], str]

    def route(self, method: str, on: OnApplication, rest: tuple[str, ...]) -> Operation:
        """The operation on all of an application's, or on the one that `rest` names."""
        match (method, *rest):
            case ("GET",):
                return reads("applications", on(self._list))
            case ("POST",):
                return changes(CREDENTIALS, on(self._create))
            case ("GET", key):
                return reads("applications", on(lambda call, one: self._get(call, one, key)))
            case ("PATCH", key):
                return changes(CREDENTIALS, on(lambda call, one: self._update(call, one, key)))
            case ("DELETE", key):
                return changes(CREDENTIALS, on(lambda _call, one: self._delete(one, key)))
        raise unknown(method, "applications", (WORD, *rest))

    async def _list(self, call: Call, one: Application) -> Response:
        return collection(call.request, map(view, sorted(one.federated, key=lambda held: held.credential_id)))

    async def _get(self, call: Call, one: Application, key: str) -> Response:
        return entity(call.request, view(_find(one, key)))

    async def _create(self, call: Call, one: Application) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        made = _read(ApplicationFederation(self.new_guid(), FederatedCredential("", "", "", ())), body)

        def add(held: Application) -> Application:
            _check_beside(made, held)
            return replace(held, federated=(*held.federated, made))

        await self._change(one, add)
        return entity(call.request, view(made), 201)

    async def _update(self, call: Call, one: Application, key: str) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        if "name" in body and body["name"] != _find(one, key).credential.name:
            raise invalid("The name of a federated credential cannot be changed: leave it out.")

        def change(held: Application) -> Application:
            before = _find(held, key)
            after = _read(before, body)
            left = replace(held, federated=tuple(other for other in held.federated if other != before))
            _check_beside(after, left)
            return replace(left, federated=(*left.federated, after))

        await self._change(one, change)
        return Response(204)

    async def _delete(self, one: Application, key: str) -> Response:
        def without(held: Application) -> Application:
            gone = _find(held, key)
            return replace(held, federated=tuple(other for other in held.federated if other != gone))

        await self._change(one, without)
        return Response(204)

    async def _change(self, one: Application, how: Callable[[Application], Application]) -> None:
        def work(tx: Tx) -> None:
            self.applications.change(tx, one.object_id, how)

        await self.store.write(work)


def view(held: ApplicationFederation) -> Mapping[str, object]:
    """As an answer shows it."""
    credential = held.credential
    return {
        "id": held.credential_id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": list(credential.audiences),
        "description": held.description or None,
    }


def _read(before: ApplicationFederation, body: Mapping[str, object]) -> ApplicationFederation:
    """What a body makes of a credential; raises INVALID."""
    was = before.credential
    credential = FederatedCredential(
        text_of(body, "name", was.name),
        text_of(body, "issuer", was.issuer),
        text_of(body, "subject", was.subject),
        strings(body["audiences"], "audiences") if "audiences" in body else was.audiences,
    )
    if not NAME_PATTERN.fullmatch(credential.name):
        raise invalid(f"{credential.name[:MAX_TEXT]!r} is not a name for a federated credential: {NAME_RULE}")
    description = body.get("description", before.description) or ""
    if not isinstance(description, str) or len(description) > MAX_TEXT:
        raise invalid(f"A description is a text of at most {MAX_TEXT} characters.")
    return ApplicationFederation(before.credential_id, check_credential(credential), description)


def _check_beside(made: ApplicationFederation, held: Application) -> None:
    others = tuple(other.credential for other in held.federated)
    check_together(made.credential, others)
    if made.credential.name.lower() in {other.name.lower() for other in others}:
        raise invalid(f"The application has a federated credential {made.credential.name!r} already: change that one.")


def _find(one: Application, key: str) -> ApplicationFederation:
    wanted = key.lower()
    for held in one.federated:
        if wanted in {held.credential_id, held.credential.name.lower()}:
            return held
    raise _missing(one, key)


def _missing(one: Application, key: str) -> KeylessError:
    return not_found(f"{one.display_name!r} has no federated credential {key!r}.")
