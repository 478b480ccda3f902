"""Whom the child trusts: the public roots that the user has, and the lease's private CAs. Owns the files that say so.

The files hold nothing secret, but whoever could change them could impersonate anybody: their folder is 0700.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from keyless.launcher.arc_files import remove_key_files
from keyless.launcher.environment import TrustFiles
from keyless.launcher.jks import trust_store
from keyless.launcher.pem import certificates
from keyless.model.errors import ErrorKind, KeylessError

MAX_BUNDLE = 16 * 1024 * 1024


def public_roots(environ: Mapping[str, str]) -> str:
    """PEM of the first bundle of public roots that exists here: the user's own, then the system's; or nothing."""
    for path in _root_files(environ):
        if path and (pem := _read(path)):
            return pem
    return ""


def write_trust(folder: str, environ: Mapping[str, str], private: str, now: float) -> tuple[TrustFiles, bool]:
    """Write the files into `folder`; `private` is the lease's CAs as PEM. Also tells if public roots were found.

    Raises UNAVAILABLE when they cannot be written.
    """
    roots = public_roots(environ)
    # Node adds this file to its own roots, and whoever started us may have added some already
    former = _read(environ.get("NODE_EXTRA_CA_CERTS", ""))
    bundle = f"{roots}\n{private}\n"
    files = TrustFiles(f"{folder}/roots.pem", f"{folder}/added.pem", f"{folder}/roots.jks")
    _write(files.bundle, bundle.encode())
    _write(files.added, f"{former}\n{private}\n".encode())
    _write(files.java, trust_store(certificates(bundle), now))
    return files, bool(roots)


def make_folder(environ: Mapping[str, str]) -> str:
    """A new private folder for temporary files; raises UNAVAILABLE where none can be made."""
    given = environ.get("TMPDIR", "")
    base = given if given.startswith("/") else "/tmp"  # noqa: S108
    folder = os.path.join(base, f"keyless-{os.urandom(12).hex()}")
    try:
        os.mkdir(folder, 0o700)  # fails if somebody was there first
    except OSError as error:
        raise _not_writable(base, error) from None
    return folder


def remove_folder(folder: str) -> None:
    """Remove the folder and its files, and the instance's key files elsewhere, as far as they are there."""
    remove_key_files(os.path.basename(folder))
    with suppress(OSError):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def _root_files(environ: Mapping[str, str]) -> Iterator[str]:
    yield environ.get("SSL_CERT_FILE", "")
    yield environ.get("REQUESTS_CA_BUNDLE", "")
    import ssl  # noqa: PLC0415  (slow, and seldom needed)

    yield ssl.get_default_verify_paths().cafile or ""
    yield "/etc/ssl/certs/ca-certificates.crt"
    with suppress(ImportError):
        import certifi  # noqa: PLC0415

        yield certifi.where()


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(MAX_BUNDLE)
    except OSError:
        return ""


def _write(path: str, content: bytes) -> None:
    try:
        with open(path, "xb") as file:
            file.write(content)
    except OSError as error:
        raise _not_writable(os.path.dirname(path), error) from None


def _not_writable(folder: str, error: OSError) -> KeylessError:
    return KeylessError(
        ErrorKind.UNAVAILABLE,
        f"Nothing can be written to {folder} ({error.strerror}): set TMPDIR to a folder with room for it.",
    )
