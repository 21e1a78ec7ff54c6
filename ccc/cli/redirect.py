"""`ccc redirect`: somebody's mail, passed on unaltered."""

from typing import Any

import click

from ccc.cli import options
from ccc.cli.help import SEEN, WHO, Command
from ccc.cli.options import every, option, people

people_of_a_redirect = every(
    people(WHO, "--to", help="Gets it, and is shown in Resent-To."),
    people(WHO, "--cc", help="Gets it, and is shown in Resent-Cc."),
    people(WHO, "--bcc", help="Gets it, and is shown nowhere."),
    people(SEEN, "--show-resent-to", help="Does not get it, and is shown in Resent-To."),
    people(SEEN, "--show-resent-cc", help="Does not get it, and is shown in Resent-Cc."),
    option(
        SEEN,
        "--resent",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Whether a resent block says who passed it on. auto: unless that would break the "
        "author's DKIM signature.",
    ),
    options.misplaced_in_redirect(),
    options.leftout,
)


@click.command(cls=Command, name="redirect", short_help="Pass on a mail that somebody else wrote, unaltered.")
@options.sources
@people_of_a_redirect
@options.sender
@options.way
@options.reports
@options.run
def command(**choices: Any) -> int:
    r"""Pass on a mail that somebody else wrote, as it is, with its author, To and Cc.

    SOURCE is a file that holds one mail (.eml, .emlx), a Maildir folder, mbox:PATH, imap:42 or mid:<ID> for
    a mail of your mailbox, or - for standard input. Several make a batch: one table, one question, one
    connection. A resent block on top (Resent-From, Resent-To and so on) says that you passed it on; the
    octets below it stay, so that its signatures still hold.

    A, below, is a list of addresses ("Ann <ann@example.org>, bob@example.net"), or @FILE with one on
    each line. Each option that takes A can be repeated.

    Pass it on to a friend:
      ccc redirect mail.eml --to friend@example.net --from me@example.org \
          --smtp smtps://me@smtp.example.org

    By your account, from your mailbox, to those whom its redirect_to names:
      ccc redirect --imap-uid 1

    In cron, all that is new from somebody:
      ccc redirect --imap-search 'UNSEEN FROM ann' --to me@home.example -q

    Into another mailbox of your own, where nobody can refuse or change it:
      ccc redirect --imap-uid 2 --via append:work/Archive

    Look first, send nothing:
      ccc redirect mail.eml --to friend@example.net --from me@example.org --dry-run

    In a .forward file or a mail filter, where the mail comes on standard input:
      ccc redirect - --to me@example.net --envelope-from me@example.org --via sendmail

    Rehearse: a Maildir for each recipient, nothing leaves the machine:
      ccc redirect *.eml --to friend@example.net --from me@example.org --via maildir:rehearsal
    """
    from ccc.cli.outset import set_out

    return set_out("redirect", choices)
