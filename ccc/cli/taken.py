"""The messages that a run takes: what the sources on the command line hold, one after the other.

Nothing is read before its turn. Only so many are looked for as tell whether somebody must be asked: a wrong
search in a script mails nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, NoReturn

from ccc.cli.choices import Choices
from ccc.cli.terminal import say
from ccc.config import Config
from ccc.errors import CccError, Interrupted, UsageError
from ccc.plan import Action
from ccc.sources import Item, items

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.cli.stores import Stores
    from ccc.config.account import Account
    from ccc.journal.journal import Journal
    from ccc.message import Message
    from ccc.sources.imap import Lot
    from ccc.sources.names import Url, Wanted
    from ccc.transport.server import Server

UNATTENDED = 50  # messages; more need --yes or --limit

Recipients = Callable[["Account | None"], "Sequence[Mailbox]"]


class Taken:
    """The messages of a run, as items that can be read; an iterator."""

    def __init__(
        self, action: str, choices: Choices, config: Config, stores: "Stores", journal: "Journal | None"
    ) -> None:
        self._action = Action(action)
        self._choices = choices
        self._config = config
        self._stores = stores
        self._journal = journal
        self._recipients: Recipients = lambda _: ()
        self._left: Iterator[Item] = iter(())
        self._head: list[Item] = []

    def look(self, recipients: Recipients, *, terminal: bool) -> None:
        """Find the first of them, and read what comes as a stream; UsageError if they are too many.

        `recipients` says who gets what is fetched from an account, so that what they have is left there.
        """
        self._recipients = recipients
        self._left = self._all(skip=not terminal)
        choices, most = self._choices, UNATTENDED + 1
        self._head = [_held(item) for item in islice(self._left, min(choices.limit or most, most))]
        sure = terminal or choices.yes or choices.dry_run or choices.limit
        if len(self._head) > UNATTENDED and not sure:
            count = len(self._head) + sum(1 for _ in self._left)
            raise UsageError(
                f"{count} messages, and nobody can be asked whether that is meant",
                "add --yes for all of them, or --limit N for the first N",
            )
        if choices.save_bytes and self.several:
            raise UsageError("--save-bytes takes one message", "name one, or add --limit 1")

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._head) > 1

    @property
    def many(self) -> bool:
        """Whether there are so many that somebody may want to see how far it is."""
        return len(self._head) > 20

    def __iter__(self) -> Iterator[Item]:
        limit = self._choices.limit
        return islice(chain(self._head, map(_held, self._left)), limit)

    def left(self) -> int:
        """How many --limit leaves out."""
        return sum(1 for _ in self._left) if self._choices.limit else 0

    def _all(self, *, skip: bool) -> Iterator[Item]:
        choices = self._choices
        for name in choices.sources:
            asked = self._asked(name)
            make = partial(self._fetched, asked, skip=skip) if asked else partial(self._here, name)
            yield from _trying(name, make)
        if choices.imap_uid or choices.imap_search:
            from ccc.sources.names import Wanted

            name = "--imap-uid" if choices.imap_uid else "--imap-search"
            wanted = Wanted(uids=choices.imap_uid or "", search=choices.imap_search or "")
            yield from _trying(name, partial(self._fetched, wanted, skip=skip))

    def _here(self, name: str) -> Iterator[Item]:
        """What a file, a stream, a Maildir or an mbox holds, which may be nothing yet."""
        nothing = True
        for item in items(name):
            nothing = False
            yield item
        if nothing and not self._choices.quiet:
            say(f"note: nothing was found in {name}")

    def _asked(self, name: str) -> "Wanted | Url | None":
        """What a source wants of an IMAP server; None if it is none there."""
        if not self._choices.from_imap:
            return None
        from ccc.sources.names import from_name

        return from_name(name)

    def _fetched(self, asked: "Wanted | Url", *, skip: bool) -> Iterator[Item]:
        """What an IMAP server holds."""
        account, wanted = self._store_of(asked)
        lot = self._lot(account, wanted, skip=skip)
        if lot.settled and not self._choices.quiet:
            say(
                f"note: {_messages(lot.settled)} of {lot.folder} left out: settled by an earlier run, "
                "as `ccc log` says; --again takes them once more"
            )
        if not (lot.count or lot.settled or self._choices.quiet):
            say(f"note: nothing was found in {lot.folder} of {account.name}")
        return lot.items

    def _lot(self, account: "Account", wanted: "Wanted", *, skip: bool) -> "Lot":
        from ccc.sources.imap import imap_items

        journal, recipients = self._journal, self._recipients(account)

        def remembered(folder: str) -> int | None:
            from ccc.journal.origins import uidvalidity

            return uidvalidity(journal, account.name, folder) if journal else None

        def settled(folder: str, validity: int, uids: Sequence[int]) -> frozenset[int]:
            from ccc.journal.origins import settled

            if journal is None or not skip or self._choices.again:
                return frozenset()
            return settled(journal, account.name, folder, validity, uids, self._action, recipients)

        return imap_items(
            self._stores.session(account),
            account.name,
            wanted,
            action=self._action,
            remembered=remembered,
            settled=settled,
        )

    def _store_of(self, asked: "Wanted | Url") -> "tuple[Account, Wanted]":
        """The account whose mailbox is meant, and what is wanted of it."""
        from ccc.accounts.choose import choose, undecided
        from ccc.config.account import Account
        from ccc.sources.names import Url

        if isinstance(asked, Url):
            return self._account_at(asked.server) or Account(asked.server, imap=asked.server), asked.wanted
        chosen = choose(self._config, named=self._choices.account, fetched_from=None, authors=())
        if chosen is None:
            raise undecided(self._config, "no account says where the mailbox is")
        folder = self._choices.folder
        return chosen, asked._replace(folder=folder) if folder and not asked.folder else asked

    def _account_at(self, url: str) -> "Account | None":
        """The account whose mailbox is at this URL."""
        from ccc.transport.server import imap_from_url

        server = imap_from_url(url)
        accounts = self._config.accounts.values()
        return next((each for each in accounts if each.imap and _is_at(server, each.imap)), None)


def _is_at(server: "Server", url: str) -> bool:
    """Whether a URL names this server, and this user of it."""
    from ccc.transport.server import imap_from_url

    other = imap_from_url(url)
    return (server.host, server.port) == (other.host, other.port) and server.user in ("", other.user)


def _held(item: Item) -> Item:
    """A stream is read at once: it may be slow, and a signal must end the wait."""
    if not item.stream:
        return item
    try:
        message = item.read()
    except Interrupted:
        raise
    except CccError as error:
        return Item(item.name, _raising(error))
    return Item(item.name, lambda: message)


def _trying(name: str, make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of a source; if it cannot be opened or gone through, an item that says so."""
    try:
        yield from make()
    except Interrupted:
        raise
    except CccError as error:
        yield Item(name, _raising(error))


def _raising(error: CccError) -> "Callable[[], Message]":
    def read() -> NoReturn:
        raise error

    return read


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
