"""The `tls/` folder of the data folder, and the context that serves from it.

Owns the files, their renewal, and which certificate a connection gets. Must not know how a password is
derived nor how a file is written safely: both are handed to it. `ensure` and `reload` block on the disk.

    own-ca.pem      own-ca-key.pem      own-leaf.pem      the domain, localhost, loopback addresses
    cloud-ca.pem    cloud-ca-key.pem    cloud-leaf.pem    the claimed names of the public clouds

Private keys are encrypted in every one of them. A leaf and its key share a file, so that no crash parts them.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from keyless.http.tls.certificates import (
    CertifiedKey,
    is_constrained_to,
    is_leaf_for,
    new_authority,
    new_leaf,
    read_certificate,
    read_key,
)
from keyless.model.clock import Clock
from keyless.model.clouds import covers
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr

#: Puts bytes into a file that only its owner can read, whole or not at all.
WritePrivate = Callable[[Path, bytes], None]

#: How long the certificate of a launched process lasts.
PROCESS_LIFE = timedelta(days=1826)

_RENEW_BELOW = 1 / 3
_MAX_FILE_BYTES = 64 * 1024
_LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
_LOOPBACK = ("127.0.0.1", "::1")


class Spoken(NamedTuple):
    """What is spoken within TLS: its name in ALPN, "" where that is not used, and the latest version it can do."""

    protocol: str
    latest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED


HTTPS = Spoken("http/1.1")


class TlsStore:
    """Both authorities and their leaves. Call `ensure` first."""

    def __init__(
        self,
        folder: Path,
        password: SecretStr,
        domain: str,
        claimed: Sequence[str],
        clock: Clock,
        *,
        write: WritePrivate,
    ) -> None:
        """`claimed` are the clouds' names as `clouds.claimed_names()` gives them; with none, no cloud authority."""
        self._claimed = tuple(claimed)
        self._clock = clock
        self._own = _Chain(
            folder,
            "own",
            password,
            clock,
            write,
            permitted_dns=(domain, "localhost"),
            permitted_ip=_LOOPBACK_NETWORKS,
            names=(domain, f"*.{domain}", f"*.vault.{domain}", f"*.blob.{domain}", f"*.database.{domain}", "localhost"),
            ips=_LOOPBACK,
        )
        self._cloud = _Chain(
            folder,
            "cloud",
            password,
            clock,
            write,
            permitted_dns=tuple(name.removeprefix("*.") for name in self._claimed),
            permitted_ip=(),
            names=self._claimed,
            ips=(),
            replaceable=True,
        )
        self._chains = (self._own, self._cloud) if self._claimed else (self._own,)
        self._contexts: dict[Spoken, dict[str, ssl.SSLContext]] = {HTTPS: {}}

    def ensure(self) -> None:
        """Make what is missing, renew what has less than a third of its life left.

        Raises KeylessError that names the file if one is damaged, or if the own-names authority, which people
        have put into their systems' stores, does not fit any more.
        """
        for chain in self._chains:
            chain.ensure()

    def needs_renewal(self) -> bool:
        """Whether `ensure` and `reload` are due. Quick."""
        return any(chain.needs_renewal() for chain in self._chains)

    @property
    def own_ca_pem(self) -> str:
        """The certificate of the own-names authority."""
        return self._own.authority.cert_pem.decode("ascii")

    @property
    def cloud_ca_pem(self) -> str:
        """The certificate of the cloud-names authority; "" where no name is claimed."""
        return self._cloud.authority.cert_pem.decode("ascii") if self._claimed else ""

    def loopback_leaf(self) -> SecretStr:
        """A new certificate for this machine's loopback addresses, with its key, for the life of one process: as PEM.

        It is kept nowhere. It may have to last longer than the server's own, because nobody can renew it.
        """
        return new_leaf(self._own.authority, ["localhost"], _LOOPBACK, self._clock, PROCESS_LIFE).clear_pem()

    def server_context(self, spoken: Spoken = HTTPS) -> ssl.SSLContext:
        """A context to serve with, from TLS 1.2 on; stays good over every `reload`."""
        self._contexts[spoken] = self._load(spoken)
        front = self._own.context(spoken)
        front.sni_callback = partial(self._choose, spoken)
        return front

    def reload(self) -> None:
        """Serve new connections with the certificates that are in the folder now."""
        self._contexts = {spoken: self._load(spoken) for spoken in self._contexts}

    def _load(self, spoken: Spoken) -> dict[str, ssl.SSLContext]:
        return {chain.stem: chain.context(spoken) for chain in self._chains}

    def _choose(self, spoken: Spoken, connection: ssl.SSLObject, host: str | None, _front: ssl.SSLContext) -> None:
        stem = "cloud" if host and covers(self._claimed, host) else "own"
        connection.context = self._contexts[spoken][stem]


class _Chain:
    """One authority, its leaf, and their three files."""

    def __init__(
        self,
        folder: Path,
        stem: str,
        password: SecretStr,
        clock: Clock,
        write: WritePrivate,
        *,
        permitted_dns: Sequence[str],
        permitted_ip: Sequence[str],
        names: Sequence[str],
        ips: Sequence[str],
        replaceable: bool = False,
    ) -> None:
        self.stem = stem
        self._authority_file = folder / f"{stem}-ca.pem"
        self._authority_key_file = folder / f"{stem}-ca-key.pem"
        self._leaf_file = folder / f"{stem}-leaf.pem"
        self._password = password
        self._clock = clock
        self._write = write
        self._permitted_dns = permitted_dns
        self._permitted_ip = permitted_ip
        self._names = names
        self._ips = ips
        self._replaceable = replaceable
        self._authority: CertifiedKey | None = None
        self._leaf: CertifiedKey | None = None

    @property
    def authority(self) -> CertifiedKey:
        assert self._authority is not None, "ensure() comes first"
        return self._authority

    def ensure(self) -> None:
        self._authority = self._read_authority() or self._make_authority()
        leaf = self._read_pair(self._leaf_file, self._leaf_file)
        if leaf is None or self._is_stale(leaf) or not is_leaf_for(leaf, self._authority, self._names, self._ips):
            leaf = new_leaf(self._authority, self._names, self._ips, self._clock)
            self._write(self._leaf_file, leaf.cert_pem + leaf.key_pem(self._password))
        self._leaf = leaf

    def needs_renewal(self) -> bool:
        return self._leaf is None or self._is_stale(self._leaf)

    def context(self, spoken: Spoken) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = spoken.latest
        if spoken.protocol:
            context.set_alpn_protocols([spoken.protocol])
        try:
            context.load_cert_chain(self._leaf_file, password=self._password.reveal())
        except (OSError, ssl.SSLError):
            raise _damaged(self._leaf_file, delete=self._leaf_file) from None
        return context

    def _is_stale(self, leaf: CertifiedKey) -> bool:
        now = self._clock()
        return not leaf.valid_at(now) or leaf.life_left(now) < _RENEW_BELOW

    def _read_authority(self) -> CertifiedKey | None:
        authority = self._read_pair(self._authority_file, self._authority_key_file)
        if authority is None:
            return None
        if not is_constrained_to(authority, self._permitted_dns, self._permitted_ip):
            problem = "was made for other names"
        elif not authority.valid_at(self._clock()):
            problem = "is not valid at this machine's time"
        else:
            return authority
        if self._replaceable:
            return None
        raise KeylessError(
            ErrorKind.CONFLICT,
            f"The certificate {self._authority_file} {problem}: correct the domain or the clock,"
            " or delete the file, start again, and give the new one to whoever trusted the old one.",
        )

    def _make_authority(self) -> CertifiedKey:
        authority = new_authority(f"keyless {self.stem} names", self._permitted_dns, self._permitted_ip, self._clock)
        # The certificate goes first and comes last: without it the pair counts as missing, whatever a crash left.
        self._authority_file.unlink(missing_ok=True)
        self._write(self._authority_key_file, authority.key_pem(self._password))
        self._write(self._authority_file, authority.cert_pem)
        return authority

    def _read_pair(self, certificate_file: Path, key_file: Path) -> CertifiedKey | None:
        certificate_pem = _read(certificate_file)
        if certificate_pem is None:
            return None
        certificate = read_certificate(certificate_pem)
        if certificate is None:
            raise _damaged(certificate_file, delete=certificate_file)
        key = read_key(_read(key_file) or b"", self._password)
        if key is None or not (pair := CertifiedKey(certificate, key)).is_pair():
            raise _damaged(key_file, delete=certificate_file)
        return pair


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeylessError(
            ErrorKind.INTERNAL, f"{path} cannot be read ({error.strerror}): check its owner and mode."
        ) from None


def _damaged(path: Path, *, delete: Path) -> KeylessError:
    return KeylessError(
        ErrorKind.INTERNAL,
        f"{path} is missing, damaged or under another master key: restore it from a backup,"
        f" or delete {delete} and start again.",
    )
