"""A small world around a launcher: a network in which one host answers HTTP and knows one name. Then the launcher.

Run as root of namespaces of its own (user, network, mount); ends like what it starts. Standard library only.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from keyless.launcher.isolation import dns

HOST = "198.51.100.7"
NAME = "world.example"


class Hello(BaseHTTPRequestHandler):
    """Says hello: as the host that it is taken for, and as the proxy that it is taken for."""

    def do_GET(self) -> None:
        by_proxy = " by proxy" if self.path.startswith("http:") else ""
        body = f"hello from {self.headers['Host']}{by_proxy}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def answer_names(asked: socket.socket) -> None:
    """NAME is HOST, and so are the names of the clouds, which nobody should ask for."""
    while True:
        message, client = asked.recvfrom(4096)
        asked.sendto(dns.answer(dns.read_query(message), [HOST]), client)


def main() -> None:
    for command in (
        "ip link set lo up",
        f"ip address add {HOST}/32 dev lo",
        "ip link add near0 type veth peer name far0",
        "ip link set far0 up",
        "ip address add 192.0.2.1/24 dev near0",
        "ip link set near0 up",
        "ip route add default via 192.0.2.254",
    ):
        subprocess.run(command.split(), check=True)
    with tempfile.NamedTemporaryFile("w") as resolver:
        resolver.write(f"nameserver {HOST}\n")
        resolver.flush()
        subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
        asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asked.bind((HOST, 53))
        Thread(target=answer_names, args=(asked,), daemon=True).start()
        # on the loopback too, where an isolated program must not get
        for host, port in ((HOST, 80), ("127.0.0.1", 8080), (HOST, 443)):
            Thread(target=HTTPServer((host, port), Hello).serve_forever, daemon=True).start()
        sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)


if __name__ == "__main__":
    main()
