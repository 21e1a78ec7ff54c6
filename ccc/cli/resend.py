"""`ccc resend`: a mail of my own, to somebody I forgot."""

from typing import Any

import click

from ccc.cli import options
from ccc.cli.help import SEEN, WHO, Command
from ccc.cli.options import every, people

people_of_a_resend = every(
    people(WHO, "--to", help="Gets it, and is shown in Cc."),
    people(WHO, "--cc", help="Gets it, and is shown in Cc."),
    people(WHO, "--bcc", help="Gets it, and is shown nowhere."),
    people(SEEN, "--show-to", help="Does not get it, and is shown in To."),
    people(SEEN, "--show-cc", "--ccc", help="Does not get it, and is shown in Cc."),
    options.misplaced_in_resend(),
    options.leftout,
)


@click.command(cls=Command, name="resend", short_help="Send a mail of your own to people you forgot.")
@options.sources
@people_of_a_resend
@options.sender
@options.way
@options.reports
@options.run
def command(**choices: Any) -> int:
    r"""Send a mail of your own to people you forgot, and to nobody else.

    SOURCE is a file that holds one mail (.eml, .emlx), a Maildir folder, mbox:PATH, imap:42 or mid:<ID> for
    a mail of your mailbox, or - for standard input. Several make a batch: one table, one question, one
    connection. In the copy that the new people get, they are added to Cc: they see who else has the mail,
    and their answers reach everybody. The copies that others have do not change. All else stays as it was,
    Message-ID and Date too.

    A, below, is a list of addresses ("Ann <ann@example.org>, bob@example.net"), or @FILE with one on
    each line. Each option that takes A can be repeated.

    Send it to somebody you forgot:
      ccc resend sent.eml --to late@example.org --smtp smtps://me@smtp.example.org

    The same by your account, of a mail in the folder for sent mail:
      ccc resend --imap-uid 1 --to late@example.org

    Look first, send nothing:
      ccc resend sent.eml --to "Late Riser <late@example.org>" --dry-run

    Somebody has it by other means; let the others see that:
      ccc resend sent.eml --to late@example.org --show-cc paper@example.net --dry-run

    From a script, to a list of people:
      ccc resend sent.eml --to @people.txt --yes --json \
          --smtp smtps://me@smtp.example.org --password-command "pass show mail"
    """
    from ccc.cli.outset import set_out

    return set_out("resend", choices)
