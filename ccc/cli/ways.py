"""How each message of a run goes out: by which account, over which route, and what is asked of it there.

The account is -a, else the one that a message was fetched from, else (in a resend) the one that its From
names, else the default. To and Delivered-To never choose: strangers write them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ccc.address import Mailbox
from ccc.cli.choices import Choices
from ccc.cli.judging import judge, knows_rules
from ccc.cli.terminal import ask_people
from ccc.cli.way import appended_to, depends, nowhere, route_of, user_of
from ccc.config import Config
from ccc.errors import UsageError
from ccc.plan import Action, Plan, Request, make_plan
from ccc.routes.submission import Submission

if TYPE_CHECKING:
    from datetime import datetime

    from ccc.cli.stores import Stores
    from ccc.config.account import Account
    from ccc.message import Message
    from ccc.routes.route import Route
    from ccc.transport.interrupts import Interrupts


class Way(NamedTuple):
    """One way out: None for the route only in a dry run that names none."""

    account: "Account | None"
    route: "Route | None"
    request: Request

    @property
    def name(self) -> str:
        """Where it leads, for eyes."""
        return self.route.name if self.route else ""


class Ways:
    """The ways of a run, each made once."""

    def __init__(
        self,
        action: str,
        choices: Choices,
        config: Config,
        stores: "Stores",
        interrupts: "Interrupts",
        *,
        terminal: bool,
        begun: Submission | None = None,
    ) -> None:
        self._begun = begun  # a connection, for the route that is the same but for it
        self._action = Action(action)
        self._choices = choices
        self._config = config
        self._stores = stores
        self._interrupts = interrupts
        self._terminal = terminal
        self._people: tuple[Mailbox, ...] = ()  # who was named when somebody was asked
        self._made: dict[str, Way] = {}  # by the name of the account
        self._of: dict[Request, Way] = {}

    def only(self) -> Way | None:
        """The way of every message; None if that depends on the message."""
        if depends(self._action.value, self._choices, self._config):
            return None
        return self._made_for(self._account((), None))

    def recipients(self, account: "Account | None") -> tuple[Mailbox, ...]:
        """Who gets what is fetched from an account."""
        fetched_from = account.name if account else None
        return self._made_for(self._account((), fetched_from)).request.people.recipients

    def of(self, message: "Message") -> Way:
        """The way of a message."""
        from ccc.message.display import shown_in

        fetched_from = message.origin.account if message.origin else None
        authors = shown_in(message.header, "from") if self._action is Action.RESEND else ()
        return self._made_for(self._account(authors, fetched_from))

    def of_plan(self, plan: Plan) -> Way:
        """The way that a plan was made for."""
        return self._of[plan.request]

    def planned(self, message: "Message", *, now: "datetime", token: str) -> Plan:
        """The plan for a message on its way; NotPermitted where the provider would not take it as it is."""
        way = self.of(message)
        return self._judged(make_plan(way.request, message, now=now, token=token), way)

    def open(self, plan: Plan) -> "Route":
        """The route of a plan, with what its login needs; this may ask for a password."""
        way = self.of_plan(plan)
        if way.route is None:
            raise nowhere(self._config)
        opened = logged_in(way.route, way.account, self._choices, self._stores)
        again = opened._replace(dial=None) if isinstance(opened, Submission) else opened
        self._of[plan.request] = way._replace(route=again)  # a connection that was begun is used once
        return opened

    def _judged(self, plan: Plan, way: Way) -> Plan:
        """The plan with what its submission server makes of it; NotPermitted if it should not go."""
        if not knows_rules(way.route, way.account):
            return plan
        from ccc.accounts.policy import Outgoing

        finding = judge(Outgoing.of(plan), way.route, way.account, self._choices, self._config)
        return replace(plan, findings=(finding, *plan.findings)) if finding else plan

    def _account(self, authors: tuple[Mailbox, ...], fetched_from: str | None) -> "Account | None":
        from ccc.accounts.choose import choose

        named = self._choices.account or (fetched_from in self._config.accounts)
        if self._choices.smtp and not named:
            return None  # the URL says who logs in where
        if not self._config.accounts and self._choices.account is None:
            return None
        known = fetched_from if fetched_from in self._config.accounts else None
        return choose(self._config, named=self._choices.account, fetched_from=known, authors=authors)

    def _made_for(self, account: "Account | None") -> Way:
        name = account.name if account else ""
        if name not in self._made:
            route = self._route(account)
            way = Way(account, route, self._request(account))
            self._made[name] = self._of[way.request] = way
        return self._made[name]

    def _route(self, account: "Account | None") -> "Route | None":
        route = route_of(
            self._choices, account, self._config, self._stores, self._interrupts, terminal=self._terminal
        )
        begun = self._begun
        if begun is None or route != begun._replace(dial=None):
            return route
        self._begun = None
        return begun

    def _request(self, account: "Account | None") -> Request:
        """What is asked of the messages that go out by this account."""
        choices = self._choices
        target = appended_to(choices, account, self._config)
        if not choices.names_somebody:
            choices = choices._replace(to=(target,) if target else self._unnamed(account))
        if account and account.strip:
            choices = choices._replace(strip=(*choices.strip, *account.strip))
        login = user_of(choices, account)
        try:
            return choices.request(self._action.value, account, login)
        except UsageError as error:
            if choices.names_somebody or self._action is Action.RESEND:
                raise
            raise UsageError(
                error.what, f"{error.cure}; or redirect_to to the account, once and for all"
            ) from error

    def _unnamed(self, account: "Account | None") -> tuple[Mailbox, ...]:
        """Who gets it where the command line names nobody."""
        if self._action is Action.REDIRECT and account and account.redirect_to:
            return account.redirect_to
        if self._terminal and not self._choices.yes and not self._people:
            self._people = ask_people("Who shall get it? ")
        return self._people


def logged_in(route: "Route", account: "Account | None", choices: Choices, stores: "Stores") -> "Route":
    """The route with its keys; the first credentials are sought before anything is connected."""
    if not isinstance(route, Submission) or not route.server.user or route.credentials:
        return route
    keys = stores.wallet.keys(None if choices.smtp else account, route.server)
    if keys is None:
        return route
    keys.credentials()
    return route._replace(credentials=keys)
