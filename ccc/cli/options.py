"""The options of `resend` and `redirect`, each under the heading of the help where it belongs.

Both commands know both sets of --show options: the other command's are hidden, and using one is an
error that names the right command.
"""

from collections.abc import Callable
from typing import Any

import click

from ccc.cli import values
from ccc.cli.help import FROM, RUN, SEEN, SENDER, WAY, Option
from ccc.errors import UsageError

Function = Callable[..., Any]


def option(section: str, *names: str, **attributes: Any) -> Callable[[Function], Function]:
    """A click option under a heading."""
    return click.option(*names, cls=Option, section=section, **attributes)


def people(section: str, *names: str, help: str) -> Callable[[Function], Function]:  # noqa: A002
    """A repeatable option that takes address-lists."""
    return option(section, *names, metavar="A", multiple=True, callback=values.addresses, help=help)


def misplaced(name: str, what: str, cure: str) -> Callable[[Function], Function]:
    """An option of the other command: hidden, and an error that says what to use."""

    def refuse(_ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        if value:
            raise UsageError(f"{name} {what}", cure)

    return click.option(name, hidden=True, expose_value=False, multiple=True, callback=refuse)


def every(*decorators: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Several options as one, in the order of the help."""

    def decorate(function: Function) -> Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def misplaced_in_resend() -> Callable[[Function], Function]:
    """Redirect's own options, refused in a resend."""
    what = "belongs to `ccc redirect`: a resend makes no resent block"
    shown = "use --show-to or --show-cc to show somebody who does not get it"
    return every(
        misplaced("--show-resent-to", what, shown),
        misplaced("--show-resent-cc", what, shown),
        misplaced("--resent", what, "leave it out"),
    )


def misplaced_in_redirect() -> Callable[[Function], Function]:
    """Resend's own options, refused in a redirect."""
    what = "belongs to `ccc resend`: a redirect leaves To and Cc as they are"
    cure = "use --show-resent-to or --show-resent-cc, or `ccc resend` if the mail is your own"
    return every(*(misplaced(name, what, cure) for name in ("--show-to", "--show-cc", "--ccc")))


account = option(
    SENDER,
    "-a",
    "--account",
    metavar="NAME",
    callback=values.given,
    help="The account of the configuration: who you are, how it goes out, and where --imap looks.",
)

mailbox = every(
    option(
        FROM,
        "--imap-uid",
        metavar="UIDS",
        multiple=True,
        callback=values.once,
        help="From your mailbox, by UID: 42, or a list with ranges as in 42,50:60. 1636544:42 says as well "
        "under which UIDVALIDITY.",
    ),
    option(
        FROM,
        "--imap-search",
        metavar="QUERY",
        multiple=True,
        callback=values.once,
        help="From your mailbox, all that the server finds: 'FROM boss SINCE 1-Nov-2026'. With --imap-uid, "
        "of those UIDs alone.",
    ),
    option(
        FROM,
        "--folder",
        metavar="NAME",
        callback=values.given,
        help="The folder of the mailbox. It is INBOX for a redirect, and the one for sent mail for a resend.",
    ),
    option(
        FROM,
        "--max-size",
        metavar="OCTETS",
        callback=values.number(int, 1, "number of octets"),
        help="Refuse a mail in the mailbox that is larger.  [default: 157286400]",
    ),
)

afterwards = every(
    option(
        RUN,
        "--mark/--no-mark",
        default=True,
        help="Whether a mail of your mailbox that was redirected is marked there as passed on ($Forwarded). "
        "It is.",
    ),
    option(
        RUN,
        "--fcc",
        metavar="FOLDER",
        callback=values.given,
        help="Keep a copy of what was sent in this folder of your mailbox; no for none. Without this option "
        "it is auto: in the folder for sent mail, unless the provider keeps one itself.",
    ),
)

force = option(
    WAY,
    "--force",
    is_flag=True,
    help="Send it although the provider is known to refuse or to rewrite mail from others.",
)

sources = every(
    click.argument("sources", metavar="[SOURCE]...", nargs=-1, type=click.Path()),
    mailbox,
)

leftout = every(
    option(
        SEEN,
        "--keep",
        metavar="NAME",
        multiple=True,
        help="Keep this header field, which would be left out (such as Delivered-To).",
    ),
    option(SEEN, "--strip", metavar="NAME", multiple=True, help="Leave out this header field as well."),
)

sender = every(
    account,
    option(
        SENDER,
        "--from",
        "sender",
        metavar="ADDRESS",
        callback=values.address,
        help="Who you are. It is the return address as well, unless --envelope-from differs.",
    ),
    option(
        SENDER,
        "--envelope-from",
        metavar="ADDRESS",
        callback=values.address,
        help="The return address (reverse-path) to which the servers report failures.",
    ),
)

way = every(
    option(
        WAY,
        "--smtp",
        metavar="URL",
        callback=values.given,
        help="The submission server: smtps://USER@HOST (TLS from the start) or "
        "smtp://USER@HOST:587 (STARTTLS). Without it the account's.",
    ),
    option(
        WAY,
        "--via",
        metavar="WAY",
        callback=values.given,
        help="Another way out: mx (straight to the recipients' own mail hosts), sendmail, "
        "sendmail:PATH, lmtp:HOST:PORT, lmtp:PATH, append:ACCOUNT/FOLDER "
        "(into a mailbox of your own, by IMAP), or maildir:DIR (a rehearsal: a Maildir for each recipient, "
        "nothing leaves the machine).",
    ),
    option(
        WAY,
        "--password-fd",
        metavar="N",
        callback=values.number(int, 0, "file descriptor", most=(1 << 31) - 1),
        help="Read the password from this file descriptor.",
    ),
    option(
        WAY,
        "--password-command",
        metavar="COMMAND",
        callback=values.command_line,
        help="Run this, without a shell, and take the first line that it prints as the password.",
    ),
    option(
        WAY,
        "--tls",
        type=click.Choice(("required", "opportunistic", "verify", "mta-sts", "dane")),
        help="Whether smtp:// needs STARTTLS. It does, except on this host itself, unless you say "
        "opportunistic: then nothing proves who the server is. With --via mx: what a mail host must offer at "
        "least (opportunistic, verify, mta-sts, dane).",
    ),
    option(
        WAY,
        "--tls-ca-file",
        metavar="FILE",
        callback=values.given,
        help="Trust the certificates in this file; on this host too, STARTTLS is then needed and verified.",
    ),
    option(
        WAY,
        "--timeout",
        metavar="SECONDS",
        callback=values.number(float, 0.001, "number of seconds"),
        help="Wait at most this long for each answer, instead of the minutes of RFC 5321.",
    ),
    option(
        WAY,
        "--helo",
        metavar="NAME",
        default="",
        callback=values.greeting,
        help="The host name to greet the server with, instead of the address of this host.",
    ),
    option(
        WAY,
        "--require-tls",
        is_flag=True,
        help="With --via mx: only to hosts that promise TLS, verified, for the rest of the way as well "
        "(REQUIRETLS).",
    ),
    option(
        WAY,
        "--allow-private-mx",
        is_flag=True,
        help="With --via mx: use mail hosts in private networks too.",
    ),
    option(
        WAY,
        "--pipeline-messages",
        metavar="N",
        callback=values.number(int, 1, "number of messages"),
        default="4",
        show_default=True,
        help="Messages that may be on their way at once. More is faster; a lost connection leaves "
        "as many in doubt.",
    ),
)

reports = every(
    force,
    option(
        WAY,
        "--dsn",
        metavar="WORDS",
        callback=values.reports,
        help="Ask for delivery reports: never, or any of success,failure,delay; full or headers; "
        "envid=ID. Joined by commas.",
    ),
)

settings = option(
    RUN,
    "--config",
    metavar="FILE",
    callback=values.given,
    help="Another configuration file than ~/.config/ccc/config.toml.",
)

quiet = every(
    option(RUN, "-q", "--quiet", is_flag=True, help="Say nothing when all went well."),
    option(RUN, "-v", "--verbose", is_flag=True, help="Show the dialogue with the server."),
)

run = every(
    afterwards,
    option(RUN, "-n", "--dry-run", is_flag=True, help="Show what would be sent; send nothing."),
    option(RUN, "--yes", is_flag=True, help="Answer the question with yes. It answers no other."),
    option(
        RUN,
        "--limit",
        metavar="N",
        callback=values.number(int, 1, "number of messages"),
        help="Take the first N messages only.",
    ),
    option(
        RUN,
        "--save-bytes",
        metavar="FILE",
        callback=values.given,
        help="Write the octets of the plan to a file, or with - to standard output. What an earlier run "
        "planned goes out as it was then: `ccc log ID --bytes`.",
    ),
    option(
        RUN,
        "--again",
        is_flag=True,
        help="Send it anew to those whom the journal knows, whatever became of it, unless that is in doubt.",
    ),
    option(
        RUN,
        "--no-journal",
        is_flag=True,
        help="Keep no record: nothing is known then of earlier runs, and a later one knows nothing of this.",
    ),
    settings,
    option(
        RUN,
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object for each message: the plan with --dry-run, else the receipt.",
    ),
    quiet,
    option(
        RUN,
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Colours at a terminal. NO_COLOR is respected.",
    ),
)
