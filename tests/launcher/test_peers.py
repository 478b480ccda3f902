from __future__ import annotations

import errno
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher import peers
from keyless.launcher.peers import TABLES, owner
from keyless.launcher.sock_diag import Refused, read_owner

# recorded on a little-endian machine, shortened behind the inode; of the last two nobody holds the socket any more
RECORDED = b"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:A1E3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20873 1
   1: 0100007F:A1E3 0100007F:C5E8 01 00000000:00000000 00:00000000 00000000     0        0 23064 1
   2: 0100007F:C5E8 0100007F:A1E3 01 00000000:00000000 00:00000000 00000000 65534        0 23063 1
   3: 0100007F:C5EA 0100007F:A1E3 06 00000000:00000000 03:000017A1 00000000     0        0 0 3
   4: 0100007F:C5EC 0100007F:A1E3 04 00000000:00000000 00:00000000 00000000     0        0 0 1
"""
RECORDED_6 = (
    b"   0: 0000000000000000FFFF00000100007F:C5E8 0000000000000000FFFF00000100007F:A1E3 01 "
    b"00000000:00000000 00:00000000 00000000  1000        0 23063 1\n"
)
OURS = ("127.0.0.1", 0xA1E3)
little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the recording is of a little-endian machine")
linux = pytest.mark.skipif(not os.path.exists(TABLES[0]), reason="needs the kernel's tables of sockets")


@little_endian
def test_the_owner_is_that_of_the_peers_end_not_of_ours() -> None:
    assert owner(RECORDED, ("127.0.0.1", 0xC5E8), OURS) == 65534
    assert owner(RECORDED, OURS, ("127.0.0.1", 0xC5E8)) == 0


@little_endian
def test_ipv4_over_a_socket_of_ipv6() -> None:
    assert owner(RECORDED_6, ("127.0.0.1", 0xC5E8), OURS) == 1000


@little_endian
@pytest.mark.parametrize("port", [0xC5E9, 0xC5EA, 0xC5EC])
def test_nobodys_sockets_are_not_roots(port: int) -> None:
    assert owner(RECORDED, ("127.0.0.1", port), OURS) is None


def test_an_empty_table() -> None:
    assert owner(b"", ("127.0.0.1", 1), OURS) is None


@pytest.fixture(params=["netlink", "tables", "nothing"])
def admit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[socket.socket], bool]:
    if request.param != "netlink":
        monkeypatch.setattr(peers, "_over_netlink", lambda: None)
    elif peers._over_netlink() is None:
        pytest.skip("the kernel answers nothing over netlink")
    if request.param == "nothing":
        monkeypatch.setattr(peers, "TABLES", ("/proc/no-such-table",))
    return peers.peer_check(os.geteuid())


@linux
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("admit", ["netlink", "tables"], indirect=True)
def test_our_own_connections_pass_as_long_as_somebody_holds_them(
    admit: Callable[[socket.socket], bool], family: socket.AddressFamily
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(family) as client:
        prefix = "::ffff:" if family == socket.AF_INET6 else ""
        client.connect((f"{prefix}127.0.0.1", listening.getsockname()[1]))
        with listening.accept()[0] as accepted:
            assert admit(accepted)
            client.close()
            assert not admit(accepted)
        assert not admit(accepted)


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_users_connection_does_not(
    admit: Callable[[socket.socket], bool], request: pytest.FixtureRequest
) -> None:
    bash = shutil.which("bash")
    assert bash
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        script = f"exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3"
        verdicts = []

        def accept() -> None:
            with listening.accept()[0] as accepted:
                verdicts.append(admit(accepted))

        for user in (os.geteuid(), 65534):
            thread = threading.Thread(target=accept)
            thread.start()
            subprocess.run([bash, "-c", script], user=user, check=True, timeout=20)
            thread.join(20)
        knows = "nothing" not in request.node.name
        assert verdicts == [True, not knows]


@given(st.binary(max_size=120), st.integers(0, 2**32 - 1))
def test_no_noise_is_an_answer(noise: bytes, sequence: int) -> None:
    with pytest.raises(Refused):
        read_owner(noise, sequence)


def test_the_answer_to_an_earlier_question_is_none() -> None:
    missing = struct.pack("=IHHIIi", 36, 2, 0, 7, 0, -errno.ENOENT)
    assert read_owner(missing, 7) is None
    denied = struct.pack("=IHHIIi", 36, 2, 0, 7, 0, -errno.EPERM)
    for answer, sequence in ((missing, 8), (denied, 7)):
        with pytest.raises(Refused):
            read_owner(answer, sequence)
