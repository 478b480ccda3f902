"""Authorities, leaves, the folder and the context; clients of other languages are in `test_tls_clients.py`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyless.http.tls import CertifiedKey, TlsStore, new_authority, new_leaf
from keyless.model.clouds import claimed_names
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from keyless.store.private_file import write_private

DOMAIN = "keyless.localhost"
PASSWORD = SecretStr("k" * 44)
OWN_DNS, OWN_IP = (DOMAIN, "localhost"), ("127.0.0.0/8", "::1/128")
CLOUD_DNS = tuple(name.removeprefix("*.") for name in claimed_names())
DAY = 86_400.0


class Clock:
    """Starts at the real time, because the verifiers know no other; moves when told."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_store(
    folder: Path,
    clock: Clock,
    *,
    domain: str = DOMAIN,
    claimed: tuple[str, ...] = claimed_names(),
    password: SecretStr = PASSWORD,
    write: Callable[[Path, bytes], None] = write_private,
) -> TlsStore:
    return TlsStore(folder, password, domain, claimed, clock, write=write)


class FullAfter:
    """A disk on which a few more files fit."""

    def __init__(self, files: int) -> None:
        self.files = files

    def __call__(self, path: Path, data: bytes) -> None:
        if self.files == 0:
            raise OSError(28, "No space left on device")
        self.files -= 1
        write_private(path, data)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> TlsStore:
    store = make_store(tmp_path, clock)
    store.ensure()
    return store


def client(ca: str | bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca if isinstance(ca, str) else ca.decode())


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """A handshake in memory; the client's end of it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = client.wrap_bio(to_client, to_server, server_hostname=host)
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client_end, server_end):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_end.version() is not None
    return client_end


def serial(end: ssl.SSLObject) -> str:
    certificate = end.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def context_of(leaf: CertifiedKey, folder: Path) -> ssl.SSLContext:
    file = folder / "leaf.pem"
    file.write_bytes(leaf.cert_pem + leaf.key_pem(PASSWORD))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, password=PASSWORD.reveal())
    return context


class TestCertificates:
    @pytest.mark.parametrize("permitted_ip", [OWN_IP, ()])
    def test_authority(self, clock: Clock, permitted_ip: tuple[str, ...]) -> None:
        certificate = new_authority("test", OWN_DNS, permitted_ip, clock).certificate
        extensions = {type(extension.value): extension for extension in certificate.extensions}
        constraints = extensions[x509.NameConstraints]
        basic = extensions[x509.BasicConstraints]
        usage = extensions[x509.KeyUsage]
        assert constraints.critical
        assert basic.critical
        assert usage.critical
        assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
        assert isinstance(constraints.value, x509.NameConstraints)
        excluded = [str(name.value) for name in constraints.value.excluded_subtrees or []]
        assert excluded == ([] if permitted_ip else ["0.0.0.0/0", "::/0"])
        assert isinstance(usage.value, x509.KeyUsage)
        assert usage.value.key_cert_sign
        assert usage.value.crl_sign
        assert not usage.value.digital_signature
        assert {x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier} <= set(extensions)
        assert certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=3650)

    def test_leaf(self, clock: Clock) -> None:
        authority = new_authority("test", OWN_DNS, OWN_IP, clock)
        certificate = new_leaf(authority, [DOMAIN], ["::1"], clock).certificate
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
        begin = datetime.fromtimestamp(int(clock()), UTC)
        assert certificate.not_valid_before_utc == begin - timedelta(hours=1)
        assert certificate.not_valid_after_utc == begin + timedelta(days=90)

    def test_a_leaf_does_not_outlive_its_authority(self, clock: Clock) -> None:
        authority = new_authority("test", OWN_DNS, OWN_IP, clock)
        clock.now += 3650 * DAY
        leaf = new_leaf(authority, [DOMAIN], [], clock)
        assert leaf.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc

    def test_two_authorities_have_two_subjects(self, clock: Clock) -> None:
        subjects = {
            new_authority("test", OWN_DNS, OWN_IP, clock).certificate.subject.rfc4514_string() for _ in range(2)
        }
        assert len(subjects) == 2

    @pytest.mark.parametrize(
        ("permitted_dns", "permitted_ip", "host"),
        [
            (OWN_DNS, OWN_IP, "www.example.com"),
            (OWN_DNS, OWN_IP, "login.microsoftonline.com"),
            (OWN_DNS, OWN_IP, "10.0.0.1"),
            (OWN_DNS, OWN_IP, "evilkeyless.localhost.example"),
            (CLOUD_DNS, (), "www.example.com"),
            (CLOUD_DNS, (), "graph.windows.net"),
            (CLOUD_DNS, (), "127.0.0.1"),
            (CLOUD_DNS, (), "::1"),
        ],
    )
    def test_an_authority_cannot_vouch_beyond_its_names(
        self,
        tmp_path: Path,
        clock: Clock,
        permitted_dns: tuple[str, ...],
        permitted_ip: tuple[str, ...],
        host: str,
    ) -> None:
        authority = new_authority("test", permitted_dns, permitted_ip, clock)
        is_address = host[0].isdigit() or ":" in host
        leaf = new_leaf(authority, [] if is_address else [host], [host] if is_address else [], clock)
        with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
            shake_hands(context_of(leaf, tmp_path), client(authority.cert_pem), host)

    def test_an_authority_cannot_make_another(self, clock: Clock, tmp_path: Path) -> None:
        authority = new_authority("test", OWN_DNS, OWN_IP, clock)
        leaf = new_leaf(authority, [DOMAIN], [], clock)
        below = new_leaf(leaf, [DOMAIN], [], clock)
        context = context_of(CertifiedKey(below.certificate, below.key), tmp_path)
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(context, client(authority.cert_pem + leaf.cert_pem), DOMAIN)


class TestServing:
    @pytest.mark.parametrize(
        "host",
        [
            "localhost",
            "127.0.0.1",
            "::1",
            DOMAIN,
            f"login.{DOMAIN}",
            f"portal.{DOMAIN}",
            f"shop.vault.{DOMAIN}",
            f"shop.blob.{DOMAIN}",
        ],
    )
    def test_own_names(self, store: TlsStore, host: str) -> None:
        end = shake_hands(store.server_context(), client(store.own_ca_pem), host)
        assert end.version() == "TLSv1.3"

    @pytest.mark.parametrize("name", claimed_names())
    def test_claimed_names(self, store: TlsStore, name: str) -> None:
        shake_hands(store.server_context(), client(store.cloud_ca_pem), name.replace("*", "shop"))

    def test_neither_authority_vouches_for_the_others_names(self, store: TlsStore) -> None:
        context = store.server_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(context, client(store.own_ca_pem), "login.microsoftonline.com")
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(context, client(store.cloud_ca_pem), DOMAIN)

    def test_http_1_is_negotiated_on_both(self, store: TlsStore) -> None:
        context = store.server_context()
        for ca, host in ((store.own_ca_pem, DOMAIN), (store.cloud_ca_pem, "management.azure.com")):
            side = client(ca)
            side.set_alpn_protocols(["h2", "http/1.1"])
            assert shake_hands(context, side, host).selected_alpn_protocol() == "http/1.1"

    def test_old_protocols_are_refused(self, store: TlsStore) -> None:
        side = client(store.own_ca_pem)
        side.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
            side.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            side.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
            shake_hands(store.server_context(), side, DOMAIN)
        side.maximum_version = ssl.TLSVersion.TLSv1_2
        assert shake_hands(store.server_context(), side, DOMAIN).version() == "TLSv1.2"

    def test_no_claimed_names_no_cloud_authority(self, tmp_path: Path, clock: Clock) -> None:
        store = make_store(tmp_path, clock, claimed=())
        store.ensure()
        assert store.cloud_ca_pem == ""
        assert {path.name for path in tmp_path.iterdir()} == {"own-ca.pem", "own-ca-key.pem", "own-leaf.pem"}
        shake_hands(store.server_context(), client(store.own_ca_pem), DOMAIN)

    def test_reload_reaches_the_living_context(self, tmp_path: Path, clock: Clock) -> None:
        clock.now -= 61 * DAY
        store = make_store(tmp_path, clock)
        store.ensure()
        context = store.server_context()
        hosts = ((store.own_ca_pem, DOMAIN), (store.cloud_ca_pem, "sts.windows.net"))

        def serials() -> list[str]:
            return [serial(shake_hands(context, client(ca), host)) for ca, host in hosts]

        old = serials()
        clock.now += 61 * DAY
        store.ensure()
        assert serials() == old
        store.reload()
        assert not set(serials()) & set(old)


class TestFolder:
    def test_nothing_is_readable_by_others_or_in_the_clear(self, store: TlsStore, tmp_path: Path) -> None:
        files = {path.name: path for path in tmp_path.iterdir()}
        assert set(files) == {f"{stem}-{what}.pem" for stem in ("own", "cloud") for what in ("ca", "ca-key", "leaf")}
        for path in files.values():
            assert path.stat().st_mode & 0o777 == 0o600
            assert b"BEGIN PRIVATE KEY" not in path.read_bytes()
            assert b"BEGIN EC PRIVATE KEY" not in path.read_bytes()
        assert all(
            b"BEGIN ENCRYPTED PRIVATE KEY" in files[f"{stem}-leaf.pem"].read_bytes() for stem in ("own", "cloud")
        )
        assert b"PRIVATE KEY" not in files["own-ca.pem"].read_bytes()
        assert files["own-ca.pem"].read_text() == store.own_ca_pem

    def test_a_second_start_changes_nothing(self, store: TlsStore, tmp_path: Path, clock: Clock) -> None:
        before = contents(tmp_path)
        again = make_store(tmp_path, clock)
        again.ensure()
        assert contents(tmp_path) == before
        assert again.own_ca_pem == store.own_ca_pem

    def test_leaves_are_renewed_in_their_last_third(self, store: TlsStore, tmp_path: Path, clock: Clock) -> None:
        before = contents(tmp_path)
        clock.now += 59 * DAY
        assert not store.needs_renewal()
        store.ensure()
        assert contents(tmp_path) == before
        clock.now += 2 * DAY
        assert store.needs_renewal()
        store.ensure()
        assert not store.needs_renewal()
        assert changed(before, contents(tmp_path)) == {"own-leaf.pem", "cloud-leaf.pem"}

    def test_a_leaf_from_the_future_is_renewed(self, store: TlsStore, tmp_path: Path, clock: Clock) -> None:
        before = contents(tmp_path)
        (tmp_path / "own-leaf.pem").unlink()
        clock.now += 30 * DAY
        store.ensure()
        clock.now -= 30 * DAY
        assert store.needs_renewal()
        store.ensure()
        assert not store.needs_renewal()
        assert changed(before, contents(tmp_path)) == {"own-leaf.pem"}

    def test_a_lost_leaf_is_made_anew(self, store: TlsStore, tmp_path: Path) -> None:
        before = contents(tmp_path)
        (tmp_path / "cloud-leaf.pem").unlink()
        store.ensure()
        assert changed(before, contents(tmp_path)) == {"cloud-leaf.pem"}

    def test_a_crash_between_key_and_certificate(self, store: TlsStore, tmp_path: Path) -> None:
        (tmp_path / "own-ca.pem").unlink()
        store.ensure()
        shake_hands(store.server_context(), client(store.own_ca_pem), DOMAIN)

    def test_a_failing_disk_leaves_a_folder_that_heals(self, tmp_path: Path, clock: Clock) -> None:
        for count in range(6):
            folder = tmp_path / str(count)
            with pytest.raises(OSError, match="No space"):
                make_store(folder, clock, write=FullAfter(count)).ensure()
            store = make_store(folder, clock)
            store.ensure()
            shake_hands(store.server_context(), client(store.own_ca_pem), DOMAIN)

    def test_a_disk_that_fails_while_an_authority_is_replaced(
        self, store: TlsStore, tmp_path: Path, clock: Clock
    ) -> None:
        claimed = ("login.microsoftonline.com",)
        for count in range(3):
            with pytest.raises(OSError, match="No space"):
                make_store(tmp_path, clock, claimed=claimed, write=FullAfter(count)).ensure()
            healed = make_store(tmp_path, clock, claimed=claimed)
            healed.ensure()
            shake_hands(healed.server_context(), client(healed.cloud_ca_pem), claimed[0])
            store.ensure()

    def test_another_claim_replaces_the_cloud_authority_only(
        self, store: TlsStore, tmp_path: Path, clock: Clock
    ) -> None:
        before = contents(tmp_path)
        other = make_store(tmp_path, clock, claimed=("login.microsoftonline.com",))
        other.ensure()
        assert changed(before, contents(tmp_path)) == {"cloud-ca.pem", "cloud-ca-key.pem", "cloud-leaf.pem"}
        shake_hands(other.server_context(), client(other.cloud_ca_pem), "login.microsoftonline.com")

    def test_another_domain_does_not_replace_what_people_trust(
        self, store: TlsStore, tmp_path: Path, clock: Clock
    ) -> None:
        before = contents(tmp_path)
        with pytest.raises(KeylessError, match=r"own-ca\.pem was made for other names.*give the new one") as error:
            make_store(tmp_path, clock, domain="keys.example.com").ensure()
        assert error.value.kind is ErrorKind.CONFLICT
        assert contents(tmp_path) == before

    @pytest.mark.parametrize("days", [-10, 4000])
    def test_a_clock_outside_of_the_authoritys_life(
        self, store: TlsStore, tmp_path: Path, clock: Clock, days: int
    ) -> None:
        clock.now += days * DAY
        with pytest.raises(KeylessError, match=r"own-ca\.pem is not valid at this machine's time"):
            store.ensure()
        assert store.needs_renewal()

    @pytest.mark.parametrize(
        "name", ["own-ca.pem", "own-ca-key.pem", "own-leaf.pem", "cloud-ca.pem", "cloud-ca-key.pem", "cloud-leaf.pem"]
    )
    @pytest.mark.parametrize("damage", ["emptied", "cut", "noise", "another", "huge"])
    def test_a_damaged_file_is_named(self, store: TlsStore, tmp_path: Path, name: str, damage: str) -> None:
        path = tmp_path / name
        data = path.read_bytes()
        path.write_bytes(
            {
                "emptied": b"",
                "cut": data[:100],
                "noise": os.urandom(500),
                "another": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "huge": b"x" * 100_000,
            }[damage]
        )
        with pytest.raises(KeylessError, match="restore it from a backup, or delete") as error:
            store.ensure()
        assert str(path) in error.value.message

    def test_doing_what_the_error_says_helps(self, store: TlsStore, tmp_path: Path) -> None:
        (tmp_path / "own-ca-key.pem").unlink()
        with pytest.raises(KeylessError, match=r"own-ca-key\.pem is missing.*or delete .*own-ca\.pem and start"):
            store.ensure()
        (tmp_path / "own-ca.pem").unlink()
        store.ensure()
        shake_hands(store.server_context(), client(store.own_ca_pem), DOMAIN)

    def test_keys_of_another_pair(self, store: TlsStore, tmp_path: Path) -> None:
        (tmp_path / "own-ca-key.pem").write_bytes((tmp_path / "cloud-ca-key.pem").read_bytes())
        with pytest.raises(KeylessError, match=r"own-ca-key\.pem is missing, damaged"):
            store.ensure()

    def test_another_password(self, store: TlsStore, tmp_path: Path, clock: Clock) -> None:
        before = contents(tmp_path)
        with pytest.raises(KeylessError, match="under another master key"):
            make_store(tmp_path, clock, password=SecretStr("other")).ensure()
        assert contents(tmp_path) == before

    def test_a_leaf_that_went_before_reload(self, store: TlsStore, tmp_path: Path) -> None:
        (tmp_path / "own-leaf.pem").unlink()
        with pytest.raises(KeylessError, match=r"own-leaf\.pem is missing"):
            store.reload()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
