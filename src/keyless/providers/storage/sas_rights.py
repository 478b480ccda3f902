"""What the permissions of a shared access signature (`sp`) are good for, and the headers that it replaces.

Owns the map from actions to letters. An action that is not here is beyond every signature. Pure.

Source: Azure Storage REST API, "Create a user delegation SAS": "Specify permissions", "Override response headers".
"""

from __future__ import annotations

from collections.abc import Mapping

from keyless.model.access import Requirement

_BLOBS = "microsoft.storage/storageaccounts/blobservices/containers/blobs"
_LETTERS = {
    f"{_BLOBS}/read": "r",
    f"{_BLOBS}/write": "w",
    # stands where creating something is enough
    f"{_BLOBS}/add/action": "c",
    f"{_BLOBS}/delete": "d",
    f"{_BLOBS}/deleteblobversion/action": "x",
    f"{_BLOBS}/permanentdelete/action": "y",
    f"{_BLOBS}/move/action": "m",
    f"{_BLOBS}/tags/read": "t",
    f"{_BLOBS}/tags/write": "t",
    f"{_BLOBS}/filter/action": "f",
    f"{_BLOBS}/immutablestorage/runassuperuser/action": "i",
}
#: Operations whose reading is listing, and those whose adding is to a blob that is there.
_LISTS = frozenset({"ListBlobs"})
_APPENDS = frozenset({"AppendBlock", "AppendBlockFromURL"})
_OVERRIDES = {
    "rscc": "Cache-Control",
    "rscd": "Content-Disposition",
    "rsce": "Content-Encoding",
    "rscl": "Content-Language",
    "rsct": "Content-Type",
}


def letters_for(operation: str, requirement: Requirement) -> str:
    """The letters any one of which does for a requirement of an operation; none if no signature reaches so far."""
    letters = "".join(_LETTERS.get(permission.action.lower(), "") for permission in requirement.any_of)
    if operation in _APPENDS:
        return letters.replace("c", "a")
    return letters.replace("r", "l") if operation in _LISTS else letters


def overrides(query: Mapping[str, str]) -> dict[str, str]:
    """The response headers that a signature asks for."""
    return {header: query[name] for name, header in _OVERRIDES.items() if query.get(name)}
