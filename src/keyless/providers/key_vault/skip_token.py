"""Skip tokens: where the next page of a list begins.

Owns their form: the position, sealed for one list of one vault and written in URL-safe base64, because some
clients quote the link's parameters again. A token that was altered, or taken to another list, does not open.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec

from keyless.model.errors import KeylessError, invalid
from keyless.providers.key_vault.errors import BAD_PARAMETER
from keyless.store.sealing import Sealer

#: The values of a list's sort columns in the last item of a page.
Position = Sequence[int | str]

_MAX_LENGTH = 1024


def write_skip_token(sealer: Sealer, listing: str, position: Position) -> str:
    """The token for a `position` in the list of that name."""
    sealed = sealer.seal(msgspec.json.encode(position), context=_context(listing))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def read_skip_token(sealer: Sealer, listing: str, token: str) -> Position:
    """The position that a token of this list holds; INVALID for anything that this server did not write for it."""
    try:
        if len(token) > _MAX_LENGTH:
            raise ValueError
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        # the last character has bits to spare: only one spelling of a token is the token
        if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != token:
            raise ValueError
        position = sealer.unseal(sealed, context=_context(listing))
    except (ValueError, KeylessError):
        raise invalid("The $skiptoken is not one of this list: begin again without it.", BAD_PARAMETER) from None
    return msgspec.json.decode(position, type=list[int | str])


def _context(listing: str) -> bytes:
    return b"key_vault skip token " + listing.encode()
