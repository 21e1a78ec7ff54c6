"""The journal of a run, opened where one is kept, and what it knows of the people a plan names."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ccc.cli import direct
from ccc.cli.choices import Choices
from ccc.cli.terminal import say
from ccc.config import Config
from ccc.errors import StateError, UsageError
from ccc.plan import Plan
from ccc.receipt import Outcome, State

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.config.account import Account
    from ccc.journal.journal import Journal, Terms


SERVER = ""  # the way to a submission server has no name
_IDLE = {  # what a way has no use for
    "sendmail": ("tls_ca_file", "timeout", "password_command", "force"),
    "lmtp": ("tls_ca_file", "password_command", "force"),
    "append": ("force",),
    "mx": ("password_command", "force"),
}

Key = tuple[int, tuple[str, str]]  # the number of a plan, and the key of one of its recipients


class Standing(NamedTuple):
    """What the journal knows of the recipients of some plans."""

    left: Mapping[Key, Outcome]  # who is left alone, and what became of them
    again: Mapping[Key, Outcome]  # to whom it goes once more, and why
    doubts: tuple[Outcome, ...]  # of those who are left alone, and could be sent the same again

    def goes_to(self, plans: Sequence[Plan]) -> tuple["Mailbox", ...]:
        """Those people to whom at least one of the plans will be sent."""
        pairs = ((number, each) for number, plan in enumerate(plans) for each in plan.envelope.forward_paths)
        return tuple(dict.fromkeys(each for number, each in pairs if (number, each.key) not in self.left))

    def marks(self, plans: Sequence[Plan]) -> dict[tuple[str, str], str]:
        """What to say of those who are known, in how many of the plans."""
        marks: dict[tuple[str, str], list[str]] = {}
        for (_, key), outcome in self.left.items():
            marks.setdefault(key, []).append(said(outcome))
        for (_, key), outcome in self.again.items():
            marks.setdefault(key, []).append(f"{came_to(outcome)}, gets it again")
        many = len(plans)
        return {
            key: words[0] + (f" ({len(words)} of {many})" if many > 1 else "") for key, words in marks.items()
        }

    def going(self, plans: Sequence[Plan]) -> list[int]:
        """The numbers of the plans that will be sent to anybody."""
        return [number for number, plan in enumerate(plans) if self._goes(number, plan)]

    def _goes(self, number: int, plan: Plan) -> bool:
        return any((number, each.key) not in self.left for each in plan.envelope.forward_paths)

    def of_each(self, plans: Sequence[Plan]) -> list[dict[tuple[str, str], str]]:
        """What to say of those who are known in each of the plans, in a word or two."""
        marks: list[dict[tuple[str, str], str]] = [{} for _ in plans]
        for (number, key), outcome in self.left.items():
            marks[number][key] = _in_a_word(outcome)
        for number, key in self.again:
            marks[number][key] = "gets it again"
        return marks

    def as_json(self) -> list[dict[str, object]]:
        """What an earlier run came to, for `--json`."""
        return [outcome.as_json() for known in (self.left, self.again) for outcome in known.values()]


NOBODY_KNOWN = Standing({}, {}, ())


def ledger(choices: Choices, config: Config) -> "Journal | None":
    """The journal of this run: none for a rehearsal, and none where nobody wants one."""
    from ccc.routes.named import is_rehearsal

    if choices.no_journal or is_rehearsal(choices.via):
        if choices.again:
            raise UsageError("--again is about the journal, and this run has none", "leave it out")
        return None
    from ccc.journal.opening import open_journal

    return open_journal(config, os.environ, create=not choices.dry_run)


def terms_of(choices: Choices, account: "Account | None" = None) -> "Terms":
    """How this run sends, by this account if by any, as the journal keeps it for `ccc retry`."""
    from ccc.journal.journal import Terms

    return Terms(way_of(choices, account), again=choices.again)


def way_of(choices: Choices, account: "Account | None" = None) -> dict[str, object]:
    """The options that say how the mail goes out, as they will be true in another folder tomorrow.

    Those that are for the mailbox it was fetched from are none of them.
    """
    via = choices.via or (None if choices.smtp or account else "sendmail")
    kind = direct.way_of(choices._replace(via=via), account).partition(":")[0]
    way = {
        "account": account.name if account else None,
        "smtp": choices.smtp,
        "via": _anywhere(via),
        "tls": choices.tls if kind in (SERVER, direct.MX) else None,
        "tls_ca_file": choices.tls_ca_file and os.path.abspath(choices.tls_ca_file),
        "helo": choices.helo,
        "allow_private_mx": choices.allow_private_mx,
        "require_tls": choices.require_tls,
        "timeout": choices.timeout,
        "password_command": choices.password_command,
        "force": choices.force,
    }
    idle = _IDLE.get(kind, ())
    return {name: value for name, value in way.items() if value and name not in idle}


def look_up(journal: "Journal", plans: Sequence[Plan], terms: "Terms") -> Standing:
    """What the journal knows of those to whom these plans would go."""
    from ccc.journal.verdict import Act

    left: dict[Key, Outcome] = {}
    again: dict[Key, Outcome] = {}
    doubts: list[Outcome] = []
    for number, plan in enumerate(plans):
        for mailbox, act, outcome, on_word in journal.review(plan, terms):
            if outcome is None:
                continue
            known = left if act is Act.LEAVE else again
            known[number, mailbox.key] = outcome
            if on_word:
                doubts.append(outcome)
    return Standing(left, again, tuple(doubts))


def said(outcome: Outcome) -> str:
    """Why somebody is left alone, in a few words."""
    if outcome.state is State.DEFERRED:  # another run has it, or it was planned otherwise
        return f"held: {outcome.reason.partition(' (')[0]}"
    return f"already {came_to(outcome)}"


def _in_a_word(outcome: Outcome) -> str:
    if outcome.state is State.DEFERRED:
        return "held"
    return f"already {'delivered' if outcome.state is State.ACCEPTED else outcome.state.value}"


def came_to(outcome: Outcome) -> str:
    """What an earlier run came to, and when."""
    from ccc.cli.moments import shown

    what = "delivered" if outcome.state is State.ACCEPTED else outcome.state.value
    return f"{what} {shown(outcome.since or 0)}"


def remind(journal: "Journal", told: int) -> None:
    """One line about what is in doubt besides the `told` recipients of whom this run has spoken."""
    from ccc.journal.retry import waiting

    try:
        others = waiting(journal).in_doubt - told
    except StateError:  # whatever that means for what was sent has been said
        return
    if others > 0:
        what = "1 delivery is" if others == 1 else f"{others} deliveries are"
        say(f"note: {what} in doubt from earlier: `ccc log --state in-doubt` says which")


def _anywhere(via: str | None) -> str | None:
    """The same way with a path that holds in every folder."""
    name, colon, path = (via or "").partition(":")
    if path and (name == "sendmail" or (name == "lmtp" and "/" in path)):
        return f"{name}{colon}{os.path.abspath(path)}"
    return via
