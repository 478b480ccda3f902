"""User delegation SAS as a way to authenticate: who passed on which of their rights, and to whom.

Owns the checks of a signature's fields against the request, the time and the directory. What it gives is less than
what its maker may do: the kernel asks for the maker's own roles at every request. Must not know what any operation
needs.

Source: Azure Storage REST API, "Create a user delegation SAS", "Authorize requests with SAS".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.http.kernel import bearer
from keyless.http.message import Request
from keyless.http.surface import Delegation
from keyless.model.access import Requirement
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.providers.storage.names import address
from keyless.providers.storage.sas import failed, signed_by, string_to_sign
from keyless.providers.storage.sas_rights import letters_for, overrides
from keyless.providers.storage.user_delegation_key import (
    MAX_SECONDS,
    SERVICE,
    DelegationKeys,
    KeyInfo,
    KeyTerms,
    read_time,
    write_time,
)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{1,1024}")
_PERMISSIONS = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True)
class SharedAccess:
    """Gives out keys, and takes the signatures that were made with them.

    `accounts` finds a storage account by its name, `principals` a principal by its ID; `authenticate` maps a token
    and a surface's name to a principal.
    """

    keys: DelegationKeys
    accounts: Callable[[str], Resource | None]
    principals: Callable[[str], Principal | None]
    authenticate: Callable[[str, str], Principal]
    clock: Clock
    tenant: str

    def issue(self, account: Resource, caller: Principal, asked: KeyInfo, version: str) -> tuple[KeyTerms, bytes]:
        """A key for the caller; raises INVALID when it is to live longer than seven days from now."""
        now = int(self.clock())
        start = now if asked.start is None else asked.start
        if not start < asked.expiry or not now < asked.expiry <= now + MAX_SECONDS or start < now - MAX_SECONDS:
            raise invalid("A user delegation key lives for at most seven days from now.", "InvalidXmlNodeValue")
        if asked.user_tenant and asked.user_tenant.lower() != self.tenant:
            raise invalid("DelegatedUserTid is not the tenant of this keyless.", "InvalidXmlNodeValue")
        terms = KeyTerms(
            caller.principal_id,
            self.tenant,
            write_time(start),
            write_time(asked.expiry),
            SERVICE,
            version,
            asked.user_tenant,
        )
        return terms, self.keys.derive(_identity(account), terms)

    def read(self, request: Request) -> Delegation | None:
        """What a request's signature passes on; None if it brings none. Raises FORBIDDEN for one that is no good."""
        query = request.query
        if "sig" not in query:
            return None
        if "skoid" not in query:
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "There are no account keys here: make the shared access signature with a user delegation key.",
                code="KeyBasedAuthenticationNotPermitted",
            )
        account = self.accounts(request.target.name)
        text = string_to_sign(request.target.name, address(request), query, request.headers)
        terms = _terms(query)
        # an account that is not there has no keys: the answer is that of a wrong signature
        key = self.keys.derive(_identity(account) if account else "", terms)
        if not signed_by(key, text, query["sig"]) or account is None:
            raise failed("its signature does not fit the request")
        return self._accept(request, terms)

    def _accept(self, request: Request, terms: KeyTerms) -> Delegation:
        """The rest of the checks: nothing here was changed since the maker signed it."""
        query, now = request.query, self.clock()
        if terms.service != SERVICE or terms.tenant != self.tenant:
            raise failed("its key is for another service or tenant")
        if not (_time(terms.start, "skt") <= now < _time(terms.expiry, "ske")):
            raise failed("its key is not valid at this time")
        if not now < _time(query.get("se", ""), "se") or (query.get("st") and now < _time(query["st"], "st")):
            raise failed("it is not valid at this time")
        if not _PERMISSIONS.fullmatch(query.get("sp", "")) or "si" in query:
            raise failed("it must state its permissions in sp, and no stored access policy")
        _check_optional(query)
        _check_origin(request)
        principal = self.principals(terms.principal_id)
        if principal is None:
            raise failed("the principal that made it has been deleted")
        return Delegation(principal, self._means(request), _withholds(query["sp"]))

    def _means(self, request: Request) -> str:
        """How the rights came here, for the audit log; a signature that is bound to a user needs that user's token."""
        user = request.query.get("sduoid", "")
        if not user:
            return "a user delegation SAS"
        try:
            holder = self.authenticate(bearer(request), "storage")
        except KeylessError as error:
            raise failed("it is bound to a user, whose token must come with it") from error
        if holder.principal_id != user.lower():
            raise failed("it is bound to another user than the token speaks for")
        return f"a user delegation SAS bound to {holder.display_name} (principal {holder.principal_id})"


def _identity(account: Resource) -> str:
    # another account of the same name was made at another time
    return f"{account.id.key} {account.created!r}"


def _terms(query: Mapping[str, str]) -> KeyTerms:
    names = ("skoid", "sktid", "skt", "ske", "sks", "skv", "skdutid")
    return KeyTerms(*(query.get(name, "") for name in names))


def _time(text: str, name: str) -> int:
    try:
        return read_time(text, name)
    except KeylessError as error:
        raise failed(f"its field {name} is no UTC time") from error


def _check_optional(query: Mapping[str, str]) -> None:
    # they become headers of the answer: a line's end in one would begin another
    if not all(_HEADER_VALUE.fullmatch(value) for value in overrides(query).values()):
        raise failed("a response header that it sets is not printable ASCII")
    if query.get("suoid"):
        raise failed("suoid needs access control lists, which only a hierarchical namespace has")
    if query.get("ses"):
        raise failed("encryption scopes are not supported")
    for name in ("saoid", "scid", "sduoid", "skdutid"):
        if query.get(name) and not _GUID.fullmatch(query[name]):
            raise failed(f"its field {name} is no GUID")


def _check_origin(request: Request) -> None:
    # every connection here is HTTPS
    if request.query.get("spr", "https") not in {"https", "https,http"}:
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            "The shared access signature is for another protocol than HTTPS.",
            code="AuthorizationProtocolMismatch",
        )
    if "sip" in request.query and not _within(request.peer, request.query["sip"]):
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            "The shared access signature is for other addresses than the request came from.",
            code="AuthorizationSourceIPMismatch",
        )


def _within(peer: str, addresses: str) -> bool:
    first, _, last = addresses.partition("-")
    try:
        return ipaddress.IPv4Address(first) <= ipaddress.IPv4Address(peer) <= ipaddress.IPv4Address(last or first)
    except ValueError:
        return False


def _withholds(held: str) -> Callable[[str, Requirement], str]:
    def withholds(operation: str, requirement: Requirement) -> str:
        letters = letters_for(operation, requirement)
        if set(letters) & set(held):
            return ""
        return f"Its permissions are {held!r}; {' or '.join(letters) or 'nothing that a signature can have'} is needed."

    return withholds
