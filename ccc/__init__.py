"""ccc: deliver an existing message to new people only, while everyone sees the same To and Cc.

The way of a message, and the reading order:

    SOURCE -> Message -> Plan(envelope, edited message, findings) -> Route -> replies -> Receipt

Three floors; imports go down, which a test holds.

    SHELL   cli/         commands: read, plan, deliver, render
            api.py       the same for programs: plan_resend, plan_redirect
            setup/       accounts found, tried and looked after: the wizard, the doctor, the canary
            dispatch.py  deliver: plans over a route, receipts out, with the journal
    DOORS   routes/      submission, LMTP, sendmail, Maildir, IMAP; copies and marks in the user's mailbox
            journal/     what is sent, how far it has come, what became of it: SQLite and a spool
            sources/     files, standard input, mbox, Maildir, IMAP
            imap/        sessions with an IMAP server
            accounts/    which account it is; passwords and tokens; what a provider does with a From
            resolver.py  the DNS
            config/      the configuration file, and what is known of providers
            transport/   sockets and TLS; it drives smtp/
    PURE    plan/        what is asked + a message = what will happen
            receipt.py   what became of each recipient, and the exit status
            smtp/        the protocol without a network
            message/     octets in, octets out
            delivery.py  a content in an envelope on its way, and who keeps on disk how far it has come
            envelope.py  who gets it: it never sees a message
            address/     mailboxes and address-lists
            visible.py   hostile octets made harmless for eyes
            duration.py  lengths of time as people write them
            errors.py    every way in which ccc fails

The pure floor has no I/O, no clock, no randomness and no environment; of third parties it knows idna.
Nothing is imported before it is used, so that `import ccc` costs next to nothing.
"""

TYPE_CHECKING = False  # as typing has it, which is not imported for this alone
if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.api import plan_redirect, plan_resend
    from ccc.dispatch import deliver
    from ccc.errors import CccError
    from ccc.journal.opening import open_journal
    from ccc.plan import Plan
    from ccc.receipt import Outcome, Receipt, State

__version__ = "0.1.0"

__all__ = [
    "CccError",
    "Mailbox",
    "Outcome",
    "Plan",
    "Receipt",
    "State",
    "deliver",
    "open_journal",
    "plan_redirect",
    "plan_resend",
]

_HOMES = {
    "CccError": "ccc.errors",
    "Mailbox": "ccc.address",
    "Outcome": "ccc.receipt",
    "Plan": "ccc.plan",
    "Receipt": "ccc.receipt",
    "State": "ccc.receipt",
    "deliver": "ccc.dispatch",
    "open_journal": "ccc.journal.opening",
    "plan_redirect": "ccc.api",
    "plan_resend": "ccc.api",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ccc' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
