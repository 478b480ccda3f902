"""Runs a command whose only source of tokens is http://169.254.169.254, where keyless does not listen.

Stands there in its place: a proxy for plain HTTP that hands such a request on to the identity endpoint of `keyless run`
as it came, save for the header that the endpoint wants. Answers nothing by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlencode, urlsplit


class StandIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked, endpoint = urlsplit(self.path), urlsplit(os.environ["IDENTITY_ENDPOINT"])
        assert (asked.netloc, asked.path) == ("169.254.169.254", "/metadata/identity/oauth2/token"), self.path
        assert self.headers["Metadata"] == "true"
        query = dict(parse_qsl(asked.query)) | {"api-version": "2019-08-01"}
        connection = HTTPConnection(endpoint.netloc, timeout=20)
        secret = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
        connection.request("GET", f"{endpoint.path}?{urlencode(query)}", headers=secret)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


proxy = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
Thread(target=proxy.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{proxy.server_port}"
changed = {"HTTP_PROXY": url, "http_proxy": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
sys.exit(subprocess.run(sys.argv[1:], env=os.environ | changed, check=False).returncode)
