"""azure-mgmt-msi on the federated credentials of an identity: make, read, change, list, delete."""

import os

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.msi import ManagedServiceIdentityClient

GROUP, IDENTITY, URL = (os.environ[name] for name in ("GROUP", "IDENTITY", "MANAGEMENT_URL"))
AUDIENCES = ["api://AzureADTokenExchange"]
WHOM = {"issuer": "https://issuer.example.com", "subject": "shop", "audiences": AUDIENCES}

with ManagedServiceIdentityClient(
    ManagedIdentityCredential(client_id=os.environ["CLIENT_ID"]),
    os.environ["SUBSCRIPTION"],
    base_url=URL,
    credential_scopes=["https://management.azure.com/.default"],
) as client:
    credentials = client.federated_identity_credentials
    made = credentials.create_or_update(GROUP, IDENTITY, "main", {"properties": WHOM})
    assert (made.name, made.issuer, made.subject, made.audiences) == ("main", *WHOM.values()), made
    assert made.type == "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
    assert credentials.get(GROUP, IDENTITY, "main").subject == "shop"
    changed = credentials.create_or_update(GROUP, IDENTITY, "main", {"properties": WHOM | {"subject": "other"}})
    assert changed.subject == "other"
    credentials.create_or_update(GROUP, IDENTITY, "second", {"properties": WHOM})
    assert [one.name for one in credentials.list(GROUP, IDENTITY)] == ["main", "second"]
    assert [one.name for one in credentials.list(GROUP, IDENTITY, top=1)] == ["main", "second"]
    try:
        credentials.create_or_update(GROUP, IDENTITY, "third", {"properties": WHOM})
    except HttpResponseError as error:
        assert error.error.code == "ConflictingFederatedIdentityCredential"
    else:
        raise AssertionError
    for _ in range(2):
        credentials.delete(GROUP, IDENTITY, "main")
    try:
        credentials.get(GROUP, IDENTITY, "main")
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceNotFound"
    else:
        raise AssertionError
print("ok")
