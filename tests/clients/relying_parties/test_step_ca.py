"""step-ca with its Azure provisioner, which asks login.microsoftonline.com: under `keyless run`, that is keyless."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.clients.place import Launcher
from tests.clients.relying_parties.conftest import Issuer, free_port, wait_for
from tests.clients.tools import BUILD_SECONDS, go_program
from tests.harness import Owner
from tests.issuers import Authority

pytestmark = pytest.mark.timeout(BUILD_SECONDS)
#: What Azure's machines ask a token for when they speak to a certificate authority of this kind.
AUDIENCE = "https://management.azure.com/"
NAME = "web.internal.example.com"

Sign = Callable[[str], httpx.Response]


@pytest.fixture(scope="module")
def step_ca(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sign]:
    """What step-ca says to a token with a request for a certificate."""
    program = go_program(Path(__file__).parent / "step_ca")
    folder, port, authority = tmp_path_factory.mktemp("step-ca"), free_port(), Authority()
    root, key, log = folder / "root.pem", folder / "key.pem", folder / "log"
    root.write_text(authority.pem)
    no_password = serialization.NoEncryption()
    key.write_bytes(
        authority.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    )
    settings = folder / "ca.json"
    settings.write_text(json.dumps(_settings(root, key, port, issuer)))
    issuer.lapse(AUDIENCE)
    owner = Owner(issuer.server)
    owner.app("certificates")
    with log.open("wb") as out:
        process = subprocess.Popen(
            Launcher(issuer.server).command("certificates", [program, settings]),
            env=issuer.server.environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(port, log)
        context = ssl.create_default_context(cafile=str(root))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False) as client:
            yield lambda token: client.post("/1.0/sign", json={"csr": _request(), "ott": token})
    finally:
        process.terminate()
        process.wait()
        owner.close()


def _settings(root: Path, key: Path, port: int, issuer: Issuer) -> dict[str, Any]:
    provisioner = {
        "type": "Azure",
        "name": "azure",
        "tenantID": issuer.server.instance.tenant,
        "resourceGroups": ["default"],
        # each token is good for one certificate, instead of each identity for one in its life
        "disableTrustOnFirstUse": True,
    }
    return {
        "root": str(root),
        "crt": str(root),
        "key": str(key),
        "address": f"127.0.0.1:{port}",
        "dnsNames": ["127.0.0.1"],
        "logger": {"format": "text"},
        # a token that is older than the authority's start is a good one, since the same is given until it nears its end
        "authority": {"provisioners": [provisioner], "disableIssuedAtCheck": True},
    }


def _request() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    alternative = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(alternative, critical=False)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_good_token_is_worth_a_certificate_and_no_other(issuer: Issuer, step_ca: Sign) -> None:
    for what, token in issuer.refused(AUDIENCE).items():
        assert step_ca(token).status_code == 401, what
    assert step_ca(issuer.in_time[AUDIENCE]).status_code == 201
    said = step_ca(issuer.token(AUDIENCE))
    assert said.status_code == 201, said.text
    certificate = x509.load_pem_x509_certificate(said.json()["crt"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME]
