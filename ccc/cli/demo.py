"""`ccc demo`: the main job, done for real, with no configuration and no network beyond loopback.

A mail goes to three people, a fourth was forgotten and gets it later. Everything that is shown comes
from the engine that sends real mail: the plan, the dialogue, the receipts, the mailboxes.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccc.cli.help import RUN, Command, Option
from ccc.cli.terminal import complain
from ccc.errors import StateError

if TYPE_CHECKING:
    from rich.console import Console

    from ccc.cli.demo_server import Mailboxes
    from ccc.message import Message
    from ccc.plan import Plan
    from ccc.receipt import Receipt
    from ccc.routes.submission import Submission

MAIL = b"""\
Date: Tue, 17 Nov 2026 09:30:00 +0100\r
From: Ines Maro <ines@example.org>\r
To: Ann Lee <ann@example.com>\r
Cc: Bob Ray <bob@example.net>, Cleo Fox <cleo@example.net>\r
Subject: Minutes of Tuesday\r
Message-ID: <minutes-1@example.org>\r
\r
Dear all,\r
\r
we agreed on the blue one. Dan will order it.\r
\r
Ines\r
"""
AUTHOR = "ines@example.org"
THREE = ("ann@example.com", "bob@example.net", "cleo@example.net")
FORGOTTEN = "Dan Oko <dan@example.org>"


@click.command(cls=Command, name="demo", short_help="See it work, with no configuration and no network.")
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    cls=Option,
    section=RUN,
    show_default=True,
    help="Colours at a terminal. NO_COLOR is respected.",
)
def command(color: str) -> int:
    """See it work, with no configuration and no network.

    A mail server starts on this machine, for this machine only. A mail goes to three people, then it is
    resent to a fourth. You see what is planned, what is said to the server, and the four mailboxes; they
    stay in a temporary folder, to be looked at.

    See it:
      ccc demo
    """
    from ccc.cli.demo_server import HOST, Mailboxes, Server
    from ccc.cli.render import console

    mail = _written()
    mailboxes = Mailboxes(mail.parent / "mailboxes")
    with Server(mailboxes) as server:
        url = f"smtp://{HOST}:{server.port}"
        return Story(console(color, stdout=True), mail, mailboxes, url).tell()


def _written() -> Path:
    """The mail, in a folder of its own."""
    import tempfile

    try:
        mail = Path(tempfile.mkdtemp(prefix="ccc-demo-")) / "sent.eml"
        mail.write_bytes(MAIL)
    except OSError as error:
        raise StateError(
            f"the demo's folder cannot be written: {error.strerror}", "set TMPDIR to another one"
        ) from error
    return mail


class Story:
    """The demo, step by step."""

    def __init__(self, screen: "Console", mail: Path, mailboxes: "Mailboxes", url: str) -> None:
        self.screen = screen
        self.mail = mail
        self.mailboxes = mailboxes
        self.url = url

    def tell(self) -> int:
        """Tell it, and do it; returns the exit status."""
        self._step("Step 1. Ines sends the minutes to Ann, Bob and Cleo.")
        receipt = self._deliver_to_three()
        if receipt.exit_status:
            return self._stopped(receipt)
        self._say(f"   delivered to {', '.join(THREE)}")
        self._step("Step 2. Dan was forgotten. Ines plans to send it to him as well:")
        self._say(f'   ccc resend sent.eml --to "{FORGOTTEN}" --smtp {self.url}')
        receipt, dialogue = self._resend()
        self._step("Step 3. The dialogue: -> said by ccc, <- answered by the server.")
        for line in dialogue:
            self._say(line, "cyan" if line.startswith(" -> ") else "")
        if receipt.exit_status:
            return self._stopped(receipt)
        self._step("Step 4. The mailboxes afterwards:")
        self._show_mailboxes()
        self._step(f"It all lies in {self.mail.parent}")
        return 0

    def _stopped(self, receipt: "Receipt") -> int:
        """Say who did not get it, and why; returns the exit status."""
        from ccc.cli.words import failed_lines

        for line in failed_lines(receipt):
            complain(line)
        return receipt.exit_status

    def _deliver_to_three(self) -> "Receipt":
        """The first mail: this content in an envelope of its own, as any program may ask for."""
        from ccc.address import parse_mailbox
        from ccc.delivery import Delivery
        from ccc.envelope import Envelope
        from ccc.receipt import Receipt
        from ccc.sources import read_source

        message = read_source(str(self.mail))
        envelope = Envelope(parse_mailbox(AUTHOR), tuple(map(parse_mailbox, THREE)))
        delivery = Delivery(envelope, message.content(message.header))
        news = self._route().deliver((delivery,))
        settled = (each for some in news for each in some)
        return Receipt(message.name, tuple(outcome for each in settled for outcome in each.outcomes))

    def _resend(self) -> "tuple[Receipt, list[str]]":
        """The second one: planned, shown, sent. What became of it, and what was said."""
        from ccc.cli.render import show_plan
        from ccc.dispatch import deliver

        dialogue: list[str] = []
        plan, route = planned(str(self.mail)), self._route(dialogue)
        show_plan(self.screen, plan, route.name)
        (receipt,) = deliver(plan, route)
        return receipt, dialogue

    def _route(self, dialogue: list[str] | None = None) -> "Submission":
        from ccc.routes.submission import Manner, Submission
        from ccc.transport.server import from_url
        from ccc.transport.transcript import Transcript

        transcript = None if dialogue is None else Transcript(dialogue.append)
        return Submission(from_url(self.url), None, Manner(transcript=transcript))

    def _show_mailboxes(self) -> None:
        forgotten = FORGOTTEN.partition("<")[2].rstrip(">")
        for recipient in (*THREE, forgotten):
            count = len(self.mailboxes.of(recipient))
            self._say(f"   {recipient:<18} {count} {'copy' if count == 1 else 'copies'}")
        one, other = (self.mailboxes.of(who)[0].read_text("utf-8") for who in (THREE[0], forgotten))
        self._say("   Dan's copy is Ann's, octet for octet, but for this:")
        for line in difference(one, other):
            self._say(f"     {line}", {"+": "bold green", "-": "bold red"}.get(line[0], "dim"))

    def _step(self, words: str) -> None:
        self.screen.print()
        self._say(words, "bold")

    def _say(self, words: str, style: str = "") -> None:
        from ccc.cli.render import text

        self.screen.print(text(words, style), soft_wrap=True)


def planned(source: "str | Message") -> "Plan":
    """The plan of the demo: the same mail, for one person more."""
    import ccc

    return ccc.plan_resend(source, to=FORGOTTEN, sender=AUTHOR)


def difference(one: str, other: str) -> Iterator[str]:
    """The lines that differ, with a line of context."""
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), n=1, lineterm="")
    return (line for line in lines if not line.startswith(("---", "+++", "@@")))


def picture(width: int) -> str:
    """Both panels of the demo's plan as SVG, always the same; for the README."""
    import io

    from ccc.cli.render import console, show_plan
    from ccc.message import HeldOctets, read

    screen = console("always", io.StringIO(), record=True, width=width)
    plan = planned(read(HeldOctets(MAIL), "sent.eml"))
    screen.print(f'$ ccc resend sent.eml --to "{FORGOTTEN}" --smtp smtps://ines@smtp.example.org')
    show_plan(screen, plan, "smtp.example.org:465")
    screen.print("Send it to Dan Oko <dan@example.org>? [y/n]")
    return screen.export_svg(title="ccc resend", unique_id="ccc")
