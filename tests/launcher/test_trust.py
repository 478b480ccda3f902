from __future__ import annotations

import hashlib
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher.jks import PASSWORD, trust_store
from keyless.launcher.pem import certificates
from keyless.launcher.trust import make_folder, public_roots, remove_folder, write_trust
from keyless.model.errors import KeylessError
from tests.launcher.fake_server import TestAuthority


@pytest.fixture(scope="module")
def pems() -> list[str]:
    return [TestAuthority(f"CA {number}").pem for number in range(3)]


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 2**33))
def test_a_key_store_reads_back(contents: list[bytes], now: int) -> None:
    store = trust_store(contents, now)
    assert store[:12] == struct.pack(">III", 0xFEEDFEED, 2, len(contents))
    at, read = 12, []
    while at < len(store) - 20:
        tag, length = struct.unpack_from(">IH", store, at)
        at += 6 + length
        created, kind = struct.unpack_from(">QH", store, at)
        at += 10 + kind
        (size,) = struct.unpack_from(">I", store, at)
        read.append(store[at + 4 : at + 4 + size])
        at += 4 + size
        assert (tag, kind, created) == (2, 5, now * 1000)
    assert read == contents
    assert store[-20:] == hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store[:-20]).digest()


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("keytool"), reason="needs Java")
def test_keytool_reads_the_key_store(tmp_path: Path, pems: list[str]) -> None:
    (tmp_path / "store").write_bytes(trust_store(certificates("\n".join(pems)), 1_000_000_000))
    command = ["keytool", "-list", "-storetype", "JKS", "-keystore", str(tmp_path / "store"), "-storepass", PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "contains 3 entries" in done.stdout
    assert done.stdout.count("trustedCertEntry") == 3
    assert "Sep 9, 2001" in done.stdout
    wrong = subprocess.run([*command[:-1], "guess"], capture_output=True, text=True, check=False)
    assert wrong.returncode != 0


def test_certificates_are_found_in_what_surrounds_them(pems: list[str]) -> None:
    text = (
        f"# a comment\n{pems[0]}junk\n{pems[1]}\n{pems[0]}-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"
    )
    found = certificates(text.replace("\n", "\r\n"))
    assert found == certificates(pems[0]) + certificates(pems[1])
    assert certificates("") == []


def test_the_users_own_roots_come_first(tmp_path: Path, pems: list[str]) -> None:
    paths = [tmp_path / name for name in ("ssl.pem", "requests.pem")]
    environ = {"SSL_CERT_FILE": str(paths[0]), "REQUESTS_CA_BUNDLE": str(paths[1])}
    for path, pem in zip(paths, pems, strict=False):
        path.write_text(pem)
    assert public_roots(environ) == pems[0]
    paths[0].unlink()
    assert public_roots(environ) == pems[1]
    assert public_roots({**environ, "REQUESTS_CA_BUNDLE": str(tmp_path)}) == public_roots({})


def test_the_files_say_whom_to_trust(tmp_path: Path, pems: list[str]) -> None:
    (tmp_path / "user.pem").write_text(pems[0])
    (tmp_path / "node.pem").write_text(pems[1])
    environ = {
        "TMPDIR": str(tmp_path),
        "SSL_CERT_FILE": str(tmp_path / "user.pem"),
        "NODE_EXTRA_CA_CERTS": str(tmp_path / "node.pem"),
    }
    folder = make_folder(environ)
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    files, has_roots = write_trust(folder, environ, pems[2], 0)
    assert has_roots
    assert certificates(Path(files.bundle).read_text()) == certificates(pems[0]) + certificates(pems[2])
    assert certificates(Path(files.added).read_text()) == certificates(pems[1]) + certificates(pems[2])
    assert struct.unpack_from(">I", Path(files.java).read_bytes(), 8) == (2,)
    remove_folder(folder)
    assert not Path(folder).exists()
    remove_folder(folder)


def test_where_nothing_can_be_written_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeylessError, match="set TMPDIR"):
        make_folder({"TMPDIR": str(tmp_path / "absent")})
    with pytest.raises(KeylessError, match="set TMPDIR"):
        write_trust(str(tmp_path / "absent"), {}, "", 0)
