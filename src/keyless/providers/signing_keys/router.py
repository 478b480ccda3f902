"""The signing keys as a resource type of the subscription: list, rotate, revoke.

Owns these REST operations. The one provider that the cloud does not have: there, nobody but its operator may do
this; here the operator is the owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.key_ring import KeyRecord, KeyRing
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, at_subscription, json_response, list_response
from keyless.model.access import Permission, Requirement
from keyless.model.errors import not_found

NAMESPACE = "Keyless.Authority"
_TYPE = f"{NAMESPACE}/signingKeys"
#: These are matters of authorisation, so that who manages resources (Contributor) does not have them as well.
_ROTATE = "Microsoft.Authorization/signingKeys/write"
_REVOKE = "Microsoft.Authorization/signingKeys/delete"


@dataclass(frozen=True)
class SigningKeysRouter:
    """Serves `{subscription}/providers/Keyless.Authority/signingKeys`."""

    keys: KeyRing

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        words = tuple(word.lower() for word in at_subscription(path).rest)
        match (method, words):
            case ("GET", ("signingkeys",)):
                return Operation(f"{_TYPE}/read", self._list, _need(path, f"{_TYPE}/read"))
            case ("POST", ("signingkeys", "rotate")):
                action = _ROTATE
                return Operation(action, self._rotate, _need(path, action), changes=True)
            case ("POST", ("signingkeys", _, "revoke")):
                action, kid = _REVOKE, path.rest[1]

                async def revoke(_call: Call) -> Response:
                    return json_response(200, _show(await self.keys.revoke(kid)))

                return Operation(action, revoke, _need(path, action), changes=True)
        raise not_found(f"There is no {method} {NAMESPACE}/{'/'.join(path.rest)} here.", "InvalidResourceType")

    async def _list(self, _call: Call) -> Response:
        return list_response([_show(record) for record in self.keys.records()])

    async def _rotate(self, _call: Call) -> Response:
        return json_response(200, _show(await self.keys.rotate()))


def _need(path: ArmPath, action: str) -> tuple[Requirement, ...]:
    return (Requirement(path.scope, (Permission(action),)),)


def _show(record: KeyRecord) -> dict[str, object]:
    return {
        "kid": record.kid,
        "state": record.state.value,
        "created": record.created,
        "activated": record.activated,
        "retires": record.retires,
    }
