"""Builds the server of an instance from its parts.

Owns which part is handed to which. Nothing here does any work of its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from keyless.authority.clients.certificate import CertificateWay
from keyless.authority.clients.clients import Clients
from keyless.authority.clients.federated import FederatedWay
from keyless.authority.clients.owner_key import OwnerKeyWay
from keyless.authority.clients.secret import ClientSecretWay
from keyless.authority.failures import Failures
from keyless.authority.federation.https_get import HttpsGet
from keyless.authority.federation.issuers import IssuerKeys
from keyless.authority.grants.client_credentials import ClientCredentials
from keyless.authority.instance_assertions import AssertionAuthority
from keyless.authority.key_ring import KeyRing
from keyless.authority.passwords import Passwords
from keyless.authority.people.state import SignedInState
from keyless.authority.surface import LoginSurface
from keyless.authority.tokens import TokenAuthority
from keyless.bootstrap.backup import backups_of
from keyless.bootstrap.endpoints import Endpoints
from keyless.bootstrap.people import (
    device_authorization,
    load_people,
    people_grants,
    portal,
    sign_in_router,
)
from keyless.bootstrap.schema import AUDIT, DATABASE, MIGRATIONS, PARTS, read_data_keys
from keyless.bootstrap.sql import MakeEngine, SqlSide, sql_side
from keyless.config import Config
from keyless.directory.applications import Applications
from keyless.directory.groups import Groups
from keyless.directory.principals import Directory
from keyless.directory.users import Users
from keyless.http.hosts import Hosts
from keyless.http.kernel import Kernel
from keyless.http.request_ids import request_ids
from keyless.http.server import MAX_CONNECTIONS, HttpServer
from keyless.http.surface import Surface
from keyless.http.tls import TlsStore
from keyless.management.engine import Engine
from keyless.management.resource_type import ResourceType
from keyless.management.resources import ResourceDeleted, Resources, ResourceWritten
from keyless.management.surface import ManagementSurface, Router
from keyless.model.clock import Clock
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import ResourceId
from keyless.providers.authorization.assignments import Assignments
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES
from keyless.providers.authorization.router import AuthorizationRouter
from keyless.providers.federation.issuers import Issuers
from keyless.providers.federation.router import NAMESPACE as FEDERATION_NAMESPACE
from keyless.providers.federation.router import IssuersRouter
from keyless.providers.graph.applications import ApplicationsApi
from keyless.providers.graph.credentials import Credentials
from keyless.providers.graph.federated_credentials import FederatedCredentialsApi
from keyless.providers.graph.groups import GroupsApi
from keyless.providers.graph.groups import view as show_group
from keyless.providers.graph.memberships import DirectoryObjectsApi, Memberships
from keyless.providers.graph.odata import View
from keyless.providers.graph.service_principals import ServicePrincipalsApi
from keyless.providers.graph.surface import Collection, GraphSurface
from keyless.providers.graph.users import MeApi, UsersApi
from keyless.providers.insights.router import InsightsRouter
from keyless.providers.instance.router import NAMESPACE as INSTANCE_NAMESPACE
from keyless.providers.instance.router import InstanceRouter
from keyless.providers.key_vault import vaults as vault_type
from keyless.providers.key_vault.access_policies import AccessPolicies
from keyless.providers.key_vault.backups import SecretBackups
from keyless.providers.key_vault.deleted_vaults import DeletedVaults
from keyless.providers.key_vault.router import KeyVaultRouter
from keyless.providers.key_vault.secret_lists import SecretLists
from keyless.providers.key_vault.secret_store import SecretStore, purge_vault
from keyless.providers.key_vault.secrets import SecretHandlers
from keyless.providers.key_vault.surface import VaultSurface
from keyless.providers.managed_identity.federated_credentials import FederatedCredentials, federated_credentials
from keyless.providers.managed_identity.user_assigned import IdentityRouter, user_assigned_identities
from keyless.providers.resources.router import RESOURCE_GROUPS, ProvidersRouter, ResourcesRouter
from keyless.providers.sign_in.router import NAMESPACE as SIGN_IN_NAMESPACE
from keyless.providers.sign_in.router import SignInRouter
from keyless.providers.signing_keys.router import NAMESPACE as KEYS_NAMESPACE
from keyless.providers.signing_keys.router import SigningKeysRouter
from keyless.providers.sql.gateway.limits import Limits
from keyless.providers.sql.gateway.logins import Logins
from keyless.providers.sql.gateway.names import Names as SqlNames
from keyless.providers.sql.relay.relays import Relays
from keyless.providers.sql.relay.trust import Trust
from keyless.providers.sql.servers import sql_databases, sql_servers
from keyless.providers.sql.upstream_logins import upstream_logins
from keyless.providers.storage import accounts as account_type
from keyless.providers.storage.blob_services import BlobServices
from keyless.providers.storage.blob_store import BlobStore, open_blob_store
from keyless.providers.storage.shared_access import SharedAccess
from keyless.providers.storage.surface import BlobSurface
from keyless.providers.storage.user_delegation_key import DelegationKeys
from keyless.providers.web import sites as site_type
from keyless.providers.web.app_settings import AppSettings
from keyless.store.audit import AuditLog
from keyless.store.backup import Backups
from keyless.store.engine import Store
from keyless.store.folder import Instance
from keyless.store.sealing import MasterKey, PartSealer, Sealer
from keyless.store.sqlite import SqliteStore, open_store
from keyless.workload import attestation_rules
from keyless.workload.attestation import LinuxKernel
from keyless.workload.doors import OwnerDoor, WorkloadDoor
from keyless.workload.endpoint import IdentityEndpoint
from keyless.workload.faults import Faults
from keyless.workload.hosted import HostedInstances
from keyless.workload.hosted_endpoint import HostedEndpoint
from keyless.workload.hosted_router import HostedRouter
from keyless.workload.hosts import Material, all_shapes
from keyless.workload.identities import InstanceIdentities
from keyless.workload.instance_assertions import InstanceAssertions
from keyless.workload.instances import Instances
from keyless.workload.launch import Launches, Surroundings
from keyless.workload.lease_socket import LeaseSocket
from keyless.workload.rate import RateLimit
from keyless.workload.references import References

SIGNING_THREADS = 2
#: How many refusals a second are told and recorded, of one user or one instance.
REFUSALS = 5
HASHING_THREADS = 2
_DELEGATION_SECRET = b"keyless user delegation keys"


@dataclass(frozen=True)
class Server:
    """A built instance, ready to serve."""

    store: SqliteStore
    audit: AuditLog
    keys: KeyRing
    people: SignedInState
    blobs: BlobStore
    deleted_vaults: DeletedVaults
    instances: Instances
    leases: LeaseSocket
    owner_door: OwnerDoor
    workload_door: WorkloadDoor
    hosted: HostedInstances
    http: HttpServer
    sql: SqlSide | None
    signers: ThreadPoolExecutor
    hashers: ThreadPoolExecutor


async def build(
    config: Config,
    instance: Instance,
    master: MasterKey,
    tls: TlsStore,
    clock: Clock,
    connections: int = MAX_CONNECTIONS,
    make_sql: MakeEngine | None = None,
) -> Server:
    """Open what is on the disk, load what lives in memory, and connect the rest.

    `connections` is how many there may be over TLS. A quarter as many may come from the owner's launchers, and a sixth
    of these again from workloads, whose processes are held by a descriptor each. Without an engine there is no SQL.
    """
    store = open_store(config.data / DATABASE, MIGRATIONS)
    sealer = Sealer.from_wrapped(master, await read_data_keys(store))
    audit = AuditLog(config.data / AUDIT, clock, max_bytes=config.audit_bytes)
    directory = Directory(store, lambda: str(uuid4()))
    applications = Applications(store, directory, lambda: str(uuid4()))
    users = Users(store, directory)
    groups = Groups(store, directory)
    resources = Resources(store)
    policies = AccessPolicies(partial(resources.named, vault_type.NAME))
    assignments = Assignments(store, {role.guid: role for role in BUILTIN_ROLES}, policies.rule, groups.of)
    keys = KeyRing(
        store,
        sealer,
        clock,
        rotate_after=config.key_rotation,
        overlap=max(config.token_lifetime, config.user_token_lifetime),
    )
    blobs = open_blob_store(
        store, config.data / PARTS, PartSealer(sealer), clock, os.urandom, scope_deleted=assignments.remove_scope
    )
    instances = Instances(store, clock, lambda: str(uuid4()), lambda: secrets.token_urlsafe(32))
    issuers = Issuers(store)
    credentials = FederatedCredentials(store, resources)
    hosted = HostedInstances(store, clock, lambda: secrets.token_urlsafe(32))
    in_memory = (
        *(directory, applications, users, groups, resources, assignments, keys, instances, hosted),
        *(issuers, credentials),
    )
    for loaded in in_memory:
        await loaded.load()
    parts = await load_people(config, instance, master, store, clock, directory, users, applications)
    await blobs.collector.recover()

    signers = ThreadPoolExecutor(SIGNING_THREADS, thread_name_prefix="keyless-signer")
    authority = TokenAuthority(
        keys,
        directory,
        clock,
        os.urandom,
        signers,
        issuer=instance.issuer,
        tenant=instance.tenant,
        domain=instance.domain,
        lifetime=config.token_lifetime,
        is_signed_in=parts.people.is_signed_in,
    )
    assertion_authority = AssertionAuthority(
        keys, clock, os.urandom, signers, issuer=instance.issuer, tenant=instance.tenant
    )
    identities = InstanceIdentities(
        resources.get, directory, RateLimit(config.token_rate, clock), Faults(asyncio.sleep)
    )
    assertions = InstanceAssertions(assertion_authority, instances, identities)
    hashers = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="keyless-hasher")
    passwords = Passwords(hashers, os.urandom)
    clients = Clients(
        directory,
        applications,
        ClientSecretWay(passwords, Failures(clock), clock, os.urandom(32)),
        OwnerKeyWay(directory, clock),
        CertificateWay(clock),
        assertions,
        foreign=FederatedWay(credentials.of, IssuerKeys(issuers.settings_of, HttpsGet(), clock), clock),
    )
    endpoints = Endpoints(instance.domain, instance.port, instance.tenant)
    sql_port = config.sql_port if make_sql else 0
    sql_names = SqlNames(instance.domain, endpoints.authority())
    hosts = Hosts(instance.domain)
    settings = AppSettings(store, sealer)
    deleted_vaults = DeletedVaults(store, clock, purge_vault)
    secret_store = SecretStore(store, sealer, os.urandom, scope_deleted=assignments.remove_scope)
    engine = Engine(
        _by_name(
            RESOURCE_GROUPS,
            user_assigned_identities(directory, instance.tenant),
            federated_credentials(),
            site_type.sites(settings, instance.domain),
            attestation_rules.attestation_rules(),
            vault_type.vaults(instance.tenant, endpoints.vault, deleted_vaults),
            account_type.storage_accounts(endpoints.account, blobs.delete_account, BlobServices(blobs.services)),
            sql_servers(sql_names.address, instance.tenant, store, clock, port=sql_port),
            sql_databases(),
            upstream_logins(sealer, resources.get),
        ),
        resources,
        directory,
        store,
        instance.tenant,
        clock,
        scope_deleted=(assignments.remove_scope, hosted.remove_scope),
    )
    subscription = ResourceId(("subscriptions", instance.subscription))
    logins = Logins(
        sql_names,
        instance.tenant,
        authority.authenticate,
        resources,
        groups.of,
        Relays(resources.get, sealer, groups.of, Trust(clock)),
        audit,
        clock,
    )
    limits = Limits(config.sql_sessions)
    sql = (
        sql_side(make_sql, directory, logins, tls, store, resources, subscription, master, limits) if make_sql else None
    )
    shared = SharedAccess(
        DelegationKeys(master.derive(_DELEGATION_SECRET)),
        lambda name: resources.named(account_type.NAME, name),
        directory.by_id,
        authority.authenticate,
        clock,
        instance.tenant,
    )
    identity = IdentityEndpoint(all_shapes(resources.get, assertions), instances, identities, authority, audit, clock)
    surfaces: dict[str, Surface] = {
        "login": LoginSurface(
            authority,
            keys,
            {
                "client_credentials": ClientCredentials(clients, authority, clock),
                **people_grants(config, instance, master, store, clock, parts, clients, authority),
            },
            device_authorization(endpoints.authority(), parts, clients),
            portal(config, instance, store, clock, parts, applications, passwords, audit).find,
            audit,
            clock,
            instance.tenant,
            endpoints.authority(),
        ),
        "management": ManagementSurface(
            _routers(
                instance,
                engine,
                assignments,
                deleted_vaults,
                keys,
                audit,
                backups_of(config.data, instance.instance, master, blobs, sql),
                issuers,
                hosted,
                sign_in_router(endpoints.authority(), parts),
                clock,
            ),
            endpoints.login_url,
            endpoints.metadata,
        ),
        "graph": GraphSurface(
            _graph(store, directory, applications, users, groups, passwords, clock, instance),
            endpoints.login_url,
            clock,
        ),
        "vault": VaultSurface(
            lambda name: resources.named(vault_type.NAME, name),
            SecretHandlers(secret_store, SecretLists(store, sealer), SecretBackups(secret_store, sealer), clock),
            endpoints.login_url,
            clock,
            subscription,
        ),
        "storage": BlobSurface(
            lambda name: resources.named(account_type.NAME, name),
            blobs,
            endpoints.login_url,
            subscription,
            shared,
            hosts.target,
        ),
        "identity": identity,
        "instances": HostedEndpoint(identity, hosted, RateLimit(REFUSALS, clock)),
    }
    kernel = Kernel(
        lambda request: surfaces.get(request.target.surface),
        authority.authenticate,
        assignments.authorise,
        audit,
        {"storage": shared.read},
    )
    http = HttpServer(kernel.dispatch, hosts, request_ids(os.urandom), tls.server_context(), connections)
    launches = Launches(
        lambda name: resources.named(site_type.NAME, name),
        lambda: directory.by_id(instance.owner.principal_id),
        assignments.authorise,
        settings.read,
        References(kernel.dispatch, authority, directory, hosts, instance.domain),
        directory,
        instances,
        audit,
        Surroundings(
            instance.tenant,
            instance.domain,
            instance.address,
            instance.port,
            endpoints.authority(),
            sql_port,
        ),
        lambda: tls.own_ca_pem,
        lambda: tls.cloud_ca_pem,
        Material(tls.loopback_leaf, assertions).of,
    )
    leases = LeaseSocket(instances, launches.open, http.protocol)
    workload_door = WorkloadDoor(
        LinuxKernel(),
        lambda: resources.below(subscription, attestation_rules.NAME),
        audit,
        RateLimit(REFUSALS, clock),
        connections // 24,
    )

    _end_leases_with_their_reasons(store, instances, leases)
    return Server(
        store,
        audit,
        keys,
        parts.state,
        blobs,
        deleted_vaults,
        instances,
        leases,
        OwnerDoor(connections // 4),
        workload_door,
        hosted,
        http,
        sql,
        signers,
        hashers,
    )


def _end_leases_with_their_reasons(store: Store, instances: Instances, leases: LeaseSocket) -> None:
    """Leases of an app end with it, and attested ones with the rule by which they were had."""

    def look_again(changed: ResourceId) -> None:
        if changed.type.lower() == attestation_rules.NAME.lower():
            leases.spawn(leases.end_unattested())

    def deleted(change: ResourceDeleted) -> None:
        if held := instances.of_app(change.id):
            leases.spawn(leases.end_app(held, f"The app {change.id.name!r} has been deleted."))
        look_again(change.id)

    store.subscribe(ResourceDeleted, deleted)
    store.subscribe(ResourceWritten, lambda change: look_again(change.resource.id))


def _by_name(*types: ResourceType) -> dict[str, ResourceType]:
    return {declared.name.lower(): declared for declared in types}


def _graph(
    store: Store,
    directory: Directory,
    applications: Applications,
    users: Users,
    groups: Groups,
    passwords: Passwords,
    clock: Clock,
    instance: Instance,
) -> dict[str, Collection]:
    credentials = Credentials(store, applications, passwords, os.urandom, lambda: str(uuid4()), clock)

    def view(one: Principal) -> View:
        if one.kind is PrincipalKind.GROUP:
            return show_group(one)
        user = users.by_id(one.principal_id)
        return people.view(user) if user else services.view(one)

    memberships = Memberships(directory, groups, view)
    people = UsersApi(store, directory, users, passwords, memberships, clock)
    services = ServicePrincipalsApi(store, directory, applications, credentials, memberships, instance.tenant)
    federated = FederatedCredentialsApi(store, applications, lambda: str(uuid4()))
    return {
        "applications": ApplicationsApi(store, applications, credentials, federated, clock, instance.domain),
        "serviceprincipals": services,
        "users": people,
        "me": MeApi(people),
        "groups": GroupsApi(store, directory, groups, memberships),
        "directoryobjects": DirectoryObjectsApi(memberships),
    }


def _routers(
    instance: Instance,
    engine: Engine,
    assignments: Assignments,
    deleted_vaults: DeletedVaults,
    keys: KeyRing,
    audit: AuditLog,
    backups: Backups,
    issuers: Issuers,
    hosted: HostedInstances,
    sign_in: SignInRouter,
    clock: Clock,
) -> dict[str, Router]:
    authorization = AuthorizationRouter(
        assignments, engine.store, clock, engine.directory.by_id, engine.resources.get, instance.subscription
    )
    identities = IdentityRouter(engine.route, engine.directory, instance.tenant, engine.existing)
    vaults = KeyVaultRouter(
        engine.route,
        deleted_vaults,
        partial(engine.resources.named, vault_type.NAME),
        vault_type.NAME_PATTERN,
        vault_type.NAME_RULE,
    )
    providers: dict[str, Router] = {
        "Microsoft.Authorization": authorization.route,
        "Microsoft.Insights": InsightsRouter(audit.latest).route,
        "Microsoft.KeyVault": vaults.route,
        "Microsoft.ManagedIdentity": identities.route,
        "Microsoft.Sql": engine.route,
        "Microsoft.Storage": engine.route,
        "Microsoft.Web": HostedRouter(engine.route, engine.existing, hosted).route,
        FEDERATION_NAMESPACE: IssuersRouter(issuers).route,
        INSTANCE_NAMESPACE: InstanceRouter(backups.begin).route,
        KEYS_NAMESPACE: SigningKeysRouter(keys).route,
        SIGN_IN_NAMESPACE: sign_in.route,
    }
    routers: dict[str, Router] = {name.lower(): ProvidersRouter(route, name).route for name, route in providers.items()}
    routers[""] = ResourcesRouter(engine, instance.subscription, assignments.has_any).route
    return routers
