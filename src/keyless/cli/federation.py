"""`keyless federation`: whose tokens an identity takes for a credential of its own, and what is set for their issuers.

Owns these commands. Must not know how the two kinds of holders are reached (`federation_holders.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.federation_holders import Holder, find_holder
from keyless.cli.output import Columns, Json, pick
from keyless.model.federation import EXCHANGE_AUDIENCE, FederatedCredential, check_credential

GITHUB = "https://token.actions.githubusercontent.com"
_ISSUERS = "providers/Keyless.Federation/issuers"
_MAX_FILE = 256 * 1024
_COLUMNS: Columns = {
    "name": "name",
    "issuer": "properties.issuer",
    "subject": "properties.subject",
    "audiences": "properties.audiences",
}
_ISSUER_COLUMNS: Columns = {
    "issuer": "properties.issuer",
    "keys": lambda item: "given" if pick(item, "properties.keySet") else "fetched",
    "certificate authority": lambda item: "its own" if pick(item, "properties.certificateAuthority") else "public ones",
    "private address": "properties.allowPrivate",
}
_identity = click.argument("identity")


@click.group(short_help="Whose tokens an identity accepts as its own proof.")
def federation() -> None:
    """Federation: a token of a cluster, of a CI job or of another keyless is exchanged for an identity's token.

    IDENTITY is a managed identity, or registration:NAME for an application that `keyless principal` registered.

    \b
    keyless federation add shop --github acme/shop:ref:refs/heads/main
    keyless federation list shop
    """


@federation.command()
@_identity
@click.option("--name", metavar="NAME", help="Its name.  [default: made from the subject]")
@click.option("--issuer", metavar="URL", help="Who signs the tokens: their `iss`.")
@click.option("--subject", metavar="SUBJECT", help="Whom they are about: their `sub`.")
@click.option("--audience", default=EXCHANGE_AUDIENCE, show_default=True, help="Whom they are for: their `aud`.")
@click.option("--github", metavar="REPOSITORY", help="A job of GitHub Actions, OWNER/REPO:ref:refs/heads/BRANCH.")
@click.option("--kubernetes", nargs=2, metavar="URL ACCOUNT", help="A cluster's issuer, NAMESPACE/SERVICEACCOUNT.")
@click.option("--jwks", type=click.Path(path_type=Path), metavar="FILE", help="The issuer's keys; none are fetched.")
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="The issuer's certificate authority, PEM.")
@click.option("--allow-private", is_flag=True, help="The issuer may be at a private or loopback address.")
@in_group
@with_keyless
def add(
    keyless: Keyless,
    identity: str,
    name: str | None,
    issuer: str | None,
    subject: str | None,
    audience: str,
    github: str | None,
    kubernetes: tuple[str, str] | None,
    jwks: Path | None,
    ca: Path | None,
    allow_private: bool,
    group: str | None,
) -> None:
    """Let tokens of an issuer about a subject prove an identity.

    The options --jwks, --ca and --allow-private are about the issuer, and count for every identity that trusts it.

    \b
    keyless federation add shop --kubernetes https://cluster.example.com default/shop
    keyless federation add shop --issuer https://gitlab.com --subject project_path:acme/shop:ref_type:branch:ref:main
    keyless federation add registration:shop-ci --github acme/shop:environment:production
    """
    issuer, subject = _whom(issuer, subject, github, kubernetes)
    credential = FederatedCredential(name or _name(subject), issuer, subject, (audience,))
    check_credential(credential)  # before anything is set for its issuer
    settings = _settings(issuer, jwks, ca, allow_private)
    holder = find_holder(keyless, identity, group)
    properties: Json = {"issuer": issuer, "subject": subject, "audiences": [audience]}
    if settings:
        keyless.resources.put(_issuer_path(keyless, issuer), {"properties": settings})
    keyless.output.object(holder.put(credential.name, properties), _COLUMNS)


@federation.command("list")
@_identity
@in_group
@with_keyless
def list_(keyless: Keyless, identity: str, group: str | None) -> None:
    """List an identity's federated credentials.

    \b
    keyless federation list shop
    """
    keyless.output.objects(list(find_holder(keyless, identity, group).items()), _COLUMNS)


@federation.command()
@_identity
@click.argument("name")
@in_group
@with_keyless
def show(keyless: Keyless, identity: str, name: str, group: str | None) -> None:
    """Show one federated credential.

    \b
    keyless federation show shop main
    """
    keyless.output.object(_find(find_holder(keyless, identity, group), identity, name), _COLUMNS)


@federation.command()
@_identity
@click.argument("name")
@in_group
@with_keyless
def remove(keyless: Keyless, identity: str, name: str, group: str | None) -> None:
    """Remove a federated credential. Tokens that were given for it last until they end.

    \b
    keyless federation remove shop main
    """
    holder = find_holder(keyless, identity, group)
    holder.delete(_find(holder, identity, name))
    keyless.output.say(f"Removed the federated credential {name} of {identity}.")


@federation.command()
@with_keyless
def issuers(keyless: Keyless) -> None:
    """List the issuers with settings of their own. The keys of all others are fetched from a public address.

    \b
    keyless federation issuers
    """
    keyless.output.objects(
        list(keyless.resources.items(f"{keyless.resources.subscription}/{_ISSUERS}")), _ISSUER_COLUMNS
    )


@federation.command("forget-issuer")
@click.argument("issuer")
@with_keyless
def forget_issuer(keyless: Keyless, issuer: str) -> None:
    """Remove what was set for an issuer. Federated credentials stay; its keys are fetched from a public address.

    \b
    keyless federation forget-issuer https://cluster.example.com
    """
    items = keyless.resources.items(f"{keyless.resources.subscription}/{_ISSUERS}")
    found = [item for item in items if pick(item, "properties.issuer") == issuer]
    if not found:
        raise Refused(f"Nothing is set for {issuer}: `keyless federation issuers` shows for which there is something.")
    keyless.resources.delete(found[0]["id"])
    keyless.output.say(f"Removed the settings of {issuer}.")


def _whom(
    issuer: str | None, subject: str | None, github: str | None, kubernetes: tuple[str, str] | None
) -> tuple[str, str]:
    """Issuer and subject, however they were named."""
    ways = [bool(issuer or subject), bool(github), bool(kubernetes)]
    if sum(ways) != 1 or bool(issuer) != bool(subject):
        raise click.UsageError("Say whose tokens: --issuer with --subject, or --github, or --kubernetes")
    if github:
        repository, _, rest = github.partition(":")
        if not rest or repository.count("/") != 1:
            raise click.BadParameter(
                f"{github!r}: write OWNER/REPO:ref:refs/heads/BRANCH or OWNER/REPO:environment:NAME."
            )
        return GITHUB, f"repo:{repository}:{rest}"
    if kubernetes:
        namespace, _, account = kubernetes[1].partition("/")
        if not namespace or not account or "/" in account:
            raise click.BadParameter(f"{kubernetes[1]!r}: write NAMESPACE/SERVICEACCOUNT.")
        return kubernetes[0], f"system:serviceaccount:{namespace}:{account}"
    assert issuer is not None
    assert subject is not None
    return issuer, subject


def _settings(issuer: str, jwks: Path | None, ca: Path | None, allow_private: bool) -> Json:
    """What is to be set for the issuer; empty if nothing is."""
    if not (jwks or ca or allow_private):
        return {}
    settings: Json = {"issuer": issuer, "allowPrivate": allow_private}
    if jwks:
        settings["keySet"] = _json(jwks)
    if ca:
        settings["certificateAuthority"] = _text(ca)
    return settings


def _json(file: Path) -> Any:
    try:
        found = json.loads(_text(file))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(f"{file} is not a JSON Web Key Set: fetch what the issuer's jwks_uri shows.")
    return found


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(_MAX_FILE + 1)
    if len(data) > _MAX_FILE:
        raise Refused(f"{file} has more than {_MAX_FILE} bytes.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refused(f"{file} is not text.") from None


def _find(holder: Holder, identity: str, name: str) -> Json:
    for item in holder.items():
        if item["name"].lower() == name.lower():
            return item
    raise Refused(
        f"{identity} has no federated credential {name!r}: `keyless federation list {identity}` shows those there are.",
        status=404,
    )


def _name(subject: str) -> str:
    """A name for a credential: what can be read of its subject."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-")[:80].strip("-")
    return words if len(words) > 2 else f"fic-{_digest(subject)}"


def _issuer_path(keyless: Keyless, issuer: str) -> str:
    host = re.sub(r"[^a-z0-9.-]", "-", urlsplit(issuer).netloc.lower())[:80] or "issuer"
    return f"{keyless.resources.subscription}/{_ISSUERS}/i-{host}-{_digest(issuer)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
