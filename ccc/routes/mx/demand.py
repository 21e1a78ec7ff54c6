"""What TLS to one mail host must be: whether it must be, how its certificate is judged, in which words.

It is made before the connection and held by it: nothing that the host says makes it less. A route needs no
more than this; where it comes from (DANE, MTA-STS, what the user asked for) is policy.py's affair.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccc.errors import LinkError
from ccc.smtp.session import StartTLSPolicy

if TYPE_CHECKING:
    from ccc.routes.mx.target import Host, Target
    from ccc.transport.interrupts import Interrupts
    from ccc.transport.link import Secure, Socket
    from ccc.transport.tls import Trust


class Level(IntEnum):
    """How sure it is that nobody in between can read or take the mail; each is more than those before it."""

    OPPORTUNISTIC = 1  # TLS if it is offered, with anybody's certificate (RFC 7435)
    VERIFY = 2  # a certificate for the name that the MX record has, which may itself be forged
    STS = 3  # … for a name that the domain published over HTTPS (RFC 8461)
    DANE = 4  # a certificate that the domain published in signed DNS (RFC 7672)

    @property
    def word(self) -> str:
        """As `tls = "…"` in the configuration has it."""
        return _WORDS[self]


_WORDS = {
    Level.OPPORTUNISTIC: "opportunistic",
    Level.VERIFY: "verify",
    Level.STS: "mta-sts",
    Level.DANE: "dane",
}
_CURE = "tell the domain's administrator, or try again later"
LEVELS = {word: level for level, word in _WORDS.items()}


class Demand(NamedTuple):
    """The TLS that one host must offer.

    `name` is whom we ask for, and whose certificate it is to be; `words` say for eyes how the certificate
    stands once the handshake is done, `because` who asks for more than there is; `findings` are what the user
    should know besides. With `require_tls` the host must offer REQUIRETLS after the handshake (RFC 8689, 2).
    """

    level: Level
    starttls: StartTLSPolicy
    name: str
    trust: "Trust"
    words: str
    because: str = ""
    findings: tuple[str, ...] = ()
    require_tls: bool = False

    @property
    def reason(self) -> str:
        """Who asks for it, to be put behind what went wrong; "" if nobody does."""
        return f", and {self.because}" if self.because else ""

    def secure(self, interrupts: "Interrupts | None" = None) -> "Secure":
        """Puts this TLS on a connection; it tells how in words such as "TLSv1.3, verified by DANE".

        Its LinkErrors are those of put_tls_on. One of them, AnchorFound, asks for another connection to the
        same address, under `anchored`.
        """

        def secure(plain: "Socket", deadline: float) -> "tuple[Socket, str]":
            from ccc.transport.tls import AnchorFound, put_tls_on

            try:
                tls, _ = put_tls_on(
                    plain,
                    self.name,
                    self.trust,
                    deadline,
                    every_root=True,
                    interrupts=interrupts,
                    ports=_CURE,
                )
            except AnchorFound:
                raise
            except LinkError as error:
                raise LinkError(f"{error.what}{self.reason}", _CURE) from error
            return tls, f"{tls.version}, {self.words}"

        return secure

    def anchored(self, anchors: tuple[bytes, ...]) -> "Demand":
        """The same, where the issuers that its TLSA records mean have been seen."""
        from dataclasses import replace

        return self._replace(trust=replace(self.trust, anchors=anchors))


class DomainPolicy(Protocol):
    """What holds for the hosts of one domain."""

    def demand(self, host: "Host", /) -> Demand:
        """The TLS for this host; a CccError says why it must not be used: then try the next one."""


class Policy(Protocol):
    """What holds for domains; asked from several threads."""

    def of(self, target: "Target", /) -> DomainPolicy:
        """What holds for this one; nothing is looked up before it is asked about a host."""
