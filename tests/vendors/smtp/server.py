"""A mail server on loopback that takes mail in as RFC 5321, 3207 and 4954 say, and meets with what goes wrong there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

LOST = "lost"  # the letter is taken, and the connection closes before the answer
SILENT = "silent"  # the letter is taken, and no answer comes
CLOSED = "closed"  # the connection closes at the first command that matters


@dataclass
class MailServer:
    """What a mail server has taken in, and how it behaves.

    :param login: user and password that it lets in; None: nobody has to log in.
    :param refuses: its answers instead of "250 OK", by what is asked: MAIL, DATA, or a recipient's address.
    :param fault: one of the above, once a letter has come in.
    :param slow: seconds that it takes to answer once a letter has come in.
    """

    login: tuple[str, str] | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    slow: float = 0.0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    logins: int = 0
    port: int = 0

    @property
    def letters(self) -> list[tuple[str, EmailMessage]]:
        """Each recipient with what came for them."""
        return [(to, message_from_bytes(content, policy=default)) for to, content in self.taken]  # type: ignore[misc]

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.connections += 1
        if self.fault == CLOSED:
            server.transport.abort()
        if "MAIL" not in self.refuses:
            envelope.mail_from = address
        return self.refuses.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address not in self.refuses:
            envelope.rcpt_tos.append(address)
        return self.refuses.get(address, "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.refuses:
            return self.refuses["DATA"]
        self.taken += [(to, envelope.content) for to in envelope.rcpt_tos]
        if self.fault == LOST:
            server.transport.abort()
        await asyncio.sleep(1.5 if self.fault == SILENT else self.slow)
        return "250 2.0.0 taken"

    def lets_in(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        self.logins += 1
        right = (given.login.decode(), given.password.decode()) == self.login
        return AuthResult(success=right, handled=False)


class _Listening(Controller):
    """On whatever port is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(server: MailServer, security: str, certificate: tuple[Path, Path] | None = None) -> Iterator[MailServer]:
    """The server, listening on loopback at its `port`; whoever has to log in can do so over TLS only."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    listening = _Listening(
        server,
        hostname="127.0.0.1",
        port=0,
        tls_context=context if security == "starttls" else None,
        ssl_context=context if security == "tls" else None,
        require_starttls=security == "starttls",
        auth_required=server.login is not None,
        auth_require_tls=security == "starttls",
        authenticator=server.lets_in if server.login is not None else None,
    )
    listening.start()
    try:
        server.port = listening.port
        yield server
    finally:
        listening.stop()
