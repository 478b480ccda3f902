"""What clients and relying parties learn about the token authority without a token.

Owns the documents: instance discovery, OpenID configuration, the key set. Pure. The issuer is one, whatever name
the authority was asked under; the endpoints are those of that name, so that a client stays where it is.

Source: OpenID Connect Discovery 1.0, section 3; RFC 7517, section 5; MSAL's instance discovery (api-version 1.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def openid_configuration(
    base: str, browser_base: str, tenant: str, issuer: str, grants: Sequence[str]
) -> dict[str, object]:
    """The configuration as the authority at `base` (`https://host:port`) shows it.

    `browser_base` is the authority's own name: a person's browser would look for a cloud's name in the cloud.
    """
    root, pages = f"{base}/{tenant}", f"{browser_base}/{tenant}"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{pages}/oauth2/v2.0/authorize",
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
        "end_session_endpoint": f"{pages}/oauth2/v2.0/logout",
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
        "grant_types_supported": list(grants),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "claims_supported": ["aud", "exp", "iat", "iss", "nbf", "oid", "sub", "tid"],
    }


def instance_discovery(authorization_endpoint: str, authority: str) -> dict[str, object] | None:
    """The answer to "is this authority to be trusted?", or None where the endpoint's URL makes no sense."""
    try:
        parts = urlsplit(authorization_endpoint)
    except ValueError:
        return None
    tenant = parts.path.strip("/").split("/")[0]
    if parts.scheme != "https" or not parts.hostname or not tenant:
        return None
    return {
        "tenant_discovery_endpoint": f"https://{authority}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": authority, "preferred_cache": authority, "aliases": [authority]}],
    }


def key_set(keys: Sequence[dict[str, str]]) -> dict[str, object]:
    """The public keys."""
    return {"keys": list(keys)}
