"""The activity log: who did what, where, and why it was allowed or denied.

Owns the view of audit records as activity log events. Must not write anything.

Source: Azure REST API, "Activity Logs - List" (2015-04-01).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, at_subscription, list_response
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid, not_found

_ACTION = "Microsoft.Insights/eventtypes/values/read"
_PATH = ("eventtypes", "management", "values")
MAX_EVENTS = 1000


@dataclass(frozen=True)
class InsightsRouter:
    """`latest` gives the newest audit records, newest first."""

    latest: Callable[[int], Awaitable[list[dict[str, object]]]]

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        if method != "GET" or tuple(segment.lower() for segment in path.rest) != _PATH:
            raise not_found(
                f"There is no {method} Microsoft.Insights/{'/'.join(path.rest)} here.", "InvalidResourceType"
            )
        scope = at_subscription(path).scope
        return Operation(_ACTION, self._list, (Requirement(scope, (Permission(_ACTION),)),))

    async def _list(self, call: Call) -> Response:
        top = call.request.query.get("$top", "100")
        if not (top.isascii() and top.isdigit() and len(top) < 5 and 0 < int(top) <= MAX_EVENTS):
            raise invalid(f"$top is a number from 1 to {MAX_EVENTS}.", "InvalidQueryParameterValue")
        return list_response([_event(record) for record in await self.latest(int(top))])


def _event(record: dict[str, object]) -> dict[str, object]:
    denied = record["decision"] == "denied"
    status = record.get("status")
    failed = denied or (isinstance(status, int) and status >= 400)
    return {
        "eventDataId": f"{record['request_id']}/{record['time']}",
        "eventTimestamp": record["time"],
        "correlationId": record["request_id"],
        "caller": record["principal_name"],
        "claims": {"oid": record["principal_id"]},
        "category": {"value": "Administrative" if record["surface"] == "management" else record["surface"]},
        "operationName": {"value": record["operation"]},
        "authorization": {"action": record["action"], "scope": record["scope"]},
        "resourceId": record["scope"],
        "status": {"value": "Failed" if failed else "Succeeded"},
        "subStatus": {"value": "Forbidden" if denied else str(status or "")},
        "properties": {"decision": record["decision"], "reason": record["reason"]},
    }
