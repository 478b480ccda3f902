"""Every shape of host over leases of the real server: its requests, its proofs, its refusals in its own envelope.

Source: wire observations of the SDKs; the documents named in each shape's module.
"""

from __future__ import annotations

import hashlib
import json
import socket
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.harness import VAULT, HeldLease, IdentityAnswer, LeaseRefused, Owner, RunningServer, connect_socket
from tests.workload.shapes import ALL, HOSTS, METADATA, NEEDS_METADATA, WITH_SECRET, WITHOUT_SECRET, Host, World

# what all have in common


@ALL
def test_the_one_body_that_every_parser_takes(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        body = host.ask(lease, resource=VAULT).json()
        times = {"expires_in", "expires_on", "ext_expires_in", "not_before"}
        assert set(body) == {"access_token", "client_id", "resource", "token_type", *times}
        assert all(isinstance(value, str) for value in body.values())
        assert body["resource"] == VAULT
        assert host.ask(lease, resource=VAULT).json()["access_token"] == body["access_token"]


@ALL
@pytest.mark.parametrize(
    ("selector", "member"),
    [
        ("client_id", "clientId"),
        ("clientid", "clientId"),
        ("object_id", "principalId"),
        ("principal_id", "principalId"),
        ("principalId", "principalId"),
        ("mi_res_id", "id"),
        ("msi_res_id", "id"),
        ("msi-res-id", "id"),
        ("resource_id", "id"),
    ],
)
def test_every_selector_finds_the_apps_own_and_no_other_apps(
    world: World, host: Host, selector: str, member: str
) -> None:
    with world.lease(host.name) as lease:
        body = host.ask(lease, resource=VAULT, **{selector: world.one[member].upper()}).json()
        assert body["client_id"].lower() == world.one["clientId"]
        # what was asked comes back as it was asked: clients of Arc compare it
        echo = {"principalId": "object_id", "id": "msi_res_id"}.get(member)
        assert echo is None or body[echo] == world.one[member].upper()
        refused = host.ask(lease, resource=VAULT, **{selector: world.other[member]})
        assert "keyless app assign" in host.refused(refused, 400)


@ALL
def test_two_ways_of_naming_at_once(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        two = {"client_id": world.one["clientId"], "msi_res_id": world.one["id"]}
        host.refused(host.ask(lease, resource=VAULT, **two), 400)
        same_kind = {"client_id": world.one["clientId"], "clientid": world.other["clientId"]}
        host.refused(host.ask(lease, resource=VAULT, **same_kind), 400)


@ALL
def test_a_resource_is_needed(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        for fields in ({"x": "y"}, {"resource": ""}, {"resource": "x" * 2000}, {"resource": "a\r\nb"}):
            host.refused(host.ask(lease, **fields), 400)


@ALL
def test_whom_a_request_means_that_names_nobody(world: World, owner: Owner, host: Host) -> None:
    with world.lease(host.name) as lease:
        token = host.ask(lease, resource=VAULT).json()["access_token"]
        assert host.ask(lease, resource=VAULT, object_id=world.system).json()["access_token"] == token
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, world.one["id"])
    with world.lease(host.name, app=name) as lease:
        answer = host.ask(lease, resource=VAULT, client_id="")
        if host.only_one:
            assert answer.json()["client_id"] == world.one["clientId"]
        else:
            assert "names none" in host.refused(answer, 400)
        owner.app(name, world.one["id"], world.other["id"])
        assert "names none" in host.refused(host.ask(lease, resource=VAULT), 400)


@pytest.mark.parametrize("host", WITH_SECRET, ids=lambda host: host.name)
def test_the_header_secret_is_needed(world: World, host: Host) -> None:
    assert host.secret
    with world.lease(host.name) as lease, world.lease(host.name) as other:
        for wrong in (None, "", "wrong", lease.answer["key"], other.answer["header"]):
            message = host.refused(host.ask(lease, resource=VAULT, headers={host.secret: wrong}), 401)
            assert not wrong or wrong not in message
        # a header of another shape proves nothing
        moved = {host.secret: None, "X-Other-Header": lease.answer["header"], "Metadata": "true"}
        host.refused(host.ask(lease, resource=VAULT, headers=moved), 401)


@pytest.mark.parametrize("host", WITHOUT_SECRET, ids=lambda host: host.name)
def test_the_metadata_header_is_needed(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        for wrong in (None, "", "false", "1"):
            message = host.refused(host.ask(lease, resource=VAULT, headers={"Metadata": wrong}), 400)
            assert "Metadata" in message
        assert host.ask(lease, resource=VAULT, headers={"Metadata": "True"}).status == 200


@ALL
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"x-forwarded-for": ""},
        {"Host": "rebound.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1:{port}.example"},
        {"Host": "localhost.example:{port}"},
        {"Host": "[::1]:{port}"},
        {"Host": "169.254.169.254:{port}"},
        {"Host": "169.254.169.254.example"},
        {"Host": "127.0.0.1:{port}@x"},
    ],
)
def test_what_was_forwarded_or_meant_for_another_host_is_refused(
    world: World, host: Host, headers: dict[str, str]
) -> None:
    with world.lease(host.name) as lease:
        given = {name: value.format(port=lease.port) for name, value in headers.items()}
        answer = host.ask(lease, resource=VAULT, headers=given)
        assert answer.status == 400
        assert b"access_token" not in answer.content


@ALL
def test_the_well_known_address_is_that_of_virtual_machines_only(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        for spelt in ("169.254.169.254", "169.254.169.254:80"):
            answer = host.ask(lease, resource=VAULT, headers={"Host": spelt})
            assert answer.status == (200 if host.name == "imds" else 400)
        assert host.ask(lease, resource=VAULT, headers={"Host": f"localhost:{lease.port}"}).status == 200


@ALL
def test_paths_are_trimmed_and_others_are_none(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        for path in (f"{host.path}/", f"/{host.path}", host.path.replace("/", "//"), host.path.upper()):
            assert host.ask(lease, resource=VAULT, path=path).status == 200
        for path in (
            "/",
            f"{host.path}/x",
            "/elsewhere",
            f"/x{host.path}",
            "/metadata/identity/oauth2/../oauth2/token",
        ):
            host.refused(host.ask(lease, resource=VAULT, path=path), 404)


@ALL
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(world: World, host: Host, method: str) -> None:
    with world.lease(host.name) as lease:
        proof = {host.secret: lease.answer["header"]} if host.secret else {}
        answer = lease.request(method, host.path, headers={**host.headers, **proof}, query={"resource": VAULT})
        host.refused(answer, 400)


@ALL
def test_a_shape_does_not_answer_as_another(world: World, host: Host) -> None:
    with world.lease(host.name) as lease:
        for other in HOSTS.values():
            same = (other.method, other.path, other.secret) == (host.method, host.path, host.secret)
            if not same and {host.name, other.name} != {"arc", "imds"}:
                answer = other.ask(lease, resource=VAULT)
                assert answer.status in {400, 401, 404}
                assert b"access_token" not in answer.content


@ALL
def test_a_connection_gives_nothing_once_its_lease_is_over(world: World, host: Host) -> None:
    with world.lease(host.name) as lease, connect_socket(world.server) as connection:
        opening = {"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]}
        connection.sendall(json.dumps(opening).encode() + b"\n")
        headers = {"Host": f"127.0.0.1:{lease.port}", **host.headers}
        if host.secret:
            headers[host.secret] = lease.answer["header"]
        fields = urlencode({"resource": VAULT}) if host.method == "GET" else ""
        body = "" if host.method == "GET" else urlencode({"resource": VAULT})
        lines = [f"{host.method} {host.path}?{fields} HTTP/1.1", f"Content-Length: {len(body)}"]
        request = "\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", body]).encode()
        connection.sendall(request)
        assert receive(connection).startswith(b"HTTP/1.1 200 ")
        lease.close()
        for _ in range(100):
            connection.sendall(request)
            answer = receive(connection)
            if not answer.startswith(b"HTTP/1.1 200 "):
                break
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"lease of this instance is over" in answer


def receive(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + body


def test_a_shape_that_is_not_there(world: World) -> None:
    for more in ({"host": "toaster"}, {"host": ""}, {"faults": ["flood"]}, {"host": "imds", "faults": [""]}):
        with pytest.raises(LeaseRefused, match="There is no"):
            HeldLease.open(world.server, world.app, **more)


# one by one


@pytest.mark.parametrize("query", ["", "api-version=2018-02-01", f"api-version=2018-02-01&resource={VAULT}"])
@pytest.mark.parametrize("path", [METADATA, f"{METADATA}/", f"/{METADATA}", "/metadata/instance", "/elsewhere"])
def test_probes_of_virtual_machines_are_answered_with_400(world: World, path: str, query: str) -> None:
    with world.lease("imds") as lease:
        fields = dict(part.split("=", 1) for part in query.split("&")) if query else {}
        answer = lease.request(path=path, query=fields, headers={"X-IDENTITY-HEADER": None})
        assert "Metadata" in HOSTS["imds"].refused(answer, 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["getplatformmetadata", "issuecredential"])
@pytest.mark.parametrize("headers", [{}, NEEDS_METADATA])
def test_the_second_version_of_metadata_is_not_there(
    world: World, method: str, name: str, headers: dict[str, str]
) -> None:
    with world.lease("imds") as lease:
        query = {"cred-api-version": "2.0"}
        answer = lease.request(method, f"/metadata/identity/{name}", query=query, headers=headers)
        HOSTS["imds"].refused(answer, 404)


def test_what_a_virtual_machine_says_of_itself(world: World) -> None:
    def read(path: str, **query: str) -> IdentityAnswer:
        given = {"api-version": "2021-02-01", **query}
        return lease.request(path=f"/metadata/instance{path}", query=given, headers=NEEDS_METADATA)

    with world.lease("imds") as lease:
        whole = read("").json()
        assert set(whole) == {"compute", "network"}
        compute = whole["compute"]
        assert compute["name"] == world.app
        assert compute["location"] == "local"
        assert compute["subscriptionId"] == world.owner.subscription.rsplit("/", 1)[1]
        assert compute["resourceGroupName"] == world.owner.group.rsplit("/", 1)[1]
        assert compute["resourceId"].endswith(f"/Microsoft.Web/sites/{world.app}")
        assert compute["vmId"] == lease.answer["lease"]
        assert read("/compute").json() == read("/Compute/").json() == compute
        location = read("/compute/location", format="text")
        assert (location.status, location.content) == (200, b"local")
        assert location.headers["content-type"].startswith("text/plain")
        for path in ("/compute/nothing", "/network/interface/0", "/network/interface/x", "/compute/location/x"):
            HOSTS["imds"].refused(read(path), 404)
        post = lease.request("POST", "/metadata/instance", headers=NEEDS_METADATA)
        HOSTS["imds"].refused(post, 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"resource=a&resource=b", 400),
        (b"resource=%ff", 400),
        (b"resource=" + "ü".encode(), 400),
        (b"&".join(b"a%d=1" % i for i in range(100)), 400),
        (b"resource=" + b"x" * 20_000, 413),
        (b"{}", 400),
    ],
)
def test_a_form_that_is_none(world: World, body: bytes, status: int) -> None:
    with world.lease("cloud-shell") as lease:
        answer = lease.request("POST", "/oauth2/token", headers=NEEDS_METADATA, body=body)
        HOSTS["cloud-shell"].refused(answer, status)


def test_javas_cloud_shell_sends_a_query(world: World) -> None:
    with world.lease("cloud-shell") as lease:
        answer = lease.request("GET", "/oauth2/token", headers=NEEDS_METADATA, query={"resource": VAULT})
        assert answer.status == 200


def test_an_arc_request_that_was_not_challenged(world: World) -> None:
    with world.lease("arc") as lease:
        for header in (None, "", "Bearer x", "Basic"):
            answer = HOSTS["arc"].ask(lease, resource=VAULT, headers={"Authorization": header})
            assert "not challenged" in HOSTS["arc"].refused(answer, 401)


def test_service_fabric_gives_another_token_for_one_that_was_refused(world: World) -> None:
    host = HOSTS["service-fabric"]
    with world.lease("service-fabric") as lease:
        resource = f"api://{uuid4()}"
        first = host.ask(lease, resource=resource).json()["access_token"]
        digest = hashlib.sha256(first.encode()).hexdigest()
        asked = {"resource": resource, "xms_cc": "CP1"}
        assert host.ask(lease, **asked, token_sha256_to_refresh="0" * 64).json()["access_token"] == first
        second = host.ask(lease, **asked, token_sha256_to_refresh=digest.upper()).json()["access_token"]
        assert second != first
        # the refused one is gone already: whoever asks with its digest again is not late
        assert host.ask(lease, **asked, token_sha256_to_refresh=digest).json()["access_token"] == second
        assert host.ask(lease, resource=resource).json()["access_token"] == second
    with world.lease("app-service") as lease:
        asked = {"resource": resource, "token_sha256_to_refresh": hashlib.sha256(second.encode()).hexdigest()}
        assert HOSTS["app-service"].ask(lease, **asked).json()["access_token"] == second


def test_the_codes_that_clients_of_service_fabric_know(world: World) -> None:
    host = HOSTS["service-fabric"]
    with world.lease("service-fabric") as lease:

        def code(answer: IdentityAnswer) -> str:
            return str(answer.json()["error"]["code"])

        assert code(host.ask(lease, resource=VAULT, headers={"Secret": "x"})) == "SecretHeaderNotFound"
        assert code(host.ask(lease, resource=VAULT, client_id=world.other["clientId"])) == "ManagedIdentityNotFound"
        assert code(host.ask(lease)) == "ArgumentNullOrEmpty"


def test_what_launchers_are_given_for_themselves(world: World) -> None:
    for name in HOSTS:
        with world.lease(name) as lease:
            assert lease.answer["host"] == name
            assert bool(lease.answer["material"]) == (name == "service-fabric")
    with world.lease("service-fabric") as one, world.lease("service-fabric") as two:
        assert one.answer["material"].count("PRIVATE KEY") == 2
        assert one.answer["material"] != two.answer["material"]


def test_which_identity_programs_are_told_to_name(world: World, owner: Owner) -> None:
    def told(app: str) -> str:
        with world.lease("app-service-2017", app=app) as lease:
            return str(lease.answer["default_client_id"])

    name = f"a{uuid4().hex[:8]}"
    owner.app(name)
    assert told(name) == ""
    owner.app(name, world.one["id"])
    assert told(name) == world.one["clientId"]
    owner.app(name, world.one["id"], world.other["id"])
    assert told(name) == ""
    settings = f"{owner.group}/providers/Microsoft.Web/sites/{name}/config/appsettings"
    owner.arm("PUT", settings, {"properties": {"AZURE_CLIENT_ID": world.other["clientId"].upper()}})
    assert told(name) == world.other["clientId"]
    owner.arm("PUT", settings, {"properties": {"AZURE_CLIENT_ID": str(uuid4())}})
    assert told(name) == ""
    with world.lease("app-service") as lease:
        system = HOSTS["app-service"].ask(lease, resource=VAULT).json()["client_id"]
    assert told(world.app) == system


def test_a_refusal_is_on_record(world: World, owner: Owner) -> None:
    with world.lease("imds") as lease:
        HOSTS["imds"].refused(HOSTS["imds"].ask(lease, resource=VAULT, object_id=world.other["principalId"]), 400)
    path = f"{owner.subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    token = owner.token("https://management.azure.com")
    events = owner.send("GET", "management", f"{path}?api-version=2015-04-01", token).json()["value"]
    denied = next(e for e in events if e["category"]["value"] == "identity" and e["status"]["value"] == "Failed")
    assert denied["caller"] == world.app


def test_shape_and_faults_outlive_a_restart_of_the_server(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    owner.app("web", system=True)
    lease = HeldLease.open(own_server, "web", host="imds", faults=["unavailable"])
    own_server.stop()
    own_server.start()
    with lease.resume() as again:
        statuses = [HOSTS["imds"].ask(again, resource=VAULT).status for _ in range(3)]
        assert statuses == [503, 500, 200]
        assert HOSTS["app-service"].ask(again, resource=VAULT).status == 400
    lease.close()
    owner.close()
