from __future__ import annotations

import hashlib

import pytest

from keyless.launcher.environment import PROTECTED, REMOVED, TrustFiles, child_environment
from keyless.launcher.lease import Address, Claims, Lease
from keyless.launcher.sources import ALL_SOURCES, CLOUD_SHELL_PORT, SOURCES, Around
from keyless.model.errors import KeylessError
from keyless.model.hosts import HOSTS
from keyless.model.secretstr import SecretStr

#: Any DER will do: a thumbprint is of bytes.
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
TRUST = TrustFiles("/t/roots.pem", "/t/added.pem", "/t/roots.jks")


def lease(settings: dict[str, str] | None = None, client_id: str = "the-client-id", host: str = "app-service") -> Lease:
    return Lease(
        id="lease-1",
        key=SecretStr("key"),
        header=SecretStr("header"),
        app="shop",
        host=host,
        tenant="the-tenant",
        client_id=client_id,
        default_client_id="the-default",
        settings={name: SecretStr(value) for name, value in (settings or {}).items()},
        server=Address("127.0.0.1", 8443),
        authority="https://login.keyless.localhost:8443",
        claims=Claims("keyless.localhost", ()),
        ca="",
        material=SecretStr(CERTIFICATE if host == "service-fabric" else ""),
    )


def environment(
    inherited: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    client_id: str = "the-client-id",
    trust: TrustFiles = TRUST,
    host: str = "app-service",
) -> dict[str, str]:
    around = Around(lease(settings, client_id, host), 1111, "/f")
    return child_environment(inherited or {}, around, proxy_port=2222, trust=trust)


def test_everything_that_is_set_where_nothing_was() -> None:
    assert environment() == {
        "AZURE_AUTHORITY_HOST": "https://login.keyless.localhost:8443",
        "AZURE_CLIENT_ID": "the-client-id",
        "AZURE_TENANT_ID": "the-tenant",
        "AZURE_TOKEN_CREDENTIALS": "prod",
        "CURL_CA_BUNDLE": "/t/roots.pem",
        "HTTPS_PROXY": "http://127.0.0.1:2222",
        "IDENTITY_ENDPOINT": "http://127.0.0.1:1111/msi/token",
        "IDENTITY_HEADER": "header",
        "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=2222 "
        "-Dhttp.nonProxyHosts=127.0.0.1|169.254.169.254 -Djavax.net.ssl.trustStore=/t/roots.jks "
        "-Djavax.net.ssl.trustStorePassword=changeit -Djavax.net.ssl.trustStoreType=JKS",
        "NODE_EXTRA_CA_CERTS": "/t/added.pem",
        "NO_PROXY": "127.0.0.1,169.254.169.254",
        "REQUESTS_CA_BUNDLE": "/t/roots.pem",
        "SSL_CERT_FILE": "/t/roots.pem",
        "https_proxy": "http://127.0.0.1:2222",
        "no_proxy": "127.0.0.1,169.254.169.254",
    }


def test_other_sources_of_tokens_and_other_credentials_are_removed() -> None:
    inherited = dict.fromkeys(REMOVED | ALL_SOURCES, "old") | {"PATH": "/bin", "KEYLESS_DATA": "/d"}
    result = environment(inherited, client_id="")
    assert "old" not in result.values()
    assert (result["PATH"], result["KEYLESS_DATA"]) == ("/bin", "/d")
    assert "AZURE_CLIENT_ID" not in result


def test_settings_win_over_what_is_inherited() -> None:
    result = environment({"A": "1", "B": "2"}, {"A": "x", "C": "y"})
    assert (result["A"], result["B"], result["C"]) == ("x", "2", "y")


@pytest.mark.parametrize(
    "name", ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_TOKEN_CREDENTIALS"]
)
def test_settings_win_over_what_is_a_default_of_the_launcher(name: str) -> None:
    assert environment({name: "old"}, {name: "of the app"})[name] == "of the app"


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_settings_cannot_take_away_identity_proxy_and_trust(name: str) -> None:
    assert environment({}, {name: "of the app"}) == environment()


def test_the_users_proxies_are_replaced_by_ours() -> None:
    user = {"https_proxy": "http://u", "NO_PROXY": ".corp", "ALL_PROXY": "http://u", "all_proxy": "http://u"}
    result = environment(user)
    assert "http://u" not in result.values()
    assert "ALL_PROXY" not in result
    assert "all_proxy" not in result
    assert result["no_proxy"] == result["NO_PROXY"] == "127.0.0.1,169.254.169.254"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_plain_http_is_proxied_for_those_who_had_that(name: str) -> None:
    result = environment({name: "http://u"})
    assert result["HTTP_PROXY"] == result["http_proxy"] == "http://127.0.0.1:2222"
    assert "HTTP_PROXY" not in environment({"HTTPS_PROXY": "http://u"})


def test_java_options_are_added_to_the_users_and_those_of_the_app_come_first() -> None:
    assert environment({"JAVA_TOOL_OPTIONS": "-Xmx1g"})["JAVA_TOOL_OPTIONS"].startswith("-Xmx1g -Dhttps.proxyHost=")
    result = environment({"JAVA_TOOL_OPTIONS": "-Xmx1g"}, {"JAVA_TOOL_OPTIONS": "-Xmx2g"})["JAVA_TOOL_OPTIONS"]
    assert result.startswith("-Xmx2g -Dhttps.proxyHost=")
    assert "-Xmx1g" not in result


def test_a_path_with_a_space_is_quoted_for_java() -> None:
    result = environment(trust=TrustFiles("/a b/r.pem", "/a b/a.pem", "/a b/r.jks"))
    assert '-Djavax.net.ssl.trustStore="/a b/r.jks" ' in result["JAVA_TOOL_OPTIONS"]


@pytest.mark.parametrize("setting", [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0"), ("A", "\udcff")])
def test_what_no_environment_can_hold_is_refused_without_showing_it(setting: tuple[str, str]) -> None:
    with pytest.raises(KeylessError, match="cannot be an environment variable"):
        environment({}, dict([setting]))


def test_a_lease_shows_no_secret() -> None:
    shown = repr(lease({"A": "of-the-vault"}))
    assert not any(secret in shown for secret in ("of-the-vault", "'header'", "'key'"))


#: What each host sets, and whether its programs are told whom to name.
OF_HOSTS = {
    "app-service": (
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:1111/msi/token", "IDENTITY_HEADER": "header"},
        "the-client-id",
    ),
    "app-service-2017": (
        {
            "MSI_ENDPOINT": "http://127.0.0.1:1111/msi/token",
            "MSI_SECRET": "header",
            "DEFAULT_IDENTITY_CLIENT_ID": "the-default",
        },
        "the-client-id",
    ),
    "cloud-shell": (
        {"MSI_ENDPOINT": "http://127.0.0.1:1111/oauth2/token"},
        None,
    ),
    "imds": (
        {
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1111",
            "ARM_MSI_ENDPOINT": "http://127.0.0.1:1111/metadata/identity/oauth2/token",
        },
        None,
    ),
    "arc": (
        {
            "IDENTITY_ENDPOINT": "http://127.0.0.1:1111/metadata/identity/oauth2/token",
            "IMDS_ENDPOINT": "http://127.0.0.1:1111",
        },
        None,
    ),
    "service-fabric": (
        {
            "IDENTITY_ENDPOINT": "https://127.0.0.1:1111/metadata/identity/oauth2/token",
            "IDENTITY_HEADER": "header",
            "IDENTITY_SERVER_THUMBPRINT": hashlib.sha1(bytes.fromhex("3003020101")).hexdigest().upper(),
        },
        None,
    ),
    "workload-identity": ({"AZURE_FEDERATED_TOKEN_FILE": "/f/federated-token"}, "the-default"),
}


@pytest.mark.parametrize("host", HOSTS)
def test_each_host_has_its_own_variables_and_no_other_hosts(host: str) -> None:
    variables, named = OF_HOSTS[host]
    left_over = dict.fromkeys(ALL_SOURCES | {"AZURE_CLIENT_ID"}, "old")
    result = environment(left_over, dict.fromkeys(ALL_SOURCES, "of the app"), host=host)
    assert {name: value for name, value in result.items() if name in ALL_SOURCES} == variables
    assert result.get("AZURE_CLIENT_ID") == named
    assert result["NO_PROXY"] == result["no_proxy"] == "127.0.0.1,169.254.169.254"


def test_cloud_shell_at_its_own_port_is_known_to_those_who_have_that_written_down() -> None:
    result = SOURCES["cloud-shell"](Around(lease(host="cloud-shell"), CLOUD_SHELL_PORT, "/f"))
    assert result == {
        "MSI_ENDPOINT": "http://127.0.0.1:50342/oauth2/token",
        "AZUREPS_HOST_ENVIRONMENT": "cloud-shell/1.0",
        "ACC_CLOUD": "PROD",
    }
    assert result.keys() <= ALL_SOURCES


def test_an_app_that_has_no_identity_to_name_names_none() -> None:
    around = Around(lease(host="app-service-2017")._replace(default_client_id=""), 1111, "/f")
    assert "DEFAULT_IDENTITY_CLIENT_ID" not in child_environment({}, around, proxy_port=2222, trust=TRUST)
    around = Around(lease(host="workload-identity")._replace(default_client_id=""), 1111, "/f")
    assert "AZURE_CLIENT_ID" not in child_environment({}, around, proxy_port=2222, trust=TRUST)
