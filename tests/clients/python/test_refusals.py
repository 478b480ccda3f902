"""What must be refused, as real applications see it, and when a change of access counts."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from tests.clients.place import Dialogue, Place, make_place, python
from tests.clients.themes import fill
from tests.harness import Owner, RunningServer

VAULT_REFUSED = "HttpResponseError 403 Forbidden"
BLOB_REFUSED = "HttpResponseError 403 AuthorizationPermissionMismatch"
READ_SECRETS = ("get secret", "list secrets")
CHANGE_SECRETS = ("set secret", "delete secret")
READ_BLOBS = ("read blob", "list blobs")
CHANGE_BLOBS = ("write blob", "write blob in blocks", "delete blob", "delete container")


def running(place: Place, **environ: str) -> AbstractContextManager[Dialogue]:
    return place.talk(python("refusals.py"), **environ)


@pytest.fixture
def filled(place: Place) -> Place:
    fill(place)
    return place


def test_a_role_counts_from_the_next_request_to_the_last(filled: Place) -> None:
    owner = filled.owner
    with running(filled) as program:
        for action in (*READ_SECRETS, *CHANGE_SECRETS):
            assert program.tell(action) == VAULT_REFUSED, action
        for action in (*READ_BLOBS, *CHANGE_BLOBS):
            assert program.tell(action) == BLOB_REFUSED, action
        # whether a thing exists is told to those only who may read it
        assert program.tell("get absent secret") == VAULT_REFUSED
        assert program.tell("read absent blob") == BLOB_REFUSED
        assert program.tell("blob exists") == BLOB_REFUSED

        reader = filled.allow("Key Vault Secrets User", filled.vault_id)
        assert program.tell("get secret") == "done"
        assert program.tell("get absent secret") == "ResourceNotFoundError 404 SecretNotFound"
        for action in CHANGE_SECRETS:
            assert program.tell(action) == VAULT_REFUSED, action
        assert program.tell("read blob") == BLOB_REFUSED

        blob_reader = filled.allow("Storage Blob Data Reader", filled.account_id)
        for action in READ_BLOBS:
            assert program.tell(action) == "done", action
        assert program.tell("read absent blob") == "ResourceNotFoundError 404 BlobNotFound"
        for action in CHANGE_BLOBS:
            assert program.tell(action) == BLOB_REFUSED, action

        owner.arm("DELETE", reader)
        assert program.tell("get secret") == VAULT_REFUSED
        owner.arm("DELETE", blob_reader)
        assert program.tell("read blob") == BLOB_REFUSED

        filled.allow_all()
        assert [program.tell(action) for action in ("set secret", "write blob", "read blob")] == ["done"] * 3


def test_a_role_counts_at_its_scope_only(filled: Place) -> None:
    owner = filled.owner
    other = make_place(owner)
    fill(other)
    filled.allow("Key Vault Secrets Officer", f"{filled.vault_id}/secrets/other")
    containers = "blobServices/default/containers"
    owner.container(filled.name, "box2")
    filled.allow("Storage Blob Data Contributor", f"{filled.account_id}/{containers}/box2")
    filled.allow("Key Vault Secrets Officer", other.vault_id)
    filled.allow("Storage Blob Data Contributor", other.account_id)
    with running(filled) as program:
        assert program.tell("get secret") == VAULT_REFUSED
        assert program.tell("read blob") == BLOB_REFUSED
        filled.allow("Key Vault Secrets User", f"{filled.vault_id}/secrets/greeting")
        filled.allow("Storage Blob Data Reader", f"{filled.account_id}/{containers}/box")
        assert program.tell("get secret") == "done"
        assert program.tell("list secrets") == VAULT_REFUSED
        assert program.tell("read blob") == "done"


def test_access_policies_count_in_place_of_roles(filled: Place) -> None:
    owner, vault = filled.owner, filled.vault_id
    policy = {"tenantId": owner.server.instance.tenant, "objectId": filled.identity["principalId"]}

    def change(how: str, *secrets: str) -> None:
        item = policy | {"permissions": {"secrets": [*secrets]}}
        owner.arm("PUT", f"{vault}/accessPolicies/{how}", {"properties": {"accessPolicies": [item]}})

    with running(filled) as program:
        filled.allow("Key Vault Secrets Officer", vault)
        assert program.tell("get secret") == "done"
        owner.arm("PATCH", vault, {"properties": {"enableRbacAuthorization": False}})
        for action in (*READ_SECRETS, *CHANGE_SECRETS):
            assert program.tell(action) == VAULT_REFUSED, action
        change("add", "get")
        assert [program.tell(action) for action in READ_SECRETS] == ["done", VAULT_REFUSED]
        change("add", "list", "set", "delete")
        assert [program.tell(action) for action in (*READ_SECRETS, *CHANGE_SECRETS)] == ["done"] * 4
        owner.arm("PATCH", vault, {"properties": {"enableRbacAuthorization": True, "accessPolicies": []}})
        assert program.tell("list secrets") == "done"


def test_another_app_has_none_of_it(filled: Place) -> None:
    filled.allow_all()
    other = make_place(filled.owner)
    with running(other, VAULT_URL=filled.vault_url, ACCOUNT_URL=filled.account_url) as program:
        assert program.tell("get secret") == VAULT_REFUSED
        assert program.tell("read blob") == BLOB_REFUSED


def test_a_vaults_client_outlives_the_revocation_of_the_signing_key(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    place = make_place(owner)
    fill(place)
    place.allow_all()
    with running(place) as program:
        assert [program.tell(action) for action in ("get secret", "read blob")] == ["done", "done"]
        for _ in range(2):
            owner.revoke_keys()
            # the vault's challenge makes the client ask for another token, past its cache
            assert [program.tell(action) for action in ("get secret", "set secret")] == ["done", "done"]
        # the blob service knows no such challenge, so its client goes on with the token that it has
        assert program.tell("read blob") == "ClientAuthenticationError 401 InvalidAuthenticationInfo"
    with running(place) as program:
        assert program.tell("read blob") == "done"
    owner.close()


def test_a_deleted_identitys_token_counts_nowhere(filled: Place) -> None:
    filled.allow_all()
    with running(filled) as program:
        assert [program.tell(action) for action in ("get secret", "read blob")] == ["done", "done"]
        filled.owner.arm("DELETE", filled.identity["id"])
        assert program.tell("get secret").startswith(("ClientAuthenticationError 401", "HttpResponseError 401"))
        assert program.tell("read blob").startswith("ClientAuthenticationError 401")
