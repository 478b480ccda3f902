"""Apache with mod_auth_openidc as a resource server: it knows the issuer's URL and its certificate authority."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.relying_parties.conftest import API, Issuer, free_port, wait_for
from tests.clients.tools import lacking

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc")

Ask = Callable[[str | None], httpx.Response]


@pytest.fixture(scope="module")
def apache(issuer: Issuer) -> Iterator[Ask]:
    """What Apache says to a token (or to none) for the page that it guards."""
    program = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    if program is None or not (MODULES / "mod_auth_openidc.so").exists():
        lacking("Apache and mod_auth_openidc (apache2-bin, libapache2-mod-auth-openidc)")
    # its workers are another user, who must be able to read this
    folder, port = Path(tempfile.mkdtemp(prefix="keyless-apache-")), free_port()
    folder.chmod(0o755)
    pages, log = folder / "pages", folder / "error.log"
    pages.mkdir(mode=0o755)
    (pages / "index.html").write_text("inside")
    shutil.copyfile(issuer.server.data / "tls" / "own-ca.pem", folder / "ca.pem")
    for file in (pages, pages / "index.html", folder / "ca.pem"):
        file.chmod(0o755)
    (folder / "httpd.conf").write_text(_configuration(folder, port, issuer.server.instance.issuer))
    issuer.lapse(API)
    with (folder / "out.log").open("wb") as out:
        command = [program, "-d", str(folder), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_for(port, log)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

            def ask(token: str | None) -> httpx.Response:
                return client.get("/", headers={"Authorization": f"Bearer {token}"} if token else {})

            yield ask
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _configuration(folder: Path, port: int, issuer: str) -> str:
    loaded = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
    return f"""
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
User www-data
Group www-data
{loaded}
DocumentRoot {folder}/pages
DirectoryIndex index.html
OIDCCABundlePath {folder}/ca.pem
OIDCCryptoPassphrase unused
OIDCOAuthServerMetadataURL {issuer}/.well-known/openid-configuration
OIDCOAuthRemoteUserClaim sub
<Location />
  AuthType oauth20
  <RequireAll>
    Require claim iss:{issuer}
    Require claim aud:{API}
  </RequireAll>
</Location>
"""


def test_a_good_token_is_accepted_and_no_other(issuer: Issuer, apache: Ask) -> None:
    said = apache(issuer.token(API))
    assert (said.status_code, said.text) == (200, "inside")
    assert apache(None).status_code == 401
    for what, token in issuer.refused(API).items():
        assert apache(token).status_code == 401, what
    assert apache(issuer.in_time[API]).status_code == 200
