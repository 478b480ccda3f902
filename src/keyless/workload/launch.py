"""Launching an instance: may the launcher do it, with which settings, and what does its process need?

Owns the answer that a launcher gets to its request for a lease. To launch an app is to borrow its identities, so
it is an action on the app that has to be granted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from keyless.directory.principals import Directory
from keyless.model.access import Decision, Denied, Permission, Requirement
from keyless.model.app import LAUNCH, Lease
from keyless.model.audit import Audit, AuditEvent
from keyless.model.clouds import claimed_names
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid, not_found
from keyless.model.hosts import FAULTS, HOSTS
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.model.secretstr import SecretStr
from keyless.workload.assigned import identities_of
from keyless.workload.doors import Caller
from keyless.workload.instances import Instances
from keyless.workload.lease_socket import OpenLease
from keyless.workload.references import References


@dataclass(frozen=True)
class Surroundings:
    """What every launched process is told of the server; `sql_port` is 0 where SQL drivers find nothing."""

    tenant: str
    domain: str
    address: str
    port: int
    authority: str
    sql_port: int = 0


@dataclass(frozen=True)
class Launches:
    """Opens leases. `launcher` is the principal behind the socket: the owner, whose uid the kernel vouched for."""

    app: Callable[[str], Resource | None]
    launcher: Callable[[], Principal | None]
    authorise: Callable[[Principal, Iterable[Requirement]], Decision]
    settings: Callable[[ResourceId], Awaitable[dict[str, str]]]
    references: References
    directory: Directory
    instances: Instances
    audit: Audit
    around: Surroundings
    own_ca: Callable[[], str]
    cloud_ca: Callable[[], str]
    material: Callable[[Lease], Awaitable[SecretStr]]

    async def open(self, opening: OpenLease, caller: Caller) -> tuple[Lease, Mapping[str, object]]:
        """A lease, and the answer to its launcher. Raises NOT_FOUND, FORBIDDEN, or INVALID with what to do."""
        if opening.names not in {"clouds", "own"} or not 0 < opening.identity_port < 65536:
            raise invalid("names is 'clouds' or 'own', and identity_port a port.")
        if opening.host not in HOSTS:
            raise invalid(f"There is no shape {opening.host[:64]!r} of a host: take one of {', '.join(HOSTS)}.")
        if unknown := sorted(set(opening.faults).difference(FAULTS)):
            raise invalid(f"There is no fault {unknown[0][:64]!r}: take some of {', '.join(FAULTS)}.")
        app = self.app(opening.app)
        if caller.app is not None:
            await self._attested(app, opening.app, caller, caller.app)
        if app is None:
            make = f"make it with `keyless app create {opening.app}`"
            raise not_found(f"There is no app {opening.app!r}: {make}.", "AppNotFound")
        if caller.app is None:
            await self._allowed(app)
        settings = await self.references.resolve(app, await self.settings(app.id))
        made = await self.instances.open(app.id, opening.identity_port, opening.host, opening.faults)
        try:
            material = await self.material(made.lease)
        except BaseException:
            await self.instances.end([made.lease.id])
            raise
        now = self.app(opening.app)
        if now is None or now.created != app.created:  # deleted meanwhile: a later app of that name is another one
            await self.instances.end([made.lease.id])
            raise conflict(f"The app {app.name!r} has been deleted.", "AppNotFound")
        clouds = opening.names == "clouds"
        answer = {
            "lease": made.lease.id,
            "key": made.key.reveal(),
            "header": made.header.reveal(),
            "app": app.name,
            "host": made.lease.host,
            "tenant": self.around.tenant,
            "client_id": self._only_identity(app),
            "default_client_id": self._default_identity(app, settings),
            "settings": settings,
            "server": {"host": self.around.address, "port": self.around.port},
            "sql_port": self.around.sql_port,
            "authority": self.around.authority,
            "domain": self.around.domain,
            "clouds": claimed_names() if clouds else (),
            "ca": self.own_ca() + (self.cloud_ca() if clouds else ""),
            "material": material.reveal(),
        }
        return made.lease, answer

    async def _attested(self, app: Resource | None, named: str, caller: Caller, only: ResourceId) -> None:
        """The right to launch comes from the rule, and is for the app whose rule it is."""
        denied = app is None or app.id != only
        reason = f"A rule of the app {only.name!r} matches this process ({caller})."
        who = f"user {caller.process.evidence.uid}" if caller.process else ""
        event = AuditEvent(
            str(uuid4()), "launch", LAUNCH, str(only), LAUNCH, "", who, "denied" if denied else "allowed", reason
        )
        await self.audit.decision(event, durable=True)
        if denied:
            message = f"{reason} It may run as that app, not as {named[:64]!r}."
            raise KeylessError(ErrorKind.FORBIDDEN, message, code="AnotherApp")

    async def _allowed(self, app: Resource) -> None:
        launcher = self.launcher()
        if launcher is None:
            raise KeylessError(ErrorKind.FORBIDDEN, "The owner has been deleted, so nobody may launch apps here.")
        need = Requirement(app.id, (Permission(LAUNCH),))
        decision = self.authorise(launcher, (need,))
        denied = isinstance(decision, Denied)
        event = AuditEvent(
            str(uuid4()),
            "launch",
            LAUNCH,
            str(app.id),
            LAUNCH,
            launcher.principal_id,
            launcher.display_name,
            "denied" if denied else "allowed",
            decision.reason,
        )
        await self.audit.decision(event, durable=True)
        if denied:
            raise KeylessError(ErrorKind.FORBIDDEN, f"{launcher.display_name} may not launch it. {decision.reason}")

    def _default_identity(self, app: Resource, settings: Mapping[str, str]) -> str:
        """The client ID of requests that name none: the system-assigned identity's, the setting's, or the only one."""
        assigned = {principal.client_id for principal in identities_of(app, self.directory)}
        system = self.directory.by_id(app.system_identity) if app.system_identity else None
        chosen = settings.get("AZURE_CLIENT_ID", "").lower()
        if system:
            return system.client_id
        return chosen if chosen in assigned else self._only_identity(app)

    def _only_identity(self, app: Resource) -> str:
        """The client ID to use where an app has one user-assigned identity and nothing else: there is no doubt."""
        assigned = list(identities_of(app, self.directory))
        return assigned[0].client_id if len(assigned) == 1 and not app.system_identity else ""
