"""A connection to a database over TDS 8.0, as `keyless sql query` needs one.

Owns the socket. What the bytes mean is the codec's (`providers/sql/tds`), the one part of the server's code that a
command uses: it does no I/O and knows nothing of a server. Source: [MS-TDS] 3.2 (client details).
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from keyless.cli.errors import Refused
from keyless.cli.instance import Instance
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Message, SqlError
from keyless.providers.sql.tds import packets, prelogin_request
from keyless.providers.sql.tds.login7_request import LoginRequest, with_token, write_login7
from keyless.providers.sql.tds.login_answer import read_login_answer
from keyless.providers.sql.tds.packet_stream import Packet, PacketStream
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.requests import write_batch
from keyless.providers.sql.tds.responses import Event, ResponseReader
from keyless.providers.sql.tds.tokens import TDS_8_0

#: How long the server may take to let somebody in.
_LOGIN_SECONDS = 40.0
_READ = 256 * 1024
#: The largest: every packet costs.
_PACKET_SIZE = packets.MAX_SIZE
_MAX_LOGIN_ANSWER = 256 * 1024


@dataclass(frozen=True)
class Place:
    """A database of a SQL server."""

    server: str
    database: str


def said(error: Message | SqlError, *, line: int = 0) -> str:
    """An error as SQL Server's own tools show it; `line` is how many stand before its batch."""
    where = f"Msg {error.number}, Level {error.severity}, State {error.state}, Line {error.line + line}"
    return f"{where}: {error.message}"


class SqlConnection:
    """A session; one batch after the other."""

    def __init__(self, connection: ssl.SSLSocket, where: str) -> None:
        self._socket = connection
        self._where = where
        self._packets = PacketStream(packets.REPLIES)
        self._waiting: deque[Packet] = deque()
        self._size = packets.DEFAULT_SIZE
        self._transaction = 0

    def log_in(self, place: Place, host: str, token: SecretStr) -> None:
        """Say who is there; Refused where nobody may be."""
        self._send(packets.PRELOGIN, prelogin_request.ask(strict=True, token=True))
        self._message()
        request = LoginRequest(
            host, place.database, TDS_8_0, _PACKET_SIZE, host=socket.gethostname(), features=with_token(token)
        )
        self._send(packets.LOGIN7, write_login7(request))
        answer = read_login_answer(self._message())
        if not answer.acknowledged:
            raise Refused("\n".join(map(said, answer.errors)) or f"{self._where} refused the login without a word.")
        self._size = answer.packet_size

    def run(self, text: str) -> Iterator[list[Event]]:
        """Run a batch; what comes, as it comes."""
        with _failures(self._where):
            self._send(packets.SQL_BATCH, write_batch(text, self._transaction))
            reader = ResponseReader(self._transaction)
            last = False
            while not last:
                packet = self._packet()
                last = packet.last
                yield reader.feed(packet.body, last=last)
            self._transaction = reader.transaction

    def _send(self, kind: int, body: bytes) -> None:
        self._socket.sendall(packets.message(kind, body, self._size))

    def _message(self) -> bytes:
        body, last = b"", False
        while not last:
            packet = self._packet()
            body, last = body + packet.body, packet.last
            if len(body) > _MAX_LOGIN_ANSWER:
                raise Malformed("the answer to the login is too large")
        return body

    def _packet(self) -> Packet:
        while not self._waiting:
            data = self._socket.recv(_READ)
            if not data:
                raise Refused(f"{self._where} ended the session: look at the server's log, then try again.")
            self._waiting.extend(self._packets.feed(data))
        return self._waiting.popleft()


@contextmanager
def connected(instance: Instance, place: Place, token: SecretStr) -> Iterator[SqlConnection]:
    """A session in a database of an instance."""
    if not instance.sql_port:
        raise Refused(
            "There is no SQL here: install `keyless[sql]`, do not set KEYLESS_SQL_PORT to 0, and start again."
        )
    where = f"{instance.address}:{instance.sql_port}"
    host = f"{place.server}.database.{instance.domain}"
    context = ssl.create_default_context(cafile=instance.ca_file)
    context.set_alpn_protocols(["tds/8.0"])
    with ExitStack() as stack:
        with _failures(where):
            plain = stack.enter_context(socket.create_connection((instance.address, instance.sql_port), _LOGIN_SECONDS))
            encrypted = stack.enter_context(context.wrap_socket(plain, server_hostname=host))
            connection = SqlConnection(encrypted, where)
            connection.log_in(place, host, token)
        encrypted.settimeout(None)  # a statement takes as long as it takes
        yield connection


@contextmanager
def _failures(where: str) -> Iterator[None]:
    """What goes wrong on the way, in one line."""
    try:
        yield
    except ConnectionRefusedError:
        raise Refused(f"keyless is not running ({where}): start it with `keyless up`.") from None
    except ssl.SSLCertVerificationError:
        raise Refused(f"Who answers at {where} is not this keyless: stop that program, then try again.") from None
    except TimeoutError:
        raise Refused(f"keyless at {where} did not answer in time: look at its log, then try again.") from None
    except (ssl.SSLError, ConnectionError):
        raise Refused(f"The connection to keyless at {where} broke off: try again.") from None
    except Malformed as error:
        raise Refused(f"What {where} answers is not understood ({error}): upgrade this program.") from None
