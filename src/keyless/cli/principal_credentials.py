"""`keyless principal add-secret | add-certificate | remove-credential`: how an application proves itself.

Owns these commands. A secret is printed once, when it is made; nothing takes one as an argument.
"""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click

from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import Refused, complain
from keyless.cli.output import Columns, Json
from keyless.cli.principals import REGISTRATION, Known

MAX_FILE = 64 * 1024
_DAY = 86_400
_SECRET: Columns = {
    "tenant ID": "tenantId",
    "client ID": "appId",
    "secret": "secretText",
    "key ID": "keyId",
    "ends": lambda one: str(one["endDateTime"]).replace("T", " "),
}
_CERTIFICATE: Columns = {
    "tenant ID": "tenantId",
    "client ID": "appId",
    "thumbprint": "customKeyIdentifier",
    "key ID": "keyId",
    "ends": lambda one: str(one["endDateTime"]).replace("T", " "),
}
_name = click.argument("name")


def add_commands(group: click.Group) -> None:
    """Add the commands to `keyless principal`."""
    for command in (add_secret, add_certificate, remove_credential):
        group.add_command(command)


@click.command("add-secret")
@_name
@click.option("--lifetime", type=click.IntRange(1, 3650), default=180, show_default=True, metavar="DAYS")
@click.option("--label", default="", help="What it is for, to tell it from others.")
@with_keyless
def add_secret(keyless: Keyless, name: str, lifetime: int, label: str) -> None:
    """Make a client secret for an application. It is printed, and never shown again.

    \b
    keyless principal add-secret shop-ci --lifetime 30
    """
    found = keyless.principals.find(name, REGISTRATION)
    end = datetime.fromtimestamp(time.time() + lifetime * _DAY, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = {"passwordCredential": {"displayName": label, "endDateTime": end}}
    made = keyless.graph.post(f"{_path(found)}/addPassword", wanted)
    keyless.output.object(_with_names(keyless, found, made), _SECRET)
    complain("The secret is shown this once: keep it where the application finds it.")


@click.command("add-certificate")
@_name
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--label", default="", help="What it is for, to tell it from others.")
@with_keyless
def add_certificate(keyless: Keyless, name: str, file: Path, label: str) -> None:
    """Give an application a certificate (PEM or DER). Its private key then proves the application.

    The private key stays where it is: only the certificate is sent.

    \b
    keyless principal add-certificate shop-ci shop-ci.pem
    """
    found = keyless.principals.find(name, REGISTRATION)
    held = keyless.graph.get(_path(found))["keyCredentials"]
    key_id = str(uuid.uuid4())
    new = {
        "keyId": key_id,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": label,
        "key": base64.b64encode(_certificate(file)).decode(),
    }
    keyless.graph.patch(_path(found), {"keyCredentials": [*held, new]})
    (made,) = (one for one in keyless.graph.get(_path(found))["keyCredentials"] if one["keyId"] == key_id)
    keyless.output.object(_with_names(keyless, found, made), _CERTIFICATE)


@click.command("remove-credential")
@_name
@click.argument("key_id", metavar="KEY_ID")
@with_keyless
def remove_credential(keyless: Keyless, name: str, key_id: str) -> None:
    """Remove an application's secret or certificate. It counts no more at once.

    Tokens that were got with it stay good until they end.

    \b
    keyless principal remove-credential shop-ci 3f0c1e0a-6d0e-4f43-9c5e-2f4f5d0a7b11
    """
    found = keyless.principals.find(name, REGISTRATION)
    one = keyless.graph.get(_path(found))
    certificates = [held for held in one["keyCredentials"] if held["keyId"] != key_id.lower()]
    if len(certificates) < len(one["keyCredentials"]):
        keyless.graph.patch(_path(found), {"keyCredentials": certificates})
    else:
        keyless.graph.post(f"{_path(found)}/removePassword", {"keyId": key_id})
    keyless.output.say(f"Removed the credential {key_id} of {found.name}.")


def _path(known: Known) -> str:
    return f"applications(appId='{known.client_id}')"


def _with_names(keyless: Keyless, known: Known, made: Json) -> Json:
    return {"tenantId": keyless.instance.tenant, "appId": known.client_id} | made


def _certificate(file: Path) -> bytes:
    """The first certificate of a file: what else is in it, a private key above all, is not sent."""
    with file.open("rb") as opened:
        data = opened.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise Refused(f"{file} is too large for a certificate: it may have {MAX_FILE} bytes.")
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    if begin in data and end in data:
        return data[data.index(begin) : data.index(end) + len(end)]
    if b"-----BEGIN" in data:
        raise Refused(f"{file} holds no certificate: give the file of the certificate, not that of the key.")
    return data
