"""The proxy's reading of a client's request: what is sent on has the lines that it should have, and no others."""

from __future__ import annotations

from keyless.launcher.proxy_request import error_answer, forward_head, read_request
from keyless.model.errors import KeylessError

SEEDS = (
    b"CONNECT kv.vault.azure.net:443 HTTP/1.1\r\nHost: kv.vault.azure.net:443\r\n\r\n",
    b"CONNECT [::1]:443 HTTP/1.0\r\n\r\n",
    b"GET http://example.org/a?b HTTP/1.1\r\nHost: example.org\r\nProxy-Authorization: Basic eA==\r\n\r\n",
    b"GET http://u:p@example.org:81?q HTTP/1.1\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\r\n",
    b"POST http://example.org HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:99999 HTTP/1.1\r\n\r\n",
    b"CONNECT a:" + b"1" * 5000 + b" HTTP/1.1\r\n\r\n",
)


def fuzz(data: bytes) -> None:
    """One input: a header block, as the proxy cuts it out of the stream."""
    head = data.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n"
    try:
        found = read_request(head)
    except KeylessError as error:
        answer = error_answer(error)
        assert answer.startswith(b"HTTP/1.1 400 ")
        return
    assert 0 < found.port < 65536
    assert found.host
    assert found.host == found.host.lower()
    if found.forward is None:
        return
    sent = forward_head(found.forward, None)
    assert sent.endswith(b"\r\n\r\n")
    lines = sent[:-4].split(b"\r\n")
    assert len(lines) == len(found.forward.headers) + 3, "a line more than there were headers"
    assert not any(b"\n" in line or b"\r" in line for line in lines), "half a line's end went through"
    names = [line.split(b":")[0].lower() for line in lines[1:]]
    assert names.count(b"host") == 1
    assert b"proxy-authorization" not in names
