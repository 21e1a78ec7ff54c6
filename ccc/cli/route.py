"""`ccc route`: where a mail would go and how well it would be protected, without sending one."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from ccc.address import Mailbox
from ccc.cli import options, values
from ccc.cli.help import RUN, SENDER, WAY, Command
from ccc.cli.options import option
from ccc.cli.terminal import Data, say
from ccc.errors import UsageError

if TYPE_CHECKING:
    from ccc.cli.choices import Choices
    from ccc.routes.mx.demand import Demand
    from ccc.setup.survey import Answered, Seen, Survey, Surveyor
    from ccc.transport.interrupts import Interrupts

SECONDS = 30.0  # for each answer of a host
UNKNOWN = "this host has a name as receivers want it; whether they trust its address, nobody can look up"


@click.command(cls=Command, name="route", short_help="See where mail to somebody would go, straight.")
@click.argument("recipients", metavar="ADDRESS...", nargs=-1, callback=values.addresses)
@option(
    RUN,
    "--connect",
    is_flag=True,
    help="Ask the mail hosts as well: TLS, and whether they would take mail for them. Nothing is sent.",
)
@options.account
@option(
    SENDER,
    "--from",
    "sender",
    metavar="ADDRESS",
    callback=values.address,
    help="Who would send it; the hosts are told with --connect. Without it the account's address.",
)
@option(
    WAY,
    "--tls",
    type=click.Choice(("opportunistic", "verify", "mta-sts", "dane")),
    help="What a mail host must offer at least.",
)
@option(WAY, "--require-tls", is_flag=True, help="As for a mail that is sent with --require-tls.")
@option(WAY, "--allow-private-mx", is_flag=True, help="Use mail hosts in private networks too.")
@option(
    WAY, "--tls-ca-file", metavar="FILE", callback=values.given, help="Trust the certificates in this file."
)
@option(
    WAY,
    "--helo",
    metavar="NAME",
    default="",
    callback=values.greeting,
    help="The host name to greet the hosts with.",
)
@option(
    WAY,
    "--timeout",
    metavar="SECONDS",
    callback=values.number(float, 0.001, "number of seconds"),
    help=f"Wait at most this long for each answer.  [default: {SECONDS:g}]",
)
@options.settings
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object for each domain.")
@option(RUN, "-v", "--verbose", is_flag=True, help="Show the dialogue with the hosts.")
def command(*, recipients: tuple[Mailbox, ...], connect: bool, as_json: bool, **given: Any) -> int:
    """See where mail to somebody would go if it went straight to their mail hosts (--via mx).

    For each domain: its mail hosts in the order in which they are tried, their addresses, and what is known
    beforehand of the TLS to them, from DANE and MTA-STS. Nothing is sent. The exit status is that of a
    delivery: 68 if there is no such domain or it takes no mail, 75 if that cannot be said now.

    Where does it go?
      ccc route friend@example.net

    Would they take it?
      ccc route friend@example.net --connect --from me@example.org
    """
    from ccc.cli.choices import Choices
    from ccc.cli.signals import Interrupts
    from ccc.receipt import worst

    if not recipients:
        raise UsageError("nobody is named", "name an address, as in `ccc route friend@example.net`")
    data, statuses, found, told = Data(), [0], False, list[str]()
    with Interrupts() as interrupts:
        surveyor = _surveyor(Choices(**given), interrupts, told.append, connect=connect)
        for survey in surveyor.look(recipients):
            statuses.append(survey.exit_status)
            found = found or survey.target is not None
            if as_json:
                data.json(survey.as_json())
                continue
            for line in lines(survey):
                data.text(line)
    for finding in told or [UNKNOWN] * found:
        say(f"note: {finding}")
    return worst(statuses)


def _surveyor(
    choices: "Choices", interrupts: "Interrupts", tell: Callable[[str], None], *, connect: bool
) -> "Surveyor":
    """Who looks, by what the options and the account say."""
    from ccc.accounts.choose import choose
    from ccc.cli import direct, way
    from ccc.config import read_config
    from ccc.routes.mx.greeting import Greeting, own_name
    from ccc.setup.survey import Surveyor

    config = read_config(choices.config, os.environ)
    account = choose(config, named=choices.account, fetched_from=None, authors=())
    choices = choices._replace(timeout=choices.timeout or SECONDS)
    if account is not None:
        choices = direct.of_account(choices, account)
        choices = choices._replace(helo=choices.helo or account.helo)
    gear = direct.gear(choices, config, way.manner(choices, interrupts))
    sender = choices.sender or (account.address if account else None)
    greeting = Greeting(gear.resolver, gear.manner.helo, own_name, tell)
    return Surveyor(gear.resolver, gear.policies, gear.manner, greeting, sender, connect)


def lines(survey: "Survey") -> Iterator[str]:
    """A survey for eyes."""
    people = ", ".join(each.eyes() for each in survey.recipients)
    yield f"domain {survey.domain}, for {people}"
    if survey.error:
        yield f"  nothing would be sent: {survey.error}"
        return
    if survey.target is not None and survey.target.implicit:
        yield "  there are no MX records, so the domain is its own mail host"
    if survey.sts is not None and survey.sts.policy is not None:
        kept = f" (as it was said before: {survey.sts.why})" if survey.sts.why else ""
        yield f"  its MTA-STS policy: {survey.sts.policy.mode.value}{kept}"
    for seen in survey.hosts:
        yield from _host(seen)
    for finding in survey.findings:
        yield f"  note: {finding}"


def _host(seen: "Seen") -> Iterator[str]:
    """A host: where it is, what TLS to it must be, what it answered."""
    host = seen.host
    name = f"host {host.name} (preference {host.preference})" if host.name else "host"
    yield f"  {name} at {', '.join(host.addresses)}"
    if seen.error:
        yield f"    would be passed over: {seen.error}"
    elif seen.demand is not None:
        yield f"    {_protection(seen.demand)}{_no_dane(seen)}"
    for answer in seen.answers:
        yield from _answer(answer)


def _protection(demand: "Demand") -> str:
    """What TLS must be, in words."""
    from ccc.smtp.session import StartTLSPolicy

    if demand.starttls is StartTLSPolicy.REQUIRED:
        return f"TLS is required, the certificate {demand.words}"
    return f"TLS if it is offered, the certificate {demand.words}"


def _no_dane(seen: "Seen") -> str:
    """Why the domain's own DNS proves nothing, if it does not."""
    return f"; no DANE: {seen.dane.why}" if seen.dane and seen.dane.why else ""


def _answer(answer: "Answered") -> Iterator[str]:
    """What an address of a host answered."""
    if answer.error:
        yield f"    at {answer.address}: {answer.error.what}"
        return
    yield f"    at {answer.address}: {answer.protection}"
    for outcome in answer.outcomes:
        verdict = "would be taken" if outcome.kind is None else f"would be {outcome.state.value}"
        yield f"      {outcome.mailbox.addr_spec} {verdict}: {outcome.reason}"
