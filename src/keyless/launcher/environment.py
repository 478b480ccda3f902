"""The environment of the child process. A pure function of what was inherited and what the lease grants.

Who wins, from strong to weak: what makes identity, proxy and trust work (`PROTECTED`: always the launcher's); the
app's settings; what else the launcher sets (tenant, authority, client ID, kind of credential); what was inherited.
`JAVA_TOOL_OPTIONS` is added to, never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from keyless.launcher.jks import PASSWORD
from keyless.launcher.sources import ALL_SOURCES, LOOPBACK, METADATA_ADDRESS, SOURCES, Around, named_identity
from keyless.model.errors import invalid

#: Exactly these: clients match suffixes, so one name more could send keyless's own names past the proxy.
NO_PROXY = f"{LOOPBACK},{METADATA_ADDRESS}"

#: They name a credential that would be preferred to the managed identity, or another identity or authority.
REMOVED = frozenset(
    {
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_PASSWORD",
        "AZURE_REGIONAL_AUTHORITY_NAME",
        "AZURE_TENANT_ID",
        "AZURE_USERNAME",
    }
)
_PROXIES = frozenset({"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})
_TRUST = frozenset({"CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"})
_JAVA = "JAVA_TOOL_OPTIONS"

#: A setting of the app by one of these names, or by one of the proxies' in lower case, has no effect.
PROTECTED = _PROXIES | {name.lower() for name in _PROXIES} | _TRUST | ALL_SOURCES


class TrustFiles(NamedTuple):
    """Paths of the files that say whom to trust: all roots as PEM, the added ones as PEM, all as a Java key store."""

    bundle: str
    added: str
    java: str


def child_environment(
    inherited: Mapping[str, str], around: Around, *, proxy_port: int | None, trust: TrustFiles
) -> dict[str, str]:
    """Everything that the child's environment holds; raises `invalid` for a setting that none can hold.

    Without a proxy the child has none at all, not even the one that was inherited.
    """
    lease = around.lease
    settings = {name: value.reveal() for name, value in lease.settings.items() if name not in PROTECTED}
    for name, value in settings.items():
        if not name or "=" in name or "\0" in name + value or not _is_unicode(name + value):
            raise invalid(f"The setting {name!r} of app {lease.app} cannot be an environment variable: rename it.")
    named = named_identity(lease)
    return {
        **{name: value for name, value in inherited.items() if name not in REMOVED | PROTECTED},
        "AZURE_AUTHORITY_HOST": lease.authority,
        "AZURE_TENANT_ID": lease.tenant,
        # not "ManagedIdentityCredential": older versions refuse that, and some lose the client ID that they were given
        "AZURE_TOKEN_CREDENTIALS": "prod",
        **({"AZURE_CLIENT_ID": named} if named else {}),
        **settings,
        **SOURCES[lease.host](around),
        **(_proxies(inherited, proxy_port) if proxy_port else {}),
        "CURL_CA_BUNDLE": trust.bundle,
        "NODE_EXTRA_CA_CERTS": trust.added,
        "REQUESTS_CA_BUNDLE": trust.bundle,
        "SSL_CERT_FILE": trust.bundle,
        _JAVA: _java_options(settings.get(_JAVA, inherited.get(_JAVA, "")), proxy_port, trust.java),
    }


def _proxies(inherited: Mapping[str, str], port: int) -> dict[str, str]:
    proxy = f"http://{LOOPBACK}:{port}"
    wants_http_proxy = any(inherited.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"))
    return {
        **_both_cases("HTTPS_PROXY", proxy),
        **(_both_cases("HTTP_PROXY", proxy) if wants_http_proxy else {}),
        **_both_cases("NO_PROXY", NO_PROXY),
    }


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _both_cases(name: str, value: str) -> dict[str, str]:
    return {name: value, name.lower(): value}


def _java_options(former: str, proxy_port: int | None, trust_store: str) -> str:
    quoted = f'"{trust_store}"' if any(c.isspace() for c in trust_store) else trust_store
    proxy = (
        f"-Dhttps.proxyHost={LOOPBACK}",
        f"-Dhttps.proxyPort={proxy_port}",
        f"-Dhttp.nonProxyHosts={NO_PROXY.replace(',', '|')}",
    )
    options = (
        *(proxy if proxy_port else ()),
        f"-Djavax.net.ssl.trustStore={quoted}",
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
        "-Djavax.net.ssl.trustStoreType=JKS",
    )
    # of an option that is there twice Java takes the last
    return " ".join((former, *options)).strip()
