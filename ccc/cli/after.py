"""What follows when somebody has a message: a copy of what was sent is kept, and the original is marked.

Both happen in the user's own mailbox, after the delivery; when one fails, the mail was sent all the same.
"""

from functools import partial
from typing import TYPE_CHECKING

from ccc.cli.choices import Choices
from ccc.cli.stores import Stores
from ccc.cli.terminal import say
from ccc.config import Config
from ccc.errors import CccError, NotRecordedError, UsageError
from ccc.plan import Action, Plan
from ccc.receipt import Receipt, State

if TYPE_CHECKING:
    from ccc.cli.ways import Way
    from ccc.config.account import Account
    from ccc.delivery import Sendable
    from ccc.routes.copies import Marks, SentCopies

NO = "no"
AUTO = "auto"


class Aftermath:
    """The copies and marks of a run."""

    def __init__(self, choices: Choices, config: Config, stores: Stores) -> None:
        self._choices = choices
        self._config = config
        self._stores = stores
        self._copies: dict[str, SentCopies | NotRecordedError | None] = {}  # by the name of the account
        self._marks: dict[str, Marks] = {}
        self._looked: set[str] = set()  # accounts that have the folder which --fcc names

    def check(self, way: "Way") -> None:
        """Raise CccError for a copy that nobody can keep: no mailbox, or no such folder in it."""
        account, asked = way.account, self._choices.fcc
        if asked in (None, AUTO, NO):
            return
        if account is None or not account.imap:
            raise UsageError(f"--fcc {asked} needs an account with IMAP", "add -a ACCOUNT, or leave it out")
        if account.name not in self._looked:
            self._stores.session(account).examine(asked)
            self._looked.add(account.name)

    def followed(self, receipt: Receipt, plan: Plan, way: "Way") -> Receipt:
        """The receipt, when the original is noted and the copy kept, if this run brought it to somebody.

        One copy is kept of a message, however many runs it takes until all have it.
        """
        from ccc.routes.maildir import Maildirs

        had_it = any(each.state is State.ACCEPTED and each.since is not None for each in receipt.outcomes)
        has_it = any(each.state is State.ACCEPTED and each.since is None for each in receipt.outcomes)
        if not has_it:
            return receipt
        if not isinstance(way.route, Maildirs):  # a rehearsal
            self._note(plan)
        try:
            if not had_it:
                self.keep(plan.content, way)
        except CccError as error:
            return receipt._replace(error=receipt.error or error)
        return receipt

    def words(self, way: "Way") -> str:
        """Where a copy is kept, to be said behind the name of the way; "" if none is."""
        account = way.account
        if account is None or not self._wants_copies(account, way):
            return ""
        asked = self._choices.fcc or account.fcc
        folder = "the folder for sent mail" if asked == AUTO else asked
        return f", and a copy goes into {folder} of {account.name}"

    def keep(self, content: "Sendable", way: "Way") -> None:
        """Put a copy into the folder for what was sent; NotRecordedError."""
        account = way.account
        if account is None or not self._wants_copies(account, way):
            return
        if account.name not in self._copies:
            self._copies[account.name] = self._made(account)
        copies = self._copies[account.name]
        if isinstance(copies, NotRecordedError):
            raise copies
        if copies is not None:
            copies.keep(content)

    def _wants_copies(self, account: "Account", way: "Way") -> bool:
        from ccc.routes.append import Append
        from ccc.routes.maildir import Maildirs

        asked = self._choices.fcc or account.fcc
        if asked == NO or not account.imap:
            return False
        return asked != AUTO or not (account.stores_sent or isinstance(way.route, Append | Maildirs))

    def _made(self, account: "Account") -> "SentCopies | NotRecordedError | None":
        """Who keeps the copies; None where there is no folder for them, an error where nobody can say."""
        from ccc.routes.copies import SentCopies, sent_folder

        asked, connect = self._choices.fcc or account.fcc, partial(self._stores.session, account)
        try:
            folder = asked if asked != AUTO else sent_folder(connect)
        except NotRecordedError as error:
            return error
        return SentCopies(connect, folder) if folder else None

    def _note(self, plan: Plan) -> None:
        """Remember to mark the original as passed on."""
        origin = plan.message.origin
        if origin is None or not self._choices.mark or plan.action is not Action.REDIRECT:
            return
        account = self._config.accounts.get(origin.account)
        if account is None:
            return
        if account.name not in self._marks:
            from ccc.routes.copies import Marks

            self._marks[account.name] = Marks(partial(self._stores.session, account))
        self._marks[account.name].note(origin)

    def finish(self) -> None:
        """Write the marks; where that fails, the mail was sent all the same."""
        for marks in self._marks.values():
            try:
                for folder in marks.write():
                    say(f"note: {folder} keeps no keywords, so nothing says there what was passed on")
            except CccError as error:
                say(f"note: it was sent, and the mark in the mailbox failed: {error}")
