"""What a program in the shape of a virtual machine can read about its machine. Pure.

Owns the document. It says where the app is, in the fields that clients and scripts read; there is no hardware behind
it, and what is not known is left empty, as the service itself does.

Source: "Azure Instance Metadata Service", instance metadata, api-version 2021-02-01.
"""

from __future__ import annotations

from typing import TypeAlias

from keyless.model.resource import Resource

Document: TypeAlias = "str | list[Document] | dict[str, Document]"


def instance_metadata(app: Resource, instance: str) -> dict[str, Document]:
    """The whole document; `instance` is the ID of the running instance."""
    segments = app.id.segments
    named = dict(zip((name.lower() for name in segments[::2]), segments[1::2], strict=False))
    compute: dict[str, Document] = {
        "azEnvironment": "AzurePublicCloud",
        "location": app.location,
        "name": app.name,
        "osType": "Linux",
        "provider": "Microsoft.Compute",
        "resourceGroupName": named.get("resourcegroups", ""),
        "resourceId": str(app.id),
        "subscriptionId": named.get("subscriptions", ""),
        "tags": ";".join(f"{name}:{value}" for name, value in app.tags.items()),
        "tagsList": [{"name": name, "value": value} for name, value in app.tags.items()],
        "vmId": instance,
        "vmScaleSetName": "",
        "zone": "",
    }
    return {"compute": compute, "network": {"interface": []}}


def find(document: Document, path: list[str]) -> Document | None:
    """What lies at `path`, whose names may be in any case; None if nothing does."""
    for name in path:
        if isinstance(document, dict):
            found = next((value for key, value in document.items() if key.lower() == name.lower()), None)
        elif isinstance(document, list) and name.isdecimal() and name.isascii() and int(name[:6]) < len(document):
            found = document[int(name[:6])]
        else:
            found = None
        if found is None:
            return None
        document = found
    return document
