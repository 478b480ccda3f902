"""The peer of the server's figures: bare uvicorn that answers every request with one body, and does nothing else.

`python -m bench.constant BYTES PATH` at a Unix socket, or `… BYTES CERTIFICATE KEY` over HTTPS. Prints its port, 0 for
a Unix socket.
"""

from __future__ import annotations

import socket
import sys

import uvicorn
import uvloop
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope


async def _serve(size: int, where: str, key: str = "") -> None:
    body = b"x" * size
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]

    async def application(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    listener = socket.socket(socket.AF_INET if key else socket.AF_UNIX)
    listener.bind(("127.0.0.1", 0) if key else where)
    listener.listen(512)
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        ssl_certfile=where if key else None,
        ssl_keyfile=key or None,
    )
    print(listener.getsockname()[1] if key else 0, flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), *sys.argv[2:]))
