"""A stand-in that answers every request for a token at once, to compare with: no client can be quicker than with it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _AtOnce(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"oid": "nobody"}).encode()).rstrip(b"=").decode()
        life, now = 86400, int(time.time())
        answer = {
            "access_token": f"e30.{claims}.e30",
            "expires_in": str(life),
            "expires_on": str(now + life),
            "resource": "https://vault.azure.net",
            "token_type": "Bearer",
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is to be said."""


@contextmanager
def instant_host() -> Iterator[dict[str, str]]:
    """App Service, as far as a client sees: the variables that lead it there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _AtOnce) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{server.server_port}/msi/token", "IDENTITY_HEADER": "x"}
        server.shutdown()
        thread.join()
