"""`ccc doctor`: all that lies between the configuration file and a login, each line with its cure."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ccc.cli import options, values
from ccc.cli.help import RUN, Command
from ccc.cli.options import option
from ccc.cli.terminal import Data, agreed, ask_secret, has_terminal, say
from ccc.errors import CccError, ConfigurationError, Declined, UsageError
from ccc.setup.doctor import GROUPS

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.routes.submission import Manner
    from ccc.setup.canary import Seen
    from ccc.setup.check import Check
    from ccc.setup.doctor import Patient

SECONDS = 30.0  # for each answer of a server
WATCH = 60.0  # seconds that a canary is watched for


@click.command(cls=Command, name="doctor", short_help="Find out what is wrong, and what to do about it.")
@click.argument("name", metavar="[ACCOUNT]", required=False)
@option(
    RUN,
    "--only",
    metavar="GROUP",
    multiple=True,
    type=click.Choice(GROUPS),
    help=f"Only these checks; of {', '.join(GROUPS)}. May be repeated.",
)
@option(
    RUN,
    "--canary",
    is_flag=True,
    help="Send one mail to yourself, and find out whether the server mails the people in To and Cc.",
)
@option(
    RUN,
    "--canary-address",
    metavar="ADDRESS",
    callback=values.address,
    help="The second address of yours that the canary shows, instead of you+ccc-canary-…@your.domain.",
)
@option(
    RUN,
    "--wait",
    metavar="SECONDS",
    callback=values.number(float, 0.1, "number of seconds"),
    help=f"Watch for the canary this long.  [default: {WATCH:g}]",
)
@option(
    RUN,
    "--timeout",
    metavar="SECONDS",
    callback=values.number(float, 0.001, "number of seconds"),
    help=f"Wait at most this long for each answer.  [default: {SECONDS:g}]",
)
@option(RUN, "--yes", is_flag=True, help="Send the canary without being asked.")
@options.settings
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object for each check.")
@option(RUN, "-v", "--verbose", is_flag=True, help="Show the dialogue with the servers.")
def command(
    name: str | None,
    only: tuple[str, ...],
    canary_address: "Mailbox | None",
    wait: float | None,
    timeout: float | None,
    config: str | None,
    *,
    canary: bool,
    yes: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Find out what is wrong, and what to do about it. Without --canary nothing is sent.

    Looked at are the configuration and its modes, the state folder, and for each account: its secret, as you
    and as cron, names, ports, certificates, what the servers offer, both logins, the special folders, and
    what is known of the server's policy. The exit status is that of the worst line.

    With --canary one mail goes to you alone. Its To also names a second address of yours, to which it is not
    sent. If that one gets a copy, the server mails everybody in the header: ccc then refuses to use it.

    Look at everything:
      ccc doctor

    Find out whether a server keeps to the envelope:
      ccc doctor work --canary
    """
    manner = _Manner(timeout or SECONDS, verbose)
    if canary:
        if only:
            raise UsageError("--canary is no check among --only", "leave one of them out")
        return _canary(name, canary_address, wait or WATCH, config, manner, yes=yes, as_json=as_json)
    for given, option_name in ((canary_address, "--canary-address"), (wait, "--wait")):
        if given is not None:
            raise UsageError(f"{option_name} is about a canary", "add --canary, or leave it out")
    return examined((name,) if name else (), only, config, as_json=as_json, manner=manner)


class _Manner:
    """How servers are spoken to here."""

    def __init__(self, seconds: float = SECONDS, verbose: bool = False) -> None:
        self._seconds = seconds
        self._verbose = verbose

    def of(self, account: "Account") -> "Manner":
        """The manner for the servers of an account."""
        from ccc.routes.submission import Manner
        from ccc.transport.timeouts import Timeouts
        from ccc.transport.transcript import Transcript

        return Manner(
            ca_file=account.tls_ca_file or None,
            timeouts=Timeouts().at_most(self._seconds),
            helo=account.helo,
            transcript=Transcript(say) if self._verbose else None,
        )


def manner_for(account: "Account") -> "Manner":
    """How the servers of an account are spoken to where nothing is said about it."""
    return _Manner().of(account)


def examined(
    names: Sequence[str],
    only: Sequence[str],
    config: str | None,
    *,
    as_json: bool,
    manner: _Manner | None = None,
    verbose: bool = False,
) -> int:
    """Examine these accounts, or all; print what is seen, and return the exit status of the worst."""
    from ccc.receipt import worst

    data, statuses, account = Data(), [0], ""
    for check in _checks(names, only, config, manner or _Manner(verbose=verbose)):
        if as_json:
            data.json(check.as_json())
        else:
            if check.account != account:
                account = check.account
                data.text(f"account {account}")
            data.text(f"  {check.line}" if check.account else check.line)
        statuses.append(check.exit_status)
    return worst(statuses)


def _checks(
    names: Sequence[str], only: Sequence[str], config: str | None, manner: _Manner
) -> "Iterator[Check]":
    """The checks of the configuration, of the state folder, and of each account."""
    from ccc.accounts.choose import account_named
    from ccc.cli.account import config_path
    from ccc.config import read_config
    from ccc.setup import doctor
    from ccc.setup.check import failed
    from ccc.setup.cron import secret_as_cron

    try:
        read = read_config(config, os.environ)
    except ConfigurationError as error:
        yield failed("config", error)
        return
    if not only or "config" in only:
        yield from doctor.configuration(config_path(config), read)
    if not only or "state" in only:
        yield from doctor.state(os.environ)
    accounts = [account_named(read, name) for name in names] or list(read.accounts.values())
    if not accounts:
        yield doctor.no_accounts()
    for account in accounts:
        yield from doctor.examine(
            _patient(account, config, manner),
            only,
            lambda account: secret_as_cron(account.name, config, os.environ),
        )


def _patient(account: "Account", config: str | None, manner: _Manner) -> "Patient":
    from ccc.accounts.wallet import Given, Wallet
    from ccc.setup.doctor import Patient

    silent = Wallet(Given(), os.environ, None, config)
    asking = Wallet(Given(), os.environ, ask_secret, config) if has_terminal() else silent
    return Patient(account, asking, silent, manner.of(account), os.environ)


def _canary(
    name: str | None,
    other: "Mailbox | None",
    seconds: float,
    config: str | None,
    manner: _Manner,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Send a canary and watch; mark the account if its server is caught, else take its mark away."""
    from ccc.config import read_config

    account = _chosen(read_config(config, os.environ), name)
    flight = _Flight(account, other, _patient(account, config, manner))
    _consent(flight, yes=yes)
    check = verdict(account, flight.fly(seconds, quiet=as_json), seconds)._replace(account=account.name)
    if as_json:
        Data().json(check.as_json())
    else:
        Data().text(check.line)
    return check.exit_status


def verdict(account: "Account", seen: "Seen", seconds: float) -> "Check":
    """What a canary has shown; the account is marked if its server is caught, and cleared if it is not."""
    from ccc.accounts import marks
    from ccc.config.values import heading
    from ccc.setup.check import Check, failed, warned

    keys = heading(account.name)
    if seen.caught:
        marks.mark(account, os.environ)
        error = marks.refusal(account)
        line = f"write  honours_envelope = false  into {keys}; {error.cure}"
        return failed("canary", error)._replace(text=f"{seen.words}: {error.what}", cure=line)
    arrived = f"one copy arrived in {seconds:g} seconds"
    if not seen.cleared:
        return warned(
            "canary",
            f"{arrived}, which proves nothing: this mailbox shows several copies of a mail as one",
            "add --canary-address with an address of yours elsewhere, and look whether it arrives there",
        )
    marks.unmark(account, os.environ)
    return Check(
        "canary",
        f"{arrived}; the server keeps to the envelope, unless this mailbox hides second copies",
        cure="" if account.honours_envelope else f"take honours_envelope = false out of {keys}",
    )


def _chosen(config: "Config", name: str | None) -> "Account":
    """The account that is named, or the default one; it needs both servers and an address."""
    from ccc.accounts.choose import choose, lacking

    account = choose(config, named=name, fetched_from=None, authors=())
    if account is None:
        raise UsageError("--canary needs an account", f"name one of {', '.join(config.accounts) or 'yours'}")
    for server in ("smtp", "imap"):
        if not getattr(account, server):
            raise lacking(account, server)
    if account.address is None:
        from ccc.config.values import heading

        raise ConfigurationError(
            f"account {account.name} has no address", f"add address to {heading(account.name)}"
        )
    return account


def _consent(flight: "_Flight", *, yes: bool) -> None:
    """One mail is sent only if the user wants it."""
    question = f"Send one mail from {flight.me.addr_spec} to {flight.me.addr_spec}, through {flight.server}?"
    if yes:
        return
    if not has_terminal():
        raise UsageError("--canary sends one mail to yourself, and nobody can be asked", "add --yes")
    say(f"its To also names {flight.other.addr_spec}, to which it is not sent")
    if not agreed(question):
        raise Declined("nothing was sent")


class _Flight:
    """One canary, from the account back to it."""

    def __init__(self, account: "Account", other: "Mailbox | None", patient: "Patient") -> None:
        from ccc.setup.canary import Canary, other_address

        if account.address is None or patient.smtp is None or patient.imap is None:
            raise CccError(f"account {account.name} lacks what a canary needs")
        token = os.urandom(6).hex()
        self.me = account.address
        self.other = other or other_address(self.me, token)
        if self.other.same_person(self.me):
            raise UsageError("--canary-address is the account's own address", "name another one of yours")
        self.server = patient.smtp.name
        self._smtp = patient.smtp
        self._imap = patient.imap
        self._canary = Canary(self.me, self.other, token)
        self._account = account
        self._patient = patient

    def fly(self, seconds: float, *, quiet: bool) -> "Seen":
        """Send it, watch the mailbox, say what is seen."""
        from ccc.api import local_time
        from ccc.imap import Manner as Reading
        from ccc.imap import connect
        from ccc.routes.submission import Submission
        from ccc.setup.canary import Watch, send

        manner, purse = self._patient.manner, self._patient.wallet
        reading = Reading(
            ca_file=manner.ca_file, timeout=manner.timeouts.command, transcript=manner.transcript
        )
        with connect(self._imap, purse.keys(self._account, self._imap), reading) as session:
            watch = Watch(session, self._canary)
            keys = purse.keys(self._account, self._smtp)
            send(self._canary, Submission(self._smtp, keys, manner), local_time())
            if not quiet:
                say(f"sent; watching {self._imap.name} for {seconds:g} seconds")
            return watch.until(seconds, _Clock())


class _Clock:
    """The time of this machine."""

    def now(self) -> float:
        """Seconds, from any beginning."""
        import time

        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        import time

        time.sleep(seconds)
