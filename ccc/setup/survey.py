"""Where mail for a domain would go, and how well it would be protected, without sending any.

The same look-ups and the same demands as those of a delivery are used, so that what it shows is what would
happen. If asked to, it also speaks to the mail hosts: up to RCPT, and no further.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ccc.address import Mailbox
from ccc.errors import CccError, ExtensionMissing, Interrupted, LinkError
from ccc.receipt import SCHEMA, Outcome, error_json, reply_json, status_of, worst
from ccc.routes.mx.course import shared
from ccc.routes.mx.dane import Dane
from ccc.routes.mx.discovery import Standing
from ccc.routes.mx.policy import Policies, Rules
from ccc.routes.mx.target import Host, Target, find
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import Reply
from ccc.smtp.transaction import judge

if TYPE_CHECKING:
    from ccc.resolver import Resolver
    from ccc.routes.mx.courier import Guard
    from ccc.routes.mx.demand import Demand
    from ccc.routes.mx.greeting import Greeting
    from ccc.routes.submission import Manner
    from ccc.smtp.steps import Dialogue

PORT = 25


class Answered(NamedTuple):
    """What one address of a host answered, as far as it came."""

    address: str
    protection: str = ""  # "TLSv1.3, verified by DANE", or "in clear"
    offers: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()  # what the reply to each RCPT, or to MAIL, means
    error: CccError | None = None

    def as_json(self) -> dict[str, object]:
        """For --json."""
        return {
            "address": self.address,
            "protection": self.protection,
            "offers": list(self.offers),
            "replies": [
                {"recipient": each.mailbox.addr_spec, "reply": reply_json(each.reply)}
                for each in self.outcomes
            ],
            "error": error_json(self.error),
        }


class Seen(NamedTuple):
    """One host: what TLS to it must be, or why it is passed over, and what it answered."""

    host: Host
    dane: Dane | None = None
    demand: "Demand | None" = None
    error: CccError | None = None
    answers: tuple[Answered, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For --json."""
        demand = self.demand
        return {
            "host": self.host.name,
            "preference": self.host.preference,
            "addresses": list(self.host.addresses),
            "secure": self.host.secure,
            "dane": self.dane.state.name.lower() if self.dane else None,
            "dane_note": self.dane.why if self.dane else "",
            "level": demand.level.word if demand else None,
            "tls": demand.starttls.value if demand else None,
            "certificate": demand.words if demand else None,
            "error": error_json(self.error),
            "answers": [answer.as_json() for answer in self.answers],
        }


class Survey(NamedTuple):
    """One domain: where its mail goes, or why it goes nowhere."""

    domain: str
    recipients: tuple[Mailbox, ...]
    target: Target | None = None
    sts: Standing | None = None
    hosts: tuple[Seen, ...] = ()
    error: CccError | None = None

    @property
    def findings(self) -> tuple[str, ...]:
        """What is odd, and what should be known besides."""
        found = self.target.findings if self.target else ()
        more = (finding for seen in self.hosts if seen.demand for finding in seen.demand.findings)
        return tuple(dict.fromkeys((*found, *more)))

    @property
    def exit_status(self) -> int:
        """The exit status that a delivery would have, as far as this tells."""
        if self.error:
            return status_of(self.error)
        answers = [answer for seen in self.hosts for answer in seen.answers]
        for answer in answers:  # the first host that lets us speak to it decides
            if answer.error is None:
                return worst(outcome.exit_status for outcome in answer.outcomes)
        if not answers and any(seen.demand for seen in self.hosts):
            return 0
        errors = [answer.error for answer in answers] + [seen.error for seen in self.hosts]
        return worst(status_of(error) for error in errors if error)

    def as_json(self) -> dict[str, object]:
        """For --json."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "recipients": [each.addr_spec for each in self.recipients],
            "secure": self.target.secure if self.target else None,
            "implicit": self.target.implicit if self.target else None,
            "mta_sts": self.sts.policy.mode.value if self.sts and self.sts.policy else None,
            "mta_sts_note": self.sts.why if self.sts else "",
            "hosts": [seen.as_json() for seen in self.hosts],
            "findings": list(self.findings),
            "error": error_json(self.error),
            "exit_status": self.exit_status,
        }


class Surveyor(NamedTuple):
    """Looks at domains as a delivery would; to `connect` is to speak to their hosts as well.

    `greeting` gives our name, and tells what receivers refuse mail for.
    """

    resolver: "Resolver"
    policies: Policies
    manner: "Manner"
    greeting: "Greeting"
    sender: Mailbox | None = None
    connect: bool = False

    def look(self, recipients: Iterable[Mailbox]) -> Iterator[Survey]:
        """A survey of each domain, in the order in which they are named."""
        people = tuple(dict.fromkeys(recipients))
        for domain in dict.fromkeys(each.domain for each in people):
            yield self._domain(domain, tuple(each for each in people if each.domain == domain))

    def _domain(self, domain: str, recipients: tuple[Mailbox, ...]) -> Survey:
        try:
            target = find(self.resolver, domain, self.manner)
        except Interrupted:
            raise
        except CccError as error:
            return Survey(domain, recipients, error=error)
        rules = self.policies.of(target)
        seen = tuple(_seen(rules, host) for host in target.hosts)
        if ours := _own_address(target.hosts[0].addresses[0]):
            self.greeting.name(ours)
        hosts = tuple(self._asked(seen, recipients)) if self.connect else seen
        return Survey(domain, recipients, target, rules.standing(), hosts)

    def _asked(self, hosts: tuple[Seen, ...], recipients: tuple[Mailbox, ...]) -> Iterator[Seen]:
        """The same with what they answer, at those addresses that a delivery would try."""
        shares = iter(shared(seen.host.addresses for seen in hosts if seen.demand))
        for seen in hosts:
            demand = seen.demand
            if demand is None:
                yield seen
                continue
            answers = tuple(self._ask(address, demand, recipients) for address in next(shares))
            yield seen._replace(answers=answers)

    def _ask(self, address: str, demand: "Demand", recipients: tuple[Mailbox, ...]) -> Answered:
        """Speak to a host at one of its addresses, up to RCPT; twice where a delivery would connect twice."""
        from ccc.routes.mx.courier import Guard, otherwise

        guard = Guard(demand.secure(self.manner.interrupts))
        try:
            return self._session(address, demand, guard, recipients)
        except Interrupted:
            raise
        except LinkError as error:
            other = otherwise(demand, error, failed=guard.failed)
            return self._ask(address, other, recipients) if other else Answered(address, error=error)
        except CccError as error:
            return Answered(address, error=error)

    def _session(
        self, address: str, demand: "Demand", guard: "Guard", recipients: tuple[Mailbox, ...]
    ) -> Answered:
        import socket

        from ccc.routes.session import opened
        from ccc.smtp.session import Opening
        from ccc.transport.dial import Dial, shown
        from ccc.transport.link import run

        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        dial = Dial([(family, (address, PORT))], self.manner.timeouts.connect, self.manner.interrupts)
        connection = dial.connected()
        try:
            where, ours = shown(connection.getpeername()), str(connection.getsockname()[0])
        except OSError as error:
            connection.close()
            raise LinkError(f"the connection to {address} was lost at once") from error
        helo = self.greeting.name(ours)
        link, offered = opened(connection, where, Opening(helo, demand.starttls), self.manner, secure=guard)
        try:
            if demand.require_tls and not offered.require_tls:  # RFC 8689, 4.2.1
                raise ExtensionMissing("REQUIRETLS", "--require-tls was asked for", "leave out --require-tls")
            outcomes = run(_up_to_rcpt(self.sender, recipients, offered, where), link)
            link.leave()
        finally:
            link.close()
        return Answered(address, guard.how, tuple(name for name in offered.keywords if name), outcomes)


def _seen(rules: Rules, host: Host) -> Seen:
    """What holds for a host."""
    dane = None
    try:
        dane = rules.dane(host)
        return Seen(host, dane, rules.demand(host))
    except Interrupted:
        raise
    except CccError as error:
        return Seen(host, dane, error=error)


def _own_address(theirs: str) -> str:
    """Our address on the way to theirs, or "" if there is no way; nothing is sent for that."""
    import socket

    family = socket.AF_INET6 if ":" in theirs else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((theirs, PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _up_to_rcpt(
    sender: Mailbox | None, recipients: tuple[Mailbox, ...], offered: Extensions, hop: str
) -> "Dialogue[tuple[Outcome, ...]]":
    """MAIL, a RCPT for each, RSET and QUIT: no octet of a message is sent."""
    from ccc.smtp.commands import rcpt
    from ccc.smtp.session import quit_session
    from ccc.smtp.steps import Wait, ask

    ascii_only = all(each.ascii for each in (*recipients, sender) if each is not None)
    utf8 = "" if ascii_only or not offered.smtputf8 else " SMTPUTF8"  # RFC 6531, 3.4
    path = f"MAIL FROM:<{sender.addr_spec if sender else ''}>{utf8}"
    mail = yield from ask(path.encode(), Wait.MAIL)
    outcomes: list[Outcome] = []
    for each in recipients:
        reply: Reply = mail
        if mail.accepted:
            reply = yield from ask(rcpt(each, None).removesuffix(b"\r\n"), Wait.RCPT)
        outcomes.append(judge(each, reply, hop))
    yield from ask(b"RSET")
    yield from quit_session()
    return tuple(outcomes)
